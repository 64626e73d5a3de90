//! Reading policies, asking them, and saying what they have found.

mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use reconciler::policy::{Files, Finding, PolicySet, Subject};
use reconciler_core::ssa::ObjectId;
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, Result};
pub(crate) use report::Format;

/// Flags of commands that check what they render.
#[derive(Args)]
pub(crate) struct PolicyFlags {
    /// Directory or file with policies to check the objects against. Without a cluster, `build` also needs --dry-run and
    /// --kustomization-file
    #[arg(long)]
    policy: Vec<PathBuf>,
    /// How the findings of policies are printed, on standard error
    #[arg(long, default_value = "text", requires = "policy")]
    policy_output: Format,
}

impl PolicyFlags {
    /// Whether there are policies.
    pub(crate) fn is_asked(&self) -> bool {
        !self.policy.is_empty()
    }

    /// Checks objects that were rendered from a directory, and says what was found. Policies may refer to what is `known`
    /// of the cluster.
    ///
    /// # Errors
    /// Something would be refused, or policies cannot be evaluated.
    pub(crate) fn check(&self, path: &Path, objects: Vec<Object>, known: &[Value]) -> Result {
        if !self.is_asked() {
            return Ok(());
        }
        let checked = Checked::new(&self.policy, vec![(path.display().to_string(), objects)], known)?;
        super::term::note(&checked.text(self.policy_output));
        checked.outcome()
    }
}

/// An object that is checked.
pub(crate) struct Object {
    pub(crate) value: Value,
    /// Where it was written: the file and the line.
    pub(crate) place: Option<(String, usize)>,
    /// What the cluster has, where one is asked. Policies take an object for a new one otherwise.
    pub(crate) old: Option<Value>,
}

/// An object with what policies have against it.
struct Verdict {
    /// The object, as `Deployment/apps/web`.
    subject: String,
    /// Where it was written: the file and the line.
    place: Option<(String, usize)>,
    findings: Vec<Finding>,
}

impl Verdict {
    fn is_denied(&self) -> bool {
        self.findings.iter().any(Finding::is_denied)
    }
}

/// What was checked, by the path that was given.
pub(crate) struct Checked(Vec<(String, Vec<Verdict>)>);

impl Checked {
    /// Asks the policies in files and directories about all objects. They may refer to what is `known` of a cluster.
    pub(crate) fn new(paths: &[PathBuf], all: Vec<(String, Vec<Object>)>, known: &[Value]) -> Result<Self> {
        let mut files = Files::default();
        for path in paths {
            read(path, &mut files)?;
        }
        let named = |error: String| {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            Failure::failed(format!("--policy {}: {error}", paths.join(", ")))
        };
        let evaluator = std::env::current_exe().map_err(|error| named(error.to_string()))?;
        let policies = PolicySet::new(files, &evaluator).map_err(named)?;
        let mut checked = Vec::new();
        for (path, objects) in all {
            let subjects =
                objects.iter().map(|object| Subject { object: &object.value, old: object.old.as_ref() });
            let subjects: Vec<Subject<'_>> = subjects.collect();
            let together = || objects.iter().map(|object| &object.value).chain(known);
            for (policy, namespace) in policies.unknown_namespaces(&subjects, together()) {
                super::term::warning(&format!(
                    "{path}: nothing says which labels the namespace '{namespace}' has, so the \
                     ValidatingAdmissionPolicy '{policy}', which selects namespaces by labels, was not asked about its \
                     objects: add the Namespace to the files of --policy"
                ));
            }
            let findings = policies.check(&subjects, together()).map_err(named)?;
            let verdicts =
                objects.into_iter().zip(findings).map(|(Object { value, place, .. }, findings)| Verdict {
                    subject: ObjectId::of(&value).subject(),
                    place,
                    findings,
                });
            checked.push((path, verdicts.collect()));
        }
        Ok(Checked(checked))
    }

    /// The findings in a format.
    pub(crate) fn text(&self, format: Format) -> String {
        report::text(self, format)
    }

    /// A failure if something would be refused.
    pub(crate) fn outcome(&self) -> Result {
        let verdicts = self.0.iter().flat_map(|(_, verdicts)| verdicts);
        match verdicts.filter(|verdict| verdict.is_denied()).count() {
            0 => Ok(()),
            1 => Err(Failure::failed("1 object would be refused")),
            count => Err(Failure::failed(format!("{count} objects would be refused"))),
        }
    }
}

/// Reads a file, or the files of a directory and those below it that can have policies.
fn read(path: &Path, all: &mut Files) -> Result {
    for file in files(path)? {
        let failed = |error: String| Failure::failed(format!("{}: {error}", file.display()));
        let text = std::fs::read(&file).map_err(|error| failed(error.to_string()))?;
        all.add(&file.display().to_string(), &text).map_err(Failure::failed)?;
    }
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
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
            let can_have_policies = path.to_str().is_some_and(Files::is_one);
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() && can_have_policies {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The objects in a file, each with the line at which its document starts.
pub(crate) fn read_with_lines(file: &Path) -> Result<Vec<Object>> {
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
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    let documents = documents.collect::<std::result::Result<Vec<_>, _>>();
    let documents = documents.map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    let objects =
        documents.into_iter().filter(|document| !document.is_null()).enumerate().map(|(index, value)| {
            let line = starts.get(index).copied().unwrap_or(1);
            Object { value, place: Some((file.display().to_string(), line)), old: None }
        });
    Ok(objects.collect())
}
