//! The spine: read, work, publish, commit. In order per partition, at least once or exactly once.
//!
//! ```text
//! poll thread --bounded by Flight--> work on the CPU, in order --> enqueue, one at a time --> wait for the broker,
//! in order --> store the offset --> (librdkafka commits stored offsets)
//! ```
//!
//! Exactly once, the last two steps are windows of one transaction each: see `transactions`.
//!
//! Invariants:
//! - An offset is stored only after the broker acknowledged the record of its message and of all before it in its
//!   partition: the stream is ordered, so the watermark is contiguous by construction.
//! - Every message leaves as at least one record: enriched, tombstone or dead letter.
//! - Everything in flight is bounded in messages and in bytes, from reading to acknowledgement.
//! - The work is a closure: nothing here knows about text.

mod admin;
mod backfill;
mod client;
mod flight;
mod health;
mod letters;
mod local;
mod owners;
mod quarantine;
mod scan;
mod sink;
mod source;
mod token;
mod transactions;

pub use admin::{Created, create_topics, largest_records};
pub use backfill::{Backfill, Request, origins, plan};
pub use client::{FETCH_BYTES, QUEUE_BYTES, Security, fetch_topics, refused_keys};
pub use health::Health;
pub use letters::{Progress, Replay, Selection, dead_letters, replay};
pub use local::{Embedded, Record, feed, watch};
pub use quarantine::Quarantine;
pub use scan::read_topic;
/// Bytes the poll thread may have in hand while there is no room in flight.
pub const IN_HAND_BYTES: usize = source::HELD_BYTES;
pub use sink::{Routing, dead_letter_headers, header};

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;

use crate::{
    article::{Message, Outcome, Reason, Rejection},
    metrics::Metrics,
};
use client::Limits;
use quarantine::Guard;
use sink::Sink;
use source::{Admitted, Source};

/// How often a message's records may become visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// At least once: repeats after a crash.
    AtLeastOnce,
    /// Exactly once, for readers with `isolation.level=read_committed`.
    ExactlyOnce(Transactions),
}

/// Transactions of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions {
    /// `transactional.id`: the same after a restart, and of no other instance.
    pub id: String,
    /// How long the brokers keep a transaction open before they abort it.
    pub timeout: Duration,
    /// Length of a window while there is no lag: how long an article waits to become visible.
    pub shortest: Duration,
    /// Length of a window under lag, when fewer commits matter more than a quick one.
    pub longest: Duration,
}

/// How the group assigns partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupProtocol {
    /// By its members, cooperatively.
    Classic,
    /// By the brokers (KIP-848).
    Consumer,
}

/// Everything the stream needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bootstrap servers, apart by commas.
    pub brokers: String,
    /// Consumer group.
    pub group: String,
    /// `group.instance.id`, for static membership.
    pub instance: Option<String>,
    /// How partitions are assigned.
    pub protocol: GroupProtocol,
    /// At least or exactly once.
    pub delivery: Delivery,
    /// Topics to read.
    pub input: Vec<String>,
    /// Topic of enriched articles.
    pub output: String,
    /// Topic of dead letters.
    pub dead_letters: String,
    /// Further output topics by language or topic.
    pub routing: Option<Routing>,
    /// Articles worked on at once.
    pub workers: usize,
    /// Most messages in flight.
    pub in_flight: usize,
    /// Most bytes in flight.
    pub in_flight_bytes: usize,
    /// Largest record read or written.
    pub max_message_bytes: usize,
    /// How long a record may take to be acknowledged.
    pub delivery_timeout: Duration,
    /// How long a revocation waits for the messages in flight.
    pub drain_timeout: Duration,
    /// How long a shutdown may take in all.
    pub shutdown_timeout: Duration,
    /// Most time between two polls before the group gives the partitions away.
    pub max_poll_interval: Duration,
    /// Time without heartbeats before the group gives the partitions away.
    pub session_timeout: Duration,
    /// How often stored offsets are committed.
    pub commit_interval: Duration,
    /// How much may be rejected before reading stops.
    pub quarantine: Quarantine,
    /// Whether the broker is the embedded one, which cannot be asked for limits and has no transactions.
    pub embedded: bool,
    /// A stretch to read again, of the one input topic, instead of all that comes.
    pub backfill: Option<Backfill>,
    /// TLS and SASL.
    pub security: Security,
    /// Further librdkafka options, `consumer.` and `producer.` prefixes apply to one side.
    pub librdkafka: BTreeMap<String, String>,
}

impl Settings {
    /// Every topic the service reads or writes.
    pub fn topics(&self) -> Vec<String> {
        self.input.iter().cloned().chain(self.outputs()).chain([self.dead_letters.clone()]).collect()
    }

    /// Every topic an enriched article may go to.
    pub fn outputs(&self) -> Vec<String> {
        let mut topics = vec![self.output.clone()];
        topics.extend(self.routing.iter().flat_map(Routing::topics));
        topics
    }
}

/// Why the stream ended before it was asked to. Infrastructure, never data.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A client could not be made.
    #[error("failed to create the Kafka {role}: {error}; check [kafka] and [librdkafka] in the configuration")]
    Client {
        /// Consumer or producer.
        role: &'static str,
        /// What librdkafka said.
        error: rdkafka::error::KafkaError,
    },
    /// No broker answers.
    #[error("{0}")]
    Unreachable(String),
    /// A record could not be delivered.
    #[error("failed to deliver a record to topic {topic}: {error}; {mend}; its message stays uncommitted and is read again")]
    Delivery {
        /// Output topic.
        topic: String,
        /// What the broker or librdkafka said.
        error: rdkafka::error::KafkaError,
        /// What to do.
        mend: &'static str,
    },
    /// The client is in a state it cannot leave.
    #[error("the Kafka client failed for good: {0}; restart the service")]
    Fatal(String),
    /// Another process took the transactional id.
    #[error(
        "the brokers let this process write no more under transactional.id '{id}' ({reason}): another one uses it, or this one was away for longer than kafka.transaction_timeout; nothing it had open is visible. Start it again, and give each instance a kafka.instance of its own"
    )]
    Fenced {
        /// The transactional id.
        id: String,
        /// What the broker said.
        reason: String,
    },
    /// A transaction was aborted, and there is no time to try again.
    #[error("the last transaction was aborted: {0}; its messages stay uncommitted and are read again")]
    Aborted(String),
    /// The drain did not end in time.
    #[error("shutdown took longer than {0:?}; messages still in flight stay uncommitted and are read again")]
    Deadline(Duration),
}

/// Runs until `shutdown` completes and everything in flight is done, or until something breaks.
///
/// # Errors
/// An infrastructure failure, or a drain that ran out of time. Offsets then stay behind undelivered records.
pub async fn run<W>(
    settings: Settings,
    metrics: Metrics,
    health: Arc<Health>,
    work: W,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StreamError>
where
    W: Fn(&Message) -> Outcome + Clone + Send + Sync + 'static,
{
    let workers = settings.workers.max(1);
    let deadline = settings.shutdown_timeout;
    let limits = limits(&settings).await?;
    let guard = Arc::new(Guard::new(settings.quarantine.clone(), Arc::clone(&health), metrics.clone()));
    let (source, mut messages) = Source::start(&settings, metrics.clone(), Arc::clone(&health))?;

    let worked =
        stream::poll_fn(move |context| messages.poll_recv(context)).map(move |admitted| on_cpu(work.clone(), admitted)).buffered(workers);
    let mut patience = deadline;
    let result = {
        let spine = async {
            match &settings.delivery {
                Delivery::AtLeastOnce => at_least_once(worked, &settings, limits, metrics, guard, &source).await,
                Delivery::ExactlyOnce(transactions) => {
                    transactions::run(worked, &settings, transactions, limits, metrics, guard, &source).await
                }
            }
        };
        tokio::pin!(spine);

        tokio::select! {
            // Nobody asked it to end, so either something broke on the way or the poll thread is gone.
            result = &mut spine => result.and_then(|()| Err(StreamError::Fatal(source.fatal().unwrap_or_else(|| "the poll thread ended".to_owned())))),
            () = shutdown => {
                tracing::info!(in_flight = source.in_flight(), deadline = ?deadline, "stopping: no more messages are read, those in flight are finished");
                source.stop();
                let asked = Instant::now();
                let drained = tokio::time::timeout(deadline, &mut spine).await;
                // One deadline over all: leaving the group gets what the drain has left, and a moment in any case.
                patience = deadline.saturating_sub(asked.elapsed()).max(Duration::from_secs(1));
                drained.unwrap_or(Err(StreamError::Deadline(deadline)))
            }
        }
    };
    // With an error the group is left without a commit of what is not delivered; what is stored was delivered.
    source.close(patience).await;
    result
}

/// The largest records of the topics written to, as far as the brokers tell: the right to ask is not among those needed.
async fn limits(settings: &Settings) -> Result<Limits, StreamError> {
    if settings.embedded {
        if settings.delivery != Delivery::AtLeastOnce {
            return Err(StreamError::Fatal("the embedded broker has no transactions; set kafka.delivery = at-least-once".to_owned()));
        }
        return Ok(Limits::new());
    }
    let mut topics = settings.outputs();
    topics.push(settings.dead_letters.clone());
    let told = admin::largest_records(settings, &topics).await.unwrap_or_default();
    Ok(told.into_iter().filter_map(|(topic, bytes)| Some((topic, bytes?))).collect())
}

/// Publishes in order, and stores each offset once its message and all before it are delivered.
async fn at_least_once(
    worked: impl Stream<Item = (Admitted, Outcome)>,
    settings: &Settings,
    limits: Limits,
    metrics: Metrics,
    guard: Arc<Guard>,
    source: &Source,
) -> Result<(), StreamError> {
    let sink = Arc::new(Sink::new(settings, limits, metrics, guard)?);
    worked
        .then(|(admitted, outcome)| {
            let sink = Arc::clone(&sink);
            async move { sink.enqueue(admitted, outcome).await }
        })
        .map(|pending| async move {
            match pending {
                Ok(pending) => pending.delivered().await,
                Err(error) => Err(error),
            }
        })
        .buffered(settings.in_flight.max(1))
        .try_for_each(|admitted| {
            source.store(admitted);
            async { Ok(()) }
        })
        .await
}

/// Works on one message on a blocking thread. A panic is a defect of ours, and the message's outcome.
async fn on_cpu<W>(work: W, admitted: Admitted) -> (Admitted, Outcome)
where
    W: Fn(&Message) -> Outcome + Send + Sync + 'static,
{
    let message = Arc::clone(&admitted.message);
    let outcome = match spawn_blocking(move || work(&message)).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let position = &admitted.position;
            tracing::error!(topic = %position.topic, partition = position.partition, offset = position.offset, %error, "an enricher failed");
            Outcome::Rejected(Rejection::new(Reason::Panic, "an enricher panicked; please report it with the message"))
        }
    };
    (admitted, outcome)
}
