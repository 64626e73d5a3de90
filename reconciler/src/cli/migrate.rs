//! `migrate`: stores Flux's objects in the storage version of their kinds, or updates manifests to the latest version.

mod files;
mod versions;

use std::path::PathBuf;

use clap::Args;
use kube::Error;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use reconciler_core::ssa;
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on, request_failed};
use super::delete::confirm;
use super::{Failure, Global, Result, term};
use files::ManifestFile;

/// How often an object is tried if others write to it at the same time.
const TRIES: u32 = 5;

/// Options of `migrate`.
#[derive(Args)]
pub(crate) struct Migrate {
    /// File or directory whose manifests are migrated, instead of the objects of the cluster
    #[arg(long, short = 'f')]
    path: Option<PathBuf>,
    /// Extensions of the files to migrate
    #[arg(long, short = 'e', value_delimiter = ',', default_values = [".yaml", ".yml"], requires = "path")]
    extensions: Vec<String>,
    /// Version of Flux to migrate to, such as 2.6 [default: the latest]
    #[arg(long, short = 'v', requires = "path")]
    version: Option<String>,
    /// Do not ask
    #[arg(long, short = 'y', requires = "path")]
    yes: bool,
    /// Only show what would be changed
    #[arg(long, requires = "path")]
    dry_run: bool,
}

impl Migrate {
    pub(crate) fn run(&self, global: &Global) -> Result {
        match &self.path {
            Some(path) => self.migrate_files(path),
            None => block_on(async {
                term::action("starting migration of custom resources");
                let cluster = Cluster::connect(global).await?;
                let timeout = cluster.timeout;
                let done = tokio::time::timeout(timeout, migrate_cluster(&cluster)).await;
                done.map_err(|_| Failure::failed(format!("timed out after {timeout:?}")))??;
                term::success("custom resources migrated successfully");
                Ok(())
            }),
        }
    }

    fn migrate_files(&self, path: &std::path::Path) -> Result {
        let latest = versions::of_flux(self.version.as_deref())?;
        term::action("starting migration of custom resources");
        let mut found = Vec::new();
        for file in files::find(path, &self.extensions)? {
            let file = ManifestFile::read(file, latest)?;
            for upgrade in &file.upgrades {
                term::generate(&format!("{}:{upgrade}", file.path.display()));
            }
            if !file.upgrades.is_empty() {
                found.push(file);
            }
        }
        if found.is_empty() {
            term::success("no custom resources found that require migration");
            return Ok(());
        }
        if self.dry_run {
            term::success("dry-run mode enabled, no changes will be made");
            return Ok(());
        }
        if !self.yes {
            confirm("Are you sure you want to proceed with the above upgrades", "--yes")?;
        }
        for file in found {
            file.write()?;
            term::success(&format!("file {} migrated successfully", file.path.display()));
        }
        term::success("custom resources migrated successfully");
        Ok(())
    }
}

/// Migrates the objects of all definitions of Flux.
async fn migrate_cluster(cluster: &Cluster) -> Result {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let resource = ApiResource::from_gvk(&kind);
    let wanted = ListParams::default().labels("app.kubernetes.io/part-of=flux");
    let definitions = cluster.list(&resource, "", &wanted).await?.unwrap_or_default();
    for definition in definitions {
        migrate_definition(cluster, &resource, &definition).await?;
    }
    Ok(())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Writes all objects of a definition in the storage version, and then removes the other versions from the status. If
/// anything fails, the status stays as it is.
async fn migrate_definition(cluster: &Cluster, resource: &ApiResource, definition: &Value) -> Result {
    let name = text(definition, "/metadata/name");
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let Some(version) = versions.into_iter().find(|version| version["storage"] == true) else {
        return Err(Failure::failed(format!("no storage version found for CRD {name}")));
    };
    let version = text(version, "/name");
    let objects = ApiResource {
        plural: text(definition, "/spec/names/plural").to_owned(),
        ..ApiResource::from_gvk(&GroupVersionKind::gvk(
            text(definition, "/spec/group"),
            version,
            text(definition, "/spec/names/kind"),
        ))
    };
    for object in cluster.list(&objects, "", &ListParams::default()).await?.unwrap_or_default() {
        let (namespace, object_name) =
            (text(&object, "/metadata/namespace"), text(&object, "/metadata/name"));
        let subject = format!("{}/{namespace}/{object_name}", objects.kind);
        match migrate_object(
            &cluster.api(&objects, namespace),
            object_name,
            object.clone(),
            &objects.api_version,
        )
        .await
        {
            Ok(()) => term::success(&format!("{subject} migrated to version {version}")),
            Err(error) => return Err(failed(&format!("{subject} failed to migrate"), error)),
        }
    }
    if definition["status"]["storedVersions"] == json!([version]) {
        return Ok(());
    }
    // Only if nobody has changed the storage version.
    let patch = json!({
        "metadata": {"resourceVersion": definition["metadata"]["resourceVersion"]},
        "status": {"storedVersions": [version]},
    });
    let api: Api<DynamicObject> = cluster.api(resource, "");
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(|error| failed(&format!("failed to update CRD {name} status"), error))?;
    term::success(&format!("{name} migrated to storage version {version}"));
    Ok(())
}

/// Makes the cluster store an object again, with managed fields of this version. An object that is gone is skipped.
async fn migrate_object(
    api: &Api<DynamicObject>,
    name: &str,
    mut object: Value,
    api_version: &str,
) -> std::result::Result<(), Error> {
    for tried in 1.. {
        let options = PatchParams::default();
        let written = match ssa::migrate_version(&object, api_version) {
            Some(patch) => {
                let patch = serde_json::from_value(patch).map_err(Error::SerdeError)?;
                api.patch(name, &options, &Patch::<()>::Json(patch)).await
            }
            None => api.patch(name, &options, &Patch::Merge(json!({}))).await,
        };
        match written {
            Err(Error::Api(status)) if status.code == 404 => return Ok(()),
            // Others have changed the managed fields.
            Err(Error::Api(status)) if [409, 422].contains(&status.code) && tried < TRIES => {
                match api.get_opt(name).await? {
                    Some(found) => object = serde_json::to_value(&found).map_err(Error::SerdeError)?,
                    None => return Ok(()),
                }
            }
            outcome => return outcome.map(|_| ()),
        }
    }
    Ok(())
}

fn failed(what: &str, error: Error) -> Failure {
    match request_failed(error) {
        Failure::Failed(reason) => Failure::Failed(format!("{what}: {reason}")),
        other => other,
    }
}
