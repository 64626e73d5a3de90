//! Any text as a kustomization file, beside files that it may name.

#![no_main]

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

const RESOURCES: &[u8] = b"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: nginx:1}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
";

fuzz_target!(|text: &[u8]| {
    let host = MemoryHost::from_iter([
        ("/kustomization.yaml", text),
        ("/r.yaml", RESOURCES),
        ("/base/kustomization.yaml", b"resources: [r.yaml]\n".as_slice()),
        ("/base/r.yaml", RESOURCES),
        ("/component/kustomization.yaml", b"kind: Component\nnamePrefix: c-\n"),
    ]);
    if let Ok(rendered) = build(&host, "/", &BuildOptions::default()) {
        let _ = rendered.yaml();
    }
});
