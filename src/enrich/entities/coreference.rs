//! Coreference of names: which names of a document mean one entity.
//!
//! - A shorter name of a person is the one person whose fuller name holds its words, in their order; of two, it is its own.
//! - Where names are declined, names whose words are forms of one another are one.
//! - A person "known as" another name is both, and so is one whose Arabic by-name (kunya: Abu, Umm) stands in brackets behind.
//! - An acronym in brackets after the name of an organisation, or before it, is that organisation.
//!
//! Two entries of the gazetteer are never made one.

use std::collections::HashMap;

use super::{
    Candidate, Gazetteer, Identity,
    inflect::{declines, stem, stems},
};
use crate::{
    article::{EntityType, Field},
    enrich::{
        language::Language,
        text::{Text, fold, slice},
    },
};

/// A name as some mention has it.
struct Name {
    identity: Identity,
    words: Vec<String>,
    kind: EntityType,
}

/// Gives all candidates of an entity the same identity; they are in the order of the text.
pub(super) fn merge(gazetteer: &Gazetteer, candidates: &mut [Candidate], fields: &[(Field, &Text<'_>)], language: &Language) {
    let source = |field: Field| fields.iter().find(|(known, _)| *known == field).map_or("", |(_, text)| text.source());
    let mut names: Vec<Name> = Vec::new();
    for candidate in candidates.iter() {
        let Some(kind) = kind(gazetteer, &candidate.identity) else { continue };
        let words: Vec<String> = fold(slice(source(candidate.field), candidate.bytes.clone())).split(' ').map(str::to_owned).collect();
        if !names.iter().any(|name| name.identity == candidate.identity && name.words == words) {
            names.push(Name { identity: candidate.identity.clone(), words, kind });
        }
    }
    let mut same = Same::default();
    for pair in candidates.windows(2) {
        let [before, after] = pair else { continue };
        let both = |wanted| [before, after].iter().all(|candidate| kind(gazetteer, &candidate.identity) == Some(wanted));
        let joined = match () {
            () if before.field != after.field => false,
            () if both(EntityType::Organisation) => in_brackets(source(before.field), before, after),
            () => both(EntityType::Person) && is_by_name(source(before.field), before, after),
        };
        if joined {
            same.join(&before.identity, &after.identity);
        }
    }
    let alike = |left: &str, right: &str| {
        left == right
            || (ABU.contains(&left) && ABU.contains(&right))
            || (declines(language.primary()) && are_forms(left, right, language.primary()))
    };
    for (index, name) in names.iter().enumerate() {
        for other in names.iter().skip(index + 1).filter(|other| other.kind == name.kind && other.words.len() == name.words.len()) {
            if name.words.iter().zip(&other.words).all(|(left, right)| alike(left, right)) {
                same.join(&name.identity, &other.identity);
            }
        }
    }
    let people = || names.iter().filter(|name| name.kind == EntityType::Person);
    for name in people().filter(|name| !matches!(name.identity, Identity::Known(_))) {
        let holds = |full: &&Name| {
            full.words.len() > name.words.len()
                && full.words.windows(name.words.len()).any(|part| part.iter().zip(&name.words).all(|(left, right)| alike(left, right)))
        };
        let mut fuller: Vec<Identity> = people().filter(holds).map(|full| same.find(&full.identity)).collect();
        fuller.dedup();
        if let [full] = &fuller[..] {
            same.join(full, &name.identity);
        }
    }
    for candidate in candidates {
        candidate.identity = same.find(&candidate.identity);
    }
}

fn kind(gazetteer: &Gazetteer, identity: &Identity) -> Option<EntityType> {
    match identity {
        Identity::Known(entry) => gazetteer.get(*entry).map(|entry| entry.kind),
        Identity::Person(_) => Some(EntityType::Person),
        Identity::Named(_, kind) => Some(*kind),
        Identity::Ambiguous(..) => None,
    }
}

/// Whether one of two neighbours stands in brackets behind the other, and one of them is an acronym.
fn in_brackets(source: &str, before: &Candidate, after: &Candidate) -> bool {
    let between = slice(source, before.bytes.end..after.bytes.start).trim();
    let closed = slice(source, after.bytes.end..source.len()).starts_with([')', '）']);
    let acronym = |candidate: &Candidate| {
        let surface = slice(source, candidate.bytes.clone());
        (2..=8).contains(&surface.chars().count()) && surface.chars().all(|c| c.is_uppercase() || c.is_ascii_digit())
    };
    matches!(between, "(" | "（") && closed && acronym(before) != acronym(after)
}

/// The cases of the first word of a kunya, folded.
const ABU: [&str; 3] = ["ابو", "ابي", "ابا"];
/// First words of a kunya, folded.
const KUNYA: [&str; 6] = ["ابو", "ابي", "ابا", "ام", "abu", "umm"];
/// What stands between a name and another by which its bearer goes.
const KNOWN_AS: [&str; 14] = [
    "المعروف باسم",
    "المعروف ب",
    "المعروف بـ",
    "الملقب ب",
    "الملقب بـ",
    "المكنى ب",
    "المكنى بـ",
    "المكنى",
    "alias",
    "a.k.a.",
    "aka",
    "also known as",
    "better known as",
    "known as",
];

/// Whether the second of two people is another name of the first.
fn is_by_name(source: &str, before: &Candidate, after: &Candidate) -> bool {
    let between = slice(source, before.bytes.end..after.bytes.start).trim_matches([' ', ',', '،', '"', '«', '“', '\'']);
    let closed = slice(source, after.bytes.end..source.len()).trim_start_matches(['"', '»', '”']).starts_with([')', '）']);
    KNOWN_AS.contains(&between) || (closed && matches!(between, "(" | "（") && is_kunya(slice(source, after.bytes.clone())))
}

/// Whether a name begins as a kunya does.
pub(super) fn is_kunya(name: &str) -> bool {
    fold(name).split_once(' ').is_some_and(|(first, _)| KUNYA.contains(&first))
}

/// Whether two words are forms of one name.
fn are_forms(left: &str, right: &str, language: &str) -> bool {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    // Surnames are made of given names so.
    let derived = long.strip_prefix(short).is_some_and(|rest| matches!(rest, "ов" | "ев" | "ин" | "ич" | "ov" | "ev" | "ow" | "in" | "ic"));
    let roots = |word: &str| {
        let mut roots = stems(word, language);
        roots.push(stem(word).to_owned());
        roots
    };
    !derived && short.chars().nth(2).is_some() && roots(left).iter().any(|root| roots(right).contains(root))
}

/// Identities that are one: each leads to another, the last stands for all.
#[derive(Default)]
struct Same(HashMap<Identity, Identity>);

impl Same {
    fn find(&self, identity: &Identity) -> Identity {
        let mut last = identity;
        while let Some(next) = self.0.get(last) {
            last = next;
        }
        last.clone()
    }

    fn join(&mut self, left: &Identity, right: &Identity) {
        let (left, right) = (self.find(left), self.find(right));
        match (&left, &right) {
            (Identity::Known(_), Identity::Known(_)) => {}
            _ if left == right => {}
            (_, Identity::Known(_)) => drop(self.0.insert(left, right)),
            _ => drop(self.0.insert(right, left)),
        }
    }
}
