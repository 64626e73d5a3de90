//! Kustomizations that others build on. Where several do, a base is rendered once.

use super::accumulator::Accumulator;
use super::resources::accumulate_directory;
use super::target::Target;
use crate::build_context::BuildContext;
use crate::error::BuildError;
use crate::loader::Loader;
use crate::store::{Base, BaseKey};
use crate::yaml::decode::Spanned;

/// What the kustomization of a directory gathers.
pub(super) fn accumulate<'a>(
    cx: &BuildContext<'a>,
    parent: &Target<'a>,
    loader: Loader<'a>,
    path: &Spanned<String>,
) -> Result<Accumulator, BuildError> {
    let key = key(cx, parent, &loader, path);
    if let Some(base) = known(cx, &key, &loader) {
        cx.note_reuse();
        cx.recorder.reuse(&base.trace);
        cx.warnings().extend_from_slice(&base.warnings);
        return Ok(Accumulator::from_base(&base));
    }
    let is_kept = is_kept(cx, &key, &loader);
    let earlier = cx.warnings().len();
    cx.recorder.begin(loader.root());
    let gathered = accumulate_directory(cx, parent, loader, path, None);
    let trace = cx.recorder.end();
    let gathered = gathered?;
    if is_kept && !trace.has_effects() {
        let warnings = cx.warnings().get(earlier..).unwrap_or_default().to_vec();
        cx.store.bases.put(key, gathered.to_base(warnings, trace));
    }
    Ok(gathered)
}

fn key(cx: &BuildContext<'_>, parent: &Target<'_>, loader: &Loader<'_>, path: &str) -> BaseKey {
    let metadata = &parent.kustomization.build_metadata;
    BaseKey {
        root: loader.root().to_owned(),
        helm_namespace: parent.helm_namespace_below().to_owned(),
        origin: parent.origin.as_ref().map(|origin| format!("{metadata:?} {:?}", origin.append(path))),
        schema: cx.schema_key().map(str::to_owned),
    }
}

/// A base that was rendered before, unless it would be refused here or has changed.
fn known(cx: &BuildContext<'_>, key: &BaseKey, loader: &Loader<'_>) -> Option<Base> {
    if !cx.reuses() || loader.is_in_checkout() {
        return None;
    }
    let base = cx.store.bases.get(key)?;
    let may_be_refused = loader.is_too_deep_for(base.trace.height())
        || base.trace.any_root(|root| loader.is_built_on_by(root));
    (!may_be_refused && cx.recorder.holds(&base.trace)).then(|| Base::clone(&base))
}

/// Whether it is worth keeping. A build that stands alone keeps what it meets a second time: most
/// bases are met once.
fn is_kept(cx: &BuildContext<'_>, key: &BaseKey, loader: &Loader<'_>) -> bool {
    cx.reuses() && !loader.is_in_checkout() && (cx.store.is_lasting() || cx.store.bases.meet(key) > 0)
}
