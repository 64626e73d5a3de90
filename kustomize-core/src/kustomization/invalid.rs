//! Errors about configuration that does not fit its type.

use super::file::{COMPONENT, KUSTOMIZATION};
use super::{
    ConfigMapArgs, GeneratorOptions, HelmChart, HelmGlobals, Image, Kustomization, Label, Patch, Replacement,
    SortOptions, parse,
};
use crate::error::{BuildError, ErrorKind};
use crate::suggest::closest;
use crate::yaml::decode::{DecodeError, Fields, PUT_IN_QUOTES};
use crate::yaml::resolve::{self, Dialect, Resolved};
use crate::yaml::{Map, Node, Pos, Sources, Value};

/// More names of fields than this are no help.
const MOST_NAMES: usize = 12;
/// The fields of a kustomization that are used most.
const COMMON: &str = "resources, components, patches, images, configMapGenerator, secretGenerator, labels, \
    namespace and replacements";

impl BuildError {
    /// The error about a value that does not fit, with the path of its field and, for an unknown
    /// field, the known ones.
    pub fn decode(kind: ErrorKind, error: DecodeError) -> Self {
        let parent = error.field_path();
        let DecodeError { message, pos, unknown_field, help, .. } = error;
        let Some((field, known)) = unknown_field else {
            let built = if parent.is_empty() {
                BuildError::new(kind, message)
            } else {
                BuildError::new(kind, format!("`{parent}`: {message}")).field(parent)
            };
            return match help {
                Some(help) => built.at(pos).with_help(help),
                None => built.at(pos),
            };
        };
        let (message, path) = if parent.is_empty() {
            (format!("unknown field `{field}`"), field.clone())
        } else {
            (format!("unknown field `{field}` in `{parent}`"), format!("{parent}.{field}"))
        };
        let help = help.unwrap_or_else(|| match closest(&field, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known == Kustomization::NAMES => format!("common fields are {COMMON}"),
            None if known.len() > MOST_NAMES => {
                let (first, rest) = known.split_at(MOST_NAMES);
                format!("the fields here are {} and {} more", first.join(", "), rest.len())
            }
            None => format!("the fields here are {}", known.join(", ")),
        });
        BuildError::new(kind, message).field(path).at(pos).with_help(help)
    }
}

/// The error about a kustomization file that is a list or a scalar.
pub(super) fn not_a_map(root: &Node) -> BuildError {
    let found = if matches!(root.value, Value::Seq(_)) { "a list" } else { "a single value" };
    let message = format!("a kustomization file must be a map of fields, but this is {found}");
    BuildError::new(ErrorKind::Kustomization, message)
        .at(root.pos)
        .with_help("begin with a field such as `resources:`")
}

/// The error about a kustomization file that does not fit [`Kustomization`]. A wrong kind is named
/// first: it explains the fields.
pub(super) fn refuse_file(mut error: DecodeError, map: &Map, sources: &Sources) -> BuildError {
    if let Some((field, _)) = &error.unknown_field {
        if error.path.is_empty()
            && let Some(kind) = map.get("kind").map(Node::text)
            && !matches!(kind, "" | KUSTOMIZATION | COMPONENT)
        {
            return parse::wrong_kind(kind, map);
        }
        error.help = cure(field, &error.path);
    } else if error.help.as_deref() == Some(PUT_IN_QUOTES)
        && let Some(word) = word_at(error.pos, sources)
    {
        let as_what = match resolve::value(&word, Dialect::V2) {
            Resolved::Bool(value) if word.parse() != Ok(value) => {
                format!("; without them, YAML 1.1 reads it as {value}")
            }
            _ => String::new(),
        };
        error.help = Some(format!("{PUT_IN_QUOTES}: \"{word}\"{as_what}"));
    }
    BuildError::decode(ErrorKind::Kustomization, error)
}

/// The word that starts at a position, as it is written there.
fn word_at(pos: Pos, sources: &Sources) -> Option<String> {
    let source = sources.get(pos.file()?)?;
    let rest = source.text.get(pos.offset() as usize..)?;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-._:".contains(letter);
    let (word, after) = rest.split_at(rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()));
    let ends = after.starts_with(|letter: char| letter.is_whitespace() || ",]}".contains(letter));
    (!word.is_empty() && (ends || after.is_empty())).then(|| word.to_owned())
}

/// What to do about a field that is known elsewhere, or to another version of kustomize.
fn cure(field: &str, path: &[String]) -> Option<String> {
    let parent = path.first().map(String::as_str);
    match (parent, field) {
        (Some("labels"), "includeVolumeClaimTemplates") => {
            return Some("kustomize v5.8.1 does not know it yet: name the path under `fields`".to_owned());
        }
        (Some("configMapGenerator" | "secretGenerator"), "commands" | "timeoutSeconds" | "shell")
        | (Some("generatorOptions"), "timeoutSeconds" | "shell") => {
            return Some("generators that run commands are gone since kustomize v2".to_owned());
        }
        (Some("configMapGenerator" | "secretGenerator"), "kvSources" | "keyValueSources" | "dataSources") => {
            return Some("use `literals`, `files` or `envs`".to_owned());
        }
        (Some("images"), "tag" | "version") => return Some("did you mean `newTag`?".to_owned()),
        (Some("images"), "image" | "repository" | "newRepository" | "newImage") => {
            return Some("did you mean `newName`? `name` is the image as the resources name it".to_owned());
        }
        (None, "inventory" | "prune") => return Some("kustomize has no such field since v4".to_owned()),
        (None, "patchesStrategic" | "patchesMerge") => return Some("use `patches`".to_owned()),
        _ => {}
    }
    let known = Kustomization::NAMES;
    if parent.is_some() {
        let root_field = known.iter().find(|name| name.eq_ignore_ascii_case(field))?;
        return Some(format!("`{root_field}` is a field of the kustomization itself: indent it less"));
    }
    if closest(field, known.iter().copied()).is_some() {
        return None;
    }
    let homes: Vec<_> = HOMES
        .into_iter()
        .filter(|(_, fields)| fields.contains(&field))
        .map(|(home, _)| format!("`{home}`"))
        .collect();
    (!homes.is_empty()).then(|| format!("it belongs under {}", homes.join(" or ")))
}

/// Fields that hold others, and which.
const HOMES: [(&str, &[&str]); 9] = [
    ("images", Image::NAMES),
    ("patches", Patch::NAMES),
    ("configMapGenerator", ConfigMapArgs::NAMES),
    ("generatorOptions", GeneratorOptions::NAMES),
    ("labels", Label::NAMES),
    ("replacements", Replacement::NAMES),
    ("helmCharts", HelmChart::NAMES),
    ("helmGlobals", HelmGlobals::NAMES),
    ("sortOptions", SortOptions::NAMES),
];
