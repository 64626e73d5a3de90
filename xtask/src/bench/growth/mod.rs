//! `cargo xtask bench growth`: whether ten times as much input takes about ten times as much processor
//! time.

mod inputs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::steps::human;
use crate::{Failure, build};
use inputs::{INPUTS, Input};

/// By how much an input grows from the first measurement to the second.
const FACTOR: usize = 10;
/// By how much the time may grow when the input grows by [`FACTOR`].
const MOST: f64 = 14.0;

/// Options of `cargo xtask bench growth`.
#[derive(clap::Args)]
pub struct Args {
    /// Measure only inputs whose description contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Divide all sizes by this, for a build that is not optimized
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = super::at_least_one)]
    divide: usize,
    /// How often each is rendered; the shortest processor time counts
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Use this program instead of building ours
    #[arg(long, value_name = "PROGRAM")]
    ours: Option<PathBuf>,
}

/// Measures all inputs and prints a table.
///
/// # Errors
/// A build fails, or the time of an input grows too much.
pub fn run(args: &Args) -> Result<(), Failure> {
    let program = match &args.ours {
        Some(program) => std::fs::canonicalize(program)?,
        None => build::command(build::Profile::Quick)?,
    };
    println!("| input | n | at n | at {FACTOR}n | growth |\n|---|---:|---:|---:|---:|");
    let mut steep = Vec::new();
    for input in INPUTS.iter().filter(|input| input.name.contains(&args.only)) {
        let size = (input.size / args.divide).max(1);
        let small = shortest(&program, input, size, args.runs)?;
        let large = shortest(&program, input, size * FACTOR, args.runs)?;
        let growth = large.as_secs_f64() / small.as_secs_f64();
        println!("| {} | {size} | {} | {} | {growth:.1} |", input.name, human(small), human(large));
        if growth > MOST {
            steep.push(input.name);
        }
    }
    if steep.is_empty() {
        return Ok(());
    }
    Err(format!("these take more than {MOST} times as long: {}", steep.join("; ")).into())
}

/// The shortest processor time of several builds: what else the machine does can only add to it.
fn shortest(program: &Path, input: &Input, size: usize, runs: u32) -> Result<Duration, Failure> {
    let top = tempfile::tempdir()?;
    for (path, text) in (input.files)(size) {
        std::fs::write(top.path().join(path), text)?;
    }
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let took = process::cpu_time(Command::new(program).arg("build").arg(top.path()))
            .map_err(|failure| format!("{}: {failure}", input.name))?;
        best = best.min(took);
    }
    Ok(best)
}
