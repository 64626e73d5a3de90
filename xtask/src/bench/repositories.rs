//! The kustomizations of repositories, rendered by both programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::duel::{Duel, LIMIT, Measured};
use crate::compare::{Outcome, Subject, Trial};
use crate::{Failure, process, tree};

/// Times over all kustomizations that both programs render.
pub struct Row {
    /// Name of the directory that was searched.
    pub name: String,
    /// How many kustomizations.
    pub count: usize,
    /// The oracle, a process for each: the sum.
    pub oracle: Duration,
    /// Ours, a process for each: the sum.
    pub each: Duration,
    /// Ours, one process for all.
    pub together: Duration,
}

impl Row {
    /// The sum of rows.
    pub fn sum(rows: &[Row]) -> Row {
        let of = |what: fn(&Row) -> Duration| rows.iter().map(what).sum();
        Row {
            name: "all".to_owned(),
            count: rows.iter().map(|row| row.count).sum(),
            oracle: of(|row| row.oracle),
            each: of(|row| row.each),
            together: of(|row| row.together),
        }
    }
}

/// Measures every n-th kustomization below a directory that both programs render without the network.
///
/// # Errors
/// A program cannot be started, fails the second time, or renders something else than the other.
pub fn run(duel: &Duel, directory: &Path, every: usize, runs: u32) -> Result<Row, Failure> {
    let top =
        std::fs::canonicalize(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let trial =
        Trial { ours: duel.ours.clone(), oracle: duel.oracle.clone(), flags: Vec::new(), limit: LIMIT };
    let mut rendered: Vec<PathBuf> = Vec::new();
    let (mut oracle_sum, mut each) = (Duration::ZERO, Duration::ZERO);
    for directory in tree::kustomizations(&top)?.into_iter().step_by(every) {
        // Shows what comes out, and warms the caches for both.
        let subject = Subject::new(&top, directory);
        let first = trial.run(&subject);
        match first.outcome {
            Outcome::Equal => {}
            outcome if outcome.is_bad() => return Err(format!("{}: {}", subject.path, outcome.name()).into()),
            _ => continue,
        }
        let (mut ours, mut oracle) = (Measured::default(), Measured::default());
        if runs == 0 {
            oracle.add(first.oracle);
            ours.add(first.ours);
        }
        for _ in 0..runs {
            oracle.add(process::time(&mut duel.oracle.command(&subject.directory))?);
            ours.add(process::time(&mut duel.our_command(&[&subject.directory]))?);
        }
        oracle_sum += oracle.median();
        each += ours.median();
        rendered.push(subject.directory);
    }
    let mut together = Measured::default();
    for _ in 0..runs.max(3) {
        together.add(process::time(&mut all_at_once(duel, &rendered))?);
    }
    let name = top.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Row { name, count: rendered.len(), oracle: oracle_sum, each, together: together.median() })
}

fn all_at_once(duel: &Duel, directories: &[PathBuf]) -> Command {
    duel.our_command(&directories.iter().map(PathBuf::as_path).collect::<Vec<_>>())
}
