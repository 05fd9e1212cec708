//! A line that shows how far long work is, on a terminal only.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// The line.
pub(super) struct Bar {
    begun: Instant,
    drawn: Option<Instant>,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), drawn: None }
    }

    /// Draws it again, some times a second.
    pub(super) fn show(&mut self, done: u64, total: u64, note: &str) {
        if !std::io::stderr().is_terminal() || self.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_millis(200)) {
            return;
        }
        self.drawn = Some(Instant::now());
        let filled = usize::try_from(done.min(total) * 30 / total.max(1)).unwrap_or(30);
        let rate = done as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        // A progress line that cannot be written is no reason to stop.
        write!(std::io::stderr(), "\r[{:<30}] {done} of {total} · {rate:.0}/s {note}\x1b[K", "#".repeat(filled)).ok();
    }
}

impl Drop for Bar {
    /// Clears it: what follows is the summary.
    fn drop(&mut self) {
        if self.drawn.is_some() {
            write!(std::io::stderr(), "\r\x1b[K").ok();
        }
    }
}
