//! The area semver.

use std::path::Path;

use reconciler_core::semver::{Constraints, Version, VersionError, parse, sort};
use serde_json::Value;

use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "versions_strict", |case| version(case, Version::parse_strict))?;
    report.table(folder, "versions_loose", |case| version(case, Version::parse))?;
    report.table(folder, "flux_parse", |case| version(case, parse))?;
    report.table(folder, "constraints", constraint)?;
    report.table(folder, "checks", check)?;
    report.table(folder, "reasons", reasons)?;
    report.table(folder, "compare", compare)?;
    report.table(folder, "flux_sort", sorted)?;
    Ok(())
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

/// The recorded answer if it is an error, as text.
fn compare_error(case: &Value, failure: &str) -> Result<(), String> {
    equal("error", &failure, &text(case, "error"))
}

fn version(case: &Value, parse: impl Fn(&str) -> Result<Version, VersionError>) -> Result<(), String> {
    let parsed = match parse(text(case, "version")) {
        Ok(parsed) => parsed,
        Err(failure) => return compare_error(case, &failure.to_string()),
    };
    equal("valid", &true, &(case["valid"] == true))?;
    equal_text("string", &parsed.to_string(), text(case, "string"))?;
    equal_text("original", parsed.original(), text(case, "original"))?;
    if case.get("major").is_some() {
        let numbers = ["major", "minor", "patch"].map(|key| case[key].as_u64());
        equal("numbers", &[parsed.major, parsed.minor, parsed.patch].map(Some), &numbers)?;
        equal_text("prerelease", parsed.prerelease(), text(case, "prerelease"))?;
        equal_text("metadata", parsed.metadata(), text(case, "metadata"))?;
    }
    Ok(())
}

fn constraint(case: &Value) -> Result<(), String> {
    match Constraints::parse(text(case, "constraint")) {
        Err(failure) => compare_error(case, &failure.to_string()),
        Ok(parsed) => equal_text("string", &parsed.to_string(), text(case, "string")),
    }
}

/// The range and the version of a case.
fn pair(case: &Value) -> Result<(Constraints, Version), String> {
    let mut range = Constraints::parse(text(case, "constraint")).map_err(|failure| failure.to_string())?;
    range.include_prerelease = case["include_prerelease"] == true;
    Ok((range, Version::parse(text(case, "version")).map_err(|failure| failure.to_string())?))
}

fn check(case: &Value) -> Result<(), String> {
    let (range, version) = pair(case)?;
    let (range_text, version_text) = (text(case, "constraint"), text(case, "version"));
    let what = format!("{version_text} in {range_text}");
    equal(&what, &range.check(&version), &(case["satisfied"] == true))
}

fn reasons(case: &Value) -> Result<(), String> {
    let (range, version) = pair(case)?;
    equal("errors", &Value::from(range.reasons(&version)), &case["errors"])
}

fn compare(case: &Value) -> Result<(), String> {
    let version = |key| Version::parse(text(case, key)).map_err(|failure| failure.to_string());
    let order = version("a")?.cmp_precedence(&version("b")?);
    equal("order", &Some(order as i64), &case["result"].as_i64())
}

fn sorted(case: &Value) -> Result<(), String> {
    let versions: Vec<String> =
        serde_json::from_value(case["versions"].clone()).map_err(|f| f.to_string())?;
    let range = match text(case, "range") {
        "" => None,
        range => Some(Constraints::parse(range).map_err(|failure| failure.to_string())?),
    };
    equal("sorted", &Value::from(sort(range.as_ref(), &versions)), &case["sorted"])
}
