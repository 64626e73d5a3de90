//! The area image-policy.

use std::path::Path;

use reconciler_core::image::{ImageName, Scan, latest, ready_message};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "policy", policy)?;
    report.table(folder, "exclusion_and_latest_tags", scan)?;
    report.table(folder, "image_names", name)?;
    report.table(folder, "ready_messages", message)?;
    Ok(())
}

fn read<T: DeserializeOwned>(case: &Value, key: &str) -> Result<T, String> {
    serde_json::from_value(case[key].clone()).map_err(|failure| format!("{key}: {failure}"))
}

/// Compares with the recorded error, or with the recorded text.
fn outcome(case: &Value, key: &str, got: Result<String, String>) -> Result<(), String> {
    match got {
        Ok(got) => equal("answer", &Some(&*got), &case[key].as_str()),
        Err(failure) => equal("error", &Some(&*failure), &case["error"].as_str()),
    }
}

fn policy(case: &Value) -> Result<(), String> {
    let tags: Vec<String> = read(case, "tags")?;
    let filter = case.get("filterTags").map(|_| read(case, "filterTags")).transpose()?;
    let got = latest(&read(case, "policy")?, filter.as_ref(), &tags);
    outcome(case, "latest", got.map_err(|failure| failure.to_string()))
}

fn scan(case: &Value) -> Result<(), String> {
    let scan = match Scan::new(read(case, "tags")?, &read::<Vec<String>>(case, "exclusionList")?) {
        Ok(scan) => scan,
        Err(failure) => return outcome(case, "kept", Err(failure)),
    };
    equal("kept", &Value::from(scan.tags.clone()), &case["kept"])?;
    equal("latestTags", &Value::from(scan.latest_tags()), &case["latestTags"])?;
    equal("tagCount", &Value::from(scan.tags.len()), &case["tagCount"])?;
    equal("revision", &Some(&*scan.revision), &case["revision"].as_str())
}

fn name(case: &Value) -> Result<(), String> {
    let got = ImageName::parse_repository(case["image"].as_str().unwrap_or_default());
    outcome(case, "canonical", got.map(|name| name.canonical()).map_err(|failure| failure.to_string()))
}

fn message(case: &Value) -> Result<(), String> {
    let previous: Option<reconciler_api::image_policy::ImageRef> = read(case, "previousRef")?;
    let got = ready_message(&read(case, "latestRef")?, previous.as_ref());
    equal_text("message", &got, case["message"].as_str().unwrap_or_default())
}
