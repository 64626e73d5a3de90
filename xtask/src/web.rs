//! The npm package and its page: built, and tested in Node and in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wasm_bindgen_cli_support::Bindgen;

use crate::steps::Outcome;
use crate::{Failure, wasm, workspace};

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

/// Builds the package: the module, made small, the glue that wasm-bindgen generates for it, and the
/// JavaScript of the package, which uses the types of the glue.
fn build() -> Result<Outcome, Failure> {
    if workspace::find_program("npm").is_none() {
        return Ok(Outcome::Skipped("there is no npm".to_owned()));
    }
    let Some(compiled) = wasm::build_module()? else {
        return Ok(Outcome::Skipped(wasm::no_toolchain()));
    };
    npm(&package(), &["ci"])?;
    optimize(&generate_glue(&compiled)?)?;
    npm(&package(), &["run", "compile"])?;
    Ok(Outcome::Done)
}

/// Generates the glue and its types, and says where the module is that belongs to it.
fn generate_glue(compiled: &Path) -> Result<PathBuf, Failure> {
    let generated = compiled.with_file_name("generated");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).out_name("bindings").typescript(true).reset_state_function(true);
    bindgen.web(true)?.generate(&generated)?;
    fs::create_dir_all(dist())?;
    for name in ["bindings.js", "bindings.d.ts"] {
        fs::copy(generated.join(name), dist().join(name))?;
    }
    // The package's own TypeScript is compiled against the generated types.
    fs::copy(generated.join("bindings.d.ts"), package().join("js/bindings.d.ts"))?;
    Ok(generated.join("bindings_bg.wasm"))
}

/// Makes the module small, unless that was done with the very same before: it takes a minute.
fn optimize(module: &Path) -> Result<(), Failure> {
    let (done, small) = (module.with_extension("done.wasm"), module.with_extension("optimized.wasm"));
    let content = fs::read(module)?;
    if fs::read(&done).ok().as_ref() != Some(&content) || !small.is_file() {
        // An output that is left from before must not pass for that of this module.
        let _ = fs::remove_file(&done);
        let (from, to) = (module.to_string_lossy(), small.to_string_lossy());
        npm(&package(), &["run", "optimize", "--", &from, "--output", &to])?;
        fs::write(&done, content)?;
    }
    fs::copy(&small, built_module())?;
    println!("{} has {} bytes", built_module().display(), fs::metadata(built_module())?.len());
    Ok(())
}

fn package() -> PathBuf {
    workspace::root().join(PACKAGE)
}

fn dist() -> PathBuf {
    package().join("dist")
}

fn built_module() -> PathBuf {
    dist().join("kustomize.wasm")
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
