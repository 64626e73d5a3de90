//! The area sops.

use std::path::Path;

use kustomize_core::{Cancellation, yaml};
use kustomize_host::OsHost;
use reconciler_core::generator::{OverlayHost, build};
use reconciler_core::sops::{Integrity, Keys, decrypt_resource, decrypt_sources};
use serde_json::Value;

use super::kustomization::{Tree, spec_of};
use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "sops", |case| {
        let tree = Tree::write(case)?;
        sops(case, &tree)
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Flux does not verify MACs, so neither does the comparison with it.
fn sops(case: &Value, tree: &Tree) -> Result<(), String> {
    let spec = spec_of(&case["spec"])?;
    let root = OsHost::path(&tree.root).ok_or("a path that is no text")?;
    let host = OsHost::new();
    let mut overlay =
        OverlayHost::new(&host, &root, text(case, "path"), &spec).map_err(|failure| failure.to_string())?;
    let failed = |stage: &str, failure: String| {
        if case["failed_stage"] != stage {
            return Err(format!("failed to {stage}: {failure}"));
        }
        // Where SOPS looks for keys on a user's machine is nothing that a controller does.
        let wanted = text(case, "error").split("failed to load age identities").next().unwrap_or_default();
        let got = failure.split("failed to load age identities").next().unwrap_or_default();
        equal_text("error", got, wanted)
    };
    let is_configured = spec.decryption.as_ref().is_some_and(|decryption| decryption.provider == "sops");
    let mut keys = Keys::default();
    if let Some(secret) = spec.decryption.as_ref().and_then(|decryption| decryption.secret_ref.as_ref()) {
        let Some(entries) = case["decryption_secret"].as_object() else {
            return failed("import keys", format!("secrets \"{}\" not found", secret.name));
        };
        for (name, content) in entries {
            let content = content.as_str().unwrap_or_default();
            if let Err(failure) = keys.add_entry(name, content.as_bytes()) {
                return failed("import keys", failure.to_string());
            }
        }
    }
    if is_configured {
        match decrypt_sources(&overlay, overlay.directory(), &keys, Integrity::Ignore) {
            Ok(files) => {
                for (name, wanted) in case["files_after_source_decryption"].as_object().into_iter().flatten()
                {
                    let got = files.get(&format!("{root}/{name}"));
                    let got = got.map(|content| String::from_utf8_lossy(content).into_owned());
                    equal(name, &got.as_deref(), &wanted.as_str())?;
                }
                overlay.replace(files);
            }
            Err(failure) => return failed("decrypt sources", failure.to_string()),
        }
    }
    let rendered = match build(&overlay, &Cancellation::default()) {
        Ok(rendered) => rendered,
        Err(failure) => return failed("build", failure.to_string()),
    };
    let mut documents = Vec::new();
    for resource in rendered.resources() {
        let decrypted =
            if is_configured { decrypt_resource(&resource.node, &keys, Integrity::Ignore) } else { Ok(None) };
        match decrypted {
            Ok(Some(node)) => {
                let mut printed = String::new();
                yaml::print(&node, &mut printed).map_err(|failure| failure.to_string())?;
                documents.push(printed);
            }
            Ok(None) => {
                documents.push(rendered.resource_yaml(resource).map_err(|failure| failure.to_string())?)
            }
            Err(failure) => {
                let (group, version) =
                    resource.api_version().split_once('/').unwrap_or(("[noGrp]", resource.api_version()));
                let name = format!("{}.{version}.{group}/{}", resource.kind(), resource.name());
                return failed("decrypt resource", format!("decryption failed for '{name}': {failure}"));
            }
        }
    }
    if let Some(error) = case["error"].as_str() {
        return Err(format!("not refused: {error}"));
    }
    equal_text("output", &documents.join("---\n"), text(case, "output"))
}
