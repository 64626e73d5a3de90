//! The npm package and its page: built, and tested in Node and in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::Outcome;
use crate::{Failure, module, wasm, workspace};

/// The package's directory, from the root of the repository; its page is in `page`.
const PACKAGE: &str = "kustomize-wasm";
/// Names of browsers that the page's tests run in.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Builds the package and tests it in Node.
///
/// # Errors
/// It does not compile, or a test failed.
pub fn check_package() -> Result<Outcome, Failure> {
    let built = build()?;
    if let Outcome::Done = built {
        npm(&package(), &["test"])?;
    }
    Ok(built)
}

/// Builds the page and tests it in a browser. The package has to be built.
///
/// # Errors
/// It does not compile, or a test failed.
pub fn check_page() -> Result<Outcome, Failure> {
    let page = package().join("page");
    if !built_module().is_file() {
        return Ok(Outcome::Skipped("the package could not be built".to_owned()));
    }
    npm(&page, &["ci"])?;
    npm(&page, &["run", "build"])?;
    if !have_browser() {
        return Ok(Outcome::Skipped("there is no Chromium (on Debian: apt-get install chromium)".to_owned()));
    }
    npm(&page, &["test"])?;
    Ok(Outcome::Done)
}

/// `cargo xtask wasm`.
///
/// # Errors
/// The package does not compile.
pub fn run() -> Result<(), Failure> {
    if let Outcome::Skipped(reason) = build()? {
        println!("SKIPPED: {reason}");
    }
    Ok(())
}

/// Builds the package: the module, made small, and the JavaScript beside it.
fn build() -> Result<Outcome, Failure> {
    if workspace::find_program("npm").is_none() {
        return Ok(Outcome::Skipped("there is no npm".to_owned()));
    }
    let Some(compiled) = wasm::build_module()? else {
        return Ok(Outcome::Skipped(wasm::no_toolchain()));
    };
    npm(&package(), &["ci"])?;
    npm(&package(), &["run", "compile"])?;
    optimize(&compiled)?;
    Ok(Outcome::Done)
}

/// Makes the module small, unless that was done with the very same before: it takes a minute.
fn optimize(compiled: &Path) -> Result<(), Failure> {
    let cut = compiled.with_extension("cut.wasm");
    let small = compiled.with_extension("optimized.wasm");
    let content = module::cut_dead_ends(&fs::read(compiled)?)?;
    if fs::read(&cut).ok().as_ref() != Some(&content) || !small.is_file() {
        // Not taken for this one's if it fails.
        let _ = fs::remove_file(&small);
        fs::write(&cut, content)?;
        let (from, to) = (cut.to_string_lossy(), small.to_string_lossy());
        npm(&package(), &["run", "optimize", "--", &from, "--output", &to])?;
    }
    fs::write(built_module(), module::order_functions(&fs::read(&small)?)?)?;
    println!("{} has {} bytes", built_module().display(), fs::metadata(built_module())?.len());
    Ok(())
}

fn package() -> PathBuf {
    workspace::root().join(PACKAGE)
}

fn built_module() -> PathBuf {
    package().join("dist/kustomize.wasm")
}

/// Runs npm in a directory.
fn npm(directory: &Path, arguments: &[&str]) -> Result<(), Failure> {
    println!("$ npm {}", arguments.join(" "));
    let npm = workspace::find_program("npm").ok_or("there is no npm")?;
    let mut command = Command::new(npm);
    command.args(["--silent", "--no-audit", "--no-fund"]).args(arguments).current_dir(directory);
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("npm {} failed in {}", arguments.join(" "), directory.display()).into()),
    }
}

/// Whether there is a browser, or one could be installed: from Debian, where this is Debian and we
/// are root.
fn have_browser() -> bool {
    let named = std::env::var_os("CHROMIUM").is_some_and(|path| Path::new(&path).is_file());
    let found = || BROWSERS.iter().any(|name| workspace::find_program(name).is_some());
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let install = || {
        println!("installing chromium");
        apt(&["update"]) && apt(&["install", "--yes", "--no-install-recommends", "chromium"])
    };
    named || found() || install() && found()
}
