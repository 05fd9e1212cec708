//! The consumer side: one OS thread polls, admits messages into flight, and serves rebalances.
//!
//! - The thread never blocks for long: with the flight full it keeps the message in hand, pauses the assignment and goes on
//!   polling, so that rebalance callbacks and errors are served.
//! - Revoke: nothing new is admitted (the callback runs on this very thread), what is in flight is finished within a
//!   deadline, stored offsets are committed, and only then are the partitions fenced by forgetting their epoch.
//! - Lost: neither wait nor commit; late acknowledgements find their epoch gone and store nothing.
//! - Rewind (transactions only): the epoch changes first, so that everything handed out is worthless at once; then this
//!   thread seeks, and admits nothing of a partition before its seek is done.

mod poller;

pub(super) use poller::HELD_BYTES;

use std::{
    collections::HashMap,
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata, Rebalance},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers, Message as _},
};
use tokio::sync::{Notify, mpsc};

use super::{Delivery, Health, Settings, StreamError, backfill::Stretch, client, client::Client, flight::Flight, owners::Owners};
use crate::{
    article::{Header, HeadersUnreadable, Message},
    metrics::{Metrics, RebalanceLabel},
};
use poller::Poller;

/// The offsets to go on from after a transaction, by topic and partition, with the epoch they were read under.
pub(super) type NextOffsets = HashMap<(String, i32), (i64, u64)>;

/// Where a message came from, and under which assignment.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) epoch: u64,
}

/// A message in flight.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) message: Arc<Message>,
    pub(super) position: Position,
    pub(super) bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Partition {
    epoch: u64,
    /// Next offset after what is done.
    stored: Option<i64>,
    /// First offset read.
    first: Option<i64>,
    /// To be read again from what is committed; nothing is admitted before the seek.
    rewind: bool,
    progressed: Instant,
}

type Partitions = HashMap<(String, i32), Partition>;

#[derive(Debug)]
struct Shared {
    flight: Flight,
    partitions: Mutex<Partitions>,
    epochs: AtomicU64,
    /// Bumped whenever partitions come, since a pause may not outlive that.
    assigned: AtomicU64,
    stop: AtomicBool,
    done: AtomicBool,
    /// The spine ended early: what is in flight will never be done, so nobody waits for it.
    abandoned: AtomicBool,
    /// Some partition has a seek to come.
    rewinding: AtomicBool,
    /// A revocation waits: the window closes without waiting for more.
    hurry: AtomicBool,
    hurried: Notify,
    /// When the open transaction began.
    window: Mutex<Option<Instant>>,
    fatal: Mutex<Option<String>>,
    health: Arc<Health>,
    metrics: Metrics,
    drain_timeout: Duration,
    transactional: bool,
}

impl Shared {
    fn partitions(&self) -> MutexGuard<'_, Partitions> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch under which a message of the partition may be admitted.
    fn epoch(&self, topic: &str, partition: i32) -> Option<u64> {
        self.partitions().get(&(topic.to_owned(), partition)).filter(|known| !known.rewind).map(|known| known.epoch)
    }

    /// A message was read: the epoch it belongs to, or none where its partition is not ours or is to be read again.
    fn seen(&self, message: &Message) -> Option<u64> {
        let mut partitions = self.partitions();
        let known = partitions.get_mut(&(message.topic.clone(), message.partition)).filter(|known| !known.rewind)?;
        // If none is ever committed, the partition begins again with the first one.
        known.first.get_or_insert(message.offset);
        Some(known.epoch)
    }

    fn leave(&self, bytes: usize) {
        self.flight.leave(bytes);
        self.report_load();
    }

    fn report_load(&self) {
        let (messages, bytes) = self.flight.load();
        self.metrics.in_flight(messages, bytes);
    }

    /// Lag and stall from the client's own statistics, for partitions that are assigned to us.
    fn observe(&self, statistics: &Statistics) {
        let age = self.window.lock().unwrap_or_else(PoisonError::into_inner).map_or(Duration::ZERO, |begun| begun.elapsed());
        self.metrics.transaction_age(age);
        let mut total = 0;
        let partitions = self.partitions();
        for ((topic, partition), state) in partitions.iter() {
            let Some(known) = statistics.topics.get(topic).and_then(|topic| topic.partitions.get(partition)) else { continue };
            let end = known.ls_offset.max(0).max(if known.ls_offset < 0 { known.hi_offset } else { 0 });
            // Nothing was committed yet where the log begins.
            let position = state.stored.unwrap_or(-1).max(known.committed_offset).max(known.lo_offset);
            if end < 0 || position < 0 {
                continue;
            }
            let lag = (end - position).max(0);
            let stalled = if lag > 0 { state.progressed.elapsed() } else { Duration::ZERO };
            self.metrics.lag(topic, *partition, lag, stalled);
            total += lag.unsigned_abs();
        }
        self.health.set_lag(total);
    }
}

/// The consumer's context: events of the client and of the group.
pub(super) struct Context {
    client: Client,
    shared: Arc<Shared>,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.client.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.client.stats(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(_) => {}
            Rebalance::Revoke(revoked) if revoked.count() == 0 => {}
            Rebalance::Revoke(revoked) => {
                let lost = consumer.assignment_lost();
                if !lost {
                    self.drain(consumer);
                }
                let mut partitions = self.shared.partitions();
                for element in revoked.elements() {
                    partitions.remove(&(element.topic().to_owned(), element.partition()));
                    self.shared.metrics.forget_partition(element.topic(), element.partition());
                }
                let event = if lost { RebalanceLabel::Lost } else { RebalanceLabel::Revoke };
                self.shared.metrics.rebalance(event, partitions.len());
                tracing::info!(partitions = revoked.count(), left = partitions.len(), lost, "partitions revoked");
            }
            Rebalance::Error(error) => {
                self.shared.metrics.rebalance(RebalanceLabel::Error, self.shared.partitions().len());
                tracing::warn!(%error, "the consumer group reports an error");
            }
        }
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(assigned) = rebalance {
            let epoch = self.shared.epochs.fetch_add(1, Ordering::Relaxed) + 1;
            let mut partitions = self.shared.partitions();
            for element in assigned.elements() {
                let key = (element.topic().to_owned(), element.partition());
                partitions.insert(key, Partition { epoch, stored: None, first: None, rewind: false, progressed: Instant::now() });
            }
            self.shared.assigned.fetch_add(1, Ordering::Relaxed);
            self.shared.health.ready.store(true, Ordering::Relaxed);
            self.shared.metrics.rebalance(RebalanceLabel::Assign, partitions.len());
            tracing::info!(partitions = assigned.count(), total = partitions.len(), "partitions assigned");
        }
    }
}

impl Context {
    /// Finishes what is in flight and commits it, before the partitions go to another member.
    fn drain(&self, consumer: &BaseConsumer<Self>) {
        let started = Instant::now();
        let abandoned = self.shared.abandoned.load(Ordering::Relaxed);
        self.shared.hurry.store(true, Ordering::Relaxed);
        self.shared.hurried.notify_one();
        let drained = self.shared.flight.drained(if abandoned { Duration::ZERO } else { self.shared.drain_timeout });
        self.shared.hurry.store(false, Ordering::Relaxed);
        if !drained {
            self.shared.metrics.drain_timeout();
            let (messages, _) = self.shared.flight.load();
            tracing::warn!(messages, waited = ?started.elapsed(), "messages in flight were not done before the revocation; they are read again");
        }
        if self.shared.transactional {
            return;
        }
        match consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => tracing::warn!(%error, "failed to commit before the revocation; some messages are read again"),
        }
    }
}

/// The consumer, its thread, and what is in flight.
pub(super) struct Source {
    consumer: Arc<BaseConsumer<Context>>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    /// The watch for partitions that nobody owns, and what ends it by being dropped.
    owners: Option<(JoinHandle<()>, Sender<()>)>,
}

impl Source {
    /// Joins the group and starts to read; messages come through the receiver, which ends after [`Source::stop`].
    pub(super) fn start(
        settings: &Settings,
        metrics: Metrics,
        health: Arc<Health>,
    ) -> Result<(Self, mpsc::Receiver<Admitted>), StreamError> {
        let window = settings.in_flight.max(1);
        let shared = Arc::new(Shared {
            flight: Flight::new(window, settings.in_flight_bytes),
            partitions: Mutex::default(),
            epochs: AtomicU64::new(0),
            assigned: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            done: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            rewinding: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
            hurried: Notify::new(),
            window: Mutex::default(),
            fatal: Mutex::default(),
            health,
            metrics: metrics.clone(),
            drain_timeout: settings.drain_timeout,
            transactional: matches!(settings.delivery, Delivery::ExactlyOnce(_)),
        });
        let context = Context { client: client::context(metrics.clone(), "consumer"), shared: Arc::clone(&shared) };
        let observer = Arc::clone(&shared);
        let set = context.client.statistics.set(Box::new(move |statistics| observer.observe(statistics)));
        debug_assert!(set.is_ok(), "a new context has no observer");
        let failed = |error| StreamError::Client { role: "consumer", error: client::masked(error) };
        let consumer: BaseConsumer<Context> = client::consumer(settings).create_with_context(context).map_err(failed)?;
        let topics: Vec<&str> = settings.input.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(failed)?;
        let consumer = Arc::new(consumer);
        let owners = match Owners::of(settings, metrics) {
            Some(owners) => {
                let consumer = Arc::clone(&consumer);
                let (watched, stopped) = channel();
                Some((spawn("kafka-owners", move || owners.run(&consumer, &stopped))?, watched))
            }
            None => None,
        };
        // The flight admits no more than the channel holds, so sending never waits.
        let (sender, receiver) = mpsc::channel(window);
        let poller =
            Poller { consumer: Arc::clone(&consumer), shared: Arc::clone(&shared), stretch: settings.backfill.clone().map(Stretch::new) };
        let thread = spawn("kafka-poll", move || poller.run(sender))?;
        Ok((Self { consumer, shared, thread, owners }, receiver))
    }

    /// Stores the offset after a finished message, if its partition is still ours under the same assignment.
    pub(super) fn store(&self, admitted: Admitted) {
        let Position { topic, partition, offset, epoch } = admitted.position;
        // Held over the store: a revocation cannot slip between the check and the store.
        let mut partitions = self.shared.partitions();
        let known = partitions.get_mut(&(topic.clone(), partition)).filter(|known| known.epoch == epoch);
        let next = offset + 1;
        let stored = known.is_some_and(|known| {
            let mut offsets = TopicPartitionList::with_capacity(1);
            let result =
                offsets.add_partition_offset(&topic, partition, Offset::Offset(next)).and_then(|()| self.consumer.store_offsets(&offsets));
            known.stored = Some(next);
            known.progressed = Instant::now();
            if let Err(error) = &result {
                tracing::debug!(%error, topic, partition, offset, "offset not stored");
            }
            result.is_ok()
        });
        drop(partitions);
        if !stored {
            self.shared.metrics.stale_store();
        }
        self.shared.leave(admitted.bytes);
    }

    /// Whether every position still belongs to the assignment it was read under.
    pub(super) fn are_current<'a>(&self, positions: impl IntoIterator<Item = &'a Position>) -> bool {
        let partitions = self.shared.partitions();
        positions.into_iter().all(|position| {
            partitions.get(&(position.topic.clone(), position.partition)).is_some_and(|known| known.epoch == position.epoch)
        })
    }

    /// The group's view of this member, as a transaction needs it: taken anew for each.
    pub(super) fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// A transaction holds these messages and was committed.
    pub(super) fn committed(&self, next: &NextOffsets) {
        let mut partitions = self.shared.partitions();
        for ((topic, partition), (offset, epoch)) in next {
            if let Some(known) = partitions.get_mut(&(topic.clone(), *partition)).filter(|known| known.epoch == *epoch) {
                known.stored = Some(*offset);
                known.progressed = Instant::now();
            }
        }
    }

    /// Reads everything that is not committed again; what was handed out until now is worthless.
    pub(super) fn rewind(&self) {
        let epoch = self.shared.epochs.fetch_add(1, Ordering::Relaxed) + 1;
        let mut partitions = self.shared.partitions();
        for known in partitions.values_mut().filter(|known| known.first.is_some()) {
            known.epoch = epoch;
            known.rewind = true;
        }
        self.shared.rewinding.store(true, Ordering::Relaxed);
    }

    /// A message is out of flight: done, or to be read again.
    pub(super) fn leave(&self, bytes: usize) {
        self.shared.leave(bytes);
    }

    /// Says since when a transaction is open.
    pub(super) fn window(&self, since: Option<Instant>) {
        *self.shared.window.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Completes when a revocation asks for the window to close; look at [`Source::hurries`] then.
    pub(super) async fn hurried(&self) {
        self.shared.hurried.notified().await;
    }

    /// Whether a revocation waits for everything in flight.
    pub(super) fn hurries(&self) -> bool {
        self.shared.hurry.load(Ordering::Relaxed)
    }

    /// Whether more is in flight than half of what may be: there is lag.
    pub(super) fn is_behind(&self) -> bool {
        !self.shared.flight.relaxed()
    }

    /// Whether nothing more will be read.
    pub(super) fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Stops reading. Messages in flight go on.
    pub(super) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Messages in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.shared.flight.load().0
    }

    /// What ended the poll thread, if it was not asked to end.
    pub(super) fn fatal(&self) -> Option<String> {
        self.shared.fatal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Commits what is stored and leaves the group. Closing can hang while Kafka is down, so it happens on a thread of its
    /// own and is waited for no longer than `patience`.
    pub(super) async fn close(self, patience: Duration) {
        self.shared.abandoned.store(self.in_flight() > 0, Ordering::Relaxed);
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.done.store(true, Ordering::Relaxed);
        let (sender, closed) = tokio::sync::oneshot::channel();
        let spawned = spawn("kafka-close", move || {
            // The thread of the watch ends as the sender is dropped; the consumer closes only once nobody else holds it.
            let watch = self.owners.map(|(watch, _)| watch);
            if self.thread.join().is_err() || watch.is_some_and(|watch| watch.join().is_err()) {
                tracing::error!("a thread of the consumer panicked");
            }
            if !self.shared.transactional {
                commit_last(&self.consumer, patience / 2);
            }
            drop(self.consumer);
            // Nobody listens any more once the patience is over.
            sender.send(()).ok();
        });
        if spawned.is_err() || tokio::time::timeout(patience, closed).await.is_err() {
            tracing::warn!("leaving the consumer group took too long; the group notices after the session timeout");
        }
    }
}

/// A thread with a name, for calls that block.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StreamError> {
    let failed = |error| StreamError::Fatal(format!("failed to start the thread {name}: {error}"));
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(failed)
}

/// Commits what is stored; a broker that just came back may not answer for the group yet.
fn commit_last(consumer: &BaseConsumer<Context>, patience: Duration) {
    let until = Instant::now() + patience;
    loop {
        match consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => return,
            Err(KafkaError::ConsumerCommit(code)) if client::passes(code) && Instant::now() < until => std::thread::sleep(RETRY),
            Err(error) => return tracing::warn!(%error, "failed to commit at the end; some messages are read again"),
        }
    }
}

/// Between two attempts to commit at the end.
const RETRY: Duration = Duration::from_millis(200);

pub(super) fn owned(message: &BorrowedMessage<'_>) -> Message {
    // The crate unwraps header names as UTF-8; a producer can write others, and that must not end the thread.
    let headers = catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        headers.map(|header| Header { key: header.key.to_owned(), value: header.value.map(<[u8]>::to_vec) }).collect()
    }));
    Message {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.map_err(|_| HeadersUnreadable),
        payload: message.payload().map(<[u8]>::to_vec),
    }
}

/// Seconds since the Unix epoch.
pub(super) fn now_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
