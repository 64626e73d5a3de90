//! Printing YAML: nodes to bytes.

use divan::Bencher;
use divan::counter::BytesCount;
use kustomize_benches::Overlay;
use kustomize_core::yaml::{self, Node, Sources};

fn main() {
    divan::main();
}

/// Resources of the usual kinds, one after the other into one text. Counts the bytes that are written.
#[divan::bench(args = [4, 100, 4000])]
fn resources(bencher: Bencher, count: usize) {
    let text = Overlay::new(count).resources();
    let file = Sources::default().add("resources.yaml", text.as_str().into(), None);
    let nodes = yaml::read(&text, file).expect("generated YAML is valid");
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
