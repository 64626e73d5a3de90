//! How the command is linked, where that decides how fast it starts.
//!
//! A process that renders a small overlay spends most of its time in being started. On Linux with
//! glibc that is shortened by a quarter: addresses are settled when the program is linked instead
//! of in ten thousand places each time it starts, and what unwinds the stack comes along instead
//! of as one more library to load.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is =
        |name: &str, value: &str| env::var(name).is_ok_and(|found| found.split(',').any(|one| one == value));
    if !is("CARGO_CFG_TARGET_OS", "linux")
        || !is("CARGO_CFG_TARGET_ENV", "gnu")
        || is("CARGO_CFG_TARGET_FEATURE", "crt-static")
    {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // Only where we know the linker's libraries: those of the machine that we build on.
    if env::var("HOST") == env::var("TARGET") && has_library("libgcc_eh.a") {
        println!("cargo::rustc-link-lib=static=gcc_eh");
    }
}

/// Whether the C compiler that links knows this library.
fn has_library(name: &str) -> bool {
    let output = Command::new("cc").arg(format!("-print-file-name={name}")).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}
