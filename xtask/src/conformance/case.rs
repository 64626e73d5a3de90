//! The cases as data on disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Failure;

/// One recorded run of kustomize.
pub struct Case {
    /// Path within the cases, by which people name it.
    pub name: String,
    /// The test of kustomize's that it was recorded from.
    pub source_file: String,
    /// The count that it goes into.
    pub group: Group,
    /// The tree to copy.
    pub input: PathBuf,
    /// Directory to build, from the tree's root.
    pub entry: String,
    /// Flags of the command.
    pub arguments: Vec<String>,
    /// Directories to make, which version control could not keep.
    pub empty_directories: Vec<String>,
    /// What stands for the copy's absolute path in the tree.
    pub placeholder: Option<String>,
    /// The output, or none when it is to be refused.
    pub expected: Option<Vec<u8>>,
    /// Whether it runs helm.
    pub needs_helm: bool,
}

/// What a case counts towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Verified against kubectl as well.
    Cases,
    /// The same, without `--reorder`, where that makes a difference.
    DefaultOrder,
    /// Where kubectl has no flag for it, or kustomize has since changed.
    SourceOnly,
}

impl Group {
    /// All groups.
    pub const ALL: [Group; 3] = [Group::Cases, Group::DefaultOrder, Group::SourceOnly];

    /// Its name, in reports and in the floor.
    pub fn name(self) -> &'static str {
        match self {
            Group::Cases => "cases",
            Group::DefaultOrder => "default_order",
            Group::SourceOnly => "source_only",
        }
    }
}

/// Reads all cases.
///
/// # Errors
/// The directory does not hold any, or holds something else.
pub fn load(directory: &Path) -> Result<Vec<Case>, Failure> {
    let index = read_json(&directory.join("index.json"))?;
    let entries = index["cases"].as_array().ok_or("index.json has no list of cases")?;
    let mut cases = Vec::with_capacity(entries.len());
    for entry in entries {
        let group = match text(entry, "tier").as_str() {
            "cases" => Group::Cases,
            "source_only" => Group::SourceOnly,
            _ => continue,
        };
        let case = read(directory, entry, group)?;
        let other_order = directory.join(text(entry, "path")).join("expected_default_order.yaml");
        if group == Group::Cases && other_order.is_file() {
            let arguments = case.arguments.iter().filter(|argument| !argument.starts_with("--reorder"));
            cases.push(Case {
                group: Group::DefaultOrder,
                arguments: arguments.cloned().collect(),
                expected: Some(fs::read(other_order)?),
                ..read(directory, entry, group)?
            });
        }
        cases.push(case);
    }
    Ok(cases)
}

fn read(directory: &Path, entry: &Value, group: Group) -> Result<Case, Failure> {
    let name = text(entry, "path");
    let folder = directory.join(&name);
    let options = read_json(&folder.join("options.json"))?;
    let arguments = texts(&options["args"]);
    let expected = match group {
        Group::SourceOnly => expected_of_release(&folder, &arguments),
        _ if entry["expected"] == "ok" => Some(folder.join("expected.yaml")),
        _ => None,
    };
    let features = texts(&entry["features"]);
    let by_flag =
        arguments.iter().any(|argument| argument == "--enable-helm" || argument == "--enable-alpha-plugins");
    Ok(Case {
        source_file: text(entry, "source_file"),
        group,
        input: folder.join("input"),
        entry: fs::read_to_string(folder.join("entry"))?.trim().to_owned(),
        empty_directories: texts(&options["empty_dirs"]),
        placeholder: options["root_placeholder"].as_str().map(str::to_owned),
        needs_helm: by_flag && expected.is_some() && features.iter().any(|feature| feature.contains("elm")),
        expected: expected.map(fs::read).transpose()?,
        arguments,
        name,
    })
}

/// What the release does with a case of which the recorded expectation may be of a later revision:
/// kubectl carries the release, but lacks `--enable-exec`.
fn expected_of_release(folder: &Path, arguments: &[String]) -> Option<PathBuf> {
    if arguments.iter().any(|argument| argument == "--enable-exec") {
        return Some(folder.join("expected.yaml"));
    }
    Some(folder.join("peer_output.yaml")).filter(|file| file.is_file())
}

fn read_json(file: &Path) -> Result<Value, Failure> {
    let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
