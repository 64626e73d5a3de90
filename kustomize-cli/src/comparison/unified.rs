//! Unified diffs.

use std::time::Duration;

use kustomize_diagnostic::{Diagnostic, Role, Style, fit};
use kustomize_difference::masked_texts;
use similar::{ChangeTag, TextDiff};

/// Lines shown before and after what changed.
const CONTEXT: usize = 3;
/// After this time a diff is good enough, be it the shortest or not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Two texts as a unified diff with a name for each, without the values of Secrets unless they are to
/// be shown.
///
/// # Errors
/// A text is not YAML, and it cannot be told what in it is secret.
pub(crate) fn unified(
    old: (&str, &str),
    new: (&str, &str),
    show_secrets: bool,
    style: Style,
) -> Result<String, Box<Diagnostic>> {
    if show_secrets {
        return Ok(diff(old, new, style));
    }
    let masked = masked_texts(old, new).map_err(|error| {
        let help = "texts that are not YAML are shown with --show-secrets only";
        Box::new(Diagnostic::from(&error).with_help(help))
    })?;
    let mut out = diff((old.0, &masked.0), (new.0, &masked.1), style);
    if masked.0 == masked.1 && old.1 != new.1 {
        let note = "only how Secrets are written differs, or a password in a URL; --show-secrets shows it\n";
        style.push(&mut out, Role::Note, note);
    }
    Ok(out)
}

fn diff(old: (&str, &str), new: (&str, &str), style: Style) -> String {
    let mut out = String::new();
    let line = |out: &mut String, role: Role, mark: &str, text: &str| {
        let text = text.strip_suffix('\n').unwrap_or(text);
        style.push(out, role, &format!("{mark}{}", fit(text)));
        out.push('\n');
    };
    line(&mut out, Role::Message, "--- ", old.0);
    line(&mut out, Role::Message, "+++ ", new.0);
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old.1, new.1);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        line(&mut out, Role::Gutter, "", &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let (role, mark) = match change.tag() {
                ChangeTag::Equal => (Role::Plain, " "),
                ChangeTag::Delete => (Role::Removed, "-"),
                ChangeTag::Insert => (Role::Added, "+"),
            };
            line(&mut out, role, mark, change.value());
            if change.missing_newline() {
                line(&mut out, Role::Plain, "", "\\ No newline at end of file");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_patch_reads() {
        let old: String = (1..=9).map(|line| format!("{line}\n")).collect();
        let new = old.replace("5\n", "five\n");
        let wanted = "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(diff(("a", &old), ("b", &new), Style::Plain), wanted);
        let wanted = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n";
        assert_eq!(diff(("a", "x\n"), ("b", "x"), Style::Plain), wanted);
    }
}
