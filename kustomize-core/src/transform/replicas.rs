//! `replicas` and `ReplicaCountTransformer`.

use super::Transformer;
use super::config::decode;
use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, Table};
use crate::kustomization::Replica;
use crate::resource::{Resource, ResourceSet, split_api_version};
use crate::yaml::decode::{Spanned, fields};
use crate::yaml::{Node, Scalar, Str, Style, Tag};

/// Sets how many replicas workloads have, each named by one of its names.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaCountTransformer {
    replicas: Vec<Spanned<Replica>>,
    specs: FieldSpecs,
}

#[derive(Default)]
struct Config {
    replica: Spanned<Replica>,
    field_specs: Table<FieldSpec>,
}

fields!(Config { replica, field_specs = "fieldSpecs" });

impl ReplicaCountTransformer {
    /// Sets these counts, in order.
    pub(crate) fn new(replicas: &[Spanned<Replica>], specs: Table<FieldSpec>) -> Self {
        ReplicaCountTransformer { replicas: replicas.to_vec(), specs: FieldSpecs::new(specs) }
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let Config { replica, field_specs } = decode(config)?;
        Ok(Self::new(&[replica], field_specs))
    }

    /// Sets one count in one resource, if it is the one that is named by an earlier or the current
    /// name. Says whether it is.
    pub(crate) fn apply_to(&self, replica: &Replica, resource: &mut Resource) -> Result<bool, BuildError> {
        let (group, version) = split_api_version(resource.api_version());
        let (group, version, kind) = (Str::from(group), Str::from(version), Str::from(resource.kind()));
        let mut kinds: Vec<Str> = resource
            .history
            .previous
            .iter()
            .filter(|previous| previous.name == replica.name)
            .map(|previous| previous.kind.clone())
            .collect();
        if resource.name() == replica.name {
            kinds.push(kind.clone());
        }
        let mut found = false;
        let count = Scalar::new(replica.count.to_string(), Tag::Int, Style::Plain);
        for selected in self.specs.iter() {
            let spec = selected.spec;
            if !kinds.iter().any(|kind| spec.selects(&group, &version, kind)) {
                continue;
            }
            found = true;
            if spec.kind.is_empty() || spec.kind == kind {
                selected.apply(resource, Create::Scalar(Tag::Int), &mut |node| {
                    let pos = node.pos;
                    node.set_scalar(count.clone()).map_err(|_| {
                        let message = "a number of replicas can take the place of a scalar only";
                        BuildError::new(ErrorKind::Transformer, message).at(pos)
                    })
                })?;
            }
        }
        Ok(found)
    }

    fn nothing_found(&self, replica: &Spanned<Replica>, set: &ResourceSet) -> BuildError {
        let message =
            format!("`replicas` names the workload `{}`, but there is none of that name", replica.name);
        let error = BuildError::new(ErrorKind::Transformer, message).at(replica.pos).field("replicas");
        let candidates: Vec<String> = set
            .iter()
            .filter(|resource| {
                let (group, version) = split_api_version(resource.api_version());
                self.specs.iter().any(|selected| selected.spec.selects(group, version, resource.kind()))
            })
            .map(|resource| format!("{} `{}`", resource.kind(), resource.name()))
            .take(10)
            .collect();
        if candidates.is_empty() {
            error.with_help("no resource here has replicas; custom kinds need a `replicas` field spec in `configurations`")
        } else {
            error.with_help(format!("these have replicas: {}", candidates.join(", ")))
        }
    }
}

impl Transformer for ReplicaCountTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Context) -> Result<(), BuildError> {
        let mut by_name: IndexMap<&str, Vec<usize>> =
            IndexMap::with_capacity_and_hasher(self.replicas.len(), Default::default());
        for (at, replica) in self.replicas.iter().enumerate() {
            by_name.entry(&replica.name).or_default().push(at);
        }
        let mut found = vec![false; self.replicas.len()];
        let mut meant: Vec<usize> = Vec::new();
        for resource in set.iter_mut() {
            meant.clear();
            let names = resource.history.previous.iter().map(|previous| previous.name.as_str());
            for name in names.chain([resource.name()]) {
                meant.extend(by_name.get(name).into_iter().flatten());
            }
            meant.sort_unstable();
            meant.dedup();
            for at in &meant {
                if let (Some(replica), Some(found)) = (self.replicas.get(*at), found.get_mut(*at)) {
                    *found |= self.apply_to(replica, resource)?;
                }
            }
        }
        match self.replicas.iter().zip(found).find(|(_, found)| !found) {
            Some((replica, _)) => Err(self.nothing_found(replica, set)),
            None => Ok(()),
        }
    }
}
