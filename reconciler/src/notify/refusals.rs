//! What to do with messages that a provider refuses.
//!
//! A refusal does not tell whether it is the provider that is set up wrong, or the message that it does not take. In the
//! first case every message is refused, and all of them wait until that is mended. In the second case the provider takes
//! the next message, and nothing must wait for the one that it refuses.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::outgoing::Outgoing;

/// How long messages are kept for a provider that takes none.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// How many messages are tried in a row.
const TRIES: usize = 5;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The message is kept, and the next one is tried.
    TryNext,
    /// The message is kept, and nothing is tried for a while.
    Wait,
    /// The message is given up.
    GiveUp,
}

/// The messages of a provider that it has refused.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Those that were refused a short while ago.
    aside: BTreeSet<u64>,
    /// How many messages that was.
    tries: usize,
    /// Those that were refused while another message was taken.
    doubtful: BTreeSet<u64>,
    /// Since when nothing is taken.
    since: Option<Timestamp>,
}

impl Refusals {
    /// The queued messages that are not to be tried now.
    pub fn aside(&self) -> &BTreeSet<u64> {
        &self.aside
    }

    /// Whether the next message can be tried now.
    pub fn may_try(&self) -> bool {
        self.tries < TRIES
    }

    /// A message was refused.
    pub fn refused(&mut self, outgoing: &Outgoing, now: Timestamp) -> Refusal {
        let since = *self.since.get_or_insert(now);
        let is_refused_alone = outgoing.ids.iter().all(|id| self.doubtful.contains(id));
        let is_old = now.duration_since(since.max(outgoing.message.added)) >= LONGEST_WAIT;
        if is_refused_alone || is_old {
            return Refusal::GiveUp;
        }
        self.aside.extend(&outgoing.ids);
        self.tries += 1;
        if self.may_try() { Refusal::TryNext } else { Refusal::Wait }
    }

    /// A message was taken. Those that were refused before are tried once more: the provider may have been mended in
    /// between.
    pub fn taken(&mut self) {
        self.doubtful.append(&mut self.aside);
        self.tries = 0;
        self.since = None;
    }

    /// A while has passed: all messages can be tried again.
    pub fn retry(&mut self) {
        self.aside.clear();
        self.tries = 0;
    }

    /// The provider was changed: what it has refused says nothing any more.
    pub fn forget(&mut self) {
        *self = Refusals::default();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reconciler_core::notify::Event;

    use super::*;
    use crate::notify::{Message, Name};

    fn outgoing(ids: &[u64], added: Timestamp) -> Outgoing {
        let name = Name { namespace: "apps".to_owned(), name: "slack".to_owned() };
        let event = Arc::new(Event::default());
        let message = Message { alert: name.clone(), provider: name, event, added };
        Outgoing { message, held: None, ids: ids.to_vec(), causes: Vec::new() }
    }

    #[test]
    fn a_provider_that_takes_nothing_is_waited_for() {
        let (mut refusals, start) = (Refusals::default(), Timestamp::UNIX_EPOCH);
        let after = |minutes| start + SignedDuration::from_mins(minutes);
        for id in 0..4 {
            assert_eq!(refusals.refused(&outgoing(&[id], start), start), Refusal::TryNext);
        }
        assert_eq!(refusals.refused(&outgoing(&[4, 5], start), start), Refusal::Wait);
        assert!(refusals.aside().iter().copied().eq(0..6) && !refusals.may_try());
        refusals.retry();
        assert!(refusals.aside().is_empty());
        assert_eq!(refusals.refused(&outgoing(&[0], start), after(59)), Refusal::TryNext);
        // Each is kept for an hour.
        let later = after(30);
        assert_eq!(refusals.refused(&outgoing(&[6], later), after(60)), Refusal::TryNext);
        assert_eq!(refusals.refused(&outgoing(&[0], start), after(60)), Refusal::GiveUp);
        assert_eq!(refusals.refused(&outgoing(&[6], later), after(90)), Refusal::GiveUp);
        // From when it is refused, since the provider may have been down before.
        refusals.forget();
        assert_eq!(refusals.refused(&outgoing(&[7], start), after(120)), Refusal::TryNext);
    }

    #[test]
    fn a_message_that_is_refused_alone_is_given_up() {
        let (mut refusals, now) = (Refusals::default(), Timestamp::UNIX_EPOCH);
        let refused = |refusals: &mut Refusals, id| refusals.refused(&outgoing(&[id], now), now);
        assert_eq!(refused(&mut refusals, 0), Refusal::TryNext);
        assert_eq!(refused(&mut refusals, 1), Refusal::TryNext);
        refusals.taken();
        assert!(refusals.aside().is_empty());
        assert_eq!(refused(&mut refusals, 0), Refusal::GiveUp);
        assert_eq!(refused(&mut refusals, 1), Refusal::GiveUp);
        assert_eq!(refused(&mut refusals, 3), Refusal::TryNext);
    }
}
