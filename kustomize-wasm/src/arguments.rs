//! Arguments from JavaScript, checked. What is wrong with one is a `TypeError`.

use std::collections::{BTreeMap, HashSet};

use js_sys::{Array, ArrayBuffer, JSON, Map, Object, Promise, Reflect, Symbol, TypeError, Uint8Array};
use kustomize_core::BuildOptions;
use kustomize_core::host::MemoryHost;
use wasm_bindgen::{JsCast, JsValue};

use crate::error;
use crate::types::RenderOptions;

/// The names that files were given under, by their normalized path.
pub(crate) type Names = BTreeMap<String, String>;

/// The files of a call.
pub(crate) struct Files {
    pub(crate) host: MemoryHost,
    pub(crate) names: Names,
}

impl Files {
    /// Reads files from an object or a `Map`.
    ///
    /// # Errors
    /// A `TypeError`, or a `KustomizeError` if the files do not fit into memory.
    pub(crate) fn read(files: &JsValue) -> Result<Self, JsValue> {
        let mut read = Files { host: MemoryHost::new(), names: Names::new() };
        for entry in entries(files)?.iter() {
            let entry: Array = entry.unchecked_into();
            read.add(&entry.get(0), &entry.get(1))?;
        }
        check_directories(&read.names).map_err(type_error)?;
        Ok(read)
    }

    fn add(&mut self, name: &JsValue, content: &JsValue) -> Result<(), JsValue> {
        let Some(name) = name.as_string() else {
            return Err(type_error(format!("paths of files must be strings, not {}", type_of(name))));
        };
        let path = normalize(&name).map_err(type_error)?;
        if let Some(other) = self.names.get(&path) {
            return Err(type_error(format!("{other} and {name} are the same file")));
        }
        self.host.insert(&path, bytes(&name, content)?);
        self.names.insert(path, name);
        Ok(())
    }
}

/// Pairs of path and content. What is an object without entries of its own, such as a promise that
/// was not awaited, must not pass for no files at all.
fn entries(files: &JsValue) -> Result<Array, JsValue> {
    if let Some(map) = files.dyn_ref::<Map>() {
        return Ok(Array::from(map));
    }
    let found = if files.is_instance_of::<Promise>() {
        Some("a Promise: await it first".to_owned())
    } else if !files.is_object() || Array::is_array(files) || ArrayBuffer::is_view(files) {
        Some(type_of(files))
    } else if Reflect::get(files, &Symbol::iterator())?.is_function() {
        Some("an iterable".to_owned())
    } else {
        None
    };
    if let Some(found) = found {
        return Err(type_error(format!(
            "files must be an object or a Map of paths and contents, not {found}"
        )));
    }
    Ok(Object::entries(files.unchecked_ref()))
}

/// The content of a file. Memory for bytes is reserved first, so that too many are an error and not a
/// trap.
fn bytes(name: &str, content: &JsValue) -> Result<Vec<u8>, JsValue> {
    if let Some(text) = content.as_string() {
        return Ok(text.into_bytes());
    }
    let Some(array) = content.dyn_ref::<Uint8Array>() else {
        let found = type_of(content);
        return Err(type_error(format!("{name}: the content must be a string or a Uint8Array, not {found}")));
    };
    let length = array.length() as usize;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| error::too_large())?;
    bytes.resize(length, 0);
    array.copy_to(&mut bytes);
    Ok(bytes)
}

/// The path of a kustomization.
///
/// # Errors
/// A `TypeError` if it is not a string.
pub(crate) fn path(path: &JsValue) -> Result<String, JsValue> {
    path.as_string().ok_or_else(|| {
        type_error(format!("the path of a kustomization must be a string, not {}", type_of(path)))
    })
}

/// The paths of several kustomizations.
///
/// # Errors
/// A `TypeError` if they are not an array of strings.
pub(crate) fn paths(paths: &JsValue) -> Result<Vec<String>, JsValue> {
    match paths.dyn_ref::<Array>() {
        Some(paths) => paths.iter().map(|one| path(&one)).collect(),
        None => Err(type_error(format!("paths must be an array of strings, not {}", type_of(paths)))),
    }
}

/// The options of a call; `undefined` means the defaults, for all of them or for one.
///
/// # Errors
/// A `TypeError` if there is no such option, or it does not take this value.
pub(crate) fn options(options: &JsValue) -> Result<BuildOptions, JsValue> {
    if options.is_undefined() {
        return Ok(RenderOptions::default().into());
    }
    if !options.is_object() || Array::is_array(options) {
        return Err(type_error(format!("options must be an object, not {}", type_of(options))));
    }
    // There is no text of what `toJSON` makes undefined.
    let Some(text) = JsValue::from(JSON::stringify(options)?).as_string() else {
        return Err(type_error("options must be an object, not undefined".to_owned()));
    };
    let options: RenderOptions =
        serde_json::from_str(&text).map_err(|error| type_error(format!("invalid options: {error}")))?;
    Ok(options.into())
}

fn type_error(message: String) -> JsValue {
    TypeError::new(&message).into()
}

fn type_of(value: &JsValue) -> String {
    if value.is_null() {
        "null".to_owned()
    } else if Array::is_array(value) {
        "an array".to_owned()
    } else {
        value.js_typeof().as_string().unwrap_or_default()
    }
}

/// A path from the root, without `.` and `..`.
fn normalize(name: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err(format!("{name} leads out of the root")),
            ".." => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() || name.ends_with('/') {
        return Err(format!("{name:?} is not the path of a file"));
    }
    Ok(parts.join("/"))
}

/// Refuses a file that is a directory, too, because another file is below it.
fn check_directories(names: &Names) -> Result<(), String> {
    let mut seen = HashSet::new();
    for (path, name) in names {
        let mut rest = path.as_str();
        while let Some((directory, _)) = rest.rsplit_once('/') {
            if !seen.insert(directory) {
                break;
            }
            if let Some(file) = names.get(directory) {
                return Err(format!("{file} is a file, and {name} is below it"));
            }
            rest = directory;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized() {
        for (name, path) in
            [("a", "a"), ("/a", "a"), ("./a//b", "a/b"), ("a/../b", "b"), ("/x/./y/../z.yaml", "x/z.yaml")]
        {
            assert_eq!(normalize(name).as_deref(), Ok(path), "{name}");
        }
        for name in ["", "/", "a/", "..", "../a", "a/../../b", "."] {
            assert!(normalize(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_is_not_a_directory() {
        let names =
            |paths: &[&str]| paths.iter().map(|path| ((*path).to_owned(), (*path).to_owned())).collect();
        assert_eq!(check_directories(&names(&["a/b/c", "a/b/d", "a/c", "b"])), Ok(()));
        assert_eq!(
            check_directories(&names(&["x/a/b/c", "x/a", "x/b"])),
            Err("x/a is a file, and x/a/b/c is below it".to_owned())
        );
    }
}
