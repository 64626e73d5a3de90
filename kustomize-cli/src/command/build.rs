//! `kustomize-rs build`.

use std::mem::ManuallyDrop;
use std::path::Path;

use kustomize_core::resource::ResId;
use kustomize_core::{BuildError, Rendered, Session, Warning, build, build_yaml};
use kustomize_diagnostic::Diagnostic;

use crate::args::BuildArgs;
use crate::failure::Failure;
use crate::output;
use crate::reporter::Reporter;

/// Builds, and writes the output where it was asked for.
pub(crate) fn run(args: &BuildArgs, reporter: &Reporter) -> Result<(), Failure> {
    deprecated_flags(args).iter().for_each(|warning| reporter.report(warning));
    // An empty path is none, as in the reference.
    let place = args.output.as_deref().filter(|path| !path.is_empty()).map(Path::new);
    let [target] = args.targets.as_slice() else { return run_many(args, place, reporter) };
    let (host, options) = (args.render.host(), args.render.options());
    // The process ends when this is written: to give its memory back piece by piece would take as
    // long as to put the resources in order.
    if let Some(directory) = place.filter(|path| path.is_dir()) {
        let rendered = ManuallyDrop::new(build(&host, target, &options)?);
        let texts = texts(&rendered)?;
        warn(&rendered, reporter);
        return output::to_directory(directory, &ids(&rendered), &texts);
    }
    let (rendered, pieces) = build_yaml(&host, target, &options)?;
    let rendered = ManuallyDrop::new(rendered);
    warn(&rendered, reporter);
    match place {
        Some(file) => output::to_file(file, pieces.concat().as_bytes()),
        None => output::all_to_stdout(pieces.iter().map(String::as_bytes)),
    }
}

/// Builds several kustomizations and writes them one after the other, unless one of them fails.
fn run_many(args: &BuildArgs, place: Option<&Path>, reporter: &Reporter) -> Result<(), Failure> {
    if place.is_some_and(Path::is_dir) {
        let message = "several kustomizations cannot be written to one directory";
        return Err(Diagnostic::error(message).with_help("build one at a time, or write to a file").into());
    }
    // Not given back piece by piece either.
    let session = ManuallyDrop::new(Session::new(args.render.host(), args.render.options()));
    let outcomes = session.map_many(&args.targets, |_, outcome| {
        let rendered = outcome?;
        Ok((rendered.yaml()?, rendered.warnings().to_vec()))
    });
    let mut texts = Vec::new();
    let mut failed = 0;
    for outcome in outcomes {
        let outcome: Result<(String, Vec<Warning>), BuildError> = outcome;
        match outcome {
            Ok((yaml, warnings)) => {
                warnings.iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
                if !yaml.is_empty() {
                    texts.push(yaml);
                }
            }
            Err(error) => {
                reporter.report(&Diagnostic::from(&error));
                failed += 1;
            }
        }
    }
    if failed > 0 {
        let message = format!("{failed} of {} kustomizations cannot be built", args.targets.len());
        return Err(Failure::new(message));
    }
    match place {
        Some(file) => output::to_file(file, texts.join(SEPARATOR).as_bytes()),
        None => {
            let separators = std::iter::once("").chain(std::iter::repeat(SEPARATOR));
            let pieces = separators.zip(&texts).flat_map(|(separator, text)| [separator, text]);
            output::all_to_stdout(pieces.map(str::as_bytes))
        }
    }
}

/// What stands between documents.
const SEPARATOR: &str = "---\n";

fn ids(rendered: &Rendered) -> Vec<ResId> {
    rendered.resources().iter().map(|resource| rendered.id(resource)).collect()
}

fn texts(rendered: &Rendered) -> Result<Vec<String>, BuildError> {
    rendered.resources().iter().map(|resource| rendered.resource_yaml(resource)).collect()
}

/// Warnings are for builds that succeed: an error would drown among them.
fn warn(rendered: &Rendered, reporter: &Reporter) {
    rendered.warnings().iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
}

/// What the reference says of flags that it would rather not have any more.
fn deprecated_flags(args: &BuildArgs) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if args.render.reorder.is_some() {
        let help = "use the field 'sortOptions' in kustomization.yaml";
        warnings.push(Diagnostic::warning("the flag --reorder is deprecated").with_help(help));
    }
    if args.render.enable_managedby_label {
        let help = "use the option 'managedByLabel' in the field 'buildMetadata' of kustomization.yaml";
        warnings.push(Diagnostic::warning("the flag --enable-managedby-label is deprecated").with_help(help));
    }
    warnings
}
