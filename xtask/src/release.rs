//! The command as it is handed out.
//!
//! On Linux with the static half of glibc it is a static program, which loads no libraries and
//! starts in two thirds of the time. Where LLVM's tools are, the compiler is told what a build does
//! often and what hardly ever (profile-guided optimization), which takes a sixth of all instructions
//! away: a command that counts is built, renders some overlays, and its counts go into the command
//! that is built then.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kustomize_benches::{ENTRY, Overlay};

use crate::workspace::{cargo, executable, find_program, root, target};
use crate::{Failure, tree};

/// Builds a program as it is handed out, and says where it is: `what` tells cargo, `program` where it
/// comes to stand below the directory of the build.
///
/// # Errors
/// It does not compile, or the command that counts fails.
pub fn build(what: &[&str], program: &Path) -> Result<PathBuf, Failure> {
    let host = answer("rustc", &["-vV"])
        .and_then(|about| Some(about.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned()))
        .ok_or("rustc does not say for what machine it compiles")?;
    let mut flags = linking(&host);
    match profdata() {
        Some(profdata) => {
            flags.push(format!("-Cprofile-use={}", profile(&host, &flags, &profdata)?.display()))
        }
        None => eprintln!(
            "SKIPPED: to compile for what builds do most, for want of LLVM's tools (rustup component add llvm-tools)"
        ),
    }
    let built = compile(&host, &flags, &target(), what)?.join(program);
    // A copy, like every installed program: Linux keeps what a linker wrote in single pages, what was
    // copied in large ones, and starts it in four fifths of the time.
    let handed_out = target().join("handed-out");
    fs::create_dir_all(&handed_out)?;
    let copy = handed_out.join(program.file_name().unwrap_or_default());
    // Written beside it, as the one before may be running.
    let writing = copy.with_extension("new");
    fs::copy(built, &writing)?;
    fs::rename(writing, &copy)?;
    Ok(copy)
}

/// Builds something for a target with these flags of rustc.
fn compile(host: &str, flags: &[String], directory: &Path, what: &[&str]) -> Result<PathBuf, Failure> {
    let flags = serde_json::to_string(flags)?;
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--release", "--target", host]).args(what);
    cargo.arg("--config").arg(format!("target.{host}.rustflags={flags}"));
    cargo.arg("--target-dir").arg(directory);
    if !cargo.status()?.success() {
        return Err(format!("{} does not compile", what.last().unwrap_or(&"it")).into());
    }
    Ok(directory.join(host).join("release"))
}

/// How the command is linked.
fn linking(host: &str) -> Vec<String> {
    let library = answer("cc", &["-print-file-name=libc.a"]).unwrap_or_default();
    if host.ends_with("-linux-gnu") && Path::new(library.trim()).is_absolute() {
        ["-Ctarget-feature=+crt-static", "-Crelocation-model=static"].map(str::to_owned).to_vec()
    } else {
        Vec::new()
    }
}

/// What the command does how often, as a file that rustc reads. It is made when the command that
/// counts is another one than it was.
fn profile(host: &str, flags: &[String], profdata: &Path) -> Result<PathBuf, Failure> {
    let directory = target().join("counting");
    eprintln!("building the command that counts");
    let mut counting = flags.to_vec();
    // Where it would write without the variable below.
    counting.push(format!("-Cprofile-generate={}", directory.display()));
    let built = compile(host, &counting, &directory, &["--package", "kustomize-cli"])?;
    let program = built.join(executable("kustomize-rs"));
    let mut hasher = DefaultHasher::new();
    fs::read(&program)?.hash(&mut hasher);
    let (profile, of) = (directory.join("profile.profdata"), directory.join("profile.of"));
    let which = format!("{:016x}", hasher.finish());
    if profile.is_file() && fs::read_to_string(&of).is_ok_and(|known| known == which) {
        return Ok(profile);
    }
    eprintln!("counting");
    let counts = tempfile::tempdir()?;
    exercise(&program, counts.path())?;
    let merged = Command::new(profdata).arg("merge").arg("-o").arg(&profile).arg(counts.path()).status()?;
    if !merged.success() {
        return Err("the counts cannot be merged".into());
    }
    fs::write(of, which)?;
    Ok(profile)
}

/// Renders what the command is to be fast at: the fixtures, whatever comes of them, and overlays
/// of a thousand resources.
fn exercise(program: &Path, counts: &Path) -> Result<(), Failure> {
    let render = |directory: &Path| -> Result<bool, Failure> {
        let mut command = Command::new(program);
        command.arg("build").arg(directory).env("LLVM_PROFILE_FILE", counts.join("%m.profraw"));
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    };
    for directory in tree::kustomizations(&root().join("fixtures"))? {
        render(&directory)?;
    }
    let inputs = tempfile::tempdir()?;
    Overlay::new(1000).write(inputs.path())?;
    let rendered = render(&inputs.path().join(ENTRY))?;
    if rendered { Ok(()) } else { Err("the command that counts fails".into()) }
}

/// LLVM's tool for profiles, of the compiler's own version.
fn profdata() -> Option<PathBuf> {
    let libraries = answer("rustc", &["--print", "target-libdir"])?;
    let tool = Path::new(libraries.trim()).parent()?.join("bin").join(executable("llvm-profdata"));
    if !tool.is_file() && find_program("rustup").is_some() {
        let _status = Command::new("rustup").args(["component", "add", "llvm-tools"]).status();
    }
    tool.is_file().then_some(tool)
}

/// What a program prints, if there is one and it succeeds.
fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}
