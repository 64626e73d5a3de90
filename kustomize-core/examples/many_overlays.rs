//! Renders several overlays with one session: each file is parsed once, each base rendered once.

#![allow(clippy::print_stdout, reason = "this is a program")]

use kustomize_core::{BuildOptions, Session};
use kustomize_host::OsHost;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = Session::new(OsHost::new(), BuildOptions::default());
    for overlay in ["staging", "production"] {
        let rendered = session.build(&format!("fixtures/apps/overlays/{overlay}"))?;
        println!("{overlay}: {} resources", rendered.resources().len());
    }
    Ok(())
}
