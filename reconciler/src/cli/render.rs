//! Rendering Kustomizations from local directories, as their controller would from a source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kustomize_core::resource::Resource;
use kustomize_core::yaml::{self, Data, SourceText, Sources};
use kustomize_core::{Cancellation, Rendered};
use kustomize_host::OsHost;
use reconciler_api::annotation::{OWNER_NAME, OWNER_NAMESPACE};
use reconciler_api::kustomization::KustomizationSpec;
use reconciler_core::generator::{self, CommandOptions, OverlayHost};
use reconciler_core::object;
use reconciler_core::substitute::{self, Mode, Variables};
use serde_json::Value;

use super::cluster::Cluster;
use super::kinds::KUSTOMIZATION;
use super::policies::Object;
use super::test::shown;
use super::variables;
use super::{Failure, Result, term};

/// What stands for encrypted values.
const MASK: &str = "**SOPS**";

/// How Kustomizations are rendered.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Directory that the path of the Kustomization means
    #[arg(long, default_value = "")]
    pub(crate) path: String,
    /// File with the Kustomization; otherwise it is taken from the cluster
    #[arg(long, default_value = "")]
    pub(crate) kustomization_file: String,
    /// Files to leave out, in the format of .gitignore
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// Refuse variables that have neither a value nor a default
    #[arg(long)]
    strict_substitute: bool,
    /// Go on with the Kustomizations that are found
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Where sources are: KIND/NAMESPACE/NAME=PATH
    #[arg(long, value_delimiter = ',')]
    local_sources: Vec<String>,
    /// Accepted for compatibility: nothing is ever written to the directory
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    in_memory_build: Option<bool>,
}

impl Flags {
    /// Checks the paths.
    ///
    /// # Errors
    /// There is no such directory or file.
    pub(crate) fn check(&self) -> Result<PathBuf> {
        let directory = Path::new(&self.path);
        if self.path.is_empty() || !directory.is_dir() {
            return Err(Failure::usage(format!("invalid resource path \"{}\"", self.path)));
        }
        if !self.kustomization_file.is_empty() && !Path::new(&self.kustomization_file).is_file() {
            return Err(Failure::usage(format!(
                "invalid kustomization file \"{}\"",
                self.kustomization_file
            )));
        }
        Ok(directory.to_owned())
    }

    /// Where the source of a Kustomization is, joined with its path.
    pub(crate) fn source_path(&self, kustomization: &Value) -> Result<PathBuf> {
        let text = |pointer: &str| kustomization.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = match text("/spec/sourceRef/namespace") {
            "" => text("/metadata/namespace"),
            given => given,
        };
        let key = format!("{}/{namespace}/{}", text("/spec/sourceRef/kind"), text("/spec/sourceRef/name"));
        let sources: BTreeMap<&str, &str> =
            self.local_sources.iter().filter_map(|source| source.split_once('=')).collect();
        let Some(root) = sources.get(key.as_str()) else {
            return Err(Failure::failed(format!(
                "cannot get local path for {key} of kustomization {}",
                text("/metadata/name")
            )));
        };
        Ok(Path::new(root).join(text("/spec/path").trim_start_matches('/')))
    }

    /// The Kustomization that is meant: from the file, with the status that it has in the cluster, or else
    /// from the cluster.
    pub(crate) async fn kustomization(
        &self,
        cluster: Option<&Cluster>,
        namespace: &str,
        name: &str,
        may_be_missing: bool,
    ) -> Result<Value> {
        let missing =
            |reason: String| Failure::failed(format!("failed to get kustomization object: {reason}"));
        let live = match cluster {
            Some(cluster) if may_be_missing => {
                cluster.find(&KUSTOMIZATION.resource(), namespace, name).await?
            }
            Some(cluster) => match cluster.get(&KUSTOMIZATION, namespace, name).await {
                Ok(live) => Some(live),
                Err(Failure::Failed(reason)) => return Err(missing(reason)),
                Err(other) => return Err(other),
            },
            None => None,
        };
        if self.kustomization_file.is_empty() {
            return live.ok_or_else(|| missing(format!("there is no {name} in {namespace}")));
        }
        let mut local = from_file(&self.kustomization_file, namespace, name).map_err(missing)?;
        if let Some(status) = live.and_then(|live| live.get("status").cloned()) {
            local["status"] = status;
        }
        Ok(local)
    }

    /// Renders a directory for a Kustomization.
    pub(crate) async fn render(
        &self,
        cluster: Option<&Cluster>,
        kustomization: &Value,
        directory: &Path,
    ) -> Result<Vec<Object>> {
        let spec: KustomizationSpec = serde_json::from_value(kustomization["spec"].clone())
            .map_err(|error| Failure::failed(format!("the Kustomization makes no sense: {error}")))?;
        let variables = variables::of(cluster, kustomization).await?;
        let directory = std::path::absolute(directory)?;
        let directory = OsHost::path(&directory).ok_or_else(|| Failure::failed("the path is no text"))?;
        let host = OsHost::new();
        let ignore = self.ignore_paths.join("\n");
        let options = CommandOptions { ignore: Some(&ignore), written_spec: Some(&kustomization["spec"]) };
        let overlay = OverlayHost::with_options(&host, "/", &directory, &spec, &options)
            .map_err(|error| Failure::failed(format!("failed to generate kustomization.yaml: {error}")))?;
        for text in &overlay.generated().ignored {
            term::warning(&openable(text));
        }
        let rendered = generator::build(&overlay, &Cancellation::default()).map_err(|error| {
            Failure::failed(format!("kustomize build failed: {}", openable(&error.to_string())))
        })?;
        let always = spec.post_build.as_ref().and_then(|post| post.substitute_strategy.as_deref());
        let variables = (!variables.is_empty() || always == Some("Always")).then_some(variables);
        let mode = if self.strict_substitute { Mode::Strict } else { Mode::Lenient };
        let owner = ["name", "namespace"].map(|key| object::text(kustomization, &["metadata", key]));
        let mut objects = Vec::new();
        for resource in rendered.resources() {
            let mut value = one(&rendered, resource, variables.as_ref(), mode)?;
            mask(&mut value);
            object::add_metadata(&mut value, [(OWNER_NAME, owner[0]), (OWNER_NAMESPACE, owner[1])], []);
            if let Some(common) = &spec.common_metadata {
                object::add_metadata(&mut value, borrowed(&common.labels), borrowed(&common.annotations));
            }
            objects.push(Object { value, place: place(&rendered, resource), old: None });
        }
        Ok(objects)
    }

    /// Renders a directory for a Kustomization, and with `--recursive` those that it contains as well.
    pub(crate) async fn render_all(
        &self,
        cluster: Option<&Cluster>,
        kustomization: &Value,
        directory: &Path,
    ) -> Result<Vec<Object>> {
        let mut seen = BTreeSet::from([identity(kustomization)]);
        let mut waiting = std::collections::VecDeque::from([(kustomization.clone(), directory.to_owned())]);
        let mut all = Vec::new();
        while let Some((kustomization, directory)) = waiting.pop_front() {
            let objects = self.render(cluster, &kustomization, &directory).await?;
            for found in objects.iter().map(|object| &object.value) {
                if !self.recursive || !is_kustomization(found) {
                    continue;
                }
                if seen.insert(identity(found)) {
                    let directory = self.source_path(found)?;
                    let [namespace, name] = identity(found);
                    let live = match cluster {
                        Some(cluster) => cluster.find(&KUSTOMIZATION.resource(), &namespace, &name).await?,
                        None => None,
                    };
                    waiting.push_back((live.unwrap_or_else(|| found.clone()), directory));
                }
            }
            all.extend(objects);
        }
        Ok(all)
    }
}

/// The file and the line at which a resource begins. The overlay names files from the root of the file system.
fn place(rendered: &Rendered, resource: &Resource) -> Option<(String, usize)> {
    let place = rendered.location(&resource.node)?;
    Some((shown(&format!("/{}", place.file.trim_start_matches('/'))), place.line))
}

/// A message that begins with the name of a file, as one that can be opened: the overlay names files from the root of
/// the file system, without the slash.
fn openable(message: &str) -> String {
    match message.split_once(':') {
        Some((file, rest)) if !file.starts_with('/') && Path::new(&format!("/{file}")).is_file() => {
            format!("{}:{rest}", shown(&format!("/{file}")))
        }
        _ => message.to_owned(),
    }
}

fn borrowed(pairs: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Namespace and name.
pub(crate) fn identity(object: &Value) -> [String; 2] {
    [object::namespace(object).to_owned(), object::name(object).to_owned()]
}

/// Whether an object is a Kustomization of Flux.
pub(crate) fn is_kustomization(object: &Value) -> bool {
    object::group(object) == KUSTOMIZATION.group && object::kind(object) == KUSTOMIZATION.kind
}

/// The Kustomization of that name in a file.
fn from_file(path: &str, namespace: &str, name: &str) -> std::result::Result<Value, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("failed to read kustomization file {path}: {error}"))?;
    for document in serde_yaml::Deserializer::from_str(&text) {
        let value: Value = serde::Deserialize::deserialize(document)
            .map_err(|error| format!("failed to unmarshall kustomization file {path}: {error}"))?;
        let is_here = matches!(object::namespace(&value), "") || object::namespace(&value) == namespace;
        if is_kustomization(&value) && object::name(&value) == name && is_here {
            return Ok(value);
        }
    }
    Err(format!("failed find kustomization with name '{name}' and namespace '{namespace}' in file '{path}'"))
}

/// A resource as plain data, with variables replaced.
fn one(rendered: &Rendered, resource: &Resource, variables: Option<&Variables>, mode: Mode) -> Result<Value> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("kustomize build failed: {error}"));
    let substituted = match variables {
        Some(variables) => {
            let text = rendered.resource_yaml(resource).map_err(|error| failed(&error))?;
            substitute::substitute(&resource.node, &text, variables, mode).map_err(|error| {
                // The variable is somewhere in the resource.
                let place = place(rendered, resource).map(|(file, line)| format!(" ({file}:{line})"));
                let place = place.unwrap_or_default();
                Failure::failed(format!("var substitution failed for '{}': {error}{place}", resource.name()))
            })?
        }
        None => None,
    };
    let Some(text) = substituted else {
        return serde_json::to_value(resource.data()).map_err(|error| failed(&error));
    };
    let file = Sources::default().add("", SourceText::from(text.clone()), None);
    let node = yaml::read_config(&text, file).map_err(|error| failed(&error))?;
    let value = node.map(|node| serde_json::to_value(Data::of(&node))).transpose();
    Ok(value.map_err(|error| failed(&error))?.unwrap_or_default())
}

/// The bytes behind a value of a Secret, whose text may have several lines.
pub(crate) fn decoded(value: &Value) -> Vec<u8> {
    let text: String = value.as_str().unwrap_or_default().split_whitespace().collect();
    BASE64.decode(text).unwrap_or_default()
}

/// Replaces what is encrypted in a Secret.
fn mask(secret: &mut Value) {
    if object::kind(secret) != "Secret" {
        return;
    }
    let encrypted = object::text(secret, &["sops", "mac"]).starts_with("ENC[");
    if encrypted && let Some(fields) = secret.as_object_mut() {
        fields.remove("sops");
    }
    let docker = object::text(secret, &["type"]) == "kubernetes.io/dockerconfigjson";
    let whole = if docker { format!("{{\"mask\":\"{MASK}\"}}") } else { MASK.to_owned() };
    let looks_encrypted = |text: &str| text.contains("sops") && text.contains("ENC[");
    for (_, value) in entries(secret, "data") {
        let decoded = decoded(value);
        if encrypted {
            *value = BASE64.encode(&whole).into();
        } else if looks_encrypted(&String::from_utf8_lossy(&decoded)) {
            *value = BASE64.encode(MASK).into();
        }
    }
    for (_, value) in entries(secret, "stringData") {
        if encrypted {
            *value = whole.clone().into();
        } else if value.as_str().is_some_and(looks_encrypted) {
            *value = BASE64.encode(MASK).into();
        }
    }
}

fn entries<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    object.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mask;

    #[test]
    fn encrypted_values_are_masked() {
        let mut secret = json!({"kind": "Secret", "stringData": {"a": "ENC[x]"}, "sops": {"mac": "ENC[y]"}});
        mask(&mut secret);
        assert_eq!(secret, json!({"kind": "Secret", "stringData": {"a": "**SOPS**"}}));
        let mut plain = json!({"kind": "Secret", "data": {"a": "YQ=="}});
        mask(&mut plain);
        assert_eq!(plain, json!({"kind": "Secret", "data": {"a": "YQ=="}}));
    }
}
