//! Accepting what overlays render as.

use std::fs;

use kustomize_core::golden::Update;
use kustomize_core::host::OsHost;

use super::Checked;
use crate::failure::Failure;
use crate::output;

/// Makes the golden file what the overlay renders as, where there is something to accept.
pub(super) fn accept(checked: &mut Checked) -> Result<(), Failure> {
    match checked.outcome.update(&checked.case) {
        None => return Ok(()),
        Some(Update::Write { path, content }) => {
            let file = OsHost::machine_path(path);
            if let Some(directory) = file.parent() {
                fs::create_dir_all(directory).map_err(|error| Failure::write(directory, &error))?;
            }
            output::replace(&file, content.as_bytes())?;
        }
        Some(Update::Remove { path }) => {
            let file = OsHost::machine_path(path);
            fs::remove_file(&file).map_err(|error| Failure::write(&file, &error))?;
        }
        Some(other) => return Err(Failure::new(format!("cannot do {other:?}"))),
    }
    checked.accepted = true;
    Ok(())
}
