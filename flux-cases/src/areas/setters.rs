//! The area setters.

use std::collections::BTreeMap;
use std::path::Path;

use reconciler_core::setters::{Setters, is_searched, plan_push, push_summary};
use serde_json::{Value, json};

use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "setters", setters)?;
    report.table(folder, "push_summaries", summary)?;
    report.table(folder, "git_configs", git)?;
    Ok(())
}

fn setters(case: &Value) -> Result<(), String> {
    if case.get("messageTemplate").is_some() {
        return Err("commit message templates are not implemented".to_owned());
    }
    if case["update"].get("path").is_some() || case["update"]["strategy"] != "Setters" {
        return Err("the choice of path and strategy is not implemented".to_owned());
    }
    let files: BTreeMap<String, String> =
        serde_json::from_value(case["files"].clone()).map_err(|failure| failure.to_string())?;
    let mut setters = Setters::default();
    for policy in case["policies"].as_array().into_iter().flatten() {
        let Ok(latest) = serde_json::from_value(policy["latestRef"].clone()) else { continue };
        let name = |key: &str| policy[key].as_str().unwrap_or_default();
        if let Err(failure) = setters.add(name("namespace"), name("name"), &latest) {
            return equal("error", &Some(&*failure.to_string()), &case["error"].as_str());
        }
    }
    let mut changes = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| is_searched(path)) {
        let Some((changed, mut made)) = setters.apply(path, text) else { continue };
        changes.append(&mut made);
        if let Some(wanted) = case["changed_files"][path].as_str() {
            equal("marked lines", &marked_lines(&changed), &marked_lines(wanted))?;
        }
    }
    let got: Vec<Value> = changes
        .iter()
        .map(|change| {
            let object = &change.object;
            let mut got = json!({
                "file": change.file, "old": change.old_value, "new": change.new_value, "setter": change.setter,
            });
            let parts = [
                ("apiVersion", &object.api_version),
                ("kind", &object.kind),
                ("namespace", &object.namespace),
                ("name", &object.name),
            ];
            for (key, part) in parts {
                got[key] = json!(part);
            }
            got
        })
        .collect();
    let wanted: Vec<Value> = case["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|change| {
            let mut change = change.clone();
            for key in ["apiVersion", "kind", "namespace", "name"] {
                change[key] = json!(change[key].as_str().unwrap_or_default());
            }
            change
        })
        .collect();
    equal("changes", &sorted(got), &sorted(wanted))
}

/// The changes in an order of their own: Flux groups them by object.
fn sorted(changes: Vec<Value>) -> Vec<String> {
    let key = |change: Value| {
        let parts: BTreeMap<String, Value> = change
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        format!("{parts:?}")
    };
    let mut sorted: Vec<String> = changes.into_iter().map(key).collect();
    sorted.sort();
    sorted
}

/// The lines with markers, without their indentation.
fn marked_lines(text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().filter(|line| line.contains("$imagepolicy")).map(words).collect()
}

fn summary(case: &Value) -> Result<(), String> {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let refspecs: Vec<String> = serde_json::from_value(case["refspecs"].clone()).unwrap_or_default();
    let got = push_summary(text("revision"), text("branch"), &refspecs, text("message"));
    equal_text("summary", &got, text("summary"))
}

fn git(case: &Value) -> Result<(), String> {
    if case["gitrepository_spec"].is_null() {
        return Err("a repository that does not exist is not this function's to find".to_owned());
    }
    let read = |value: &Value| serde_json::from_value(value.clone()).map_err(|failure| failure.to_string());
    let checkout: Option<_> = read(&case["git"]["checkout"]["ref"])?;
    let repository: Option<_> = read(&case["gitrepository_spec"]["ref"])?;
    let push: Option<_> =
        serde_json::from_value(case["git"]["push"].clone()).map_err(|failure| failure.to_string())?;
    let plan = match plan_push(checkout.as_ref(), repository.as_ref(), push.as_ref()) {
        Ok(plan) => plan,
        Err(failure) => return equal("error", &Some(&*failure.to_string()), &case["error"].as_str()),
    };
    equal("checkout", &json!(plan.checkout), &case["checkout_ref"])?;
    equal("branch", &Some(&*plan.branch), &case["push_branch"].as_str())?;
    equal("refspec", &plan.refspec.as_deref(), &case["push_refspec"].as_str())?;
    equal("switch", &plan.switch_branch, &(case["switch_branch"] == true))
}
