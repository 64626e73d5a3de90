//! `kustomize-rs diff`.

mod side;

use std::process::ExitCode;

use kustomize_core::host::mask;
use kustomize_diagnostic::{Diagnostic, Style, inert, inert_for_people};
use kustomize_difference::Difference;

use crate::args::{DiffArgs, DiffFormat, DiffStyle};
use crate::comparison::{by_field, json, markdown, unified};
use crate::failure::Failure;
use crate::output;
use side::Side;

/// Renders both sides and shows what differs.
pub(crate) fn run(args: &DiffArgs) -> Result<ExitCode, Failure> {
    if args.diff == DiffStyle::Text && args.format == DiffFormat::Json {
        let diagnostic = Diagnostic::error("JSON holds fields, and --diff=text asks for lines");
        return Err(diagnostic.with_help("leave out --diff=text, or write --format=markdown").into());
    }
    if args.old == side::STANDARD_INPUT && args.new == side::STANDARD_INPUT {
        return Err(Failure::new("standard input cannot be both sides"));
    }
    let (old, new) = (Side::render(&args.old, &args.render)?, Side::render(&args.new, &args.render)?);
    let style = if args.format == DiffFormat::Text { Style::for_stdout() } else { Style::Plain };
    // What was given may be a URL with a password.
    let names = (&*mask(&args.old), &*mask(&args.new));
    let (text, differs) = match args.diff {
        DiffStyle::Text => {
            let differs = old.yaml != new.yaml;
            let sides = ((names.0, old.yaml.as_str()), (names.1, new.yaml.as_str()));
            let text = match differs {
                true => unified(sides.0, sides.1, args.show_secrets, style)?,
                false => String::new(),
            };
            let as_markdown = args.format == DiffFormat::Markdown;
            (if as_markdown { markdown::of_lines(names, &text) } else { text }, differs)
        }
        DiffStyle::Fields => {
            let difference = Difference::between(&old.snapshot, &new.snapshot);
            let difference = if args.show_secrets { difference } else { difference.mask_secrets() };
            let text = match args.format {
                DiffFormat::Text => by_field(&difference, style, ""),
                DiffFormat::Json => json(&difference)?,
                DiffFormat::Markdown => markdown::of_fields(names, &difference),
            };
            (text, !difference.is_empty())
        }
    };
    let text = match args.format {
        DiffFormat::Json => inert(&text, |letter| format!("\\u{:04x}", u32::from(letter))),
        DiffFormat::Text | DiffFormat::Markdown => inert_for_people(&text),
    };
    output::to_stdout(text.as_bytes())?;
    Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
