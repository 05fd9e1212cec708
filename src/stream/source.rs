//! The consumer side: one OS thread polls, admits messages into flight, and serves rebalances.
//!
//! - The thread never blocks for long: with the flight full it keeps the message in hand, pauses the assignment and goes on
//!   polling, so that rebalance callbacks and errors are served.
//! - Revoke: nothing new is admitted (the callback runs on this very thread), what is in flight is finished within a
//!   deadline, stored offsets are committed, and only then are the partitions fenced by forgetting their epoch.
//! - Lost: neither wait nor commit; late acknowledgements find their epoch gone and store nothing.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers, Message as _},
};
use tokio::sync::mpsc;

use super::{Settings, StreamError, client, client::Client, flight::Flight};
use crate::{
    article::{Header, HeadersUnreadable, Message},
    metrics::{Metrics, RebalanceLabel},
};

/// Longest time the thread spends without serving the client.
const TURN: Duration = Duration::from_millis(50);

/// Whether the service is alive and ready; shared with the HTTP server.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    turned: AtomicU64,
    ready: AtomicBool,
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

/// Where a message came from, and under which assignment.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    epoch: u64,
}

/// A message in flight.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) message: Arc<Message>,
    pub(super) position: Position,
    bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Partition {
    epoch: u64,
    stored: Option<i64>,
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
    fatal: Mutex<Option<String>>,
    health: Arc<Health>,
    metrics: Metrics,
    drain_timeout: Duration,
}

impl Shared {
    fn partitions(&self) -> MutexGuard<'_, Partitions> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn epoch(&self, topic: &str, partition: i32) -> Option<u64> {
        self.partitions().get(&(topic.to_owned(), partition)).map(|known| known.epoch)
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
        }
    }
}

/// The consumer's context: events of the client and of the group.
pub(super) struct Context {
    client: Client,
    shared: Arc<Shared>,
}

impl ClientContext for Context {
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
                partitions.insert(key, Partition { epoch, stored: None, progressed: Instant::now() });
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
        if !self.shared.flight.drained(if abandoned { Duration::ZERO } else { self.shared.drain_timeout }) {
            self.shared.metrics.drain_timeout();
            let (messages, _) = self.shared.flight.load();
            tracing::warn!(messages, waited = ?started.elapsed(), "messages in flight were not done before the revocation; they are read again");
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
            fatal: Mutex::default(),
            health,
            metrics: metrics.clone(),
            drain_timeout: settings.drain_timeout,
        });
        let context = Context { client: client::context(metrics, "consumer"), shared: Arc::clone(&shared) };
        let observer = Arc::clone(&shared);
        let set = context.client.statistics.set(Box::new(move |statistics| observer.observe(statistics)));
        debug_assert!(set.is_ok(), "a new context has no observer");
        let failed = |error| StreamError::Client { role: "consumer", error };
        let consumer: BaseConsumer<Context> = client::consumer(settings).create_with_context(context).map_err(failed)?;
        let topics: Vec<&str> = settings.input.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(failed)?;
        let consumer = Arc::new(consumer);
        // The flight admits no more than the channel holds, so sending never waits.
        let (sender, receiver) = mpsc::channel(window);
        let thread = {
            let (consumer, shared) = (Arc::clone(&consumer), Arc::clone(&shared));
            std::thread::Builder::new()
                .name("kafka-poll".to_owned())
                .spawn(move || Poller { consumer, shared }.run(sender))
                .map_err(|error| StreamError::Fatal(format!("failed to start the poll thread: {error}")))?
        };
        Ok((Self { consumer, shared, thread }, receiver))
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
        let spawned = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
            if self.thread.join().is_err() {
                tracing::error!("the poll thread panicked");
            }
            // A broker that just came back may not answer for the group yet.
            let until = Instant::now() + patience / 2;
            loop {
                match self.consumer.commit_consumer_state(CommitMode::Sync) {
                    Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => break,
                    Err(KafkaError::ConsumerCommit(code)) if passes(code) && Instant::now() < until => std::thread::sleep(RETRY),
                    Err(error) => {
                        tracing::warn!(%error, "failed to commit at the end; some messages are read again");
                        break;
                    }
                }
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

/// Between two attempts to commit at the end.
const RETRY: Duration = Duration::from_millis(200);

/// Whether a failure to commit may be over in a moment.
fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::WaitingForCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
    )
}

struct Poller {
    consumer: Arc<BaseConsumer<Context>>,
    shared: Arc<Shared>,
}

impl Poller {
    fn run(self, sender: mpsc::Sender<Admitted>) {
        // At most a handful: what the client returns between a pause being due and its being in force.
        let mut held: VecDeque<Message> = VecDeque::new();
        let mut paused_at: Option<u64> = None;
        let mut known_assignment = self.shared.assigned.load(Ordering::Relaxed);
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.shared.health.turn();
            let assignment = self.shared.assigned.load(Ordering::Relaxed);
            if assignment != known_assignment {
                // A partition paused before it was lost may come back paused, and while it was away there was nothing to resume.
                known_assignment = assignment;
                paused_at = None;
                self.pause(false);
            }
            if let Some(message) = held.front() {
                let Some(epoch) = self.shared.epoch(&message.topic, message.partition) else {
                    // The partition left while its message waited here: the new owner reads it.
                    held.pop_front();
                    continue;
                };
                let bytes = message.size();
                if self.shared.flight.admit(bytes, TURN) {
                    if let Some(message) = held.pop_front()
                        && sender.try_send(admit(message, epoch, bytes)).is_err()
                    {
                        break;
                    }
                    self.shared.report_load();
                    self.shared.metrics.read(bytes);
                    continue;
                }
                let assigned = self.shared.assigned.load(Ordering::Relaxed);
                if paused_at != Some(assigned) {
                    self.pause(true);
                    paused_at = Some(assigned);
                }
            } else if paused_at.is_some() && self.shared.flight.relaxed() {
                self.pause(false);
                paused_at = None;
            }
            let wait = if held.is_empty() { TURN } else { Duration::ZERO };
            if let Some(message) = self.poll(wait) {
                held.push_back(message);
            }
            if self.shared.fatal.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                break;
            }
        }
        drop(sender);
        self.pause(true);
        // Rebalances are served until the drain is over. What is read now is not admitted, so it stays uncommitted.
        while !self.shared.done.load(Ordering::Relaxed) {
            self.shared.health.turn();
            drop(self.poll(TURN));
        }
    }

    fn poll(&self, wait: Duration) -> Option<Message> {
        match self.consumer.poll(wait)? {
            Ok(message) => {
                self.consumer.context().client.reachable();
                Some(owned(&message))
            }
            Err(error) => {
                let code = error.rdkafka_error_code();
                if let Some((code, reason)) = self.consumer.client().fatal_error() {
                    *self.shared.fatal.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{code:?}: {reason}"));
                } else if !matches!(
                    code,
                    Some(
                        RDKafkaErrorCode::AllBrokersDown
                            | RDKafkaErrorCode::BrokerTransportFailure
                            | RDKafkaErrorCode::Resolve
                            | RDKafkaErrorCode::UnknownTopicOrPartition
                    )
                ) {
                    // Those above come through the context's error callback too, which counts them and says them once.
                    self.shared.metrics.kafka_error(&client::code_name(code));
                    tracing::warn!(%error, "reading from Kafka failed; retrying");
                }
                None
            }
        }
    }

    fn pause(&self, pause: bool) {
        let assignment = match self.consumer.assignment() {
            Ok(assignment) if assignment.count() > 0 => assignment,
            _ => return,
        };
        let result = if pause { self.consumer.pause(&assignment) } else { self.consumer.resume(&assignment) };
        self.shared.metrics.paused(pause);
        match result {
            Ok(()) => tracing::debug!(pause, "reading paused or resumed"),
            Err(error) => tracing::warn!(%error, pause, "failed to pause or resume reading"),
        }
    }
}

fn admit(message: Message, epoch: u64, bytes: usize) -> Admitted {
    let position = Position { topic: message.topic.clone(), partition: message.partition, offset: message.offset, epoch };
    Admitted { message: Arc::new(message), position, bytes }
}

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
