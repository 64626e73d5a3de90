//! The library for WebAssembly: a compiler, and the module that the npm package carries.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, workspace};

const TARGET: &str = "wasm32-unknown-unknown";
/// The profile for small modules, in `Cargo.toml`.
const PROFILE: &str = "wasm";
/// The compiler of Debian's package `rustc-web`, which comes with the target's library as source.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A toolchain that compiles for WebAssembly.
pub enum Toolchain {
    /// The installed one, with its target.
    Rustup,
    /// Debian's compiler, which builds the standard library along.
    Debian,
}

impl Toolchain {
    /// Finds a toolchain, or installs what it lacks: first through rustup, then through Debian's
    /// packages where this is Debian and we are root.
    pub fn find() -> Option<Self> {
        if rustup_has_target()
            || (succeeds(Command::new("rustup").args(["target", "add", TARGET])) && rustup_has_target())
        {
            return Some(Toolchain::Rustup);
        }
        let have_debian =
            || Path::new("/usr/lib/rustlib/src/rust/library").is_dir() && Path::new(DEBIAN_RUSTC).is_file();
        if have_debian() || (install_from_debian() && have_debian()) {
            return Some(Toolchain::Debian);
        }
        None
    }

    /// Cargo, set up for this toolchain; `verb` is such as `check`.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut cargo = workspace::cargo();
        cargo.arg(verb);
        if let Toolchain::Debian = self {
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
            if let Some(linker) = linker() {
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
        // Apart from the native one: another compiler would throw out what is there.
        cargo.args(["--target", TARGET]).arg("--target-dir").arg(workspace::target().join("wasm"));
        cargo
    }
}

/// Builds the module of kustomize-wasm, and says where it is. Without a toolchain there is none.
///
/// # Errors
/// It does not compile.
pub fn build_module() -> Result<Option<PathBuf>, Failure> {
    let Some(toolchain) = Toolchain::find() else { return Ok(None) };
    let mut cargo = toolchain.cargo("rustc");
    // For a library of Rust's beside it, which its tests use, the compiler would keep more.
    cargo.args(["--quiet", "--package", "kustomize-wasm", "--profile", PROFILE, "--crate-type", "cdylib"]);
    match cargo.env("RUSTFLAGS", without_local_paths()).status()?.success() {
        true => {
            Ok(Some(workspace::target().join("wasm").join(TARGET).join(PROFILE).join("kustomize_wasm.wasm")))
        }
        false => Err(format!("kustomize-wasm does not compile for {TARGET}").into()),
    }
}

/// What to say where there is no toolchain.
pub fn no_toolchain() -> String {
    format!(
        "no compiler for {TARGET}: neither `rustup target add {TARGET}` nor Debian's {} can be had",
        DEBIAN_PACKAGES.join(" and ")
    )
}

/// Flags that keep paths of this machine out of what is published: messages of panics name files.
fn without_local_paths() -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    format!("--remap-path-prefix={}= --remap-path-prefix={cargo}=cargo", workspace::root().display())
}

fn install_from_debian() -> bool {
    let apt = |arguments: &[&str]| succeeds(Command::new("apt-get").args(arguments));
    println!("installing {}", DEBIAN_PACKAGES.join(" and "));
    let options = ["install", "--yes", "--no-install-recommends"];
    apt(&["update"]) && apt(&[&options[..], &DEBIAN_PACKAGES[..]].concat())
}

fn rustup_has_target() -> bool {
    let rustc = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    rustc.is_ok_and(|output| {
        let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        output.status.success() && directory.is_dir()
    })
}

/// The linker that rustup's toolchain brings.
fn linker() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let libraries = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    libraries.flatten().map(|entry| entry.path().join("bin/rust-lld")).find(|path| path.is_file())
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
