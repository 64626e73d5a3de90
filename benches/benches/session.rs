//! Builds in a session: after one file has changed, and many overlays on one base.

use divan::Bencher;
use kustomize_benches::{ENTRY, Overlay};
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, Session};

fn main() {
    divan::main();
}

fn session(input: &Overlay) -> Session<MemoryHost> {
    let host: MemoryHost =
        input.files().map(|(path, content)| (format!("/{path}"), content.to_owned())).collect();
    Session::new(host, BuildOptions::default())
}

fn path() -> [String; 1] {
    [format!("/{ENTRY}")]
}

/// The first build of a session, printed: each resource in a file of its own.
#[divan::bench(args = [4000])]
fn first_build(bencher: Bencher, count: usize) {
    let input = Overlay::in_single_files(count);
    bencher.with_inputs(|| session(&input)).bench_local_refs(|session| {
        let rendered = session.build_many(&path()).remove(0).expect("the overlay builds");
        rendered.yaml().expect("what was built can be printed")
    });
}

/// The same overlay again, printed, after one of its files has changed.
#[divan::bench(args = [4000])]
fn after_one_file_has_changed(bencher: Bencher, count: usize) {
    let input = Overlay::in_single_files(count);
    let mut session = session(&input);
    let (changed, text) = input.files().next().expect("there are files");
    let changed = format!("/{changed}");
    let texts = [text.to_owned(), text.replace("replicas: 2", "replicas: 2\n  paused: true")];
    session.build_many(&path()).remove(0).and_then(|rendered| rendered.yaml()).expect("the overlay builds");
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        session.host_mut().insert(&changed, texts[turn % 2].as_str());
        let rendered = session.rebuild(&path(), &[&changed]).remove(0).expect("the overlay builds");
        rendered.yaml().expect("what was built can be printed")
    });
}

/// Many overlays on one base of a hundred resources, printed.
#[divan::bench(args = [1000], sample_count = 10)]
fn overlays_on_one_base(bencher: Bencher, overlays: usize) {
    let input = Overlay::new(100).with_more(overlays);
    let paths: Vec<String> = (0..overlays).map(|number| format!("/{ENTRY}-{number}")).collect();
    bencher.with_inputs(|| session(&input)).bench_local_refs(|session| {
        session.map_many(&paths, |_, outcome| {
            outcome.and_then(|rendered| rendered.yaml()).map(|text| text.len())
        })
    });
}
