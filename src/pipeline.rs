//! The work on one message: intake, then enrichment, to an [`Outcome`]. The closure the stream is given, and what
//! `copydesk enrich` calls without Kafka.

use std::{sync::Arc, time::Instant};

use crate::{
    article::{Enriched, EnrichedArticle, EntityType, Facts, Message, Outcome, Reason, Rejection},
    enrich::{self, Enricher, Layer, Output, Taxonomy},
    intake::Intake,
};

/// Intake and enrichment with their settings; shared by all threads.
#[derive(Debug)]
pub struct Pipeline {
    intake: Intake,
    enricher: Enricher,
    original: bool,
}

impl Pipeline {
    /// Loads the models.
    pub fn load(intake: Intake, output: Output, original: bool) -> Self {
        Self { intake, enricher: Enricher::load(output), original }
    }

    /// See [`Enricher::set_gazetteers`].
    pub fn set_gazetteers(&self, layers: &[Arc<Layer>]) {
        self.enricher.set_gazetteers(layers);
    }

    /// See [`Enricher::set_taxonomies`].
    pub fn set_taxonomies(&self, taxonomies: &[Arc<Taxonomy>]) {
        self.enricher.set_taxonomies(taxonomies);
    }

    /// Turns one message into its outcome.
    pub fn process(&self, message: &Message) -> Outcome {
        if message.payload.is_none() {
            return if message.headers.is_ok() {
                Outcome::Tombstone
            } else {
                Outcome::Rejected(Rejection::new(Reason::BadHeaders, "a header name is not UTF-8; the headers cannot be passed on"))
            };
        }
        match self.document(message) {
            Ok((document, facts)) => match serde_json::to_vec(&document) {
                Ok(json) => Outcome::Enriched(Box::new(Enriched { json, facts })),
                Err(error) => Outcome::Rejected(Rejection::new(Reason::Panic, format!("failed to serialise: {error}"))),
            },
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    /// The document itself and the facts about it.
    ///
    /// # Errors
    /// Why the message is not an article.
    pub fn document(&self, message: &Message) -> Result<(EnrichedArticle, Facts), Rejection> {
        let started = Instant::now();
        let raw = self.intake.read(message)?;
        let intake = started.elapsed();
        let (mut document, mut timings) = self.enricher.enrich(&raw);
        timings.intake = intake;
        if self.original {
            document.original = message.payload.as_deref().map(|payload| String::from_utf8_lossy(payload).into_owned());
        }
        let count = |kind| document.entities.iter().filter(|entity| entity.kind == kind).count();
        let facts = Facts {
            language: document.language.tag.clone(),
            topics: document.topics.iter().filter_map(|topic| enrich::slug(&topic.id)).collect(),
            entities: EntityType::ALL.into_iter().map(|kind| (kind, count(kind))).collect(),
            published: document.article.published.as_deref().and_then(|date| date.parse::<jiff::Timestamp>().ok()).map(|t| t.as_second()),
            timings,
        };
        Ok((document, facts))
    }
}
