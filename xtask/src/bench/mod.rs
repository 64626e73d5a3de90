//! `cargo xtask bench`: whole programs, ours and kustomize, in turn on generated overlays.

mod duel;
mod machine;
mod memory;
mod report;

use std::path::PathBuf;

use crate::oracle::Oracle;
use crate::{Failure, workspace};
use duel::Duel;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Args {
    /// How many resources the overlays have that both render
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "4,100,1000,4000")]
    sizes: Vec<usize>,
    /// How many they have that we render alone, to see the time grow
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "40000")]
    alone: Vec<usize>,
    /// How often each is rendered; a median wants an odd number
    #[arg(long, value_name = "NUMBER", default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Use this program instead of building ours
    #[arg(long, value_name = "PROGRAM")]
    ours: Option<PathBuf>,
}

/// Measures, and prints a table.
///
/// # Errors
/// There is nothing to compare with, a program fails, or the outputs differ.
pub fn run(args: &Args) -> Result<(), Failure> {
    let oracle = Oracle::find()?;
    let ours = match &args.ours {
        Some(program) => std::fs::canonicalize(program)?,
        None => workspace::build_command(workspace::Profile::Release)?,
    };
    let duel = Duel { ours, oracle, runs: args.runs, memory: memory::Meter::find() };
    if duel.memory.is_none() {
        eprintln!("SKIPPED: peak memory, for want of GNU time at {}", memory::PROGRAM);
    }
    println!("{}\n", machine::describe(&duel.ours, &duel.oracle)?);
    report::head();
    let both = args.sizes.iter().map(|size| (*size, true));
    // Each row as soon as it is known: large ones take minutes, and may be interrupted.
    let mut above = None;
    for (size, with_oracle) in both.chain(args.alone.iter().map(|size| (*size, false))) {
        eprintln!("{size} resources{}", if with_oracle { "" } else { ", ours alone" });
        let row = duel.run(size, with_oracle)?;
        report::print(above.as_ref(), &row);
        above = Some(row);
    }
    Ok(())
}
