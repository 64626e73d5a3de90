//! `kustomize-rs build`.

use std::path::Path;

use kustomize_core::resource::ResId;

use crate::args::BuildArgs;
use crate::diagnostic::{Diagnostic, Reporter};
use crate::failure::Failure;
use crate::output;

/// Builds, and writes the output where it was asked for.
pub(crate) fn run(args: &BuildArgs, reporter: &Reporter) -> Result<(), Failure> {
    deprecated_flags(args).iter().for_each(|warning| reporter.report(warning));
    let rendered = render(args)?;
    rendered.warnings.iter().for_each(|warning| reporter.report(&Diagnostic::from(warning)));
    match args.output.as_deref() {
        // An empty path is none, as in the reference.
        Some(path) if !path.is_empty() => write(Path::new(path), &rendered),
        _ => output::to_stdout(rendered.to_yaml().as_bytes()),
    }
}

fn write(path: &Path, rendered: &Rendered) -> Result<(), Failure> {
    if !path.is_dir() {
        return output::to_file(path, rendered.to_yaml().as_bytes());
    }
    let (ids, texts): (Vec<ResId>, Vec<String>) = rendered.each();
    output::to_directory(path, &ids, texts.iter().map(String::as_str))
}

// The library's own, once it is there.
struct Rendered {
    warnings: Vec<kustomize_core::Warning>,
}

impl Rendered {
    fn to_yaml(&self) -> String {
        String::new()
    }
    fn each(&self) -> (Vec<ResId>, Vec<String>) {
        (Vec::new(), Vec::new())
    }
}

fn render(args: &BuildArgs) -> Result<Rendered, Failure> {
    let _ = (args.options(), &args.target);
    Err(Failure::new("building is not there yet"))
}

/// What the reference says of flags that it would rather not have any more.
fn deprecated_flags(args: &BuildArgs) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if args.reorder.is_some() {
        let help = "use the field 'sortOptions' in kustomization.yaml";
        warnings.push(Diagnostic::warning("the flag --reorder is deprecated").with_help(help));
    }
    if args.enable_managedby_label {
        let help = "use the option 'managedByLabel' in the field 'buildMetadata' of kustomization.yaml";
        warnings.push(Diagnostic::warning("the flag --enable-managedby-label is deprecated").with_help(help));
    }
    warnings
}
