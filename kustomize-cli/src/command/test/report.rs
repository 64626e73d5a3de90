//! What is said of outcomes.

use std::borrow::Cow;

use kustomize_core::host::mask;
use kustomize_diagnostic::{Diagnostic, Renderer, Role, fit, inert_for_people};
use kustomize_golden::{Mismatch, Outcome, Update};

use super::Checked;
use crate::args::DiffStyle;
use crate::comparison::{by_field, unified};

/// Blanks before what belongs to an overlay.
const INDENT: &str = "    ";

/// Writes about outcomes in one style.
#[derive(Debug)]
pub(super) struct Report {
    renderer: Renderer,
    diff: DiffStyle,
    show_secrets: bool,
}

/// One word for an outcome.
pub(super) fn word(checked: &Checked) -> &'static str {
    match (&checked.outcome, checked.accepted) {
        (Outcome::Equal, _) => "ok",
        (Outcome::Orphaned, true) => "removed",
        (_, true) => "written",
        (Outcome::Different(_), _) => "different",
        (Outcome::Missing { .. }, _) => "missing",
        (Outcome::Unreadable { .. }, _) => "unreadable",
        (Outcome::Orphaned, _) => "orphaned",
        (_, _) => "failed",
    }
}

impl Report {
    pub(super) fn new(renderer: Renderer, diff: DiffStyle, show_secrets: bool) -> Self {
        Report { renderer, diff, show_secrets }
    }

    /// All that is worth saying, and what it comes to. Some overlays may have been left out because
    /// nothing in them changed.
    pub(super) fn text(&self, all: &[Checked], unchanged: usize) -> String {
        let style = self.renderer.style();
        let mut out = String::new();
        for checked in all.iter().filter(|checked| !checked.outcome.is_equal()) {
            let role = if checked.accepted { Role::Help } else { Role::Error };
            style.push(&mut out, role, word(checked));
            out.push(' ');
            style.push(&mut out, Role::Message, &fit(&self.subject(checked)));
            out.push('\n');
            if !checked.accepted {
                out.push_str(&self.detail(checked));
            }
        }
        out.push_str(&summary(all, unchanged));
        let cures = cures(all);
        if !cures.is_empty() {
            style.push(&mut out, Role::Help, "help");
            out.push_str(&format!(": with --update, {}\n", cures.join(", and ")));
        }
        inert_for_people(&out)
    }

    /// The path that an outcome is about.
    pub(super) fn subject<'a>(&self, checked: &'a Checked) -> Cow<'a, str> {
        match (&checked.outcome, checked.accepted) {
            (Outcome::Orphaned, _) | (_, true) => mask(self.renderer.shorten(&checked.case.golden)),
            _ => Cow::Owned(self.overlay(checked)),
        }
    }

    /// The overlay, as seen from where we are.
    pub(super) fn overlay(&self, checked: &Checked) -> String {
        // Through something in it, so that the current directory is seen as such.
        let within = format!("{}/x", checked.case.overlay);
        let seen = self.renderer.shorten(&within).strip_suffix('x').unwrap_or_default().trim_end_matches('/');
        if seen.is_empty() { ".".to_owned() } else { mask(seen).into_owned() }
    }

    /// The lines below the headline.
    pub(super) fn detail(&self, checked: &Checked) -> String {
        match &checked.outcome {
            Outcome::Different(mismatch) => self.mismatch(checked, mismatch),
            Outcome::Missing { .. } => {
                format!("{INDENT}there is no {}\n", fit(&mask(self.renderer.shorten(&checked.case.golden))))
            }
            Outcome::Orphaned => format!("{INDENT}there is no overlay for this golden file\n"),
            Outcome::Unreadable { error, .. } | Outcome::Failed(error) => {
                indented(&self.renderer.render(&Diagnostic::from(error)))
            }
            _ => String::new(),
        }
    }

    fn mismatch(&self, checked: &Checked, mismatch: &Mismatch) -> String {
        let style = self.renderer.style();
        let shown = if self.diff == DiffStyle::Text {
            let overlay = format!("{} (rendered)", self.overlay(checked));
            let golden = mask(self.renderer.shorten(&mismatch.golden));
            let old = (&*golden, mismatch.expected.as_str());
            unified(old, (&overlay, &mismatch.actual), self.show_secrets, style).map(|text| indented(&text))
        } else {
            let difference = mismatch.difference().map_err(|error| Box::new(Diagnostic::from(&error)));
            difference.map(|difference| match difference.is_empty() {
                true => format!("{INDENT}{}\n", mismatch.remark()),
                false if self.show_secrets => by_field(&difference, style, INDENT),
                false => by_field(&difference.mask_secrets(), style, INDENT),
            })
        };
        shown.unwrap_or_else(|why| indented(&self.renderer.render(&why)))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("{INDENT}{line}\n")).collect()
}

/// What updating would do.
fn cures(all: &[Checked]) -> Vec<&'static str> {
    let open = || all.iter().filter(|one| !one.accepted).filter_map(|one| one.outcome.update(&one.case));
    let mut cures = Vec::new();
    if open().any(|update| matches!(update, Update::Write { .. })) {
        cures.push("the new output is accepted");
    }
    if open().any(|update| matches!(update, Update::Remove { .. })) {
        cures.push("golden files without an overlay are removed");
    }
    cures
}

/// `3 overlays: 1 ok, 1 different, 1 failed`.
fn summary(all: &[Checked], unchanged: usize) -> String {
    let words = ["ok", "written", "removed", "different", "missing", "unreadable", "failed", "orphaned"];
    let count = |wanted: &str| all.iter().filter(|one| word(one) == wanted).count();
    let counts = words.iter().map(|word| (*word, count(word))).chain([("unchanged", unchanged)]);
    let counts: Vec<String> =
        counts.filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")).collect();
    let total = all.len() + unchanged;
    let plural = if total == 1 { "" } else { "s" };
    format!("{total} overlay{plural}: {}\n", counts.join(", "))
}
