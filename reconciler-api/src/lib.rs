//! Flux's kinds as Rust types.
