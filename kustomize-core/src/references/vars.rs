//! The vars of a kustomization and those below it.

use std::sync::Arc;

use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::Var;
use crate::resource::{Gvk, ResId, ResourceSet};
use crate::yaml::Str;
use crate::yaml::decode::Spanned;

/// Vars by name (kustomize's `VarSet`).
#[derive(Clone, Debug, Default)]
pub(crate) struct VarSet {
    vars: Vec<Spanned<Var>>,
    by_name: IndexMap<String, usize>,
}

impl VarSet {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }

    /// The vars, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Spanned<Var>> {
        let mut sorted: Vec<_> = self.vars.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.into_iter()
    }

    /// Adds the vars of a kustomization.
    ///
    /// # Errors
    /// A name that is taken.
    pub(crate) fn merge(&mut self, vars: &[Spanned<Var>]) -> Result<(), BuildError> {
        vars.iter().try_for_each(|var| self.insert(var.clone()))
    }

    /// Adds the vars of a base.
    ///
    /// # Errors
    /// A name that is taken.
    pub(crate) fn merge_set(&mut self, other: VarSet) -> Result<(), BuildError> {
        other.iter().try_for_each(|var| self.insert(var.clone()))
    }

    fn insert(&mut self, var: Spanned<Var>) -> Result<(), BuildError> {
        if let Some(first) = self.by_name.get(&var.name).and_then(|at| self.vars.get(*at)) {
            let message = format!("the var `{}` is declared twice", var.name);
            return Err(BuildError::new(ErrorKind::Var, message)
                .at(var.pos)
                .with_note("first declared here", first.pos)
                .with_help("declare a var once, in the kustomization that knows its resource"));
        }
        self.by_name.insert(var.name.clone(), self.vars.len());
        self.vars.push(var);
        Ok(())
    }
}

/// Resources that a var's value may come from. Group, version and kind are compared as they are:
/// what is left out is the core group, not any group.
struct VarSource {
    id: ResId,
    /// Without a namespace, any will do.
    any_namespace: bool,
}

impl VarSource {
    fn new(var: &Var) -> Self {
        let target = &var.objref;
        let (mut group, mut version) = (target.group.as_str(), target.version.as_str());
        let mut parts = target.api_version.split('/');
        match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            ("", None, _) | (_, Some(_), Some(_)) => {}
            (only, None, _) => version = only,
            (first, Some(second), None) => (group, version) = (first, second),
        }
        let gvk = Gvk { group: group.into(), version: version.into(), kind: target.kind.as_str().into() };
        let id = ResId {
            gvk,
            name: target.name.as_str().into(),
            namespace: target.namespace.as_str().into(),
            cluster_scoped: false,
        };
        VarSource { id, any_namespace: target.namespace.is_empty() }
    }

    fn is(&self, id: &ResId) -> bool {
        if self.any_namespace { self.id.same_gvkn(id) } else { self.id.same(id) }
    }
}

/// Notes each var on the resource that it means, by any id that the resource ever had
/// (kustomize's `ResAccumulator.MergeVars`). One pass over the resources, however many vars
/// there are.
///
/// A var without its resource is no error yet: see [`super::resolve_vars()`].
///
/// # Errors
/// A var that could mean several resources.
pub(crate) fn bind_vars(
    set: &mut ResourceSet,
    vars: &[Spanned<Var>],
    cx: &Context,
) -> Result<(), BuildError> {
    if vars.is_empty() {
        return Ok(());
    }
    let targets: Vec<VarSource> = vars.iter().map(|var| VarSource::new(var)).collect();
    let mut by_name: IndexMap<&str, Vec<usize>> = IndexMap::default();
    for (number, target) in targets.iter().enumerate() {
        by_name.entry(target.id.name.as_str()).or_default().push(number);
    }
    let mut matches: Vec<Vec<usize>> = vec![Vec::new(); vars.len()];
    let schema = cx.schema();
    for (at, resource) in set.iter().enumerate() {
        let mut note = |id: &ResId| {
            for number in by_name.get(id.name.as_str()).into_iter().flatten() {
                let matches = &mut matches[*number];
                if matches.last() != Some(&at) && targets[*number].is(id) {
                    matches.push(at);
                }
            }
        };
        let knows = |name: &str| by_name.contains_key(name);
        // Ids are put together only where a name is asked for.
        if knows(resource.name()) || resource.history.previous.iter().any(|id| knows(&id.name)) {
            resource.previous_ids().for_each(|id| note(&id));
            note(&resource.id(schema));
        }
    }
    for (var, matches) in vars.iter().zip(&matches) {
        match matches.as_slice() {
            [] => {}
            [only] => {
                let resource = Arc::make_mut(&mut set.list_mut()[*only]);
                resource.history.vars.push(Str::from(var.name.as_str()));
            }
            several => return Err(ambiguous(var, several, set, cx)),
        }
    }
    Ok(())
}

fn ambiguous(var: &Spanned<Var>, matches: &[usize], set: &ResourceSet, cx: &Context) -> BuildError {
    let ids: Vec<_> = matches.iter().map(|at| format!("{:#}", set.as_slice()[*at].id(cx.schema()))).collect();
    let message = format!("the var `{}` could mean several resources: {}", var.name, ids.join(", "));
    BuildError::new(ErrorKind::Var, message).at(var.pos).with_help("say `namespace` in its `objref`")
}
