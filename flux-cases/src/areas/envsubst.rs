//! The area envsubst.

use std::path::Path;

use crate::case::Report;

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "eval", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "varsub", |_| Err("not implemented".to_owned()))?;
    Ok(())
}
