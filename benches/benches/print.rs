//! Printing YAML: nodes to bytes.

use divan::Bencher;
use divan::counter::BytesCount;
use kustomize_benches::{Overlay, crds};
use kustomize_core::yaml::{self, Node, Sources};

fn main() {
    divan::main();
}

/// Resources of the usual kinds, one after the other into one text. Counts the bytes that are written.
#[divan::bench(args = [4, 100, 4000])]
fn resources(bencher: Bencher, count: usize) {
    measure(bencher, &Overlay::new(count).resources());
}

/// CustomResourceDefinitions. Counts the bytes that are written.
#[divan::bench(args = [1, 20])]
fn custom_resource_definitions(bencher: Bencher, count: usize) {
    measure(bencher, &crds(count));
}

fn measure(bencher: Bencher, text: &str) {
    let file = Sources::default().add("resources.yaml", text.into(), None);
    let nodes = yaml::read(text, file).expect("generated YAML is valid");
    let printed = print(&nodes).len();
    bencher.counter(BytesCount::new(printed)).bench_local(|| print(divan::black_box(&nodes)));
}

fn print(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        yaml::print(node, &mut text).expect("what was read can be printed");
    }
    text
}
