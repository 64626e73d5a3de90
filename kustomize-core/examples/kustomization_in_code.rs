//! Renders a kustomization that is built in code instead of read from a file.

#![allow(clippy::print_stdout, reason = "this is a program")]

use kustomize_core::host::MemoryHost;
use kustomize_core::kustomization::{Image, Kustomization, Patch, Selector};
use kustomize_core::{BuildOptions, build_kustomization};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: web
        image: nginx
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = MemoryHost::from_iter([("/app/web.yaml", WEB)]);
    let operations: json_patch::Patch =
        serde_json::from_str(r#"[{"op": "replace", "path": "/spec/replicas", "value": 3}]"#)?;
    let target = Selector { kind: "Deployment".to_owned(), ..Selector::default() };
    let kustomization = Kustomization {
        namespace: "production".to_owned(),
        resources: vec!["web.yaml".into()],
        images: vec![
            Image { name: "nginx".to_owned(), new_tag: "1.30.0".to_owned(), ..Image::default() }.into(),
        ],
        patches: vec![Patch::from_json(&operations, target).into()],
        ..Kustomization::default()
    };
    println!("# kustomization.yaml\n{}", kustomization.to_yaml()?);
    let rendered = build_kustomization(&host, "/app", &kustomization, &BuildOptions::default())?;
    print!("{}", rendered.yaml()?);
    Ok(())
}
