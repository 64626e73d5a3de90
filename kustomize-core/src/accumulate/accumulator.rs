//! What a kustomization has gathered so far.

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::TransformerConfig;
use crate::references::VarSet;
use crate::resource::{Conflict, Resource, ResourceSet};
use crate::store::{Base, Lineage, Trace};
use crate::warning::Warning;
use crate::yaml::Pos;

/// Resources, field specs and vars: kustomize's `ResAccumulator`.
#[derive(Clone, Debug, Default)]
pub(super) struct Accumulator {
    pub(super) set: ResourceSet,
    pub(super) config: TransformerConfig,
    pub(super) vars: VarSet,
    pub(super) lineage: Lineage,
    /// The entries of `resources` that are being brought in: where each stands, and the index of its
    /// first resource.
    pub(super) entries: Vec<(usize, Pos)>,
}

impl Accumulator {
    /// What a base that was rendered before has gathered.
    pub(super) fn from_base(base: &Base) -> Self {
        Accumulator {
            set: base.set.clone(),
            config: base.config.clone(),
            vars: base.vars.clone(),
            lineage: base.lineage.clone(),
            entries: Vec::new(),
        }
    }

    /// A base to be kept.
    pub(super) fn to_base(&self, warnings: Vec<Warning>, trace: Arc<Trace>) -> Base {
        let Accumulator { set, config, vars, lineage, entries: _ } = self.clone();
        Base { set, config, vars, lineage, warnings, trace }
    }

    /// Adds resources at the end.
    pub(super) fn append(
        &mut self,
        cx: &BuildContext<'_>,
        resources: impl IntoIterator<Item = impl Into<Arc<Resource>>>,
    ) -> Result<(), BuildError> {
        let resources = resources.into_iter().map(Into::into).collect();
        let appended = self.set.append_all(resources, cx.schema(), &cx.threads);
        appended.map_err(|conflict| self.conflict_error(cx, *conflict))
    }

    /// Adds all that a base has gathered.
    pub(super) fn merge(&mut self, cx: &BuildContext<'_>, mut other: Accumulator) -> Result<(), BuildError> {
        if self.set.is_empty() && other.set.is_unique(cx.schema(), &cx.threads) {
            self.set = other.set;
        } else {
            self.append(cx, other.set.into_list())?;
        }
        self.lineage.bases.push(Arc::new(other.lineage));
        self.config = self.config.merge(&other.config)?;
        self.vars.merge_set(other.vars)
    }

    /// The error about a resource that is there already. What is one and the same in a file is listed
    /// twice, at two lines of a kustomization.
    fn conflict_error(&self, cx: &BuildContext<'_>, conflict: Conflict) -> BuildError {
        let Conflict { id, existing, incoming } = conflict;
        let first = self.set.as_slice().get(existing).map_or(Pos::NONE, |first| first.node.pos);
        let entry = self.entries.iter().rev().find(|(start, _)| *start <= existing);
        let lines = entry.zip(self.entries.last()).map(|((_, first), (_, again))| (*first, *again));
        let message = format!("may not add resource with an already registered id: {id:#}");
        let error = BuildError::new(ErrorKind::Conflict, message).about(&id);
        let place = |pos| cx.sources.location(pos);
        match lines {
            Some((line, again)) if line != again && place(first) == place(incoming.node.pos) => error
                .at(again)
                .with_note("it was brought in here already", line)
                .with_note("the resource", first)
                .with_help("remove one of the two lines, or what both of them build on from one of them"),
            _ => {
                let error = error.at(incoming.node.pos);
                let error = match first.is_none() {
                    false => error.with_note("the resource with this id that was added first", first),
                    true => error,
                };
                let error = match lines {
                    Some((line, again)) if line != again => error
                        .with_note("the first one is brought in here", line)
                        .with_note("the second one is brought in here", again),
                    _ => error,
                };
                error.with_help(
                    "rename one of the two, give them different namespaces, or remove the file that is \
                     listed twice; to change a resource of a base, write a patch instead of a second copy",
                )
            }
        }
    }
}
