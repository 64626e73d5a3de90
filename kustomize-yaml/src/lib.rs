//! YAML as [kustomize](https://kustomize.io) reads and prints it: a tree whose nodes know their position, a reader, a
//! printer, and a decoder for configuration files.
//!
//! kustomize reads resources with go-yaml v3 and configuration with go-yaml v2 through JSON, and prints with go-yaml v3.
//! This crate does the same: it accepts what they accept, and prints the same bytes. It knows nothing of Kubernetes,
//! and does no I/O.
//!
//! ```
//! use kustomize_yaml::{Node, Sources, print, read};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sources = Sources::default();
//! let text = "kind: ConfigMap\ndata: {on: \"yes\"}\n";
//! let file = sources.add("config.yaml", text.into(), None);
//! let document: Node = read(text, file)?.remove(0);
//! let mut printed = String::new();
//! print(&document, &mut printed)?;
//! assert_eq!(printed, "data:\n  \"on\": \"yes\"\nkind: ConfigMap\n");
//!
//! let data = document.get("data").ok_or("no data")?;
//! let location = sources.location(data.pos).ok_or("no position")?;
//! assert_eq!((location.line, location.column), (2, 7));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod base64;
pub mod chars;
mod collections;
pub mod decode;
pub mod float;
mod from_serde;
pub mod json;
#[cfg(feature = "json-schema")]
mod json_schema;
mod json_string;
mod node;
mod position;
mod print;
mod print_error;
mod read_back;
pub mod reader;
pub mod resolve;
mod scalar;
mod source_text;
pub mod through_json;
mod well_known;
pub mod yaml11;

pub use node::{Entry, Key, Map, Node, Seq, Value};
pub use position::{FileId, Location, Pos, Source, Sources};
pub use print::through_json as text_through_json;
pub use print::{Data, print};
pub use print_error::{MAX_DEPTH, PrintError, PrintProblem};
pub use read_back::{ReadBack, Role, binary_text, read_back};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use reader::read_the_long_way;
pub use reader::{Batch, Documents, Unread, read_documents, refuse_duplicates};
pub use reader::{ReadError, read, read_as_written, read_config, read_config_strict};
pub use scalar::{Scalar, Style, Tag};
pub use source_text::SourceText;

/// A name or another short text: cheap to clone, inline up to 23 bytes.
pub type Str = smol_str::SmolStr;
