//! What a Flux Kustomization changes in a kustomization file.

use kustomize_core::yaml::{Map, Node, Seq};
use reconciler_api::kustomization::{Image, KustomizationSpec, Patch, Selector};
use serde_json::Value;

use super::GenerateError;

/// Puts the overrides of a Kustomization into a kustomization file. `exists` says whether there is
/// something at a path, as seen from the directory.
///
/// # Errors
/// A component that is not in the source.
pub(super) fn apply(
    file: &mut Map,
    spec: &KustomizationSpec,
    exists: impl Fn(&str) -> bool,
) -> Result<(), GenerateError> {
    for (field, value) in [
        ("namespace", &spec.target_namespace),
        ("namePrefix", &spec.name_prefix),
        ("nameSuffix", &spec.name_suffix),
    ] {
        if let Some(value) = value {
            set_text(file, field, value);
        }
    }
    append(file, "patches", spec.patches.iter().map(patch));
    let mut components = Vec::new();
    for component in &spec.components {
        if !is_local(component) {
            return Err(GenerateError::RemoteComponent(component.clone()));
        }
        if exists(component) || !spec.ignore_missing_components {
            components.push(Node::string(component));
        }
    }
    append(file, "components", components);
    for image in &spec.images {
        set_image(file, image);
    }
    if !spec.build_metadata.is_empty() {
        let items = spec.build_metadata.iter().map(Node::string).collect();
        file.insert("buildMetadata", Node::seq(Seq::from_items(items)));
    }
    Ok(())
}

/// Puts the patches of a spec into a kustomization file that only versions before `v1` have.
///
/// # Errors
/// A patch of another form.
pub(super) fn apply_older(file: &mut Map, spec: &Value) -> Result<(), GenerateError> {
    let list = |field: &str| spec.get(field).and_then(Value::as_array).into_iter().flatten();
    append(file, "patchesStrategicMerge", list("patchesStrategicMerge").map(|it| Node::string(as_json(it))));
    let mut patches = Vec::new();
    for written in list("patchesJson6902") {
        let target = written.get("target").cloned().unwrap_or_default();
        let target: Option<Selector> = serde_json::from_value(target)
            .map_err(|failure| GenerateError::Type(format!("unable to get patchesJson6902: {failure}")))?;
        let mut map = Map::new();
        map.insert("patch", Node::string(operations(written.get("patch"))));
        map.insert("target", Node::map(selector(&target.unwrap_or_default())));
        patches.push(Node::map(map));
    }
    append(file, "patchesJson6902", patches);
    Ok(())
}

/// A list of operations as JSON, their fields in the order of Flux.
fn operations(list: Option<&Value>) -> String {
    let Some(Value::Array(list)) = list else { return "null".to_owned() };
    let texts = list.iter().map(|operation| {
        let fields = ["op", "path", "from", "value"].into_iter().filter_map(|field| {
            let value = match (field, operation.get(field)) {
                ("op" | "path", None) => return Some(format!("\"{field}\":\"\"")),
                (_, value) => value?,
            };
            Some(format!("\"{field}\":{}", as_json(value)))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    format!("[{}]", texts.collect::<Vec<_>>().join(","))
}

/// A value as JSON with its keys sorted, and no characters that mean something in HTML.
fn as_json(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let mut text = sorted.to_string();
    for (character, escape) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] {
        text = text.replace(character, escape);
    }
    text
}

/// Sets a text; an empty one takes the field away.
fn set_text(map: &mut Map, field: &str, text: &str) {
    if text.is_empty() {
        map.remove(field);
    } else {
        map.insert(field, Node::string(text));
    }
}

fn append(file: &mut Map, field: &str, items: impl IntoIterator<Item = Node>) {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return;
    }
    if let Some(list) = file.get_or_insert_with(field, || Node::seq(Seq::new())).as_seq_mut() {
        items.for_each(|item| list.push(item));
    }
}

fn patch(patch: &Patch) -> Node {
    let mut map = Map::new();
    set_text(&mut map, "patch", &patch.patch);
    if let Some(target) = &patch.target {
        map.insert("target", Node::map(selector(target)));
    }
    Node::map(map)
}

fn selector(selector: &Selector) -> Map {
    let mut map = Map::new();
    for (field, value) in [
        ("group", &selector.group),
        ("version", &selector.version),
        ("kind", &selector.kind),
        ("name", &selector.name),
        ("namespace", &selector.namespace),
        ("labelSelector", &selector.label_selector),
        ("annotationSelector", &selector.annotation_selector),
    ] {
        set_text(&mut map, field, value.as_deref().unwrap_or_default());
    }
    map
}

/// Changes the first image of the same name, or adds one. Tag and digest are one thing: a new one of either
/// takes the other away.
fn set_image(file: &mut Map, image: &Image) {
    let Some(images) = file.get_or_insert_with("images", || Node::seq(Seq::new())).as_seq_mut() else {
        return;
    };
    let name = |node: &Node| node.get("name").map_or("", Node::text) == image.name;
    if !images.iter().any(name) {
        let mut map = Map::new();
        set_text(&mut map, "name", &image.name);
        images.push(Node::map(map));
    }
    let Some(map) = images.iter_mut().find(|node| name(node)).and_then(Node::as_map_mut) else { return };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (new_name, tag, digest) = (text(&image.new_name), text(&image.new_tag), text(&image.digest));
    if !new_name.is_empty() {
        set_text(map, "newName", &new_name);
    }
    if !tag.is_empty() || !digest.is_empty() {
        set_text(map, "newTag", &tag);
        set_text(map, "digest", &digest);
    }
}

/// Whether a path is neither a URL nor absolute.
fn is_local(path: &str) -> bool {
    const REMOTE: &[&str] =
        &["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    let lower = path.to_ascii_lowercase();
    let is_remote = REMOTE.iter().any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix));
    !is_remote && !path.starts_with('/') && !lower.trim_start_matches("file://").starts_with('/')
}
