//! Certainty: where a known name is not linked, because what stands beside it says that it may be somebody else's.
//!
//! - A place before another place that it is not in: "Paris, Texas", "Frankfurt (Oder)".
//! - A place after a word for a street or a building, or for a person: "rue de Paris", "neighbour Chad".
//! - A word beside another part of a person's name, and a given name that begins a sentence: "India Knight", "Jordan scored".
//! - An Arabic place before the people of a country; an organisation before "de" and a name: "Arsenal de Sarandí".
//!
//! What is not linked is still a mention.

use std::ops::Range;

use super::{
    evidence::Evidence,
    gazetteer::{Entry, Gazetteer, Hit},
    tagger::Tagged,
    triggers,
    units::Unit,
};
use crate::{
    article::EntityType,
    enrich::text::{Text, slice},
};

/// Words between a street or a building and the place it is named after.
const OF: [&str; 12] = ["de", "du", "des", "d", "von", "di", "do", "da", "del", "della", "van", "of"];
/// Words between a place and the larger one it is in.
const WITHIN: [&str; 24] = [
    "in", "en", "em", "dans", "im", "i", "w", "v", "в", "у", "في", "the", "la", "le", "l", "der", "northern", "southern", "eastern",
    "western", "central", "no", "na", "nel",
];
/// Languages in which the word for a person stands before a name, and no ending tells the name of a place apart from it.
const UNDECLINED: [&str; 10] = ["en", "fr", "es", "it", "pt", "nl", "de", "sv", "da", "nb"];

/// Leaves the hits that are to be linked.
pub(super) fn retain_certain(
    hits: &mut Vec<Hit>,
    gazetteer: &Gazetteer,
    text: &Text<'_>,
    units: &[Unit],
    evidence: &Evidence<'_>,
    tagged: &[Tagged],
    language: &str,
) {
    let of_place = tagged.iter().filter(|mention| mention.kind == EntityType::Place);
    let places: Vec<Range<usize>> = of_place.map(|mention| mention.bytes(units)).collect();
    hits.retain(|hit| {
        let Some(entry) = hit.entries.first().and_then(|entry| gazetteer.get(*entry)) else { return true };
        let elsewhere = || entry.kind == EntityType::Place && is_elsewhere(gazetteer, text, &places, hit, &entry);
        !(is_doubtful(entry.kind, text, units, evidence, tagged, hit, language) || elsewhere())
    });
}

/// Whether the words beside a hit speak against it.
fn is_doubtful(
    kind: EntityType,
    text: &Text<'_>,
    units: &[Unit],
    evidence: &Evidence<'_>,
    tagged: &[Tagged],
    hit: &Hit,
    language: &str,
) -> bool {
    let first = units.partition_point(|unit| unit.bytes.start < hit.start);
    let after = units.partition_point(|unit| unit.bytes.start < hit.end);
    let word = |unit: Option<usize>| unit.and_then(|unit| units.get(unit)).map_or("", |unit| text.folded(unit.token));
    let before = first.checked_sub(1);
    let preceding = if OF.contains(&word(before)) { before.and_then(|before| before.checked_sub(1)) } else { before };
    // The people of the list are of all the world: of Latin words too many are names somewhere.
    let part_of_name = |unit: Option<usize>| {
        unit.and_then(|unit| units.get(unit).map(|found| (unit, found))).is_some_and(|(index, unit)| {
            let mentioned = tagged.iter().any(|mention| mention.units.contains(&index));
            !mentioned && evidence.is_name_of_person(index) && evidence.trigger(index) == 0 && text.is_capitalised(unit.token)
        })
    };
    let touches = |from: usize, to: usize| slice(text.source(), from..to) == " ";
    let single = hit.tokens.len() == 1;
    let cased = text.is_capitalised(hit.tokens.start);
    let beside_name = single
        && cased
        && (units.get(after).is_some_and(|unit| touches(hit.end, unit.bytes.start)) && part_of_name(Some(after))
            || before.and_then(|before| units.get(before)).is_some_and(|unit| touches(unit.bytes.end, hit.start))
                && part_of_name(before)
                && word(before).chars().nth(3).is_some());
    match kind {
        EntityType::Place => {
            let named_after = preceding.is_some_and(|unit| triggers::is_built(evidence.trigger(unit)));
            let somebody =
                UNDECLINED.contains(&language) && cased && before.is_some_and(|unit| triggers::is_person(evidence.trigger(unit)));
            let of_people = !cased && evidence.trigger(after) == triggers::DEMONYM;
            let given = single && cased && evidence.is_given(first) && evidence.begins_sentence(first);
            named_after || somebody || of_people || given || beside_name
        }
        EntityType::Organisation => {
            let of = OF.contains(&word(Some(after))) && word(Some(after)) != "of";
            let longer = single && of && units.get(after + 1).is_some_and(|unit| text.is_capitalised(unit.token));
            longer || beside_name
        }
        EntityType::Person => false,
    }
}

/// Whether a place stands before another that it is not in, or after one that is not in it.
fn is_elsewhere(gazetteer: &Gazetteer, text: &Text<'_>, places: &[Range<usize>], hit: &Hit, entry: &Entry<'_>) -> bool {
    let Some(at) = places.iter().position(|place| place.start == hit.start) else { return false };
    let between = |left: usize, right: usize| {
        let ends = places.get(left).zip(places.get(right));
        ends.map(|(left, right)| slice(text.source(), left.end..right.start))
    };
    let clash = |smaller: &Entry<'_>, larger: usize| {
        let name = places.get(larger).map_or("", |range| slice(text.source(), range.clone()));
        !smaller.is_territory()
            && match gazetteer.place(name) {
                Some(found) if found.is_territory() => smaller.home.is_none_or(|home| home != found.id),
                Some(found) => found.home.is_none() || found.home != smaller.home,
                None => true,
            }
    };
    // "Paris, Rome and Berlin" are a list.
    let is_list = |last: usize| between(last, last + 1).is_some_and(|gap| gap.chars().count() <= 6 && !gap.contains(['.', ';', '\n']));
    let within = |left: usize| {
        let gap = between(left, left + 1)?;
        let set_apart = gap.trim_start().starts_with([',', '(', '،']);
        let mut words = gap.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        (words.by_ref().take(4).all(|word| WITHIN.contains(&word)) && gap.chars().count() <= 24 && !gap.contains(['.', ';', '\n']))
            .then_some((set_apart, gap.chars().any(char::is_alphabetic)))
    };
    let nested = |left: usize| match within(left) {
        Some((true, false)) => !is_list(left + 1) && (left == 0 || !is_list(left - 1)),
        Some((_, worded)) => worded,
        None => false,
    };
    let before = at.checked_sub(1);
    let smaller = before.and_then(|before| gazetteer.place(slice(text.source(), places.get(before)?.clone())));
    nested(at) && clash(entry, at + 1)
        || entry.is_territory() && before.is_some_and(nested) && smaller.is_some_and(|smaller| clash(&smaller, at))
}
