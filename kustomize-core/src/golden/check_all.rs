//! Many overlays at once.

use super::confined::root_around;
use super::{Case, Outcome, Sessions};
use crate::parallel::Threads;

/// Overlays that are rendered before the next ones: enough for all cores and to share bases, few
/// enough to tell how far it is and to keep no more in memory.
const BATCH: usize = 64;

/// Checks cases on all cores. The outcomes come in the order of the cases; `done` hears of each
/// soon after it is there, in the same order.
///
/// Overlays of one repository share what they have in common. Afterwards the session of each
/// ([`Sessions::of`]) says what it was made of ([`Session::inputs`](crate::Session::inputs)).
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
        let session = sessions.open(first);
        let paths: Vec<&str> =
            batch.iter().filter(|case| !case.is_orphan).map(|case| case.overlay.as_str()).collect();
        let mut rendered = session.build_many(&paths).into_iter();
        let mut next = |case: &Case| if case.is_orphan { None } else { rendered.next() };
        let pairs: Vec<_> = batch.iter().map(|case| (case, next(case))).collect();
        let compared = Threads::all().map(&pairs, 1, |(case, rendered)| match rendered {
            Some(rendered) => {
                let yaml = rendered.as_ref().map_err(Clone::clone).and_then(|rendered| rendered.yaml());
                case.compare(host, yaml)
            }
            None => case.orphaned(host),
        });
        batch.iter().zip(&compared).for_each(|(case, outcome)| done(case, outcome));
        outcomes.extend(compared);
    }
    outcomes
}
