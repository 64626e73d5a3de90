//! Why a directory cannot be rendered, in words that say where and what to do.

use kustomize_core::host::{Host, HostError, path};
use kustomize_core::yaml::Location;
use kustomize_core::{BuildError, BuildOptions, LoadRestrictor, closest};
use reconciler_core::generator::{GenerateError, Generated};

use super::place::relative;
use crate::source::git::GitTree;

/// A directory cannot be rendered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuildFailure {
    /// The directory does not exist.
    #[error("kustomization path not found: {path} does not exist in the source{}", did_you_mean(.closest.as_deref()))]
    PathNotFound {
        /// The path as the spec has it.
        path: String,
        /// The path that was probably meant.
        closest: Option<String>,
    },
    /// The kustomization file cannot be used.
    #[error("{message}")]
    Generator {
        /// What is wrong, and where.
        message: String,
        /// The line, if it can be shown.
        excerpt: Option<String>,
    },
    /// The build failed.
    #[error("kustomize build failed: {message}")]
    Build {
        /// What is wrong, and where.
        message: String,
        /// The line, if it can be shown.
        excerpt: Option<String>,
    },
    /// An object cannot be written as JSON.
    #[error("kustomize build failed: {0}")]
    Object(String),
    /// Files of generators, or patches, cannot be decrypted; or a resource is not what was encrypted.
    #[error("error decrypting sources: {message}{}", at(.file.as_deref()))]
    DecryptSources {
        /// What is wrong.
        message: String,
        /// The file.
        file: Option<String>,
    },
    /// A resource cannot be decrypted.
    #[error("decryption failed for '{resource}': {message}{}", at(.place.as_deref()))]
    Decrypt {
        /// The resource.
        resource: String,
        /// What is wrong.
        message: String,
        /// Where it stands, as `file:line`.
        place: Option<String>,
    },
    /// A Secret is encrypted, and nothing says how to decrypt it.
    #[error("{subject} is SOPS encrypted, configuring decryption is required for this secret to be reconciled{}", at(.place.as_deref()))]
    Encrypted {
        /// The Secret.
        subject: String,
        /// Where it stands, as `file:line`.
        place: Option<String>,
    },
    /// Variables cannot be replaced.
    #[error("post build failed for '{resource}': {message}{}", at(.place.as_deref()))]
    PostBuild {
        /// The resource.
        resource: String,
        /// What is wrong.
        message: String,
        /// Where the variable or the resource stands, as `file:line`.
        place: Option<String>,
    },
}

impl BuildFailure {
    /// The same failure with its message changed.
    pub(super) fn map(mut self, change: impl FnOnce(String) -> String) -> Self {
        match &mut self {
            BuildFailure::Generator { message, .. }
            | BuildFailure::Build { message, .. }
            | BuildFailure::Object(message)
            | BuildFailure::DecryptSources { message, .. }
            | BuildFailure::Decrypt { message, .. }
            | BuildFailure::PostBuild { message, .. } => *message = change(std::mem::take(message)),
            // Nothing of what files hold.
            BuildFailure::PathNotFound { .. } | BuildFailure::Encrypted { .. } => {}
        }
        self
    }

    /// The failure when no kustomization could be generated. A build of the file as it stands says
    /// where it is wrong.
    pub(super) fn of_generator(error: GenerateError, tree: &GitTree, directory: &str) -> Self {
        let message = error.to_string();
        let plain = match error {
            GenerateError::Yaml(_) | GenerateError::Type(_) => plain_error(tree, directory),
            _ => return BuildFailure::Generator { message, excerpt: None },
        };
        let excerpt = plain.as_ref().and_then(|plain| excerpt(plain, tree));
        let message = match plain {
            Some(plain) if message.ends_with(plain.message()) => describe_as(message, &plain),
            Some(plain) => format!("{message}: {}", describe(&plain)),
            None => format!("{message} (in the kustomization file of {})", relative(directory)),
        };
        BuildFailure::Generator { message, excerpt }
    }

    /// The failure of a build. Where it points into the generated file, a build of the file as it
    /// stands in the tree knows the line.
    pub(super) fn of_build(
        error: BuildError,
        generated: &Generated,
        tree: &GitTree,
        directory: &str,
    ) -> Self {
        let is_generated = error.file().map(relative) == Some(relative(&generated.path));
        let plain = if is_generated && !generated.is_new { plain_error(tree, directory) } else { None };
        let message = match &plain {
            Some(plain) => describe(plain),
            // The fault is in what the Kustomization adds.
            None if is_generated => without_place(&error),
            None => describe(&error),
        };
        let excerpt = match &plain {
            None if is_generated => None,
            plain => excerpt(plain.as_ref().unwrap_or(&error), tree),
        };
        BuildFailure::Build { message, excerpt }
    }

    /// The line that is wrong with its number, if it can be shown.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            BuildFailure::Generator { excerpt, .. } | BuildFailure::Build { excerpt, .. } => {
                excerpt.as_deref()
            }
            _ => None,
        }
    }
}

/// The longest line that is shown, in characters.
const LONGEST_LINE: usize = 200;

/// The line of an error with its number. A line of a file that may hold a Secret is not shown: it is
/// sent to people who need not know it.
fn excerpt(error: &BuildError, tree: &GitTree) -> Option<String> {
    excerpt_at(error.location()?, tree)
}

/// The same of a place.
pub(super) fn excerpt_at(place: &Location, tree: &GitTree) -> Option<String> {
    // The line as the repository has it, not as it may have been decrypted.
    let file = String::from_utf8(tree.read(&place.file).ok()?).ok()?;
    if file.to_ascii_lowercase().contains("secret") {
        return None;
    }
    let line = file.lines().nth(place.line.checked_sub(1)?)?;
    let text: String = line.chars().take(LONGEST_LINE).collect();
    Some(format!("{:>4} | {}", place.line, text.trim_end()))
}

/// Why the directory cannot be built without what a Kustomization adds.
fn plain_error(tree: &GitTree, directory: &str) -> Option<BuildError> {
    let options = BuildOptions {
        load_restrictor: LoadRestrictor::None,
        cancellation: tree.cancellation(),
        ..BuildOptions::default()
    };
    kustomize_core::build(&tree.for_build(), directory, &options).err()
}

fn at(place: Option<&str>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

fn did_you_mean(closest: Option<&str>) -> String {
    closest.map_or_else(String::new, |closest| format!(", did you mean {closest:?}?"))
}

/// The message of an error with its place and its cure.
fn describe(error: &BuildError) -> String {
    describe_as(error.message().to_owned(), error)
}

/// Adds the place and the cure of an error to a message.
fn describe_as(mut text: String, error: &BuildError) -> String {
    match (error.location(), error.file()) {
        (Some(place), _) => text.push_str(&format!(" ({})", relative(&place.to_string()))),
        (None, Some(file)) if !text.contains(file) => text.push_str(&format!(" ({})", relative(file))),
        _ => {}
    }
    with_help(text, error)
}

fn without_place(error: &BuildError) -> String {
    with_help(error.message().to_owned(), error)
}

fn with_help(mut text: String, error: &BuildError) -> String {
    if let Some(help) = error.help() {
        text.push_str("; ");
        text.push_str(help);
    }
    text
}

/// The directory that a spec names.
pub(super) fn find_directory(tree: &GitTree, wanted: &str) -> Result<String, BuildFailure> {
    let clean = path::clean(&format!("/{wanted}"));
    match tree.resolve(&clean) {
        Ok(directory) => Ok(directory),
        Err(HostError::NotFound | HostError::NotDirectory) => {
            Err(BuildFailure::PathNotFound { path: wanted.to_owned(), closest: closest_path(tree, &clean) })
        }
        Err(error) => Err(BuildFailure::Object(format!("{wanted}: {error}"))),
    }
}

/// The existing directory that a path is most likely a slip of: its first wrong part is replaced.
fn closest_path(tree: &GitTree, path: &str) -> Option<String> {
    let mut known = String::new();
    let mut parts = path.split('/').skip(1);
    for part in parts.by_ref() {
        let next = format!("{known}/{part}");
        if tree.resolve(&next).is_ok() {
            known = next;
            continue;
        }
        let names = tree.list(if known.is_empty() { "/" } else { &known }).ok()?;
        known = format!("{known}/{}", closest(part, names.iter().map(String::as_str))?);
        break;
    }
    for part in parts {
        known = format!("{known}/{part}");
    }
    tree.resolve(&known).ok().map(|_| format!(".{known}"))
}
