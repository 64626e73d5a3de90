//! State in one crash-safe file.
//!
//! A thread writes what has queued up in one transaction after the other, so that many writes
//! share the wait for the disk. A write is answered once it is on the disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::name::Name;
use crate::status::ApiError;

/// `resource`, `namespace` and `name`, parted by zero bytes, lead to the object as JSON.
const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects");
/// The revision of the last write.
const REVISION: TableDefinition<'_, &str, u64> = TableDefinition::new("revision");

/// The pause after the disk could not be written.
const PAUSE: Duration = Duration::from_secs(1);

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
    done: oneshot::Sender<Stored>,
}

/// Whether a write got to the disk, or why not.
type Stored = Result<(), String>;

/// The writing thread.
pub(crate) struct Journal {
    writes: mpsc::Sender<Write>,
    _thread: JoinHandle<()>,
}

/// A write on its way to the disk.
pub(crate) struct Ticket(Option<oneshot::Receiver<Stored>>);

impl Ticket {
    pub(crate) fn done() -> Ticket {
        Ticket(None)
    }

    /// Waits until the write is on the disk.
    pub(crate) async fn wait(self) -> Result<(), ApiError> {
        let Some(done) = self.0 else { return Ok(()) };
        let stored = done.await.unwrap_or_else(|_| Err("the cluster has ended".to_owned()));
        stored.map_err(|why| ApiError::internal(format!("the write could not be stored: {why}")))
    }
}

/// Opens the file, or makes it.
type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send>;

impl Journal {
    /// Opens a file, or makes one, and reads all of it.
    pub(crate) fn open(path: &Path) -> Result<(Journal, Vec<Record>, u64), redb::Error> {
        let file = path.to_owned();
        Journal::with(
            path,
            Box::new(move || Database::builder().create_with_backend(FileBackend::new(private(&file)?)?)),
        )
    }

    fn with(path: &Path, open: Open) -> Result<(Journal, Vec<Record>, u64), redb::Error> {
        let database = open()?;
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
        let mut file = Storage { path: path.to_owned(), open, database: Some(database), failure: None };
        let thread = std::thread::spawn(move || run(&mut file, &queue));
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

/// Opens the file, or makes it. It holds Secrets and the rights of an administrator: only its owner may read it.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        // The file may be from before, or a copy.
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700))?;
        }
    }
    Ok(file)
}

fn decode(key: &str, bytes: &[u8]) -> Option<Record> {
    let mut parts = key.split('\0');
    let (resource, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let revision = value.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok()?;
    let name = Name { namespace: namespace.to_owned(), name: name.to_owned() };
    Some(Record { resource: resource.to_owned(), name, revision, value })
}

/// Writes what queues up. What could not be written, because the disk is full for example, is written with what comes
/// next: the state in memory has it, and a later write may build on it.
fn run(file: &mut Storage, queue: &mpsc::Receiver<Write>) {
    let mut owed = Owed::default();
    let mut is_open = true;
    while is_open {
        let first = match owed.objects.is_empty() {
            true => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => queue.recv_timeout(PAUSE),
        };
        is_open = !matches!(first, Err(RecvTimeoutError::Disconnected));
        let mut waiting = Vec::new();
        for write in first.into_iter().chain(queue.try_iter()) {
            owed.objects.insert(write.key, write.bytes);
            owed.revision = write.revision;
            waiting.push(write.done);
        }
        let stored = if owed.objects.is_empty() { Ok(()) } else { file.store(&owed) };
        if stored.is_ok() {
            owed.objects.clear();
        }
        for done in waiting {
            // Whoever waited may have gone.
            let _ = done.send(stored.clone());
        }
    }
}

/// What is to be written.
#[derive(Default)]
struct Owed {
    /// Objects by their keys; nothing where one was deleted.
    objects: BTreeMap<String, Option<Bytes>>,
    /// The revision of the last write.
    revision: u64,
}

/// The file.
struct Storage {
    path: PathBuf,
    open: Open,
    /// Nothing after a failure: redb refuses everything until it is opened anew.
    database: Option<Database>,
    /// The last failure, since the last success.
    failure: Option<(Instant, String)>,
}

impl Storage {
    /// Writes all that is owed, or nothing. Does not try again at once after a failure.
    fn store(&mut self, owed: &Owed) -> Stored {
        if let Some((at, why)) = &self.failure
            && at.elapsed() < PAUSE
        {
            return Err(why.clone());
        }
        let stored = self.try_store(owed).map_err(|error| format!("{}: {error}", self.path.display()));
        if let Err(error) = &stored {
            tracing::error!(%error, "cannot write the cluster's file");
        }
        self.failure = stored.as_ref().err().map(|why| (Instant::now(), why.clone()));
        stored
    }

    fn try_store(&mut self, owed: &Owed) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            None => (self.open)()?,
        };
        let transaction = database.begin_write()?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            for (key, bytes) in &owed.objects {
                match bytes {
                    Some(bytes) => objects.insert(key.as_str(), bytes.as_ref())?,
                    None => objects.remove(key.as_str())?,
                };
            }
            transaction.open_table(REVISION)?.insert("last", owed.revision)?;
        }
        transaction.commit()?;
        self.database = Some(database);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::StorageBackend;

    use super::*;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    /// A file on a disk that can be full.
    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        is_full: Arc<AtomicBool>,
    }

    impl Disk {
        fn check(&self) -> io::Result<()> {
            match self.is_full.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.check()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.check()?;
            self.file.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.file.close()
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_file() -> Outcome {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("cluster.redb");
        let mode = || std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o777);
        let (journal, ..) = Journal::open(&path)?;
        assert_eq!(mode()?, 0o600);
        let Journal { writes, _thread: thread } = journal;
        drop(writes);
        assert!(thread.join().is_ok());
        // One from an earlier version.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        let _journal = Journal::open(&path)?;
        assert_eq!(mode()?, 0o600);
        Ok(())
    }

    #[tokio::test]
    async fn a_disk_that_was_full_gets_what_it_has_missed() -> Outcome {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("cluster.redb");
        let is_full = Arc::<AtomicBool>::default();
        let (file, full) = (path.clone(), Arc::clone(&is_full));
        let open = move || {
            let mut options = std::fs::OpenOptions::new();
            let file = options.create(true).truncate(false).read(true).write(true).open(&file)?;
            let disk = Disk { file: FileBackend::new(file)?, is_full: Arc::clone(&full) };
            Database::builder().create_with_backend(disk)
        };
        let (journal, ..) = Journal::with(&path, Box::new(open))?;
        let write = |name: &str, revision: u64, is_there: bool| {
            let value = format!(r#"{{"metadata": {{"resourceVersion": "{revision}"}}}}"#);
            let name = Name { namespace: "default".to_owned(), name: name.to_owned() };
            journal.write("configmaps", &name, revision, is_there.then(|| Bytes::from(value)))
        };
        assert!(write("kept", 2, true).wait().await.is_ok());
        assert!(write("deleted", 3, true).wait().await.is_ok());
        is_full.store(true, Ordering::Relaxed);
        for ticket in [write("kept", 4, true), write("deleted", 5, false), write("added", 6, true)] {
            let error = ticket.wait().await.err().ok_or("it was stored")?.to_string();
            assert!(error.contains("cluster.redb: ") && error.contains("no storage space"), "{error}");
        }
        is_full.store(false, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
        // Nothing that was missed is needed again for it to be stored.
        assert!(write("last", 7, true).wait().await.is_ok());
        let Journal { writes, _thread: thread } = journal;
        drop(writes);
        assert!(thread.join().is_ok());
        let (_, records, revision) = Journal::open(&path)?;
        let found: Vec<_> =
            records.iter().map(|record| (record.name.name.as_str(), record.revision)).collect();
        assert_eq!((found, revision), (vec![("added", 6), ("kept", 4), ("last", 7)], 7));
        Ok(())
    }
}
