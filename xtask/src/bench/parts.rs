//! A whole build beside a program that only reads and prints the same files.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use kustomize_benches::{ENTRY, Overlay};

use super::duel::{Duel, Measured};
use crate::{Failure, build, process};

/// Measures the build of an overlay, and reading and printing its resources, in turn.
///
/// # Errors
/// A program does not compile, or fails.
pub fn run(duel: &Duel, resources: usize) -> Result<String, Failure> {
    let reader_and_printer = build::example(build::Profile::Release, "read_and_print")?;
    let overlay = Overlay::new(resources);
    let top = tempfile::tempdir()?;
    overlay.write(top.path())?;
    let names = overlay.files().map(|(name, _)| name).filter(|name| !name.ends_with("kustomization.yaml"));
    let files: Vec<PathBuf> = names.map(|name| top.path().join(name)).collect();
    let (mut build, mut parts) = (Measured::default(), Measured::default());
    for _ in 0..duel.runs {
        build.add(process::time(&mut duel.our_command(&[&top.path().join(ENTRY)]))?);
        parts.add(process::time(Command::new(&reader_and_printer).args(&files))?);
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (build, parts) = (milliseconds(build.median()), milliseconds(parts.median()));
    Ok(format!(
        "{resources} resources: {build:.1} ms; a program that reads and prints their files on one thread: \
         {parts:.1} ms; {:.2} times",
        build / parts
    ))
}
