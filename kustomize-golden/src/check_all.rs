//! Many overlays at once.

use crate::place::root_around;
use crate::{Case, Outcome, Sessions};

/// Overlays in a batch: enough to keep all cores busy and to share bases, few enough to report progress.
const BATCH: usize = 64;

/// A case whose overlay is rendered.
struct Overlay<'c>(&'c Case);

impl AsRef<str> for Overlay<'_> {
    fn as_ref(&self) -> &str {
        &self.0.overlay
    }
}

/// Checks cases on all cores. The outcomes are in the order of the cases. `done` is called for each
/// of them, in the same order, as soon as its batch is finished.
///
/// Overlays of the same repository share bases and files. Afterwards the session of each
/// ([`Sessions::of`]) says what it was made of
/// ([`Session::inputs`](kustomize_core::Session::inputs)).
pub fn check_all(
    sessions: &mut Sessions<'_>,
    cases: &[Case],
    mut done: impl FnMut(&Case, &Outcome),
) -> Vec<Outcome> {
    let host = sessions.host();
    let mut outcomes = Vec::with_capacity(cases.len());
    let same_repository =
        |one: &Case, other: &Case| root_around(host, &one.overlay) == root_around(host, &other.overlay);
    for batch in cases.chunk_by(same_repository).flat_map(|cases| cases.chunks(BATCH)) {
        let Some(first) = batch.first() else { continue };
        let overlays: Vec<_> = batch.iter().filter(|case| !case.is_orphan).map(Overlay).collect();
        // Compared where it is rendered, so that only a few renderings are in memory at a time.
        let compared = sessions.open(first).map_many(&overlays, |Overlay(case), rendered| {
            case.compare(host, rendered.and_then(|rendered| rendered.yaml()))
        });
        let mut compared = compared.into_iter();
        for case in batch {
            let rendered = if case.is_orphan { None } else { compared.next() };
            let outcome = rendered.unwrap_or_else(|| case.orphaned(host));
            done(case, &outcome);
            outcomes.push(outcome);
        }
    }
    outcomes
}
