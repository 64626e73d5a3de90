//! Renders a directory as `kustomize build` does: `cargo run --example render_directory -- DIR`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use kustomize_core::{BuildOptions, build};
use kustomize_host::OsHost;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "fixtures/apps/overlays/production".to_owned());
    let rendered = build(&OsHost::new(), &directory, &BuildOptions::default())?;
    for warning in rendered.warnings() {
        eprintln!("warning: {}", warning.message);
    }
    print!("{}", rendered.yaml()?);
    Ok(())
}
