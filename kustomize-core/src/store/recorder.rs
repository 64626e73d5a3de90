//! The host as one build sees it: everything that is asked is written down.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use super::ask::{Answer, Ask, Digest};
use super::{Store, Trace, locked};
use crate::host::{Command, EntryKind, Host, HostError, Output, Repository};

/// A host that keeps a trace of the kustomizations that are being rendered.
pub(crate) struct Recorder<'a> {
    host: &'a dyn Host,
    store: &'a Store,
    /// The generation in which the build began.
    generation: u64,
    /// The traces of the kustomization that is rendered now and of those that build on it,
    /// innermost last.
    open: Mutex<Vec<Trace>>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(host: &'a dyn Host, store: &'a Store) -> Self {
        Recorder { host, store, generation: store.memo.now(), open: Mutex::default() }
    }

    /// The store of the build.
    pub(crate) fn store(&self) -> &'a Store {
        self.store
    }

    /// Begins the trace of a kustomization.
    pub(crate) fn begin(&self, root: &str) {
        let trace = Trace { root: root.to_owned(), ..Trace::default() };
        locked(&self.open).push(trace);
    }

    /// Ends it. It is part of the trace of whatever builds on it.
    pub(crate) fn end(&self) -> Arc<Trace> {
        let mut open = locked(&self.open);
        let mut trace = open.pop().unwrap_or_default();
        trace.height = 1 + trace.below.iter().map(|below| below.height).max().unwrap_or_default();
        trace.held = AtomicU64::new(self.generation);
        let trace = Arc::new(trace);
        if let Some(outer) = open.last_mut() {
            include(outer, &trace);
        }
        trace
    }

    /// What is taken over from an earlier build.
    pub(crate) fn reuse(&self, trace: &Arc<Trace>) {
        if let Some(outer) = locked(&self.open).last_mut() {
            include(outer, trace);
        }
    }

    /// Notes that what is being rendered has an effect on the rest of the build.
    pub(crate) fn note_effect(&self) {
        if let Some(trace) = locked(&self.open).last_mut() {
            trace.has_effects = true;
        }
    }

    /// Notes that what is being rendered depends on what cannot be asked again.
    fn note_volatile(&self) {
        if let Some(trace) = locked(&self.open).last_mut() {
            trace.volatile = true;
        }
    }

    /// Whether a trace of an earlier build still holds.
    pub(crate) fn holds(&self, trace: &Trace) -> bool {
        !self.store.is_lasting() || trace.holds(&self.store.memo, self.host, self.generation)
    }

    /// What is kept of a file whose content is known in this generation. Counts as reading it if
    /// anything is: another build may have read the file just now, and not have kept it yet.
    pub(crate) fn known_content<T>(&self, path: &str, kept: impl FnOnce(Digest) -> Option<T>) -> Option<T> {
        if !self.store.is_lasting() {
            return None;
        }
        let ask = Ask::Read(path.into());
        match self.store.memo.known(&ask, self.generation)? {
            Answer::Content(Ok(digest)) => {
                let kept = kept(digest)?;
                self.write_down(ask, Answer::Content(Ok(digest)));
                Some(kept)
            }
            _ => None,
        }
    }

    /// The digest of a content, where builds will follow that need it.
    pub(crate) fn digest(&self, content: &[u8]) -> Option<Digest> {
        self.store.is_lasting().then(|| self.store.memo.digest(content))
    }

    fn write_down(&self, ask: Ask, answer: Answer) {
        if let Some(trace) = locked(&self.open).last_mut() {
            trace.asked.push((ask, answer));
        }
    }

    /// Writes down an answer that comes from the host itself.
    fn note(&self, ask: Ask, answer: Answer) {
        if self.store.is_lasting() {
            self.store.memo.note(ask.clone(), answer.clone(), self.generation);
        }
        self.write_down(ask, answer);
    }

    /// Asks what may have been asked before.
    fn ask(&self, ask: Ask) -> Answer {
        let answer = if self.store.is_lasting() {
            self.store.memo.ask(&ask, self.host, self.generation)
        } else {
            self.store.memo.ask_anew(&ask, self.host)
        };
        self.write_down(ask, answer.clone());
        answer
    }
}

fn include(outer: &mut Trace, inner: &Arc<Trace>) {
    outer.volatile |= inner.volatile;
    outer.has_effects |= inner.has_effects;
    outer.below.push(Arc::clone(inner));
}

/// No host answers so.
fn confused<T>() -> Result<T, HostError> {
    Err(HostError::Other("the answer does not fit the question".to_owned()))
}

impl Host for Recorder<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let content = self.host.read(path);
        let digest = match &content {
            Ok(content) if self.store.is_lasting() => Ok(self.store.memo.digest(content)),
            Ok(_) => Ok(Digest::default()),
            Err(error) => Err(error.clone()),
        };
        self.note(Ask::Read(path.into()), Answer::Content(digest));
        content
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        match self.ask(Ask::Resolve(path.into())) {
            Answer::Path(outcome) => outcome.map(Into::into),
            _ => confused(),
        }
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        if self.store.is_lasting() {
            return self.resolve(path);
        }
        let outcome = self.host.resolve_below(directory, path);
        let answer = Answer::Path(outcome.clone().map(Into::into));
        self.write_down(Ask::Resolve(path.into()), answer);
        outcome
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        match self.ask(Ask::Kind(path.into())) {
            Answer::Kind(outcome) => outcome,
            _ => confused(),
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        match self.ask(Ask::List(directory.into())) {
            Answer::Names(outcome) => outcome,
            _ => confused(),
        }
    }

    fn environment(&self, name: &str) -> Option<String> {
        match self.ask(Ask::Environment(name.into())) {
            Answer::Value(value) => value.map(Into::into),
            _ => None,
        }
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.host.current_directory()
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.note_volatile();
        self.host.fetch(url)
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        self.note_volatile();
        self.host.clone_repository(repository)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.note_volatile();
        self.host.run(command)
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        self.note_volatile();
        self.host.scratch_directory()
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        self.host.write_scratch(path, content)
    }

    fn remove_scratch(&self, directory: &str) {
        self.host.remove_scratch(directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryHost;

    #[test]
    fn a_file_that_another_build_has_yet_to_keep_is_read_once() -> Result<(), HostError> {
        let (host, store) = (MemoryHost::from_iter([("/a.yaml", "a: 1")]), Store::lasting());
        Recorder::new(&host, &store).read("/a.yaml")?;
        let recorder = Recorder::new(&host, &store);
        recorder.begin("/");
        assert_eq!(recorder.known_content("/a.yaml", |_| None::<()>), None);
        recorder.read("/a.yaml")?;
        let trace = recorder.end();
        assert_eq!(trace.count_reads("/a.yaml"), 1);
        Ok(())
    }
}
