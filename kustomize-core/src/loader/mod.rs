//! How paths in a kustomization become files, directories and repositories, and what it may not load.
//!
//! A [`Loader`] stands at the root of one kustomization. Each base gets a loader of its own that
//! knows who referred to it; the chain of referrers is what cycles are found in.

mod directory;
mod file;
mod kustomization_file;
mod neither;
mod suggest;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::host::RepositorySpec;
use crate::host::{HostError, Scratch, path};
use crate::options::LoadRestrictor;

pub(crate) use crate::host::is_url;
pub(crate) use neither::neither;

/// What loads the files of one kustomization. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    cx: &'a BuildContext<'a>,
    level: Arc<Level<'a>>,
}

/// One kustomization on the way from the target of the build down to a base.
struct Level<'a> {
    /// Its directory: absolute, clean, links resolved.
    root: String,
    /// Where the user stands, likewise; what messages name paths from.
    standpoint: Arc<str>,
    restrictor: LoadRestrictor,
    /// The repository that this level was cloned from; none for a directory of the level above.
    checkout: Option<Checkout<'a>>,
    referrer: Option<Arc<Level<'a>>>,
}

/// A repository that was cloned; removed when the last loader in it is dropped.
struct Checkout<'a> {
    spec: RepositorySpec,
    directory: Scratch<'a>,
}

impl<'a> Level<'a> {
    /// This level and those that led to it, innermost first.
    fn chain(&self) -> impl Iterator<Item = &Level<'a>> {
        std::iter::successors(Some(self), |level| level.referrer.as_deref())
    }

    /// The innermost repository that this level is in.
    fn checkout(&self) -> Option<&Checkout<'a>> {
        self.chain().find_map(|level| level.checkout.as_ref())
    }

    /// An absolute path as a person would name it: within a repository by the repository's URL,
    /// else from where the user stands, unless that is longer.
    fn display(&self, absolute: &str) -> String {
        if let Some(checkout) = self.checkout()
            && path::is_within(checkout.directory.path(), absolute)
        {
            let url = checkout.spec.clone_url();
            return match path::relative(checkout.directory.path(), absolute).as_str() {
                "." => url,
                inside => format!("{url}//{inside}"),
            };
        }
        let relative = path::relative(&self.standpoint, absolute);
        if relative.len() <= absolute.len() { relative } else { absolute.to_owned() }
    }
}

impl<'a> Loader<'a> {
    /// The kustomization's directory: absolute, clean, links resolved.
    pub(crate) fn root(&self) -> &str {
        &self.level.root
    }

    /// The build that it loads for.
    pub(crate) fn context(&self) -> &'a BuildContext<'a> {
        self.cx
    }

    /// The kustomization's directory as a person would name it.
    pub(crate) fn display_root(&self) -> String {
        self.level.display(&self.level.root)
    }

    /// An absolute path as a person would name it.
    #[cfg(feature = "programs")]
    pub(crate) fn display(&self, absolute: &str) -> String {
        self.level.display(absolute)
    }

    /// A path in the kustomization as an absolute path; nothing is looked up.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path::is_absolute(path) { path.to_owned() } else { path::join(&self.level.root, path) }
    }
}

/// What the host said about a path, as an error of the build.
fn host_error(error: HostError, path: &str) -> BuildError {
    match error {
        HostError::Refused { .. } => BuildError::new(ErrorKind::NotAllowed, error.to_string()),
        HostError::TooLarge { .. } => BuildError::host(error, path)
            .with_help("a file of this size is hardly configuration: is it the right one?"),
        error => BuildError::host(error, path),
    }
}

/// Refuses what goes out to the network, unless the options allow it.
fn require_remote(cx: &BuildContext<'_>, action: &str) -> Result<(), BuildError> {
    if cx.options.enable_remote {
        return Ok(());
    }
    Err(BuildError::new(ErrorKind::NotAllowed, format!("{action} is not allowed")).with_help(format!(
        "remote files and repositories are off: allow them ({}), or keep a copy beside the kustomization",
        cx.options.option_names.enable_remote
    )))
}
