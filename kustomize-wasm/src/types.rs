//! The types of the package, in Rust. `tsify` writes them as TypeScript, with these comments, into
//! the package's `.d.ts`.

use kustomize_core::yaml::Data;
use kustomize_core::{BuildError, BuildOptions, LoadRestrictor, OptionNames, Reorder, yaml};
use kustomize_diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use tsify::Tsify;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::arguments::Names;

/// Types that only TypeScript can express.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type { KustomizeError } from './error.js';

/** Files by path. Paths are separated by `/`; a directory exists if a file is below it. */
export type Files = Readonly<Record<string, FileContent>> | ReadonlyMap<string, FileContent>;

/** The content of a file: text, or bytes as they are on disk. */
export type FileContent = string | Uint8Array;

/** A resource as an object. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** The metadata of a resource. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}
"#;

/// Options of a rendering: those of the command that need neither programs nor the network.
#[derive(Default, Deserialize, Tsify)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RenderOptions {
    /// Which files a kustomization may load: those below its own directory (the default), or any.
    #[tsify(optional, type = "'rootOnly' | 'none'")]
    load_restrictor: Restrictor,
    /// The order of the output, unless the kustomization sets `sortOptions`.
    #[tsify(optional, type = "'legacy' | 'none'")]
    reorder: Option<Order>,
    /// Adds the label `app.kubernetes.io/managed-by` to every resource.
    #[tsify(optional)]
    add_managed_by_label: bool,
    /// Accepts generators, transformers and validators that are not built in.
    #[tsify(optional)]
    enable_plugins: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Restrictor {
    #[default]
    RootOnly,
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Order {
    Legacy,
    None,
}

/// How messages name the options; those that the package lacks, as the flags of the command.
const OPTION_NAMES: OptionNames = OptionNames {
    enable_exec: "--enable-exec",
    enable_helm: "--enable-helm",
    enable_plugins: "enablePlugins: true",
    enable_remote: "`BuildOptions::enable_remote`",
    helm_command: "--helm-command",
    load_restrictor: "loadRestrictor: 'none'",
    network: "--network",
};

impl From<RenderOptions> for BuildOptions {
    fn from(options: RenderOptions) -> Self {
        BuildOptions {
            load_restrictor: match options.load_restrictor {
                Restrictor::RootOnly => LoadRestrictor::RootOnly,
                Restrictor::None => LoadRestrictor::None,
            },
            reorder: match options.reorder {
                Some(Order::Legacy) => Reorder::Legacy,
                Some(Order::None) => Reorder::None,
                None => Reorder::Unspecified,
            },
            add_managed_by_label: options.add_managed_by_label,
            enable_plugins: options.enable_plugins,
            option_names: OPTION_NAMES,
            ..BuildOptions::default()
        }
    }
}

/// The result of a rendering. Plain data: it can be posted to and from workers.
#[derive(Serialize, Tsify)]
pub(crate) struct Rendered<'a> {
    /// The output, byte for byte what kustomize prints.
    yaml: String,
    /// The same resources as objects, in the order of the output. Integers beyond 2^53 lose digits.
    #[tsify(type = "KubernetesObject[]")]
    resources: Vec<Data<'a>>,
    /// What was noticed without failing.
    warnings: Vec<Warning>,
}

impl<'a> Rendered<'a> {
    /// Prints the resources and collects the warnings.
    ///
    /// # Errors
    /// A resource cannot be printed.
    pub(crate) fn new(rendered: &'a kustomize_core::Rendered, names: &Names) -> Result<Self, BuildError> {
        Ok(Rendered {
            yaml: rendered.yaml()?,
            resources: rendered.resources().iter().map(|resource| resource.data()).collect(),
            warnings: rendered.warnings().iter().map(|warning| Warning::new(warning, names)).collect(),
        })
    }
}

/// Where something is.
#[derive(Default, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    /// The file, by the name it was given under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub(crate) file: Option<String>,
    /// Line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    line: Option<usize>,
    /// Column in characters, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    column: Option<usize>,
    /// The line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    line_text: Option<String>,
}

impl Place {
    pub(crate) fn new(place: &yaml::Location, names: &Names) -> Self {
        Place {
            file: Some(given_name(&place.file, names)),
            line: Some(place.line),
            column: Some(place.column),
            line_text: Some(place.text.clone()),
        }
    }
}

/// A file by the name that the caller gave it.
pub(crate) fn given_name(file: &str, names: &Names) -> String {
    names.get(file.trim_start_matches('/')).map_or_else(|| file.to_owned(), String::clone)
}

/// A remark about a place: a step on the way to an error, or another place that it is about.
#[derive(Serialize, Tsify)]
pub(crate) struct Note {
    message: String,
    #[serde(flatten)]
    place: Place,
}

impl Note {
    pub(crate) fn new(note: &kustomize_core::Note, names: &Names) -> Self {
        Note { message: note.message.clone(), place: place(note.location.as_ref(), names) }
    }
}

/// Something noticed without failing: a deprecated field, a patch that matched nothing.
#[derive(Serialize, Tsify)]
pub(crate) struct Warning {
    message: String,
    #[serde(flatten)]
    place: Place,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    hint: Option<String>,
}

impl Warning {
    fn new(warning: &kustomize_core::Warning, names: &Names) -> Self {
        Warning {
            message: Diagnostic::from(warning).message().to_owned(),
            place: place(warning.location.as_ref(), names),
            hint: warning.help.clone(),
        }
    }
}

fn place(place: Option<&yaml::Location>, names: &Names) -> Place {
    place.map(|place| Place::new(place, names)).unwrap_or_default()
}

/// The kind of an error.
#[derive(Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ErrorKind {
    Syntax,
    Kustomization,
    Host,
    Restriction,
    Resource,
    Conflict,
    Generator,
    Patch,
    Transformer,
    Replacement,
    Var,
    Reference,
    Schema,
    Validator,
    Function,
    Remote,
    NotAllowed,
    /// The input needs more memory than the module may have.
    TooLarge,
    /// A mistake in this library. The next call works as usual.
    Internal,
}

impl From<&kustomize_core::ErrorKind> for ErrorKind {
    fn from(kind: &kustomize_core::ErrorKind) -> Self {
        use kustomize_core::ErrorKind as Core;
        match kind {
            Core::Syntax => ErrorKind::Syntax,
            Core::Kustomization => ErrorKind::Kustomization,
            Core::Host(_) => ErrorKind::Host,
            Core::Restriction => ErrorKind::Restriction,
            Core::Resource => ErrorKind::Resource,
            Core::Conflict => ErrorKind::Conflict,
            Core::Generator => ErrorKind::Generator,
            Core::Patch => ErrorKind::Patch,
            Core::Transformer => ErrorKind::Transformer,
            Core::Replacement => ErrorKind::Replacement,
            Core::Var => ErrorKind::Var,
            Core::Reference => ErrorKind::Reference,
            Core::Schema => ErrorKind::Schema,
            Core::Validator => ErrorKind::Validator,
            Core::Function => ErrorKind::Function,
            Core::Remote => ErrorKind::Remote,
            Core::NotAllowed => ErrorKind::NotAllowed,
            // Golden files, which are not tested here.
            _ => ErrorKind::Internal,
        }
    }
}

/// Everything an error knows, as plain data.
#[derive(Serialize, Tsify)]
pub(crate) struct ErrorData {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    #[serde(flatten)]
    pub(crate) place: Place,
    /// The resource it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub(crate) resource: Option<String>,
    /// The field it is about, as a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub(crate) field: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub(crate) hint: Option<String>,
    /// The overlays that led there, innermost first.
    pub(crate) chain: Vec<Note>,
    /// Other places it is about.
    pub(crate) notes: Vec<Note>,
    /// All of it for people, with the line marked, as the command shows it.
    pub(crate) text: String,
}

/// What differs between two renderings, by resource and field.
#[derive(Serialize, Tsify)]
pub(crate) struct Difference {
    /// Resources that are not the same: those of the new side in its order, then those that are gone.
    resources: Vec<ResourceChange>,
    /// Whether resources that are on both sides are in another order.
    reordered: bool,
    /// The same for people.
    text: String,
}

impl From<kustomize_difference::Difference> for Difference {
    fn from(difference: kustomize_difference::Difference) -> Self {
        let text = difference.to_string();
        let resources = difference.resources.into_iter().filter_map(ResourceChange::new).collect();
        Difference { resources, reordered: difference.reordered, text }
    }
}

/// A resource that is not the same on both sides.
#[derive(Serialize, Tsify)]
#[serde(tag = "change", rename_all = "lowercase")]
pub(crate) enum ResourceChange {
    /// It is new.
    Added {
        resource: ResourceName,
        #[tsify(type = "unknown")]
        value: kustomize_difference::Value,
    },
    /// It is gone.
    Removed {
        resource: ResourceName,
        #[tsify(type = "unknown")]
        value: kustomize_difference::Value,
    },
    /// It is on both sides. `was` is its former name, if that was another one.
    Changed {
        resource: ResourceName,
        #[tsify(type = "ResourceName | null")]
        was: Option<ResourceName>,
        fields: Vec<FieldChange>,
    },
}

impl ResourceChange {
    /// None for a change that a later version of the library adds.
    fn new(change: kustomize_difference::ResourceChange) -> Option<Self> {
        let resource = change.resource.into();
        match change.change {
            kustomize_difference::Change::Added { value } => Some(ResourceChange::Added { resource, value }),
            kustomize_difference::Change::Removed { value } => {
                Some(ResourceChange::Removed { resource, value })
            }
            kustomize_difference::Change::Changed { was, fields } => Some(ResourceChange::Changed {
                resource,
                was: was.map(ResourceName::from),
                fields: fields.into_iter().map(FieldChange::from).collect(),
            }),
            _ => None,
        }
    }
}

/// Identifies a resource.
#[derive(Serialize, Tsify)]
pub(crate) struct ResourceName {
    /// API group, empty for the core group.
    group: String,
    kind: String,
    #[tsify(type = "string | null")]
    namespace: Option<String>,
    name: String,
}

impl From<kustomize_difference::ResourceName> for ResourceName {
    fn from(name: kustomize_difference::ResourceName) -> Self {
        ResourceName { group: name.group, kind: name.kind, namespace: name.namespace, name: name.name }
    }
}

/// A field that is not the same on both sides; `null` where there is no such field.
#[derive(Serialize, Tsify)]
pub(crate) struct FieldChange {
    /// As in `spec.template.spec.containers[name=main].image`.
    #[tsify(type = "string")]
    path: kustomize_difference::FieldPath,
    #[tsify(type = "unknown")]
    old: Option<kustomize_difference::Value>,
    #[tsify(type = "unknown")]
    new: Option<kustomize_difference::Value>,
}

impl From<kustomize_difference::FieldChange> for FieldChange {
    fn from(change: kustomize_difference::FieldChange) -> Self {
        FieldChange { path: change.path, old: change.old, new: change.new }
    }
}
