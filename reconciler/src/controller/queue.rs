//! Which objects are due, and when.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Objects by the time at which they are due. An object that is being worked on is not handed out
/// again before that is done.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    due: BTreeSet<(Instant, Key)>,
    at: HashMap<Key, Instant>,
    /// What is being worked on, and since when.
    running: HashMap<Key, Instant>,
    /// How many have been handed out.
    taken: u64,
}

/// What can be told of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// How many objects are due and wait.
    pub(crate) waiting: u64,
    /// How many have become due.
    pub(crate) added: u64,
    /// How long the objects that are being worked on have been, together.
    pub(crate) unfinished: Duration,
    /// How long the first of them has been.
    pub(crate) longest: Duration,
}

impl State {
    fn figures(&self, now: Instant) -> Figures {
        let waiting = self.due.iter().take_while(|(at, _)| *at <= now).count() as u64;
        let running = || self.running.values().map(|since| now.saturating_duration_since(*since));
        Figures {
            waiting,
            added: self.taken + waiting,
            unfinished: running().sum(),
            longest: running().max().unwrap_or_default(),
        }
    }

    /// Makes an object due at a time, or earlier if it is so already.
    fn add(&mut self, key: Key, at: Instant) {
        match self.at.get(&key) {
            Some(known) if *known <= at => return,
            Some(known) => {
                self.due.remove(&(*known, key.clone()));
            }
            None => {}
        }
        self.at.insert(key.clone(), at);
        self.due.insert((at, key));
    }

    /// The first object that is due and rests, or when to look again.
    fn take(&mut self, now: Instant) -> Result<Key, Option<Instant>> {
        let first = self.due.iter().find(|(_, key)| !self.running.contains_key(key)).cloned();
        match first {
            Some((at, key)) if at <= now => {
                self.due.remove(&(at, key.clone()));
                self.at.remove(&key);
                self.running.insert(key.clone(), now);
                self.taken += 1;
                Ok(key)
            }
            Some((at, _)) => Err(Some(at)),
            None => Err(None),
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be told of it now.
    pub(crate) fn figures(&self) -> Figures {
        self.state().figures(Instant::now())
    }

    /// Makes an object due now.
    pub(crate) fn add(&self, key: Key) {
        self.state().add(key, Instant::now());
        self.changed.send_replace(());
    }

    /// Makes objects due now.
    pub(crate) fn add_all(&self, keys: impl IntoIterator<Item = Key>) {
        keys.into_iter().for_each(|key| self.add(key));
    }

    /// Whether an object is being worked on.
    pub(crate) fn is_working_on(&self, key: &Key) -> bool {
        self.state().running.contains_key(key)
    }

    /// Waits for the next object that is due.
    pub(crate) async fn next(&self) -> Key {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let taken = self.state().take(Instant::now());
            match taken {
                Ok(key) => return key,
                Err(Some(at)) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    _ = changed.changed() => {}
                },
                // The sender is here: it cannot be gone.
                Err(None) => drop(changed.changed().await),
            }
        }
    }

    /// Waits until an object that is being worked on has become due again.
    pub(crate) async fn wanted_again(&self, key: &Key) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if self.state().at.get(key).is_some_and(|at| *at <= Instant::now()) {
                return;
            }
            drop(changed.changed().await);
        }
    }

    /// Ends the work on an object, which is due again after a while.
    pub(crate) fn done(&self, key: &Key, next: Option<Duration>) {
        let mut state = self.state();
        state.running.remove(key);
        if let Some(next) = next {
            state.add(key.clone(), Instant::now() + next);
        }
        drop(state);
        self.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { namespace: "x".to_owned(), name: name.to_owned() }
    }

    #[test]
    fn an_object_is_worked_on_once_at_a_time() {
        let (mut state, start) = (State::default(), Instant::now());
        let minute = Duration::from_secs(60);
        state.add(key("a"), start);
        state.add(key("a"), start + minute);
        assert_eq!(state.take(start), Ok(key("a")));
        // Changed meanwhile.
        state.add(key("a"), start);
        assert_eq!(state.take(start), Err(None));
        state.running.remove(&key("a"));
        assert_eq!(state.take(start), Ok(key("a")));
        state.running.remove(&key("a"));
        state.add(key("a"), start + minute);
        assert_eq!(state.take(start), Err(Some(start + minute)));
        assert_eq!(state.take(start + minute), Ok(key("a")));
    }
}
