//! Reading a topic once, from somewhere to where it ended when the reading began, without joining a group.

use std::{collections::HashMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use super::{
    Settings, StreamError,
    client::{self, Quiet},
    source::owned,
};
use crate::article::Message;

/// How long the brokers may take to answer a question.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// What a partition holds, and where one may begin in it.
pub(super) struct Extent {
    pub(super) partition: i32,
    /// First offset.
    pub(super) low: i64,
    /// Offset after the last one that readers of committed records reach.
    pub(super) high: i64,
    /// First offset not before a time, `low` without one.
    pub(super) timely: i64,
    /// Where the consumer's group is.
    pub(super) committed: Option<i64>,
}

/// The extents of partitions (none are all), with the first offsets not before a time in milliseconds since the Unix epoch.
/// Where its group is, which takes a right on the group, is asked only if `placed`.
pub(super) fn extents(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    partitions: &[i32],
    since: Option<i64>,
    placed: bool,
) -> Result<Vec<Extent>, StreamError> {
    let failed = |error| StreamError::Client { role: "reader", error };
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(failed)?;
    let known = metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id());
    let wanted: Vec<i32> = known.filter(|id| partitions.is_empty() || partitions.contains(id)).collect();
    let mut asked = TopicPartitionList::new();
    for partition in &wanted {
        asked.add_partition_offset(topic, *partition, Offset::Offset(since.unwrap_or(0))).map_err(failed)?;
    }
    let times = since.map(|_| consumer.offsets_for_times(asked.clone(), PATIENCE)).transpose().map_err(failed)?;
    let places = placed.then(|| consumer.committed_offsets(asked, PATIENCE)).transpose().map_err(failed)?;
    let offset = |list: &TopicPartitionList, partition| list.find_partition(topic, partition).map(|element| element.offset());
    let extent = |partition| {
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE).map_err(failed)?;
        let timely = match times.as_ref().and_then(|times| offset(times, partition)) {
            Some(Offset::Offset(offset)) => offset,
            // No record is that young.
            Some(Offset::End) => high,
            _ => low,
        };
        let committed = match places.as_ref().and_then(|places| offset(places, partition)) {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        };
        Ok(Extent { partition, low, high, timely, committed })
    };
    wanted.into_iter().map(extent).collect()
}

/// A scan from one place in each partition to where it ended at the beginning of the scan.
pub(super) struct Scan {
    pub(super) consumer: BaseConsumer<Quiet>,
    pub(super) topic: String,
    /// Ends of the partitions not read to the end yet.
    left: HashMap<i32, i64>,
    /// Offsets between the places and the ends.
    pub(super) total: u64,
}

impl Scan {
    /// Begins at the beginning of the partitions (none are all), but not before a time in milliseconds since the Unix epoch,
    /// and not before the place a group has committed.
    pub(super) fn start(
        settings: &Settings,
        topic: &str,
        partitions: &[i32],
        since: Option<i64>,
        group: Option<&str>,
    ) -> Result<Self, StreamError> {
        let failed = |error| StreamError::Client { role: "reader", error };
        let mut config = client::consumer(settings);
        config.set("group.id", group.unwrap_or(&settings.group)).set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        config.remove("group.instance.id");
        let consumer = client::reader(&config)?;
        let mut assignment = TopicPartitionList::new();
        let extents = extents(&consumer, topic, partitions, since, group.is_some())?;
        let mut scan = Self { consumer, topic: topic.to_owned(), left: HashMap::new(), total: 0 };
        for Extent { partition, low, high, timely, committed } in extents {
            let begin = timely.max(committed.unwrap_or(low)).clamp(low, high);
            if begin < high {
                scan.left.insert(partition, high);
                scan.total += (high - begin).unsigned_abs();
                assignment.add_partition_offset(topic, partition, Offset::Offset(begin)).map_err(failed)?;
            }
        }
        scan.consumer.assign(&assignment).map_err(failed)?;
        Ok(scan)
    }

    /// The next message; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Message>, StreamError> {
        while !self.left.is_empty() {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let message = owned(&message);
                    match self.left.get(&message.partition) {
                        Some(end) if message.offset >= *end => drop(self.left.remove(&message.partition)),
                        Some(_) => return Ok(Some(message)),
                        None => {}
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(self.left.remove(&partition)),
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(client::passes) => {
                    tracing::debug!(%error, "reading")
                }
                Some(Err(error)) => return Err(StreamError::Client { role: "reader", error }),
                None => {}
            }
        }
        Ok(None)
    }
}

/// Hands every message a topic holds to `seen`. Blocks.
///
/// # Errors
/// When the topic cannot be read.
pub fn read_topic(settings: &Settings, topic: &str, mut seen: impl FnMut(Message)) -> Result<(), StreamError> {
    let mut scan = Scan::start(settings, topic, &[], None, None)?;
    while let Some(message) = scan.next()? {
        seen(message);
    }
    Ok(())
}
