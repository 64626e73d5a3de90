//! The area source.

use std::path::Path;

use crate::case::Report;

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "archive", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "artifact_path", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "git_commit_string", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "git_ref", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "git_revision", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "git_short_message", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "ignore", |_| Err("not implemented".to_owned()))?;
    Ok(())
}
