//! An overlay over a base, with a component at times.

use fastrand::Rng;

use super::resource;
use super::text::{name, one, string};

/// The files of one tree: paths and texts.
pub(super) fn files(rng: &mut Rng) -> Vec<(&'static str, String)> {
    let mut files = vec![("r.yaml", resource::several(rng, "top"))];
    let mut top = "resources:\n- r.yaml\n".to_owned();
    if rng.bool() {
        files.push(("base/r.yaml", resource::several(rng, "basis")));
        files.push(("base/kustomization.yaml", format!("resources:\n- r.yaml\n{}", fields(rng, "basis"))));
        top += "- base\n";
    }
    if rng.u8(..3) == 0 {
        let kind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";
        files.push(("part/kustomization.yaml", format!("{kind}{}", fields(rng, "top"))));
        top += "components:\n- part\n";
    }
    top += &fields(rng, "top");
    files.push(("kustomization.yaml", top));
    files
}

/// Some fields, each at most once. `own` is the name of the resources that are certain to be there.
fn fields(rng: &mut Rng, own: &str) -> String {
    let mut makers: Vec<fn(&mut Rng, &str) -> String> = vec![
        prefix,
        suffix,
        namespace,
        labels,
        common_labels,
        annotations,
        images,
        replicas,
        config_map,
        secret,
        patches,
        json_patch,
        replacement,
        options,
    ];
    rng.shuffle(&mut makers);
    let count = rng.usize(1..6);
    makers.iter().take(count).map(|make| make(rng, own)).collect()
}

fn prefix(rng: &mut Rng, _: &str) -> String {
    format!("namePrefix: {}\n", one(rng, &["p-", "very-long-prefix-", "a."]))
}

fn suffix(rng: &mut Rng, _: &str) -> String {
    format!("nameSuffix: {}\n", one(rng, &["-s", "-v2", ".z"]))
}

fn namespace(rng: &mut Rng, _: &str) -> String {
    format!("namespace: {}\n", one(rng, &["one", "three", "default"]))
}

fn labels(rng: &mut Rng, _: &str) -> String {
    let flags = one(rng, &["", "  includeSelectors: true\n", "  includeTemplates: true\n"]);
    format!("labels:\n- pairs:\n    team: {}\n    app: {}\n{flags}", string(rng), string(rng))
}

fn common_labels(rng: &mut Rng, _: &str) -> String {
    format!("commonLabels:\n  app: {}\n  tier: {}\n", string(rng), string(rng))
}

fn annotations(rng: &mut Rng, _: &str) -> String {
    format!("commonAnnotations:\n  note: {}\n  other: {}\n", string(rng), string(rng))
}

fn images(rng: &mut Rng, _: &str) -> String {
    let change = one(
        rng,
        &["newTag: '2'", "newName: other/image", "digest: sha256:1", "newTag: v1.2.3\n  newName: x"],
    );
    format!("images:\n- name: {}\n  {change}\n", one(rng, &["nginx", "redis", "reg.io:5000/a/nginx", "a/b"]))
}

fn replicas(rng: &mut Rng, own: &str) -> String {
    format!("replicas:\n- name: {own}\n  count: {}\n", rng.u8(..9))
}

fn config_map(rng: &mut Rng, _: &str) -> String {
    let behavior = one(
        rng,
        &[
            "",
            "",
            "  behavior: merge\n",
            "  behavior: replace\n",
            "  options: {disableNameSuffixHash: true}\n",
        ],
    );
    let namespace = one(rng, &["", "", "  namespace: one\n"]);
    format!(
        "configMapGenerator:\n- name: {}\n{namespace}{behavior}  literals:\n  - a={}\n  - b='x y'\n  files: [r.yaml]\n",
        name(rng),
        one(rng, &["1", "true", "", "x=y", "\"q\""])
    )
}

fn secret(rng: &mut Rng, _: &str) -> String {
    format!(
        "secretGenerator:\n- name: {}\n  type: {}\n  literals: [k=v, e=]\n",
        name(rng),
        one(rng, &["Opaque", "''"])
    )
}

/// One patch, or many: resources are looked up in another way then.
fn patches(rng: &mut Rng, own: &str) -> String {
    let count = one(rng, &["1", "1", "2", "24"]).parse().unwrap_or(1);
    let patches: String = (0..count).map(|_| patch(rng, own)).collect();
    format!("patches:\n{patches}")
}

fn patch(rng: &mut Rng, own: &str) -> String {
    let (kind, patch) = match rng.u8(..5) {
        0 => (
            "kind: Deployment",
            format!(
                "spec: {{template: {{spec: {{containers: [{{name: main, env: [{{name: A, value: {}}}]}}]}}}}}}",
                one(rng, &["x", "'1'", "null"])
            ),
        ),
        1 => ("kind: Service", "spec: {ports: [{port: 80, name: http}, {port: 81}]}".to_owned()),
        2 => (
            "kind: Widget",
            format!("spec: {{first: null, third: {{new: {}}}}}", one(rng, &["1", "'a'", "[1]", "{}"])),
        ),
        3 => ("kind: Config.*", format!("data: {{one: null, three: {}}}", one(rng, &["x", "'1'", "'yes'"]))),
        _ => ("version: v1", "extra".to_owned()),
    };
    let target = if rng.bool() { kind.to_owned() } else { format!("{kind}, name: '{}'", pattern(rng, own)) };
    if patch == "extra" {
        return format!(
            "- target: {{{target}}}\n  patch: '[{{op: add, path: /extra, value: {}}}]'\n",
            rng.u8(..)
        );
    }
    let name = name(rng);
    format!(
        "- target: {{{target}}}\n  patch: |-\n    apiVersion: v1\n    kind: Any\n    metadata: {{name: {name}}}\n    {patch}\n"
    )
}

/// A pattern of names, some of which are there.
fn pattern(rng: &mut Rng, own: &str) -> String {
    let end = own.get(1..).unwrap_or_default();
    match rng.u8(..8) {
        0 => own.to_owned(),
        1 => format!("{own}.*"),
        2 => format!(".*{end}"),
        3 => format!("{own}|{}", name(rng)),
        4 => format!("(?i){}", own.to_uppercase()),
        5 => format!("({own}|p-)[a-z0-9.-]*"),
        6 => format!("^{own}(-.*)?$"),
        _ => format!("(very-long-prefix-)?{}?{end}", own.get(..1).unwrap_or_default()),
    }
}

fn json_patch(rng: &mut Rng, own: &str) -> String {
    let operation = match rng.u8(..5) {
        0 => format!("{{op: add, path: /metadata/labels, value: {{new: {}}}}}", one(rng, &["a", "'1'"])),
        1 => "{op: replace, path: /kind, value: Widget}".to_owned(),
        2 => "{op: remove, path: /spec/third}".to_owned(),
        3 => "{op: copy, from: /metadata/name, path: /spec/copy}".to_owned(),
        _ => format!(
            "{{op: add, path: /spec/new, value: {}}}",
            one(rng, &["1", "1.0", "'1'", "[a, 1]", "{a: 1e3}", "~"])
        ),
    };
    format!(
        "patchesJson6902:\n- target: {{version: v1, group: example.com, kind: Widget, name: {own}}}\n  patch: |-\n    - {operation}\n"
    )
}

fn replacement(rng: &mut Rng, own: &str) -> String {
    let source = one(
        rng,
        &[
            "kind: ConfigMap, fieldPath: data.one",
            "kind: Service, fieldPath: metadata.name",
            "kind: Widget, fieldPath: spec.first",
        ],
    );
    let target = match rng.u8(..3) {
        0 => {
            "- select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.*.image']\n    options: {delimiter: ':', index: 1}"
        }
        1 => {
            "- select: {kind: Widget}\n    fieldPaths: [spec.copied, spec.third.deep]\n    options: {create: true}"
        }
        _ => {
            "- select: {}\n    fieldPaths: ['metadata.annotations.[other/key]']\n    options: {create: true}"
        }
    };
    format!("replacements:\n- source: {{name: {own}, {source}}}\n  targets:\n  {target}\n")
}

fn options(rng: &mut Rng, _: &str) -> String {
    match rng.u8(..4) {
        0 => "sortOptions: {order: fifo}\n".to_owned(),
        1 => "sortOptions: {order: legacy}\n".to_owned(),
        2 => "buildMetadata: [originAnnotations, managedByLabel]\n".to_owned(),
        _ => format!("generatorOptions: {{annotations: {{made: {}}}, immutable: true}}\n", string(rng)),
    }
}
