//! A limit to work that runs at the same time, shared fairly between namespaces.
//!
//! Namespaces take turns, and within a namespace the first to come is the first to be served. However many objects of
//! a namespace wait, an object of another namespace waits for at most one of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinError;

/// Permits, for which namespaces take turns.
pub(crate) struct Turns {
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// How many one namespace may have at a time.
    most: usize,
    /// How many each namespace has.
    held: HashMap<Arc<str>, usize>,
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<Permit>>>,
    /// The namespaces with somebody who waits; the first is the next.
    order: VecDeque<Arc<str>>,
}

/// The right to work, until it is dropped.
pub(crate) struct Permit {
    /// Where it goes back to, with the namespace that has it.
    home: Option<(Arc<Turns>, Arc<str>)>,
}

impl State {
    fn is_at_limit(&self, namespace: &str) -> bool {
        self.held.get(namespace).is_some_and(|held| *held >= self.most)
    }

    /// Takes the next one out of its line.
    fn next(&mut self) -> Option<(Arc<str>, oneshot::Sender<Permit>)> {
        if self.free == 0 {
            return None;
        }
        let place = self.order.iter().position(|namespace| !self.is_at_limit(namespace))?;
        let namespace = self.order.remove(place)?;
        let line = self.waiting.get_mut(&namespace)?;
        let first = line.pop_front();
        if line.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.order.push_back(Arc::clone(&namespace));
        }
        first.map(|first| (namespace, first))
    }

    fn hold(&mut self, namespace: &Arc<str>) {
        self.free -= 1;
        *self.held.entry(Arc::clone(namespace)).or_default() += 1;
    }

    fn release(&mut self, namespace: &Arc<str>) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(namespace) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(namespace);
            }
        }
    }
}

impl Turns {
    /// A number of permits, of which one namespace may have `most` at a time.
    pub(crate) fn new(permits: usize, most: usize) -> Arc<Self> {
        let state = State {
            free: permits,
            most,
            held: HashMap::new(),
            waiting: HashMap::new(),
            order: VecDeque::new(),
        };
        Arc::new(Turns { state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is the turn of an object of a namespace.
    pub(crate) async fn take(self: &Arc<Self>, namespace: &str) -> Permit {
        loop {
            let (sender, receiver) = oneshot::channel();
            {
                let mut state = self.state();
                let namespace: Arc<str> = namespace.into();
                let line = state.waiting.entry(Arc::clone(&namespace)).or_default();
                line.push_back(sender);
                if line.len() == 1 {
                    state.order.push_back(namespace);
                }
            }
            self.hand_out();
            if let Ok(permit) = receiver.await {
                return permit;
            }
        }
    }

    /// Does work that takes long, on a thread where it delays no task, when it is the turn of a namespace. The work keeps its
    /// permit until it is done, even if nobody waits for it any more.
    ///
    /// # Errors
    /// The work has panicked, or the process ends.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        namespace: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let permit = self.take(namespace).await;
        tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        })
        .await
    }

    /// Gives free permits to those whose turn it is.
    fn hand_out(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            let Some((namespace, waiting)) = state.next() else { return };
            state.hold(&namespace);
            drop(state);
            let permit = Permit { home: Some((Arc::clone(self), namespace)) };
            // Whoever does not wait any more gives it back without a further turn.
            if let Err(mut permit) = waiting.send(permit)
                && let Some((_, namespace)) = permit.home.take()
            {
                self.state().release(&namespace);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((turns, namespace)) = self.home.take() {
            turns.state().release(&namespace);
            turns.hand_out();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Permit> + Send>>;

    fn wait(turns: &Arc<Turns>, namespace: &'static str) -> Waiting {
        let turns = Arc::clone(turns);
        Box::pin(async move { turns.take(namespace).await })
    }

    /// The permit, if it is there. Nothing here depends on time.
    fn look(waiting: &mut Waiting) -> Option<Permit> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    /// The permit of the first in a line that has one, who leaves the line.
    fn served(line: &mut VecDeque<Waiting>) -> Option<Permit> {
        let (place, permit) =
            line.iter_mut().enumerate().find_map(|(place, one)| Some((place, look(one)?)))?;
        line.remove(place);
        Some(permit)
    }

    /// The permits of all in a line that have one, who leave the line.
    fn all_served(line: &mut VecDeque<Waiting>) -> VecDeque<Permit> {
        std::iter::from_fn(|| served(line)).collect()
    }

    #[test]
    fn a_thousand_objects_of_a_tenant_delay_nobody_else() {
        let turns = Turns::new(2, 2);
        let mut tenant: VecDeque<Waiting> = (0..1000).map(|_| wait(&turns, "tenant")).collect();
        let mut at_work = all_served(&mut tenant);
        assert_eq!((at_work.len(), tenant.len()), (2, 998));
        // Each that fails waits again, behind the others: the line never ends.
        let mut fail = |at_work: &mut VecDeque<Permit>| {
            at_work.pop_front();
            let mut again = wait(&turns, "tenant");
            assert!(look(&mut again).is_none());
            tenant.push_back(again);
            at_work.extend(served(&mut tenant));
        };
        (0..10).for_each(|_| fail(&mut at_work));
        let mut other = wait(&turns, "other");
        assert!(look(&mut other).is_none());
        let mut failed = 0;
        while look(&mut other).is_none() {
            failed += 1;
            assert!(failed <= 2, "one turn of the tenant, and then that of the other");
            fail(&mut at_work);
        }
    }

    /// The only thread of this runtime is free while the work of a tenant goes on, and another namespace has its turn.
    #[tokio::test]
    async fn long_work_of_a_tenant_delays_nobody_else() -> Result<(), JoinError> {
        let turns = Turns::new(2, 1);
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let own = Arc::clone(&turns);
        let tenant = tokio::spawn(async move { own.work("tenant", move || ended.recv().is_ok()).await });
        tokio::task::yield_now().await;
        assert_eq!(turns.work("other", || 1).await?, 1);
        assert!(end.send(()).is_ok());
        assert!(tenant.await??);
        Ok(())
    }

    #[test]
    fn a_namespace_has_not_all_permits() {
        let turns = Turns::new(4, 3);
        let mut tenant: VecDeque<Waiting> = (0..10).map(|_| wait(&turns, "tenant")).collect();
        let at_work = all_served(&mut tenant);
        assert_eq!(at_work.len(), 3);
        assert!(look(&mut wait(&turns, "other")).is_some());
        drop(at_work);
        let mut count = 0;
        while served(&mut tenant).is_some() {
            count += 1;
        }
        assert_eq!(count, 7);
    }

    #[test]
    fn who_no_longer_waits_keeps_nothing() {
        let turns = Turns::new(1, 1);
        let first = look(&mut wait(&turns, "a"));
        assert!(first.is_some());
        let (mut gone, mut next) = (wait(&turns, "a"), wait(&turns, "b"));
        assert!(look(&mut gone).is_none() && look(&mut next).is_none());
        drop(gone);
        drop(first);
        let permit = look(&mut next);
        assert!(permit.is_some());
        // One that was handed out and never picked up goes back as well.
        let mut lost = wait(&turns, "c");
        assert!(look(&mut lost).is_none());
        drop(permit);
        drop(lost);
        assert!(look(&mut wait(&turns, "d")).is_some());
    }
}
