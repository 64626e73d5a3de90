//! What each transformer costs: builds of the same resources that differ in one field.
//!
//! `nothing` reads, checks and puts in order; each of the others does that and one thing more.
//! Name references are in `name_prefix`, strategic merge in `strategic_patch`.

use divan::Bencher;
use divan::counter::ItemsCount;
use kustomize_benches::Overlay;
use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};

fn main() {
    divan::main();
}

const COUNT: usize = 1000;

/// A name, and the fields of the overlay.
const CASES: &[(&str, &str)] = &[
    ("nothing", ""),
    ("namespace", "namespace: prod\n"),
    ("name_prefix", "namePrefix: prod-\n"),
    ("name_suffix", "nameSuffix: -prod\n"),
    ("labels", "labels: [{pairs: {team: web}}]\n"),
    ("labels_with_selectors", "labels: [{pairs: {team: web}, includeSelectors: true}]\n"),
    ("common_labels", "commonLabels: {team: web}\n"),
    ("common_annotations", "commonAnnotations: {team: web}\n"),
    ("images", "images: [{name: nginx, newTag: '1.27'}]\n"),
    ("replicas", "replicas: [{name: app-1, count: 3}]\n"),
    (
        "strategic_patch",
        "patches: [{target: {kind: Deployment}, patch: \"\
        {apiVersion: apps/v1, kind: Deployment, metadata: {name: any}, spec: {replicas: 3}}\"}]\n",
    ),
    (
        "json_patch",
        "patches: [{target: {kind: Deployment}, patch: \"\
        - {op: replace, path: /spec/replicas, value: 3}\"}]\n",
    ),
    (
        "replacements",
        "replacements: [{source: {kind: Service, name: svc-1}, targets: [{\
        select: {kind: Deployment}, fieldPaths: [spec.template.spec.serviceAccountName]}]}]\n",
    ),
    ("vars", "vars: [{name: SVC, objref: {apiVersion: v1, kind: Service, name: svc-1}}]\n"),
    ("config_map_generator", "configMapGenerator: [{name: made, literals: [a=b]}]\n"),
    ("secret_generator", "secretGenerator: [{name: made, literals: [a=b]}]\n"),
];

/// One field on 1,000 resources. Counts the resources.
#[divan::bench(args = CASES.iter().map(|(name, _)| *name))]
fn field(bencher: Bencher, name: &str) {
    let fields = CASES.iter().find(|(other, _)| *other == name).map_or("", |(_, fields)| *fields);
    let input = Overlay::new(COUNT);
    let mut host = MemoryHost::new();
    for (path, content) in input.files().filter(|(path, _)| path.starts_with("base/")) {
        host.insert(&format!("/{path}"), content);
    }
    host.insert("/one/kustomization.yaml", format!("resources: [../base]\n{fields}"));
    let options = BuildOptions::default();
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        build(&host, divan::black_box("/one"), &options).expect("the generated overlay builds")
    });
}
