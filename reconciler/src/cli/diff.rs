//! `diff`: what applying local directories would change in the cluster.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, Subcommand};
use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use reconciler::apply::Objects;
use reconciler_api::annotation;
use reconciler_api::kustomization::{IgnoreRule, Selector};
use reconciler_core::object;
use reconciler_core::ssa::{ObjectId, normalize};
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on};
use super::comparison::compare;
use super::render::{Flags, decoded, identity, is_kustomization};
use super::select::Names;
use super::{Failure, Global, Result, policies, term};

/// What stands for values of Secrets.
const MASKED: &str = "*****";

/// Options of `diff`.
#[derive(Args)]
pub(crate) struct Diff {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The objects of a Kustomization
    #[command(visible_alias = "ks")]
    Kustomization(Box<Kustomization>),
    /// The content of an artifact in a registry
    Artifact(super::artifact::Diff),
}

#[derive(Args)]
struct Kustomization {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    policies: policies::PolicyFlags,
    /// Go on if the Kustomization is not in the cluster yet
    #[arg(long)]
    ignore_not_found: bool,
    /// Accepted for compatibility: there is no progress bar
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    progress_bar: Option<bool>,
}

impl Diff {
    /// Prints what differs. The status is 1 if something does, and 2 if that could not be found out.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let what = match &self.what {
            What::Kustomization(what) => what,
            What::Artifact(artifact) => return artifact.run(global),
        };
        let Some(name) = what.names.names.first() else {
            return Err(Failure::usage("kustomization name is required"));
        };
        let directory = what.flags.check()?;
        if what.ignore_not_found && what.flags.kustomization_file.is_empty() {
            return Err(Failure::usage("kustomization file is required when assuming new kustomizations"));
        }
        let outcome = block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = &global.namespace;
            let missing = what.ignore_not_found;
            let kustomization = what.flags.kustomization(Some(&cluster), namespace, name, missing).await?;
            let objects = Objects::new(cluster.client.clone());
            let mut report = Report::default();
            let compared = Compared { cluster: &cluster, objects: &objects, flags: &what.flags };
            compared.kustomization(&kustomization, &directory, &mut report).await?;
            term::print(&report.text)?;
            let rendered = std::mem::take(&mut report.rendered);
            let namespaces =
                if what.policies.is_asked() { compared.namespaces(&rendered).await } else { Vec::new() };
            what.policies.check(&directory, rendered, &namespaces)?;
            match report.failures.is_empty() {
                false => Err(Failure::Trouble(report.failures.join("\n"))),
                true if report.differs => {
                    Err(Failure::failed("identified at least one change, exiting with non-zero exit code"))
                }
                true => Ok(()),
            }
        });
        match outcome {
            Err(Failure::Failed(reason)) if !reason.starts_with("identified ") => {
                Err(Failure::Trouble(reason))
            }
            other => other,
        }
    }
}

/// What was found.
#[derive(Default)]
struct Report {
    text: String,
    differs: bool,
    failures: Vec<String>,
    /// All objects that were compared.
    rendered: Vec<policies::Object>,
}

/// What objects are compared with, and how they are rendered.
struct Compared<'a> {
    cluster: &'a Cluster,
    objects: &'a Objects,
    flags: &'a Flags,
}

impl Compared<'_> {
    /// The namespaces of objects, whose labels policies select. One that cannot be read is not known.
    async fn namespaces(&self, objects: &[policies::Object]) -> Vec<Value> {
        let api: Api<Namespace> = Api::all(self.cluster.client.clone());
        let names = objects.iter().map(|object| object::namespace(&object.value));
        let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
        let mut found = Vec::new();
        for name in names {
            let Ok(Some(namespace)) = api.get_opt(name).await else { continue };
            let labels = namespace.metadata.labels;
            found.push(json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
            }));
        }
        found
    }

    /// Compares all objects of a Kustomization; those of the Kustomizations among them, too, if asked for.
    fn kustomization<'b>(
        &'b self,
        kustomization: &'b Value,
        directory: &'b Path,
        report: &'b mut Report,
    ) -> LocalBoxFuture<'b, Result> {
        Box::pin(async move {
            let rules =
                kustomization.pointer("/spec/ignore").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            let rules: Vec<IgnoreRule> = serde_json::from_value(rules)
                .map_err(|error| Failure::failed(format!("spec.ignore makes no sense: {error}")))?;
            let mut ids = Vec::new();
            for policies::Object { value: mut object, place, .. } in
                self.flags.render(Some(self.cluster), kustomization, directory).await?
            {
                report.rendered.push(policies::Object { value: object.clone(), place, old: None });
                normalize(&mut object);
                let id = ObjectId::of(&object);
                let created = match self.object(&object, &id, &rules, report).await {
                    Ok(created) => created,
                    Err(reason) => {
                        report.failures.push(reason);
                        continue;
                    }
                };
                let nested = self.flags.recursive
                    && !created
                    && is_kustomization(&object)
                    && identity(&object) != identity(kustomization);
                if nested {
                    self.nested(&object, &id, report).await?;
                }
                ids.push(id);
            }
            self.pruned(kustomization, &ids, report);
            Ok(())
        })
    }

    /// Compares one object; says whether it would be new.
    async fn object(
        &self,
        object: &Value,
        id: &ObjectId,
        rules: &[IgnoreRule],
        report: &mut Report,
    ) -> std::result::Result<bool, String> {
        let subject = id.subject();
        let is_left_alone = |object: &Value| {
            object::is_marked(object, annotation::RECONCILE, annotation::DISABLED)
                || object::is_marked(object, annotation::SSA, "ignore")
        };
        let api_version = object::api_version(object);
        let kind =
            self.objects.kinds().find(api_version, &id.kind).await.map_err(|error| error.to_string())?;
        let kind = kind.ok_or_else(|| {
            format!(
                "{subject} dry-run failed: no matches for kind \"{}\" in version \"{api_version}\"",
                id.kind
            )
        })?;
        let live =
            self.objects.get(&kind, id).await.map_err(|error| format!("{subject} not read: {error}"))?;
        if let Some(rendered) = report.rendered.last_mut() {
            rendered.old.clone_from(&live);
        }
        let once = object::is_marked(object, annotation::SSA, "ifnotpresent") && live.is_some();
        if once || is_left_alone(object) || live.as_ref().is_some_and(is_left_alone) {
            report.text.push_str(&format!("► {subject} skipped\n"));
            return Ok(false);
        }
        let merged = match self.objects.apply(&kind, object, true).await {
            Ok(applied) => applied.object,
            Err(error) if error.code() == 404 => return Err(format!("{subject} not found: {error}")),
            Err(_) if live.is_some() && object::is_marked(object, annotation::FORCE, annotation::ENABLED) => {
                report.text.push_str(&format!("► {subject} created\n"));
                report.differs = true;
                return Ok(true);
            }
            Err(error) => return Err(format!("{subject} dry-run failed: {error}")),
        };
        let Some(live) = live else {
            report.text.push_str(&format!("► {subject} created\n"));
            report.differs = true;
            return Ok(true);
        };
        let (mut live, mut merged) = (written(live), written(merged));
        for rule in rules.iter().filter(|rule| is_target(rule.target.as_ref(), object)) {
            for path in &rule.paths {
                remove(&mut live, path);
                remove(&mut merged, path);
            }
        }
        if live == merged {
            return Ok(false);
        }
        if id.kind == "Secret" && !hide_values(object, &mut live, &mut merged) {
            return Ok(false);
        }
        report.text.push_str(&format!("► {subject} drifted\n{}", compare(&live, &merged)));
        report.differs = true;
        Ok(false)
    }

    /// Compares the objects of a Kustomization that is an object itself.
    async fn nested(&self, found: &Value, id: &ObjectId, report: &mut Report) -> Result {
        if found.pointer("/spec/kubeConfig").is_some() {
            let line = format!("⚠️ {} skipped: diff not supported for remote clusters\n", id.subject());
            report.text.push_str(&line);
            return Ok(());
        }
        let directory = self.flags.source_path(found)?;
        let live = self.flags_for(found).await?;
        let mut inner = Report::default();
        self.kustomization(&live, &directory, &mut inner).await?;
        report.failures.append(&mut inner.failures);
        report.rendered.append(&mut inner.rendered);
        if inner.differs {
            report.text.push_str(&format!("📁 {} changed\n{}", id.subject(), inner.text));
            report.differs = true;
        }
        Ok(())
    }

    async fn flags_for(&self, found: &Value) -> Result<Value> {
        let [namespace, name] = identity(found);
        self.cluster.get(&super::kinds::KUSTOMIZATION, &namespace, &name).await
    }

    /// Notes what would be deleted.
    fn pruned(&self, kustomization: &Value, kept: &[ObjectId], report: &mut Report) {
        let prunes = kustomization.pointer("/spec/prune").and_then(Value::as_bool).unwrap_or_default();
        let entries = kustomization.pointer("/status/inventory/entries").and_then(Value::as_array);
        if !prunes || !report.failures.is_empty() {
            return;
        }
        let ids = entries.into_iter().flatten().filter_map(|entry| object::text(entry, &["id"]).parse().ok());
        let mut stale: Vec<ObjectId> = ids.filter(|id: &ObjectId| !kept.contains(id)).collect();
        stale.sort_by(reconciler_core::ssa::apply_order);
        for id in stale {
            report.text.push_str(&format!("► {} deleted\n", id.subject()));
            report.differs = true;
        }
    }
}

/// The object without what only the server writes.
fn written(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    object
}

/// Takes out what a JSON pointer leads to.
fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let key = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&key)),
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                let _: Value = items.remove(index);
            }
        }
        _ => {}
    }
}

/// Whether a rule is about an object.
fn is_target(target: Option<&Selector>, object: &Value) -> bool {
    let Some(target) = target else { return true };
    let (group, version) = match object::api_version(object).split_once('/') {
        Some(parts) => parts,
        None => ("", object::api_version(object)),
    };
    let fields = [
        (&target.group, group),
        (&target.version, version),
        (&target.kind, object::kind(object)),
        (&target.name, object::name(object)),
        (&target.namespace, object::namespace(object)),
    ];
    let matches = |pattern: &str, text: &str| {
        pattern == text
            || reconciler_core::go::compile(&format!("^(?:{pattern})$"))
                .is_ok_and(|pattern| pattern.is_match(text))
    };
    let selects = |selector: &Option<String>, field: &str| {
        let selector = selector.as_deref().unwrap_or_default();
        selector.split(',').filter(|part| !part.is_empty()).all(|part| {
            let (key, wanted) = part.split_once('=').unwrap_or((part, ""));
            let found = object["metadata"][field][key.trim()].as_str();
            found.is_some_and(|found| !part.contains('=') || found == wanted.trim_start_matches('=').trim())
        })
    };
    fields.iter().all(|(pattern, text)| match pattern.as_deref() {
        None | Some("") => true,
        Some(pattern) => matches(pattern, text),
    }) && selects(&target.label_selector, "labels")
        && selects(&target.annotation_selector, "annotations")
}

/// Hides the values of a Secret, of which only the keys are compared where it is encrypted. Says whether
/// something is left that differs.
fn hide_values(object: &Value, live: &mut Value, merged: &mut Value) -> bool {
    let is_masked = |value: &Value| String::from_utf8_lossy(&decoded(value)).contains("**SOPS**");
    let masked = object["data"].as_object().is_some_and(|data| data.values().any(is_masked));
    let before = live["data"].clone();
    for (side, word) in [(&mut *live, "before"), (&mut *merged, "after")] {
        for (key, value) in side.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten() {
            *value = match before.get(key) {
                _ if masked => MASKED.into(),
                Some(other) if other == value && word == "after" => "***".into(),
                Some(_) => format!("*** ({word})").into(),
                None => "***".into(),
            };
        }
    }
    if !masked {
        // What is equal must look equal.
        let same: Vec<String> = merged["data"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| *value == "***")
            .map(|(key, _)| key.clone())
            .collect();
        for key in same.iter().filter(|key| before.get(key.as_str()).is_some()) {
            live["data"][key.as_str()] = "***".into();
        }
    }
    live != merged
}
