//! The area envsubst.

use std::path::Path;

use base64::Engine as _;
use kustomize_core::Cancellation;
use kustomize_host::OsHost;
use reconciler_core::generator::{OverlayHost, build};
use reconciler_core::substitute::{Mode, Variables, expand, substitute};
use serde_json::Value;

use super::kustomization::{Tree, spec};
use crate::case::{Report, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "eval", eval)?;
    report.table(folder, "varsub", |case| {
        let tree = Tree::write(case)?;
        varsub(case, &tree)
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn mode(case: &Value) -> Mode {
    if case["strict"].as_bool().unwrap_or_default() { Mode::Strict } else { Mode::Lenient }
}

fn eval(case: &Value) -> Result<(), String> {
    let got = expand(text(case, "input"), mode(case), &|name| case["params"][name].as_str());
    let is_refused = case["error"].is_string() || case["reference_panics"].as_bool() == Some(true);
    match got {
        Ok(got) if is_refused => Err(format!("not refused: {got:?}, wanted {}", case["error"])),
        Ok(got) => equal_text("output", &got, text(case, "output")),
        // Flux's own text, except where it does not refuse but crash.
        Err(failure) if case["error"].is_string() && case["error"] != "panic" => {
            equal_text("error", &failure.to_string(), text(case, "error"))
        }
        Err(_) if is_refused => Ok(()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn varsub(case: &Value, tree: &Tree) -> Result<(), String> {
    let spec = spec(case)?;
    let root = OsHost::path(&tree.root).ok_or("a path that is no text")?;
    let host = OsHost::new();
    let overlay = OverlayHost::new(&host, &root, text(case, "path"), &spec).map_err(|e| e.to_string())?;
    let rendered = build(&overlay, &Cancellation::default()).map_err(|failure| failure.to_string())?;
    let mut documents = Vec::new();
    for resource in rendered.resources() {
        let yaml = match rendered.resource_yaml(resource) {
            Ok(yaml) => yaml,
            // Printing the resource is the first step of it.
            Err(_) if case["failed_stage"] == "substitute" => return Ok(()),
            Err(failure) => return Err(failure.to_string()),
        };
        let Some(post_build) = &spec.post_build else {
            documents.push(yaml);
            continue;
        };
        let outcome = variables(case).and_then(|variables| {
            let is_always = post_build.substitute_strategy.as_deref() == Some("Always");
            if variables.is_empty() && !is_always {
                return Ok(None);
            }
            substitute(&resource.node, &yaml, &variables, mode(case))
                .map_err(|failure| format!("envsubst error: {failure}"))
        });
        match outcome {
            Ok(changed) => documents.push(changed.unwrap_or(yaml)),
            Err(failure) if case["failed_stage"] == "substitute" => {
                let wanted = text(case, "error").split_once("': ").map_or("", |(_, error)| error);
                // What is wrong with YAML is told in this project's own words.
                if wanted.contains("yaml: ") || wanted.contains("json: ") {
                    return Ok(());
                }
                return equal_text("error", &failure, wanted);
            }
            Err(failure) => return Err(failure),
        }
    }
    if let Some(error) = case["error"].as_str() {
        return Err(format!("not refused: {error}"));
    }
    equal_text("output", &documents.join("---\n"), text(case, "output"))
}

/// The variables of a case: those of ConfigMaps and Secrets, then its own.
fn variables(case: &Value) -> Result<Variables, String> {
    let post_build = &case["kustomization"]["spec"]["postBuild"];
    let mut variables = Variables::default();
    for reference in post_build["substituteFrom"].as_array().into_iter().flatten() {
        let (kind, name) = (text(reference, "kind"), text(reference, "name"));
        if !matches!(kind, "ConfigMap" | "Secret") {
            continue;
        }
        let mut objects = case["cluster"].as_array().into_iter().flatten();
        let found = objects.find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        let Some(found) = found else {
            if reference["optional"].as_bool() == Some(true) {
                continue;
            }
            let resource = format!("{}s", kind.to_lowercase());
            return Err(format!("substitute from '{kind}/{name}' error: {resource} \"{name}\" not found"));
        };
        for (key, value) in found["data"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            if kind == "Secret" {
                let decoded = base64::engine::general_purpose::STANDARD.decode(value);
                let decoded = decoded.map_err(|failure| failure.to_string())?;
                variables.set(key, &String::from_utf8_lossy(&decoded));
            } else {
                variables.set(key, value);
            }
        }
        for (key, value) in found["stringData"].as_object().into_iter().flatten() {
            variables.set(key, value.as_str().unwrap_or_default());
        }
    }
    for (key, value) in post_build["substitute"].as_object().into_iter().flatten() {
        variables.set(key, value.as_str().unwrap_or_default());
    }
    Ok(variables)
}
