//! The vocabulary every stage shares: what was read, what was found, what is written. Types only.
//!
//! ```text
//! Message --intake--> RawArticle --enrich--> EnrichedArticle --> Outcome --sink--> record
//! ```
//!
//! The stream knows [`Message`] and [`Outcome`]; the text core knows [`RawArticle`] and [`EnrichedArticle`];
//! neither imports the other.

mod document;

pub use document::{
    Article, Cleaning, DatePrecision, DateReading, EnrichedArticle, Entity, EntityType, Field, Fingerprint, LanguageReport, LanguageScore,
    LanguageSegment, LinkStatus, Mention, Provenance, Rel, Removal, RemovalReason, SCHEMA, Stats, Steps, Topic,
};

use std::{fmt, time::Duration};

/// A Kafka header: the key, and the value, which may be null. Order and repeats matter and are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Header name.
    pub key: String,
    /// Header value; `None` is Kafka's null, which differs from an empty value.
    pub value: Option<Vec<u8>>,
}

impl Header {
    /// A header with a text value.
    pub fn text(key: &str, value: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: Some(value.into().into_bytes()) }
    }
}

/// One record as it was read, owned, so that it may cross threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic it was read from.
    pub topic: String,
    /// Partition it was read from.
    pub partition: i32,
    /// Its offset in that partition.
    pub offset: i64,
    /// Record timestamp in milliseconds since the Unix epoch, if the broker gave one.
    pub timestamp: Option<i64>,
    /// Record key; `None` is null.
    pub key: Option<Vec<u8>>,
    /// Headers in order. `Err` when the bytes of a header name are not UTF-8 and could not be read.
    pub headers: Result<Vec<Header>, HeadersUnreadable>,
    /// Record value; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
}

impl Message {
    /// A record that holds only a payload: what `copydesk enrich` feeds to the same path as the service.
    pub fn local(payload: Vec<u8>) -> Self {
        Self { topic: String::new(), partition: 0, offset: 0, timestamp: None, key: None, headers: Ok(Vec::new()), payload: Some(payload) }
    }

    /// The headers, or none where they could not be read.
    pub fn headers(&self) -> &[Header] {
        self.headers.as_deref().unwrap_or_default()
    }

    /// The text of the first header of this name, if it is UTF-8 and not empty.
    pub fn header_text(&self, key: &str) -> Option<&str> {
        let header = self.headers().iter().find(|header| header.key.eq_ignore_ascii_case(key))?;
        let value = std::str::from_utf8(header.value.as_deref()?).ok()?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Bytes this message holds in memory, for the in-flight gauge.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers().iter().map(|h| h.key.len() + h.value.as_ref().map_or(0, Vec::len)).sum();
        self.key.as_ref().map_or(0, Vec::len) + self.payload.as_ref().map_or(0, Vec::len) + headers
    }
}

/// A header name was not UTF-8, so the list of headers is lost to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadersUnreadable;

/// An article as the crawler wrote it, in our own terms; no text was changed but for HTML that was stripped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawArticle {
    /// The article's own id, else the record key, else `sha256:` and the hash of the payload.
    pub id: String,
    /// Address of the article.
    pub url: Option<String>,
    /// Headline. Plain text has none: none is invented.
    pub title: Option<String>,
    /// Body; never empty.
    pub text: String,
    /// Publication time, RFC 3339 in UTC.
    pub published: Option<String>,
    /// What the date was read from, also where it could not be read.
    pub published_from: Option<DateReading>,
    /// Publisher: a name or a domain.
    pub source: Option<String>,
    /// Authors in order.
    pub authors: Vec<String>,
    /// BCP-47 tag the publisher declared, canonicalised; a hint, never the truth.
    pub declared_language: Option<String>,
    /// Sections, categories and subject codes of the publisher: hints for the topics.
    pub sections: Vec<String>,
    /// Which input shape was recognised.
    pub shape: Shape,
}

/// The input shapes `intake` knows by their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Plain text, not JSON.
    #[default]
    Text,
    /// copydesk's own flat shape.
    Copydesk,
    /// A whole HTML page.
    Html,
    /// news-please.
    NewsPlease,
    /// fundus.
    Fundus,
    /// trafilatura.
    Trafilatura,
    /// newspaper3k and newspaper4k.
    Newspaper,
    /// webz.io posts.
    Webz,
    /// Media Cloud stories.
    MediaCloud,
    /// Event Registry articles.
    EventRegistry,
    /// NewsCatcher articles.
    NewsCatcher,
    /// APITube articles.
    ApiTube,
    /// NewsAPI.org articles.
    NewsApi,
    /// GDELT DOC records, which have no text.
    Gdelt,
    /// Items of RSS, Atom or JSON Feed written as JSON.
    Feed,
    /// schema.org JSON-LD.
    SchemaOrg,
    /// IPTC ninjs, editions 1 to 3.
    Ninjs,
    /// The field mapping in the configuration.
    Mapping,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::Copydesk,
        Self::Html,
        Self::NewsPlease,
        Self::Fundus,
        Self::Trafilatura,
        Self::Newspaper,
        Self::Webz,
        Self::MediaCloud,
        Self::EventRegistry,
        Self::NewsCatcher,
        Self::ApiTube,
        Self::NewsApi,
        Self::Gdelt,
        Self::Feed,
        Self::SchemaOrg,
        Self::Ninjs,
        Self::Mapping,
    ];

    /// Name used in settings, output and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Copydesk => "copydesk",
            Self::Html => "html",
            Self::NewsPlease => "news-please",
            Self::Fundus => "fundus",
            Self::Trafilatura => "trafilatura",
            Self::Newspaper => "newspaper",
            Self::Webz => "webz",
            Self::MediaCloud => "media-cloud",
            Self::EventRegistry => "event-registry",
            Self::NewsCatcher => "newscatcher",
            Self::ApiTube => "apitube",
            Self::NewsApi => "newsapi",
            Self::Gdelt => "gdelt",
            Self::Feed => "feed",
            Self::SchemaOrg => "schema.org",
            Self::Ninjs => "ninjs",
            Self::Mapping => "mapping",
        }
    }
}

/// What became of one message. Every message has exactly one outcome, and every outcome writes at least one record.
#[derive(Debug)]
pub enum Outcome {
    /// The article was enriched.
    Enriched(Box<Enriched>),
    /// The message was a tombstone: forwarded with its key and headers.
    Tombstone,
    /// The message goes to the dead-letter topic, whole.
    Rejected(Rejection),
}

/// An enriched article, serialised, with the few facts the stream needs for routing, headers and metrics.
#[derive(Debug)]
pub struct Enriched {
    /// The JSON document.
    pub json: Vec<u8>,
    /// Facts about it, so that nobody parses the JSON again.
    pub facts: Facts,
}

/// What the stream reports about an enriched article.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// BCP-47 tag, or `und`.
    pub language: String,
    /// Slugs of the topics, best first.
    pub topics: Vec<&'static str>,
    /// Number of entities of each type.
    pub entities: Vec<(EntityType, usize)>,
    /// Publication time in seconds since the Unix epoch.
    pub published: Option<i64>,
    /// Time spent in each step.
    pub timings: Timings,
    /// Whether a step was left out because of the lag.
    pub degraded: bool,
}

/// Time spent on one article. Kept beside the document, never in it: equal input gives equal bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Decoding the message.
    pub intake: Duration,
    /// Cleaning the text.
    pub clean: Duration,
    /// Identifying the language.
    pub language: Duration,
    /// Finding entities.
    pub entities: Duration,
    /// Labelling topics.
    pub topics: Duration,
}

impl Timings {
    /// The steps by name, in order.
    pub fn steps(&self) -> [(&'static str, Duration); 5] {
        [("intake", self.intake), ("clean", self.clean), ("language", self.language), ("entities", self.entities), ("topics", self.topics)]
    }
}

/// Why a message went to the dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The closed reason.
    pub reason: Reason,
    /// A sentence for the reader; never the article's text.
    pub message: String,
}

impl Rejection {
    /// A rejection with its explanation.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason.code(), self.message)
    }
}

/// Every reason a message can be rejected for. The code is the metric label and the value of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No bytes, or only white space.
    Empty,
    /// More bytes than `intake.max_bytes`.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Starts like JSON and is not.
    NotJson,
    /// Nested deeper than `intake.max_depth`.
    TooDeep,
    /// JSON, but not an object that could be an article.
    NotAnArticle,
    /// No field of the shape holds any text.
    NoText,
    /// The text field holds something other than text.
    WrongType,
    /// A header name is not UTF-8.
    BadHeaders,
    /// It took longer than `enrich.time_budget`.
    TimeBudget,
    /// An enricher panicked: a defect of ours.
    Panic,
    /// The broker refused the enriched record itself (its size or its timestamp).
    Refused,
}

impl Reason {
    /// All reasons, for metrics and documents.
    pub const ALL: [Self; 12] = [
        Self::Empty,
        Self::TooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::TooDeep,
        Self::NotAnArticle,
        Self::NoText,
        Self::WrongType,
        Self::BadHeaders,
        Self::TimeBudget,
        Self::Panic,
        Self::Refused,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NotAnArticle => "not_an_article",
            Self::NoText => "no_text",
            Self::WrongType => "wrong_type",
            Self::BadHeaders => "bad_headers",
            Self::TimeBudget => "time_budget",
            Self::Panic => "panic",
            Self::Refused => "refused",
        }
    }

    /// The stage that rejects for this reason.
    pub fn stage(self) -> &'static str {
        match self {
            Self::TimeBudget | Self::Panic => "enrich",
            Self::Refused => "publish",
            _ => "intake",
        }
    }
}
