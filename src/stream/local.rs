//! Kafka beside the spine: the embedded broker of the demo, a plain producer to feed topics, and a reader to watch them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::Consumer,
    mocking::MockCluster,
    producer::{DefaultProducerContext, FutureRecord, Producer},
};

use super::{
    Settings, StreamError, client,
    sink::{answer, enqueue, to_kafka},
    source::owned,
};
use crate::article::{Header, Message};

/// librdkafka's mock cluster: a Kafka-compatible broker in this process. At-least-once only, in memory, 5 MiB a partition.
pub struct Embedded {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Embedded {
    /// Starts one broker with the given topics.
    ///
    /// # Errors
    /// When the broker or a topic cannot be made.
    pub fn start(topics: &[String], partitions: i32) -> Result<Self, StreamError> {
        let failed = |error| StreamError::Client { role: "embedded broker", error };
        let cluster = MockCluster::new(1).map_err(failed)?;
        for topic in topics {
            cluster.create_topic(topic, partitions, 1).map_err(failed)?;
        }
        Ok(Self { cluster })
    }

    /// Its bootstrap address.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}

/// A record to feed.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<Header>,
}

/// Keeps to a number of records a second, if there is one.
pub(super) struct Pace(Option<tokio::time::Interval>);

impl Pace {
    pub(super) fn new(per_second: Option<u32>) -> Self {
        Self(per_second.map(|rate| tokio::time::interval(Duration::from_secs(1) / rate.max(1))))
    }

    /// Waits until the next record may go.
    pub(super) async fn wait(&mut self) {
        if let Some(interval) = &mut self.0 {
            interval.tick().await;
        }
    }
}

/// Produces records to a topic in order, at most `per_second` where given; returns when the broker has them all.
///
/// # Errors
/// The first record that could not be delivered.
pub async fn feed(
    settings: &Settings,
    topic: &str,
    records: impl IntoIterator<Item = Record>,
    per_second: Option<u32>,
) -> Result<usize, StreamError> {
    let producer = client::feeder(settings)?;
    let failed =
        |error| StreamError::Delivery { topic: topic.to_owned(), error, mend: "see whether the topic exists and the brokers answer" };
    let mut pending = Vec::new();
    let mut pace = Pace::new(per_second);
    for record in records {
        pace.wait().await;
        let mut next: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).headers(to_kafka(record.headers.iter()));
        next.key = record.key.as_deref();
        next.payload = record.payload.as_deref();
        pending.push(enqueue(&producer, next).await.map_err(failed)?);
    }
    let count = pending.len();
    for delivery in pending {
        answer(delivery).await?.map_err(failed)?;
    }
    producer.flush(settings.delivery_timeout).map_err(failed)?;
    Ok(count)
}

/// Reads topics from their beginning, without a group, and hands every message to `seen` until `stop` is set. Blocks.
///
/// # Errors
/// When the reader cannot be made or the topics cannot be listed.
pub fn watch(settings: &Settings, topics: &[String], stop: &Arc<AtomicBool>, mut seen: impl FnMut(Message)) -> Result<(), StreamError> {
    let failed = |error| StreamError::Client { role: "reader", error };
    let consumer = client::reader(client::consumer(settings).set("group.id", "copydesk-watch").set("enable.auto.commit", "false"))?;
    let mut assignment = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).map_err(failed)?;
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).map_err(failed)?;
        }
    }
    consumer.assign(&assignment).map_err(failed)?;
    while !stop.load(Ordering::Relaxed) {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => seen(owned(&message)),
            Some(Err(error)) => tracing::debug!(%error, "watching"),
            None => {}
        }
    }
    Ok(())
}
