//! `kustomize-rs build`.

use std::path::Path;

use kustomize_core::resource::ResId;
use kustomize_core::{BuildError, Rendered, build};
use kustomize_diagnostic::Diagnostic;

use crate::args::BuildArgs;
use crate::failure::Failure;
use crate::output;
use crate::reporter::Reporter;

/// Builds, and writes the output where it was asked for.
pub(crate) fn run(args: &BuildArgs, reporter: &Reporter) -> Result<(), Failure> {
    deprecated_flags(args).iter().for_each(|warning| reporter.report(warning));
    let rendered = build(&args.render.host(), &args.target, &args.render.options())?;
    // An empty path is none, as in the reference.
    let place = args.output.as_deref().filter(|path| !path.is_empty()).map(Path::new);
    match place.filter(|path| path.is_dir()) {
        Some(directory) => {
            let texts = texts(&rendered)?;
            warn(&rendered, reporter);
            output::to_directory(directory, &ids(&rendered), &texts)
        }
        None => {
            let text = rendered.yaml()?;
            warn(&rendered, reporter);
            match place {
                Some(file) => output::to_file(file, text.as_bytes()),
                None => output::to_stdout(text.as_bytes()),
            }
        }
    }
}

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
