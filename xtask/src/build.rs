//! Building the command, for one purpose or another.

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::workspace::{cargo, executable, target};

/// How `kustomize-rs` is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// To be tested.
    Debug,
    /// To be tried: fast, and soon there.
    Quick,
    /// As `cargo install` builds it; to be measured.
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
pub fn command(profile: Profile) -> Result<PathBuf, Failure> {
    build(profile, &["--package", "kustomize-cli"], &PathBuf::from(executable("kustomize-rs")))
}

/// Builds the reconciler, and says where it is.
///
/// # Errors
/// It does not compile.
pub fn reconciler(profile: Profile) -> Result<PathBuf, Failure> {
    build(profile, &["--package", "reconciler"], &PathBuf::from(executable("reconciler")))
}

/// Builds the load on reconcilers, an example of the reconciler, and says where it is.
///
/// # Errors
/// It does not compile.
pub fn load() -> Result<PathBuf, Failure> {
    let program = Path::new("examples").join(executable("load"));
    build(Profile::Debug, &["--package", "reconciler", "--example", "load"], &program)
}

/// Builds an example of the benchmarks, which is a program to measure, and says where it is.
///
/// # Errors
/// It does not compile.
pub fn example(profile: Profile, name: &str) -> Result<PathBuf, Failure> {
    let program = Path::new("examples").join(executable(name));
    build(profile, &["--package", "kustomize-benches", "--example", name], &program)
}

/// Builds a program and says where it is. Cargo shows how far it is.
fn build(profile: Profile, what: &[&str], program: &Path) -> Result<PathBuf, Failure> {
    let (arguments, directory): (&[&str], _) = match profile {
        Profile::Debug => (&[], "debug"),
        Profile::Quick => (&["--profile", "quick"], "quick"),
        Profile::Release => (&["--release"], "release"),
    };
    let mut cargo = cargo();
    cargo.arg("build").args(what).args(arguments).arg("--target-dir").arg(target());
    if !cargo.status()?.success() {
        return Err(format!("{} does not compile", what.last().unwrap_or(&"it")).into());
    }
    Ok(target().join(directory).join(program))
}
