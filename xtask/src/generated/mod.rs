//! `cargo xtask generated`: kustomizations that nobody would write, ours and kustomize's side by side.

mod resource;
mod text;
mod tree;

use std::fs;

use crate::{Failure, compare, workspace};

/// Options of `cargo xtask generated`.
#[derive(clap::Args)]
pub struct Args {
    /// How many kustomizations to make
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// The first of as many seeds: the same seed makes the same kustomization
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Show the first lines that differ
    #[arg(long)]
    diff: bool,
}

/// Makes kustomizations below the target directory, and compares.
///
/// # Errors
/// They are rendered differently, or there is nothing to compare with.
pub fn run(args: &Args) -> Result<(), Failure> {
    let top = workspace::target().join("generated");
    if top.exists() {
        fs::remove_dir_all(&top)?;
    }
    for seed in args.seed..args.seed + args.count {
        for (path, text) in tree::files(&mut fastrand::Rng::with_seed(seed)) {
            let path = top.join(format!("{seed:06}")).join(path);
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(path, text)?;
        }
    }
    compare::run(&compare::Args::of(top, args.diff))
}
