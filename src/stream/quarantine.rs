//! The quarantine budget: when too large a share of the last minutes' messages is rejected, something upstream or here is
//! broken, and going on would move a topic into the dead letters. Reading stops until the service is restarted.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Health;
use crate::{article::Reason, metrics::Metrics};

/// How much may be rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantine {
    /// Share of rejected messages, 0 to 1, beyond which reading stops; 1 is never.
    pub share: f64,
    /// The time it is counted over.
    pub window: Duration,
    /// Messages there must be in that time.
    pub least: u64,
}

/// Slices the window is counted in.
const SLICES: u32 = 20;

#[derive(Debug)]
struct Slice {
    begun: Instant,
    messages: u64,
    rejected: u64,
}

/// Counts outcomes, and stops reading when the budget is spent.
#[derive(Debug)]
pub(super) struct Guard {
    budget: Quarantine,
    slices: Mutex<VecDeque<Slice>>,
    health: Arc<Health>,
    metrics: Metrics,
}

impl Guard {
    pub(super) fn new(budget: Quarantine, health: Arc<Health>, metrics: Metrics) -> Self {
        Self { budget, slices: Mutex::default(), health, metrics }
    }

    /// A message is done; the reason if it was rejected.
    pub(super) fn note(&self, reason: Option<Reason>) {
        if self.budget.share >= 1.0 {
            return;
        }
        let (messages, rejected) = self.count(Instant::now(), reason.is_some());
        let share = rejected as f64 / messages as f64;
        if messages >= self.budget.least && share > self.budget.share && self.health.quarantine(share) {
            self.metrics.quarantined();
            tracing::error!(
                share,
                messages,
                window = ?self.budget.window,
                last_reason = reason.map(Reason::code),
                "too much is rejected: reading stops until a restart; mend what is wrong, or raise quarantine.share, then `copydesk dlq replay`"
            );
        }
    }

    /// Messages and rejected ones within the window, this one included.
    fn count(&self, now: Instant, rejected: bool) -> (u64, u64) {
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        while slices.front().is_some_and(|slice| now.duration_since(slice.begun) > self.budget.window) {
            slices.pop_front();
        }
        if slices.back().is_none_or(|slice| now.duration_since(slice.begun) > self.budget.window / SLICES) {
            slices.push_back(Slice { begun: now, messages: 0, rejected: 0 });
        }
        if let Some(slice) = slices.back_mut() {
            slice.messages += 1;
            slice.rejected += u64::from(rejected);
        }
        slices.iter().fold((0, 0), |(messages, rejected), slice| (messages + slice.messages, rejected + slice.rejected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_when_the_share_of_the_window_is_too_large_and_never_at_one() {
        let guard = |share| {
            let health = Arc::new(Health::new(Duration::from_secs(60)));
            Guard::new(Quarantine { share, window: Duration::from_secs(60), least: 10 }, Arc::clone(&health), Metrics::new().unwrap())
        };
        let (strict, never) = (guard(0.5), guard(1.0));
        for index in 0..9 {
            strict.note(Some(Reason::Empty));
            never.note(Some(Reason::Empty));
            assert!(strict.health.quarantined().is_none(), "{index} are too few to tell");
        }
        strict.note(None);
        assert_eq!(strict.health.quarantined(), Some(0.9));
        never.note(Some(Reason::Empty));
        assert!(never.health.quarantined().is_none());
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let health = Arc::new(Health::new(Duration::from_secs(60)));
        let budget = Quarantine { share: 0.5, window: Duration::from_secs(60), least: 1 };
        let guard = Guard::new(budget, health, Metrics::new().unwrap());
        let begin = Instant::now();
        assert_eq!(guard.count(begin, true), (1, 1));
        assert_eq!(guard.count(begin + Duration::from_secs(30), false), (2, 1));
        assert_eq!(guard.count(begin + Duration::from_secs(61), false), (2, 0));
    }
}
