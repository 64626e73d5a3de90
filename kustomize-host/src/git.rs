//! Cloning with the `git` program, in the steps that kustomize takes.

use crate::process;
use kustomize_core::host::mask;
use kustomize_core::host::{Command, HostError, LocalRepositories, Repository};

/// Variables that tie git to a repository, set where kustomize runs in one of git's hooks.
const OF_ANOTHER_REPOSITORY: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// Keeps git from reading repositories of this machine, and from running programs to reach one, whatever
/// its configuration allows.
const NOTHING_LOCAL: [&str; 4] = ["-c", "protocol.file.allow=never", "-c", "protocol.ext.allow=never"];
/// The variable with the protocols that git may use.
const ALLOWED_PROTOCOLS: &str = "GIT_ALLOW_PROTOCOL";

/// Checks the repository out into an empty directory.
pub(crate) fn checkout(repository: &Repository, directory: &str) -> Result<(), HostError> {
    let url = repository.url.as_str();
    let reference = if repository.reference.is_empty() { "HEAD" } else { &repository.reference };
    for (what, text) in [("repository", url), ("ref", reference)] {
        // git would take it for an option, and some options run programs.
        if text.starts_with('-') {
            return Err(HostError::Other(format!("the {what} '{}' starts with '-'", mask(text))));
        }
    }
    let git = |arguments: &[&str]| run(repository, directory, repository.local, arguments);
    git(&["init", "--quiet"])?;
    // Submodules with relative URLs are looked for beside `origin`.
    git(&["remote", "add", "--", "origin", url])?;
    git(&["fetch", "--quiet", "--depth=1", "--", url, reference])?;
    git(&["-c", "advice.detachedHead=false", "checkout", "--quiet", "FETCH_HEAD"])?;
    if repository.submodules {
        // That a repository may be cloned from this machine says nothing of its submodules.
        let local = match repository.local {
            LocalRepositories::ThisOne => LocalRepositories::None,
            local => local,
        };
        run(repository, directory, local, &["submodule", "--quiet", "update", "--init", "--recursive"])?;
    }
    Ok(())
}

fn run(
    repository: &Repository,
    directory: &str,
    local: LocalRepositories,
    arguments: &[&str],
) -> Result<(), HostError> {
    let mut command = Command::new("git", directory);
    // Nobody is there to answer a question.
    command.environment = vec![("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned())];
    if local == LocalRepositories::None {
        command.arguments.extend(NOTHING_LOCAL.map(str::to_owned));
        // This variable counts more than the configuration.
        if let Ok(allowed) = std::env::var(ALLOWED_PROTOCOLS) {
            let others = allowed.split(':').filter(|protocol| !matches!(*protocol, "file" | "ext"));
            let others = others.collect::<Vec<_>>().join(":");
            command.environment.push((ALLOWED_PROTOCOLS.to_owned(), others));
        }
    }
    command.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
    let output =
        process::run_within(&command, Some(repository.timeout), OF_ANOTHER_REPOSITORY).map_err(|error| {
            match error {
                HostError::NotFound => HostError::Other("there is no 'git' program on the PATH".to_owned()),
                error => error,
            }
        })?;
    if output.succeeded() {
        return Ok(());
    }
    Err(HostError::Failed {
        program: mask(&format!("git {}", arguments.join(" "))).into_owned(),
        status: output.status,
        message: mask(&output.last_words()).into_owned(),
    })
}
