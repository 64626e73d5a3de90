//! `cargo xtask test`: everything there is to test, one step after the other.

use crate::steps::{Outcome, Steps};
use crate::{Failure, conformance, flux_cases, layers, python, web, workspace};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Args {
    /// Leave out what is not Rust
    #[arg(long)]
    rust_only: bool,
}

/// Sets up and runs every test.
///
/// # Errors
/// A step failed.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut steps = Steps::new();
    steps.add("layers: no circles of imports", || layers::run().map(|()| Outcome::Done));
    let mut rust = workspace::cargo();
    // The JSON schema is tested too; both commands have the same features, so that the core is compiled once.
    rust.args(["test", "--workspace", "--all-targets", "--features", "kustomize-core/json-schema"])
        .arg("--target-dir")
        .arg(workspace::target());
    steps.command("Rust: unit and whole-program tests", rust);
    let mut docs = workspace::cargo();
    docs.args(["test", "--workspace", "--doc", "--features", "kustomize-core/json-schema"])
        .arg("--target-dir")
        .arg(workspace::target());
    steps.command("Rust: examples in the documentation", docs);
    steps.add("conformance with kustomize's own tests", || {
        let cases = workspace::root().join(conformance::CASES);
        if !cases.is_dir() {
            return Ok(Outcome::Skipped(format!("there is no {}", conformance::CASES)));
        }
        conformance::run(&conformance::Args::default()).map(|()| Outcome::Done)
    });
    steps.add("recorded cases of Flux", || {
        if !workspace::root().join(flux_cases::CASES).is_dir() {
            return Ok(Outcome::Skipped(format!("there is no {}", flux_cases::CASES)));
        }
        flux_cases::run(&flux_cases::Args::default()).map(|()| Outcome::Done)
    });
    if !args.rust_only {
        steps.add("Python: the package, from an empty environment", python::check);
        steps.add("WebAssembly: the package, in Node", web::check_package);
        steps.add("WebAssembly: the page, in a browser", web::check_page);
    }
    let result = steps.run();
    println!(
        "\nNOTE: all of this ran on the embedded cluster ONLY. `cargo xtask e2e` runs the suites that need an \
         API server on a real one."
    );
    result
}
