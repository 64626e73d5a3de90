//! `tree`: what a Kustomization has applied, and what came of that in turn.

use clap::{Args, Subcommand, ValueEnum};
use futures::future::LocalBoxFuture;
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::cluster::{Cluster, block_on};
use super::kinds::KUSTOMIZATION;
use super::manifest::to_yaml;
use super::render::identity;
use super::select::Names;
use super::{Failure, Global, Result, term};

/// Options of `tree`.
#[derive(Args)]
pub(crate) struct Tree {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The objects of a Kustomization
    #[command(visible_alias = "ks")]
    Kustomization(Kustomization),
}

#[derive(Args)]
struct Kustomization {
    #[command(flatten)]
    names: Names,
    /// Only objects of Flux's kinds
    #[arg(long)]
    compact: bool,
    /// Print data instead of a drawing
    #[arg(long, short, value_enum)]
    output: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

/// An object and what it has applied.
struct Node {
    id: ObjectId,
    children: Vec<Node>,
}

impl Tree {
    /// Prints the tree.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let What::Kustomization(what) = &self.what;
        let Some(name) = what.names.names.first() else {
            return Err(Failure::usage("kustomization name is required"));
        };
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let root = cluster.get(&KUSTOMIZATION, &cluster.namespace, name).await?;
            let mut seen = BTreeSet::from([identity(&root)]);
            let mut id = ObjectId::of(&root);
            id.kind = KUSTOMIZATION.kind.to_owned();
            let children = children(&cluster, &root, what.compact, &mut seen).await?;
            let tree = Node { id, children };
            let text = match what.output {
                None => format!("{}\n{}\n", tree.id.subject(), tree.drawing("")),
                Some(Format::Json) => format!("{:#}\n", tree.data()),
                Some(Format::Yaml) => to_yaml(&tree.data())?,
            };
            term::print(&text)
        })
    }
}

/// The objects in the inventory of a Kustomization, with theirs.
fn children<'a>(
    cluster: &'a Cluster,
    kustomization: &'a Value,
    compact: bool,
    seen: &'a mut BTreeSet<[String; 2]>,
) -> LocalBoxFuture<'a, Result<Vec<Node>>> {
    Box::pin(async move {
        let entries = kustomization.pointer("/status/inventory/entries").and_then(Value::as_array);
        let mut nodes = Vec::new();
        for entry in entries.into_iter().flatten() {
            let id: ObjectId = object::text(entry, &["id"])
                .parse()
                .map_err(|error: reconciler_core::ssa::InvalidObjectId| Failure::failed(error.to_string()))?;
            if compact && !id.group.contains("toolkit.fluxcd.io") {
                continue;
            }
            let is_kustomization = id.group == KUSTOMIZATION.group && id.kind == KUSTOMIZATION.kind;
            if !is_kustomization {
                nodes.push(Node { id, children: Vec::new() });
                continue;
            }
            let this = [id.namespace.clone(), id.name.clone()];
            if this == identity(kustomization) {
                continue;
            }
            // What another cluster has is not known here, and what was shown is not shown again.
            let is_here = kustomization.pointer("/spec/kubeConfig").is_none();
            let mut inner = Vec::new();
            if is_here && seen.insert(this) {
                let found = cluster.get(&KUSTOMIZATION, &id.namespace, &id.name).await;
                let found = found.map_err(|failure| match failure {
                    Failure::Failed(reason) => Failure::Failed(format!("failed to find object: {reason}")),
                    other => other,
                })?;
                inner = children(cluster, &found, compact, seen).await?;
            }
            nodes.push(Node { id, children: inner });
        }
        Ok(nodes)
    })
}

impl Node {
    /// The lines below this object.
    fn drawing(&self, before: &str) -> String {
        let mut out = String::new();
        for (index, child) in self.children.iter().enumerate() {
            let last = index + 1 == self.children.len();
            let (mark, space) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
            out.push_str(&format!("{before}{mark}{}\n", child.id.subject()));
            out.push_str(&child.drawing(&format!("{before}{space}")));
        }
        out
    }

    fn data(&self) -> Value {
        let ObjectId { namespace, name, group, kind } = &self.id;
        let mut data = json!({"resource": {
            "Namespace": namespace,
            "Name": name,
            "GroupKind": {"Group": group, "Kind": kind},
        }});
        if !self.children.is_empty() {
            data["resources"] = self.children.iter().map(Node::data).collect();
        }
        data
    }
}
