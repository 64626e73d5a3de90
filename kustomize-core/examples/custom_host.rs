//! A host of one's own: here one that counts the files read from another host. Hosts that read from
//! git, an archive or a database look the same.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::sync::atomic::{AtomicUsize, Ordering};

use kustomize_core::host::{EntryKind, Host, HostError};
use kustomize_core::{BuildOptions, build};
use kustomize_host::OsHost;

struct Counting<H> {
    inner: H,
    files: AtomicUsize,
}

impl<H: Host> Host for Counting<H> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.inner.read(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.inner.resolve(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.inner.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.inner.list(directory)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.inner.current_directory()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Counting { inner: OsHost::new(), files: AtomicUsize::new(0) };
    let rendered = build(&host, "fixtures/apps/overlays/production", &BuildOptions::default())?;
    println!("{} files, {} resources", host.files.load(Ordering::Relaxed), rendered.resources().len());
    Ok(())
}
