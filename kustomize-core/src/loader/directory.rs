//! Going to the target of a build, and from a kustomization to its bases.

use std::sync::Arc;

use super::suggest::{did_you_mean, kustomization_above};
use super::{Checkout, Level, Loader, host_error, require_remote};
use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::host::RepositorySpec;
use crate::host::{EntryKind, HostError, Scratch, path};
use crate::kustomization::FILE_NAMES;
use crate::options::LoadRestrictor;
use crate::yaml::Pos;

/// Kustomizations from the target of a build down to a base. Rendering is recursive in them, and the
/// stack of a thread, or of a WebAssembly module, may be no larger than a megabyte.
const MAX_LEVELS: usize = 100;

impl<'a> Loader<'a> {
    /// A loader at the target of a build: a directory, relative to `cwd` or absolute, or the URL
    /// of a git repository.
    ///
    /// # Errors
    /// There is no such directory; the repository cannot be cloned.
    pub(crate) fn new_root(cx: &'a BuildContext<'a>, target: &str, cwd: &str) -> Result<Self, BuildError> {
        let standpoint: Arc<str> = cx.host.resolve(cwd).unwrap_or_else(|_| path::clean(cwd)).into();
        if let Ok(spec) = RepositorySpec::parse(target) {
            return clone(cx, spec, standpoint, None);
        }
        if target.is_empty() {
            return Err(BuildError::new(ErrorKind::Restriction, "the directory to build has no name"));
        }
        let absolute = if path::is_absolute(target) { path::clean(target) } else { path::join(cwd, target) };
        let root = confirm_directory(cx, &absolute, target)?;
        let restrictor = cx.options.load_restrictor;
        let level = Level { root, standpoint, restrictor, checkout: None, referrer: None };
        Ok(Loader { cx, level: Arc::new(level) })
    }

    /// A loader at a base: a directory relative to this kustomization, or the URL of a git
    /// repository.
    ///
    /// # Errors
    /// [`ErrorKind::Host`] when there is no such directory, [`ErrorKind::Restriction`] for an absolute
    /// path, a path out of a cloned repository, a circle, or too long a way from the target; [`ErrorKind::NotAllowed`] and
    /// [`ErrorKind::Remote`] for repositories.
    pub(crate) fn child(&self, path: &str) -> Result<Self, BuildError> {
        if path.is_empty() {
            return Err(BuildError::new(ErrorKind::Restriction, "a base has no name"));
        }
        self.refuse_depth()?;
        if let Ok(spec) = RepositorySpec::parse(path) {
            self.refuse_repository_circle(&spec)?;
            let standpoint = Arc::clone(&self.level.standpoint);
            return clone(self.cx, spec, standpoint, Some(Arc::clone(&self.level)));
        }
        if path::is_absolute(path) {
            let message = format!("a base is named by a relative path, '{path}' is absolute");
            let relative = path::relative(&self.level.root, &path::clean(path));
            return Err(BuildError::new(ErrorKind::Restriction, message)
                .with_help(format!("from this kustomization it is '{relative}'")));
        }
        let root = confirm_directory(self.cx, &path::join(&self.level.root, path), path)?;
        self.refuse_leaving_repository(&root, path)?;
        self.refuse_circle(&root)?;
        let level = Level {
            root,
            standpoint: Arc::clone(&self.level.standpoint),
            restrictor: self.level.restrictor,
            checkout: None,
            referrer: Some(Arc::clone(&self.level)),
        };
        Ok(Loader { cx: self.cx, level: Arc::new(level) })
    }

    /// Whether so many further levels would be too many.
    pub(crate) fn is_too_deep_for(&self, levels: usize) -> bool {
        self.level.chain().count() + levels > MAX_LEVELS
    }

    /// Whether this kustomization or one that led to it stands in a directory: it cannot be built
    /// on what is there.
    pub(crate) fn is_built_on_by(&self, root: &str) -> bool {
        self.level.chain().skip(1).any(|level| path::is_within(root, &level.root))
    }

    /// Whether it comes out of a cloned repository.
    pub(crate) fn is_in_checkout(&self) -> bool {
        self.level.checkout().is_some()
    }

    fn refuse_depth(&self) -> Result<(), BuildError> {
        if self.level.chain().nth(MAX_LEVELS - 1).is_none() {
            return Ok(());
        }
        let message = format!("kustomizations are built on each other more than {MAX_LEVELS} levels deep");
        Err(BuildError::new(ErrorKind::Restriction, message))
    }

    fn refuse_leaving_repository(&self, root: &str, path: &str) -> Result<(), BuildError> {
        match self.level.checkout() {
            Some(checkout) if !path::is_within(checkout.directory.path(), root) => {
                let url = checkout.spec.clone_url();
                let message = format!("base '{path}' leads out of the cloned repository {url}");
                Err(BuildError::new(ErrorKind::Restriction, message))
            }
            _ => Ok(()),
        }
    }

    /// A base may be neither one of the kustomizations that led to it nor a directory above one.
    fn refuse_circle(&self, root: &str) -> Result<(), BuildError> {
        let Some(at) = self.level.chain().position(|visited| path::is_within(root, &visited.root)) else {
            return Ok(());
        };
        let mut way: Vec<String> =
            self.level.chain().take(at + 1).map(|level| self.level.display(&level.root)).collect();
        way.reverse();
        let candidate = self.level.display(root);
        let visited = way.first().cloned().unwrap_or_default();
        if at == 0 && visited == candidate {
            let message = format!("kustomization '{candidate}' refers to itself");
            return Err(BuildError::new(ErrorKind::Restriction, message));
        }
        if visited == candidate {
            way.push(candidate);
            let message = format!("kustomizations refer to each other in a circle: {}", way.join(" → "));
            return Err(BuildError::new(ErrorKind::Restriction, message));
        }
        let message = format!("base '{candidate}' holds the directory '{visited}' that is built on it");
        Err(BuildError::new(ErrorKind::Restriction, message)
            .with_help("put the base beside the kustomizations that use it, or below them"))
    }

    fn refuse_repository_circle(&self, spec: &RepositorySpec) -> Result<(), BuildError> {
        let visited = self
            .level
            .chain()
            .filter_map(|level| level.checkout.as_ref())
            .find(|checkout| checkout.spec.written.starts_with(&spec.written));
        let Some(visited) = visited else { return Ok(()) };
        let (visited, written) = (&visited.spec.written, &spec.written);
        let message = format!("repositories refer to each other in a circle: {visited} → {written}");
        Err(BuildError::new(ErrorKind::Restriction, message))
    }
}

/// The directory at an absolute path, links resolved.
fn confirm_directory(cx: &BuildContext<'_>, absolute: &str, written: &str) -> Result<String, BuildError> {
    let resolved = cx.host.resolve(absolute).and_then(|resolved| match cx.host.kind(&resolved)? {
        EntryKind::Directory => Ok(resolved),
        EntryKind::File | EntryKind::Other => Err(HostError::NotDirectory),
    });
    resolved.map_err(|error| {
        let help = match &error {
            HostError::NotFound => did_you_mean(cx.host, absolute, written),
            HostError::NotDirectory if FILE_NAMES.contains(&path::base_name(absolute)) => {
                Some(format!("name the directory that holds it: '{}'", path::parent(&path::clean(written))))
            }
            HostError::NotDirectory => Some(match kustomization_above(cx.host, absolute, written) {
                Some(directory) => format!("name a directory: did you mean '{directory}'?"),
                None => format!("name a directory that has a {}", FILE_NAMES[0]),
            }),
            _ => None,
        };
        let error = host_error(error, written);
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    })
}

/// Clones a repository. What is in it may load nothing from outside of its root, whatever the
/// options say.
fn clone<'a>(
    cx: &'a BuildContext<'a>,
    spec: RepositorySpec,
    standpoint: Arc<str>,
    referrer: Option<Arc<Level<'a>>>,
) -> Result<Loader<'a>, BuildError> {
    require_remote(cx, &format!("cloning {}", spec.clone_url()))?;
    if spec.has_git_prefix() {
        let message = format!("the prefix 'git::' of '{}' has no effect", spec.written);
        cx.warn_with_help(message, Pos::NONE, "remove it: kustomize will not always ignore it");
    }
    let directory = Scratch::checkout(cx.host, &spec.to_clone()).map_err(|error| match error {
        HostError::Refused { .. } => host_error(error, &spec.written),
        HostError::TimedOut { .. } => {
            BuildError::new(ErrorKind::Remote, format!("cloning {} {error}", spec.clone_url()))
                .with_help("give it more time: add timeout=60s to the URL's query")
        }
        error => BuildError::new(ErrorKind::Remote, format!("cloning {}: {error}", spec.clone_url())),
    })?;
    let root = confirm_directory(cx, &path::join(directory.path(), &spec.path), &spec.path)
        .map_err(|error| error.in_file(&spec.written))?;
    if !path::is_within(directory.path(), &root) {
        // By a link: the path itself was checked when it was parsed.
        let message = format!("'{}' leads out of the cloned repository {}", spec.path, spec.clone_url());
        return Err(BuildError::new(ErrorKind::Restriction, message));
    }
    let checkout = Some(Checkout { spec, directory });
    let level = Level { root, standpoint, restrictor: LoadRestrictor::RootOnly, checkout, referrer };
    Ok(Loader { cx, level: Arc::new(level) })
}
