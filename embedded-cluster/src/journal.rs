//! State in one crash-safe file.
//!
//! A thread writes what has queued up in one transaction after the other, so that many writes
//! share the wait for the disk. A write is answered once it is on the disk.

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::name::Name;

/// `resource`, `namespace` and `name`, parted by zero bytes, lead to the object as JSON.
const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects");
/// The revision of the last write.
const REVISION: TableDefinition<'_, &str, u64> = TableDefinition::new("revision");

/// An object as the file holds it.
pub(crate) struct Record {
    pub(crate) resource: String,
    pub(crate) name: Name,
    pub(crate) revision: u64,
    pub(crate) value: Value,
}

struct Write {
    key: String,
    revision: u64,
    bytes: Option<Bytes>,
    done: oneshot::Sender<bool>,
}

/// The writing thread.
pub(crate) struct Journal {
    writes: mpsc::Sender<Write>,
    _thread: JoinHandle<()>,
}

/// A write on its way to the disk.
pub(crate) struct Ticket(Option<oneshot::Receiver<bool>>);

impl Ticket {
    pub(crate) fn done() -> Ticket {
        Ticket(None)
    }

    /// Waits until the write is on the disk, and says whether it got there.
    pub(crate) async fn wait(self) -> bool {
        match self.0 {
            Some(done) => done.await.unwrap_or(false),
            None => true,
        }
    }
}

impl Journal {
    /// Opens a file, or makes one, and reads all of it.
    pub(crate) fn open(path: &Path) -> Result<(Journal, Vec<Record>, u64), redb::Error> {
        let database = Database::create(path)?;
        let start = database.begin_write()?;
        {
            start.open_table(OBJECTS)?;
            start.open_table(REVISION)?;
        }
        start.commit()?;
        let read = database.begin_read()?;
        let mut records = Vec::new();
        for entry in read.open_table(OBJECTS)?.iter()? {
            let (key, bytes) = entry?;
            records.extend(decode(key.value(), bytes.value()));
        }
        let revision = read.open_table(REVISION)?.get("last")?.map_or(1, |revision| revision.value());
        drop(read);
        let (writes, queue) = mpsc::channel();
        let thread = std::thread::spawn(move || run(&database, &queue));
        Ok((Journal { writes, _thread: thread }, records, revision))
    }

    pub(crate) fn write(&self, resource: &str, name: &Name, revision: u64, bytes: Option<Bytes>) -> Ticket {
        let (done, receiver) = oneshot::channel();
        let key = format!("{resource}\0{}\0{}", name.namespace, name.name);
        // A thread that is gone drops the sender, which the ticket reports.
        let _ = self.writes.send(Write { key, revision, bytes, done });
        Ticket(Some(receiver))
    }
}

fn decode(key: &str, bytes: &[u8]) -> Option<Record> {
    let mut parts = key.split('\0');
    let (resource, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let revision = value.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok()?;
    let name = Name { namespace: namespace.to_owned(), name: name.to_owned() };
    Some(Record { resource: resource.to_owned(), name, revision, value })
}

fn run(database: &Database, queue: &mpsc::Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter());
        let stored = store(database, &batch);
        if let Err(error) = &stored {
            tracing::error!(%error, "cannot write the cluster's file");
        }
        for write in batch {
            // Whoever waited may have gone.
            let _ = write.done.send(stored.is_ok());
        }
    }
}

fn store(database: &Database, batch: &[Write]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        let mut revisions = transaction.open_table(REVISION)?;
        for write in batch {
            match &write.bytes {
                Some(bytes) => objects.insert(write.key.as_str(), bytes.as_ref())?,
                None => objects.remove(write.key.as_str())?,
            };
            revisions.insert("last", write.revision)?;
        }
    }
    transaction.commit()?;
    Ok(())
}
