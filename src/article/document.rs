//! The enriched article: the JSON document copydesk publishes. Schema `copydesk.enriched-article/1`.
//!
//! Invariants: arrays are present and empty, never missing; scores are 0..1; every mention repeats the text of its span;
//! there is no wall clock and no random order, so equal input gives equal bytes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and version of the schema of [`EnrichedArticle`].
pub const SCHEMA: &str = "copydesk.enriched-article/1";

/// One enriched article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnrichedArticle {
    /// Always `copydesk.enriched-article/1`.
    pub schema: String,
    /// The article's id: its own, else the record key, else `sha256:` and the hash of the input.
    pub id: String,
    /// The article itself, cleaned.
    pub article: Article,
    /// What language it is in.
    pub language: LanguageReport,
    /// People, organisations and places, most salient first.
    pub entities: Vec<Entity>,
    /// At most three top-level IPTC Media Topics, best first; then what the lexicon finds below them, at most three; then topics of
    /// taxonomies.
    pub topics: Vec<Topic>,
    /// What cleaning removed.
    pub cleaning: Cleaning,
    /// Marks of copies: equal or nearly equal text. Not of articles on one event.
    pub fingerprint: Fingerprint,
    /// Size and reading time.
    pub stats: Stats,
    /// What produced this document.
    pub provenance: Provenance,
    /// The input, byte for byte, where `output.original` is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

/// The article, cleaned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Article {
    /// Address.
    pub url: Option<String>,
    /// Headline; null where the input had none.
    pub title: Option<String>,
    /// Clean body text.
    pub text: String,
    /// The line that names the author or reporter, taken out of the text; null where there was none.
    #[serde(default)]
    pub byline: Option<String>,
    /// Place, date and agency that opened the text, taken out of it; null where there were none.
    #[serde(default)]
    pub dateline: Option<String>,
    /// Publication time, RFC 3339 in UTC; null where missing or unreadable.
    pub published: Option<String>,
    /// What the publication time was read from; null where the input has none.
    #[serde(default)]
    pub published_from: Option<DateReading>,
    /// Publisher.
    pub source: Option<String>,
    /// Authors.
    pub authors: Vec<String>,
    /// BCP-47 tag the publisher declared.
    pub declared_language: Option<String>,
    /// Sections, categories and subject codes of the publisher.
    #[serde(default)]
    pub sections: Vec<String>,
}

/// How a date was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DateReading {
    /// As it stood in the input.
    pub raw: String,
    /// How exact it is; null where it could not be read.
    pub precision: Option<DatePrecision>,
    /// The zone it was read in, because it names none itself.
    pub assumed_zone: Option<String>,
    /// More than 90 days after the record's own timestamp: a mistake of the page, or an event and no publication.
    pub in_future: bool,
}

/// How exact a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatePrecision {
    /// A day; the time of day is midnight.
    Day,
    /// A minute.
    Minute,
    /// A second or better.
    Second,
}

/// The language of the article, found from its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageReport {
    /// BCP-47 tag; `und` when there is too little text to tell.
    pub tag: String,
    /// Calibrated probability of the tag, 0..1.
    pub confidence: f64,
    /// Whether the probability is at least 0.9.
    pub reliable: bool,
    /// ISO 15924 script of most letters; `Zyyy` when there are none.
    pub script: String,
    /// `rtl` or `ltr`.
    pub direction: String,
    /// The declared tag again, beside the finding.
    pub declared: Option<String>,
    /// Whether declared and found languages agree; null when none was declared or none was found.
    pub agrees: Option<bool>,
    /// At most three runners-up.
    pub alternatives: Vec<LanguageScore>,
    /// Parts in different languages, in order, title first; empty where the whole article is in one.
    #[serde(default)]
    pub segments: Vec<LanguageSegment>,
}

/// A part of an article that is in more than one language: a half-open span of whole lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageSegment {
    /// Which field the span points into.
    pub field: Field,
    /// First position, in the unit of `provenance.offsets`.
    pub start: usize,
    /// Position after the last.
    pub end: usize,
    /// BCP-47 tag.
    pub tag: String,
}

/// A language that was considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageScore {
    /// BCP-47 tag.
    pub tag: String,
    /// Calibrated probability, 0..1.
    pub confidence: f64,
}

/// The three core types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityType {
    /// A person.
    Person,
    /// An organisation.
    Organisation,
    /// A place.
    Place,
}

impl EntityType {
    /// All types, for metrics.
    pub const ALL: [Self; 3] = [Self::Person, Self::Organisation, Self::Place];

    /// Name in the document and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Place => "place",
        }
    }
}

/// Whether an entity is tied to an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// The id is certain.
    Linked,
    /// Several known entities bear the name; none is chosen.
    Ambiguous,
    /// Not in the gazetteer.
    None,
}

/// One entity and everywhere it is mentioned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// `wd:Q…` (Wikidata), `gn:…` (GeoNames), `iso:…` (ISO 3166) or `copydesk:…` (our own register); null when not linked.
    pub id: Option<String>,
    /// Person, organisation or place.
    #[serde(rename = "type")]
    pub kind: EntityType,
    /// A finer kind from the gazetteer, such as `armed_group`; null when unknown.
    pub subtype: Option<String>,
    /// Canonical name: in the article's language where known, else in English, else as mentioned.
    pub name: String,
    /// Canonical names of a linked entity in the languages of `output.names`, by language, where the gazetteer has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Whether the id is certain.
    pub link_status: LinkStatus,
    /// How the article relates to it.
    #[serde(default)]
    pub rel: Rel,
    /// Weight in this article relative to its most prominent entity, 0..1.
    pub salience: f64,
    /// How the rule that found it fares, 0..1; not calibrated yet.
    pub confidence: f64,
    /// Mentions in order of appearance, title first.
    pub mentions: Vec<Mention>,
}

/// How an article relates to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rel {
    /// In the headline, or at least half as prominent as the most prominent one.
    About,
    /// It is named.
    #[default]
    Mentions,
    /// A news agency or medium that is named in the text alone: mostly where the news comes from.
    Source,
}

/// The field a mention stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// `article.title`.
    Title,
    /// `article.text`.
    Text,
}

impl Field {
    /// What older documents mean that do not say it.
    fn text() -> Self {
        Self::Text
    }
}

/// One mention: a half-open span of `article.title` or `article.text` of the same document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// Which field the span points into.
    pub field: Field,
    /// First position, in the unit of `provenance.offsets`.
    pub start: usize,
    /// Position after the last.
    pub end: usize,
    /// The text of the span.
    pub text: String,
}

/// One topic: of the IPTC Media Topics vocabulary, or of a taxonomy of `enrich.taxonomies`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topic {
    /// `medtop:` and eight digits, or as the taxonomy has it.
    pub id: String,
    /// The concept's URI; of a taxonomy the id again.
    pub uri: String,
    /// English name, or as the taxonomy has it.
    pub label: String,
    /// Names in the languages of `output.names`, by language, where there are any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Level in the vocabulary: 1 is a top-level topic, 2 one below it, 0 one of a taxonomy.
    pub level: u8,
    /// On level 2 the id of the topic above, which is there too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broader: Option<String>,
    /// On level 1 a calibrated probability, 0..1: of labels with 0.8, eight in ten are right. On level 2 that of the topic above, less
    /// where there is little evidence; not calibrated. Of a taxonomy what the weights of its rows give.
    pub score: f64,
    /// Words, phrases and stems of the lexicon that the article has and that weighed most, at most five.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// What cleaning did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cleaning {
    /// Code points of the body before cleaning.
    pub raw_chars: usize,
    /// Code points of the clean text.
    pub clean_chars: usize,
    /// Everything removed but white space and control characters.
    pub removed: Vec<Removal>,
}

/// A removed span of the raw headline or body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Removal {
    /// Why.
    pub reason: RemovalReason,
    /// The field it was removed from, as it was before cleaning.
    #[serde(default = "Field::text")]
    pub field: Field,
    /// First position in that field, in the unit of `provenance.offsets`.
    pub start: usize,
    /// Position after the last.
    pub end: usize,
}

/// Why cleaning removed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// The headline, again.
    RepeatedTitle,
    /// A line that stood before.
    RepeatedLine,
    /// A photo credit.
    PhotoCredit,
    /// The page around the article: most read, share, newsletter, site name.
    PageFurniture,
    /// A 'read also' line between paragraphs.
    RelatedLink,
    /// The line that names the author: kept as `article.byline`.
    Byline,
    /// Place, date and agency at the start: kept as `article.dateline`.
    Dateline,
    /// The publisher's name beside the headline.
    SiteName,
}

/// Marks of copies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprint {
    /// `sha256:` of the words of the clean text, case and spacing folded.
    pub exact: String,
    /// 64-bit simhash of word triples, in hexadecimal; near copies differ in few bits.
    pub near: String,
}

/// Size of the clean text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Code points.
    pub chars: usize,
    /// Words; in scripts without spaces every ideograph counts as one.
    pub words: usize,
    /// Sentences.
    pub sentences: usize,
    /// Reading time: 200 words, or 400 ideographs, a minute.
    pub reading_seconds: usize,
}

/// What produced the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// `copydesk/` and the version.
    pub service: String,
    /// Recognised input shape.
    pub shape: String,
    /// Unit of all offsets: `codepoint`, `utf16` or `utf8`.
    pub offsets: String,
    /// Models and their versions.
    pub models: Vec<String>,
    /// Vocabularies and their dates.
    pub vocabularies: Vec<String>,
    /// What each step did.
    pub steps: Steps,
}

/// For each step `ok`, `partial(reason)`, or `skipped(reason)`: why a result may be empty, or hold less than elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Steps {
    /// Language identification.
    pub language: String,
    /// Entities.
    pub entities: String,
    /// Topics.
    pub topics: String,
}
