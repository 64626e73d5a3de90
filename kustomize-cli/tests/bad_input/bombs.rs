//! Small texts that mean much.

use std::fmt::Write as _;

use crate::trial::{CONFIG_MAP, Trial};

/// Lists of ten aliases of the list before, level by level.
fn aliases(levels: usize, indent: &str) -> String {
    let mut text = format!("{indent}a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..levels {
        let ten = vec![format!("*a{}", level - 1); 10].join(",");
        let _ = writeln!(text, "{indent}a{level}: &a{level} [{ten}]");
    }
    text
}

#[test]
fn aliases_of_aliases() {
    const SAYS: &str = "aliases make this text many times as large";
    for levels in [10, 30] {
        let spec = aliases(levels, "  ");
        let resource = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\nspec:\n{spec}");
        Trial::of_resource(&resource).is_refused(SAYS);
        Trial::of_kustomization(&aliases(levels, "")).is_refused(SAYS);
        let trial = Trial::of_kustomization("resources: [r.yaml]\npatches: [{path: p.yaml}]\n");
        trial.write("p.yaml", resource.as_bytes());
        trial.is_refused(SAYS);
        let patch = format!("- op: add\n  path: /x\n  value:\n{}", aliases(levels, "    "));
        Trial::of_patch(&patch).is_refused(SAYS);
    }
}

#[test]
fn merge_keys_of_merge_keys() {
    let mut spec = "  m0: &m0 {a: 1}\n".to_owned();
    for level in 1..60 {
        let last = level - 1;
        let _ = writeln!(
            spec,
            "  m{level}: &m{level}\n    <<: *m{last}\n    k{level}: {{x: *m{last}, y: *m{last}}}"
        );
    }
    Trial::of_resource(&format!("{CONFIG_MAP}spec:\n{spec}")).is_refused("aliases make this text");
    Trial::of_resource(&format!("{CONFIG_MAP}spec:\n  a: &a [*a]\n")).is_refused("contains itself");
    Trial::of_resource(&format!("{CONFIG_MAP}spec:\n  a: &a\n    <<: *a\n")).is_refused("contains itself");
}

/// Each anchored list holds the next: what the innermost holds would be kept for all of them.
#[test]
fn anchors_within_anchors() {
    let mut text = format!("{CONFIG_MAP}spec: ");
    for level in 0..400 {
        let _ = write!(text, "&a{level} [");
    }
    text += &"x,".repeat(100_000);
    text += &"]".repeat(400);
    Trial::of_resource(&text).is_refused("values");
}

#[test]
fn a_hundred_thousand_levels() {
    const LEVELS: usize = 100_000;
    let (flow, map, json, block) = (
        "[".repeat(LEVELS) + &"]".repeat(LEVELS),
        "{a: ".repeat(LEVELS) + "1" + &"}".repeat(LEVELS),
        "{\"a\":".repeat(LEVELS) + "1" + &"}".repeat(LEVELS),
        "- ".repeat(LEVELS) + "x",
    );
    for text in [&flow, &map, &json, &block, &"[".repeat(LEVELS), &"? ".repeat(LEVELS)] {
        Trial::of_resource(&format!("{CONFIG_MAP}spec:\n  {text}\n")).is_refused("more than 500 levels deep");
        Trial::of_kustomization(&format!("{text}\n")).is_refused("more than 500 levels deep");
    }
    for text in [&flow, &map, &json] {
        Trial::of_patch(&format!("- {{op: add, path: /x, value: {text}}}\n")).is_refused("500 levels deep");
    }
    let patch = format!(r#"[{{"op": "add", "path": "/x", "value": {json}}}]"#);
    Trial::of_patch(&patch).is_refused("nested too deep");
    let trial = Trial::of_kustomization("resources: [r.yaml]\nopenapi: {path: o.json}\n");
    trial.write("o.json", json.as_bytes());
    trial.is_refused("500 levels deep");
}

#[test]
fn ever_deeper_by_patches_and_paths() {
    let copy = "- {op: copy, from: /data, path: /data/x}\n".repeat(1500);
    Trial::of_patch(&copy).is_refused("");
    let path = format!("- {{op: add, path: '{}', value: 1}}\n", "/a".repeat(100_000));
    Trial::of_patch(&path).is_refused("nested more than 1000 deep");

    let kustomization = "resources: [r.yaml]\ncommonLabels: {a: b}\nconfigurations: [c.yaml]\n";
    for path in ["a/".repeat(100_000) + "a", " /".repeat(100_000) + "a"] {
        let trial = Trial::of_kustomization(kustomization);
        let config = format!("commonLabels: [{{path: '{path}', create: true}}]\n");
        trial.write("c.yaml", config.as_bytes());
        trial.is_refused("the path has too many parts");
    }
    let replacement = "- source: {kind: ConfigMap, fieldPath: data}\n  targets:\n  - select: {kind: ConfigMap}\n    \
                       fieldPaths: [data.x]\n    options: {create: true}\n";
    let kustomization = format!("resources: [r.yaml]\nreplacements:\n{}", replacement.repeat(5000));
    Trial::of_kustomization(&kustomization).is_refused("nests maps and lists more than 1000 deep");
}

#[test]
fn replacements_that_double() {
    let mut trees = "resources: [r.yaml]\nreplacements:\n".to_owned();
    for step in 0..40 {
        let _ = writeln!(
            trees,
            "- source: {{kind: ConfigMap, fieldPath: data}}\n  targets:\n  - select: {{kind: ConfigMap}}\n    \
             fieldPaths: [data.x{step}, data.y{step}]\n    options: {{create: true}}"
        );
    }
    Trial::of_kustomization(&trees).is_refused("the replacements copy more than a build can hold");

    let ping_pong = |from: &str, to: &str| {
        format!(
            "- source: {{kind: ConfigMap, fieldPath: data.{from}}}\n  targets:\n  - select: {{kind: ConfigMap}}\n    \
             fieldPaths: [data.{to}]\n    options: {{delimiter: '-', index: 1}}\n"
        )
    };
    let steps = (ping_pong("a", "b") + &ping_pong("b", "a")).repeat(40);
    let trial = Trial::of_kustomization(&format!("resources: [r.yaml]\nreplacements:\n{steps}"));
    trial.write("r.yaml", CONFIG_MAP.replace("key: value", "a: x-y-z\n  b: x-y-z").as_bytes());
    trial.is_refused("the replacements copy more than a build can hold");
}

#[test]
fn expressions() {
    let trial = |pattern: &str| {
        Trial::of_kustomization(&format!(
            "resources: [r.yaml]\npatches:\n- patch: '[{{\"op\": \"remove\", \"path\": \"/data\"}}]'\n  \
             target: {{name: '{pattern}'}}\n"
        ))
    };
    trial("(").is_refused("is not a regular expression");
    trial("(((a{100}){100}){100}){100}").is_refused("is not a regular expression");
    trial(&("(".repeat(20_000) + &")".repeat(20_000))).is_refused("is not a regular expression");
    // Linear, whatever it looks like.
    let harmless = trial("(a+)+$b|(a|a)*b|(x+x+)+y");
    harmless.write("r.yaml", CONFIG_MAP.replace("web", &"a".repeat(20_000)).as_bytes());
    harmless.is_built();
}
