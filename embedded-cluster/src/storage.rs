//! Objects, the order in which they changed, and the indexes over them.
//!
//! All state stands behind one lock that is only held for moments. Each kind of resource has a
//! table and a log of its changes; watches read the log at their own pace.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::journal::{Journal, Record, Ticket};
pub(crate) use crate::name::Name;

/// Changes that a table's log keeps.
const LOG_LENGTH: usize = 5_000;

/// A stored object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    pub(crate) revision: u64,
    bytes: OnceLock<Bytes>,
}

impl Object {
    fn new(value: Value, revision: u64) -> Object {
        Object { value, revision, bytes: OnceLock::new() }
    }

    /// The object as JSON, printed once.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.get_or_init(|| Bytes::from(self.value.to_string())).clone()
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One entry of a log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) change: Change,
    pub(crate) object: Arc<Object>,
    pub(crate) previous: Option<Arc<Object>>,
}

/// What the controllers hear about a change.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) resource: Arc<str>,
    pub(crate) name: Name,
    pub(crate) event: Event,
}

/// What has to be stored already for a write to go through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    Absent,
    Revision(u64),
}

/// Someone else wrote in between.
#[derive(Debug)]
pub(crate) struct Outdated;

struct Table {
    objects: BTreeMap<Name, Arc<Object>>,
    log: VecDeque<Event>,
    /// Changes up to here are no longer in the log.
    compacted: u64,
    latest: watch::Sender<u64>,
}

struct Inner {
    revision: u64,
    /// Changes up to here are in no log.
    start: u64,
    tables: BTreeMap<Arc<str>, Table>,
    by_uid: HashMap<String, (Arc<str>, Name)>,
    dependents: HashMap<String, BTreeSet<(Arc<str>, Name)>>,
}

/// The store.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    journal: Option<Journal>,
    notices: mpsc::UnboundedSender<Notice>,
}

/// A list as of one moment.
pub(crate) struct Listing {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Object>>,
    /// The last name seen, when there is more.
    pub(crate) more: Option<Name>,
    pub(crate) remaining: usize,
}

impl Table {
    fn new(revision: u64) -> Table {
        Table {
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            compacted: revision,
            latest: watch::Sender::new(revision),
        }
    }

    fn record(&mut self, event: Event) {
        let revision = event.revision;
        self.log.push_back(event);
        if self.log.len() > LOG_LENGTH
            && let Some(oldest) = self.log.pop_front()
        {
            self.compacted = oldest.revision;
        }
        self.latest.send_replace(revision);
    }
}

fn metadata_text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn owners(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|owner| owner.get("uid")).filter_map(Value::as_str)
}

impl Inner {
    fn index(&mut self, resource: &Arc<str>, name: &Name, value: &Value) {
        let uid = metadata_text(value, "uid");
        if !uid.is_empty() {
            self.by_uid.insert(uid.to_owned(), (resource.clone(), name.clone()));
        }
        for owner in owners(value) {
            self.dependents.entry(owner.to_owned()).or_default().insert((resource.clone(), name.clone()));
        }
    }

    fn forget(&mut self, resource: &Arc<str>, name: &Name, value: &Value) {
        let key = (resource.clone(), name.clone());
        if self.by_uid.get(metadata_text(value, "uid")) == Some(&key) {
            self.by_uid.remove(metadata_text(value, "uid"));
        }
        for owner in owners(value) {
            if let Some(list) = self.dependents.get_mut(owner) {
                list.remove(&key);
                if list.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }

    fn table(&mut self, resource: &Arc<str>) -> &mut Table {
        // A table that is new has had no changes since: who has listed it before can follow it.
        let start = self.start;
        self.tables.entry(resource.clone()).or_insert_with(|| Table::new(start))
    }
}

impl Store {
    /// An empty store, or what the journal holds.
    pub(crate) fn new(
        journal: Option<(Journal, Vec<Record>, u64)>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Store {
        let mut inner = Inner {
            revision: 1,
            start: 0,
            tables: BTreeMap::new(),
            by_uid: HashMap::new(),
            dependents: HashMap::new(),
        };
        let journal = journal.map(|(journal, records, revision)| {
            inner.revision = revision.max(1);
            inner.start = inner.revision;
            for record in records {
                let resource: Arc<str> = record.resource.into();
                inner.index(&resource, &record.name, &record.value);
                let object = Arc::new(Object::new(record.value, record.revision));
                inner.table(&resource).objects.insert(record.name, object);
            }
            journal
        });
        Store { inner: Mutex::new(inner), journal, notices }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    pub(crate) fn get(&self, resource: &Arc<str>, name: &Name) -> Option<Arc<Object>> {
        self.lock().tables.get(resource)?.objects.get(name).cloned()
    }

    /// Where the object with that uid stands.
    pub(crate) fn find(&self, uid: &str) -> Option<(Arc<str>, Name)> {
        self.lock().by_uid.get(uid).cloned()
    }

    /// Who names that uid as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<(Arc<str>, Name)> {
        self.lock().dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Objects of a namespace, or of all when it is empty, in order of their names.
    pub(crate) fn list(
        &self,
        resource: &Arc<str>,
        namespace: &str,
        after: Option<&Name>,
        limit: usize,
        matches: impl Fn(&Value) -> bool,
    ) -> Listing {
        let inner = self.lock();
        let revision = inner.revision;
        let mut listing = Listing { revision, objects: Vec::new(), more: None, remaining: 0 };
        let Some(table) = inner.tables.get(resource) else { return listing };
        let first = Name { namespace: namespace.to_owned(), name: String::new() };
        let start = after.map_or(Bound::Included(&first), Bound::Excluded);
        let mut last = None;
        for (name, object) in table.objects.range((start, Bound::Unbounded)) {
            if !namespace.is_empty() && name.namespace != namespace {
                break;
            }
            if listing.objects.len() >= limit {
                if listing.more.is_none() {
                    listing.more = last.take();
                }
                listing.remaining += 1;
                continue;
            }
            if matches(&object.value) {
                listing.objects.push(object.clone());
                last = Some(name.clone());
            }
        }
        listing
    }

    /// Whether any table holds objects of the namespace, other than in those tables.
    pub(crate) fn names_in(&self, namespace: &str) -> Vec<(Arc<str>, Name)> {
        let inner = self.lock();
        let first = Name { namespace: namespace.to_owned(), name: String::new() };
        let mut names = Vec::new();
        let mut resources: Vec<_> = inner.tables.iter().collect();
        resources.sort_by_key(|(resource, _)| (*resource).clone());
        for (resource, table) in resources {
            let own = table.objects.range(&first..).take_while(|(name, _)| name.namespace == namespace);
            names.extend(own.map(|(name, _)| (resource.clone(), name.clone())));
        }
        names
    }

    /// Stores an object, or deletes it when `value` is `None`.
    pub(crate) fn commit(
        &self,
        resource: &Arc<str>,
        name: &Name,
        expect: Expect,
        value: Option<Value>,
    ) -> Result<(Arc<Object>, Ticket), Outdated> {
        let mut inner = self.lock();
        let current = inner.tables.get(resource).and_then(|table| table.objects.get(name)).cloned();
        match (expect, &current) {
            (Expect::Absent, None) => {}
            (Expect::Revision(revision), Some(object)) if object.revision == revision => {}
            _ => return Err(Outdated),
        }
        inner.revision += 1;
        let revision = inner.revision;
        if let Some(old) = &current {
            inner.forget(resource, name, &old.value);
        }
        let deleted = value.is_none();
        let mut value = match (value, &current) {
            (Some(value), _) => value,
            (None, Some(old)) => old.value.clone(),
            (None, None) => return Err(Outdated),
        };
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
        }
        if !deleted {
            inner.index(resource, name, &value);
        }
        let object = Arc::new(Object::new(value, revision));
        let change = match (&current, deleted) {
            (_, true) => Change::Deleted,
            (None, false) => Change::Added,
            (Some(_), false) => Change::Modified,
        };
        let event = Event { revision, change, object: object.clone(), previous: current };
        let table = inner.table(resource);
        if deleted {
            table.objects.remove(name);
        } else {
            table.objects.insert(name.clone(), object.clone());
        }
        table.record(event.clone());
        let ticket = match &self.journal {
            Some(journal) => {
                let bytes = (!deleted).then(|| object.bytes());
                journal.write(resource, name, revision, bytes)
            }
            None => Ticket::done(),
        };
        // Nobody listens any more when the cluster shuts down.
        let _ = self.notices.send(Notice { resource: resource.clone(), name: name.clone(), event });
        Ok((object, ticket))
    }

    /// What changed in a table after a revision, and how to hear of more. `None` when the log no
    /// longer reaches back that far.
    pub(crate) fn changes(&self, resource: &Arc<str>, after: u64) -> Option<Vec<Event>> {
        let inner = self.lock();
        let Some(table) = inner.tables.get(resource) else { return Some(Vec::new()) };
        if after < table.compacted {
            return None;
        }
        let start = table.log.partition_point(|event| event.revision <= after);
        Some(table.log.range(start..).cloned().collect())
    }

    pub(crate) fn subscribe(&self, resource: &Arc<str>) -> watch::Receiver<u64> {
        self.lock().table(resource).latest.subscribe()
    }

    /// The current revision and everything in a table, at one moment.
    pub(crate) fn snapshot(&self, resource: &Arc<str>, namespace: &str) -> (u64, Vec<Arc<Object>>) {
        let listing = self.list(resource, namespace, None, usize::MAX, |_| true);
        (listing.revision, listing.objects)
    }

    /// Drops the logs, so that watches from before have to start anew.
    pub(crate) fn compact(&self) {
        let mut inner = self.lock();
        let revision = inner.revision;
        inner.start = revision;
        for table in inner.tables.values_mut() {
            table.log.clear();
            table.compacted = revision;
        }
    }
}
