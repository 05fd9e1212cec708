//! The watch for partitions that nobody owns.
//!
//! Under the classic protocol, cooperative assignment moves a partition in two generations: its owner gives it up in the
//! first, and joins again for the second, in which the new owner gets it. A static member that is killed in between comes
//! back into the first generation without a rebalance, and what it had given up belongs to nobody until the group changes.
//! So static members look at the group. Where a partition stays without an owner for longer than a revocation may take,
//! the one that sees it leaves and joins again, which has the group assign anew.

use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use super::{GroupProtocol, Settings, client, source::Context};
use crate::metrics::Metrics;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(10);
/// Longest time to wait for an answer.
const ANSWER: Duration = Duration::from_secs(5);

type Partitions = BTreeSet<(String, i32)>;

/// The watch of one consumer.
pub(super) struct Owners {
    group: String,
    topics: Vec<String>,
    /// How long a partition may be without an owner: until a revocation is over, and its member has joined again.
    patience: Duration,
    metrics: Metrics,
}

impl Owners {
    /// The watch that these settings need: only a static member of a classic group does.
    pub(super) fn of(settings: &Settings, metrics: Metrics) -> Option<Self> {
        let needed = settings.protocol == GroupProtocol::Classic && settings.instance.is_some() && !settings.embedded;
        needed.then(|| Self {
            group: settings.group.clone(),
            topics: settings.input.clone(),
            patience: settings.drain_timeout + INTERVAL,
            metrics,
        })
    }

    /// Looks until the sender of `stopped` is gone.
    pub(super) fn run(self, consumer: &BaseConsumer<Context>, stopped: &Receiver<()>) {
        let mut seen: Option<(Partitions, Instant)> = None;
        while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let unowned = match self.unowned(consumer) {
                Ok(unowned) => unowned.unwrap_or_default(),
                Err(error) => {
                    tracing::debug!(%error, "could not ask who owns which partition; trying again");
                    continue;
                }
            };
            self.metrics.unowned(unowned.len());
            let since = seen.take().filter(|(before, _)| *before == unowned).map_or_else(Instant::now, |(_, since)| since);
            if unowned.is_empty() {
                continue;
            }
            if since.elapsed() < self.patience {
                seen = Some((unowned, since));
                continue;
            }
            tracing::warn!(partitions = ?unowned, "nobody owns these partitions; leaving the group and joining again so that it assigns them");
            consumer.unsubscribe();
            let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
            if let Err(error) = consumer.subscribe(&topics).map_err(client::masked) {
                tracing::error!(%error, "could not join the group again");
            }
        }
    }

    /// Partitions of the input that no member owns. None while the group is on the move, or holds a member that we cannot read.
    fn unowned(&self, consumer: &BaseConsumer<Context>) -> Result<Option<Partitions>, KafkaError> {
        let groups = consumer.fetch_group_list(Some(&self.group), ANSWER)?;
        let Some(group) = groups.groups().iter().find(|group| group.name() == self.group && group.state() == "Stable") else {
            return Ok(None);
        };
        let mut owned = Partitions::new();
        for member in group.members() {
            let Some(assigned) = assigned(member.assignment().unwrap_or_default()) else { return Ok(None) };
            owned.extend(assigned);
        }
        let mut unowned = Partitions::new();
        for name in &self.topics {
            let metadata = consumer.fetch_metadata(Some(name), ANSWER)?;
            for topic in metadata.topics().iter().filter(|topic| topic.error().is_none()) {
                unowned.extend(topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id())));
            }
        }
        unowned.retain(|partition| !owned.contains(partition));
        Ok(Some(unowned))
    }
}

/// The partitions of a `ConsumerProtocolAssignment`: its version, then topics with their partitions, all big-endian.
fn assigned(bytes: &[u8]) -> Option<Vec<(String, i32)>> {
    let mut assigned = Vec::new();
    if bytes.is_empty() {
        return Some(assigned);
    }
    let (_version, mut rest) = bytes.split_first_chunk::<2>()?;
    for _topic in 0..number(&mut rest)? {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (name, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let name = std::str::from_utf8(name).ok()?;
        rest = after;
        for _partition in 0..number(&mut rest)? {
            assigned.push((name.to_owned(), number(&mut rest)?));
        }
    }
    Some(assigned)
}

fn number(rest: &mut &[u8]) -> Option<i32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(i32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_and_cut_ones_are_not() {
        let bytes = b"\0\x01\0\0\0\x02\0\x01a\0\0\0\x02\0\0\0\0\0\0\0\x05\0\x02bc\0\0\0\x01\0\0\0\x03\xff\xff\xff\xff";
        let expected = [("a", 0), ("a", 5), ("bc", 3)].map(|(topic, partition)| (topic.to_owned(), partition));
        assert_eq!(assigned(bytes), Some(expected.to_vec()));
        for cut in 1..bytes.len() - 4 {
            assert_eq!(assigned(&bytes[..cut]), None, "{cut}");
        }
        // A member that was assigned nothing.
        assert_eq!(assigned(b""), Some(vec![]));
        assert_eq!(assigned(b"\0\x01\0\0\0\0\xff\xff\xff\xff"), Some(vec![]));
    }
}
