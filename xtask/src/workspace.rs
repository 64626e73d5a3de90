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

/// How `kustomize-rs` is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// To be tested.
    Debug,
    /// To be tried: fast, and soon there. Cargo shows how far it is.
    Quick,
    /// To be measured.
    Release,
}

impl Profile {
    /// The one for measurements or the one for tests.
    pub fn of(release: bool) -> Self {
        if release { Profile::Release } else { Profile::Debug }
    }
}

/// Builds `kustomize-rs` and says where it is.
///
/// # Errors
/// It does not compile.
pub fn build_command(profile: Profile) -> Result<PathBuf, Failure> {
    let mut cargo = cargo();
    cargo.args(["build", "--package", "kustomize-cli"]);
    let directory = match profile {
        Profile::Debug => {
            cargo.arg("--quiet");
            "debug"
        }
        Profile::Quick => {
            cargo.args(["--profile", "quick"]);
            "quick"
        }
        Profile::Release => {
            cargo.args(["--quiet", "--release"]);
            "release"
        }
    };
    cargo.arg("--target-dir").arg(target());
    if !cargo.status()?.success() {
        return Err("kustomize-rs does not compile".into());
    }
    let name = format!("kustomize-rs{}", std::env::consts::EXE_SUFFIX);
    Ok(target().join(directory).join(name))
}

/// The full path of a program on PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|directory| directory.join(&file)).find(|candidate| candidate.is_file())
}
