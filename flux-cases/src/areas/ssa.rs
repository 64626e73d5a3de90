//! The area ssa.

use std::path::Path;

use crate::case::Report;

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "common_metadata", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "custom_stage_kinds", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "id_format", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "id_parse", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "migrate_version", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "normalize", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "order", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "read_objects", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "remove_managers", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "stage", |_| Err("not implemented".to_owned()))?;
    report.table(folder, "takeover", |_| Err("not implemented".to_owned()))?;
    Ok(())
}
