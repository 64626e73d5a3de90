//! `kustomize-rs build`.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use kustomize_core::{BuildError, Rendered, Session, Warning, build, build_yaml};
use kustomize_diagnostic::Diagnostic;

use crate::args::BuildArgs;
use crate::failure::Failure;
use crate::output::{self, Files};
use crate::reporter::Reporter;

/// Builds, and writes the output where it was asked for.
pub(crate) fn run(args: &BuildArgs, reporter: &Reporter) -> Result<(), Failure> {
    deprecated_flags(args).iter().for_each(|warning| reporter.report(warning));
    // An empty path is none, as in kustomize.
    let place = args.output.as_deref().filter(|path| !path.is_empty()).map(Path::new);
    let [target] = args.targets.as_slice() else { return run_many(args, place, reporter) };
    let (host, options) = (args.render.host(), args.render.options());
    // The process ends when this is written: to give its memory back piece by piece would take as
    // long as to put the resources in order.
    if let Some(directory) = place.filter(|path| path.is_dir()) {
        let rendered = ManuallyDrop::new(build(&host, target, &options)?);
        let files = files(&rendered, directory.to_owned())?;
        warn(&rendered, reporter);
        return output::to_directories(&[files]).map(drop);
    }
    let (rendered, pieces) = build_yaml(&host, target, &options)?;
    let rendered = ManuallyDrop::new(rendered);
    warn(&rendered, reporter);
    match place {
        Some(file) => output::to_file(file, pieces.concat().as_bytes()),
        None => output::all_to_stdout(pieces.iter().map(String::as_bytes)),
    }
}

/// Builds several kustomizations and writes them, unless one of them fails: one after the other, or
/// each into a directory of its own.
fn run_many(args: &BuildArgs, place: Option<&Path>, reporter: &Reporter) -> Result<(), Failure> {
    // Not given back piece by piece either.
    let session = ManuallyDrop::new(Session::new(args.render.host(), args.render.options()));
    let targets = &args.targets;
    if let Some(root) = place.filter(|place| place.is_dir()) {
        let outcomes = session.map_many(targets, |_, outcome| {
            let rendered = outcome?;
            Ok((files(&rendered, PathBuf::new())?, rendered.warnings().to_vec()))
        });
        let mut all = all_built(outcomes, reporter)?;
        for (files, directory) in all.iter_mut().zip(output::directories_below(root, targets)?) {
            files.directory = directory;
        }
        return output::to_directories(&all).map(drop);
    }
    let outcomes = session.map_many(targets, |_, outcome| {
        let rendered = outcome?;
        Ok((rendered.yaml()?, rendered.warnings().to_vec()))
    });
    let mut texts = all_built(outcomes, reporter)?;
    texts.retain(|text| !text.is_empty());
    match place {
        Some(file) => output::to_file(file, texts.join(SEPARATOR).as_bytes()),
        None => {
            let separators = std::iter::once("").chain(std::iter::repeat(SEPARATOR));
            let pieces = separators.zip(&texts).flat_map(|(separator, text)| [separator, text]);
            output::all_to_stdout(pieces.map(str::as_bytes))
        }
    }
}

/// What was built, if all was. Says of each what there is to say.
fn all_built<T>(
    outcomes: Vec<Result<(T, Vec<Warning>), BuildError>>,
    reporter: &Reporter,
) -> Result<Vec<T>, Failure> {
    let total = outcomes.len();
    let mut built = Vec::with_capacity(total);
    for outcome in outcomes {
        match outcome {
            Ok((one, warnings)) => {
                warnings.iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
                built.push(one);
            }
            Err(error) => reporter.report(&Diagnostic::from(&error)),
        }
    }
    match total - built.len() {
        0 => Ok(built),
        failed => Err(Failure::new(format!("{failed} of {total} kustomizations cannot be built"))),
    }
}

/// What stands between documents.
pub(super) const SEPARATOR: &str = "---\n";

/// The resources of a build, each for a file of its own in a directory.
pub(super) fn files(rendered: &Rendered, directory: PathBuf) -> Result<Files, BuildError> {
    let resources = rendered.resources();
    Ok(Files {
        directory,
        ids: resources.iter().map(|resource| rendered.id(resource)).collect(),
        texts: resources.iter().map(|resource| rendered.resource_yaml(resource)).collect::<Result<_, _>>()?,
    })
}

/// Warnings are for builds that succeed: an error would drown among them.
fn warn(rendered: &Rendered, reporter: &Reporter) {
    rendered.warnings().iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
}

/// What kustomize says of flags that it would rather not have any more.
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
