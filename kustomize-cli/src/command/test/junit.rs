//! The report that continuous integration reads.

use std::fmt::Write;
use std::time::Duration;

use kustomize_diagnostic::{xml, xml_attribute};
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
        let name = xml_attribute(&report.overlay(checked));
        let _ = write!(out, "    <testcase classname=\"overlays\" name=\"{name}\"");
        if checked.accepted || checked.outcome.is_equal() {
            out.push_str("/>\n");
            continue;
        }
        let element = if is_error(checked) { "error" } else { "failure" };
        let (word, detail) = (word(checked), xml(&report.detail(checked)));
        let message = xml_attribute(&report.subject(checked));
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
