//! The producer side: which records an outcome becomes, in which order they are handed over, and when they are delivered.
//!
//! Records are enqueued one message at a time, so the order of the input is the order of the output per key; their
//! acknowledgements are awaited concurrently. A full queue is backpressure: the same record is tried again, in place.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header as KafkaHeader, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer},
};

use super::{
    Settings, StreamError,
    client::{self, Client, Limits},
    quarantine::Guard,
    source::{Admitted, now_seconds},
};
use crate::{
    article::{Facts, Header, Message, Outcome, Reason, Rejection, SCHEMA},
    metrics::Metrics,
};

/// Names of the headers copydesk writes. Those of the input are passed on before them, in order.
pub mod header {
    /// `copydesk/` and the version. On every record.
    pub const SERVICE: &str = "copydesk.service.version";
    /// Schema of the value. On enriched records.
    pub const SCHEMA: &str = "copydesk.schema";
    /// BCP-47 tag of the article. On enriched records.
    pub const LANGUAGE: &str = "copydesk.language";
    /// Code of the reason. On dead letters.
    pub const ERROR_CODE: &str = "copydesk.error.code";
    /// Sentence for the reader. On dead letters.
    pub const ERROR_MESSAGE: &str = "copydesk.error.message";
    /// `intake`, `enrich` or `publish`. On dead letters.
    pub const ERROR_STAGE: &str = "copydesk.error.stage";
    /// Topic the message was read from. On every record.
    pub const SOURCE_TOPIC: &str = "copydesk.source.topic";
    /// Partition it was read from. On every record.
    pub const SOURCE_PARTITION: &str = "copydesk.source.partition";
    /// Offset it was read at. On every record.
    pub const SOURCE_OFFSET: &str = "copydesk.source.offset";
    /// How many times the message was tried, counted over replays. On dead letters.
    pub const ATTEMPT: &str = "copydesk.attempt";
    /// When it first failed, RFC 3339. On dead letters; survives replays.
    pub const FIRST_FAILED_AT: &str = "copydesk.first_failed_at";

    /// All of them.
    pub const ALL: [&str; 11] = [
        SERVICE,
        SCHEMA,
        LANGUAGE,
        ERROR_CODE,
        ERROR_MESSAGE,
        ERROR_STAGE,
        SOURCE_TOPIC,
        SOURCE_PARTITION,
        SOURCE_OFFSET,
        ATTEMPT,
        FIRST_FAILED_AT,
    ];
}

/// Output topics by language or by topic: a template with one placeholder, and the values that have a topic of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// A topic name with `{language}` or `{topic}` in it.
    pub template: String,
    /// Values with a topic of their own; all others go to the output topic.
    pub values: Vec<String>,
}

impl Routing {
    /// The placeholder a template is routed by.
    pub fn placeholder(template: &str) -> Option<&'static str> {
        ["{language}", "{topic}"].into_iter().find(|placeholder| template.contains(placeholder))
    }

    /// All topics of the routes.
    pub fn topics(&self) -> impl Iterator<Item = String> + '_ {
        self.values.iter().map(|value| self.topic(value))
    }

    fn topic(&self, value: &str) -> String {
        self.template.replace("{language}", value).replace("{topic}", value)
    }

    fn route(&self, facts: &Facts) -> Option<String> {
        let value = match Self::placeholder(&self.template)? {
            "{language}" => facts.language.as_str(),
            _ => facts.topics.first().copied()?,
        };
        // A route for `zh` takes both scripts, unless one has its own.
        let primary = value.split_once('-').map_or(value, |(primary, _)| primary);
        [value, primary].into_iter().find(|value| self.values.iter().any(|known| known == value)).map(|value| self.topic(value))
    }
}

/// The producer and where it writes.
pub(super) struct Sink {
    producer: FutureProducer<Client>,
    output: String,
    dead_letters: String,
    routing: Option<Routing>,
    max_message_bytes: usize,
    limits: Limits,
    metrics: Metrics,
    guard: Arc<Guard>,
    quiet: Mutex<Quiet>,
}

/// Rejections that were not logged, and until when the next one is not.
#[derive(Debug, Default)]
struct Quiet {
    until: Option<Instant>,
    unsaid: u64,
}

/// One record on its way.
struct Sent {
    topic: String,
    /// Of key and value.
    bytes: usize,
    delivery: DeliveryFuture,
    since: Instant,
}

impl Sent {
    /// Waits for the broker's word on the record; the outer error is that there is nobody to wait for any more.
    async fn acknowledged(&mut self, metrics: &Metrics) -> Result<Result<(), KafkaError>, StreamError> {
        let result = answer(&mut self.delivery).await?;
        if result.is_ok() {
            metrics.delivered(self.since.elapsed());
        }
        Ok(result)
    }
}

/// What the records on their way stand for.
enum Content {
    Enriched(Facts),
    Tombstone,
    DeadLetter(Reason),
}

/// A message whose records are enqueued and not acknowledged yet.
pub(super) struct Pending {
    sink: Arc<Sink>,
    admitted: Admitted,
    sent: Vec<Sent>,
    content: Content,
}

impl Sink {
    /// The producer, for transactions around what is sent.
    pub(super) fn producer(&self) -> &FutureProducer<Client> {
        &self.producer
    }

    pub(super) fn new(settings: &Settings, limits: Limits, metrics: Metrics, guard: Arc<Guard>) -> Result<Self, StreamError> {
        let producer = client::publisher(settings, &limits)
            .create_with_context(client::context(metrics.clone(), "producer"))
            .map_err(|error| StreamError::Client { role: "producer", error: client::masked(error) })?;
        Ok(Self {
            producer,
            output: settings.output.clone(),
            dead_letters: settings.dead_letters.clone(),
            routing: settings.routing.clone(),
            max_message_bytes: settings.max_message_bytes,
            limits,
            metrics,
            guard,
            quiet: Mutex::default(),
        })
    }

    /// Hands the records of one outcome to the producer. Called for one message at a time.
    pub(super) async fn enqueue(self: Arc<Self>, admitted: Admitted, outcome: Outcome) -> Result<Pending, StreamError> {
        let message = Arc::clone(&admitted.message);
        let (sent, content) = match outcome {
            Outcome::Tombstone => {
                // Which topic holds what it deletes is not known, so it goes to all of them.
                let mut sent = Vec::new();
                for topic in std::iter::once(self.output.clone()).chain(self.routing.iter().flat_map(Routing::topics)) {
                    sent.push(self.send(topic, &message, None, &common(&message)).await?);
                }
                (sent, Content::Tombstone)
            }
            Outcome::Rejected(rejection) => {
                (vec![self.send_dead_letter(&message, &rejection).await?], Content::DeadLetter(rejection.reason))
            }
            Outcome::Enriched(enriched) => {
                let topic = self.routing.as_ref().and_then(|routing| routing.route(&enriched.facts)).unwrap_or_else(|| self.output.clone());
                let ours = [Header::text(header::SCHEMA, SCHEMA), Header::text(header::LANGUAGE, enriched.facts.language.as_str())];
                let ours = [&common(&message)[..], &ours].concat();
                match self.send(topic, &message, Some(&enriched.json), &ours).await {
                    Ok(sent) => (vec![sent], Content::Enriched(enriched.facts)),
                    Err(StreamError::Delivery { error, .. }) if is_refusal(&error) => {
                        let rejection = refusal(&error, enriched.json.len());
                        (vec![self.send_dead_letter(&message, &rejection).await?], Content::DeadLetter(rejection.reason))
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(Pending { sink: self, admitted, sent, content })
    }

    async fn send_dead_letter(&self, message: &Message, rejection: &Rejection) -> Result<Sent, StreamError> {
        self.say(message, rejection);
        let payload = message.payload.as_deref();
        self.send(self.dead_letters.clone(), message, payload, &marks(message, rejection)).await
    }

    /// One line for a rejection, but no more than one a second: a bad deploy upstream must not flood the log.
    fn say(&self, message: &Message, rejection: &Rejection) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.until.is_some_and(|until| Instant::now() < until) {
            quiet.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut quiet.unsaid);
        quiet.until = Some(Instant::now() + Duration::from_secs(1));
        tracing::warn!(
            reason = rejection.reason.code(),
            topic = message.topic,
            partition = message.partition,
            offset = message.offset,
            unsaid,
            "message rejected: {}",
            rejection.message
        );
    }

    async fn send(&self, topic: String, message: &Message, payload: Option<&[u8]>, ours: &[Header]) -> Result<Sent, StreamError> {
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&topic).headers(to_kafka(passed_on(message, ours)));
        record.key = message.key.as_deref();
        record.payload = payload;
        // Event time flows through. Dead letters are stamped anew: a timestamp may be why the message was refused.
        if topic != self.dead_letters {
            record.timestamp = message.timestamp;
        }
        let bytes = payload.map_or(0, <[u8]>::len) + record.key.map_or(0, <[u8]>::len);
        let since = Instant::now();
        match enqueue(&self.producer, record).await {
            Ok(delivery) => Ok(Sent { topic, bytes, delivery, since }),
            Err(error) => Err(self.failed(topic.clone(), error)),
        }
    }

    /// Whether the broker refuses this record whatever we do, and there is a place left for its message. A record that its
    /// topic took when we began was refused for its batch: somebody lowered the limit, which the next start will know.
    fn refuses(&self, topic: &str, bytes: usize, error: &KafkaError) -> bool {
        let narrowed = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
            && self.limits.get(topic).is_some_and(|limit| bytes * 2 < *limit);
        is_refusal(error) && topic != self.dead_letters && !narrowed
    }

    fn failed(&self, topic: String, error: KafkaError) -> StreamError {
        if let Some((code, reason)) = self.producer.client().fatal_error() {
            return StreamError::Fatal(format!("{code:?}: {reason}"));
        }
        let mend = mend(error.rdkafka_error_code());
        StreamError::Delivery { topic, error, mend }
    }
}

impl Pending {
    /// Waits until the broker has every record of the message. A refusal of the record itself makes it a dead letter.
    pub(super) async fn delivered(mut self) -> Result<Admitted, StreamError> {
        if let Some(rejection) = self.settle().await? {
            let mut letter = self.sink.send_dead_letter(&self.admitted.message, &rejection).await?;
            let acknowledged = letter.acknowledged(&self.sink.metrics).await?;
            acknowledged.map_err(|error| self.sink.failed(self.sink.dead_letters.clone(), error))?;
            self.content = Content::DeadLetter(rejection.reason);
        }
        Ok(self.count())
    }

    /// Waits for the broker's word on every record that has none yet; says why if it refuses one whatever we do. May be
    /// given up, and asked again.
    pub(super) async fn settle(&mut self) -> Result<Option<Rejection>, StreamError> {
        let mut refused = None;
        while let Some(sent) = self.sent.last_mut() {
            let result = sent.acknowledged(&self.sink.metrics).await;
            let Some(Sent { topic, bytes, .. }) = self.sent.pop() else { break };
            match result? {
                Ok(()) => {}
                Err(error) if self.sink.refuses(&topic, bytes, &error) => {
                    refused = Some(refusal(&error, self.sink.limits.get(&topic).copied().unwrap_or(self.sink.max_message_bytes)));
                }
                Err(error) => return Err(self.sink.failed(topic, error)),
            }
        }
        Ok(refused)
    }

    /// Counts the message as done.
    pub(super) fn count(self) -> Admitted {
        self.sink.guard.note(match &self.content {
            Content::DeadLetter(reason) => Some(*reason),
            Content::Enriched(_) | Content::Tombstone => None,
        });
        match &self.content {
            Content::Enriched(facts) => self.sink.metrics.enriched(facts, now_seconds()),
            Content::Tombstone => self.sink.metrics.tombstone(),
            Content::DeadLetter(reason) => self.sink.metrics.rejected(*reason),
        }
        self.admitted
    }

    /// The message, whatever became of its records.
    pub(super) fn admitted(&self) -> &Admitted {
        &self.admitted
    }
}

/// What an operator can do about a record that is not delivered.
pub(super) fn mend(code: Option<RDKafkaErrorCode>) -> &'static str {
    match code {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            "raise max.message.bytes of the topic to kafka.max_message_bytes, or start again if it was lowered"
        }
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            "create the topic with `copydesk topics create`"
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => "allow this user to write to the topic",
        Some(RDKafkaErrorCode::MessageTimedOut) => "see why the brokers did not acknowledge within kafka.delivery_timeout",
        _ => "see the broker's log",
    }
}

/// Whether a failure stays until somebody mends it, so that trying again is no use.
pub(super) fn needs_operator(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::MessageSizeTooLarge
        )
    )
}

/// Hands one record to a producer. A full queue is backpressure: the same record is tried again, so that none overtakes it.
pub(super) async fn enqueue<C: ClientContext + 'static>(
    producer: &FutureProducer<C>,
    mut record: FutureRecord<'_, [u8], [u8]>,
) -> Result<DeliveryFuture, KafkaError> {
    loop {
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// The broker's word on a record; the outer error is that there is nobody to wait for any more.
pub(super) async fn answer(
    delivery: impl Future<Output = <DeliveryFuture as Future>::Output>,
) -> Result<Result<(), KafkaError>, StreamError> {
    match delivery.await {
        Ok(result) => Ok(result.map(drop).map_err(|(error, _)| error)),
        Err(_) => Err(StreamError::Fatal("the producer is gone".to_owned())),
    }
}

/// Headers as the client takes them.
pub(super) fn to_kafka<'a>(headers: impl Iterator<Item = &'a Header>) -> OwnedHeaders {
    headers.fold(OwnedHeaders::new(), |headers, header| headers.insert(KafkaHeader { key: &header.key, value: header.value.as_deref() }))
}

/// Whether the broker refuses this record whatever we do, rather than being in trouble itself.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidTimestamp | RDKafkaErrorCode::InvalidRecord)
    )
}

fn refusal(error: &KafkaError, bytes: usize) -> Rejection {
    let code = error.rdkafka_error_code();
    Rejection::new(Reason::Refused, format!("the broker refuses the enriched record ({bytes} bytes at most): {code:?}"))
}

/// The input's headers in order, repeats and nulls included, then ours. Headers of ours that came in are replaced.
fn passed_on<'a>(message: &'a Message, ours: &'a [Header]) -> impl Iterator<Item = &'a Header> {
    message.headers().iter().filter(|header| !header.key.starts_with("copydesk.")).chain(ours)
}

/// The headers of a dead letter: those of the message, and why it is one.
pub fn dead_letter_headers(message: &Message, rejection: &Rejection) -> Vec<Header> {
    passed_on(message, &marks(message, rejection)).cloned().collect()
}

/// Why a message is a dead letter.
fn marks(message: &Message, rejection: &Rejection) -> Vec<Header> {
    let attempt =
        message.header_text(header::ATTEMPT).and_then(|attempt| attempt.parse::<u32>().ok()).map_or(1, |attempt| attempt.saturating_add(1));
    let first = message
        .header_text(header::FIRST_FAILED_AT)
        .map_or_else(|| jiff::Timestamp::from_second(now_seconds()).map(|now| now.to_string()).unwrap_or_default(), str::to_owned);
    let ours = [
        Header::text(header::ERROR_CODE, rejection.reason.code()),
        Header::text(header::ERROR_MESSAGE, rejection.message.clone()),
        Header::text(header::ERROR_STAGE, rejection.reason.stage()),
        Header::text(header::ATTEMPT, attempt.to_string()),
        Header::text(header::FIRST_FAILED_AT, first),
    ];
    [&common(message)[..], &ours].concat()
}

/// What every record says: who wrote it, and what it was made of.
fn common(message: &Message) -> [Header; 4] {
    [
        Header::text(header::SERVICE, crate::SERVICE),
        Header::text(header::SOURCE_TOPIC, message.topic.clone()),
        Header::text(header::SOURCE_PARTITION, message.partition.to_string()),
        Header::text(header::SOURCE_OFFSET, message.offset.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &[Header]) -> Vec<(String, Option<String>)> {
        let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        headers.iter().map(|header| (header.key.clone(), header.value.as_ref().map(text))).collect()
    }

    #[test]
    fn headers_keep_order_repeats_and_nulls() {
        let mut message = Message::local(Vec::new());
        message.headers = Ok(vec![
            Header::text("a", "1"),
            Header { key: "b".into(), value: None },
            Header::text("a", "2"),
            Header::text(header::ATTEMPT, "3"),
            Header::text(header::FIRST_FAILED_AT, "2026-01-01T00:00:00Z"),
        ]);
        let headers = names(&dead_letter_headers(&message, &Rejection::new(Reason::Empty, "m")));
        let value = |key: &str| headers.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect::<Vec<_>>();
        assert_eq!(value("a"), [Some("1".into()), Some("2".into())]);
        assert_eq!(value("b"), [None]);
        assert_eq!(value(header::ATTEMPT), [Some("4".into())]);
        assert_eq!(value(header::FIRST_FAILED_AT), [Some("2026-01-01T00:00:00Z".into())]);
        assert_eq!(headers[..3].iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
    }

    #[test]
    fn routes_by_language_and_topic() {
        let routing = |template: &str| Routing { template: template.into(), values: vec!["ar".into(), "zh".into(), "sport".into()] };
        let facts =
            |language: &str, topics: &[&'static str]| Facts { language: language.to_owned(), topics: topics.to_vec(), ..Facts::default() };
        assert_eq!(routing("n.{language}").route(&facts("ar", &[])).as_deref(), Some("n.ar"));
        assert_eq!(routing("n.{language}").route(&facts("zh-Hant", &[])).as_deref(), Some("n.zh"));
        assert_eq!(routing("n.{language}").route(&facts("fr", &[])), None);
        assert_eq!(routing("n.{topic}").route(&facts("fr", &["sport", "arts"])).as_deref(), Some("n.sport"));
        assert_eq!(routing("n.{topic}").route(&facts("fr", &[])), None);
    }
}
