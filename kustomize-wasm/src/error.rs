//! Errors as JavaScript throws them: `KustomizeError`, which the npm package defines.

use kustomize_core::host::HostError;
use kustomize_core::{BuildError, ErrorKind};
use kustomize_diagnostic::{Diagnostic, Renderer, Style};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::arguments::Names;
use crate::types::{self, ErrorData, Note, Place};

#[wasm_bindgen(raw_module = "./error.js")]
extern "C" {
    type KustomizeError;

    #[wasm_bindgen(constructor)]
    fn new(data: &JsValue) -> KustomizeError;
}

/// A failed build as a `KustomizeError`.
pub(crate) fn to_js(error: &BuildError, names: &Names) -> JsValue {
    let hint = hint(error);
    let mut diagnostic = Diagnostic::from(error);
    if let Some(hint) = hint {
        diagnostic = diagnostic.with_help(hint);
    }
    let mut place = error.location().map(|place| Place::new(place, names)).unwrap_or_default();
    if let Some(file) = error.file() {
        place.file = Some(types::given_name(file, names));
    }
    throwable(&ErrorData {
        kind: error.kind().into(),
        message: error.message().to_owned(),
        place,
        resource: error.resource().map(str::to_owned),
        field: error.field_path().map(str::to_owned),
        hint: hint.map(str::to_owned),
        chain: error.chain().iter().map(|note| Note::new(note, names)).collect(),
        notes: error.notes().iter().map(|note| Note::new(note, names)).collect(),
        text: Renderer::new(Style::Plain).render(&diagnostic),
    })
}

/// The error for files that do not fit into memory.
pub(crate) fn too_large() -> JsValue {
    let message = "the files need more memory than the module may have";
    throwable(&ErrorData {
        kind: types::ErrorKind::TooLarge,
        message: message.to_owned(),
        place: Place::default(),
        resource: None,
        field: None,
        hint: None,
        chain: Vec::new(),
        notes: Vec::new(),
        text: format!("error: {message}\n"),
    })
}

fn throwable(data: &ErrorData) -> JsValue {
    crate::to_js(data).map_or_else(|error| error, |data| KustomizeError::new(&data).into())
}

/// What to do about it. Where a program or the network is missing, the usual hint names an option of
/// the command, which does not help here.
fn hint(error: &BuildError) -> Option<&str> {
    match error.kind() {
        ErrorKind::NotAllowed | ErrorKind::Remote | ErrorKind::Host(HostError::Refused { .. }) => {
            Some("programs and the network cannot be reached from WebAssembly: render this with the command")
        }
        _ => error.help(),
    }
}
