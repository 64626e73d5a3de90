//! Reads files of resources and prints what it read, on one thread: what any program has to do that
//! renders them. `cargo xtask bench` runs it beside whole builds of the same files.
//!
//! ```sh
//! cargo run --release -p kustomize-benches --example read_and_print -- FILE…
//! ```

use std::error::Error;
use std::io::Write;

use kustomize_core::yaml::{self, Sources};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let sources = Sources::default();
    let mut printed = String::new();
    for path in std::env::args().skip(1) {
        let text = yaml::SourceText::from(std::fs::read_to_string(&path)?);
        let file = sources.add(path, text.clone(), None);
        for node in yaml::read(&text, file)? {
            if !printed.is_empty() {
                printed.push_str("---\n");
            }
            yaml::print(&node, &mut printed)?;
        }
    }
    std::io::stdout().write_all(printed.as_bytes())?;
    Ok(())
}
