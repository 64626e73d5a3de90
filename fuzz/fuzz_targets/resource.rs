//! Any text as a resource file: refused or rendered, and what was rendered renders as itself.

#![no_main]

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, build};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Some(once) = render(text) else { return };
    // An apiVersion without a value is printed as a null that kustomize does not read again.
    if once.is_empty() || once.contains("apiVersion: null\n") {
        return;
    }
    let twice = render(once.as_bytes());
    assert_eq!(twice.as_deref(), Some(once.as_str()));
});

fn render(text: &[u8]) -> Option<String> {
    let host = MemoryHost::from_iter([
        ("/kustomization.yaml", b"resources: [r.yaml]\nsortOptions: {order: fifo}\n".as_slice()),
        ("/r.yaml", text),
    ]);
    build(&host, "/", &BuildOptions::default()).ok()?.yaml().ok()
}
