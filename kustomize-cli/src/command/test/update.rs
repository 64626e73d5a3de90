//! Accepting new output.

use kustomize_diagnostic::Diagnostic;
use kustomize_difference::secrets_of;
use kustomize_golden::Update;
use kustomize_host::OsHost;

use super::Checked;
use crate::failure::Failure;
use crate::output;
use crate::reporter::Reporter;

/// Makes the golden file what the overlay renders as, where there is something to accept.
///
/// Warns of Secrets: who may read the repository may read them then.
pub(super) fn accept(checked: &mut Checked, reporter: &Reporter) -> Result<(), Failure> {
    match checked.outcome.update(&checked.case) {
        None => return Ok(()),
        Some(Update::Write { path, content }) => {
            output::check_limit(content.len())
                .and_then(|()| OsHost::replace_unlinked(path, content.as_bytes()))
                .map_err(|error| Failure::write(&OsHost::machine_path(path), &error))?;
            warn_of_secrets(path, content, reporter);
        }
        Some(Update::Remove { path }) => {
            OsHost::remove_unlinked(path)
                .map_err(|error| Failure::write(&OsHost::machine_path(path), &error))?;
        }
        Some(other) => return Err(Failure::new(format!("cannot do {other:?}"))),
    }
    checked.accepted = true;
    Ok(())
}

fn warn_of_secrets(golden: &str, content: &str, reporter: &Reporter) {
    // What cannot be read here was rendered a moment ago: there is no such thing.
    let names = secrets_of(content, golden).unwrap_or_default();
    let (first, rest) = match names.as_slice() {
        [] => return,
        [first, rest @ ..] => (first, rest.len()),
    };
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let message = format!("{} has the values of Secret {first}{more}", reporter.shorten(golden));
    let help = "whoever can read the file can read them: do not commit it if they are real, and \
                render test overlays with values made up for that";
    reporter.report(&Diagnostic::warning(message).with_help(help));
}
