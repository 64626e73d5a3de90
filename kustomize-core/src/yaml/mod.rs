//! YAML as kustomize sees it: nodes that know where they came from, a reader, a printer.
//!
//! This module knows nothing of Kubernetes.

pub(crate) mod base64;
pub(crate) mod chars;
mod collection;
pub mod decode;
pub(crate) mod float;
mod from_serde;
pub(crate) mod json;
mod node;
mod position;
mod print;
mod read_back;
pub mod reader;
pub mod resolve;
mod scalar;
mod source_text;
pub(crate) mod through_json;
mod well_known;

pub use collection::{Map, Seq};
pub use node::{Entry, Key, Node, Value};
pub use position::{FileId, Place, Pos, Source, Sources};
pub(crate) use print::MAX_DEPTH;
pub(crate) use print::through_json as text_through_json;
pub use print::{Data, PrintError, PrintProblem, print};
pub(crate) use read_back::{ReadBack, Role, binary_text, read_back};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use reader::read_the_long_way;
pub(crate) use reader::{Documents, read_all_documents, read_documents, refuse_duplicates};
pub use reader::{ReadError, read, read_config, read_config_strict};
pub use scalar::{Scalar, Style, Tag};
pub use source_text::SourceText;

/// A name or another short text: cheap to clone, inline up to 23 bytes.
pub type Str = smol_str::SmolStr;
