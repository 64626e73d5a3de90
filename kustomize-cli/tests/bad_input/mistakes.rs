//! What people get wrong.

use crate::trial::{CONFIG_MAP, Trial};

#[test]
fn no_yaml() {
    Trial::of_resource("{{{ [ : no yaml\n  - x\n :").is_refused("r.yaml:1:");
    Trial::of_resource("just a text").is_refused("expected a Kubernetes resource");
    Trial::of_kustomization("@@@: [").is_refused("kustomization.yaml:1:1");
    Trial::of_patch("key: [").is_refused("p.yaml:");
}

#[test]
fn no_utf8() {
    let trial = Trial::of_resource("");
    trial.write("r.yaml", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \xff}\n");
    let output = trial.build(&["."]);
    let said = crate::trial::said(&output);
    trial.is_refused("r.yaml is not UTF-8 text: byte 0xff on line 3");
    assert!(!said.contains("repository"), "{said}");

    let trial = Trial::of_kustomization("");
    trial.write("kustomization.yaml", b"namePrefix: \xff\n");
    trial.is_refused("kustomization.yaml is not UTF-8 text");

    Trial::of_resource(&CONFIG_MAP.replace("value", "a\0b")).is_refused("U+0000");
}

#[test]
fn line_ends_and_byte_order_marks_are_no_mistake() {
    let plain = Trial::of_resource(CONFIG_MAP).is_built();
    assert_eq!(
        plain,
        CONFIG_MAP.replace("data:\n  key: value\n", "").replace("kind", "data:\n  key: value\nkind")
    );
    assert_eq!(Trial::of_resource(&CONFIG_MAP.replace('\n', "\r\n")).is_built(), plain);
    assert_eq!(Trial::of_resource(&format!("\u{feff}{CONFIG_MAP}")).is_built(), plain);
    assert_eq!(Trial::of_kustomization("\u{feff}resources:\r\n- r.yaml\r\n").is_built(), plain);
}

#[test]
fn tabs() {
    Trial::of_resource(&CONFIG_MAP.replace("  name", "\tname")).is_refused("r.yaml:4:1");
    Trial::of_kustomization("resources:\n\t- r.yaml\n").is_refused("a tab cannot be used for indentation");
}

#[test]
fn unknown_fields() {
    Trial::of_kustomization("resources: [r.yaml]\nresorces: [x]\n").is_refused("did you mean `resources`?");
    Trial::of_kustomization("resources: [r.yaml]\nimages: [{nam: x}]\n")
        .is_refused("kustomization.yaml:2:11");
}

#[test]
fn equal_ids_and_keys() {
    Trial::of_resource(&format!("{CONFIG_MAP}---\n{CONFIG_MAP}")).is_refused("already registered id");
    Trial::of_kustomization("resources: [r.yaml, r.yaml]\n").is_refused("already registered id");
    Trial::of_resource(&format!("{CONFIG_MAP}  key: again\n")).is_refused("the key 'key' stands twice");
}

#[test]
fn patches_that_match_nothing() {
    let patch = CONFIG_MAP.replace("web", "wep");
    let trial = Trial::of_kustomization("resources: [r.yaml]\npatches: [{path: p.yaml}]\n");
    trial.write("p.yaml", patch.as_bytes());
    trial.is_refused("no resource matches the patch");
}

#[test]
fn json_patches_on_what_is_not_there() {
    Trial::of_patch("- {op: remove, path: /data/none}").is_refused("there is no field `none`");
    Trial::of_patch("- {op: add, path: /none/none, value: 1}").is_refused("there is no map or list at /none");
    Trial::of_patch("- {op: replace, path: /data/key/none, value: 1}").is_refused("/data/key");
    Trial::of_patch("- {op: test, path: /data/key, value: other}").is_refused("the test of /data/key failed");
    Trial::of_patch("- {op: frob, path: /data}").is_refused("unknown operation `frob`");
}

#[test]
fn circles() {
    let trial = Trial::new(&[
        ("a/kustomization.yaml", "resources: [../b]\n"),
        ("b/kustomization.yaml", "resources: [../a]\n"),
        ("self/kustomization.yaml", "resources: [.]\n"),
        ("above/below/kustomization.yaml", "resources: [..]\n"),
        ("above/kustomization.yaml", "resources: [below]\n"),
    ]);
    trial.part_is_refused("a", "in a circle");
    trial.part_is_refused("self", "refers to itself");
    trial.part_is_refused("above", "holds the directory");
}

#[test]
fn colons_that_are_missing() {
    let pod = "kind: Pod\nmetadata:\n  name: web\n";
    for (right, wrong, told) in [
        ("metadata:", "metadata", "r.yaml:2:1"),
        ("metadata:", "metadata", "help: write 'metadata:', which what is below then belongs to"),
        ("name: web", "name web", "r.yaml:3:3"),
        ("name: web", "name web", "help: this is a text, and 'metadata' is a map: is a ':' missing?"),
    ] {
        Trial::of_resource(&pod.replace(right, wrong)).is_refused(told);
    }
}
