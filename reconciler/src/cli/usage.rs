//! Refusing arguments: one line that says why, then the usage.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use super::term;

/// The exit status when the arguments make no sense.
const STATUS: u8 = 2;

/// Reports what clap has found: help that was asked for, or a mistake.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that has closed its end does not want the rest.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(STATUS)
        }
        _ => {
            let text = error.render().to_string();
            let usage = text.find("Usage:").map_or("", |at| &text[at..]);
            term::failure(&message(error, &text));
            term::note(usage);
            ExitCode::from(STATUS)
        }
    }
}

/// Reports a mistake that a command has found in its arguments.
pub(crate) fn refuse(message: &str, definition: &mut Command, matches: &ArgMatches) -> ExitCode {
    let (mut command, mut matches) = (definition, matches);
    while let Some((name, inner)) = matches.subcommand() {
        if command.find_subcommand(name).is_none() {
            break;
        }
        // Asked first, since a mutable search that fails would keep the borrow.
        if let Some(found) = command.find_subcommand_mut(name) {
            command = found;
            matches = inner;
        } else {
            return ExitCode::from(STATUS);
        }
    }
    term::failure(message);
    term::note(&format!("{}\n", command.render_usage()));
    ExitCode::from(STATUS)
}

/// The one line that says what is wrong, in Flux's words where it has some.
fn message(error: &clap::Error, text: &str) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(value)) => Some(value.clone()),
        _ => None,
    };
    let flag = |text: String| text.split([' ', '=']).next().unwrap_or_default().to_owned();
    if error.kind() == ErrorKind::ValueValidation
        && let (Some(argument), Some(value)) =
            (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue))
    {
        let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        return format!("invalid argument \"{value}\" for \"{}\" flag: {reason}", flag(argument));
    }
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(argument) = context(ContextKind::InvalidArg)
    {
        let tip = context(ContextKind::SuggestedArg).map(|tip| format!(", did you mean {tip}"));
        return format!("unknown flag: {argument}{}", tip.unwrap_or_default());
    }
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
    {
        return format!("missing: {}", missing.join(", "));
    }
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
