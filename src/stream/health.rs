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
    /// Rejected share that stopped the reading, in millionths and one more; 0 while nothing did.
    quarantined: AtomicU64,
    lag: AtomicU64,
    finished: AtomicBool,
    patience: Duration,
}

impl Health {
    /// Health of a service whose poll thread must turn within `patience`.
    pub fn new(patience: Duration) -> Self {
        Self {
            started: Instant::now(),
            turned: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            quarantined: AtomicU64::new(0),
            lag: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            patience,
        }
    }

    /// Whether the group has assigned partitions (perhaps none) at least once.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Completes when a backfill has read all there is to read.
    pub async fn finished(&self) {
        while !self.finished.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    /// Messages that wait in the partitions of this instance, as of a second ago.
    pub fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed)
    }

    pub(super) fn set_lag(&self, lag: u64) {
        self.lag.store(lag, Ordering::Relaxed);
    }

    /// The share of rejected messages that stopped the reading, if it is stopped.
    pub fn quarantined(&self) -> Option<f64> {
        let stored = self.quarantined.load(Ordering::Relaxed);
        (stored > 0).then(|| (stored - 1) as f64 / 1e6)
    }

    /// Reading stops, for good. Whether this call stopped it.
    pub(super) fn quarantine(&self, share: f64) -> bool {
        let stored = (share * 1e6) as u64 + 1;
        self.quarantined.compare_exchange(0, stored, Ordering::Relaxed, Ordering::Relaxed).is_ok()
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
