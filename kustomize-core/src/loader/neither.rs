//! One message for a path that is neither a usable file nor a usable base.

use crate::error::{BuildError, ErrorKind};
use crate::host::{HostError, RepositorySpec, is_url};
use crate::yaml::Pos;

/// The error to show for an entry of `resources` that could be loaded neither as a file nor as a
/// base: the one that the user can do something about.
///
/// kustomize shows both, except that the error of a malformed file stands alone. Here the second
/// is at most a hint.
pub(crate) fn neither(path: &str, as_file: BuildError, as_directory: BuildError) -> BuildError {
    use ErrorKind::{Host, NotAllowed, Remote, Resource, Restriction, Syntax};
    match (as_file.kind(), as_directory.kind()) {
        (Host(HostError::IsDirectory), _) => as_directory,
        // It stands nowhere.
        (Host(HostError::NotFound), Host(HostError::NotFound)) => {
            let help = as_file.help().or(as_directory.help()).map(str::to_owned);
            let message = format!("there is no file or directory '{path}'");
            let error = BuildError::new(Host(HostError::NotFound), message);
            match help {
                Some(help) => error.with_help(help),
                None => error,
            }
        }
        // A name that happens to look like that of a repository.
        (Host(HostError::NotFound), NotAllowed | Remote) if !path.contains("://") => {
            let message =
                format!("there is no file '{path}', and as a repository: {}", as_directory.message());
            BuildError::new(as_directory.kind().clone(), message)
                .with_help(format!("a directory of this name would be written './{path}'"))
        }
        // A URL that answered with something else, often a page about the file.
        (Syntax | Resource, _) if is_url(path) => {
            let help = format!("as a repository: {}", as_directory.message());
            as_file.in_file(path).with_help(help)
        }
        // Either may be what was meant: a file that is not there, or a repository.
        (Remote | Host(_), Remote) if is_url(path) => {
            let note = format!("as a file: {}", as_file.message());
            as_directory.with_note(note, Pos::NONE)
        }
        (_, Restriction | NotAllowed | Remote) if RepositorySpec::parse(path).is_ok() => as_directory,
        _ => as_file,
    }
}

impl BuildError {
    /// Whether a URL answered with an error; there is no use in trying to clone it then.
    pub(crate) fn is_http_error(&self) -> bool {
        matches!(self.kind(), ErrorKind::Host(HostError::Http { .. }))
    }
}
