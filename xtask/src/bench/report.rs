//! The table, as Markdown.

use std::time::Duration;

use super::duel::{Measured, Row};
use super::repositories;
use crate::steps::human;

/// What stands where nothing was measured.
const NONE: &str = "–";

/// Prints the head of the table.
pub fn head() {
    println!(
        "| resources | input | ours | kustomize | ratio | growth | our peak | kustomize's peak | runs |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// Prints the row of an overlay.
///
/// The growth is the factor by which our time grew since the row above, after the factor by which the resources did.
pub fn print(above: Option<&Row>, row: &Row) {
    let cells = [
        row.resources.to_string(),
        format!("{:.1} KB", row.bytes as f64 / 1e3),
        human(row.ours.median()),
        row.oracle.as_ref().map_or(NONE.to_owned(), |oracle| human(oracle.median())),
        row.oracle
            .as_ref()
            .map_or(NONE.to_owned(), |oracle| format!("{:.0} ×", factor(oracle.median(), row.ours.median()))),
        above.map_or(NONE.to_owned(), |above| growth(above, row)),
        peak(&row.ours),
        row.oracle.as_ref().map_or(NONE.to_owned(), peak),
        runs(row),
    ];
    println!("| {} |", cells.join(" | "));
}

/// Prints the head of the table of repositories.
pub fn head_of_repositories() {
    println!(
        "| repository | kustomizations | kustomize | ours, one process each | ratio | ours, one process for all | ratio |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
}

/// Prints the row of a repository.
pub fn print_repository(row: &repositories::Row) {
    let ratio = |ours| format!("{:.0} ×", factor(row.oracle, ours));
    let cells = [
        row.name.clone(),
        row.count.to_string(),
        human(row.oracle),
        human(row.each),
        ratio(row.each),
        human(row.together),
        ratio(row.together),
    ];
    println!("| {} |", cells.join(" | "));
}

fn growth(above: &Row, row: &Row) -> String {
    let resources = row.resources as f64 / above.resources as f64;
    format!("{resources:.0} → {:.1}", factor(row.ours.median(), above.ours.median()))
}

fn factor(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn peak(measured: &Measured) -> String {
    measured.peak.map_or(NONE.to_owned(), |kib| format!("{:.1} MiB", kib as f64 / 1024.0))
}

/// How often each was run: ours, and the oracle where that is another number.
fn runs(row: &Row) -> String {
    let ours = row.ours.runs();
    match row.oracle.as_ref().map(Measured::runs) {
        Some(oracle) if oracle != ours => format!("{ours}, {oracle}"),
        _ => ours.to_string(),
    }
}
