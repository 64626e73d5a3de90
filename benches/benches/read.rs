//! Reading YAML: bytes to nodes.

use divan::Bencher;
use divan::counter::BytesCount;
use kustomize_benches::{Overlay, crds};
use kustomize_core::yaml::{self, Sources};

fn main() {
    divan::main();
}

/// A stream of resources of the usual kinds.
#[divan::bench(args = [4, 100, 4000])]
fn resources(bencher: Bencher, count: usize) {
    let text = Overlay::new(count).resources();
    let file = Sources::default().add("resources.yaml", text.as_str().into(), None);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| yaml::read(divan::black_box(&text), file).expect("generated YAML is valid"));
}

/// A stream of CustomResourceDefinitions.
#[divan::bench(args = [1, 20])]
fn custom_resource_definitions(bencher: Bencher, count: usize) {
    let text = crds(count);
    let file = Sources::default().add("crds.yaml", text.as_str().into(), None);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| yaml::read(divan::black_box(&text), file).expect("generated YAML is valid"));
}
