//! Many overlays at once.

use super::{Case, Confined, Outcome};
use crate::parallel::Threads;
use crate::session::Session;

/// Overlays that are rendered before the next ones: enough for all cores and to share bases, few
/// enough to tell how far it is and to keep no more in memory.
const BATCH: usize = 64;

/// Checks cases on all cores. The outcomes come in the order of the cases; `done` hears of each
/// soon after it is there, in the same order.
///
/// Afterwards [`Session::inputs`] says what each overlay was made of.
pub fn check_all(
    session: &Session<Confined<'_>>,
    cases: &[Case],
    mut done: impl FnMut(&Case, &Outcome),
) -> Vec<Outcome> {
    let host = session.host().unconfined();
    let mut outcomes = Vec::with_capacity(cases.len());
    for batch in cases.chunks(BATCH) {
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
