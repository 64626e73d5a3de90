//! The fixtures' expected output, which comes from kustomize and never from us.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::oracle::Oracle;
use crate::process::{self, Status};
use crate::{Failure, tree, workspace};

/// What stands in the golden file of a fixture that kustomize refuses.
const REFUSED: &str = "# kustomize refuses this\n";

/// Renders every fixture with kustomize and keeps what it says.
///
/// # Errors
/// There is no kustomize.
pub fn write_goldens() -> Result<(), Failure> {
    let oracle = Oracle::find()?;
    let fixtures = workspace::root().join("fixtures");
    let expected = fixtures.join("expected");
    if expected.is_dir() {
        fs::remove_dir_all(&expected)?;
    }
    fs::create_dir_all(&expected)?;
    for directory in tree::kustomizations(&fixtures)? {
        if tree::is_component(&directory) {
            continue;
        }
        let name = golden_name(directory.strip_prefix(&fixtures)?);
        let ended = process::run(&mut oracle.command(&directory), Duration::from_secs(60))?;
        let text = match ended.status {
            Status::Done => ended.stdout,
            Status::Refused => REFUSED.into(),
            status => return Err(format!("{name}: kustomize {status:?}: {}", ended.stderr).into()),
        };
        println!("{name}: {} bytes", text.len());
        fs::write(expected.join(name), text)?;
    }
    Ok(())
}

/// `apps/overlays/staging` is kept in `apps.overlays.staging.yaml`.
fn golden_name(directory: &Path) -> String {
    let parts: Vec<_> = directory.iter().map(|part| part.to_string_lossy()).collect();
    format!("{}.yaml", parts.join("."))
}
