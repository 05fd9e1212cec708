//! Whether the service is alive and ready, for those who ask over HTTP.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Whether the service is alive and ready; shared with the HTTP server.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    turned: AtomicU64,
    pub(super) ready: AtomicBool,
    patience: Duration,
}

impl Health {
    /// Health of a service whose poll thread must turn within `patience`.
    pub fn new(patience: Duration) -> Self {
        Self { started: Instant::now(), turned: AtomicU64::new(0), ready: AtomicBool::new(false), patience }
    }

    /// Whether the group has assigned partitions (perhaps none) at least once.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether the poll thread turned within the time the group allows.
    pub fn is_live(&self) -> bool {
        let turned = Duration::from_millis(self.turned.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(turned) < self.patience
    }

    /// The poll thread, or whoever waits for Kafka in its place, is alive.
    pub fn turn(&self) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.turned.store(millis, Ordering::Relaxed);
    }
}
