//! What two sets of enriched documents say differently of the same articles: languages, entities, topics. For the report of a
//! backfill, before its shadow topic takes the place of the real one.
//!
//! Articles are matched by id, and of each the last document counts. A document is kept as hashes, some hundred bytes each.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    hash::{BuildHasher, Hash},
};

use rustc_hash::FxBuildHasher;
use serde::Deserialize;

/// The part of a document that is compared.
#[derive(Debug, Deserialize)]
struct Document {
    id: String,
    language: Language,
    entities: Vec<Entity>,
    topics: Vec<Topic>,
}

#[derive(Debug, Deserialize)]
struct Language {
    tag: String,
}

#[derive(Debug, Deserialize)]
struct Entity {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Topic {
    id: String,
    label: String,
}

/// Hashes of what a document says.
#[derive(Debug, Default)]
struct Said {
    language: String,
    entities: HashSet<u64, FxBuildHasher>,
    topics: HashSet<u64, FxBuildHasher>,
}

/// One set of documents.
#[derive(Debug, Default)]
pub struct Documents {
    said: HashMap<u64, Said, FxBuildHasher>,
    /// How to write what is hashed.
    names: HashMap<u64, String, FxBuildHasher>,
    /// Documents that could not be read.
    unreadable: u64,
}

impl Documents {
    /// Takes the JSON of a document, the last one of an article.
    pub fn take(&mut self, json: &[u8]) {
        let Ok(document) = serde_json::from_slice::<Document>(json) else {
            self.unreadable += 1;
            return;
        };
        let entities = document.entities.iter().map(|entity| {
            let key = hash(&(&entity.kind, entity.id.as_ref().unwrap_or(&entity.name)));
            self.names.entry(key).or_insert_with(|| format!("{} ({})", entity.name, entity.kind));
            key
        });
        let entities = entities.collect();
        let topics = document.topics.iter().map(|topic| {
            let key = hash(&topic.id);
            self.names.entry(key).or_insert_with(|| topic.label.clone());
            key
        });
        let topics = topics.collect();
        self.said.insert(hash(&document.id), Said { language: document.language.tag, entities, topics });
    }

    /// What `new` says differently.
    pub fn compare(&self, new: &Self) -> Difference {
        let mut difference = Difference {
            only_old: self.said.keys().filter(|id| !new.said.contains_key(id)).count() as u64,
            unreadable: self.unreadable + new.unreadable,
            ..Difference::default()
        };
        for (id, after) in &new.said {
            let Some(before) = self.said.get(id) else {
                difference.only_new += 1;
                continue;
            };
            difference.compared += 1;
            if before.language != after.language {
                *difference.languages.entry(format!("{} → {}", before.language, after.language)).or_default() += 1;
            }
            let name = |key: &u64| self.names.get(key).or(new.names.get(key)).cloned().unwrap_or_default();
            let entities = difference.entities.count(&before.entities, &after.entities, name);
            let topics = difference.topics.count(&before.topics, &after.topics, name);
            difference.unchanged += u64::from(before.language == after.language && !entities && !topics);
        }
        difference
    }
}

fn hash(value: &impl Hash) -> u64 {
    FxBuildHasher.hash_one(value)
}

/// What came and what went, of one kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Articles in which something came or went.
    pub articles: u64,
    /// What came, and in how many articles.
    pub added: BTreeMap<String, u64>,
    /// What went, and from how many articles.
    pub removed: BTreeMap<String, u64>,
}

impl Changes {
    fn count(&mut self, before: &HashSet<u64, FxBuildHasher>, after: &HashSet<u64, FxBuildHasher>, name: impl Fn(&u64) -> String) -> bool {
        after.difference(before).for_each(|key| *self.added.entry(name(key)).or_default() += 1);
        before.difference(after).for_each(|key| *self.removed.entry(name(key)).or_default() += 1);
        let changed = before != after;
        self.articles += u64::from(changed);
        changed
    }
}

/// What changed between two sets of documents.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Articles in both sets.
    pub compared: u64,
    /// Those of which both say the same.
    pub unchanged: u64,
    /// Articles in the old set only.
    pub only_old: u64,
    /// Articles in the new set only.
    pub only_new: u64,
    /// Documents that could not be read.
    pub unreadable: u64,
    /// Changes of the language, and how often.
    pub languages: BTreeMap<String, u64>,
    /// Changes of the entities.
    pub entities: Changes,
    /// Changes of the topics.
    pub topics: Changes,
}

/// Most lines shown of a kind.
const SHOWN: usize = 10;

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} articles in both topics, {} unchanged", self.compared, self.unchanged)?;
        writeln!(
            formatter,
            "{} only in the old one, {} only in the new one, {} documents unreadable",
            self.only_old, self.only_new, self.unreadable
        )?;
        writeln!(formatter, "language changed in {}", self.languages.values().sum::<u64>())?;
        most(formatter, " ", &self.languages)?;
        for (kind, changes) in [("entities", &self.entities), ("topics", &self.topics)] {
            let sum = |map: &BTreeMap<String, u64>| map.values().sum::<u64>();
            writeln!(
                formatter,
                "{kind} changed in {}: {} added, {} removed",
                changes.articles,
                sum(&changes.added),
                sum(&changes.removed)
            )?;
            most(formatter, "+", &changes.added)?;
            most(formatter, "-", &changes.removed)?;
        }
        Ok(())
    }
}

fn most(formatter: &mut fmt::Formatter<'_>, sign: &str, counts: &BTreeMap<String, u64>) -> fmt::Result {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().take(SHOWN).try_for_each(|(what, count)| writeln!(formatter, "  {sign} {count:>6}  {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(documents: &[(&str, &str, &[&str], &[&str])]) -> Documents {
        let mut taken = Documents::default();
        for (id, tag, entities, topics) in documents {
            let entities: Vec<_> = entities.iter().map(|name| serde_json::json!({"id": null, "type": "place", "name": name})).collect();
            let topics: Vec<_> = topics.iter().map(|label| serde_json::json!({"id": label, "label": label})).collect();
            let json = serde_json::json!({"id": id, "language": {"tag": tag}, "entities": entities, "topics": topics});
            taken.take(json.to_string().as_bytes());
        }
        taken
    }

    #[test]
    fn says_what_changed() {
        let old =
            documents(&[("1", "en", &["Rome"], &["sport"]), ("2", "en", &[], &[]), ("3", "en", &[], &[]), ("5", "ar", &[], &["arts"])]);
        let new = documents(&[
            ("1", "en", &["Rome", "Oslo"], &["arts"]),
            ("2", "sco", &[], &[]),
            ("4", "en", &[], &[]),
            ("5", "ar", &[], &["arts"]),
        ]);
        let found = old.compare(&new);
        assert_eq!((found.compared, found.unchanged, found.only_old, found.only_new), (3, 1, 1, 1));
        assert_eq!(found.languages, BTreeMap::from([("en → sco".to_owned(), 1)]));
        assert_eq!(found.entities.added, BTreeMap::from([("Oslo (place)".to_owned(), 1)]));
        assert_eq!((found.topics.articles, found.topics.added.len(), found.topics.removed.len()), (1, 1, 1));
        assert!(found.to_string().contains("topics changed in 1: 1 added, 1 removed"));
    }
}
