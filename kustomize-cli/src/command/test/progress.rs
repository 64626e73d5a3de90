//! How far a long run is, on a terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// What takes less needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// A line on standard error that counts, if that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    done: usize,
    visible: bool,
    /// When to show how far it is.
    next: Instant,
    shown: bool,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let visible = std::io::stderr().is_terminal() && !dumb;
        Progress { total, done: 0, visible, next: Instant::now() + PATIENCE, shown: false }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        let now = Instant::now();
        if self.visible && now >= self.next {
            self.next = now + INTERVAL;
            self.shown = true;
            let _ = write!(std::io::stderr(), "\r\x1b[K{} of {} overlays", self.done, self.total);
        }
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
