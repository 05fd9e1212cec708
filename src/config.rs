//! Configuration: a TOML file, over it `COPYDESK_…` environment variables, over both flags. Parsed once into one valid value.
//!
//! Unknown settings are refused, and all faults are reported at once, each with its origin, what was found, and the mend.
//! The environment is read here and nowhere else. Bounds of memory are stated by [`Config::memory_bound`].

mod kafka;
mod reader;
mod settings;

pub use settings::{SETTINGS, Setting};

use reader::{Reader, bytes, is_brokers, is_topic, parse_duration, positive};

use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    path::{Path as FilePath, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;

use crate::{
    enrich::{OffsetUnit, Output},
    intake::{DEEPEST, Format, Intake, Mapping, Path},
    pipeline::{Ladder, Limits},
    stream::{self, GroupProtocol},
};

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// How messages become articles.
    pub intake: Intake,
    /// How documents are written.
    pub output: Output,
    /// Gazetteer files beside what is shipped.
    pub gazetteers: Vec<PathBuf>,
    /// Tables of topics of one's own.
    pub taxonomies: Vec<PathBuf>,
    /// How often those are looked at.
    pub refresh: Duration,
    /// Whether documents hold their input.
    pub original: bool,
    /// What one article may cost.
    pub limits: Limits,
    /// What is left out under lag.
    pub ladder: Ladder,
    /// Everything of Kafka.
    pub stream: stream::Settings,
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// What HTTP asks for.
    pub token: Option<Secret>,
    /// How logs look.
    pub log_format: LogFormat,
    /// Filter of log lines.
    pub log_level: String,
    effective: Vec<(&'static Setting, String, String)>,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, else JSON.
    Auto,
    /// One readable line an event.
    Human,
    /// One JSON object an event.
    Json,
}

/// Every fault of a configuration.
#[derive(Debug, thiserror::Error)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the configuration has {count} {}:", if count == 1 { "fault" } else { "faults" })?;
        self.0.iter().try_for_each(|fault| write!(formatter, "\n  - {fault}"))
    }
}

/// Whether the user lets programs write colours: no `NO_COLOR` in the environment.
pub fn colours_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Config {
    /// Reads the process's environment; see [`Config::from`].
    ///
    /// # Errors
    /// All faults found.
    pub fn load(file: Option<PathBuf>, flags: &[(String, String)]) -> Result<Self, Faults> {
        let variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with("COPYDESK_"))
            .collect();
        let named = variables.iter().find(|(name, _)| name == "COPYDESK_CONFIG").map(|(_, path)| PathBuf::from(path));
        Self::from(file.or(named).as_deref(), &variables, flags)
    }

    /// Builds a configuration from its three layers.
    ///
    /// # Errors
    /// All faults found.
    pub fn from(file: Option<&FilePath>, variables: &[(String, String)], flags: &[(String, String)]) -> Result<Self, Faults> {
        let mut reader = Reader::default();
        if let Some(path) = file {
            reader.read_file(path);
        }
        Self::finish(reader, variables, flags)
    }

    /// The same with the text of a file.
    ///
    /// # Errors
    /// All faults found.
    pub fn from_text(text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::default();
        reader.read_text(text, "text");
        Self::finish(reader, &[], &[])
    }

    fn finish(mut reader: Reader, variables: &[(String, String)], flags: &[(String, String)]) -> Result<Self, Faults> {
        for (name, value) in variables.iter().filter(|(name, _)| name != "COPYDESK_CONFIG") {
            match SETTINGS.iter().find(|setting| setting.variable() == *name) {
                Some(setting) => reader.give(setting.path, vec![value.clone()], format!("environment variable {name}")),
                None => reader.unknown(&format!("environment variable {name}"), name, SETTINGS.iter().map(Setting::variable)),
            }
        }
        for (path, value) in flags {
            reader.give_by_path(path, vec![value.clone()], format!("flag {path}"));
        }
        let config = reader.build();
        match (config, reader.faults.is_empty()) {
            (Some(config), true) => Ok(config),
            _ => Err(Faults(reader.faults)),
        }
    }

    /// Every setting with its effective value and where that came from; secrets are masked.
    pub fn effective(&self) -> impl Iterator<Item = (&'static str, String, &str)> {
        self.effective.iter().map(|(setting, value, origin)| (setting.path, value.clone(), origin.as_str()))
    }

    /// The most bytes messages can take between the brokers and the brokers: both client queues, what the poll thread has in hand, and for what is in flight
    /// the input, the work on it and the output, which we count as four times the input. One message may be larger than the
    /// bound of bytes in flight, so the largest counts in full. Models and code come on top, about 40 MiB, and what an answer
    /// of [`stream::FETCH_BYTES`] from each broker unpacks to.
    pub fn memory_bound(&self) -> usize {
        let flight = self.stream.in_flight_bytes.max(self.stream.max_message_bytes);
        2 * stream::QUEUE_BYTES + stream::IN_HAND_BYTES.max(self.stream.max_message_bytes) + 4 * flight
    }
}

impl Reader {
    fn build(&mut self) -> Option<Config> {
        let duration = "a duration such as 500ms, 30s or 5m";
        let size = "a size in bytes, or with KiB, MiB or GiB";
        let count = "a whole number of at least 1";
        let brokers = self.parse("kafka.brokers", "host:port, several apart by commas", |text| is_brokers(text).then(|| text.to_owned()));
        let group = self.parse("kafka.group", "a name", |text| (!text.is_empty()).then(|| text.to_owned()));
        let output = self.topic("kafka.output");
        let dead_letters = self.topic("kafka.dead_letters");
        let in_flight = self.parse("kafka.in_flight", count, positive);
        let in_flight_bytes = self.parse("kafka.in_flight_bytes", size, bytes);
        let max_message_bytes = self.parse("kafka.max_message_bytes", "a size from 1KiB to 900MiB", |text| {
            bytes(text).filter(|bytes| (1_024..=900 << 20).contains(bytes))
        });
        let delivery_timeout = self.parse("kafka.delivery_timeout", duration, parse_duration);
        let drain_timeout = self.parse("kafka.drain_timeout", duration, parse_duration);
        let shutdown_timeout = self.parse("kafka.shutdown_timeout", duration, parse_duration);
        let max_poll_interval = self.parse("kafka.max_poll_interval", duration, parse_duration);
        let session_timeout = self.parse("kafka.session_timeout", duration, parse_duration);
        let commit_interval = self.parse("kafka.commit_interval", duration, parse_duration);
        let protocol = self.parse("kafka.group_protocol", "classic or consumer", |text| match text {
            "classic" => Some(GroupProtocol::Classic),
            "consumer" => Some(GroupProtocol::Consumer),
            _ => None,
        });
        let delivery = self.delivery(group.as_deref().unwrap_or_default());
        let workers = self.parse("enrich.workers", "a whole number; 0 is one per core", |text| text.parse::<usize>().ok());
        let refresh = self.parse("enrich.refresh", duration, parse_duration);
        let time = self.parse("enrich.time_budget", duration, parse_duration);
        let chars = self.parse("enrich.long_text", count, positive);
        let ladder = Ladder { topics: self.lag("overload.topics_lag"), entities: self.lag("overload.entities_lag") };
        let format = self.parse("intake.format", "auto, json or text", |text| match text {
            "auto" => Some(Format::Auto),
            "json" => Some(Format::Json),
            "text" => Some(Format::Text),
            _ => None,
        });
        let max_bytes = self.parse("intake.max_bytes", size, bytes);
        let zone = self.parse("intake.zone", "an IANA time zone, such as Asia/Baghdad or UTC", |text| TimeZone::get(text).ok());
        let max_depth =
            self.parse("intake.max_depth", "a whole number from 1 to 100", |text| positive(text).filter(|depth| *depth <= DEEPEST));
        let offsets =
            self.parse("output.offsets", "codepoint, utf16 or utf8", |text| OffsetUnit::ALL.into_iter().find(|unit| unit.name() == text));
        let original = self.parse("output.original", "true or false", |text| text.parse::<bool>().ok());
        let listen = self.parse("http.listen", "an address and a port, such as 0.0.0.0:9464", |text| text.parse::<SocketAddr>().ok());
        let log_format = self.parse("log.format", "human, json or auto", |text| match text {
            "auto" => Some(LogFormat::Auto),
            "human" => Some(LogFormat::Human),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let log_level = self.parse("log.level", "error, warn, info, debug, trace or a filter", |text| {
            tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned())
        });
        let quarantine = self.quarantine();
        let security = self.security();
        let routing = self.routing();
        let mapping = self.mapping();
        let input = self.list("kafka.input");
        for topic in &input {
            if !is_topic(topic) {
                self.fault("kafka.input", &format!("found '{topic}'; wanted topic names"));
            }
        }

        let settings = stream::Settings {
            brokers: brokers?,
            group: group?,
            instance: self.optional("kafka.instance"),
            protocol: protocol?,
            delivery: delivery?,
            input,
            output: output?,
            dead_letters: dead_letters?,
            routing,
            workers: workers
                .map(|workers| if workers == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { workers })?,
            in_flight: in_flight?,
            in_flight_bytes: in_flight_bytes?,
            max_message_bytes: max_message_bytes?,
            delivery_timeout: delivery_timeout?,
            drain_timeout: drain_timeout?,
            shutdown_timeout: shutdown_timeout?,
            max_poll_interval: max_poll_interval?,
            session_timeout: session_timeout?,
            commit_interval: commit_interval?,
            quarantine: quarantine?,
            embedded: false,
            backfill: None,
            security,
            librdkafka: self.librdkafka.clone(),
        };
        let config = Config {
            intake: Intake { format: format?, max_bytes: max_bytes?, max_depth: max_depth?, zone: zone?, mapping },
            output: Output { offsets: offsets?, names: self.list("output.names") },
            gazetteers: self.list("enrich.gazetteers").iter().map(PathBuf::from).collect(),
            taxonomies: self.list("enrich.taxonomies").iter().map(PathBuf::from).collect(),
            refresh: refresh?,
            original: original?,
            limits: Limits { time: time?, chars: chars? },
            ladder,
            stream: settings,
            listen: listen?,
            token: self.secret("http.token", "http.token_file").map(Secret),
            log_format: log_format?,
            log_level: log_level?,
            effective: SETTINGS.iter().map(|setting| (setting, self.shown(setting), self.origin(setting.path))).collect(),
        };
        self.cross_check(&config);
        Some(config)
    }

    /// The value of a setting as it may be shown.
    fn shown(&self, setting: &Setting) -> String {
        let text = self.text(setting.path);
        if setting.is_secret() && !text.is_empty() { "***".to_owned() } else { text }
    }

    /// A lag from which on less is done; unset is never.
    fn lag(&mut self, path: &'static str) -> Option<u64> {
        self.optional(path)?;
        self.parse(path, "a number of messages", |text| text.parse().ok())
    }

    fn mapping(&mut self) -> Option<Mapping> {
        let paths = |path: &'static str| self.list(path).iter().map(|path| Path::parse(path)).collect::<Vec<_>>();
        let mapping = Mapping {
            id: paths("intake.mapping.id"),
            url: paths("intake.mapping.url"),
            title: paths("intake.mapping.title"),
            text: paths("intake.mapping.text"),
            published: paths("intake.mapping.published"),
            source: paths("intake.mapping.source"),
            authors: paths("intake.mapping.authors"),
            language: paths("intake.mapping.language"),
            sections: paths("intake.mapping.sections"),
        };
        if mapping.text.is_empty() {
            if mapping != Mapping::default() {
                self.fault("intake.mapping.text", "empty while other fields are mapped; a mapping needs at least the text");
            }
            return None;
        }
        Some(mapping)
    }

    fn cross_check(&mut self, config: &Config) {
        let stream = &config.stream;
        if stream.input.is_empty() {
            self.fault("kafka.input", "empty; name at least one topic to read");
        }
        let written: BTreeSet<String> = stream.outputs().into_iter().chain([stream.dead_letters.clone()]).collect();
        for topic in stream.input.iter().filter(|topic| written.contains(*topic)) {
            self.fault("kafka.input", &format!("'{topic}' is written too; reading what we write would never end"));
        }
        if stream.outputs().contains(&stream.dead_letters) {
            self.fault("kafka.dead_letters", "is an output topic too; dead letters need a topic of their own");
        }
        let needed = stream.delivery_timeout + stream.drain_timeout;
        if needed >= stream.max_poll_interval {
            self.fault(
                "kafka.max_poll_interval",
                &format!(
                    "{:?} must exceed kafka.delivery_timeout + kafka.drain_timeout = {needed:?}, or a revocation cannot drain",
                    stream.max_poll_interval
                ),
            );
        }
        if stream.protocol == GroupProtocol::Consumer && self.origin("kafka.session_timeout") != "default" {
            self.fault(
                "kafka.session_timeout",
                "has no effect with kafka.group_protocol = consumer; the group's consumer.session.timeout.ms on the brokers does",
            );
        }
        if stream.session_timeout > stream.max_poll_interval {
            self.fault("kafka.session_timeout", "must not exceed kafka.max_poll_interval");
        }
        if config.intake.max_bytes > stream.max_message_bytes {
            self.fault("intake.max_bytes", "must not exceed kafka.max_message_bytes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn defaults_are_valid() {
        let config = Config::from(None, &[], &[]).unwrap();
        assert_eq!(config.stream.input, ["news.raw"]);
        assert!(config.memory_bound() > 64 << 20);
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = file(
            "[kafka]\ngroup = \"file\"\noutput = \"file\"\ninput = [\"a\", \"b\"]\nbrokers = \"f:1\"\n[librdkafka]\n\"linger.ms\" = 20\n",
        );
        let config = Config::from(
            Some(file.path()),
            &variables(&[("COPYDESK_KAFKA_OUTPUT", "environment"), ("COPYDESK_KAFKA_BROKERS", "e:1")]),
            &variables(&[("kafka.brokers", "flag:1")]),
        )
        .unwrap();
        let stream = &config.stream;
        assert_eq!((stream.group.as_str(), stream.output.as_str(), stream.brokers.as_str()), ("file", "environment", "flag:1"));
        assert_eq!(stream.input, ["a", "b"]);
        assert_eq!(stream.librdkafka.get("linger.ms").map(String::as_str), Some("20"));
    }

    #[test]
    fn all_faults_at_once_each_with_its_origin() {
        let file = file(
            "[kafka]\nbroker = \"x\"\nin_flight = 0\nmax_poll_interval = \"100s\"\n[librdkafka]\nacks = \"1\"\n[output]\noffsets = \"bytes\"\n",
        );
        let faults =
            Config::from(Some(file.path()), &variables(&[("COPYDESK_KAFKA_BROKRS", "x:1")]), &variables(&[("http.listen", "nowhere")]))
                .unwrap_err()
                .to_string();
        for expected in [
            "unknown setting 'kafka.broker'; did you mean 'kafka.brokers'?",
            "unknown setting 'COPYDESK_KAFKA_BROKRS'; did you mean 'COPYDESK_KAFKA_BROKERS'?",
            "librdkafka.acks is owned by copydesk",
            "kafka.in_flight: found '0'",
            "output.offsets: found 'bytes'",
            "http.listen: found 'nowhere' (flag http.listen)",
        ] {
            assert!(faults.contains(expected), "{expected}\n{faults}");
        }
    }

    #[test]
    fn settings_are_checked_together() {
        for (given, expected) in [
            (vec![("kafka.max_poll_interval", "100s")], "must exceed kafka.delivery_timeout"),
            (vec![("kafka.output", "news.raw")], "reading what we write"),
            (vec![("kafka.dead_letters", "news.enriched")], "dead letters need a topic of their own"),
            (vec![("routing.values", "ar")], "set without routing.template"),
            (vec![("routing.template", "n.{language}"), ("routing.values", "klingon")], "no language tag"),
            (vec![("routing.template", "n.{colour}"), ("routing.values", "ar")], "with {language} or {topic}"),
            (vec![("intake.max_bytes", "9MiB")], "must not exceed kafka.max_message_bytes"),
            (vec![("intake.mapping.title", "a")], "a mapping needs at least the text"),
            (vec![("kafka.delivery", "exactly-once")], "exactly-once needs one for each instance"),
            (vec![("kafka.delivery", "exactly-once"), ("kafka.instance", "a"), ("kafka.transaction_timeout", "1s")], "at least twice"),
            (
                vec![("kafka.delivery", "exactly-once"), ("kafka.instance", "a"), ("kafka.transaction_window", "2s")],
                "must not exceed kafka.t",
            ),
            (vec![("kafka.group_protocol", "consumer"), ("kafka.session_timeout", "10s")], "consumer.session.timeout.ms"),
            (vec![("kafka.sasl_mechanism", "OAUTHBEARER")], "OAUTHBEARER needs kafka.oauth_token_url"),
            (vec![("kafka.oauth_token_url", "https://t")], "set without kafka.sasl_mechanism"),
            (vec![("kafka.security_protocol", "tls")], "wanted one of plaintext"),
        ] {
            let faults = Config::from(None, &[], &variables(&given)).unwrap_err().to_string();
            assert!(faults.contains(expected), "{expected}\n{faults}");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let broken = file("[kafka]\nsasl_password = hunter2\n");
        let faults = Config::from(Some(broken.path()), &[], &[]).unwrap_err().to_string();
        assert!(faults.contains("line 2: not TOML") && !faults.contains("hunter2"), "{faults}");
        for setting in SETTINGS.iter().filter(|setting| setting.is_secret()) {
            let mut given = vec![(setting.variable(), "hunter2".to_owned())];
            if setting.path == "kafka.oauth_client_secret" {
                let more = [("KAFKA_SASL_MECHANISM", "OAUTHBEARER"), ("KAFKA_OAUTH_TOKEN_URL", "http://t"), ("KAFKA_OAUTH_CLIENT_ID", "i")];
                given.extend(more.map(|(name, value)| (format!("COPYDESK_{name}"), value.to_owned())));
            }
            let config = Config::from(None, &given, &[]).unwrap();
            let shown: String = config.effective().map(|(path, value, origin)| format!("{path}={value} {origin}\n")).collect();
            assert!(shown.contains(&format!("{}=***", setting.path)), "{}", setting.path);
            assert!(!shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"), "{}", setting.path);
        }
        assert_eq!(SETTINGS.iter().filter(|setting| setting.is_secret()).count(), 4);
    }
}
