//! Runs recorded cases of Flux against the reconciler's own answers.
//!
//! `flux-cases DIR [AREA]... [--verbose]`: DIR holds a directory for each area. The program prints how
//! many cases of each area passed and failed, and fails if one did.

mod areas;
mod case;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use case::Report;

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match run(&mut out, std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            // Nothing is left to do when the message cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Runs the wanted areas and says whether every case passed.
fn run(out: &mut impl Write, args: impl Iterator<Item = String>) -> Result<bool, String> {
    let (flags, mut words): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with('-'));
    let verbose = flags.iter().any(|flag| flag == "--verbose" || flag == "-v");
    if words.is_empty() {
        return Err("usage: flux-cases DIR [AREA]... [--verbose]".to_owned());
    }
    let directory = words.remove(0);
    if let Some(unknown) = words.iter().find(|word| !areas::ALL.iter().any(|area| area.name == **word)) {
        return Err(format!("no area {unknown}"));
    }
    let written = |failure: std::io::Error| failure.to_string();
    let (mut passed, mut failed) = (0, 0);
    for area in areas::ALL {
        let folder = Path::new(&directory).join(area.name);
        let wanted = words.is_empty() || words.iter().any(|word| word == area.name);
        if !wanted || (words.is_empty() && !folder.is_dir()) {
            continue;
        }
        let mut report = Report::default();
        (area.run)(&folder, &mut report).map_err(|failure| format!("{}: {failure}", area.name))?;
        for (table, counts) in &report.tables {
            let name = format!("{}/{table}", area.name);
            writeln!(out, "{name:<40} {:>5} passed {:>5} failed", counts.passed, counts.failed)
                .map_err(written)?;
            passed += counts.passed;
            failed += counts.failed;
        }
        if verbose {
            for (id, reason) in &report.failures {
                writeln!(out, "  FAILED {id}\n    {}", reason.replace('\n', "\n    ")).map_err(written)?;
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed").map_err(written)?;
    Ok(failed == 0)
}
