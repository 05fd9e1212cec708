//! Reading a stretch of a topic again with the whole service: in a group of its own, to a topic of its own, at a pace.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
};

use super::{
    Settings, StreamError, client,
    scan::{Extent, extents, read_topic},
    sink::header,
};
use crate::article::Message;

/// What to read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Not before this time, milliseconds since the Unix epoch.
    pub since: Option<i64>,
    /// Only these partitions, from these offsets; none are all from the beginning.
    pub from: Vec<(i32, i64)>,
    /// From there again, whatever was done before.
    pub again: bool,
    /// Messages a second.
    pub rate: Option<u32>,
}

/// The stretch that is read, and how fast. Part of the settings of a run that ends by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backfill {
    /// Where each partition ends; those with nothing to read are missing.
    pub(super) ends: HashMap<i32, i64>,
    /// The only messages to work on, by partition and offset.
    pub only: Option<HashSet<(i32, i64)>>,
    /// Messages a second.
    pub(super) rate: Option<u32>,
    /// Offsets to read.
    pub total: u64,
    /// Whether an earlier run is carried on.
    pub resumed: bool,
}

/// Finds the stretch, and commits its beginning for the group, unless that has a place already. Blocks.
///
/// # Errors
/// When the brokers do not answer.
pub fn plan(settings: &Settings, topic: &str, request: &Request) -> Result<Backfill, StreamError> {
    let failed = |error| StreamError::Client { role: "planner", error };
    let consumer = client::reader(client::consumer(settings).set("enable.auto.commit", "false"))?;
    let mut found = Backfill { rate: request.rate, ..Backfill::default() };
    let mut starts = TopicPartitionList::new();
    for Extent { partition, low, high, timely, committed } in extents(&consumer, topic, &[], request.since, true)? {
        let named = request.from.iter().find(|(named, _)| *named == partition).map(|(_, offset)| *offset);
        let wanted = if request.from.is_empty() { timely } else { named.unwrap_or(high).max(timely) };
        let kept = committed.filter(|_| !request.again);
        found.resumed |= kept.is_some();
        let start = kept.unwrap_or(wanted).clamp(low, high);
        starts.add_partition_offset(topic, partition, Offset::Offset(start)).map_err(failed)?;
        if start < high {
            found.ends.insert(partition, high);
            found.total += (high - start).unsigned_abs();
        }
    }
    consumer.commit(&starts, CommitMode::Sync).map_err(failed)?;
    Ok(found)
}

/// Where the inputs were read whose enriched records `wanted` takes, by partition and offset, and how many records do not say.
/// Blocks.
///
/// # Errors
/// When the topic cannot be read.
pub fn origins(
    settings: &Settings,
    output: &str,
    input: &str,
    wanted: impl Fn(&Message) -> bool,
) -> Result<(HashSet<(i32, i64)>, u64), StreamError> {
    let (mut found, mut silent) = (HashSet::new(), 0);
    read_topic(settings, output, |message| {
        if message.payload.is_none() || !wanted(&message) {
            return;
        }
        let number = |name| message.header_text(name).and_then(|text| text.parse::<i64>().ok());
        let partition = number(header::SOURCE_PARTITION).and_then(|partition| i32::try_from(partition).ok());
        match (message.header_text(header::SOURCE_TOPIC), partition, number(header::SOURCE_OFFSET)) {
            (Some(topic), Some(partition), Some(offset)) if topic == input => drop(found.insert((partition, offset))),
            (Some(_), ..) => {}
            _ => silent += 1,
        }
    })?;
    Ok((found, silent))
}

/// What is left of a stretch while it is read, and when the next message may go.
#[derive(Debug)]
pub(super) struct Stretch {
    backfill: Backfill,
    left: HashSet<i32>,
    begun: Instant,
    admitted: u64,
}

impl Stretch {
    pub(super) fn new(backfill: Backfill) -> Self {
        let left = backfill.ends.keys().copied().collect();
        Self { backfill, left, begun: Instant::now(), admitted: 0 }
    }

    /// Whether a message that was read belongs to the stretch.
    pub(super) fn takes(&mut self, message: &Message) -> bool {
        let end = self.backfill.ends.get(&message.partition).copied().unwrap_or(0);
        if message.offset + 1 >= end {
            self.left.remove(&message.partition);
        }
        message.offset < end && self.backfill.only.as_ref().is_none_or(|only| only.contains(&(message.partition, message.offset)))
    }

    /// A partition has no more, for now.
    pub(super) fn ended(&mut self, partition: i32) {
        self.left.remove(&partition);
    }

    pub(super) fn is_read(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether the pace allows another message.
    pub(super) fn allows(&self) -> bool {
        self.backfill.rate.is_none_or(|rate| self.begun.elapsed() >= Duration::from_secs_f64(self.admitted as f64 / f64::from(rate.max(1))))
    }

    pub(super) fn admitted(&mut self) {
        self.admitted += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(partition: i32, offset: i64) -> Message {
        Message { partition, offset, ..Message::local(Vec::new()) }
    }

    #[test]
    fn a_stretch_ends_where_it_was_said_to() {
        let backfill =
            Backfill { ends: HashMap::from([(0, 3), (2, 5)]), only: Some(HashSet::from([(0, 1), (0, 2), (2, 7)])), ..Backfill::default() };
        let mut stretch = Stretch::new(backfill);
        assert_eq!([0, 1, 2, 3].map(|offset| stretch.takes(&message(0, offset))), [false, true, true, false]);
        assert!(!stretch.takes(&message(1, 0)), "a partition that is not part of it");
        assert!(!stretch.takes(&message(2, 3)) && !stretch.is_read());
        stretch.ended(2);
        assert!(stretch.is_read() && stretch.allows());
    }
}
