//! Peak memory of a program, as GNU time tells it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Failure;
use crate::process::{self, Ended};

/// Where GNU time is: the shell's own `time` knows nothing of memory.
pub const PROGRAM: &str = "/usr/bin/time";

/// Runs programs below GNU time.
pub struct Meter(());

impl Meter {
    /// The meter, if this machine has one that works.
    pub fn find() -> Option<Self> {
        let meter = Meter(());
        let (_, peak) = meter.run(&Command::new("true"), Duration::from_secs(10)).ok()?;
        peak.map(|_| meter)
    }

    /// Runs a program; its peak of resident memory in KiB.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, command: &Command, limit: Duration) -> Result<(Ended, Option<u64>), Failure> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("peak");
        let mut metered = Command::new(PROGRAM);
        metered.args(["-f", "%M", "-o"]).arg(&file).arg(command.get_program()).args(command.get_args());
        let ended = process::run(&mut metered, limit)?;
        Ok((ended, read(&file)))
    }
}

/// The number in the last line: above it stands what time says of a program that failed.
fn read(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.lines().last()?.trim().parse().ok()
}
