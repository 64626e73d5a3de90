//! `build`: what would be applied, from local directories.

use clap::{Args, Subcommand};

use super::cluster::{Cluster, block_on};
use super::manifest::to_yaml;
use super::render::Flags;
use super::select::Names;
use super::{Failure, Global, Result, policies, term};

/// Options of `build`.
#[derive(Args)]
pub(crate) struct Build {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The objects of a Kustomization
    #[command(visible_alias = "ks")]
    Kustomization(Box<Kustomization>),
    /// The archive of an artifact
    Artifact(super::artifact::Build),
}

#[derive(Args)]
struct Kustomization {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    policies: policies::PolicyFlags,
    /// Do not ask the cluster; requires --kustomization-file
    #[arg(long)]
    dry_run: bool,
}

impl Build {
    /// Builds and prints.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let what = match &self.what {
            What::Kustomization(what) => what,
            What::Artifact(artifact) => return artifact.run(global),
        };
        let Some(name) = what.names.names.first() else {
            return Err(Failure::usage("kustomization name is required"));
        };
        let directory = what.flags.check()?;
        if what.dry_run && what.flags.kustomization_file.is_empty() {
            return Err(Failure::usage("dry-run mode requires a kustomization file"));
        }
        block_on(async {
            let cluster = if what.dry_run { None } else { Some(Cluster::connect(global).await?) };
            let cluster = cluster.as_ref();
            let kustomization = what.flags.kustomization(cluster, &global.namespace, name, false).await?;
            let objects = what.flags.render_all(cluster, &kustomization, &directory).await?;
            let mut text = String::new();
            for object in &objects {
                text.push_str(&to_yaml(&object.value)?);
                text.push_str("---\n");
            }
            // What would be refused is not printed: someone may apply it.
            what.policies.check(&directory, objects, &[])?;
            term::print(&text)
        })
    }
}
