//! The catalogue: every setting with its default and what it does. README's table is compared with it by a test.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Path in the TOML file; the environment variable follows from it.
    pub path: &'static str,
    /// Default, as it would be written; empty means unset.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

impl Setting {
    /// `kafka.brokers` is `COPYDESK_KAFKA_BROKERS`.
    pub fn variable(&self) -> String {
        format!("COPYDESK_{}", self.path.to_uppercase().replace('.', "_"))
    }

    /// Whether the value must never be printed.
    pub fn is_secret(&self) -> bool {
        ["password", "secret", "token"].iter().any(|secret| self.path.ends_with(secret))
    }
}

const fn setting(path: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { path, default, help }
}

/// All settings, in the order of the documents.
pub const SETTINGS: &[Setting] = &[
    setting("kafka.brokers", "localhost:9092", "Bootstrap servers, apart by commas."),
    setting("kafka.group", "copydesk", "Consumer group."),
    setting(
        "kafka.instance",
        "",
        "group.instance.id for static membership; one per instance, the same after a restart. Exactly-once needs it.",
    ),
    setting("kafka.group_protocol", "classic", "classic, or consumer: the brokers assign partitions (KIP-848, brokers of 4.0 and newer)."),
    setting("kafka.delivery", "at-least-once", "at-least-once, or exactly-once: outputs, dead letters and offsets in one transaction."),
    setting("kafka.input", "news.raw", "Topics to read, a list."),
    setting("kafka.output", "news.enriched", "Topic of enriched articles."),
    setting("kafka.dead_letters", "news.dead-letters", "Topic of dead letters."),
    setting("kafka.in_flight", "2000", "Most messages in flight."),
    setting("kafka.in_flight_bytes", "64MiB", "Most bytes of messages in flight."),
    setting("kafka.max_message_bytes", "8MiB", "Largest record read or written."),
    setting("kafka.delivery_timeout", "120s", "How long a record may take to be acknowledged."),
    setting("kafka.drain_timeout", "60s", "How long a revocation waits for messages in flight."),
    setting("kafka.shutdown_timeout", "25s", "How long a shutdown may take in all."),
    setting("kafka.max_poll_interval", "300s", "Most time without a poll before the group gives the partitions away."),
    setting("kafka.session_timeout", "45s", "Time without heartbeats before the group gives the partitions away."),
    setting("kafka.commit_interval", "5s", "How often stored offsets are committed."),
    setting("kafka.transaction_window", "100ms", "Exactly-once: how long a transaction gathers articles while there is no lag."),
    setting("kafka.transaction_window_max", "1s", "Exactly-once: how long under lag; half of what may be in flight ends it sooner."),
    setting("kafka.transaction_timeout", "30s", "Exactly-once: when the brokers abort a transaction whose instance is gone."),
    setting("kafka.security_protocol", "", "plaintext, ssl, sasl_plaintext or sasl_ssl."),
    setting("kafka.sasl_mechanism", "", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER."),
    setting("kafka.sasl_username", "", "User name."),
    setting("kafka.sasl_password", "", "Password; better from the environment or a file than written here."),
    setting("kafka.sasl_password_file", "", "File that holds the password."),
    setting("kafka.oauth_token_url", "", "OAUTHBEARER: where tokens come from, by OpenID Connect client credentials."),
    setting("kafka.oauth_client_id", "", "OAUTHBEARER: client id."),
    setting("kafka.oauth_client_secret", "", "OAUTHBEARER: client secret; better from the environment or a file than written here."),
    setting("kafka.oauth_client_secret_file", "", "File that holds the client secret."),
    setting("kafka.oauth_scope", "", "OAUTHBEARER: scope asked for."),
    setting("kafka.ssl_ca_file", "", "Certificate authorities, PEM."),
    setting("kafka.ssl_certificate_file", "", "Client certificate, PEM."),
    setting("kafka.ssl_key_file", "", "Client key, PEM."),
    setting("kafka.ssl_key_password", "", "Password of the client key."),
    setting("quarantine.share", "1", "Share of rejected messages, 0 to 1, beyond which reading stops until a restart; 1 is never."),
    setting("quarantine.window", "5m", "The time that share is counted over."),
    setting("quarantine.least", "100", "Messages there must be in that time."),
    setting("routing.template", "", "Topic name with {language} or {topic} in it, for articles that have a route."),
    setting("routing.values", "", "Languages or topics that have a route, a list; all others go to kafka.output."),
    setting("intake.format", "auto", "auto, json or text."),
    setting("intake.max_bytes", "4MiB", "Largest article; larger ones become dead letters."),
    setting("intake.max_depth", "64", "Deepest JSON nesting, 100 at most."),
    setting("intake.zone", "UTC", "IANA time zone of dates that name none."),
    setting("intake.mapping.id", "", "Paths of the id; a list, the first non-empty one serves."),
    setting("intake.mapping.url", "", "Paths of the address."),
    setting("intake.mapping.title", "", "Paths of the headline."),
    setting("intake.mapping.text", "", "Paths of the body; setting it turns the built-in shapes off."),
    setting("intake.mapping.published", "", "Paths of the publication time."),
    setting("intake.mapping.source", "", "Paths of the publisher."),
    setting("intake.mapping.authors", "", "Paths of the authors."),
    setting("intake.mapping.language", "", "Paths of the declared language."),
    setting("intake.mapping.sections", "", "Paths of the publisher's sections, categories and subject codes."),
    setting("enrich.workers", "0", "Articles worked on at once; 0 is one per core."),
    setting("enrich.time_budget", "30s", "Time for one article; one that takes longer becomes a dead letter."),
    setting(
        "enrich.long_text",
        "200000",
        "Code points of a text that are searched for entities and topics; of a longer one the beginning is.",
    ),
    setting("enrich.gazetteers", "", "Gazetteer files of your own, tables or compiled ones, a list."),
    setting("enrich.taxonomies", "", "Tables of topics of your own, a list."),
    setting("enrich.refresh", "10s", "How often those files are looked at; when one was replaced, its kind is read again."),
    setting("overload.topics_lag", "", "Lag, in messages of this instance, beyond which articles get no topics; unset is never."),
    setting("overload.entities_lag", "", "Lag beyond which articles get no entities either; unset is never."),
    setting("output.offsets", "codepoint", "Unit of all offsets: codepoint, utf16 or utf8."),
    setting("output.names", "en", "Languages in which names of linked entities and of topics are given, a list."),
    setting("output.original", "false", "Whether the input goes into the document, byte for byte."),
    setting("http.listen", "127.0.0.1:9464", "Address of /metrics, /ready and /live; port 0 picks one."),
    setting("http.token", "", "Bearer token that / and /metrics ask for; /ready and /live never do."),
    setting("http.token_file", "", "File that holds the token."),
    setting("log.format", "auto", "human, json, or auto: human on a terminal."),
    setting("log.level", "info", "error, warn, info, debug or trace, or a filter such as copydesk=debug."),
];
