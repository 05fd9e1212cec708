//! The text core: an article in, an enriched article out, in one readable function.
//!
//! Pure and deterministic: no clock in the result, no randomness, no I/O; nothing of Kafka, metrics, HTTP or settings files.
//! Every step stands behind one function and can be replaced alone.

mod clean;
pub(crate) mod entities;
mod fingerprint;
pub(crate) mod han;
pub(crate) mod language;
pub(crate) mod model;
pub(crate) mod text;
pub(crate) mod topics;

pub(crate) use clean::is_visible;
pub use clean::{Cleaned, Cut, clean};
pub(crate) use entities::gazetteer;
pub use entities::gazetteer::layer::{Layer, NotCompiled, is_compiled};
pub use fingerprint::near_duplicate_key;
pub(crate) use fingerprint::sha256;
pub use language::{Identifier, Language, Segment};
pub use model::Malformed;
pub use text::OffsetUnit;
use topics::{Features, Labeller, Subject};
pub use topics::{TOPICS, slug, taxonomy::Taxonomy};

use std::{
    fmt,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use entities::{Knowledge, gazetteer::Gazetteer, tagger::Tagger};
use text::{Converter, Text};

use crate::article::{
    Article, Cleaning, EnrichedArticle, EntityType, Field, LanguageReport, LanguageSegment, Provenance, RawArticle, Removal, SCHEMA, Steps,
    Timings,
};

/// Mentions and topics of a text, for measuring.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// Field, type, and bytes of that field.
    pub mentions: Vec<(Field, EntityType, Range<usize>)>,
    /// The ids of those that are linked: field, bytes, id.
    pub links: Vec<(Field, Range<usize>, String)>,
    /// Slugs and scores of top-level topics, the best first.
    pub topics: Vec<(&'static str, f64)>,
}

/// Everything needed to enrich: loaded once, shared by all threads.
#[derive(Debug)]
pub struct Enricher {
    identifier: Identifier,
    /// Replaced as a whole when gazetteers are; an article is read with what was there when it began.
    knowledge: RwLock<Knowledge>,
    tagger: Tagger,
    labeller: Labeller,
    /// Replaced as a whole, as the gazetteers are.
    taxonomies: RwLock<Arc<[Arc<Taxonomy>]>>,
    output: Output,
}

/// How documents are written.
#[derive(Debug, Clone)]
pub struct Output {
    /// Unit of offsets.
    pub offsets: OffsetUnit,
    /// Languages in which the names of linked entities are given, as primary subtags.
    pub names: Vec<String>,
}

impl Default for Output {
    fn default() -> Self {
        Self { offsets: OffsetUnit::default(), names: vec!["en".to_owned()] }
    }
}

/// How much is done for an article.
#[derive(Clone, Copy)]
pub struct Effort<'a> {
    /// Whether entities are looked for.
    pub entities: bool,
    /// Whether topics are looked for.
    pub topics: bool,
    /// Code points of the clean text that are searched for them; of a longer one the beginning is.
    pub chars: usize,
    /// Asked before each step: whether there is time for it.
    pub in_time: &'a (dyn Fn() -> bool + Sync),
}

impl Effort<'_> {
    /// Everything, however long it takes.
    pub const FULL: Effort<'static> = Effort { entities: true, topics: true, chars: usize::MAX, in_time: &|| true };
}

impl fmt::Debug for Effort<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Effort").field("entities", &self.entities).field("topics", &self.topics).finish_non_exhaustive()
    }
}

impl Enricher {
    /// Compiles the shipped data. Takes well under a second.
    pub fn load(output: Output) -> Self {
        let tagger = Tagger::read(include_bytes!("enrich/data/entities.model")).unwrap_or_default();
        Self {
            identifier: Identifier::shipped(),
            knowledge: RwLock::new(Knowledge::load()),
            tagger,
            labeller: Labeller::load(),
            taxonomies: RwLock::default(),
            output,
        }
    }

    /// Takes these gazetteers, beside what is shipped, for the articles to come; those it had before are let go.
    pub fn set_gazetteers(&self, layers: &[Arc<Layer>]) {
        let gazetteer = Arc::new(Gazetteer::new(layers));
        self.knowledge.write().unwrap_or_else(PoisonError::into_inner).gazetteer = gazetteer;
    }

    /// Takes these taxonomies for the articles to come; those it had before are let go.
    pub fn set_taxonomies(&self, taxonomies: &[Arc<Taxonomy>]) {
        *self.taxonomies.write().unwrap_or_else(PoisonError::into_inner) = taxonomies.into();
    }

    fn taxonomies(&self) -> Arc<[Arc<Taxonomy>]> {
        Arc::clone(&self.taxonomies.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn knowledge(&self) -> Knowledge {
        self.knowledge.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same with another tagger, read from the bytes of a model file.
    ///
    /// # Errors
    /// The bytes are no such file.
    pub fn with_tagger(self, bytes: &'static [u8]) -> Result<Self, Malformed> {
        Ok(Self { tagger: Tagger::read(bytes)?, ..self })
    }

    /// What the topic classifier is shown of a clean text in a language.
    pub(crate) fn topic_features(&self, title: Option<&str>, text: &str, language: &str) -> Features {
        self.read(title, text, Some(language), |subject| self.labeller.features(subject))
    }

    /// Does something with a clean text whose language and entities are found.
    fn read<T>(&self, title: Option<&str>, text: &str, declared: Option<&str>, then: impl FnOnce(Subject<'_>) -> T) -> T {
        let output = Output { offsets: OffsetUnit::Utf8, names: Vec::new() };
        let language = self.identifier.identify(title, text, declared);
        let (title, body) = (title.map(Text::new), Text::new(text));
        let entities = entities::find(&self.knowledge(), &self.tagger, title.as_ref(), &body, &language, &output);
        then(Subject { title: title.as_ref(), body: &body, language: &language, entities: &entities })
    }

    /// What the steps after cleaning say of a text that is clean already.
    pub fn annotate(&self, title: Option<&str>, text: &str, declared_language: Option<&str>) -> Annotation {
        self.read(title, text, declared_language, |subject| self.annotation(subject))
    }

    fn annotation(&self, subject: Subject<'_>) -> Annotation {
        let entities = subject.entities;
        let mentions = entities
            .iter()
            .flat_map(|entity| entity.mentions.iter().map(|mention| (mention.field, entity.kind, mention.start..mention.end)));
        let linked = entities.iter().filter_map(|entity| entity.id.as_ref().map(|id| (entity, id)));
        let links =
            linked.flat_map(|(entity, id)| entity.mentions.iter().map(|mention| (mention.field, mention.start..mention.end, id.clone())));
        let topics = self.labeller.label(subject, &[], &[], &self.output);
        let topics = topics.iter().filter_map(|topic| Some((slug(&topic.id)?, topic.score))).collect();
        Annotation { mentions: mentions.collect(), links: links.collect(), topics }
    }

    /// The whole text pipeline; nothing if there was no time for it.
    pub fn enrich(&self, raw: &RawArticle, effort: Effort<'_>) -> Option<(EnrichedArticle, Timings)> {
        let in_time = || (effort.in_time)().then_some(());
        let mut timings = Timings::default();
        let cleaned = timed(&mut timings.clean, || clean(raw));
        in_time()?;
        let language = timed(&mut timings.language, || {
            self.identifier.identify(cleaned.title.as_deref(), &cleaned.text, raw.declared_language.as_deref())
        });
        in_time()?;
        let title = cleaned.title.as_deref().map(Text::new);
        let whole = Text::new(&cleaned.text);
        let end = cleaned.text.char_indices().nth(effort.chars).map(|(at, _)| at);
        let beginning = end.and_then(|end| cleaned.text.get(..end)).map(Text::new);
        let body = beginning.as_ref().unwrap_or(&whole);
        let knowledge = self.knowledge().at(raw.published.as_deref());
        let entities = timed(&mut timings.entities, || {
            if effort.entities {
                entities::find(&knowledge, &self.tagger, title.as_ref(), body, &language, &self.output)
            } else {
                Vec::new()
            }
        });
        in_time()?;
        let taxonomies = self.taxonomies();
        let subject = Subject { title: title.as_ref(), body, language: &language, entities: &entities };
        let topics = timed(&mut timings.topics, || {
            if effort.topics { self.labeller.label(subject, &raw.sections, &taxonomies, &self.output) } else { Vec::new() }
        });
        in_time()?;
        let steps = self.steps(&language, effort, beginning.is_some());

        let document = EnrichedArticle {
            schema: SCHEMA.to_owned(),
            id: raw.id.clone(),
            language: self.language(raw, &cleaned, &language),
            entities,
            topics,
            cleaning: self.cleaning(raw, &cleaned),
            fingerprint: fingerprint::fingerprint(&whole),
            stats: fingerprint::stats(&whole),
            provenance: self.provenance(raw, steps, &knowledge.gazetteer, &taxonomies),
            original: None,
            article: Article {
                url: raw.url.clone(),
                title: cleaned.title.clone(),
                text: cleaned.text.clone(),
                byline: cleaned.byline.clone(),
                dateline: cleaned.dateline.clone(),
                published: raw.published.clone(),
                published_from: raw.published_from.clone(),
                source: raw.source.clone(),
                authors: raw.authors.clone(),
                declared_language: raw.declared_language.clone(),
                sections: raw.sections.clone(),
            },
        };
        Some((document, timings))
    }

    fn language(&self, raw: &RawArticle, cleaned: &Cleaned, language: &Language) -> LanguageReport {
        let mut title = Converter::new(self.output.offsets, cleaned.title.as_deref().unwrap_or_default());
        let mut text = Converter::new(self.output.offsets, &cleaned.text);
        let segments = language.segments.iter().map(|segment| {
            let converter = if segment.field == Field::Title { &mut title } else { &mut text };
            let (start, end) = (converter.convert(segment.range.start), converter.convert(segment.range.end));
            LanguageSegment { field: segment.field, start, end, tag: segment.tag.to_owned() }
        });
        LanguageReport { segments: segments.collect(), ..language.report(raw.declared_language.as_deref()) }
    }

    fn cleaning(&self, raw: &RawArticle, cleaned: &Cleaned) -> Cleaning {
        let mut title = Converter::new(self.output.offsets, raw.title.as_deref().unwrap_or_default());
        let mut text = Converter::new(self.output.offsets, &raw.text);
        Cleaning {
            raw_chars: raw.text.chars().count(),
            clean_chars: cleaned.text.chars().count(),
            removed: cleaned
                .removed
                .iter()
                .map(|cut| {
                    let converter = if cut.field == Field::Title { &mut title } else { &mut text };
                    let (start, end) = (converter.convert(cut.range.start), converter.convert(cut.range.end));
                    Removal { reason: cut.reason, field: cut.field, start, end }
                })
                .collect(),
        }
    }

    fn provenance(&self, raw: &RawArticle, steps: Steps, gazetteer: &Gazetteer, taxonomies: &[Arc<Taxonomy>]) -> Provenance {
        let taxonomies = taxonomies.iter().map(|taxonomy| format!("taxonomy={:016x}", taxonomy.checksum()));
        let further = gazetteer.further().map(|layer| format!("gazetteer={:016x}", layer.checksum())).chain(taxonomies);
        Provenance {
            service: crate::SERVICE.to_owned(),
            shape: raw.shape.name().to_owned(),
            offsets: self.output.offsets.name().to_owned(),
            models: vec!["language=linear-1".to_owned(), "entities=crf-1".to_owned(), "topics=linear-1".to_owned()],
            vocabularies: [entities::VOCABULARY.to_owned(), topics::VOCABULARY.to_owned()].into_iter().chain(further).collect(),
            steps,
        }
    }

    /// What each step did, and why it did less than it can.
    fn steps(&self, language: &Language, effort: Effort<'_>, cut: bool) -> Steps {
        let undetermined = language.tag == "und";
        let entities = match (undetermined, self.tagger.speaks(language.primary())) {
            _ if !effort.entities => "skipped(overload)",
            _ if cut => "partial(long_text)",
            (true, _) => "partial(undetermined_language)",
            (false, false) => "partial(language_not_trained)",
            (false, true) => "ok",
        };
        let topics = match (undetermined, self.labeller.covers(language)) {
            _ if !effort.topics => "skipped(overload)",
            (true, _) => "skipped(undetermined_language)",
            (false, false) => "skipped(language_not_supported)",
            // They rest on the entities, too.
            (false, true) if !effort.entities => "partial(overload)",
            (false, true) if cut => "partial(long_text)",
            (false, true) => "ok",
        };
        Steps {
            language: if undetermined { "skipped(too_little_text)".to_owned() } else { "ok".to_owned() },
            entities: entities.to_owned(),
            topics: topics.to_owned(),
        }
    }
}

fn timed<T>(duration: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    *duration = started.elapsed();
    result
}

/// Scores are published with three decimals: more would be noise, and ties of floating point are not part of the contract.
fn round(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
