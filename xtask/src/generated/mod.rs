//! `cargo xtask generated`: kustomizations that nobody would write, ours and kustomize's side by side.

mod resource;
mod text;
mod tree;

use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::{Failure, compare, workspace};

/// How many kustomizations are compared before the clock is looked at.
const BATCH: u64 = 100;

/// Options of `cargo xtask generated`.
#[derive(clap::Args)]
pub struct Args {
    /// How many kustomizations to make
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first of as many seeds: the same seed makes the same kustomization [default: 0, with
    /// --seconds a fresh one]
    #[arg(long)]
    seed: Option<u64>,
    /// Make as many as can be compared in this time
    #[arg(long, value_name = "SECONDS", conflicts_with = "count")]
    seconds: Option<u64>,
    /// Show the first lines that differ
    #[arg(long)]
    diff: bool,
}

/// Makes kustomizations below the target directory, and compares.
///
/// # Errors
/// They are rendered differently, or there is nothing to compare with.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Some(seconds) = args.seconds else {
        let first = args.seed.unwrap_or(0);
        return compare_seeds(first..first + args.count, args.diff);
    };
    let mut first = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        println!("seeds from {first}; the same again: cargo xtask generated --seed {first} --count {BATCH}");
        compare_seeds(first..first + BATCH, args.diff)?;
        first += BATCH;
    }
    Ok(())
}

/// Compares the kustomizations of some seeds.
fn compare_seeds(seeds: Range<u64>, diff: bool) -> Result<(), Failure> {
    let top = workspace::target().join("generated");
    if top.exists() {
        fs::remove_dir_all(&top)?;
    }
    for seed in seeds {
        for (path, text) in tree::files(&mut fastrand::Rng::with_seed(seed)) {
            let path = top.join(format!("{seed:06}")).join(path);
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(path, text)?;
        }
    }
    compare::run(&compare::Args::of(top, diff))
}
