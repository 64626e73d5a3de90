//! The area kustomization.

use std::path::Path;

use crate::case::Report;

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "generate_and_build", |_| Err("not implemented".to_owned()))?;
    Ok(())
}
