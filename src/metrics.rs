//! Every metric of the service, in one struct and one file. Methods speak the domain; labels come from closed sets.
//!
//! Naming: prefix `copydesk_`, base units, histograms and never summaries. The catalogue in README is compared with
//! [`Metrics::catalogue`] by a test.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::article::{EntityType, Facts, Reason};

/// The metrics and the registry that serves them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    articles: IntCounterVec,
    rejected: IntCounterVec,
    languages: IntCounterVec,
    entities: IntCounterVec,
    topics: IntCounterVec,
    enrich_seconds: Histogram,
    step_seconds: HistogramVec,
    article_bytes: Histogram,
    in_flight: IntGauge,
    in_flight_bytes: IntGauge,
    paused: IntGauge,
    delivery_seconds: Histogram,
    freshness_seconds: Histogram,
    lag: IntGaugeVec,
    stalled: IntGaugeVec,
    partitions: IntGauge,
    unowned: IntGauge,
    rebalances: IntCounterVec,
    kafka_errors: IntCounterVec,
    stale_stores: IntCounter,
    drain_timeouts: IntCounter,
    transactions: IntCounterVec,
    transaction_seconds: Histogram,
    transaction_age: Gauge,
    producer_restarts: IntCounter,
    quarantined: IntGauge,
    degraded: IntCounter,
    gazetteer_loads: IntCounterVec,
    gazetteer_entities: IntGauge,
    taxonomy_loads: IntCounterVec,
    taxonomy_topics: IntGauge,
}

/// What became of a message, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeLabel {
    /// Published enriched.
    Enriched,
    /// Sent to the dead-letter topic.
    Rejected,
    /// Forwarded as a tombstone.
    Tombstone,
}

impl OutcomeLabel {
    const ALL: [Self; 3] = [Self::Enriched, Self::Rejected, Self::Tombstone];

    fn name(self) -> &'static str {
        match self {
            Self::Enriched => "enriched",
            Self::Rejected => "rejected",
            Self::Tombstone => "tombstone",
        }
    }
}

/// What happened to the assignment, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebalanceLabel {
    /// Partitions came.
    Assign,
    /// Partitions were given up in order.
    Revoke,
    /// Partitions were lost without being asked.
    Lost,
    /// The group reported an error.
    Error,
}

impl RebalanceLabel {
    const ALL: [Self; 4] = [Self::Assign, Self::Revoke, Self::Lost, Self::Error];

    fn name(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Revoke => "revoke",
            Self::Lost => "lost",
            Self::Error => "error",
        }
    }
}

const SECONDS: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const BYTES: &[f64] = &[256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 4_194_304.0];
const AGES: &[f64] = &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0];

impl Metrics {
    /// Registers everything, with every label value that is known from the start at zero.
    ///
    /// # Errors
    /// Only when two metrics share a name, which a test rules out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| IntCounter::new(name, help);
        let counters = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        let gauges = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let options = |name: &str, help: &str, buckets: &[f64]| HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let metrics = Self {
            articles: counters("copydesk_articles_total", "Messages whose outcome the broker has acknowledged, by outcome.", &["outcome"])?,
            rejected: counters("copydesk_rejected_total", "Messages sent to the dead-letter topic, by reason.", &["reason"])?,
            languages: counters("copydesk_languages_total", "Enriched articles by BCP-47 language; und is undetermined.", &["language"])?,
            entities: counters("copydesk_entities_total", "Entities found, by type.", &["type"])?,
            topics: counters("copydesk_topics_total", "Topics given, by topic.", &["topic"])?,
            enrich_seconds: Histogram::with_opts(options("copydesk_enrich_seconds", "Time to enrich one article, all steps.", SECONDS))?,
            step_seconds: HistogramVec::new(options("copydesk_step_seconds", "Time one step takes for one article.", SECONDS), &["step"])?,
            article_bytes: Histogram::with_opts(options("copydesk_article_bytes", "Size of the messages read.", BYTES))?,
            in_flight: gauge("copydesk_in_flight", "Messages read whose offset is not stored yet.")?,
            in_flight_bytes: gauge("copydesk_in_flight_bytes", "Bytes of the messages in flight.")?,
            paused: gauge("copydesk_paused", "1 while reading is paused because the bounds in flight are reached.")?,
            delivery_seconds: Histogram::with_opts(options(
                "copydesk_delivery_seconds",
                "Time from handing a record to the producer to the broker's acknowledgement.",
                SECONDS,
            ))?,
            freshness_seconds: Histogram::with_opts(options(
                "copydesk_freshness_seconds",
                "Age of an article, from its publication to the acknowledgement of its enriched record.",
                AGES,
            ))?,
            lag: gauges(
                "copydesk_consumer_lag",
                "Messages between the committed offset and the end of an assigned partition.",
                &["topic", "partition"],
            )?,
            stalled: gauges(
                "copydesk_stalled_seconds",
                "Seconds an assigned partition has lag and stores no offset; 0 while it moves.",
                &["topic", "partition"],
            )?,
            partitions: gauge("copydesk_assigned_partitions", "Partitions assigned to this instance.")?,
            unowned: gauge(
                "copydesk_unowned_partitions",
                "Partitions of the input that no instance of a stable group owns, as a static member sees them.",
            )?,
            rebalances: counters("copydesk_rebalances_total", "Changes of the assignment, by event.", &["event"])?,
            kafka_errors: counters("copydesk_kafka_errors_total", "Errors the Kafka client reported, by code.", &["code"])?,
            stale_stores: counter(
                "copydesk_stale_offset_stores_total",
                "Offsets not stored because the partition was no longer assigned; its new owner reads those messages again.",
            )?,
            drain_timeouts: counter("copydesk_drain_timeouts_total", "Revocations whose messages in flight were not done in time.")?,
            transactions: counters("copydesk_transactions_total", "Transactions ended, by result.", &["result"])?,
            transaction_seconds: Histogram::with_opts(options(
                "copydesk_transaction_seconds",
                "Time from the beginning of a transaction to its commit.",
                SECONDS,
            ))?,
            transaction_age: Gauge::new(
                "copydesk_transaction_age_seconds",
                "Age of the open transaction, which read_committed readers wait for; 0 while none is open.",
            )?,
            producer_restarts: counter(
                "copydesk_producer_restarts_total",
                "Transactional producers that failed for good and were replaced by new ones.",
            )?,
            quarantined: gauge("copydesk_quarantined", "1 once reading has stopped because too large a share of messages was rejected.")?,
            degraded: counter("copydesk_degraded_total", "Enriched articles without topics or entities because of the lag.")?,
            gazetteer_loads: counters(
                "copydesk_gazetteer_loads_total",
                "Times the gazetteers of enrich.gazetteers were read, by result.",
                &["result"],
            )?,
            gazetteer_entities: gauge("copydesk_gazetteer_entities", "Entities in the gazetteers of enrich.gazetteers that are in use.")?,
            taxonomy_loads: counters(
                "copydesk_taxonomy_loads_total",
                "Times the taxonomies of enrich.taxonomies were read, by result.",
                &["result"],
            )?,
            taxonomy_topics: gauge("copydesk_taxonomy_topics", "Topics in the taxonomies of enrich.taxonomies that are in use.")?,
            registry,
        };
        metrics.register()?;
        for result in ["committed", "aborted"] {
            metrics.transactions.with_label_values(&[result]);
        }
        for result in ["loaded", "failed"] {
            metrics.gazetteer_loads.with_label_values(&[result]);
            metrics.taxonomy_loads.with_label_values(&[result]);
        }
        for outcome in OutcomeLabel::ALL {
            metrics.articles.with_label_values(&[outcome.name()]);
        }
        for reason in Reason::ALL {
            metrics.rejected.with_label_values(&[reason.code()]);
        }
        for kind in EntityType::ALL {
            metrics.entities.with_label_values(&[kind.name()]);
        }
        for event in RebalanceLabel::ALL {
            metrics.rebalances.with_label_values(&[event.name()]);
        }
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let build_info = IntGauge::with_opts(
            Opts::new("copydesk_build_info", "1, with the version as a label.").const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build_info.set(1);
        let collectors: [Box<dyn prometheus::core::Collector>; 32] = [
            Box::new(build_info),
            Box::new(self.articles.clone()),
            Box::new(self.rejected.clone()),
            Box::new(self.languages.clone()),
            Box::new(self.entities.clone()),
            Box::new(self.topics.clone()),
            Box::new(self.enrich_seconds.clone()),
            Box::new(self.step_seconds.clone()),
            Box::new(self.article_bytes.clone()),
            Box::new(self.in_flight.clone()),
            Box::new(self.in_flight_bytes.clone()),
            Box::new(self.paused.clone()),
            Box::new(self.delivery_seconds.clone()),
            Box::new(self.freshness_seconds.clone()),
            Box::new(self.lag.clone()),
            Box::new(self.stalled.clone()),
            Box::new(self.partitions.clone()),
            Box::new(self.unowned.clone()),
            Box::new(self.rebalances.clone()),
            Box::new(self.kafka_errors.clone()),
            Box::new(self.stale_stores.clone()),
            Box::new(self.drain_timeouts.clone()),
            Box::new(self.transactions.clone()),
            Box::new(self.transaction_seconds.clone()),
            Box::new(self.transaction_age.clone()),
            Box::new(self.producer_restarts.clone()),
            Box::new(self.quarantined.clone()),
            Box::new(self.degraded.clone()),
            Box::new(self.gazetteer_loads.clone()),
            Box::new(self.gazetteer_entities.clone()),
            Box::new(self.taxonomy_loads.clone()),
            Box::new(self.taxonomy_topics.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector)?;
        }
        #[cfg(target_os = "linux")]
        self.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
    }

    /// The exposition in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Name and help of every metric of ours.
    pub fn catalogue() -> Result<Vec<(String, String)>, prometheus::Error> {
        let metrics = Self::new()?;
        // Families without a series yet are not gathered, so each gets one.
        metrics.lag.with_label_values(&["", ""]);
        metrics.stalled.with_label_values(&["", ""]);
        metrics.languages.with_label_values(&["und"]);
        metrics.topics.with_label_values(&["politics"]);
        metrics.step_seconds.with_label_values(&["intake"]);
        metrics.kafka_errors.with_label_values(&["none"]);
        let families = metrics.registry.gather();
        Ok(families.iter().map(|family| (family.name().to_owned(), family.help().to_owned())).collect())
    }

    /// A message was read.
    pub fn read(&self, bytes: usize) {
        self.article_bytes.observe(bytes as f64);
    }

    /// The messages in flight changed.
    pub fn in_flight(&self, messages: usize, bytes: usize) {
        self.in_flight.set(messages as i64);
        self.in_flight_bytes.set(bytes as i64);
    }

    /// Reading was paused or resumed.
    pub fn paused(&self, paused: bool) {
        self.paused.set(i64::from(paused));
    }

    /// The broker acknowledged an enriched record.
    pub fn enriched(&self, facts: &Facts, now_seconds: i64) {
        self.articles.with_label_values(&[OutcomeLabel::Enriched.name()]).inc();
        self.languages.with_label_values(&[facts.language.as_str()]).inc();
        for (kind, count) in &facts.entities {
            self.entities.with_label_values(&[kind.name()]).inc_by(*count as u64);
        }
        for topic in &facts.topics {
            self.topics.with_label_values(&[topic]).inc();
        }
        self.degraded.inc_by(u64::from(facts.degraded));
        let mut total = Duration::ZERO;
        for (step, duration) in facts.timings.steps() {
            self.step_seconds.with_label_values(&[step]).observe(duration.as_secs_f64());
            total += duration;
        }
        self.enrich_seconds.observe(total.as_secs_f64());
        if let Some(published) = facts.published {
            self.freshness_seconds.observe((now_seconds - published).max(0) as f64);
        }
    }

    /// The broker acknowledged a dead letter.
    pub fn rejected(&self, reason: Reason) {
        self.articles.with_label_values(&[OutcomeLabel::Rejected.name()]).inc();
        self.rejected.with_label_values(&[reason.code()]).inc();
    }

    /// The broker acknowledged a tombstone.
    pub fn tombstone(&self) {
        self.articles.with_label_values(&[OutcomeLabel::Tombstone.name()]).inc();
    }

    /// Acknowledged messages so far: enriched, rejected, tombstones.
    pub fn outcomes(&self) -> [u64; 3] {
        OutcomeLabel::ALL.map(|outcome| self.articles.with_label_values(&[outcome.name()]).get())
    }

    /// The broker acknowledged a record after this long.
    pub fn delivered(&self, after: Duration) {
        self.delivery_seconds.observe(after.as_secs_f64());
    }

    /// Lag and stall of an assigned partition.
    pub fn lag(&self, topic: &str, partition: i32, lag: i64, stalled: Duration) {
        let labels = [topic, &partition.to_string()];
        self.lag.with_label_values(&labels).set(lag.max(0));
        self.stalled.with_label_values(&labels).set(stalled.as_secs() as i64);
    }

    /// A partition left: its series go, or dashboards would show its last lag for ever.
    pub fn forget_partition(&self, topic: &str, partition: i32) {
        let labels = [topic, &partition.to_string()];
        // Removing what was never set is fine: the partition had no statistics yet.
        drop(self.lag.remove_label_values(&labels));
        drop(self.stalled.remove_label_values(&labels));
    }

    /// So many partitions have no owner.
    pub fn unowned(&self, partitions: usize) {
        self.unowned.set(i64::try_from(partitions).unwrap_or(i64::MAX));
    }

    /// The assignment changed.
    pub fn rebalance(&self, event: RebalanceLabel, assigned: usize) {
        self.rebalances.with_label_values(&[event.name()]).inc();
        self.partitions.set(assigned as i64);
    }

    /// The Kafka client reported an error.
    pub fn kafka_error(&self, code: &str) {
        self.kafka_errors.with_label_values(&[code]).inc();
    }

    /// Gazetteers were read, with this many entities in all, or could not be.
    pub fn gazetteer(&self, entities: Option<usize>) {
        read(&self.gazetteer_loads, &self.gazetteer_entities, entities);
    }

    /// Taxonomies were read, with this many topics in all, or could not be.
    pub fn taxonomy(&self, topics: Option<usize>) {
        read(&self.taxonomy_loads, &self.taxonomy_topics, topics);
    }

    /// An offset could not be stored because the partition had left.
    pub fn stale_store(&self) {
        self.stale_stores.inc();
    }

    /// A transaction ended this long after it began.
    pub fn transaction(&self, committed: bool, after: Duration) {
        self.transactions.with_label_values(&[if committed { "committed" } else { "aborted" }]).inc();
        if committed {
            self.transaction_seconds.observe(after.as_secs_f64());
        }
    }

    /// The open transaction is this old.
    pub fn transaction_age(&self, age: Duration) {
        self.transaction_age.set(age.as_secs_f64());
    }

    /// Reading stopped because too much was rejected.
    pub fn quarantined(&self) {
        self.quarantined.set(1);
    }

    /// A transactional producer was replaced.
    pub fn producer_restart(&self) {
        self.producer_restarts.inc();
    }

    /// A revocation did not drain in time.
    pub fn drain_timeout(&self) {
        self.drain_timeouts.inc();
    }
}

/// Files were read and hold so much, or could not be.
fn read(loads: &IntCounterVec, size: &IntGauge, found: Option<usize>) {
    loads.with_label_values(&[if found.is_some() { "loaded" } else { "failed" }]).inc();
    if let Some(found) = found {
        size.set(i64::try_from(found).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_helps_are_in_order() {
        let catalogue = Metrics::catalogue().unwrap();
        assert!(catalogue.len() >= 21);
        for (name, help) in catalogue.iter().filter(|(name, _)| name.starts_with("copydesk_")) {
            assert!(help.ends_with('.'), "{name}: {help}");
        }
    }

    #[test]
    fn lag_is_clamped_and_forgotten() {
        let metrics = Metrics::new().unwrap();
        metrics.lag("t", 3, -1, Duration::from_secs(5));
        assert!(metrics.render().unwrap().contains(r#"copydesk_consumer_lag{partition="3",topic="t"} 0"#));
        metrics.forget_partition("t", 3);
        assert!(!metrics.render().unwrap().contains("copydesk_consumer_lag{"));
    }
}
