//! Where things are, and the command under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The directory that cargo builds in: the one that this program stands in.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().ok();
    let profile = own.as_deref().and_then(Path::parent);
    profile.and_then(Path::parent).map_or_else(|| root().join("target"), Path::to_owned)
}

/// Cargo, as it was called.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Builds `kustomize-rs` and says where it is.
///
/// # Errors
/// It does not compile.
pub fn build_command(release: bool) -> Result<PathBuf, Failure> {
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--package", "kustomize-cli"]);
    if release {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(target());
    if !cargo.status()?.success() {
        return Err("kustomize-rs does not compile".into());
    }
    let name = format!("kustomize-rs{}", std::env::consts::EXE_SUFFIX);
    Ok(target().join(if release { "release" } else { "debug" }).join(name))
}

/// The full path of a program on PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|directory| directory.join(&file)).find(|candidate| candidate.is_file())
}
