//! `kustomize-rs watch`.

mod copy;
mod files;

use std::path::PathBuf;
use std::time::Instant;

use kustomize_core::host::HostError;
use kustomize_core::{BuildError, ErrorKind, Rendered, Session};
use kustomize_diagnostic::{Diagnostic, Style};
use kustomize_difference::{Difference, Snapshot};
use kustomize_host::OsHost;

use crate::args::WatchArgs;
use crate::command::build;
use crate::comparison;
use crate::failure::Failure;
use crate::output;
use crate::reporter::Reporter;
use copy::Copy;
use files::{Changed, Files};

/// Builds, then waits for changes and shows what they change, until it is interrupted.
pub(crate) fn run(args: &WatchArgs, reporter: &Reporter) -> Result<(), Failure> {
    let session = Session::new(args.render.host(), args.render.options());
    let mut overlays: Vec<Overlay> = args.targets.iter().map(|path| Overlay::new(path)).collect();
    let mut files = Files::new()?;
    let mut copy = Copy::new(args)?;
    let show =
        Show { secrets: args.show_secrets, with_files: copy.as_ref().is_some_and(Copy::has_files), reporter };
    let started = Instant::now();
    let first = session.build_many(&args.targets);
    if let Some(error) = first.iter().find_map(|outcome| outcome.as_ref().err().filter(is_nowhere)) {
        return Err(error.into());
    }
    for (overlay, outcome) in overlays.iter_mut().zip(first) {
        overlay.update(outcome, &show)?;
    }
    copy.as_mut().map_or(Ok(()), |copy| copy.write(&mut overlays))?;
    files.watch(&inputs(&session, &args.targets))?;
    let (count, time) = (overlays.len(), shown(started));
    let plural = if count == 1 { "" } else { "s" };
    let built = overlays.iter().filter(|overlay| matches!(overlay.state, State::Built { .. })).count();
    let message = format!("watching {count} kustomization{plural}, {built} of them built, in {time}\n");
    output::to_stdout(message.as_bytes())?;
    let mut are_new = false;
    loop {
        let changed = if are_new { Changed::Anything } else { files.wait()? };
        let started = Instant::now();
        let outcomes = match changed {
            Changed::At(paths) => session.rebuild(&args.targets, &paths),
            Changed::Anything => {
                if !are_new {
                    files.forget();
                }
                session.build_many(&args.targets)
            }
        };
        for (overlay, outcome) in overlays.iter_mut().zip(outcomes) {
            if let Some(text) = overlay.update(outcome, &show)? {
                let header = format!("{} (in {})\n", overlay.path, shown(started));
                output::to_stdout((header + &text).as_bytes())?;
            }
        }
        // A full disk may have room again when the next change comes.
        if let Err(Failure::Reported(refused)) =
            copy.as_mut().map_or(Ok(()), |copy| copy.write(&mut overlays))
        {
            reporter.report(&refused);
        }
        are_new = files.watch(&inputs(&session, &args.targets))?;
    }
}

/// Whether there is nothing that could be watched. A kustomization that cannot be built may be mended;
/// a path that leads nowhere was mistyped.
fn is_nowhere(error: &&BuildError) -> bool {
    *error.kind() == ErrorKind::Host(HostError::NotFound) && error.location().is_none()
}

/// All paths that make a difference.
fn inputs(session: &Session<OsHost>, targets: &[String]) -> Vec<String> {
    targets.iter().flat_map(|target| session.inputs(target)).map(|input| input.path).collect()
}

fn shown(started: Instant) -> String {
    format!("{:.1} ms", started.elapsed().as_secs_f64() * 1000.0)
}

/// How outcomes are told, and what is kept of them.
struct Show<'a> {
    /// Whether values of Secrets are shown.
    secrets: bool,
    /// Whether the resources are kept one by one.
    with_files: bool,
    reporter: &'a Reporter,
}

/// A kustomization that is watched.
struct Overlay {
    path: String,
    state: State,
    /// Whether what was built has not been copied yet.
    is_new: bool,
}

enum State {
    New,
    Built { text: String, snapshot: Snapshot, files: Option<output::Files> },
    Broken { last: Snapshot },
}

impl Overlay {
    fn new(path: &str) -> Self {
        Overlay { path: path.to_owned(), state: State::New, is_new: false }
    }

    /// What it was built as, unless it is broken.
    fn text(&self) -> Option<&str> {
        match &self.state {
            State::Built { text, .. } => Some(text),
            State::New | State::Broken { .. } => None,
        }
    }

    /// Takes over the outcome of a build. Returns what to say of it, if it is another than before.
    fn update(
        &mut self,
        outcome: Result<Rendered, BuildError>,
        show: &Show<'_>,
    ) -> Result<Option<String>, Failure> {
        let reporter = show.reporter;
        let built = outcome.and_then(|rendered| Ok((rendered.yaml()?, rendered)));
        let (text, rendered) = match built {
            Ok(built) => built,
            Err(error) => {
                reporter.report(&Diagnostic::from(&error));
                let last = match std::mem::replace(&mut self.state, State::New) {
                    State::Built { snapshot: last, .. } | State::Broken { last } => last,
                    State::New => Snapshot::default(),
                };
                self.state = State::Broken { last };
                return Ok(None);
            }
        };
        if matches!(&self.state, State::Built { text: before, .. } if *before == text) {
            return Ok(None);
        }
        rendered.warnings().iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
        let snapshot = Snapshot::of(&rendered)?;
        let said = match &self.state {
            State::New => None,
            State::Built { snapshot: before, .. } => Some(show.difference(before, &snapshot)),
            State::Broken { last } => {
                let changes = show.difference(last, &snapshot);
                Some(if changes.is_empty() { "    mended, as it was before\n".to_owned() } else { changes })
            }
        };
        let files = show.with_files.then(|| build::files(&rendered, PathBuf::new())).transpose()?;
        self.state = State::Built { text, snapshot, files };
        self.is_new = true;
        Ok(said)
    }
}

impl Show<'_> {
    fn difference(&self, before: &Snapshot, after: &Snapshot) -> String {
        let difference = Difference::between(before, after);
        let difference = if self.secrets { difference } else { difference.mask_secrets() };
        comparison::by_field(&difference, Style::for_stdout(), "    ")
    }
}
