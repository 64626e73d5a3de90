//! `cargo xtask bench`: whole programs, ours and kustomize, in turn on generated overlays.

mod duel;
mod growth;
mod machine;
mod memory;
mod parts;
mod reconciler;
mod report;
mod repositories;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::oracle::Oracle;
use crate::{Failure, build};
use duel::Duel;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// Directories to search for kustomizations: repositories, or directories of repositories
    directories: Vec<PathBuf>,
    /// Of the kustomizations found there, measure only every n-th
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = at_least_one)]
    every: usize,
    /// How often each of them is rendered after the first time, whose times count when it is 0
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    repeat: u32,
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

/// Other measurements.
#[derive(clap::Subcommand)]
enum Other {
    /// Measure whether ten times as much input takes about ten times as long
    Growth(growth::Args),
    /// Measure the reconciler on a real API server, beside Flux if there is one
    Reconciler(reconciler::Args),
}

/// Measures, and prints a table.
///
/// # Errors
/// There is nothing to compare with, a program fails, or the outputs differ.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.other {
        Some(Other::Growth(args)) => return growth::run(args),
        Some(Other::Reconciler(args)) => return reconciler::run(args),
        None => {}
    }
    let oracle = Oracle::find()?;
    let ours = match &args.ours {
        Some(program) => std::fs::canonicalize(program)?,
        None => build::command(build::Profile::Release)?,
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
    if let Some(size) = args.sizes.last() {
        let parts = parts::run(&duel, *size)?;
        println!("\n{parts}");
    }
    measure_repositories(&duel, args)
}

fn measure_repositories(duel: &Duel, args: &Args) -> Result<(), Failure> {
    if args.directories.is_empty() {
        eprintln!("SKIPPED: repositories, for want of directories to search for kustomizations");
        return Ok(());
    }
    println!();
    report::head_of_repositories();
    let mut rows = Vec::new();
    for directory in &args.directories {
        eprintln!("{}", directory.display());
        let row = repositories::run(duel, directory, args.every, args.repeat)?;
        report::print_repository(&row);
        rows.push(row);
    }
    report::print_repository(&repositories::Row::sum(&rows));
    Ok(())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse::<NonZeroUsize>().map(NonZeroUsize::get).map_err(|error| error.to_string())
}
