//! One kustomization, rendered by both.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::difference;
use crate::oracle::Oracle;
use crate::process::{self, Ended, Status};

/// A kustomization and the repository that it is counted in.
pub struct Subject {
    /// Directory of the kustomization.
    pub directory: PathBuf,
    /// Name of the repository.
    pub repository: String,
    /// Directory of the kustomization within the repository.
    pub path: String,
}

impl Subject {
    /// A kustomization found below `top`. Its repository is the nearest one that holds it, else `top`.
    pub fn new(top: &Path, directory: PathBuf) -> Self {
        let mut within = directory.ancestors().take_while(|ancestor| ancestor.starts_with(top));
        let root = within.find(|ancestor| ancestor.join(".git").exists()).unwrap_or(top).to_owned();
        let name = root.file_name().map_or_else(|| root.to_string_lossy(), |name| name.to_string_lossy());
        let path = directory.strip_prefix(&root).unwrap_or(&directory).to_string_lossy().into_owned();
        Subject {
            repository: name.into_owned(),
            path: if path.is_empty() { ".".to_owned() } else { path },
            directory,
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The same output.
    Equal,
    /// Neither renders it.
    BothRefuse,
    /// The oracle wants the network, which says nothing.
    Offline,
    /// Other output.
    Different,
    /// We refuse what the oracle renders.
    OnlyWeRefuse,
    /// We render what the oracle refuses.
    OnlyItRefuses,
    /// One of us crashed or took too long.
    Broken,
}

impl Outcome {
    /// All outcomes, good ones first.
    pub const ALL: [Outcome; 7] = [
        Outcome::Equal,
        Outcome::BothRefuse,
        Outcome::Offline,
        Outcome::Different,
        Outcome::OnlyWeRefuse,
        Outcome::OnlyItRefuses,
        Outcome::Broken,
    ];

    /// Whether it has to be looked at.
    pub fn is_bad(self) -> bool {
        !matches!(self, Outcome::Equal | Outcome::BothRefuse | Outcome::Offline)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Equal => "equal",
            Outcome::BothRefuse => "both refuse",
            Outcome::Offline => "offline",
            Outcome::Different => "different",
            Outcome::OnlyWeRefuse => "only we refuse",
            Outcome::OnlyItRefuses => "only it refuses",
            Outcome::Broken => "broken",
        }
    }
}

/// What came of it, and in which time.
pub struct Result {
    /// What came of it.
    pub outcome: Outcome,
    /// What to show of it.
    pub detail: String,
    /// Time of ours.
    pub ours: Duration,
    /// Time of the oracle.
    pub oracle: Duration,
}

/// What kustomizations are rendered with.
pub struct Trial {
    /// Our program.
    pub ours: PathBuf,
    /// The one to compare with.
    pub oracle: Oracle,
    /// Flags for both.
    pub flags: Vec<String>,
    /// How long a rendering may take.
    pub limit: Duration,
}

impl Trial {
    /// Renders with both and compares.
    pub fn run(&self, subject: &Subject) -> Result {
        let mut oracle = self.oracle.command(&subject.directory);
        let mut ours = Command::new(&self.ours);
        ours.arg("build").arg(&subject.directory);
        let run = |command: &mut Command| {
            // No prompt for a password, whoever is asked.
            command.args(&self.flags).env("GIT_TERMINAL_PROMPT", "0");
            process::run(command, self.limit)
        };
        match run(&mut oracle).and_then(|oracle| Ok((oracle, run(&mut ours)?))) {
            Ok((oracle, ours)) => judge(&oracle, &ours),
            Err(error) => Result {
                outcome: Outcome::Broken,
                detail: error.to_string(),
                ours: Duration::ZERO,
                oracle: Duration::ZERO,
            },
        }
    }
}

fn judge(oracle: &Ended, ours: &Ended) -> Result {
    let said = |ended: &Ended| ended.stderr.trim().to_owned();
    let (outcome, detail) = match (oracle.status, ours.status) {
        (Status::Refused, _) if wants_network(&oracle.stderr) => (Outcome::Offline, String::new()),
        (Status::Done, Status::Done) if oracle.stdout == ours.stdout => (Outcome::Equal, String::new()),
        (Status::Done, Status::Done) => (Outcome::Different, difference::first(&oracle.stdout, &ours.stdout)),
        (Status::Done, Status::Refused) => (Outcome::OnlyWeRefuse, said(ours)),
        (Status::Refused, Status::Done) => (Outcome::OnlyItRefuses, said(oracle)),
        // kustomize panics on some bad input; refusing that is right.
        (Status::Refused | Status::Crashed, Status::Refused) => (Outcome::BothRefuse, String::new()),
        (theirs, ours_status) => {
            let detail = format!("oracle {theirs:?}, ours {ours_status:?}\n{}\n{}", said(oracle), said(ours));
            (Outcome::Broken, detail)
        }
    };
    Result { outcome, detail, ours: ours.took, oracle: oracle.took }
}

/// Whether a refusal is the network's fault.
fn wants_network(stderr: &str) -> bool {
    const SIGNS: [&str; 9] = [
        "Could not resolve host",
        "Could not read from remote repository",
        "unable to access",
        "no such host",
        "dial tcp",
        "hit 27s timeout",
        "connection refused",
        "URL is a git repository",
        "git fetch",
    ];
    SIGNS.iter().any(|sign| stderr.contains(sign))
}
