//! The area kustomization.

use std::path::{Path, PathBuf};

use kustomize_core::Cancellation;
use kustomize_host::OsHost;
use reconciler_api::kustomization::KustomizationSpec;
use reconciler_core::generator::{CommandOptions, OverlayHost, build};
use serde_json::{Value, json};

use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "generate_and_build", |case| {
        let root = Tree::write(case)?;
        check(case, &root)
    })
}

/// The files of a case, below a directory that goes away with it.
pub(crate) struct Tree {
    /// The directory, without links.
    pub(crate) root: PathBuf,
    top: PathBuf,
}

impl Tree {
    /// Writes the files and links of a case.
    pub(crate) fn write(case: &Value) -> Result<Self, String> {
        let failed = |failure: std::io::Error| failure.to_string();
        let top = std::env::temp_dir().canonicalize().map_err(failed)?;
        let top = top.join(format!("flux-cases-{}", std::process::id()));
        let root = top.join("root");
        std::fs::create_dir_all(&root).map_err(failed)?;
        let tree = Tree { root, top };
        for (name, content) in case["files"].as_object().into_iter().flatten() {
            let path = tree.root.join(name);
            if name.ends_with('/') {
                std::fs::create_dir_all(&path).map_err(failed)?;
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            std::fs::write(&path, content.as_str().unwrap_or_default()).map_err(failed)?;
        }
        for (name, target) in case["links"].as_object().into_iter().flatten() {
            let target = target.as_str().unwrap_or_default();
            let link = tree.root.join(name);
            if let Some(parent) = link.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            std::os::unix::fs::symlink(target, link).map_err(failed)?;
        }
        Ok(tree)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // What cannot be removed is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.top);
    }
}

/// The spec of a case; what a case leaves out has no effect on the build.
pub(crate) fn spec(case: &Value) -> Result<KustomizationSpec, String> {
    spec_of(&case["kustomization"]["spec"])
}

/// A spec with the fields that it needs and a case may leave out.
pub(crate) fn spec_of(fields: &Value) -> Result<KustomizationSpec, String> {
    let mut spec =
        json!({"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "x"}});
    for (key, value) in fields.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    serde_json::from_value(spec).map_err(|failure| format!("spec: {failure}"))
}

fn check(case: &Value, tree: &Tree) -> Result<(), String> {
    let spec = spec(case)?;
    let root = OsHost::path(&tree.root).ok_or("a path that is no text")?;
    let stage = case["failed_stage"].as_str();
    let host = OsHost::new();
    let options = CommandOptions {
        ignore: case["ignore"].as_str(),
        written_spec: Some(&case["kustomization"]["spec"]),
    };
    let path = case["path"].as_str().unwrap_or_default();
    let overlay = match OverlayHost::with_options(&host, &root, path, &spec, &options) {
        Ok(overlay) => overlay,
        Err(failure) if stage == Some("generate") => return show(failure),
        Err(failure) => return Err(format!("not generated: {failure}")),
    };
    if stage == Some("generate") {
        return Err(format!("generated, but wanted {}", case["error"]));
    }
    equal_text("generated", &overlay.generated().text, case["generated"].as_str().unwrap_or_default())?;
    let action = if overlay.generated().is_new { "created" } else { "unchanged" };
    equal("action", &Some(action), &case["action"].as_str())?;
    let output = build(&overlay, &Cancellation::default()).and_then(|rendered| rendered.yaml());
    match output {
        Ok(output) if stage.is_none() => {
            equal_text("output", &output, case["output"].as_str().unwrap_or_default())
        }
        Ok(output) => Err(format!("built, but wanted {}:\n{output}", case["error"])),
        Err(failure) if stage == Some("build") => show(failure),
        Err(failure) => Err(format!("not built: {failure}")),
    }
}

/// A refusal that was wanted. Its text is this project's own, but there has to be one.
fn show(failure: impl std::fmt::Display) -> Result<(), String> {
    if failure.to_string().is_empty() { Err("an empty message".to_owned()) } else { Ok(()) }
}
