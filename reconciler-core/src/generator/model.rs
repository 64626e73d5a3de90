//! The fields of a kustomization file, as Go's types have them.
//!
//! Flux reads the file into these types and writes them again: what they do not know is lost, scalars
//! become what the field wants, and empty values are left out.

use kustomize_core::closest;
use kustomize_core::yaml::{Entry, Map, Node, Pos, Seq, Tag, Value};

/// What a field holds.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Flag,
    Number,
    Texts,
    TextMap,
    Free,
    One(&'static [Field]),
    Many(&'static [Field]),
}

/// A field, and what is written where it is empty.
struct Field {
    name: &'static str,
    shape: Shape,
    empty: Empty,
}

/// What is written for an empty value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// Nothing.
    Omitted,
    /// The empty value itself.
    Written,
    /// Null, if the field is absent.
    Null,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, empty: Empty::Omitted }
}

const fn text(name: &'static str) -> Field {
    field(name, Shape::Text)
}

const fn flag(name: &'static str) -> Field {
    field(name, Shape::Flag)
}

const fn texts(name: &'static str) -> Field {
    field(name, Shape::Texts)
}

const fn pairs(name: &'static str) -> Field {
    field(name, Shape::TextMap)
}

const fn one(name: &'static str, fields: &'static [Field]) -> Field {
    field(name, Shape::One(fields))
}

const fn many(name: &'static str, fields: &'static [Field]) -> Field {
    field(name, Shape::Many(fields))
}

const fn written(field: Field) -> Field {
    Field { empty: Empty::Written, ..field }
}

const fn or_null(field: Field) -> Field {
    Field { empty: Empty::Null, ..field }
}

const KUSTOMIZATION: &[Field] = &[
    text("kind"),
    text("apiVersion"),
    one("metadata", &[text("name"), text("namespace"), pairs("labels"), pairs("annotations")]),
    pairs("openapi"),
    text("namePrefix"),
    text("nameSuffix"),
    text("namespace"),
    pairs("commonLabels"),
    many("labels", LABEL),
    pairs("commonAnnotations"),
    texts("patchesStrategicMerge"),
    many("patchesJson6902", PATCH),
    many("patches", PATCH),
    many("images", IMAGE),
    many("imageTags", IMAGE),
    many("replacements", REPLACEMENT),
    many("replicas", &[text("name"), written(field("count", Shape::Number))]),
    many("vars", VAR),
    one("sortOptions", &[text("order"), one("legacySortOptions", LEGACY_ORDER)]),
    texts("resources"),
    texts("components"),
    texts("crds"),
    texts("bases"),
    many("configMapGenerator", GENERATOR),
    many("secretGenerator", SECRET_GENERATOR),
    one("helmGlobals", &[text("chartHome"), text("configHome")]),
    many("helmCharts", HELM_CHART),
    many("helmChartInflationGenerator", OLD_HELM_CHART),
    one("generatorOptions", GENERATOR_OPTIONS),
    texts("configurations"),
    texts("generators"),
    texts("transformers"),
    texts("validators"),
    texts("buildMetadata"),
];

const LABEL: &[Field] =
    &[pairs("pairs"), flag("includeSelectors"), flag("includeTemplates"), many("fields", FIELD_SPEC)];

const FIELD_SPEC: &[Field] = &[text("group"), text("version"), text("kind"), text("path"), flag("create")];

const PATCH: &[Field] = &[
    text("path"),
    text("patch"),
    one("target", SELECTOR),
    one("options", &[flag("allowNameChange"), flag("allowKindChange")]),
];

const SELECTOR: &[Field] = &[
    text("group"),
    text("version"),
    text("kind"),
    text("name"),
    text("namespace"),
    text("annotationSelector"),
    text("labelSelector"),
];

const IMAGE: &[Field] = &[text("name"), text("newName"), text("tagSuffix"), text("newTag"), text("digest")];

const REPLACEMENT: &[Field] = &[
    one(
        "source",
        &[
            text("group"),
            text("version"),
            text("kind"),
            text("name"),
            text("namespace"),
            text("fieldPath"),
            one("options", FIELD_OPTIONS),
        ],
    ),
    many(
        "targets",
        &[
            or_null(one("select", SELECTOR)),
            many("reject", SELECTOR),
            texts("fieldPaths"),
            one("options", FIELD_OPTIONS),
        ],
    ),
    // A value that was given is written, even if it is empty.
    Field { name: "sourceValue", shape: Shape::Text, empty: Empty::Written },
    text("path"),
];

const FIELD_OPTIONS: &[Field] =
    &[text("delimiter"), field("index", Shape::Number), text("encoding"), flag("create")];

const VAR: &[Field] = &[
    written(text("name")),
    written(one(
        "objref",
        &[
            text("apiVersion"),
            text("group"),
            text("version"),
            text("kind"),
            written(text("name")),
            text("namespace"),
        ],
    )),
    written(one("fieldref", &[text("fieldPath")])),
];

const LEGACY_ORDER: &[Field] = &[or_null(texts("orderFirst")), or_null(texts("orderLast"))];

const GENERATOR: &[Field] = &[
    text("namespace"),
    text("name"),
    text("behavior"),
    texts("literals"),
    texts("files"),
    texts("envs"),
    text("env"),
    one("options", GENERATOR_OPTIONS),
];

const SECRET_GENERATOR: &[Field] = &[
    text("namespace"),
    text("name"),
    text("behavior"),
    texts("literals"),
    texts("files"),
    texts("envs"),
    text("env"),
    one("options", GENERATOR_OPTIONS),
    text("type"),
];

const GENERATOR_OPTIONS: &[Field] =
    &[pairs("labels"), pairs("annotations"), flag("disableNameSuffixHash"), flag("immutable")];

const HELM_CHART: &[Field] = &[
    text("name"),
    text("version"),
    text("repo"),
    text("releaseName"),
    text("namespace"),
    texts("additionalValuesFiles"),
    text("valuesFile"),
    field("valuesInline", Shape::Free),
    text("valuesMerge"),
    flag("includeCRDs"),
    flag("skipHooks"),
    texts("apiVersions"),
    text("kubeVersion"),
    text("nameTemplate"),
    flag("skipTests"),
    flag("debug"),
    flag("devel"),
];

const OLD_HELM_CHART: &[Field] = &[
    text("chartName"),
    text("chartVersion"),
    text("chartRepoUrl"),
    text("chartHome"),
    text("chartRepoName"),
    text("helmBin"),
    text("helmHome"),
    text("values"),
    field("valuesLocal", Shape::Free),
    text("valuesMerge"),
    text("releaseName"),
    text("releaseNamespace"),
    texts("extraArgs"),
];

/// The content of a kustomization file, with the fields that Go's types have.
///
/// # Errors
/// A value of the wrong type.
pub(super) fn read(file: &Node) -> Result<Map, String> {
    project(file, KUSTOMIZATION, "Kustomization")
}

/// The fields of a kustomization file that Go's types do not have, which are lost: where each stands, and
/// what is said of it.
pub(super) fn unknown(file: &Node) -> Vec<(Pos, String)> {
    let mut found = Vec::new();
    look_for_unknown(file, KUSTOMIZATION, "", &mut found);
    found
}

fn look_for_unknown(node: &Node, fields: &[Field], path: &str, found: &mut Vec<(Pos, String)>) {
    let Some(map) = node.as_map() else { return };
    for entry in map {
        let name = entry.key.as_str();
        let Some(field) = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) else {
            let mut text = format!("unknown field `{name}`");
            if !path.is_empty() {
                text.push_str(&format!(" in `{path}`"));
            }
            text.push_str(" is ignored");
            if let Some(closest) = closest(name, fields.iter().map(|field| field.name)) {
                text.push_str(&format!("; did you mean `{closest}`?"));
            }
            found.push((entry.key.pos, text));
            continue;
        };
        let below = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        match field.shape {
            Shape::One(fields) => look_for_unknown(&entry.value, fields, &below, found),
            Shape::Many(fields) => {
                for (index, item) in entry.value.as_seq().into_iter().flat_map(|seq| seq.iter()).enumerate() {
                    look_for_unknown(item, fields, &format!("{below}[{index}]"), found);
                }
            }
            _ => {}
        }
    }
}

fn project(node: &Node, fields: &[Field], path: &str) -> Result<Map, String> {
    let map = match &node.value {
        Value::Map(map) => map,
        _ if node.is_null() => &Map::new(),
        _ => return Err(wrong(path, "a map")),
    };
    let mut out = Map::new();
    for field in fields {
        let is_it = |entry: &&Entry| entry.key.as_str().eq_ignore_ascii_case(field.name);
        let given = map.as_slice().iter().rev().find(is_it).map(|entry| &entry.value);
        let given = given.filter(|value| !value.is_null());
        let path = format!("{path}.{}", field.name);
        let value = match given {
            Some(value) => convert(value, field.shape, &path)?,
            None if field.empty == Empty::Null => Some(Node::null()),
            None => None,
        };
        let value = match (value, field.empty) {
            (Some(value), _) => value,
            (None, Empty::Omitted) => continue,
            (None, Empty::Null) => Node::seq(Seq::new()),
            (None, Empty::Written) => match (field.shape, given) {
                (Shape::One(fields), _) => Node::map(project(&Node::null(), fields, &path)?),
                (Shape::Number, _) => Node::untyped("0"),
                // Only a value that was given is a text that stands apart from none.
                (Shape::Text, None) if field.name == "sourceValue" => continue,
                _ => Node::string(""),
            },
        };
        out.insert(field.name, value);
    }
    Ok(out)
}

/// The value in the form of its field; nothing for an empty one.
fn convert(value: &Node, shape: Shape, path: &str) -> Result<Option<Node>, String> {
    Ok(match shape {
        Shape::Text => {
            let text = as_text(value).ok_or_else(|| wrong(path, "a string"))?;
            (!text.is_empty()).then(|| Node::string(text))
        }
        Shape::Flag => match tag(value) {
            Some(Tag::Bool) => (value.text() == "true").then(|| value.clone()),
            _ => return Err(wrong(path, "true or false")),
        },
        Shape::Number => match tag(value) {
            Some(Tag::Int) => (value.text() != "0").then(|| value.clone()),
            _ => return Err(wrong(path, "a whole number")),
        },
        Shape::Texts => {
            let items = value.as_seq().ok_or_else(|| wrong(path, "a list"))?;
            let texts: Option<Vec<Node>> = items
                .iter()
                .map(|item| if item.is_null() { Some("") } else { as_text(item) })
                .map(|text| text.map(Node::string))
                .collect();
            let texts = texts.ok_or_else(|| wrong(path, "a list of strings"))?;
            (!texts.is_empty()).then(|| Node::seq(Seq::from_items(texts)))
        }
        Shape::TextMap => {
            let given = value.as_map().ok_or_else(|| wrong(path, "a map"))?;
            let mut map = Map::new();
            for entry in given {
                let text = if entry.value.is_null() { Some("") } else { as_text(&entry.value) };
                let text = text.ok_or_else(|| wrong(path, "a map of strings"))?;
                map.insert(entry.key.as_str(), Node::string(text));
            }
            (!map.is_empty()).then(|| Node::map(map))
        }
        Shape::Free => {
            let map = value.as_map().ok_or_else(|| wrong(path, "a map"))?;
            (!map.is_empty()).then(|| value.clone())
        }
        Shape::One(fields) => Some(Node::map(project(value, fields, path)?)),
        Shape::Many(fields) => {
            let items = value.as_seq().ok_or_else(|| wrong(path, "a list"))?;
            let items: Result<Vec<Node>, String> =
                items.iter().map(|item| project(item, fields, path).map(Node::map)).collect();
            let items = items?;
            (!items.is_empty()).then(|| Node::seq(Seq::from_items(items)))
        }
    })
}

fn tag(node: &Node) -> Option<Tag> {
    node.as_scalar().map(|scalar| scalar.tag())
}

/// The text of any scalar: numbers and booleans are taken for strings.
fn as_text(node: &Node) -> Option<&str> {
    node.as_scalar().map(|scalar| scalar.text())
}

fn wrong(path: &str, wanted: &str) -> String {
    format!("error unmarshaling JSON: {path} has to be {wanted}")
}

#[cfg(test)]
mod tests {
    use kustomize_core::yaml::{self, SourceText, Sources};

    use super::*;

    #[test]
    fn fields_that_do_not_exist_are_named() -> Result<(), Box<dyn std::error::Error>> {
        let text = "Resources: [a.yaml]\nimages:\n- name: nginx\n  newTga: 1.2.3\n- {name: web, newtag: '1'}\nnamespce: x\nhelmCharts:\n- valuesInline: {any: {thing: 1}}\nreplacements:\n- source: {kindd: A}\nsurely: {nothing: close}\n";
        let sources = Sources::default();
        let id = sources.add("file", SourceText::from(text.to_owned()), None);
        let node = yaml::read_config(text, id)?.unwrap_or_else(Node::null);
        let found: Vec<(usize, String)> = unknown(&node)
            .into_iter()
            .map(|(pos, text)| (sources.location(pos).map_or(0, |place| place.line), text))
            .collect();
        let expected = [
            (4, "unknown field `newTga` in `images[0]` is ignored; did you mean `newTag`?"),
            (6, "unknown field `namespce` is ignored; did you mean `namespace`?"),
            (10, "unknown field `kindd` in `replacements[0].source` is ignored; did you mean `kind`?"),
            (11, "unknown field `surely` is ignored"),
        ];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        Ok(())
    }
}
