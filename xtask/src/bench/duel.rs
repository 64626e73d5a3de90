//! One overlay, rendered by both programs in turn.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kustomize_benches::{ENTRY, Overlay};

use super::memory::Meter;
use crate::Failure;
use crate::oracle::Oracle;
use crate::process::{self, Ended, Status};

/// A program that takes longer than this is run once: its first run counts.
const SLOW: Duration = Duration::from_secs(10);
/// How long one run may take.
pub const LIMIT: Duration = Duration::from_secs(15 * 60);

/// The two programs, and how they are measured.
pub struct Duel {
    /// Our program.
    pub ours: PathBuf,
    /// The one to compare with.
    pub oracle: Oracle,
    /// How often each is run.
    pub runs: u32,
    /// What measures peak memory, if there is anything.
    pub memory: Option<Meter>,
}

/// What was measured on one overlay.
pub struct Row {
    /// How many resources were asked for.
    pub resources: usize,
    /// How many bytes of input they are.
    pub bytes: usize,
    /// Ours.
    pub ours: Measured,
    /// The oracle's, unless it was left out.
    pub oracle: Option<Measured>,
}

/// Time and memory of one program.
#[derive(Default)]
pub struct Measured {
    times: Vec<Duration>,
    /// Its peak memory in KiB.
    pub peak: Option<u64>,
}

impl Measured {
    /// Adds the time of one more run.
    pub fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// The median of its times.
    pub fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// How often it was run.
    pub fn runs(&self) -> usize {
        self.times.len()
    }
}

impl Duel {
    /// Writes an overlay of this size and measures.
    ///
    /// # Errors
    /// A program fails, or the outputs differ.
    pub fn run(&self, resources: usize, with_oracle: bool) -> Result<Row, Failure> {
        let overlay = Overlay::new(resources);
        let top = tempfile::tempdir()?;
        overlay.write(top.path())?;
        let directory = top.path().join(ENTRY);

        // The first run of each warms the caches, weighs, and shows what comes out.
        let (mut ours, expected) = self.first("kustomize-rs", || self.our_command(&[&directory]))?;
        let mut oracle = match with_oracle {
            true => {
                let (measured, output) = self.first("kustomize", || self.oracle.command(&directory))?;
                if output != expected {
                    return Err(format!("the outputs differ at {resources} resources").into());
                }
                Some(measured)
            }
            false => None,
        };
        // In turn, so that whatever else the machine does falls upon both.
        for _ in 0..self.runs {
            time(&mut ours, self.our_command(&[&directory]))?;
            if let Some(oracle) = &mut oracle {
                time(oracle, self.oracle.command(&directory))?;
            }
        }
        Ok(Row { resources, bytes: overlay.bytes(), ours, oracle })
    }

    /// Our program, on directories.
    pub fn our_command(&self, directories: &[&Path]) -> Command {
        let mut command = Command::new(&self.ours);
        command.arg("build").args(directories);
        command
    }

    /// The first run. Its time counts only for a slow program, to which neither a cold cache nor the meter matters.
    fn first(&self, name: &str, command: impl Fn() -> Command) -> Result<(Measured, Vec<u8>), Failure> {
        let (ended, peak) = match &self.memory {
            Some(meter) => meter.run(&command(), LIMIT)?,
            None => (process::run(&mut command(), LIMIT)?, None),
        };
        done(&ended).map_err(|failure| format!("{name}: {failure}"))?;
        let times = if ended.took > SLOW { vec![ended.took] } else { Vec::new() };
        Ok((Measured { times, peak }, ended.stdout))
    }
}

/// Runs once more, unless the program is known to be slow.
fn time(measured: &mut Measured, mut command: Command) -> Result<(), Failure> {
    if measured.times.last().is_none_or(|last| *last <= SLOW) {
        measured.add(process::time(&mut command)?);
    }
    Ok(())
}

fn done(ended: &Ended) -> Result<(), Failure> {
    match ended.status {
        Status::Done => Ok(()),
        status => Err(format!("{status:?}: {}", ended.stderr.trim()).into()),
    }
}
