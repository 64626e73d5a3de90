//! Managed fields: who owns which field, and what follows from it when someone writes.

use serde_json::{Value, json};

use crate::schema::Type;

pub(crate) mod fieldset;
pub(crate) mod typed;

use fieldset::{Element, FieldSet, path_text};

/// Entries of managers that update, beyond which the oldest are merged.
const MOST_UPDATERS: usize = 10;

/// Who writes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    /// Empty for the object itself.
    pub(crate) subresource: &'a str,
    /// The current time as text.
    pub(crate) now: &'a str,
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    manager: String,
    apply: bool,
    api_version: String,
    subresource: String,
    time: Option<String>,
    fields: FieldSet,
}

impl Entry {
    fn decode(value: &Value) -> Option<Entry> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Entry {
            manager: text("manager"),
            apply: text("operation") == "Apply",
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: value.get("time").and_then(Value::as_str).map(str::to_owned),
            fields: FieldSet::decode(value.get("fieldsV1")?)?,
        })
    }

    fn encode(&self) -> Value {
        let mut entry = json!({
            "apiVersion": self.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.encode(),
            "manager": self.manager,
            "operation": if self.apply { "Apply" } else { "Update" },
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = self.subresource.clone().into();
        }
        if let Some(time) = &self.time {
            entry["time"] = time.clone().into();
        }
        entry
    }

    fn is_of(&self, writer: &Writer<'_>, apply: bool) -> bool {
        self.apply == apply
            && self.manager == writer.manager
            && self.subresource == writer.subresource
            && (apply || self.api_version == writer.api_version)
    }
}

/// A field that another manager owns, and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The owner as messages name it.
    pub(crate) manager: String,
    pub(crate) field: String,
}

/// Reads the entries of an object. Entries that cannot be read are dropped.
fn entries_of(object: &Value) -> Vec<Entry> {
    let list = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Entry::decode).collect()
}

fn store_entries(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        (!a.apply, &a.time, &a.manager, &a.api_version, &a.subresource).cmp(&(
            !b.apply,
            &b.time,
            &b.manager,
            &b.api_version,
            &b.subresource,
        ))
    });
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.shift_remove("managedFields");
    } else {
        let entries = entries.iter().map(Entry::encode).collect();
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

/// The object without its managed fields.
pub(crate) fn without_entries(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    bare
}

/// Fields that nobody owns: identity and what the server writes.
fn unowned() -> FieldSet {
    let mut set = FieldSet::default();
    let field = |name: &str| Element::Field(name.to_owned());
    for path in ["apiVersion", "kind", "metadata"] {
        set.insert(&[field(path)]);
    }
    let names = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    for name in names {
        set.insert(&[field("metadata"), field(name)]);
    }
    set
}

fn owned_part(set: &FieldSet, reset: &FieldSet) -> FieldSet {
    set.without(reset).difference(&unowned())
}

/// Records an update or a creation: the writer owns what changed, nobody else does.
///
/// `reset` are fields that this way of writing cannot change.
pub(crate) fn record_update(
    of: Type<'_>,
    old: &Value,
    new: &mut Value,
    writer: &Writer<'_>,
    reset: &FieldSet,
) {
    let old_bare = without_entries(old);
    let given = new.pointer("/metadata/managedFields");
    let is_reset = given.and_then(Value::as_array).is_some_and(|list| {
        list.is_empty() || (list.len() == 1 && list[0].as_object().is_some_and(|entry| entry.is_empty()))
    });
    let mut entries = if is_reset && writer.subresource.is_empty() { Vec::new() } else { entries_of(new) };
    if !is_reset && (entries.is_empty() || !writer.subresource.is_empty()) {
        entries = entries_of(old);
    }
    let new_bare = without_entries(new);
    if is_reset && !old.is_null() {
        store_entries(new, Vec::new());
        return;
    }
    let difference = typed::compare(of, &old_bare, &new_bare);
    let taken = difference.modified.union(&difference.added);
    for entry in entries.iter_mut().filter(|entry| !entry.is_of(writer, false)) {
        entry.fields = entry.fields.difference(&taken).difference(&difference.removed);
    }
    let place = entries.iter().position(|entry| entry.is_of(writer, false));
    let mine = place.map(|place| entries.remove(place));
    let before = mine.as_ref().map(|entry| entry.fields.clone()).unwrap_or_default();
    let fields = owned_part(&before.difference(&difference.removed).union(&taken), reset);
    if !fields.is_empty() {
        let time = match &mine {
            Some(entry) if entry.fields == fields => entry.time.clone(),
            _ => Some(writer.now.to_owned()),
        };
        entries.push(Entry {
            manager: writer.manager.to_owned(),
            apply: false,
            api_version: writer.api_version.to_owned(),
            subresource: writer.subresource.to_owned(),
            time,
            fields,
        });
    }
    cap(&mut entries);
    store_entries(new, entries);
}

/// Merges the oldest updaters of the same version when there are too many.
fn cap(entries: &mut Vec<Entry>) {
    loop {
        let mut updaters: Vec<usize> = (0..entries.len())
            .filter(|&at| !entries[at].apply && entries[at].subresource.is_empty())
            .collect();
        if updaters.len() <= MOST_UPDATERS {
            return;
        }
        updaters.sort_by(|&a, &b| entries[a].time.cmp(&entries[b].time));
        let (first, second) = (updaters[0], updaters[1]);
        let merged = entries[first].fields.union(&entries[second].fields);
        entries[first].manager = "ancient-changes".to_owned();
        entries[first].fields = merged;
        entries.remove(second);
    }
}

/// What an application comes to.
pub(crate) struct Applied {
    /// The merged object with its managed fields.
    pub(crate) object: Value,
    /// Whether neither object nor owners differ from before, times aside.
    pub(crate) unchanged: bool,
}

/// Applies a configuration to the live object (`Null` when there is none).
pub(crate) fn apply(
    of: Type<'_>,
    live: &Value,
    config: &Value,
    writer: &Writer<'_>,
    reset: &FieldSet,
    force: bool,
    mut finish: impl FnMut(&mut Value),
) -> Result<Applied, Vec<Conflict>> {
    let live_bare = without_entries(live);
    let mut entries = entries_of(live);
    let exists = live.pointer("/metadata/uid").is_some();
    if entries.is_empty() && exists {
        // The object was never tracked: what it holds belongs to whoever was there before.
        let fields = owned_part(&typed::fields_of(of, &live_bare), &FieldSet::default());
        entries.push(Entry {
            manager: "before-first-apply".to_owned(),
            apply: false,
            api_version: writer.api_version.to_owned(),
            subresource: String::new(),
            time: Some(writer.now.to_owned()),
            fields,
        });
    }
    let before = entries.clone();
    let config = without_entries(config);
    let mut merged = typed::merge(of, &live_bare, &config);
    let place = entries.iter().position(|entry| entry.is_of(writer, true));
    let last = place.map(|place| entries.remove(place));
    let fields = owned_part(&typed::fields_of(of, &config), reset);
    entries.push(Entry {
        manager: writer.manager.to_owned(),
        apply: true,
        api_version: writer.api_version.to_owned(),
        subresource: writer.subresource.to_owned(),
        time: last.as_ref().and_then(|entry| entry.time.clone()),
        fields: fields.clone(),
    });
    if let Some(last) = &last {
        merged = prune(of, merged, &entries, &last.fields);
    }
    finish(&mut merged);
    let difference = typed::compare(of, &live_bare, &merged);
    // What this way of writing cannot change is not taken from its owner, whatever the server makes of it.
    let taken = difference.modified.union(&difference.added).without(reset);
    let removed = difference.removed.without(reset);
    let mut conflicts = Vec::new();
    for entry in entries.iter_mut().filter(|entry| !entry.is_of(writer, true)) {
        let contested = entry.fields.intersection(&taken);
        if !contested.is_empty() && !force {
            for path in contested.paths() {
                conflicts.push(Conflict { manager: describe(entry), field: path_text(&path) });
            }
        }
        entry.fields = entry.fields.difference(&contested).difference(&removed);
    }
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    entries.retain(|entry| !entry.fields.is_empty());
    let same_owners = exists && last.as_ref().is_some_and(|last| last.fields == fields) && {
        let others = |entries: &[Entry]| -> Vec<Entry> {
            entries.iter().filter(|entry| !entry.is_of(writer, true)).cloned().collect()
        };
        others(&before) == others(&entries)
            && last.as_ref().is_some_and(|last| last.api_version == writer.api_version)
    };
    let unchanged = same_owners && merged == live_bare;
    if !unchanged {
        for entry in entries.iter_mut().filter(|entry| entry.is_of(writer, true)) {
            entry.time = Some(writer.now.to_owned());
        }
    }
    store_entries(&mut merged, entries);
    Ok(Applied { object: merged, unchanged })
}

fn describe(entry: &Entry) -> String {
    let mut text = format!("{:?}", entry.manager);
    if !entry.subresource.is_empty() {
        text.push_str(&format!(" with subresource {:?}", entry.subresource));
    }
    if !entry.apply {
        text.push_str(&format!(" using {}", entry.api_version));
        if let Some(time) = &entry.time {
            text.push_str(&format!(" at {time}"));
        }
    }
    text
}

/// Removes what the last configuration had, this one has not, and nobody else owns.
fn prune(of: Type<'_>, merged: Value, entries: &[Entry], last: &FieldSet) -> Value {
    if last.is_empty() {
        return merged;
    }
    let named = |set: &FieldSet| set.with_named_fields(of);
    let all = named(&typed::fields_of(of, &merged));
    let take = |set: &FieldSet| typed::remove(of, &merged, set).unwrap_or_else(|| json!({}));
    let mut pruned = take(&named(last));
    let owned = entries.iter().fold(FieldSet::default(), |owned, entry| owned.union(&entry.fields));
    let kept = named(&typed::fields_of(of, &pruned));
    pruned = take(&all.difference(&kept.union(&named(&owned))));
    // A map that has lost all of its fields is gone from `pruned`; it stays if somebody owns it.
    let kept = named(&typed::fields_of(of, &pruned)).union(&named(&owned));
    take(&all.difference(&kept).intersection(&named(last)))
}

/// The message about conflicts, and its causes.
pub(crate) fn conflict_message(conflicts: &[Conflict]) -> (String, Value) {
    let causes = conflicts
        .iter()
        .map(|conflict| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {}", conflict.manager), "field": conflict.field}))
        .collect();
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for conflict in conflicts {
        match groups.iter_mut().find(|(manager, _)| *manager == conflict.manager) {
            Some((_, fields)) => fields.push(&conflict.field),
            None => groups.push((&conflict.manager, vec![&conflict.field])),
        }
    }
    groups.sort();
    let count =
        if conflicts.len() == 1 { "1 conflict".to_owned() } else { format!("{} conflicts", conflicts.len()) };
    let text = match groups.as_slice() {
        [(manager, fields)] => match fields.as_slice() {
            [field] => format!("Apply failed with {count}: conflict with {manager}: {field}"),
            fields => {
                let fields: Vec<String> = fields.iter().map(|field| format!("- {field}")).collect();
                format!("Apply failed with {count}: conflicts with {manager}:\n{}", fields.join("\n"))
            }
        },
        groups => {
            let groups: Vec<String> = groups
                .iter()
                .map(|(manager, fields)| {
                    let fields: Vec<String> = fields.iter().map(|field| format!("- {field}")).collect();
                    format!("conflicts with {manager}:\n{}", fields.join("\n"))
                })
                .collect();
            format!("Apply failed with {count}: {}", groups.join("\n"))
        }
    };
    (text, causes)
}
