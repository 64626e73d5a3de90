//! What policies have found, for people and for programs.

use std::fmt::Write;

use clap::ValueEnum;
use kustomize_diagnostic::{xml, xml_attribute};
use reconciler::policy::{Finding, Level};
use serde_json::{Value, json};

use super::{Checked, Verdict};

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// XML for continuous integration
    Junit,
    /// JSON for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// The findings in a format.
pub(super) fn text(checked: &Checked, format: Format) -> String {
    match format {
        Format::Text => plain(checked),
        Format::Junit => junit(checked),
        Format::Sarif => format!("{:#}\n", sarif(checked)),
        Format::Github => github(checked),
    }
}

/// A level, in the words of all formats but GitHub's.
fn level(finding: &Finding) -> &'static str {
    match finding.level {
        Level::Denied => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// The place of an object in front of a message.
fn place(verdict: &Verdict) -> String {
    verdict.place.as_ref().map_or_else(String::new, |(file, line)| format!("{file}:{line}: "))
}

fn plain(checked: &Checked) -> String {
    let mut out = String::new();
    let (mut objects, mut denied) = (0, 0);
    for verdict in checked.0.iter().flat_map(|(_, verdicts)| verdicts) {
        objects += 1;
        denied += usize::from(verdict.is_denied());
        for finding in &verdict.findings {
            let (level, place) = (level(finding), place(verdict));
            let _ = writeln!(out, "{level}: {place}{}: {finding}", verdict.subject);
        }
    }
    let _ = writeln!(out, "{objects} objects checked, {denied} would be refused");
    out
}

fn github(checked: &Checked) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for verdict in checked.0.iter().flat_map(|(_, verdicts)| verdicts) {
        for finding in &verdict.findings {
            let place = verdict.place.as_ref();
            let place = place
                .map_or_else(String::new, |(file, line)| format!(" file={},line={line}", property(file)));
            let message = escaped(&format!("{}: {finding}", verdict.subject));
            let level = if finding.level == Level::Note { "notice" } else { level(finding) };
            let _ = writeln!(out, "::{level}{place}::{message}");
        }
    }
    out
}

fn junit(checked: &Checked) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"reconciler test\">\n");
    for (path, verdicts) in &checked.0 {
        let failures = verdicts.iter().filter(|verdict| verdict.is_denied()).count();
        let (path, tests) = (xml_attribute(path), verdicts.len());
        let _ = writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
        );
        for verdict in verdicts {
            let _ = write!(
                out,
                "    <testcase classname=\"{path}\" name=\"{}\"",
                xml_attribute(&verdict.subject)
            );
            if verdict.findings.is_empty() {
                out.push_str("/>\n");
                continue;
            }
            out.push_str(">\n");
            for finding in verdict.findings.iter().filter(|finding| finding.is_denied()) {
                let text = xml(&format!("{}{finding}", place(verdict)));
                let _ = writeln!(
                    out,
                    "      <failure type=\"{}\" message=\"{}\">{text}</failure>",
                    xml_attribute(&finding.policy),
                    xml_attribute(&finding.message)
                );
            }
            let others = verdict.findings.iter().filter(|finding| !finding.is_denied());
            let others: Vec<String> = others
                .map(|finding| xml(&format!("{}: {}{finding}", level(finding), place(verdict))))
                .collect();
            if !others.is_empty() {
                let _ = writeln!(out, "      <system-out>{}</system-out>", others.join("\n"));
            }
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// SARIF 2.1.0.
fn sarif(checked: &Checked) -> Value {
    let verdicts = || checked.0.iter().flat_map(|(_, verdicts)| verdicts);
    let mut rules: Vec<&str> =
        verdicts().flat_map(|verdict| &verdict.findings).map(|finding| finding.policy.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rules: Vec<Value> = rules.into_iter().map(|rule| json!({"id": rule})).collect();
    let results: Vec<Value> = verdicts()
        .flat_map(|verdict| verdict.findings.iter().map(move |finding| (verdict, finding)))
        .map(|(verdict, finding)| {
            let mut result = json!({
                "ruleId": finding.policy,
                "level": level(finding),
                "message": {"text": format!("{}: {finding}", verdict.subject)},
            });
            if let Some((file, line)) = &verdict.place {
                result["locations"] = json!([{"physicalLocation": {
                    "artifactLocation": {"uri": file}, "region": {"startLine": line},
                }}]);
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "reconciler test", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results,
        }],
    })
}
