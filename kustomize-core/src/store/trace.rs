//! What the rendering of a kustomization depends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ask::{Answer, Ask, Memo};
use crate::collections::IndexSet;
use crate::host::{Host, HostError};

/// All that a host was asked while a kustomization was rendered, and its answers.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(super) asked: Vec<(Ask, Answer)>,
    /// The traces of kustomizations that it builds on.
    pub(super) below: Vec<Arc<Trace>>,
    /// Levels of kustomizations, itself included.
    pub(super) height: usize,
    /// Directory of the kustomization.
    pub(super) root: String,
    /// Whether it depends on what cannot be asked again: the network, or a program.
    pub(super) volatile: bool,
    /// Whether it did something to the rest of its build, so that it cannot be left out of one.
    pub(super) has_effects: bool,
    /// The last generation in which it was known to hold.
    pub(super) held: AtomicU64,
}

/// A path that a build looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Input {
    /// The path, as the host knows it.
    pub path: String,
    /// Whether there was a file or directory to read. Where there was none, one that appears may
    /// change what is built.
    pub found: bool,
}

impl Trace {
    /// Whether a host would answer everything as it did, as far as is known since a generation.
    pub(crate) fn holds(&self, memo: &Memo, host: &dyn Host, since: u64) -> bool {
        if self.held.load(Ordering::Acquire) >= since {
            return true;
        }
        let holds = !self.volatile
            && self.asked.iter().all(|(ask, answer)| memo.ask(ask, host, since) == *answer)
            && self.below.iter().all(|below| below.holds(memo, host, since));
        if holds {
            self.held.fetch_max(since, Ordering::AcqRel);
        }
        holds
    }

    /// Whether it did something to the rest of its build, so that it cannot be left out of one.
    pub(crate) fn has_effects(&self) -> bool {
        self.has_effects
    }

    /// Whether a change at a path may make a difference.
    pub(crate) fn is_touched_by(&self, changed: &str) -> bool {
        self.any(&mut |trace| trace.asked.iter().any(|(ask, answer)| ask.is_touched_by(changed, answer)))
    }

    /// How often a file was read.
    pub(crate) fn count_reads(&self, path: &str) -> usize {
        let mut count = 0;
        let is_it = |ask: &Ask| matches!(ask, Ask::Read(read) if **read == *path);
        self.any(&mut |trace| {
            count += trace.asked.iter().filter(|(ask, _)| is_it(ask)).count();
            false
        });
        count
    }

    /// Levels of kustomizations, itself included.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Whether any directory of a kustomization in it satisfies a predicate.
    pub(crate) fn any_root(&self, mut is: impl FnMut(&str) -> bool) -> bool {
        self.any(&mut |trace| is(&trace.root))
    }

    /// The paths that were looked at, sorted.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let mut inputs = Vec::new();
        self.any(&mut |trace| {
            trace.collect(&mut inputs);
            false
        });
        // A path that was found once counts as found.
        inputs.sort_by(|a, b| a.path.cmp(&b.path).then(b.found.cmp(&a.found)));
        inputs.dedup_by(|next, first| next.path == first.path);
        inputs
    }

    fn collect(&self, inputs: &mut Vec<Input>) {
        for (ask, answer) in &self.asked {
            let problem = match answer {
                Answer::Content(outcome) => outcome.as_ref().err(),
                Answer::Names(outcome) => outcome.as_ref().err(),
                Answer::Path(Err(error)) => Some(error),
                // The link that leads there.
                Answer::Path(Ok(resolved)) if ask.path().is_some_and(|path| *path != **resolved) => None,
                Answer::Path(Ok(_)) | Answer::Kind(_) | Answer::Value(_) => continue,
            };
            let Some(path) = ask.path() else { continue };
            let found = problem.is_none_or(|problem| *problem != HostError::NotFound);
            inputs.push(Input { path: path.to_owned(), found });
        }
    }

    /// Whether this trace or any below it satisfies a predicate. Each is looked at once, however
    /// many others it is below of.
    fn any(&self, is: &mut dyn FnMut(&Trace) -> bool) -> bool {
        fn search<'t>(
            trace: &'t Trace,
            seen: &mut IndexSet<*const Trace>,
            is: &mut dyn FnMut(&'t Trace) -> bool,
        ) -> bool {
            is(trace)
                || trace.below.iter().any(|below| seen.insert(Arc::as_ptr(below)) && search(below, seen, is))
        }
        search(self, &mut IndexSet::default(), is)
    }
}
