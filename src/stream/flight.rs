//! What is in flight: messages read whose offset is not stored yet, bounded in number and in bytes.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
struct Load {
    messages: usize,
    bytes: usize,
}

/// The bound, and the way to wait for it.
#[derive(Debug)]
pub(super) struct Flight {
    load: Mutex<Load>,
    changed: Condvar,
    most_messages: usize,
    most_bytes: usize,
}

impl Flight {
    pub(super) fn new(most_messages: usize, most_bytes: usize) -> Self {
        Self { load: Mutex::default(), changed: Condvar::new(), most_messages, most_bytes }
    }

    /// Admits a message, waiting up to `patience` for room. One message is always admitted, whatever its size.
    pub(super) fn admit(&self, bytes: usize, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut load = self.lock();
        loop {
            let fits = load.messages < self.most_messages && (load.bytes + bytes <= self.most_bytes || load.messages == 0);
            if fits {
                load.messages += 1;
                load.bytes += bytes;
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { return false };
            load = self.changed.wait_timeout(load, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A message is done.
    pub(super) fn leave(&self, bytes: usize) {
        let mut load = self.lock();
        load.messages = load.messages.saturating_sub(1);
        load.bytes = load.bytes.saturating_sub(bytes);
        self.changed.notify_all();
    }

    /// Waits until nothing is in flight; false when that takes longer than `patience`.
    pub(super) fn drained(&self, patience: Duration) -> bool {
        let guard = self.lock();
        let (load, _) = self.changed.wait_timeout_while(guard, patience, |load| load.messages > 0).unwrap_or_else(PoisonError::into_inner);
        load.messages == 0
    }

    /// Whether at least half of both bounds is free again.
    pub(super) fn relaxed(&self) -> bool {
        let load = self.lock();
        load.messages * 2 <= self.most_messages && load.bytes * 2 <= self.most_bytes || load.messages == 0
    }

    /// Messages and bytes in flight.
    pub(super) fn load(&self) -> (usize, usize) {
        let load = self.lock();
        (load.messages, load.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Load> {
        // A panic while counting cannot leave the two numbers half changed in a way that matters.
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_messages_and_bytes() {
        let flight = Flight::new(2, 100);
        let now = Duration::ZERO;
        assert!(flight.admit(500, now), "the first is admitted whatever its size");
        assert!(!flight.admit(1, now), "bytes are full");
        flight.leave(500);
        assert!(flight.admit(50, now) && flight.admit(50, now));
        assert!(!flight.admit(0, now), "messages are full");
        assert!(!flight.relaxed() && !flight.drained(now));
        flight.leave(50);
        flight.leave(50);
        assert!(flight.relaxed() && flight.drained(now));
        assert_eq!(flight.load(), (0, 0));
    }
}
