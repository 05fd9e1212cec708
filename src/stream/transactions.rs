//! Exactly once: outputs, dead letters and offsets of a window of messages in one Kafka transaction.
//!
//! ```text
//! worked messages --lookahead--> begin, enqueue … --> every record acknowledged --> offsets into the transaction --> commit
//!                                                                   `--> abort, rewind, begin again
//! ```
//!
//! Invariants:
//! - A window ends by time, by messages and by bytes (half of what may be in flight, so that the other half is worked on
//!   while it commits). It is short while there is no lag, and grows under lag.
//! - A window is committed only if every partition in it is still assigned as it was when its messages were read. The
//!   group's metadata is taken before that is checked: a member that was replaced in between is refused by the brokers.
//! - After an abort everything handed out before it is worthless: its epoch is gone, and partitions are read again from
//!   the last commit.
//! - Results of single records never steer a transaction but in two ways: what the broker refuses whatever we do becomes a
//!   dead letter when it comes again, and what only an operator can mend ends the process.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt};
use rdkafka::{
    Offset, TopicPartitionList,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, Producer},
    util::Timeout,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Settings, StreamError, Transactions,
    client::{Client, Limits},
    quarantine::Guard,
    sink::{Pending, Sink, mend, needs_operator},
    source::{Admitted, NextOffsets, Source, spawn},
};
use crate::{
    article::{Outcome, Rejection},
    metrics::Metrics,
};

/// How long the brokers may take for one attempt at anything but a commit or an abort, which librdkafka wants to be given
/// all the time they need.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much longer than it was given a call may take.
const GRACE: Duration = Duration::from_secs(2);
/// How often a call that may succeed when made again is made.
const ATTEMPTS: usize = 5;
/// Longest wait between two aborted windows.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs windows until the work ends.
pub(super) async fn run(
    worked: impl Stream<Item = (Admitted, Outcome)> + Send + 'static,
    settings: &Settings,
    transactions: &Transactions,
    limits: Limits,
    metrics: Metrics,
    guard: Arc<Guard>,
    source: &Source,
) -> Result<(), StreamError> {
    let mut publisher = Publisher {
        sink: Arc::new(Sink::new(settings, limits.clone(), metrics.clone(), Arc::clone(&guard))?),
        worked: lookahead(worked, settings.in_flight.max(1)),
        refused: HashMap::new(),
        length: transactions.shortest,
        aborted: 0,
        settings,
        transactions,
        limits,
        metrics,
        guard,
        source,
    };
    publisher.init().await?;
    while let Some(mut window) = publisher.fill().await? {
        let result = publisher.commit(&mut window).await;
        source.window(None);
        publisher.metrics.transaction(result.is_ok(), window.begun.elapsed());
        match result {
            Ok(()) => publisher.count(window),
            Err(cause) => publisher.abort(cause, window).await?,
        }
    }
    Ok(())
}

/// Works ahead while a window commits. Bounded by what may be in flight.
fn lookahead(worked: impl Stream<Item = (Admitted, Outcome)> + Send + 'static, in_flight: usize) -> mpsc::Receiver<(Admitted, Outcome)> {
    let (sender, receiver) = mpsc::channel(in_flight);
    tokio::spawn(async move {
        tokio::pin!(worked);
        while let Some(done) = worked.next().await {
            if sender.send(done).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// What one transaction holds.
struct Window {
    begun: Instant,
    filled: Instant,
    pending: Vec<Pending>,
    bytes: usize,
    /// Records the broker refuses whatever we do.
    refused: usize,
    /// Why it cannot be committed any more.
    broken: Option<Cause>,
}

/// Why a window is aborted.
enum Cause {
    /// Its partitions were given to another member.
    Stale,
    /// The broker refuses records of it, which come again as dead letters.
    Refused(usize),
    /// The transaction failed.
    Failed(KafkaError),
    /// A call did not return.
    Stuck(&'static str),
    /// Records were not delivered.
    Undelivered(StreamError),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stale => write!(formatter, "its partitions were assigned anew"),
            Self::Refused(records) => write!(formatter, "the broker refuses {records} of its records, which become dead letters"),
            Self::Failed(error) => write!(formatter, "{error}"),
            Self::Stuck(call) => write!(formatter, "{call} does not return"),
            Self::Undelivered(error) => write!(formatter, "{error}"),
        }
    }
}

struct Publisher<'a> {
    sink: Arc<Sink>,
    worked: mpsc::Receiver<(Admitted, Outcome)>,
    /// Messages whose records the broker refused, by topic, partition and offset: dead letters when they come again.
    refused: HashMap<(String, i32, i64), Rejection>,
    /// Length of the next window.
    length: Duration,
    /// Windows aborted one after the other.
    aborted: u32,
    settings: &'a Settings,
    transactions: &'a Transactions,
    limits: Limits,
    metrics: Metrics,
    guard: Arc<Guard>,
    source: &'a Source,
}

impl Publisher<'_> {
    /// Fences whoever wrote under this transactional id before, and aborts what they left open.
    async fn init(&mut self) -> Result<(), StreamError> {
        let mut said = false;
        loop {
            let why = match self.call("init_transactions", PATIENCE, |producer| producer.init_transactions(PATIENCE)).await {
                Ok(()) => return Ok(()),
                Err(Cause::Failed(error)) if class(&error) != Class::Again => return Err(self.fatal(&error)),
                Err(cause) => cause,
            };
            if !std::mem::replace(&mut said, true) {
                tracing::warn!(id = self.transactions.id, "the brokers do not take the transactional id yet, trying again: {why}");
            }
            if let Cause::Stuck(_) = why {
                self.sink = Arc::new(Sink::new(self.settings, self.limits.clone(), self.metrics.clone(), Arc::clone(&self.guard))?);
            }
        }
    }

    /// Opens a window with the first message that comes and fills it; none when there is no more work.
    async fn fill(&mut self) -> Result<Option<Window>, StreamError> {
        let first = loop {
            match self.worked.recv().await {
                Some(worked) if self.source.are_current([&worked.0.position]) => break worked,
                Some((stale, _)) => self.source.leave(stale.bytes),
                None => return Ok(None),
            }
        };
        let now = Instant::now();
        let mut window = Window { begun: now, filled: now, pending: Vec::new(), bytes: 0, refused: 0, broken: None };
        self.source.window(Some(window.begun));
        if let Err(cause) = self.call("begin_transaction", PATIENCE, |producer| producer.begin_transaction()).await {
            window.broken = Some(cause);
            self.source.leave(first.0.bytes);
            return Ok(Some(window));
        }
        self.take(&mut window, first).await;
        let end = window.begun + self.length;
        while window.broken.is_none() && !self.is_full(&window) && Instant::now() < end {
            tokio::select! {
                biased;
                worked = self.worked.recv() => match worked {
                    Some(worked) => self.take(&mut window, worked).await,
                    None => break,
                },
                () = self.source.hurried() => {}
                // Nothing comes: a window that was to be long need not be.
                () = tokio::time::sleep(self.transactions.shortest) => {
                    if self.source.in_flight() <= window.pending.len() {
                        break;
                    }
                }
            }
        }
        window.filled = Instant::now();
        // More waits already, so commits are what holds it up.
        let behind = self.source.is_behind() || !self.worked.is_empty();
        self.length = if behind { (self.length * 2).min(self.transactions.longest) } else { self.transactions.shortest };
        Ok(Some(window))
    }

    fn is_full(&self, window: &Window) -> bool {
        let everything = self.source.hurries() && self.source.in_flight() <= window.pending.len();
        everything || window.pending.len() * 2 >= self.settings.in_flight || window.bytes * 2 >= self.settings.in_flight_bytes
    }

    /// Hands the records of one message to the producer.
    async fn take(&mut self, window: &mut Window, (admitted, mut outcome): (Admitted, Outcome)) {
        if !self.source.are_current([&admitted.position]) {
            self.source.leave(admitted.bytes);
            return;
        }
        if let Some(rejection) = self.refused.get(&address(&admitted)) {
            outcome = Outcome::Rejected(rejection.clone());
        }
        let bytes = admitted.bytes;
        match Arc::clone(&self.sink).enqueue(admitted, outcome).await {
            Ok(pending) => {
                window.bytes += bytes;
                window.pending.push(pending);
            }
            Err(error) => {
                self.source.leave(bytes);
                window.broken = Some(Cause::Undelivered(error));
            }
        }
    }

    /// Commits the window's records and offsets, or says why that cannot be.
    async fn commit(&mut self, window: &mut Window) -> Result<(), Cause> {
        let settled = match window.broken.take() {
            Some(cause) => {
                // An abort while the first records are on their way ends a producer for good (librdkafka #4849).
                drop(tokio::time::timeout(Duration::from_secs(1), self.settle(window)).await);
                Err(cause)
            }
            None => self.settle(window).await,
        };
        match settled {
            Ok(()) => self.finish(window).await,
            Err(cause) => Err(self.root(window, cause).await),
        }
    }

    /// A window was committed.
    fn count(&mut self, window: Window) {
        self.aborted = 0;
        for pending in window.pending {
            let admitted = pending.count();
            self.refused.remove(&address(&admitted));
            self.source.leave(admitted.bytes);
        }
    }

    /// Waits for the broker's word on every record.
    async fn settle(&mut self, window: &mut Window) -> Result<(), Cause> {
        let mut failed = None;
        for pending in &mut window.pending {
            match pending.settle().await {
                Ok(None) => {}
                Ok(Some(rejection)) => {
                    window.refused += 1;
                    self.refused.insert(address(pending.admitted()), rejection);
                }
                // The first failure is the cause; those after it may be its consequence.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match (window.refused, failed) {
            (0, None) => Ok(()),
            (0, Some(error)) => Err(Cause::Undelivered(error)),
            (refused, _) => Err(Cause::Refused(refused)),
        }
    }

    async fn finish(&self, window: &Window) -> Result<(), Cause> {
        let (filled, settled) = (window.filled, Instant::now());
        let next = self.offer(window).await?;
        let offered = Instant::now();
        self.patiently("commit_transaction", self.transactions.timeout, |producer| producer.commit_transaction(Timeout::Never)).await?;
        self.source.committed(&next);
        tracing::debug!(
            messages = window.pending.len(),
            filling = ?filled - window.begun,
            delivery = ?settled - filled,
            offsets = ?offered - settled,
            commit = ?offered.elapsed(),
            "transaction committed"
        );
        Ok(())
    }

    /// What made the transaction fail, where records only tell that it did: librdkafka says it when offered the offsets.
    async fn root(&self, window: &Window, cause: Cause) -> Cause {
        use RDKafkaErrorCode as Code;
        let consequence = match &cause {
            Cause::Undelivered(StreamError::Delivery { error, .. }) => {
                matches!(error.rdkafka_error_code(), Some(Code::State | Code::PurgeQueue | Code::PurgeInflight))
            }
            _ => false,
        };
        if !consequence || window.pending.is_empty() || self.sink.producer().client().fatal_error().is_some() {
            return cause;
        }
        self.offer(window).await.err().unwrap_or(cause)
    }

    /// Adds the offsets of a window to its transaction.
    async fn offer(&self, window: &Window) -> Result<NextOffsets, Cause> {
        // In this order: see the head of this file.
        let group = self.source.group_metadata();
        if !self.source.are_current(window.pending.iter().map(|pending| &pending.admitted().position)) {
            return Err(Cause::Stale);
        }
        let group = group.ok_or(Cause::Stale)?;
        let mut next = NextOffsets::new();
        for pending in &window.pending {
            let position = &pending.admitted().position;
            next.insert((position.topic.clone(), position.partition), (position.offset + 1, position.epoch));
        }
        let mut offsets = TopicPartitionList::with_capacity(next.len());
        for ((topic, partition), (offset, _)) in &next {
            offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset)).map_err(Cause::Failed)?;
        }
        let group = Arc::new(group);
        self.patiently("send_offsets_to_transaction", PATIENCE, move |producer| {
            producer.send_offsets_to_transaction(&offsets, &group, PATIENCE)
        })
        .await?;
        Ok(next)
    }

    /// Makes a call, and the very same one again while it may succeed.
    async fn patiently(
        &self,
        name: &'static str,
        patience: Duration,
        call: impl Fn(&FutureProducer<Client>) -> Result<(), KafkaError> + Clone + Send + 'static,
    ) -> Result<(), Cause> {
        let mut attempt = 1;
        loop {
            match self.call(name, patience, call.clone()).await {
                Err(Cause::Failed(error)) if attempt < ATTEMPTS && class(&error) == Class::Again => {
                    tracing::debug!(%error, attempt, "trying again");
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                result => return result,
            }
        }
    }

    /// Aborts the open transaction, with a new producer if need be, and has its messages read again.
    async fn abort(&mut self, mut cause: Cause, mut window: Window) -> Result<(), StreamError> {
        self.aborted = self.aborted.saturating_add(1);
        let result = match cause {
            // Nothing else can be asked of it.
            Cause::Stuck(call) => Err(Cause::Stuck(call)),
            _ => {
                self.patiently("abort_transaction", self.transactions.timeout, |producer| producer.abort_transaction(Timeout::Never)).await
            }
        };
        // Now every record has its answer, the refused ones among them that made the transaction fail.
        if result.is_ok() {
            drop(tokio::time::timeout(PATIENCE, self.settle(&mut window)).await);
        }
        if window.refused > 0 {
            cause = Cause::Refused(window.refused);
        }
        tracing::warn!(aborted = self.aborted, "transaction aborted, its messages are read again: {cause}");
        match (self.sink.producer().client().fatal_error(), result) {
            (Some((code, reason)), _) => self.renew(code, &reason).await?,
            (None, Err(why)) => self.renew(RDKafkaErrorCode::Unknown, &why.to_string()).await?,
            (None, Ok(())) => {}
        }
        // Only now: until the transaction has ended, nobody knows what is committed.
        self.source.rewind();
        window.pending.into_iter().for_each(|pending| self.source.leave(pending.admitted().bytes));
        match cause {
            Cause::Undelivered(StreamError::Delivery { topic, error, mend }) if needs_operator(&error) => {
                return Err(StreamError::Delivery { topic, error, mend });
            }
            Cause::Failed(error) if needs_operator(&error) => return Err(self.fatal(&error)),
            _ if self.source.is_stopped() => return Err(StreamError::Aborted(cause.to_string())),
            Cause::Refused(_) | Cause::Stale | Cause::Stuck(_) => {}
            Cause::Failed(_) | Cause::Undelivered(_) => {
                tokio::time::sleep((Duration::from_millis(50) * 2_u32.saturating_pow(self.aborted.min(10))).min(LONGEST_PAUSE)).await;
            }
        }
        Ok(())
    }

    /// A producer in a state it cannot leave is replaced, unless another process took its place: that one must not be
    /// fenced in turn.
    async fn renew(&mut self, code: RDKafkaErrorCode, reason: &str) -> Result<(), StreamError> {
        if is_fenced(code) {
            return Err(StreamError::Fenced { id: self.transactions.id.clone(), reason: reason.to_owned() });
        }
        tracing::warn!(?code, reason, "the transactional producer failed for good; making a new one");
        self.metrics.producer_restart();
        self.sink = Arc::new(Sink::new(self.settings, self.limits.clone(), self.metrics.clone(), Arc::clone(&self.guard))?);
        self.init().await
    }

    fn fatal(&self, error: &KafkaError) -> StreamError {
        let id = self.transactions.id.clone();
        match error.rdkafka_error_code() {
            Some(code) if is_fenced(code) => StreamError::Fenced { id, reason: error.to_string() },
            Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed) => StreamError::Fatal(format!(
                "this user may not write under transactional.id '{id}' ({error}); allow Write and Describe on it"
            )),
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                StreamError::Fatal(format!("this user may not commit for the group '{}' ({error}); allow Read on it", self.settings.group))
            }
            code => StreamError::Fatal(format!("{error}; {}", mend(code))),
        }
    }

    /// Makes a blocking call on a thread of its own. librdkafka can lose the answer to one (a coordinator that moves while it
    /// is looked up): a thread that does not come back is left behind with its producer.
    async fn call(
        &self,
        name: &'static str,
        patience: Duration,
        call: impl FnOnce(&FutureProducer<Client>) -> Result<(), KafkaError> + Send + 'static,
    ) -> Result<(), Cause> {
        let sink = Arc::clone(&self.sink);
        let (sender, answer) = oneshot::channel();
        let spawned = spawn("kafka-transaction", move || {
            // Nobody listens any more once the patience is over.
            sender.send(call(sink.producer())).ok();
        });
        if spawned.is_err() {
            return Err(Cause::Stuck(name));
        }
        match tokio::time::timeout(patience + GRACE, answer).await {
            Ok(Ok(result)) => result.map_err(Cause::Failed),
            Ok(Err(_)) | Err(_) => Err(Cause::Stuck(name)),
        }
    }
}

fn address(admitted: &Admitted) -> (String, i32, i64) {
    let position = &admitted.position;
    (position.topic.clone(), position.partition, position.offset)
}

/// What librdkafka says of a failed transactional call, in the order it wants to be asked.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    /// The producer is of no use any more.
    Fatal,
    /// The transaction is.
    Abort,
    /// The same call may succeed.
    Again,
}

fn class(error: &KafkaError) -> Class {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => Class::Fatal,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Class::Abort,
        KafkaError::Transaction(error) if error.is_retriable() => Class::Again,
        _ => Class::Fatal,
    }
}

fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}
