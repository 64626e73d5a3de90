//! The report that continuous integration reads.

use std::fmt::Write;
use std::time::Duration;

use kustomize_diagnostic::inert_for_people;
use kustomize_golden::Outcome;

use super::Checked;
use super::report::{Report, word};

/// An XML document with one test case an overlay.
pub(super) fn document(all: &[Checked], report: &Report, took: Duration) -> String {
    let bad = || all.iter().filter(|one| !one.accepted && !one.outcome.is_equal());
    let errors = bad().filter(|one| is_error(one)).count();
    let failures = bad().count() - errors;
    let totals = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\"",
        all.len(),
        took.as_secs_f64()
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"kustomize-rs test\" {totals}>");
    let _ = writeln!(out, "  <testsuite name=\"overlays\" {totals}>");
    for checked in all {
        let name = attribute(&report.overlay(checked));
        let _ = write!(out, "    <testcase classname=\"overlays\" name=\"{name}\"");
        if checked.accepted || checked.outcome.is_equal() {
            out.push_str("/>\n");
            continue;
        }
        let element = if is_error(checked) { "error" } else { "failure" };
        let (word, detail) = (word(checked), escaped(&report.detail(checked)));
        let message = attribute(&report.subject(checked));
        let _ = write!(out, ">\n      <{element} type=\"{word}\" message=\"{word}: {message}\">");
        let _ = write!(out, "{detail}</{element}>\n    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Whether it could not be told if the overlay is as expected.
fn is_error(checked: &Checked) -> bool {
    matches!(checked.outcome, Outcome::Failed(_) | Outcome::Unreadable { .. })
}

/// Text as it stands in an attribute, in which line breaks would become blanks.
fn attribute(text: &str) -> String {
    escaped(text).replace('\n', "&#10;")
}

/// Text as it stands in XML; what may not stand there at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Documents are printed to logs as well.
    for letter in inert_for_people(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            letter => out.push(letter),
        }
    }
    out
}
