//! The decision: what the tagger finds and what the gazetteer knows become one set of mentions, alike over the whole document.
//!
//! - The tagger decides what is a mention; a name of the gazetteer it would pass over stands where it was in doubt.
//! - One name is of one type in a document: the type that the most certain of its mentions have.
//! - A name found once is found wherever it stands again, unless the tagger is sure that it is none there.

use std::collections::{BTreeMap, HashMap};

use super::{
    Candidate, GAZETTEER, Identity, Knowledge, certainty,
    evidence::{Cases, Evidence},
    gazetteer::{self, Gazetteer, joins},
    tagger::Tagger,
    units::{Unit, units},
};
use crate::{
    article::{EntityType, Field},
    enrich::{
        language::Language,
        text::{Text, fold, slice},
    },
};

/// Probability of a mention from which a name of the gazetteer is one, though the tagger would rather not.
const DOUBT: f32 = 0.4;
/// The same for a name that is found elsewhere in the document.
const DOUBT_AGAIN: f32 = 0.1;
/// Confidence under which a mention is none: what the tagger is less sure of is wrong more often than right.
const LEAST: f32 = 0.4;

/// Confidence from which a mention of one word is linked. Of those on articles kept out of training 96 in a hundred have the right span and
/// type, of all mentions that bear a known name 94.
const CERTAIN: f64 = 0.8;

/// One field as tagged.
pub(super) struct Reading<'t> {
    field: Field,
    text: &'t Text<'t>,
    units: Vec<Unit>,
    /// Probability of every unit that it is of no mention.
    outside: Vec<f32>,
    found: Vec<Found>,
    hits: Vec<gazetteer::Hit>,
}

/// A mention by the tagger.
struct Found {
    candidate: Candidate,
    kind: EntityType,
    key: String,
}

impl<'t> Reading<'t> {
    /// Tags a field.
    pub(super) fn new(
        knowledge: &Knowledge,
        tagger: &Tagger,
        field: Field,
        text: &'t Text<'t>,
        language: &Language,
        cases: &Cases,
    ) -> Self {
        let units = units(text, language.primary());
        let mut evidence = Evidence::new(knowledge, text, &units, language.primary(), cases);
        let (mut tagged, outside) = tagger.tag(&evidence);
        tagged.retain(|mention| !evidence.is_demonym(mention));
        let mut hits = std::mem::take(&mut evidence.hits);
        certainty::retain_certain(&mut hits, &knowledge.gazetteer, text, &units, &evidence, &tagged, language.primary());
        // A word that is a part of something unsure is not sure itself.
        for unsure in tagged.iter().filter(|mention| mention.confidence < LEAST).map(|mention| mention.bytes(&units)) {
            hits.retain(|hit| hit.tokens.len() > 1 || unsure == (hit.start..hit.end) || unsure.start >= hit.end || hit.start >= unsure.end);
        }
        let found = tagged.into_iter().filter(|mention| mention.confidence >= LEAST).filter_map(|mention| {
            let (first, last) = (units.get(mention.units.start)?, units.get(mention.units.end - 1)?);
            let bytes = first.bytes.start..with_full_stop(text, last.token, last.bytes.end);
            let key = fold(slice(text.source(), bytes.clone()));
            let tokens = first.token..last.token + 1;
            let confidence = f64::from(mention.confidence);
            let candidate =
                Candidate { field, tokens, bytes, identity: named(key.clone(), mention.kind), weak: false, perhaps: None, confidence };
            Some(Found { candidate, kind: mention.kind, key })
        });
        Self { field, text, found: found.collect(), units, outside, hits }
    }

    /// Probability that a mention begins or goes on at a byte.
    fn doubt(&self, byte: usize) -> f32 {
        let unit = self.units.partition_point(|unit| unit.bytes.end <= byte);
        self.outside.get(unit).map_or(0.0, |outside| 1.0 - outside)
    }
}

fn named(key: String, kind: EntityType) -> Identity {
    match kind {
        EntityType::Person => Identity::Person(key),
        kind => Identity::Named(key, kind),
    }
}

/// The end of a mention whose last word is an initial: its full stop belongs to it.
fn with_full_stop(text: &Text<'_>, token: usize, end: usize) -> usize {
    let raw = text.raw(token);
    let initial = raw.chars().count() == 1 && raw.chars().all(char::is_alphabetic) && !text.is_ideograph(token);
    let stop = initial && slice(text.source(), end..text.source().len()).starts_with('.');
    end + usize::from(stop)
}

/// The names of a document and their types.
pub(super) struct Names {
    /// Folded name to type.
    kinds: HashMap<String, EntityType>,
    /// The most words a name has.
    longest: usize,
}

impl Names {
    /// Gathers the names of all fields.
    pub(super) fn new(readings: &[Reading<'_>]) -> Self {
        let mut sums: HashMap<&str, BTreeMap<EntityType, f64>> = HashMap::new();
        for found in readings.iter().flat_map(|reading| &reading.found) {
            *sums.entry(&found.key).or_default().entry(found.kind).or_default() += found.candidate.confidence;
        }
        let best =
            |sums: BTreeMap<EntityType, f64>| sums.into_iter().max_by(|left, right| left.1.total_cmp(&right.1)).map(|(kind, _)| kind);
        let kinds: HashMap<String, EntityType> = sums.into_iter().filter_map(|(key, sums)| Some((key.to_owned(), best(sums)?))).collect();
        let longest = kinds.keys().map(|key| key.split(' ').count()).max().unwrap_or_default();
        Self { kinds, longest }
    }

    /// The mentions of one field.
    pub(super) fn settle(&self, gazetteer: &Gazetteer, reading: &Reading<'_>) -> Vec<Candidate> {
        let mut all: Vec<(Candidate, EntityType)> = reading
            .found
            .iter()
            .map(|found| {
                let kind = self.kinds.get(&found.key).copied().unwrap_or(found.kind);
                (Candidate { identity: named(found.key.clone(), kind), ..found.candidate.clone() }, kind)
            })
            .collect();
        // Where no capital says where a name ends, one that begins with a known body or person and holds another known name is two.
        if !reading.text.source().chars().any(char::is_uppercase) {
            all.retain(|(candidate, _)| {
                let mut within = reading.hits.iter().filter(|hit| hit.start < candidate.bytes.end && candidate.bytes.start < hit.end);
                let first = within.next().filter(|hit| hit.start == candidate.bytes.start && hit.end < candidate.bytes.end);
                let kind = first.and_then(|hit| gazetteer.get(*hit.entries.first()?)).map(|entry| entry.kind);
                !(kind.is_some_and(|kind| kind != EntityType::Place) && within.next().is_some())
            });
        }
        self.repeat(reading, &mut all);
        for hit in &reading.hits {
            let Some(kind) = hit.entries.first().and_then(|entry| gazetteer.get(*entry)).map(|entry| entry.kind) else { continue };
            let bytes = hit.start..hit.end;
            let identity = match hit.entries[..] {
                [entry] => Identity::Known(entry),
                _ => Identity::Ambiguous(fold(slice(reading.text.source(), bytes.clone())), kind),
            };
            if hit.always {
                all.retain(|(candidate, _)| candidate.bytes.end <= hit.start || hit.end <= candidate.bytes.start);
            }
            let mut over = all.iter_mut().filter(|(candidate, _)| candidate.bytes.start < hit.end && hit.start < candidate.bytes.end);
            match (over.next(), over.next()) {
                // Of another type it is somebody else of that name.
                (Some((candidate, tagged)), None) if candidate.bytes == bytes && *tagged == kind => {
                    if candidate.confidence < CERTAIN && hit.tokens.len() == 1 {
                        continue;
                    }
                    if hit.weak {
                        candidate.perhaps = Some(identity);
                    } else {
                        candidate.identity = identity;
                    }
                }
                (None, _) if hit.always || (!hit.weak && reading.doubt(hit.start) >= DOUBT) => {
                    let tokens = hit.tokens.clone();
                    all.push((
                        Candidate { field: reading.field, tokens, bytes, identity, weak: false, perhaps: None, confidence: GAZETTEER },
                        kind,
                    ));
                }
                _ => {}
            }
        }
        all.into_iter().map(|(candidate, _)| candidate).collect()
    }

    /// Adds names where they stand again.
    fn repeat(&self, reading: &Reading<'_>, all: &mut Vec<(Candidate, EntityType)>) {
        let mut taken = vec![false; reading.units.len()];
        for (candidate, _) in all.iter() {
            let from = reading.units.partition_point(|unit| unit.bytes.end <= candidate.bytes.start);
            let covered = reading.units.iter().skip(from).take_while(|unit| unit.bytes.start < candidate.bytes.end).count();
            taken.iter_mut().skip(from).take(covered).for_each(|taken| *taken = true);
        }
        let mut first = 0;
        while first < reading.units.len() {
            let next = self.again(reading, &taken, first);
            if let Some((candidate, kind)) = next {
                first = reading.units.partition_point(|unit| unit.bytes.start < candidate.bytes.end);
                all.push((candidate, kind));
            } else {
                first += 1;
            }
        }
    }

    /// The longest name of the document that stands at a unit, where the tagger does not rule it out.
    fn again(&self, reading: &Reading<'_>, taken: &[bool], first: usize) -> Option<(Candidate, EntityType)> {
        let start = reading.units.get(first).filter(|unit| 1.0 - reading.outside[first] >= DOUBT_AGAIN && !unit.bytes.is_empty())?;
        let mut key = String::new();
        let mut best = None;
        let mut words = 1;
        for (at, unit) in reading.units.iter().enumerate().skip(first) {
            if taken[at] {
                break;
            }
            if at > first && unit.fold.start == 0 {
                words += 1;
                if words > self.longest || !joins(reading.text.gap_before(unit.token)) {
                    break;
                }
                key.push(' ');
            }
            key.push_str(slice(reading.text.folded(unit.token), unit.fold.clone()));
            if let Some(kind) = self.kinds.get(&key) {
                best = Some((unit, *kind, key.clone()));
            }
        }
        let (last, kind, key) = best?;
        let bytes = start.bytes.start..with_full_stop(reading.text, last.token, last.bytes.end);
        let tokens = start.token..last.token + 1;
        let confidence = f64::from(1.0 - reading.outside[first]);
        Some((Candidate { field: reading.field, tokens, bytes, identity: named(key, kind), weak: false, perhaps: None, confidence }, kind))
    }
}
