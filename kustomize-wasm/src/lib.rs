//! kustomize-core for JavaScript, bound with wasm-bindgen.
//!
//! The functions here are what the npm package beside this crate exports; its JavaScript adds loading
//! the module and replacing an instance that trapped. There is no rendering logic here.
//!
//! Types and their documentation in the package's `.d.ts` are generated from the module `types`.

#![deny(missing_docs)]

mod arguments;
mod error;
mod types;

use js_sys::JSON;
use kustomize_core::{BuildError, BuildOptions, Session, build};
use kustomize_difference::{Difference, Snapshot};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::arguments::Files;

/// What a session may keep: a part of the memory that the module may have.
const SESSION_LIMIT: usize = 256 << 20;

/// Renders the kustomization in a directory.
///
/// @throws {KustomizeError} if it cannot be rendered
/// @throws {TypeError} if an argument is invalid
#[wasm_bindgen]
pub fn render(
    #[wasm_bindgen(unchecked_param_type = "Files")] files: JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] path: JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "RenderOptions")] options: JsValue,
) -> Result<JsRendered, JsValue> {
    let files = Files::read(&files)?;
    let path = arguments::path(&path)?;
    let options = arguments::options(&options)?;
    rendered(&files, build(&files.host, &path, &options)).map(JsRendered::from)
}

/// Renders several kustomizations, each on its own, in the order given. Files and bases that they
/// share are read and rendered once. One that fails is a `KustomizeError` in the result.
///
/// @throws {TypeError} if an argument is invalid
#[wasm_bindgen(js_name = renderMany, unchecked_return_type = "(Rendered | KustomizeError)[]")]
pub fn render_many(
    #[wasm_bindgen(unchecked_param_type = "Files")] files: JsValue,
    #[wasm_bindgen(unchecked_param_type = "readonly string[]")] paths: JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "RenderOptions")] options: JsValue,
) -> Result<Vec<JsValue>, JsValue> {
    let files = Files::read(&files)?;
    let paths = arguments::paths(&paths)?;
    let options = arguments::options(&options)?;
    let session = Session::new(files.host.clone(), options).with_memory_limit(SESSION_LIMIT);
    let outcomes = session.build_many(&paths).into_iter();
    Ok(outcomes.map(|outcome| rendered(&files, outcome).unwrap_or_else(|error| error)).collect())
}

/// Renders two kustomizations and compares them.
///
/// @throws {KustomizeError} if one of them cannot be rendered
/// @throws {TypeError} if an argument is invalid
#[wasm_bindgen]
pub fn diff(
    #[wasm_bindgen(unchecked_param_type = "Files")] files: JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] from: JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] to: JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "RenderOptions")] options: JsValue,
) -> Result<JsDifference, JsValue> {
    let files = Files::read(&files)?;
    let (from, to) = (arguments::path(&from)?, arguments::path(&to)?);
    let options = arguments::options(&options)?;
    let old = snapshot(&files, &from, &options)?;
    let new = snapshot(&files, &to, &options)?;
    to_js(&types::Difference::from(Difference::between(&old, &new))).map(JsDifference::from)
}

/// The size of this instance's memory in bytes. It never shrinks.
#[wasm_bindgen(js_name = memorySize)]
pub fn memory_size() -> usize {
    // The instruction exists on wasm32 only. The native build runs this crate's unit tests, which have no
    // module whose memory could grow.
    #[cfg(target_family = "wasm")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_family = "wasm"))]
    let pages = 0_usize;
    pages << 16
}

#[wasm_bindgen]
extern "C" {
    /// A `Rendered` as a plain JavaScript object.
    #[wasm_bindgen(typescript_type = "Rendered")]
    pub type JsRendered;

    /// A `Difference` as a plain JavaScript object.
    #[wasm_bindgen(typescript_type = "Difference")]
    pub type JsDifference;
}

fn rendered(
    files: &Files,
    outcome: Result<kustomize_core::Rendered, BuildError>,
) -> Result<JsValue, JsValue> {
    let failed = |error: BuildError| error::to_js(&error, &files.names);
    let rendered = outcome.map_err(failed)?;
    to_js(&types::Rendered::new(&rendered, &files.names).map_err(failed)?)
}

fn snapshot(files: &Files, path: &str, options: &BuildOptions) -> Result<Snapshot, JsValue> {
    build(&files.host, path, options)
        .and_then(|rendered| Snapshot::of(&rendered))
        .map_err(|error| error::to_js(&error, &files.names))
}

/// A value as plain JavaScript data. Going through JSON text takes two calls into JavaScript, however
/// large the value is.
fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let text = serde_json::to_string(value).map_err(JsError::from)?;
    JSON::parse(&text)
}
