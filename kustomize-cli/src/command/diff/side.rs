//! One side of `kustomize-rs diff`.

use std::path::Path;
use std::{fs, io};

use kustomize_core::host::{Host, HostError, repository_url};
use kustomize_core::{BuildError, ErrorKind, build};
use kustomize_diagnostic::Diagnostic;
use kustomize_difference::Snapshot;
use kustomize_golden::{Confined, Layout};
use kustomize_host::OsHost;

use crate::args::RenderArgs;
use crate::failure::Failure;
use crate::git::{Repository, Revision};

/// The argument that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// What is compared: resources, and their text.
pub(super) struct Side {
    pub(super) yaml: String,
    pub(super) snapshot: Snapshot,
}

impl Side {
    /// Renders what the argument names.
    pub(super) fn render(argument: &str, args: &RenderArgs) -> Result<Self, Failure> {
        if let Some((revision, path)) = revision(argument)? {
            if args.runs_programs() {
                let message = format!("{argument} cannot be rendered with programs such as helm");
                let help = "check the revision out and give its directory: git worktree add DIR REV";
                return Err(Diagnostic::error(message).with_help(help).into());
            }
            let repository = Repository::around(".")?;
            let host = Revision::open(&repository, revision, args.host())?;
            let confined = Confined::below(&host, host.top(), &args.options());
            return Side::build(&confined, &host.path(path)?, args);
        }
        let path = OsHost::machine_path(argument);
        if argument == STANDARD_INPUT {
            return Side::text(io::read_to_string(io::stdin().lock()), &path, "standard input");
        }
        // What the process was given open is a text as well: /dev/stdin, <(kubectl get …).
        if is_given_open(argument) && is_text(&path) {
            return Side::text(fs::read_to_string(&path), &path, argument);
        }
        let host = args.host();
        if repository_url(argument).is_some() {
            // What is cloned may name other repositories, and must not be given those of this machine.
            let here = Layout::found_within(&host, ".")?;
            let confined = Confined::around(&host, &here, &args.options()).with_repository(argument);
            return Side::build(&confined, argument, args);
        }
        let place = match Layout::found_within(&host, argument) {
            Ok(place) => place,
            // There is nothing to render, and the error says what may have been meant. Should something appear
            // there meanwhile, it is not rendered with the whole machine in view.
            Err(error) if *error.kind() == ErrorKind::Host(HostError::NotFound) => {
                let here = Layout::found_within(&host, ".")?;
                return Side::build(&Confined::around(&host, &here, &args.options()), argument, args);
            }
            Err(error) => return Err(error.into()),
        };
        let is_kustomization =
            path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("kustomization"));
        let real = OsHost::machine_path(&place);
        if is_text(&real) && !is_kustomization {
            // Not a pipe, which might have to be waited for without end, and no link that appears meanwhile.
            let content = host.read_unlinked(&place).map_err(|error| BuildError::host(error, &place))?;
            let text = String::from_utf8(content)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8 text"));
            return Side::text(text, &path, argument);
        }
        Side::build(&Confined::around(&host, &place, &args.options()), argument, args)
    }

    /// Resources that were rendered already.
    fn text(read: io::Result<String>, path: &Path, name: &str) -> Result<Self, Failure> {
        let yaml = read.map_err(|error| Failure::read(path, &error))?;
        let snapshot = Snapshot::read(&yaml, name)?;
        Ok(Side { yaml, snapshot })
    }

    fn build(host: &dyn Host, path: &str, args: &RenderArgs) -> Result<Self, Failure> {
        let rendered = build(host, path, &args.options())?;
        Ok(Side { yaml: rendered.yaml()?, snapshot: Snapshot::of(&rendered)? })
    }
}

/// Whether a path stands for what is open in this process, or for nothing.
fn is_given_open(path: &str) -> bool {
    let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"));
    let is_number =
        number.is_some_and(|text| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()));
    is_number || path == "/dev/stdin" || path == "/dev/null"
}

/// Whether there is something that is read as it is, and not a directory to render.
fn is_text(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir())
}

/// `REV:path`, unless it is a URL, or the name of something that exists. A name that could be both is
/// refused: otherwise whoever adds a directory `main:apps` decides what is compared with `main:apps`.
fn revision(argument: &str) -> Result<Option<(&str, &str)>, Failure> {
    let is_url = argument.contains("://") || argument.starts_with("git@") || argument.contains("::");
    let Some((revision, path)) = argument.split_once(':').filter(|_| !is_url) else { return Ok(None) };
    if !OsHost::machine_path(argument).exists() {
        return Ok(Some((revision, path)));
    }
    let is_path = argument.starts_with(['/', '.']);
    if !is_path && Repository::around(".").is_ok_and(|repository| repository.has(revision)) {
        let message = format!("{argument} is a file or directory, and {path} at the revision {revision}");
        let help = format!("give the former as ./{argument}, or the latter by the id of its commit");
        return Err(Diagnostic::error(message).with_help(help).into());
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_told_from_paths_and_urls() {
        let revision = |argument| revision(argument).map_err(|_| ());
        assert_eq!(revision("main:apps/prod"), Ok(Some(("main", "apps/prod"))));
        assert_eq!(revision("HEAD~2:"), Ok(Some(("HEAD~2", ""))));
        for other in ["apps", "https://example.com/a//b?ref=c:d", "git@example.com:a/b", "git::https://x"] {
            assert_eq!(revision(other), Ok(None), "{other}");
        }
    }
}
