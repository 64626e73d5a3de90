//! `cargo xtask compare`: every kustomization below directories, rendered with ours and with
//! kustomize side by side.

mod difference;
mod report;
mod trial;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::oracle::Oracle;
use crate::{Failure, build, pool, tree};
pub use trial::{Outcome, Subject, Trial};

/// Options of `cargo xtask compare`.
#[derive(clap::Args)]
pub struct Args {
    /// Directories to search for kustomizations: repositories, or directories of repositories
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Show the first lines that differ
    #[arg(long)]
    diff: bool,
    /// Only kustomizations whose path contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Use the optimized build
    #[arg(long)]
    release: bool,
    /// Use this program instead of building ours
    #[arg(long, value_name = "PROGRAM")]
    ours: Option<PathBuf>,
    /// How many to render at once [default: one a core]
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<usize>,
    /// Seconds that one rendering may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Flags for both programs
    #[arg(last = true)]
    flags: Vec<String>,
}

impl Args {
    /// All that stands below a directory.
    pub fn of(directory: PathBuf, diff: bool) -> Self {
        let (only, ours, jobs) = (None, None, None);
        Args {
            directories: vec![directory],
            diff,
            only,
            release: false,
            ours,
            jobs,
            timeout: 60,
            flags: Vec::new(),
        }
    }
}

/// Compares.
///
/// # Errors
/// Something differs, or there is nothing to compare with.
pub fn run(args: &Args) -> Result<(), Failure> {
    let oracle = Oracle::find()?;
    let mut subjects = Vec::new();
    for directory in &args.directories {
        let top =
            std::fs::canonicalize(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let found = tree::kustomizations(&top)?;
        subjects.extend(found.into_iter().map(|directory| Subject::new(&top, directory)));
    }
    if let Some(only) = &args.only {
        subjects.retain(|subject| subject.directory.to_string_lossy().contains(only.as_str()));
    }
    let trial = Trial {
        ours: match &args.ours {
            Some(program) => std::fs::canonicalize(program)?,
            None => build::command(build::Profile::of(args.release))?,
        },
        oracle,
        flags: args.flags.clone(),
        limit: Duration::from_secs(args.timeout),
    };
    println!("{} kustomizations, compared with {}", subjects.len(), trial.oracle);
    let watched = std::io::stderr().is_terminal();
    let workers = args.jobs.unwrap_or_else(pool::cores);
    let results = pool::map(
        &subjects,
        workers,
        |subject| trial.run(subject),
        |done| {
            if watched {
                let _ = write!(std::io::stderr(), "\r{done} of {}", subjects.len());
            }
        },
    );
    if watched {
        let _ = write!(std::io::stderr(), "\r{}\r", " ".repeat(30));
    }
    report::print(&subjects, &results, args.diff)
}
