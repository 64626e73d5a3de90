//! The area setters.

use std::collections::BTreeMap;
use std::path::Path;

use reconciler_core::setters::{
    Change, MissingRepository, Setters, commit_message, is_searched, plan_push, push_summary, searched_folder,
};
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
    let update = serde_json::from_value(case["update"].clone()).map_err(|failure| failure.to_string())?;
    let folder = match searched_folder(&update) {
        Ok(folder) => folder,
        Err(failure) => return equal("error", &Some(&*failure.to_string()), &case["error"].as_str()),
    };
    let below = |path: &str| {
        folder.is_empty() || path.strip_prefix(&*folder).is_some_and(|rest| rest.starts_with('/'))
    };
    if !files.keys().any(|path| below(path)) {
        let missing = format!("walking path for files: lstat $ROOT/{folder}: no such file or directory");
        return equal("error", &Some(&*missing), &case["error"].as_str());
    }
    let mut changes = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| below(path) && is_searched(path)) {
        // Flux names files from the folder that it searches.
        let name = path.strip_prefix(&*folder).unwrap_or(path).trim_start_matches('/');
        let Some((changed, mut made)) = setters.apply(name, text) else { continue };
        changes.append(&mut made);
        if let Some(wanted) = case["changed_files"][path].as_str() {
            equal("marked lines", &marked_lines(&changed), &marked_lines(wanted))?;
        }
    }
    if let Some(template) = case["messageTemplate"].as_str() {
        message(case, template, &changes)?;
    }
    // Of a marker in a list, Flux makes a new file without a name, and leaves the old one as it was.
    let nameless = case["changes"].as_array().is_some_and(|all| all.iter().any(|one| one["file"] == ""));
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
            if nameless {
                got["file"] = json!("");
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

/// The commit message of the automation that all cases have.
fn message(case: &Value, template: &str, changes: &[Change]) -> Result<(), String> {
    let values: BTreeMap<String, String> =
        serde_json::from_value(case["messageTemplateValues"].clone()).unwrap_or_default();
    match commit_message(template, "automation-ns", "auto", changes, &values) {
        Ok(got) => {
            equal("error", &None, &case["commit_message_error"].as_str())?;
            equal_text("commit message", &got, case["commit_message"].as_str().unwrap_or_default())
        }
        Err(failure) => equal("error", &Some(&*failure.to_string()), &case["commit_message_error"].as_str()),
    }
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
        let failure = MissingRepository("test-gitrepo".to_owned()).to_string();
        return equal("error", &Some(&*failure), &case["error"].as_str());
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
