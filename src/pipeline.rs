//! The work on one message: intake, then enrichment, to an [`Outcome`]. The closure the stream is given, and what
//! `copydesk enrich` calls without Kafka.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    article::{Enriched, EnrichedArticle, EntityType, Facts, Message, Outcome, Reason, Rejection},
    enrich::{self, Effort, Enricher, Layer, Output, Taxonomy},
    intake::Intake,
};

/// What one article may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for one article; asked between the steps.
    pub time: Duration,
    /// Code points of a text that are searched for entities and topics.
    pub chars: usize,
}

/// Lags from which on articles get less than everything, in messages over all partitions of this instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ladder {
    /// No topics beyond this lag.
    pub topics: Option<u64>,
    /// No entities either beyond this one.
    pub entities: Option<u64>,
}

/// Intake and enrichment with their settings; shared by all threads.
#[derive(Debug)]
pub struct Pipeline {
    intake: Intake,
    enricher: Enricher,
    original: bool,
    limits: Option<Limits>,
    ladder: Ladder,
}

impl Pipeline {
    /// Loads the models.
    pub fn load(intake: Intake, output: Output, original: bool) -> Self {
        Self { intake, enricher: Enricher::load(output), original, limits: None, ladder: Ladder::default() }
    }

    /// The same within bounds, as a service needs them.
    pub fn bounded(self, limits: Limits, ladder: Ladder) -> Self {
        Self { limits: Some(limits), ladder, ..self }
    }

    /// See [`Enricher::set_gazetteers`].
    pub fn set_gazetteers(&self, layers: &[Arc<Layer>]) {
        self.enricher.set_gazetteers(layers);
    }

    /// See [`Enricher::set_taxonomies`].
    pub fn set_taxonomies(&self, taxonomies: &[Arc<Taxonomy>]) {
        self.enricher.set_taxonomies(taxonomies);
    }

    /// Turns one message into its outcome, with less effort where the lag asks for it.
    pub fn process(&self, message: &Message, lag: u64) -> Outcome {
        if message.payload.is_none() {
            return if message.headers.is_ok() {
                Outcome::Tombstone
            } else {
                Outcome::Rejected(Rejection::new(Reason::BadHeaders, "a header name is not UTF-8; the headers cannot be passed on"))
            };
        }
        match self.document_under(message, lag) {
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
        self.document_under(message, 0)
    }

    fn document_under(&self, message: &Message, lag: u64) -> Result<(EnrichedArticle, Facts), Rejection> {
        let started = Instant::now();
        let raw = self.intake.read(message)?;
        let intake = started.elapsed();
        let in_time = || self.limits.is_none_or(|limits| started.elapsed() <= limits.time);
        let beyond = |rung: Option<u64>| rung.is_some_and(|rung| lag > rung);
        let effort = Effort {
            entities: !beyond(self.ladder.entities),
            topics: !beyond(self.ladder.topics),
            chars: self.limits.map_or(usize::MAX, |limits| limits.chars),
            in_time: &in_time,
        };
        let (mut document, mut timings) = self.enricher.enrich(&raw, effort).ok_or_else(|| {
            let limit = self.limits.map_or(Duration::ZERO, |limits| limits.time);
            Rejection::new(Reason::TimeBudget, format!("the article took more than enrich.time_budget = {limit:?}"))
        })?;
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
            degraded: !effort.entities || !effort.topics,
        };
        Ok((document, facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(chars: usize, time: Duration, ladder: Ladder) -> Pipeline {
        Pipeline::load(Intake::default(), Output::default(), false).bounded(Limits { time, chars }, ladder)
    }

    fn steps(pipeline: &Pipeline, lag: u64) -> [String; 3] {
        let text = "The council in London approved the new budget after a long debate. ".repeat(20);
        let (document, facts) = pipeline.document_under(&Message::local(text.into_bytes()), lag).unwrap();
        assert_eq!(facts.degraded, document.provenance.steps.topics.contains("overload"));
        assert_eq!(document.entities.is_empty(), document.provenance.steps.entities == "skipped(overload)");
        let steps = document.provenance.steps;
        [steps.language, steps.entities, steps.topics]
    }

    #[test]
    fn less_is_done_rung_by_rung_under_lag() {
        let ladder = Ladder { topics: Some(1_000), entities: Some(5_000) };
        let pipeline = pipeline(usize::MAX, Duration::from_secs(60), ladder);
        assert_eq!(steps(&pipeline, 1_000), ["ok", "ok", "ok"]);
        assert_eq!(steps(&pipeline, 1_001), ["ok", "ok", "skipped(overload)"]);
        assert_eq!(steps(&pipeline, 5_001), ["ok", "skipped(overload)", "skipped(overload)"]);
    }

    #[test]
    fn of_a_long_text_the_beginning_is_searched() {
        let pipeline = pipeline(100, Duration::from_secs(60), Ladder::default());
        assert_eq!(steps(&pipeline, 1_000_000), ["ok", "partial(long_text)", "partial(long_text)"]);
    }

    #[test]
    fn an_article_out_of_time_is_rejected() {
        let pipeline = pipeline(usize::MAX, Duration::ZERO, Ladder::default());
        let Outcome::Rejected(rejection) = pipeline.process(&Message::local(b"Some text".to_vec()), 0) else { panic!("not rejected") };
        assert_eq!(rejection.reason, Reason::TimeBudget);
    }
}
