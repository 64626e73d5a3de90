//! Resources that refer to each other.

use std::fmt::Write as _;

use fastrand::Rng;

use super::text::{name, namespace, one, string, value};

/// The kinds that there is always one of.
const CERTAIN: [&str; 4] = ["ConfigMap", "Deployment", "Service", "Widget"];

/// Several resources, each with an identity of its own; of some kinds there is one of this name.
pub(super) fn several(rng: &mut Rng, certain: &str) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    for kind in CERTAIN {
        text += "---\n";
        text += &resource(rng, kind, certain, None);
    }
    for _ in 0..rng.usize(..5) {
        let kind = one(
            rng,
            &["ConfigMap", "Deployment", "Service", "Role", "Widget", "StatefulSet", "Ingress", "Secret"],
        );
        let (name, namespace) = (name(rng), namespace(rng));
        if seen.contains(&(kind, name, namespace)) {
            continue;
        }
        seen.push((kind, name, namespace));
        text += "---\n";
        text += &resource(rng, kind, name, namespace);
    }
    text
}

fn resource(rng: &mut Rng, kind: &str, name: &str, namespace: Option<&str>) -> String {
    let version = match kind {
        "Deployment" | "StatefulSet" => "apps/v1",
        "Role" => "rbac.authorization.k8s.io/v1",
        "Ingress" => "networking.k8s.io/v1",
        "Widget" => "example.com/v1",
        _ => "v1",
    };
    let mut text = format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n");
    if let Some(namespace) = namespace {
        let _ = writeln!(text, "  namespace: {namespace}");
    }
    for field in ["labels", "annotations"] {
        if rng.bool() {
            let _ = writeln!(text, "  {field}:\n    app: {}\n    other/key: {}", string(rng), string(rng));
        }
    }
    text += &body(rng, kind);
    text
}

fn body(rng: &mut Rng, kind: &str) -> String {
    let mut text = String::new();
    match kind {
        "ConfigMap" => {
            let _ = writeln!(text, "data:\n  one: {}\n  two: {}", string(rng), string(rng));
        }
        "Secret" => text += "stringData:\n  key: value\n",
        "Role" => {
            let _ = writeln!(
                text,
                "rules:\n- apiGroups: ['']\n  resources: [secrets]\n  resourceNames: [{}]\n  verbs: [get]",
                name(rng)
            );
        }
        "Service" => {
            let _ = writeln!(
                text,
                "spec:\n  selector:\n    app: {}\n  ports:\n  - port: 80\n    targetPort: {}",
                string(rng),
                rng.u16(..)
            );
        }
        "Ingress" => {
            let _ = writeln!(
                text,
                "spec:\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend: {{service: {{name: {}, port: {{number: 80}}}}}}",
                name(rng)
            );
        }
        "Deployment" | "StatefulSet" => text += &workload(rng, kind),
        _ => {
            let _ = write!(
                text,
                "spec:\n  first: {}\n  second:\n  - {}\n  third:\n    deep: {}\n",
                value(rng),
                value(rng),
                value(rng)
            );
        }
    }
    text
}

fn workload(rng: &mut Rng, kind: &str) -> String {
    let mut text = "spec:\n".to_owned();
    if rng.bool() {
        let _ = writeln!(text, "  replicas: {}", rng.u8(..9));
    }
    if kind == "StatefulSet" {
        let _ = writeln!(text, "  serviceName: {}", name(rng));
    }
    let label = string(rng);
    let _ = write!(
        text,
        "  selector:\n    matchLabels:\n      app: {label}\n  template:\n    metadata:\n      labels:\n        app: {label}\n    \
         spec:\n      containers:\n"
    );
    for container in ["main", "side"].iter().take(rng.usize(1..3)) {
        let image = one(rng, &["nginx", "nginx:1.2", "reg.io:5000/a/nginx:1@sha256:0", "redis", "a/b"]);
        let _ = write!(text, "      - name: {container}\n        image: {image}\n");
        if rng.bool() {
            let _ = writeln!(
                text,
                "        env:\n        - name: A\n          value: {}\n        - name: B\n          \
                 valueFrom: {{configMapKeyRef: {{name: {}, key: one}}}}\n        args: [$(VAR), {}]",
                string(rng),
                name(rng),
                string(rng)
            );
        }
    }
    if rng.bool() {
        let _ = writeln!(text, "      volumes:\n      - name: v\n        configMap: {{name: {}}}", name(rng));
    }
    text
}
