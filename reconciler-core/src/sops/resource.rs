//! Decrypting rendered resources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kustomize_core::yaml::Node;

use super::format::{from_node, to_node};
use super::value::Value;
use super::{Format, Integrity, Keys, SopsError, decrypt, metadata, tree};
use crate::object;

/// The annotation that keeps a resource as it is.
const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// Decrypts a resource, or the entries of a Secret that are encrypted documents. Nothing if there is nothing
/// to do, or the resource says that it wants to stay as it is.
///
/// What a resource holds besides may have changed since it was encrypted, so that its MAC says nothing here.
///
/// # Errors
/// A document that none of the keys fits, or that was changed.
pub fn decrypt_resource(
    resource: &Node,
    keys: &Keys,
    integrity: Integrity,
) -> Result<Option<Node>, SopsError> {
    let text = |path: &[&str]| resource.at(path).map_or("", Node::text);
    if is_disabled(resource) {
        return Ok(None);
    }
    let name = format!("{}/{}", text(&["metadata", "namespace"]), text(&["metadata", "name"]));
    let failed = |part: String| {
        let name = name.clone();
        move |source| SopsError::Resource { name, part, source: Box::new(source) }
    };
    if is_encrypted(resource) {
        return decrypt_whole(resource, keys).map(Some).map_err(failed(format!("{} data", text(&["kind"]))));
    }
    if text(&["kind"]) != "Secret" {
        return Ok(None);
    }
    let mut changed = resource.clone();
    let Some(data) = changed.get_mut("data").and_then(Node::as_map_mut) else { return Ok(None) };
    let mut is_changed = false;
    for entry in data.iter_mut() {
        let Ok(bytes) = BASE64.decode(entry.value.text()) else { continue };
        let Some(input) = Format::detect(&bytes) else { continue };
        let key = entry.key.as_str();
        let plain = decrypt(&bytes, input, Format::of_path(key), keys, integrity)
            .map_err(failed(format!("Secret field '{key}'")))?;
        entry.value = Node::string(BASE64.encode(plain));
        is_changed = true;
    }
    Ok(is_changed.then_some(changed))
}

/// Whether a resource wants to stay as it is.
pub(super) fn is_disabled(resource: &Node) -> bool {
    let value = resource.at(&["metadata", "annotations", DECRYPT]).map_or("", Node::text);
    value.eq_ignore_ascii_case("disabled")
}

/// Whether a resource is encrypted as a whole.
fn is_encrypted(resource: &Node) -> bool {
    resource.at(&["sops", "mac"]).is_some_and(|mac| !mac.is_nil_or_empty())
}

fn decrypt_whole(resource: &Node, keys: &Keys) -> Result<Node, SopsError> {
    let load = |message: String| SopsError::Load { format: Format::Json, message };
    let Value::Map(document) = from_node(resource) else { return Err(load("not a map".to_owned())) };
    let mut documents = [document];
    let metadata = metadata::take(&mut documents, Format::Json).map_err(load)?;
    let key = metadata.data_key(keys)?;
    tree::decrypt(&mut documents, &metadata, &key).map_err(SopsError::Value)?;
    let [document] = documents;
    Ok(to_node(&Value::Map(document)))
}

/// Whether an object is a Secret that is still encrypted and does not say that it wants to be: it must not
/// be applied.
#[must_use]
pub fn is_encrypted_secret(value: &serde_json::Value) -> bool {
    object::kind(value) == "Secret"
        && object::api_version(value) == "v1"
        && value.get("sops").is_some()
        && !object::annotation(value, DECRYPT).is_some_and(|text| text.eq_ignore_ascii_case("disabled"))
}
