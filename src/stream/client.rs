//! The Kafka client settings we own, the ones users may pass through, and the context that turns librdkafka's events into
//! metrics and one log line per change of state.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext, Statistics,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::FutureProducer,
};

use super::{Delivery, GroupProtocol, Settings, StreamError, token};
use crate::metrics::Metrics;

/// TLS and SASL. Empty means the client's default.
#[derive(Clone, Default)]
pub struct Security {
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: Option<String>,
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub mechanism: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Where OAUTHBEARER gets its tokens, by OpenID Connect client credentials.
    pub token_url: Option<String>,
    /// Client id there.
    pub client_id: Option<String>,
    /// Client secret there.
    pub client_secret: Option<String>,
    /// Scope asked for.
    pub scope: Option<String>,
    /// Certificate authorities, PEM file.
    pub ca_file: Option<String>,
    /// Client certificate, PEM file.
    pub certificate_file: Option<String>,
    /// Client key, PEM file.
    pub key_file: Option<String>,
    /// Password of the client key.
    pub key_password: Option<String>,
}

impl std::fmt::Debug for Security {
    /// Says what is set, never a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Security")
            .field("protocol", &self.protocol)
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

/// librdkafka options the delivery guarantee rests on, or that have a setting of their own; passing them through is refused.
pub fn refused_keys() -> &'static [&'static str] {
    &[
        "bootstrap.servers",
        "metadata.broker.list",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "isolation.level",
        "partition.assignment.strategy",
        "max.poll.interval.ms",
        "session.timeout.ms",
        "enable.idempotence",
        "acks",
        "request.required.acks",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "transactional.id",
        "transaction.timeout.ms",
        "delivery.timeout.ms",
        "message.timeout.ms",
        "message.max.bytes",
        "fetch.message.max.bytes",
        "max.partition.fetch.bytes",
        "fetch.max.bytes",
        "receive.message.max.bytes",
        "queued.max.messages.kbytes",
        "queue.buffering.max.kbytes",
        "statistics.interval.ms",
        "security.protocol",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.password",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.token.endpoint.url",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.config",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
    ]
}

/// How long a topic that the brokers do not know may take to appear. Shorter than the time for delivery, so that a missing
/// topic is told from brokers in trouble.
const PROPAGATION: Duration = Duration::from_secs(30);

/// librdkafka's own bound of a batch, bytes.
const LARGEST_BATCH: usize = 1_000_000;
/// Bytes of a batch beside its records.
const BATCH_HEADER: usize = 100;

/// The largest record each topic takes, bytes, where the broker tells.
pub(super) type Limits = HashMap<String, usize>;

/// Bytes of one answer to a fetch, and a quarter of that for each partition. An answer is compressed, so it may unpack to many
/// times that, and no bound of the client counts it before. A larger message comes all the same, alone (KIP-74).
pub const FETCH_BYTES: usize = 1 << 20;

/// Bytes librdkafka may hold of fetched messages, and again of messages to send.
pub const QUEUE_BYTES: usize = 32 << 20;

fn base(settings: &Settings, side: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers).set("client.id", "copydesk").set("allow.auto.create.topics", "false");
    // librdkafka's own log is for its developers; what an operator needs comes through the context below.
    config.set_log_level(RDKafkaLogLevel::Warning);
    let security = &settings.security;
    for (key, value) in [
        ("security.protocol", &security.protocol),
        ("sasl.mechanism", &security.mechanism),
        ("sasl.username", &security.username),
        ("sasl.password", &security.password),
        ("sasl.oauthbearer.config", &token::config(security)),
        ("ssl.ca.location", &security.ca_file),
        ("ssl.certificate.location", &security.certificate_file),
        ("ssl.key.location", &security.key_file),
        ("ssl.key.password", &security.key_password),
    ] {
        if let Some(value) = value {
            config.set(key, value);
        }
    }
    for (key, value) in &settings.librdkafka {
        match key.split_once('.') {
            Some((prefix, rest)) if prefix == side => config.set(rest, value),
            Some(("consumer" | "producer", _)) => continue,
            _ => config.set(key, value),
        };
    }
    config
}

/// The consumer: stored offsets are committed by the client, or all offsets by transactions.
pub(super) fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = base(settings, "consumer");
    let bytes = settings.max_message_bytes.max(1_000_000);
    config
        .set("group.id", &settings.group)
        .set("enable.auto.commit", (settings.delivery == Delivery::AtLeastOnce).to_string())
        .set("auto.commit.interval.ms", millis(settings.commit_interval))
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("max.poll.interval.ms", millis(settings.max_poll_interval))
        .set("statistics.interval.ms", "1000")
        .set("queued.min.messages", "5000")
        .set("queued.max.messages.kbytes", (QUEUE_BYTES >> 10).to_string())
        // The default of a second turns small queues into a stutter.
        .set("fetch.queue.backoff.ms", "100")
        .set("fetch.message.max.bytes", (FETCH_BYTES / 4).to_string())
        .set("fetch.max.bytes", FETCH_BYTES.to_string())
        .set("receive.message.max.bytes", (FETCH_BYTES + bytes * 2).to_string());
    match settings.protocol {
        GroupProtocol::Classic => {
            config.set("partition.assignment.strategy", "cooperative-sticky").set("session.timeout.ms", millis(settings.session_timeout))
        }
        // The brokers assign and keep time.
        GroupProtocol::Consumer => config.set("group.protocol", "consumer"),
    };
    if let Some(instance) = &settings.instance {
        config.set("group.instance.id", instance);
    }
    if settings.backfill.is_some() {
        config.set("enable.partition.eof", "true");
    }
    config
}

/// The producer of the service, transactional where exactly-once is asked for. Its batches are no larger than the smallest
/// record of `limits`: brokers measure batches, and would refuse small records for the company they are in.
pub(super) fn publisher(settings: &Settings, limits: &Limits) -> ClientConfig {
    let mut config = producer(settings);
    if let Some(least) = limits.values().min().filter(|least| **least < LARGEST_BATCH) {
        config.set("batch.size", least.saturating_sub(BATCH_HEADER).max(1).to_string());
    }
    if let Delivery::ExactlyOnce(transactions) = &settings.delivery {
        config
            .set("transactional.id", &transactions.id)
            .set("transaction.timeout.ms", millis(transactions.timeout))
            // A record that cannot be delivered ends its transaction before the brokers do.
            .set("message.timeout.ms", millis(settings.delivery_timeout.min(transactions.timeout / 2)))
            .set("topic.metadata.propagation.max.ms", millis((transactions.timeout / 4).min(PROPAGATION)));
    }
    config
}

/// A producer: idempotent, bounded, with the partitioner of the Java client, so that keys land where Java puts them.
pub(super) fn producer(settings: &Settings) -> ClientConfig {
    let mut config = base(settings, "producer");
    let defaults = [("compression.type", "zstd"), ("linger.ms", "5"), ("partitioner", "murmur2_random")];
    for (key, value) in defaults {
        if config.get(key).is_none() {
            config.set(key, value);
        }
    }
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.timeout.ms", millis(settings.delivery_timeout))
        .set("topic.metadata.propagation.max.ms", millis((settings.delivery_timeout / 2).min(PROPAGATION)))
        .set("message.max.bytes", settings.max_message_bytes.to_string())
        .set("queue.buffering.max.kbytes", (QUEUE_BYTES >> 10).to_string());
    config
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// The code of an error as a label.
pub(super) fn code_name(code: Option<RDKafkaErrorCode>) -> String {
    code.map_or_else(|| "none".to_owned(), |code| format!("{code:?}"))
}

/// Whether a failure may be over in a moment.
pub(super) fn passes(code: RDKafkaErrorCode) -> bool {
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

/// Somebody who wants the client's statistics.
type Observer = Box<dyn Fn(&Statistics) + Send + Sync>;

/// Turns librdkafka's events into metrics and log lines.
pub(crate) struct Client {
    metrics: Metrics,
    role: &'static str,
    unreachable: AtomicBool,
    /// Called with the statistics once a second, for those who want them.
    pub(super) statistics: OnceLock<Observer>,
}

/// A context for a client of the given role.
pub(crate) fn context(metrics: Metrics, role: &'static str) -> Client {
    Client { metrics, role, unreachable: AtomicBool::new(false), statistics: OnceLock::new() }
}

impl Client {
    /// Traffic flows again.
    pub(super) fn reachable(&self) {
        if self.unreachable.swap(false, Ordering::Relaxed) {
            tracing::info!(client = self.role, "Kafka can be reached again");
        }
    }
}

impl ClientContext for Client {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        token::fetch(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // A failed transaction is told, with what is done about it, by the one who made it.
            _ if matches!(facility, "TXNERR" | "FATAL") => tracing::debug!(client = self.role, facility, "{message}"),
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(client = self.role, facility, "{message}")
            }
            // A committed offset that is out of the topic's retention, and a poll that came too late: told nowhere else.
            _ if matches!(facility, "OFFSET" | "MAXPOLL") => tracing::warn!(client = self.role, facility, "{message}"),
            // Connection failures come here by the dozen; `error` below says it once.
            _ => tracing::debug!(client = self.role, facility, "{message}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        if statistics.brokers.values().any(|broker| broker.state == "UP" && broker.nodeid >= 0) {
            self.reachable();
        }
        if let Some(observe) = self.statistics.get() {
            observe(&statistics);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        self.metrics.kafka_error(&code_name(code));
        match code {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if !self.unreachable.swap(true, Ordering::Relaxed) {
                    tracing::error!(client = self.role, reason, "Kafka cannot be reached; retrying until it can");
                }
            }
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve) => {
                tracing::debug!(client = self.role, reason, "connection failed")
            }
            Some(RDKafkaErrorCode::InvalidTransactionalState | RDKafkaErrorCode::Fenced) => {
                tracing::debug!(client = self.role, reason, "failed for good")
            }
            _ => tracing::warn!(client = self.role, %error, reason, "the Kafka client reports an error"),
        }
    }
}

/// A consumer to ask and to read with, outside any group.
pub(super) fn reader(config: &ClientConfig) -> Result<BaseConsumer<Quiet>, StreamError> {
    let consumer: BaseConsumer<Quiet> =
        config.create_with_context(Quiet::default()).map_err(|error| StreamError::Client { role: "reader", error: masked(error) })?;
    // The wish for a token is an event, and events are served by polls; without a token no question is answered.
    if config.get("sasl.oauthbearer.config").is_some() {
        drop(consumer.poll(Duration::from_millis(100)));
    }
    Ok(consumer)
}

/// A plain producer, of no service.
pub(super) fn feeder(settings: &Settings) -> Result<FutureProducer<Quiet>, StreamError> {
    let failed = |error| StreamError::Client { role: "producer", error: masked(error) };
    producer(settings).create_with_context(Quiet::default()).map_err(failed)
}

/// What a failed connection means, where its words do not say it.
fn explained(said: String) -> String {
    let mend = if said.contains("verify failed") {
        "the broker's certificate is not of an authority in kafka.ssl_ca_file, or has expired"
    } else if said.contains("alert") && said.contains("certificate") {
        "the broker refuses the certificate of kafka.ssl_certificate_file: see whether it has expired, and whether the broker trusts its authority"
    } else if said.contains("uthentication") {
        "see kafka.sasl_mechanism and its user and password"
    } else {
        return said;
    };
    format!("{said}; {mend}")
}

/// librdkafka repeats the values of options it does not take, secrets too.
pub(super) fn masked(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::ClientConfig(code, description, key, value) => {
            let open = !["password", "secret", "oauthbearer", "jaas", "pem", "key"].iter().any(|part| key.contains(part));
            let shown = if open { value.clone() } else { "***".to_owned() };
            let description = if open || value.is_empty() { description } else { description.replace(&value, "***") };
            KafkaError::ClientConfig(code, description, key, shown)
        }
        other => other,
    }
}

/// Partition counts of the topics a broker knows, and the brokers' number. Blocks for up to `timeout`.
///
/// # Errors
/// When no broker answers in time.
pub fn fetch_topics(settings: &Settings, timeout: Duration) -> Result<(usize, Vec<(String, usize)>), StreamError> {
    let mut config = base(settings, "consumer");
    config.set("group.id", &settings.group);
    let consumer = reader(&config)?;
    let metadata = consumer.fetch_metadata(None, timeout).map_err(|error| {
        // What went wrong comes as an event, and events are served by polls.
        drop(consumer.poll(Duration::from_millis(100)));
        let said = consumer.context().said.lock().unwrap_or_else(PoisonError::into_inner).take();
        StreamError::Unreachable(explained(said.unwrap_or_else(|| error.to_string())))
    })?;
    let topics =
        metadata.topics().iter().filter(|topic| topic.error().is_none()).map(|topic| (topic.name().to_owned(), topic.partitions().len()));
    Ok((metadata.brokers().len(), topics.collect()))
}

/// A context that keeps librdkafka from writing to standard error while we only ask whether anyone is there.
#[derive(Default)]
pub(crate) struct Quiet {
    /// What librdkafka last said of a connection.
    said: Mutex<Option<String>>,
}

impl ClientContext for Quiet {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        token::fetch(config)
    }

    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "probe");
        // That all brokers are down says nothing that another error did not say better.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

impl rdkafka::producer::ProducerContext for Quiet {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &rdkafka::producer::DeliveryResult<'_>, _opaque: ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What is built in shows only when a client is made: features are compiled into librdkafka.
    #[test]
    fn the_build_has_tls_sasl_and_zstd() {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let flags = [
                ("kafka.security_protocol", "sasl_ssl"),
                ("kafka.sasl_mechanism", mechanism),
                ("kafka.sasl_username", "u"),
                ("kafka.sasl_password", "p"),
                ("librdkafka.producer.compression.type", "zstd"),
            ];
            let settings = Config::from(None, &[], &flags.map(|(path, value)| (path.to_owned(), value.to_owned()))).unwrap().stream;
            let consumer: Result<BaseConsumer<Quiet>, _> = consumer(&settings).create_with_context(Quiet::default());
            assert!(consumer.is_ok(), "{mechanism}: {:?}", consumer.err());
            let producer: Result<rdkafka::producer::BaseProducer<Quiet>, _> = producer(&settings).create_with_context(Quiet::default());
            assert!(producer.is_ok(), "{mechanism}: {:?}", producer.err());
        }
    }

    #[test]
    fn pass_through_options_reach_their_side() {
        let flags =
            [("librdkafka.producer.linger.ms", "77"), ("librdkafka.consumer.fetch.min.bytes", "9"), ("librdkafka.client.rack", "r")];
        let settings = Config::from(None, &[], &flags.map(|(path, value)| (path.to_owned(), value.to_owned()))).unwrap().stream;
        let (consumer, producer) = (consumer(&settings), producer(&settings));
        assert_eq!(
            (producer.get("linger.ms"), producer.get("fetch.min.bytes"), producer.get("client.rack")),
            (Some("77"), None, Some("r"))
        );
        assert_eq!((consumer.get("linger.ms"), consumer.get("fetch.min.bytes"), consumer.get("client.rack")), (None, Some("9"), Some("r")));
    }

    /// librdkafka quotes what it does not take.
    #[test]
    fn a_refused_secret_is_not_quoted() {
        let mut config = ClientConfig::new();
        config.set("group.id", "g").set("sasl.oauthbearer.client.secret", "hunter2");
        let error = reader(&config).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("***") && !error.contains("hunter2")), "{error:?}");
    }
}
