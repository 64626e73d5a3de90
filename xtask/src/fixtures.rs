//! The fixtures' golden files, whose content comes from kustomize and never from us.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::oracle::Oracle;
use crate::process::{self, Status};
use crate::{Failure, tree, workspace};

/// What a golden file is called; see `kustomize_golden`.
const GOLDEN: &str = "kustomization.snap.yaml";

/// What stands before the list of fixtures that have no golden file.
const HEADER: &str = "\
# Written by `cargo xtask goldens`. kustomize refuses these, so that they have no golden file; that
# they are refused is tested, too.
exclude:
";

/// Renders every fixture with kustomize and keeps what it says.
///
/// # Errors
/// There is no kustomize.
pub fn write_goldens() -> Result<(), Failure> {
    let oracle = Oracle::find()?;
    let fixtures = workspace::root().join("fixtures");
    let mut refused = HEADER.to_owned();
    for directory in tree::kustomizations(&fixtures)? {
        if tree::is_component(&directory) {
            continue;
        }
        let name = name(directory.strip_prefix(&fixtures)?);
        let ended = process::run(&mut oracle.command(&directory), Duration::from_secs(60))?;
        let golden = directory.join(GOLDEN);
        match ended.status {
            Status::Done => {
                println!("{name}: {} bytes", ended.stdout.len());
                fs::write(golden, ended.stdout)?;
            }
            Status::Refused => {
                println!("{name}: refused");
                refused.push_str(&format!("- fixtures/{name}\n"));
                if golden.exists() {
                    fs::remove_file(golden)?;
                }
            }
            status => return Err(format!("{name}: kustomize {status:?}: {}", ended.stderr).into()),
        }
    }
    fs::write(workspace::root().join("kustomize-golden.yaml"), refused)?;
    Ok(())
}

/// A path with `/` between its parts on every machine.
fn name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
