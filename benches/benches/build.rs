//! Whole builds, from a host that holds the files in memory. Counts the bytes of the input.

use divan::Bencher;
use divan::counter::BytesCount;
use kustomize_benches::{ENTRY, Overlay};
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};

fn main() {
    divan::main();
}

/// Everything that `kustomize-rs build` does between reading the files and writing its output.
#[divan::bench(args = [4, 100, 1000, 4000])]
fn overlay(bencher: Bencher, count: usize) {
    let input = Overlay::new(count);
    let mut host = MemoryHost::new();
    for (path, content) in input.files() {
        host.insert(&format!("/{path}"), content);
    }
    let (path, options) = (format!("/{ENTRY}"), BuildOptions::default());
    bencher.counter(BytesCount::new(input.bytes())).bench_local(|| {
        let rendered = build(&host, divan::black_box(&path), &options).expect("the generated overlay builds");
        rendered.yaml().expect("what was built can be printed")
    });
}

/// Overlays as people write them: the project's own fixtures.
#[divan::bench(args = [
    "apps/overlays/production", "components/full", "diamond/top", "generators/overlay", "transformers", "vars",
])]
fn fixture(bencher: Bencher, name: &str) {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut host = MemoryHost::new();
    fill(&mut host, &top, "");
    let (path, options) = (format!("/{name}"), BuildOptions::default());
    bencher.bench_local(|| {
        let rendered = build(&host, divan::black_box(&path), &options).expect("the fixture builds");
        rendered.yaml().expect("what was built can be printed")
    });
}

/// Takes the files below a directory into a host.
fn fill(host: &mut MemoryHost, directory: &std::path::Path, at: &str) {
    let entries = std::fs::read_dir(directory).expect("the fixtures are beside the benchmarks");
    for entry in entries.map(|entry| entry.expect("the fixtures can be listed")) {
        let path = format!("{at}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            fill(host, &entry.path(), &path);
        } else {
            host.insert(&path, std::fs::read(entry.path()).expect("the fixtures can be read"));
        }
    }
}
