//! What a kustomization has gathered so far.

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::TransformerConfig;
use crate::references::VarSet;
use crate::resource::{Conflict, Resource, ResourceSet};
use crate::store::{Base, Lineage, Trace};
use crate::warning::Warning;

/// Resources, field specs and vars: the reference's `ResAccumulator`.
#[derive(Clone, Debug, Default)]
pub(super) struct Accumulator {
    pub(super) set: ResourceSet,
    pub(super) config: TransformerConfig,
    pub(super) vars: VarSet,
    pub(super) lineage: Lineage,
}

impl Accumulator {
    /// What a base that was rendered before has gathered.
    pub(super) fn from_base(base: &Base) -> Self {
        Accumulator {
            set: base.set.clone(),
            config: base.config.clone(),
            vars: base.vars.clone(),
            lineage: base.lineage.clone(),
        }
    }

    /// A base to be kept.
    pub(super) fn to_base(&self, warnings: Vec<Warning>, trace: Arc<Trace>) -> Base {
        let Accumulator { set, config, vars, lineage } = self.clone();
        Base { set, config, vars, lineage, warnings, trace }
    }

    /// Adds resources at the end.
    pub(super) fn append(
        &mut self,
        cx: &BuildContext<'_>,
        resources: impl IntoIterator<Item = impl Into<Arc<Resource>>>,
    ) -> Result<(), BuildError> {
        let resources = resources.into_iter().map(Into::into).collect();
        let appended = self.set.append_all(resources, cx.schema(), &cx.crew);
        appended.map_err(|conflict| conflict_error(&self.set, *conflict))
    }

    /// Adds all that a base has gathered.
    pub(super) fn merge(&mut self, cx: &BuildContext<'_>, mut other: Accumulator) -> Result<(), BuildError> {
        if self.set.is_empty() && other.set.is_unique(cx.schema(), &cx.crew) {
            self.set = other.set;
        } else {
            self.append(cx, other.set.into_list())?;
        }
        self.lineage.bases.push(Arc::new(other.lineage));
        self.config = self.config.merge(&other.config)?;
        self.vars.merge_set(other.vars)
    }
}

fn conflict_error(set: &ResourceSet, conflict: Conflict) -> BuildError {
    let Conflict { id, existing, incoming } = conflict;
    let message = format!("may not add resource with an already registered id: {id:#}");
    let error = BuildError::new(ErrorKind::Conflict, message).at(incoming.node.pos).about(&id);
    let error = match set.as_slice().get(existing) {
        Some(first) => error.with_note("the resource with this id that was added first", first.node.pos),
        None => error,
    };
    error.with_help(
        "rename one of the two, give them different namespaces, or remove the file that is listed twice; \
         to change a resource of a base, write a patch instead of a second copy",
    )
}
