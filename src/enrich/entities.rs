//! Entities: people, organisations and places, as non-overlapping spans, grouped and linked where certain.
//!
//! The tagger says what is a mention, with the gazetteer as evidence; the gazetteer says whom it means. In languages the tagger does
//! not read, candidates are what the gazetteer knows, names of people by pattern, and bare surnames of people already named
//! in full; longer spans win, and at equal length the gazetteer. A name that several known entities bear is published as
//! ambiguous, without an id.

mod certainty;
mod coreference;
mod decision;
pub(crate) mod evidence;
pub(crate) mod gazetteer;
mod inflect;
pub(crate) mod lists;
mod names;
pub(crate) mod tagger;
mod triggers;
pub(crate) mod units;

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::{
    Output,
    language::Language,
    text::{Converter, Text, slice},
};
use crate::article::{Entity, EntityType, Field, LinkStatus, Mention, Rel};
use decision::{Names, Reading};
use evidence::Cases;
use lists::Lists;
use tagger::Tagger;
use triggers::Triggers;
use units::units;

pub(crate) use gazetteer::Gazetteer;
use gazetteer::Month;
pub(crate) use units::proclitics;

/// Name and date of the vocabulary, for the provenance of a document.
pub(super) const VOCABULARY: &str = "names=2026-11";

/// What is known of names before a text is read. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Knowledge {
    pub(crate) gazetteer: Arc<Gazetteer>,
    pub(crate) lists: Arc<Lists>,
    triggers: Arc<Triggers>,
    /// The month in which the text was published, where that is known.
    published: Option<Month>,
}

impl Knowledge {
    /// What is shipped.
    pub(crate) fn load() -> Self {
        let (gazetteer, lists, triggers) = (Gazetteer::new(&[]), Lists::shipped(), Triggers::load());
        Self { gazetteer: Arc::new(gazetteer), lists: Arc::new(lists), triggers: Arc::new(triggers), published: None }
    }

    /// For a text that was published at a time, in RFC 3339.
    pub(super) fn at(self, published: Option<&str>) -> Self {
        Self { published: published.and_then(Month::read), ..self }
    }
}

/// What a candidate was identified as. Equal identities are one entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    /// A gazetteer entry.
    Known(usize),
    /// A name several entries bear, by its folded form.
    Ambiguous(String, EntityType),
    /// A person no table knows, by the folded full name.
    Person(String),
    /// An organisation or place no table knows, by its folded name.
    Named(String, EntityType),
}

#[derive(Debug, Clone)]
struct Candidate {
    field: Field,
    tokens: Range<usize>,
    bytes: Range<usize>,
    identity: Identity,
    /// Whether it counts only beside another name of the same entity.
    weak: bool,
    /// Who it is where another name of that entity stands beside.
    perhaps: Option<Identity>,
    confidence: f64,
}

/// How the rules fare, as we judge them; to be replaced by calibrated values once there is a corpus to calibrate on.
const GAZETTEER: f64 = 0.95;
const PATTERN: f64 = 0.75;
const SURNAME: f64 = 0.85;

/// Finds entities in headline and body.
pub(super) fn find(
    knowledge: &Knowledge,
    tagger: &Tagger,
    title: Option<&Text<'_>>,
    body: &Text<'_>,
    language: &Language,
    output: &Output,
) -> Vec<Entity> {
    let gazetteer = &knowledge.gazetteer;
    let fields: Vec<(Field, &Text<'_>)> = title.map(|text| (Field::Title, text)).into_iter().chain([(Field::Text, body)]).collect();
    let mut accepted = Vec::new();
    if reads(tagger, language) {
        let mut cases = Cases::default();
        fields.iter().for_each(|(_, text)| cases.add(text));
        let read = fields.iter().map(|(field, text)| Reading::new(knowledge, tagger, *field, text, language, &cases));
        let readings: Vec<Reading<'_>> = read.collect();
        let names = Names::new(&readings);
        for reading in &readings {
            accepted.extend(names.settle(gazetteer, reading));
        }
    } else {
        for (field, text) in &fields {
            accepted.extend(candidates(knowledge, *field, text, language));
        }
    }
    drop_unsupported(&mut accepted);
    abstain_where_shortened(gazetteer, &mut accepted, &fields);
    let surnames = surnames(gazetteer, &accepted, &fields, language);
    // A place that is the surname of somebody named in full is that person again.
    accepted.retain(|candidate| {
        let text = fields.iter().find(|(field, _)| *field == candidate.field).map(|(_, text)| text);
        let surname = candidate.tokens.len() == 1 && text.is_some_and(|text| surnames.contains_key(text.folded(candidate.tokens.start)));
        let place =
            matches!(candidate.identity, Identity::Named(_, EntityType::Place)) || is_known(gazetteer, candidate, EntityType::Place);
        !(surname && place)
    });
    for (field, text) in &fields {
        accepted.extend(later_mentions(*field, text, language, &surnames, &accepted));
    }
    accepted.sort_by_key(|candidate| (candidate.field, candidate.bytes.start));
    coreference::merge(gazetteer, &mut accepted, &fields, language);
    group(gazetteer, accepted, &fields, language, output)
}

/// Whether the tagger reads a language: one it was trained on, or another in a script whose capitals tell it much.
fn reads(tagger: &Tagger, language: &Language) -> bool {
    tagger.speaks(language.primary()) || (language.tag != "und" && matches!(language.script, "Latn" | "Cyrl"))
}

/// Gazetteer hits and person patterns of one field, without overlaps.
fn candidates(knowledge: &Knowledge, field: Field, text: &Text<'_>, language: &Language) -> Vec<Candidate> {
    let gazetteer = &knowledge.gazetteer;
    let mut all: Vec<Candidate> = gazetteer
        .find(text, &units(text, language.primary()), language.primary(), knowledge.published)
        .into_iter()
        .filter_map(|hit| {
            let identity = match hit.entries[..] {
                [entry] => Identity::Known(entry),
                _ => {
                    let kind = gazetteer.get(*hit.entries.first()?)?.kind;
                    Identity::Ambiguous(super::text::fold(slice(text.source(), hit.start..hit.end)), kind)
                }
            };
            Some(Candidate {
                field,
                tokens: hit.tokens,
                bytes: hit.start..hit.end,
                identity,
                weak: hit.weak,
                perhaps: None,
                confidence: GAZETTEER,
            })
        })
        .collect();
    all.extend(names::find(text, language.primary()).into_iter().map(|tokens| {
        let bytes = text.span(tokens.start).start..text.span(tokens.end.saturating_sub(1)).end;
        let key = super::text::fold(slice(text.source(), bytes.clone()));
        Candidate { field, tokens, bytes, identity: Identity::Person(key), weak: false, perhaps: None, confidence: PATTERN }
    }));
    // Stable: at equal length the gazetteer, which was pushed first, stays ahead.
    all.sort_by_key(|candidate| std::cmp::Reverse(candidate.tokens.len()));
    let mut taken = vec![false; text.len()];
    all.retain(|candidate| {
        let free = taken.get(candidate.tokens.clone()).is_some_and(|tokens| tokens.iter().all(|taken| !taken));
        if free {
            candidate.tokens.clone().for_each(|token| taken[token] = true);
        }
        free
    });
    all
}

/// A weak name stands for its entity only beside a full one.
fn drop_unsupported(candidates: &mut Vec<Candidate>) {
    let supported: Vec<Identity> = candidates.iter().filter(|c| !c.weak).map(|c| c.identity.clone()).collect();
    candidates.retain(|candidate| !candidate.weak || supported.contains(&candidate.identity));
    for candidate in candidates {
        if let Some(identity) = candidate.perhaps.take().filter(|identity| supported.contains(identity)) {
            candidate.identity = identity;
        }
    }
}

/// Whether a candidate is one certain entry of this type.
fn is_known(gazetteer: &Gazetteer, candidate: &Candidate, kind: EntityType) -> bool {
    matches!(candidate.identity, Identity::Known(entry) if gazetteer.get(entry).is_some_and(|known| known.kind == kind))
}

/// A known name that ends the longer name of another entity in this article ("Hezbollah" after "Kataib Hezbollah") may be
/// short for that one: it is published without an id.
fn abstain_where_shortened(gazetteer: &Gazetteer, candidates: &mut [Candidate], fields: &[(Field, &Text<'_>)]) {
    let surface = |candidate: &Candidate| {
        let text = fields.iter().find(|(field, _)| *field == candidate.field).map_or("", |(_, text)| text.source());
        super::text::fold(slice(text, candidate.bytes.clone()))
    };
    let longer: Vec<(String, Identity)> = candidates
        .iter()
        .filter(|candidate| candidate.tokens.len() >= 2)
        .map(|candidate| (surface(candidate), candidate.identity.clone()))
        .collect();
    for candidate in
        candidates.iter_mut().filter(|candidate| is_known(gazetteer, candidate, EntityType::Organisation) && candidate.tokens.len() >= 2)
    {
        let short = surface(candidate);
        let shortened = longer.iter().any(|(long, identity)| {
            *identity != candidate.identity && long.strip_suffix(short.as_str()).is_some_and(|rest| rest.ends_with(' '))
        });
        if shortened {
            candidate.identity = Identity::Ambiguous(short, EntityType::Organisation);
        }
    }
}

/// The last name of everyone named with at least two words, and who that is; `None` where two people share it.
fn surnames(
    gazetteer: &Gazetteer,
    accepted: &[Candidate],
    fields: &[(Field, &Text<'_>)],
    language: &Language,
) -> HashMap<String, Option<Identity>> {
    let mut surnames: HashMap<String, Option<Identity>> = HashMap::new();
    if matches!(language.primary(), "zh" | "ja" | "th" | "vi" | "ko") {
        return surnames;
    }
    let is_person =
        |candidate: &&Candidate| matches!(candidate.identity, Identity::Person(_)) || is_known(gazetteer, candidate, EntityType::Person);
    for candidate in accepted.iter().filter(is_person).filter(|candidate| candidate.tokens.len() >= 2) {
        let Some((_, text)) = fields.iter().find(|(field, _)| *field == candidate.field) else { continue };
        let last = text.folded(candidate.tokens.end - 1).to_owned();
        if last.chars().count() < 3 {
            continue;
        }
        surnames
            .entry(last)
            .and_modify(|known| {
                if known.as_ref() != Some(&candidate.identity) {
                    *known = None;
                }
            })
            .or_insert_with(|| Some(candidate.identity.clone()));
    }
    surnames
}

/// Bare surnames, outside what is already covered.
fn later_mentions(
    field: Field,
    text: &Text<'_>,
    language: &Language,
    surnames: &HashMap<String, Option<Identity>>,
    accepted: &[Candidate],
) -> Vec<Candidate> {
    if surnames.is_empty() {
        return Vec::new();
    }
    let mut taken = vec![false; text.len()];
    for candidate in accepted.iter().filter(|candidate| candidate.field == field) {
        candidate.tokens.clone().for_each(|token| taken[token] = true);
    }
    let arabic = language.right_to_left && language.script == "Arab";
    let mut found = Vec::new();
    for token in (0..text.len()).filter(|token| !taken[*token]) {
        if !arabic && !text.is_capitalised(token) {
            continue;
        }
        let folded = text.folded(token);
        let (known, stripped) = match surnames.get(folded) {
            Some(known) => (known, 0),
            None if arabic => {
                match proclitics(folded).into_iter().find_map(|(rest, stripped)| surnames.get(&rest).map(|known| (known, stripped))) {
                    Some(hit) => hit,
                    None => continue,
                }
            }
            None => continue,
        };
        if let Some(identity) = known {
            let start = if stripped > 0 { text.after_folded(token, stripped) } else { text.span(token).start };
            found.push(Candidate {
                field,
                tokens: token..token + 1,
                bytes: start..text.span(token).end,
                identity: identity.clone(),
                weak: false,
                perhaps: None,

                confidence: SURNAME,
            });
        }
    }
    found
}

/// Mentions of one identity become one entity, most salient first.
fn group(
    gazetteer: &Gazetteer,
    accepted: Vec<Candidate>,
    fields: &[(Field, &Text<'_>)],
    language: &Language,
    output: &Output,
) -> Vec<Entity> {
    let mut converters: HashMap<Field, Converter<'_>> =
        fields.iter().map(|(field, text)| (*field, Converter::new(output.offsets, text.source()))).collect();
    let sources: HashMap<Field, &str> = fields.iter().map(|(field, text)| (*field, text.source())).collect();
    let mut order: Vec<Identity> = Vec::new();
    let mut groups: HashMap<Identity, (Vec<Mention>, f64, f64)> = HashMap::new();
    for candidate in accepted {
        let (Some(converter), Some(source)) = (converters.get_mut(&candidate.field), sources.get(&candidate.field)) else { continue };
        let mention = Mention {
            field: candidate.field,
            start: converter.convert(candidate.bytes.start),
            end: converter.convert(candidate.bytes.end),
            text: slice(source, candidate.bytes.clone()).to_owned(),
        };
        let weight = match candidate.field {
            Field::Title => 3.0,
            Field::Text if candidate.bytes.start < 600 => 2.0,
            Field::Text => 1.0,
        };
        let (mentions, salience, confidence) = groups.entry(candidate.identity.clone()).or_insert_with(|| {
            order.push(candidate.identity.clone());
            (Vec::new(), 0.0, 0.0)
        });
        mentions.push(mention);
        *salience += weight;
        *confidence = confidence.max(candidate.confidence);
    }
    let highest = groups.values().map(|(_, salience, _)| *salience).fold(1.0, f64::max);
    let mut entities: Vec<Entity> = order
        .into_iter()
        .filter_map(|identity| {
            let (mentions, salience, confidence) = groups.remove(&identity)?;
            // Of the fullest mentions the shortest: the least declined. A kunya is nobody's full name.
            let words = |mention: &&Mention| {
                let text = mention.text.as_str();
                (std::cmp::Reverse(text.split(' ').count()), coreference::is_kunya(text), text.len())
            };
            let fullest = mentions.iter().min_by_key(words)?.text.clone();
            let in_title = mentions.first()?.field == Field::Title;
            let known = match &identity {
                Identity::Known(entry) => gazetteer.get(*entry),
                _ => None,
            };
            let (kind, link_status) = match &identity {
                Identity::Known(_) => (known?.kind, LinkStatus::Linked),
                Identity::Ambiguous(_, kind) => (*kind, LinkStatus::Ambiguous),
                Identity::Person(_) => (EntityType::Person, LinkStatus::None),
                Identity::Named(_, kind) => (*kind, LinkStatus::None),
            };
            Some(Entity {
                id: known.map(|entry| entry.id.to_owned()),
                kind,
                subtype: known.and_then(|entry| entry.subtype).map(str::to_owned),
                // The tables hold simplified names; a traditional text names its entities itself.
                name: known
                    .filter(|_| language.tag != "zh-Hant")
                    .and_then(|entry| entry.name(language.primary()))
                    .map_or(fullest, str::to_owned),
                names: known
                    .into_iter()
                    .flat_map(|entry| entry.names())
                    .filter(|(tag, _)| output.names.iter().any(|wanted| wanted == tag))
                    .map(|(tag, name)| (tag.to_owned(), name.to_owned()))
                    .collect(),
                link_status,
                rel: match known.and_then(|entry| entry.subtype) {
                    Some("agency" | "media") if !in_title => Rel::Source,
                    _ if in_title || salience * 2.0 >= highest => Rel::About,
                    _ => Rel::Mentions,
                },
                salience: super::round(salience / highest),
                confidence: super::round(confidence),
                mentions,
            })
        })
        .collect();
    entities.sort_by(|a, b| b.salience.total_cmp(&a.salience));
    entities
}
