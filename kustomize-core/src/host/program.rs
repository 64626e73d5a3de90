//! Programs and repositories that a build may ask its host for.

/// A git repository to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// What `git` is to fetch from.
    pub url: String,
    /// Branch, tag or commit; the default branch when empty.
    pub reference: String,
    /// Whether to check out submodules.
    pub submodules: bool,
    /// How long each step of the cloning may take.
    pub timeout: std::time::Duration,
    /// Which repositories of this machine may be cloned with it.
    pub local: LocalRepositories,
}

/// Which repositories of this machine a clone is made from, if its URL or those of its submodules name any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalRepositories {
    /// Those that git's configuration allows.
    #[default]
    AsConfigured,
    /// The one that the URL names, and none as a submodule.
    ThisOne,
    /// None.
    None,
}

impl Repository {
    /// A repository at its default branch, with submodules, within kustomize's 27 seconds.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Repository {
            url: url.into(),
            reference: String::new(),
            submodules: true,
            timeout: std::time::Duration::from_secs(27),
            local: LocalRepositories::default(),
        }
    }
}

/// A program to run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Command {
    /// Name of a program on the `PATH`, or a path with at least one `/`; a relative one is taken
    /// from `directory`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables set beyond the host's own environment.
    pub environment: Vec<(String, String)>,
    /// Directory it runs in; the host's own when empty.
    pub directory: String,
    /// What it reads from standard input.
    pub input: Vec<u8>,
}

/// How a program ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Output {
    /// Exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Command {
    /// A program without arguments that runs in a directory.
    #[must_use]
    pub fn new(program: impl Into<String>, directory: impl Into<String>) -> Self {
        Command { program: program.into(), directory: directory.into(), ..Command::default() }
    }
}

impl Output {
    /// Whether the exit status is 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == Some(0)
    }

    /// The end of what it wrote to standard error, for messages: whole lines, at most 4 KiB.
    #[must_use]
    pub fn last_words(&self) -> String {
        const LIMIT: usize = 4096;
        let said = self.stderr.trim_ascii();
        let cut = &said[said.len().saturating_sub(LIMIT)..];
        let from = match memchr::memchr(b'\n', cut) {
            Some(at) if cut.len() < said.len() => at + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&cut[from..]).into_owned()
    }
}
