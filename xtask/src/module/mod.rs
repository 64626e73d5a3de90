//! What is done to the compiled WebAssembly module, apart from what `wasm-opt` does, so that it is
//! small when it is downloaded.

mod dead_ends;
mod order;

pub use dead_ends::cut_dead_ends;
pub use order::order_functions;
