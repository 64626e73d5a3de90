//! What the reconciler takes from the machine besides files and the network: the time of day, and randomness.
//!
//! Both are given, so that tests and simulations decide them. Durations are measured and waited for with tokio's clock,
//! which can be paused; the network is a [`kube::Client`] over any `tower` service.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// The time of day and randomness. Clones share them.
///
/// ```
/// use jiff::Timestamp;
/// use reconciler::environment::Environment;
///
/// let environment = Environment::new(|| Timestamp::UNIX_EPOCH, || 0.5);
/// assert_eq!(environment.now(), Timestamp::UNIX_EPOCH);
/// assert_eq!(environment.random(), 0.5);
/// ```
#[derive(Clone)]
pub struct Environment {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Environment {
    /// The time that `now` tells, and random numbers from `random`: at least 0, and less than 1.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        random: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Environment { now: Arc::new(now), random: Arc::new(random) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A random number, at least 0 and less than 1.
    #[must_use]
    pub fn random(&self) -> f64 {
        (self.random)()
    }
}

impl Default for Environment {
    /// That of the machine.
    fn default() -> Self {
        Environment::new(Timestamp::now, rand::random::<f64>)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
