//! Renders files that are in memory, without any I/O.

#![allow(clippy::print_stdout, reason = "this is a program")]

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = MemoryHost::from_iter([
        ("/base/kustomization.yaml", "resources: [service.yaml]\n"),
        ("/base/service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n"),
        ("/staging/kustomization.yaml", "resources: [../base]\nnamePrefix: staging-\n"),
    ]);
    let rendered = build(&host, "/staging", &BuildOptions::default())?;
    print!("{}", rendered.yaml()?);
    Ok(())
}
