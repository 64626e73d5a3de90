//! Many builds that share what they have in common.

mod shortcut;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::build::{Rendered, build_in};
use crate::collections::IndexMap;
use crate::error::BuildError;
use crate::host::{Host, HostError, path};
use crate::options::BuildOptions;
use crate::parallel::Threads;
use crate::store::{Input, RESOURCE_WEIGHT, Recorder, Store, Trace};
use shortcut::{ChangedFile, Shortcut};

/// Builds kustomizations again and again: each file is parsed once, each base rendered once,
/// however many overlays stand on it, and what did not change is not built again.
///
/// Whatever it keeps, the outcome is the same as that of [`build`](crate::build()).
///
/// ```
/// use kustomize_core::{host::MemoryHost, BuildOptions, Session};
///
/// let host = MemoryHost::from_iter([
///     ("/base/kustomization.yaml", "resources: [service.yaml]\n"),
///     ("/base/service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n"),
///     ("/staging/kustomization.yaml", "namePrefix: staging-\nresources: [../base]\n"),
///     ("/production/kustomization.yaml", "namePrefix: production-\nresources: [../base]\n"),
/// ]);
/// let session = Session::new(host, BuildOptions::default());
/// let names: Vec<_> = session
///     .build_many(&["/staging", "/production"])
///     .into_iter()
///     .map(|rendered| Ok(rendered?.resources()[0].name().to_owned()))
///     .collect::<Result<_, kustomize_core::BuildError>>()?;
/// assert_eq!(names, ["staging-web", "production-web"]);
/// # Ok::<(), kustomize_core::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Session<H> {
    host: H,
    options: BuildOptions,
    memory_limit: usize,
    kept: RwLock<Arc<Kept>>,
}

/// What a session keeps.
#[derive(Debug)]
struct Kept {
    store: Store,
    last: Mutex<IndexMap<String, Last>>,
    /// Bytes of memory for the outcomes, roughly.
    weight: AtomicUsize,
}

/// The last build of a path.
#[derive(Clone, Debug)]
struct Last {
    /// None when it failed, as an error is worked out anew, or when it was given up.
    rendered: Option<Rendered>,
    trace: Arc<Trace>,
    /// The generation in which it was brought up to date in a shorter way, which the trace knows
    /// nothing of.
    shortened: Option<u64>,
    /// Made when it is first needed.
    shortcut: Option<Arc<Mutex<Shortcut>>>,
}

impl Last {
    fn new(rendered: Option<Rendered>, trace: Arc<Trace>) -> Self {
        Last { rendered, trace, shortened: None, shortcut: None }
    }

    /// The outcome, if a build would give the same.
    fn if_it_holds(self, host: &dyn Host, store: &Store) -> Option<Rendered> {
        let rendered = self.rendered?;
        let holds = match self.shortened {
            Some(generation) => generation >= store.memo.now(),
            None => Recorder::new(host, store).holds(&self.trace),
        };
        holds.then_some(rendered)
    }

    /// The outcome after files have changed, if they touch it and there is a shorter way to it.
    fn shorten(mut self, changed: &[String], files: &[ChangedFile], now: u64) -> Option<Self> {
        let rendered = self.rendered.take()?;
        let touching: Vec<&String> = changed.iter().filter(|path| self.trace.is_touched_by(path)).collect();
        if touching.is_empty() {
            return None;
        }
        let touching: Vec<&ChangedFile> = touching
            .into_iter()
            .map(|path| files.iter().find(|file| file.path() == path))
            .collect::<Option<_>>()?;
        let shortcut = match self.shortcut.take() {
            Some(shortcut) => shortcut,
            None => Arc::new(Mutex::new(Shortcut::new(&rendered)?)),
        };
        let shortened = shortcut.lock().unwrap_or_else(PoisonError::into_inner).take(
            &rendered,
            &self.trace,
            &touching,
        )?;
        let (rendered, shortcut) = (Some(shortened), Some(shortcut));
        Some(Last { rendered, trace: self.trace, shortened: Some(now), shortcut })
    }

    fn weight(&self) -> usize {
        self.rendered.as_ref().map_or(0, |rendered| rendered.resources().len() * RESOURCE_WEIGHT)
    }
}

impl Default for Kept {
    fn default() -> Self {
        Kept { store: Store::lasting(), last: Mutex::default(), weight: AtomicUsize::new(0) }
    }
}

impl<H: Host> Session<H> {
    /// A session with a host, all builds with the same options.
    pub fn new(host: H, options: BuildOptions) -> Self {
        /// 1 GiB.
        const MEMORY_LIMIT: usize = 1 << 30;
        Session { host, options, memory_limit: MEMORY_LIMIT, kept: RwLock::default() }
    }

    /// The same, with another limit to the memory for what is kept, in bytes. It is 1 GiB unless
    /// said otherwise, and counted roughly. When it is reached, outcomes are given up first, then
    /// all the rest.
    #[must_use]
    pub fn with_memory_limit(self, bytes: usize) -> Self {
        Session { memory_limit: bytes, ..self }
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The host, to change what is in it.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The options of all builds.
    pub fn options(&self) -> &BuildOptions {
        &self.options
    }

    /// Renders the kustomization at a path. Everything that an earlier build has read is read
    /// again, and what has another content is built again.
    ///
    /// # Errors
    /// As [`build`](crate::build()).
    pub fn build(&self, path: &str) -> Result<Rendered, BuildError> {
        let kept = self.kept();
        kept.store.memo.distrust();
        self.build_with(&kept, path, Threads::for_one_build())
    }

    /// Renders many kustomizations, on all cores. The outcomes are in the order of the paths.
    /// No file is read twice.
    pub fn build_many<P: AsRef<str> + Sync>(&self, paths: &[P]) -> Vec<Result<Rendered, BuildError>> {
        let kept = self.kept();
        kept.store.memo.distrust();
        self.build_all(&kept, paths)
    }

    /// Renders many kustomizations, as [`build_many`](Self::build_many) does, and hands each to
    /// `work` as soon as it is there, on the thread that made it: to print it, or to compare it
    /// with something. What `work` makes of them is in the order of the paths. The outcomes
    /// themselves are not kept, only the files and bases: they would be most of the memory.
    /// [`inputs`](Self::inputs) knows of them all the same.
    pub fn map_many<P: AsRef<str> + Sync, R: Send>(
        &self,
        paths: &[P],
        work: impl Fn(&P, Result<Rendered, BuildError>) -> R + Sync,
    ) -> Vec<R> {
        let kept = self.kept();
        kept.store.memo.distrust();
        self.share_out(paths, |given, threads| {
            let path = given.as_ref();
            let last = kept.last(path).and_then(|last| last.if_it_holds(&self.host, &kept.store));
            let outcome = last.map_or_else(
                || {
                    let (outcome, trace) = build_in(&kept.store, &self.host, path, &self.options, threads);
                    kept.put(path, Last::new(None, trace));
                    self.keep_within_limit(&kept);
                    outcome.map(Rendered::for_once)
                },
                Ok,
            );
            work(given, outcome)
        })
    }

    /// Renders kustomizations again after some files have changed, appeared or gone. Nothing else
    /// is looked at: all that earlier builds of this session have read, and that is neither one of
    /// these paths nor below one, is taken to be as it was.
    ///
    /// Paths are those that [`Rendered::inputs`] gives.
    pub fn rebuild<P: AsRef<str> + Sync>(
        &self,
        paths: &[P],
        changed: &[impl AsRef<str>],
    ) -> Vec<Result<Rendered, BuildError>> {
        let kept = self.kept();
        let changed = self.with_gone_directories(changed);
        let files = shortcut::read(&kept.store, &self.host, &changed);
        let shortened = kept.shorten(&changed, &files);
        kept.forget(&changed);
        shortened.into_iter().for_each(|(path, last)| kept.put(&path, last));
        self.build_all(&kept, paths)
    }

    /// The paths that the last build of a kustomization looked at, sorted, whether or not it
    /// succeeded; none if it was not built in this session.
    pub fn inputs(&self, path: &str) -> Vec<Input> {
        let kept = self.kept();
        let trace = kept.last(path).map(|last| last.trace);
        trace.map_or_else(Vec::new, |trace| trace.inputs())
    }

    /// Paths that changed, together with the directories that are gone with them.
    fn with_gone_directories(&self, changed: &[impl AsRef<str>]) -> Vec<String> {
        let mut all = Vec::new();
        for path in changed.iter().map(|path| path.as_ref()) {
            all.push(path.to_owned());
            let parents = path::ancestors(path).skip(1);
            let is_gone =
                |path: &&str| !matches!(*path, "/" | ".") && self.host.kind(path) == Err(HostError::NotFound);
            all.extend(parents.take_while(is_gone).map(str::to_owned));
        }
        all
    }

    fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.kept.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn build_all<P: AsRef<str> + Sync>(&self, kept: &Kept, paths: &[P]) -> Vec<Result<Rendered, BuildError>> {
        self.share_out(paths, |path, threads| self.build_with(kept, path.as_ref(), threads))
    }

    /// Does some work for each path, on all cores.
    fn share_out<P: AsRef<str> + Sync, R: Send>(
        &self,
        paths: &[P],
        work: impl Fn(&P, Threads) -> R + Sync,
    ) -> Vec<R> {
        // Builds that share the cores among them need no further threads each.
        let share = || if paths.len() == 1 { Threads::for_one_build() } else { Threads::one() };
        Threads::all().map(paths, 1, |path| work(path, share()))
    }

    fn build_with(&self, kept: &Kept, path: &str, threads: Threads) -> Result<Rendered, BuildError> {
        if let Some(rendered) = kept.last(path).and_then(|last| last.if_it_holds(&self.host, &kept.store)) {
            return Ok(rendered);
        }
        let (outcome, trace) = build_in(&kept.store, &self.host, path, &self.options, threads);
        kept.put(path, Last::new(outcome.as_ref().ok().cloned(), trace));
        self.keep_within_limit(kept);
        outcome
    }

    /// Gives up what is kept where it takes too much memory.
    fn keep_within_limit(&self, kept: &Kept) {
        if kept.weight() > self.memory_limit {
            kept.forget_outcomes();
        }
        if kept.weight() > self.memory_limit {
            *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        }
    }
}

impl Kept {
    fn last(&self, path: &str) -> Option<Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn put(&self, path: &str, last: Last) {
        self.weight.fetch_add(last.weight(), Ordering::Relaxed);
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = all.insert(path.to_owned(), last) {
            self.weight.fetch_sub(former.weight(), Ordering::Relaxed);
        }
    }

    /// Gives up all outcomes, but not what they were made of.
    fn forget_outcomes(&self) {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        all.values_mut().for_each(|last| last.rendered = None);
        self.weight.store(0, Ordering::Relaxed);
    }

    fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed).saturating_add(self.store.weight())
    }

    /// The outcomes that can be had in a shorter way after files have changed.
    fn shorten(&self, changed: &[String], files: &[ChangedFile]) -> Vec<(String, Last)> {
        if files.is_empty() {
            return Vec::new();
        }
        let all = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.store.memo.now();
        all.into_iter().filter_map(|(path, last)| Some((path, last.shorten(changed, files, now)?))).collect()
    }

    /// Forgets all that a change at these paths may touch.
    fn forget(&self, changed: &[String]) {
        self.store.memo.forget(changed);
        self.store.bases.forget(changed);
        let is_touched = |last: &Last| changed.iter().any(|changed| last.trace.is_touched_by(changed));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for last in last.values_mut().filter(|last| is_touched(last)) {
            self.weight.fetch_sub(last.weight(), Ordering::Relaxed);
            last.rendered = None;
        }
    }
}
