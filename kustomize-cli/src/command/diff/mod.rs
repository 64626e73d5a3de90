//! `kustomize-rs diff`.

mod side;

use std::process::ExitCode;

use kustomize_core::difference::Difference;
use kustomize_diagnostic::Style;

use crate::args::{DiffArgs, DiffStyle};
use crate::comparison::{by_field, unified};
use crate::failure::Failure;
use crate::output;
use side::Side;

/// Renders both sides and shows what differs.
pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let (old, new) = (Side::render(&args.old, &args.render)?, Side::render(&args.new, &args.render)?);
    let style = Style::for_stdout();
    let text = match args.diff {
        _ if old.yaml == new.yaml => String::new(),
        DiffStyle::Text => unified((&args.old, &old.yaml), (&args.new, &new.yaml), style),
        DiffStyle::Fields => by_field(&Difference::between(&old.snapshot, &new.snapshot), style, ""),
    };
    output::to_stdout(text.as_bytes())?;
    Ok(if text.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
