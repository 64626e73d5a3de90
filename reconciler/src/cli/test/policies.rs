//! Reading policies, and asking them.

use std::path::Path;

use admission_policy::{Finding, Objects, Operation, Policies, Request};
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde::Deserialize;
use serde_json::Value;

use super::Object;
use crate::cli::{Failure, Result};

/// An object with what policies have against it.
pub(super) struct Verdict {
    /// The object, as `Deployment/apps/web`.
    pub(super) subject: String,
    /// Where it was written: the file and the line.
    pub(super) place: Option<(String, usize)>,
    pub(super) findings: Vec<Finding>,
}

impl Verdict {
    pub(super) fn is_denied(&self) -> bool {
        self.findings.iter().any(Finding::is_denied)
    }
}

/// What was checked, by the path that was given.
pub(super) struct Checked(pub(super) Vec<(String, Vec<Verdict>)>);

impl Checked {
    /// Asks the policies among `known` about all objects.
    pub(super) fn new(known: Vec<Value>, all: Vec<(String, Vec<Object>)>) -> Result<Self> {
        let policies = Policies::of(&Objects::new(known.iter().cloned()))
            .map_err(|error| Failure::failed(error.to_string()))?;
        if policies.is_empty() {
            return Err(Failure::failed(
                "there is no ValidatingAdmissionPolicy with a ValidatingAdmissionPolicyBinding in what --policy names",
            ));
        }
        let checked = all.into_iter().map(|(path, objects)| {
            // Parameters and namespaces can be among the objects, too.
            let rendered = objects.iter().map(|object| object.value.clone());
            let lookup = Objects::new(known.iter().cloned().chain(rendered));
            let verdicts = objects.into_iter().map(|object| verdict(&policies, &lookup, object));
            (path, verdicts.collect())
        });
        Ok(Checked(checked.collect()))
    }

    /// How many objects would be refused.
    pub(super) fn denied(&self) -> usize {
        self.0.iter().flat_map(|(_, verdicts)| verdicts).filter(|verdict| verdict.is_denied()).count()
    }
}

fn verdict(policies: &Policies, lookup: &Objects, object: Object) -> Verdict {
    let Object { value, place } = object;
    let resource = lookup.resource(object::text(&value, &["apiVersion"]), object::kind(&value));
    let request = Request::new(Operation::Create, &value, &resource);
    let findings = policies.check(&request, lookup);
    Verdict { subject: ObjectId::of(&value).subject(), place, findings }
}

/// The objects in a file, or in all YAML files of a directory and those below it.
pub(super) fn read(path: &Path) -> Result<Vec<Value>> {
    Ok(files(path)?.iter().map(|file| documents(file)).collect::<Result<Vec<_>>>()?.concat())
}

fn files(path: &Path) -> Result<Vec<std::path::PathBuf>> {
    let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
    if !std::fs::symlink_metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Links are not followed: they can lead anywhere, and in circles.
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            let is_yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() && is_yaml {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn documents(file: &Path) -> Result<Vec<Value>> {
    let failed = |error: String| Failure::failed(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    let documents = documents.collect::<std::result::Result<Vec<_>, _>>();
    let documents = documents.map_err(|error| failed(error.to_string()))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The objects in a file, each with the line at which its document starts.
pub(super) fn read_with_lines(file: &Path) -> Result<Vec<Object>> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    let is_end = |line: &&str| *line == "---" || line.starts_with("--- ");
    let mut starts = Vec::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        if is_end(&line) {
            is_open = false;
        } else if !is_open && !line.trim().is_empty() && !line.starts_with('#') {
            is_open = true;
            starts.push(number + 1);
        }
    }
    let objects = documents(file)?.into_iter().enumerate().map(|(index, value)| {
        let line = starts.get(index).copied().unwrap_or(1);
        Object { value, place: Some((file.display().to_string(), line)) }
    });
    Ok(objects.collect())
}
