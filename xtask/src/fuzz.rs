//! `cargo xtask fuzz`: the fuzz targets, each for a while.

use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, workspace};

/// The targets, and whether the fixtures are a start for them: those that read text.
const TARGETS: [(&str, bool); 4] =
    [("reader", true), ("resource", true), ("kustomization", true), ("overlay", false)];

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub struct Args {
    /// The targets to run; all when none is named
    targets: Vec<String>,
    /// How long to run each, in seconds
    #[arg(long, default_value_t = 180)]
    seconds: u32,
}

/// Runs the targets one after the other, each in one process. What was found interesting stays in
/// `fuzz/corpus`, what failed in `fuzz/artifacts`.
///
/// # Errors
/// An unknown target; the tool cannot be installed; a target found something.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(unknown) = args.targets.iter().find(|name| TARGETS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no target {unknown}; there are {}", known.join(", ")).into());
    }
    if let Some(missing) = missing() {
        println!("SKIPPED: {missing}");
        return Ok(());
    }
    let tool = tool()?;
    let mut failed = Vec::new();
    for (name, reads_text) in TARGETS {
        if !args.targets.is_empty() && !args.targets.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("\nfuzzing {name} for {} s; the first time it is compiled before", args.seconds);
        if !fuzz(&tool, name, reads_text, args.seconds)?.success() {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("something was found by {}", failed.join(", ")).into())
    }
}

fn fuzz(
    tool: &PathBuf,
    name: &str,
    reads_text: bool,
    seconds: u32,
) -> Result<std::process::ExitStatus, Failure> {
    let corpus = workspace::root().join("fuzz/corpus").join(name);
    std::fs::create_dir_all(&corpus)?;
    let mut command = Command::new(tool);
    // The sanitizers find what safe code cannot do. Instrumentation alone needs flags that only
    // nightly compilers take, unless they are told to behave like one.
    command.args(["fuzz", "run", "--sanitizer", "none", name]).arg(corpus);
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(workspace::root().join("fuzz"));
    command.arg("--target-dir").arg(workspace::target().join("fuzz"));
    if reads_text {
        command.arg(workspace::root().join("fixtures"));
    }
    command.args(["--", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={seconds}"));
    Ok(command.status()?)
}

/// What this machine lacks, and how to come by it.
fn missing() -> Option<&'static str> {
    if cfg!(windows) {
        return Some("cargo-fuzz does not know Windows: use a Linux or macOS machine");
    }
    let has_compiler = std::env::var_os("CXX").is_some()
        || ["c++", "g++", "clang++"].iter().any(|name| workspace::find_program(name).is_some());
    let cure = "libFuzzer is compiled first, and there is no C++ compiler (on Debian: apt-get install g++)";
    (!has_compiler).then_some(cure)
}

/// `cargo-fuzz`, installed below the target directory where it is missing.
fn tool() -> Result<PathBuf, Failure> {
    if let Some(found) = workspace::find_program("cargo-fuzz") {
        return Ok(found);
    }
    let tools = workspace::target().join("tools");
    let installed = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if !installed.is_file() {
        println!("installing cargo-fuzz below {}", tools.display());
        let mut cargo = workspace::cargo();
        cargo.args(["install", "--quiet", "--locked", "cargo-fuzz", "--root"]).arg(&tools);
        if !cargo.status()?.success() {
            return Err("cargo-fuzz cannot be installed; by hand: cargo install --locked cargo-fuzz".into());
        }
    }
    Ok(installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_run() {
        let directory = workspace::root().join("fuzz/fuzz_targets");
        let files = directory.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<String> =
            files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let mut known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        found.sort();
        known.sort_unstable();
        assert_eq!(found, known);
    }
}
