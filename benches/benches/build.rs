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
