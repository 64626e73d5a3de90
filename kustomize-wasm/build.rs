//! How the module is linked.

/// Room for input nested as deeply as it may be; the default is 1 MiB.
const STACK: u32 = 8 << 20;
/// More than this is a mistake or a bomb, and would cost the tab its life.
const MEMORY: u32 = 1 << 30;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK}");
        println!("cargo::rustc-link-arg-cdylib=--max-memory={MEMORY}");
    }
}
