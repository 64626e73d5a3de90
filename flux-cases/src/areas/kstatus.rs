//! The area kstatus.

use std::path::Path;

use crate::case::Report;

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "status", |_| Err("not implemented".to_owned()))?;
    Ok(())
}
