//! How far a long run is, on a terminal.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What takes less needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// A line on standard error that counts, if that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    state: Option<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    done: usize,
    next: Instant,
    shown: bool,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let visible = std::io::stderr().is_terminal() && !dumb;
        let state = State { done: 0, next: Instant::now() + PATIENCE, shown: false };
        Progress { total, state: visible.then(|| Mutex::new(state)) }
    }

    /// One more is done.
    pub(super) fn step(&self) {
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) else { return };
        state.done += 1;
        let now = Instant::now();
        if now >= state.next {
            state.next = now + INTERVAL;
            state.shown = true;
            let _ = write!(std::io::stderr(), "\r\x1b[K{} of {} overlays", state.done, self.total);
        }
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        if let Some(Ok(state)) = self.state.map(Mutex::into_inner)
            && state.shown
        {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
