//! `kustomize-rs test`.

mod junit;
mod progress;
mod report;
mod since;
mod update;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use kustomize_diagnostic::{Diagnostic, Style};
use kustomize_golden::{Case, Layout, Outcome, Sessions, check_all, discover};
use kustomize_host::OsHost;

use crate::args::TestArgs;
use crate::failure::Failure;
use crate::output;
use crate::reporter::{Reporter, renderer};
use progress::Progress;
use report::Report;
use since::Since;

/// A case and how it ended.
#[derive(Debug)]
struct Checked {
    case: Case,
    outcome: Outcome,
    /// Whether the outcome was accepted, so that it is none to fail for.
    accepted: bool,
}

/// Compares overlays with their golden files, or updates these.
pub(crate) fn run(args: &TestArgs, reporter: &Reporter) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let host = args.render.host();
    let paths: Vec<&str> = args.paths.iter().map(String::as_str).collect();
    let layout = layout(&host, args)?;
    if let Some(place) = args.junit.as_deref().filter(|place| *place != "-") {
        output::place_within(Path::new(place))?;
    }
    let cases = discover(&host, &layout, &paths)?;
    if cases.is_empty() {
        let message = format!("there are no overlays in or below {}", paths.join(", "));
        let help = "an overlay is a directory with a kustomization.yaml that no other one builds on";
        return Err(Diagnostic::error(message).with_help(help).into());
    }
    let since = args.since.as_deref().map(|revision| Since::read(&layout, revision)).transpose()?;
    let mut sessions = Sessions::new(&host, args.render.options());
    let mut progress = Progress::new(cases.len());
    let outcomes = check_all(&mut sessions, &cases, |_, _| progress.step());
    progress.end();
    let total = cases.len();
    let mut all: Vec<Checked> = cases
        .into_iter()
        .zip(outcomes)
        .filter(|(case, _)| since.as_ref().is_none_or(|since| since.touches(&sessions, case)))
        .map(|(case, outcome)| Checked { case, outcome, accepted: false })
        .collect();
    let unchanged = total - all.len();
    // One that cannot be written is in the way of no other, and what was written is told.
    let refused: Vec<Failure> = match args.update {
        true => all.iter_mut().filter_map(|one| update::accept(one, reporter).err()).collect(),
        false => Vec::new(),
    };
    let junit = args.junit.as_ref().map(|place| {
        let report = Report::new(renderer(Style::Plain), args.diff, args.show_secrets);
        (place, junit::document(&all, &report, started.elapsed()))
    });
    let report = |style| Report::new(renderer(style), args.diff, args.show_secrets).text(&all, unchanged);
    match junit {
        // Standard output is for the document then, and people look elsewhere.
        Some((place, document)) if place == "-" => {
            reporter.write(&report(Style::for_stderr()));
            output::to_stdout(document.as_bytes())?;
        }
        Some((place, document)) => {
            output::to_stdout(report(Style::for_stdout()).as_bytes())?;
            output::to_report(Path::new(place), document.as_bytes())?;
        }
        None => output::to_stdout(report(Style::for_stdout()).as_bytes())?,
    }
    if let Some(failure) = refused.into_iter().next() {
        return Err(failure);
    }
    let good = all.iter().all(|one| one.accepted || one.outcome.is_equal());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where golden files stand: as the repository of the first path says, unless the flags do.
fn layout(host: &OsHost, args: &TestArgs) -> Result<Layout, Failure> {
    let layout = Layout::find(host, args.paths.first().map_or(".", String::as_str))?;
    let Some(directory) = &args.golden_dir else { return Ok(layout) };
    Ok(layout.in_given_directory(host, directory)?)
}
