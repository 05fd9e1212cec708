//! Entity tags, measured: exact spans as CoNLL counts them (a mention is right if field, start, end and type are), and partial ones
//! (of the right type, and overlapping). Precision, recall and F1 over PER, ORG and LOC, and of each.
//!
//! Links are counted in documents that are annotated for them. A link is right if the mention's span and the id are. Wrong are
//! another id, an id for what is no entity of the gazetteer, and an id for what is no mention; a mention without a verdict does
//! not count.

use std::{collections::BTreeMap, fmt::Write, ops::AddAssign, path::Path};

use serde::Serialize;

use super::{
    EvalError,
    labelled::{Answered, Span},
    percent,
};
use crate::{article::EntityType, enrich::Enricher};

/// Mentions counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Count {
    /// Mentions of the labels.
    pub labelled: usize,
    /// Mentions found.
    pub found: usize,
    /// Found mentions that are labelled exactly so.
    pub exact: usize,
    /// Found mentions that overlap one of the labels of their type.
    pub found_partly: usize,
    /// Labelled mentions that overlap a found one of their type.
    pub labelled_partly: usize,
}

impl Count {
    /// Precision of exact spans, per cent.
    pub fn precision(&self) -> f64 {
        percent(self.exact, self.found)
    }

    /// Recall of exact spans, per cent.
    pub fn recall(&self) -> f64 {
        percent(self.exact, self.labelled)
    }

    /// F1 of exact spans, per cent.
    pub fn f1(&self) -> f64 {
        harmonic(self.precision(), self.recall())
    }

    /// F1 of overlapping spans, per cent.
    pub fn partial_f1(&self) -> f64 {
        harmonic(percent(self.found_partly, self.found), percent(self.labelled_partly, self.labelled))
    }
}

fn harmonic(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.exact += other.exact;
        self.found_partly += other.found_partly;
        self.labelled_partly += other.labelled_partly;
    }
}

/// Links counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Links {
    /// Mentions of entities of the gazetteer, by the labels.
    pub labelled: usize,
    /// Links found that the labels have a verdict on.
    pub found: usize,
    /// Links found that are right.
    pub right: usize,
}

impl Links {
    /// Precision, per cent; none without links.
    pub fn precision(&self) -> Option<f64> {
        (self.found > 0).then(|| percent(self.right, self.found))
    }

    /// Recall, per cent; none without labels.
    pub fn recall(&self) -> Option<f64> {
        (self.labelled > 0).then(|| percent(self.right, self.labelled))
    }
}

impl AddAssign for Links {
    fn add_assign(&mut self, other: Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.right += other.right;
    }
}

/// Counts of one source, by type.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Score {
    /// Documents that are annotated for entities.
    pub documents: usize,
    /// Counts by the name of the type.
    pub types: BTreeMap<&'static str, Count>,
    /// Links.
    pub links: Links,
}

impl Score {
    /// Over all types.
    pub fn total(&self) -> Count {
        self.types.values().fold(Count::default(), |mut sum, count| {
            sum += *count;
            sum
        })
    }
}

/// Scores by source. `fault` is told of every mistake: document, what, text.
pub fn measure(answers: &[Answered<'_>], mut fault: impl FnMut(&str, &str, &str)) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for answer in answers {
        let Some(labels) = &answer.document.mentions else { continue };
        let found = &answer.found.mentions;
        let score = scores.entry(answer.source.to_owned()).or_default();
        score.documents += 1;
        for kind in EntityType::ALL {
            *score.types.entry(kind.name()).or_default() += count(labels, found, kind);
        }
        if !answer.document.links.is_empty() {
            score.links += links(answer, |what, text| fault(&answer.name(), what, text));
        }
        let mut tell = |what: &str, spans: &[Span], others: &[Span]| {
            for (field, kind, range) in spans.iter().filter(|span| !others.contains(span)) {
                let text = answer.document.field(*field).get(range.clone()).unwrap_or_default();
                fault(&answer.name(), &format!("{what}, {}", kind.name()), text);
            }
        };
        tell("missed", labels, found);
        tell("false", found, labels);
    }
    scores
}

/// Counts links. `fault` is told of every mistake: what, text.
fn links(answer: &Answered<'_>, mut fault: impl FnMut(&str, &str)) -> Links {
    let verdicts = &answer.document.links;
    let mut links = Links { labelled: verdicts.iter().filter(|(.., id)| id.is_some()).count(), ..Links::default() };
    for (field, range, id) in &answer.found.links {
        let verdict = verdicts.iter().find(|(labelled, span, _)| labelled == field && span == range);
        let is_mention = || answer.document.mentions.iter().flatten().any(|(labelled, _, span)| labelled == field && span == range);
        if verdict.is_some() || !is_mention() {
            links.found += 1;
        }
        if verdict.is_some_and(|(.., labelled)| labelled.as_ref() == Some(id)) {
            links.right += 1;
        } else if verdict.is_some() || !is_mention() {
            fault(&format!("false link, {id}"), answer.document.field(*field).get(range.clone()).unwrap_or_default());
        }
    }
    for (field, range, id) in verdicts {
        if let Some(id) =
            id.as_ref().filter(|id| !answer.found.links.iter().any(|found| (&found.0, &found.1, &found.2) == (field, range, *id)))
        {
            fault(&format!("missed link, {id}"), answer.document.field(*field).get(range.clone()).unwrap_or_default());
        }
    }
    links
}

fn count(labels: &[Span], found: &[Span], kind: EntityType) -> Count {
    let of_kind = |spans: &[Span]| spans.iter().filter(|(_, found, _)| *found == kind).cloned().collect::<Vec<Span>>();
    let (labels, found) = (of_kind(labels), of_kind(found));
    let overlaps = |span: &Span, others: &[Span]| {
        others.iter().any(|other| other.0 == span.0 && other.2.start < span.2.end && span.2.start < other.2.end)
    };
    Count {
        labelled: labels.len(),
        found: found.len(),
        exact: found.iter().filter(|span| labels.contains(span)).count(),
        found_partly: found.iter().filter(|span| overlaps(span, &labels)).count(),
        labelled_partly: labels.iter().filter(|span| overlaps(span, &found)).count(),
    }
}

/// Reads a model file for the enricher to use instead of the shipped one.
///
/// # Errors
/// The file cannot be read or is no model.
pub fn with_tagger(enricher: Enricher, path: &Path) -> Result<Enricher, EvalError> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, error))?;
    enricher.with_tagger(bytes.leak()).map_err(|malformed| EvalError::Empty { path: path.to_owned(), wanted: malformed.to_string() })
}

fn cell(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.1}"))
}

/// The scores as Markdown.
pub fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut out = String::from("| source | documents | mentions | precision | recall | F1 | partial F1 |");
    for kind in EntityType::ALL {
        let _infallible = write!(out, " {} F1 |", kind.name());
    }
    let _infallible = writeln!(out, " links | link precision | link recall |\n|{}", "---|".repeat(10 + EntityType::ALL.len()));
    let mut sum = Score::default();
    for score in scores.values() {
        sum.documents += score.documents;
        sum.links += score.links;
        for (kind, count) in &score.types {
            *sum.types.entry(kind).or_default() += *count;
        }
    }
    for (name, score) in scores.iter().map(|(name, score)| (name.as_str(), score)).chain([("**all**", &sum)]) {
        let total = score.total();
        let kinds: String = EntityType::ALL
            .iter()
            .map(|kind| format!(" {:.1} |", score.types.get(kind.name()).copied().unwrap_or_default().f1()))
            .collect();
        let _infallible = writeln!(
            out,
            "| {name} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |{kinds} {} | {} | {} |",
            score.documents,
            total.labelled,
            total.precision(),
            total.recall(),
            total.f1(),
            total.partial_f1(),
            score.links.labelled,
            cell(score.links.precision()),
            cell(score.links.recall())
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{article::Field, enrich::Annotation, eval::labelled::Labelled};

    #[test]
    fn links_are_right_wrong_or_without_verdict() {
        let id = |id: &str| Some(id.to_owned());
        let link = |at: usize, id: &str| (Field::Text, at..at + 4, id.to_owned());
        let document = Labelled {
            mentions: Some([0, 10, 20, 30].map(|at| (Field::Text, EntityType::Place, at..at + 4)).to_vec()),
            links: vec![(Field::Text, 0..4, id("gn:1")), (Field::Text, 10..14, None), (Field::Text, 20..24, id("gn:2"))],
            ..Labelled::default()
        };
        // Right; no entity of the gazetteer; missed; a mention without a verdict; no mention at all.
        let found = Annotation {
            mentions: Vec::new(),
            links: vec![link(0, "gn:1"), link(10, "gn:1"), link(30, "gn:3"), link(40, "gn:1")],
            topics: Vec::new(),
        };
        let mut faults = Vec::new();
        let links = links(&Answered { source: "en", document: &document, found }, |what, _| faults.push(what.to_owned()));
        assert_eq!(faults, ["false link, gn:1", "false link, gn:1", "missed link, gn:2"]);
        assert_eq!((links.labelled, links.found, links.right), (2, 3, 1));
        assert_eq!((links.precision().map(f64::round), links.recall().map(f64::round)), (Some(33.0), Some(50.0)));
    }

    #[test]
    fn exact_and_partial_spans() {
        let span = |kind, start, end| (Field::Text, kind, start..end);
        let labels = [span(EntityType::Person, 0, 7), span(EntityType::Place, 10, 14)];
        let found = [span(EntityType::Person, 0, 7), span(EntityType::Person, 10, 14), span(EntityType::Place, 11, 14)];
        let person = count(&labels, &found, EntityType::Person);
        assert_eq!((person.labelled, person.found, person.exact), (1, 2, 1));
        let place = count(&labels, &found, EntityType::Place);
        assert_eq!((place.exact, place.found_partly, place.labelled_partly), (0, 1, 1));
        assert!((person.f1() - 200.0 / 3.0).abs() < 1e-9 && place.f1() == 0.0 && (place.partial_f1() - 100.0).abs() < 1e-9);
    }
}
