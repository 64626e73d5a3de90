//! Texts that are large, and work that is long.

use std::fs::File;

use crate::trial::{CONFIG_MAP, Trial, refused};

#[test]
fn two_hundred_megabytes() {
    let says = "is larger than 64 MiB";
    for kustomization in [
        "resources: [large]\n",
        "resources: [r.yaml]\npatches: [{path: large}]\n",
        "configMapGenerator: [{name: a, files: [large]}]\n",
        "secretGenerator: [{name: a, envs: [large]}]\n",
    ] {
        let trial = Trial::of_kustomization(kustomization);
        File::create(trial.path("large")).unwrap().set_len(200 << 20).unwrap();
        trial.is_refused(says);
    }
    let trial = Trial::new(&[]);
    File::create(trial.path("kustomization.yaml")).unwrap().set_len(200 << 20).unwrap();
    trial.is_refused(says);
}

/// Nodes take far more room than the two bytes that each is written as.
#[test]
fn nine_million_values() {
    let trial = Trial::of_resource(&"-\n".repeat(9_000_000));
    refused(&trial.build(&["."]), "the text holds more than 8388608 values");
}

#[test]
fn large_files_in_generators() {
    let trial =
        Trial::of_kustomization("configMapGenerator: [{name: a, files: [a=large, b=large, c=large]}]\n");
    File::create(trial.path("large")).unwrap().set_len(60 << 20).unwrap();
    trial.is_refused("the files of all generators together are larger than 128 MiB");
}

#[test]
fn a_hundred_thousand_mistakes() {
    let missing = format!("resources:\n{}", "- none.yaml\n".repeat(100_000));
    Trial::of_kustomization(&missing).is_refused("'none.yaml'");
    let documents = format!("---\n{CONFIG_MAP}").repeat(50_000);
    Trial::of_resource(&documents).is_refused("already registered id");
}

#[test]
fn long_lines_and_names() {
    let long = "x".repeat(1 << 20);
    Trial::of_resource(&format!("{CONFIG_MAP}  a: [{long}]]\n")).is_refused("r.yaml:7:");
    Trial::of_kustomization(&format!("{long}: 1\n")).is_refused("kustomization.yaml:1:1");
    Trial::of_kustomization(&format!("resources: [{long}]\n")).is_refused("kustomization.yaml:1:13");
    let named = CONFIG_MAP.replace("web", &long);
    Trial::of_resource(&format!("{named}---\n{named}")).is_refused("already registered id");
    Trial::of_kustomization("resources: [\"\\0\"]\n").is_refused("NUL byte");
    Trial::of_kustomization("resources: [r.yaml]\nreplicas: [{name: web, count: 99999999999999999999}]\n")
        .is_refused("expected an integer");
}

#[test]
fn a_hundred_thousand_operations_on_one_list() {
    let insert = "- {op: add, path: /l/0, value: 1}\n".repeat(100_000);
    let patch = format!("- {{op: add, path: /l, value: [1]}}\n{insert}");
    Trial::of_patch(&patch).is_refused("too many operations");
    // What somebody may well write.
    let append = "- {op: add, path: /l/-, value: a}\n".repeat(20_000);
    let patch = format!("- {{op: add, path: /l, value: []}}\n{append}");
    assert_eq!(Trial::of_patch(&patch).is_built().matches("- a\n").count(), 20_000);
}
