//! Runs recorded cases of Flux against the reconciler's own answers.
//!
//! `flux-cases DIR [AREA]... [--verbose] [--complete=FILE]`: DIR holds a directory for each area. The
//! program prints how many cases of each table passed and failed, and fails if one did. With a file of
//! complete tables, one `AREA/TABLE` a line, only failures in these count.

mod areas;
mod case;
mod cluster;
mod registry;

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
        return Err("usage: flux-cases DIR [AREA]... [--verbose] [--complete=FILE]".to_owned());
    }
    let complete = match flags.iter().find_map(|flag| flag.strip_prefix("--complete=")) {
        Some(file) => Some(complete_tables(file)?),
        None => None,
    };
    let directory = words.remove(0);
    if let Some(unknown) = words.iter().find(|word| !areas::ALL.iter().any(|area| area.name == **word)) {
        return Err(format!("no area {unknown}"));
    }
    let written = |failure: std::io::Error| failure.to_string();
    let (mut passed, mut failed) = (0, 0);
    let mut broken = Vec::new();
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
            let listed = complete.as_ref().is_some_and(|tables| tables.contains(&name));
            match counts.failed {
                0 if complete.is_some() && !listed => {
                    writeln!(out, "  {name} passes as a whole: add it to the list of complete tables")
                        .map_err(written)?;
                }
                1.. if listed => broken.push(name),
                _ => {}
            }
            passed += counts.passed;
            failed += counts.failed;
        }
        let regressed = broken.iter().any(|name| name.starts_with(&format!("{}/", area.name)));
        if verbose || regressed {
            for (id, reason) in &report.failures {
                writeln!(out, "  FAILED {id}\n    {}", reason.replace('\n', "\n    ")).map_err(written)?;
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed").map_err(written)?;
    if complete.is_none() {
        return Ok(failed == 0);
    }
    for name in &broken {
        writeln!(out, "{name} was complete, and is no more").map_err(written)?;
    }
    Ok(broken.is_empty())
}

/// The names in a list of complete tables; `#` begins a comment.
fn complete_tables(file: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(file).map_err(|failure| format!("{file}: {failure}"))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
