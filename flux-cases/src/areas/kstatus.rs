//! The area kstatus.

use std::path::Path;

use jiff::Timestamp;
use reconciler_core::kstatus::compute;
use serde_json::{Value, json};

use crate::case::{Report, equal, equal_text};

/// When the table was recorded, by the times in its conditions. How long a pod may wait depends on it.
const RECORDED: &str = "2026-11-29T02:03:40Z";

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "status", status)
}

fn status(case: &Value) -> Result<(), String> {
    let now = RECORDED.parse::<Timestamp>().map_err(|failure| failure.to_string())?;
    let outcome = match compute(&case["object"], now) {
        Ok(outcome) => outcome,
        Err(failure) => {
            return if case["error"].is_string() { Ok(()) } else { Err(failure.to_string()) };
        }
    };
    if let Some(error) = case["error"].as_str() {
        return Err(format!("not refused: {error}"));
    }
    equal_text("status", outcome.status.as_str(), case["status"].as_str().unwrap_or_default())?;
    equal_text("message", &outcome.message, case["message"].as_str().unwrap_or_default())?;
    let conditions: Vec<Value> = outcome
        .condition
        .iter()
        .map(|condition| {
            json!({
                "type": condition.kind, "status": "True",
                "reason": condition.reason, "message": condition.message,
            })
        })
        .collect();
    let wanted = case["conditions"].as_array().cloned().unwrap_or_default();
    equal("conditions", &conditions, &wanted)
}
