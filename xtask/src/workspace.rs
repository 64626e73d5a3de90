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
    /// To be handed out, and measured: linked statically where that can be.
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
    Ok(build(profile, &["--package", "kustomize-cli"])?.join(executable("kustomize-rs")))
}

/// Builds an example of the benchmarks, which is a program to measure, and says where it is.
///
/// # Errors
/// It does not compile.
pub fn build_example(profile: Profile, name: &str) -> Result<PathBuf, Failure> {
    let directory = build(profile, &["--package", "kustomize-benches", "--example", name])?;
    Ok(directory.join("examples").join(executable(name)))
}

/// Builds something and says in which directory it is.
fn build(profile: Profile, what: &[&str]) -> Result<PathBuf, Failure> {
    let mut cargo = cargo();
    cargo.arg("build").args(what);
    let directory = match profile {
        Profile::Debug => {
            cargo.arg("--quiet");
            "debug".to_owned()
        }
        Profile::Quick => {
            cargo.args(["--profile", "quick"]);
            "quick".to_owned()
        }
        Profile::Release => {
            cargo.args(["--quiet", "--release"]);
            match static_target() {
                Some(target) => {
                    let flags = r#"["-Ctarget-feature=+crt-static", "-Crelocation-model=static"]"#;
                    cargo.args([
                        "--target",
                        &target,
                        "--config",
                        &format!("target.{target}.rustflags={flags}"),
                    ]);
                    format!("{target}/release")
                }
                None => "release".to_owned(),
            }
        }
    };
    cargo.arg("--target-dir").arg(target());
    if !cargo.status()?.success() {
        return Err(format!("{} does not compile", what.last().unwrap_or(&"it")).into());
    }
    Ok(target().join(directory))
}

fn executable(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// This machine as a target for static programs: Linux with the static half of glibc. A program
/// that loads no libraries starts in two thirds of the time.
fn static_target() -> Option<String> {
    let answer = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let about = answer("rustc", "-vV")?;
    let target = about.lines().find_map(|line| line.strip_prefix("host: "))?;
    let library = answer("cc", "-print-file-name=libc.a")?;
    let can_be = target.ends_with("-linux-gnu") && Path::new(library.trim()).is_absolute();
    can_be.then(|| target.to_owned())
}

/// The full path of a program on PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let file = executable(name);
    std::env::split_paths(&path).map(|directory| directory.join(&file)).find(|candidate| candidate.is_file())
}
