//! The vocabulary: IPTC Media Topics, edition 2023-10-24, "(c) IPTC, CC BY 4.0".
//!
//! Copydesk labels with the 17 top-level concepts and the 121 active ones below them. Everything else that a publisher may have
//! written is led back to these: deeper concepts, retired ones, Subject Codes (the codes before Media Topics), and names in thirteen locales.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::TOPICS;
use crate::enrich::text::fold;

/// Labels there are: top-level concepts in the order of [`TOPICS`], then the second level.
pub(crate) const CONCEPTS: usize = TOPICS.len() + 121;

/// A concept that copydesk labels with.
#[derive(Debug)]
pub(super) struct Concept {
    /// Eight digits.
    pub(super) id: &'static str,
    /// The English name, lower case, with `_` for all but letters and digits; of a top-level concept as in [`TOPICS`].
    pub(super) slug: String,
    /// English name.
    pub(super) name: &'static str,
    /// The top-level concept it is or belongs to.
    pub(super) top: usize,
    /// Names by language tag.
    pub(super) names: Vec<(&'static str, &'static str)>,
}

/// The concepts, by what publishers call them.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    concepts: Vec<Concept>,
    /// Ids of Media Topics and Subject Codes, which agree where they meet.
    codes: FxHashMap<&'static str, usize>,
    /// Names of all levels in all languages.
    names: Vec<(&'static str, usize)>,
    /// The same, folded, made when the first is looked up; none of a name that means things too different.
    folded: OnceLock<FxHashMap<String, Option<usize>>>,
}

impl Vocabulary {
    pub(super) fn shipped() -> Self {
        let table = include_str!("../data/topics/vocabulary.tsv");
        let rows = || table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>());
        let mut vocabulary = Self::default();
        for (slug, id, name) in TOPICS {
            let top = vocabulary.concepts.len();
            vocabulary.concepts.push(Concept { id, slug: slug.to_owned(), name, top, names: Vec::new() });
        }
        // Broader concepts stand before narrower ones.
        let mut known: FxHashMap<&str, usize> = TOPICS.iter().enumerate().map(|(at, (_, id, _))| (*id, at)).collect();
        for row in rows() {
            let [id, broader, retired, subject, name, names @ ..] = row.as_slice() else { continue };
            let names = names.iter().filter_map(|name| name.split_once('='));
            let concept = match (known.get(id), known.get(broader)) {
                (Some(concept), _) => *concept,
                (None, Some(parent)) if *parent < TOPICS.len() && retired.is_empty() && vocabulary.is(*parent, broader) => {
                    let slug = name.replace(|c: char| !c.is_alphanumeric(), "_");
                    vocabulary.concepts.push(Concept { id, slug, name, top: *parent, names: Vec::new() });
                    vocabulary.concepts.len() - 1
                }
                (None, Some(parent)) => *parent,
                (None, None) => continue,
            };
            known.insert(id, concept);
            if vocabulary.is(concept, id) {
                let own = names.clone().filter(|(tag, _)| !tag.contains('-'));
                vocabulary.concepts[concept].names = std::iter::once(("en", *name)).chain(own).collect();
            }
            vocabulary.names.extend(std::iter::once(*name).chain(names.map(|(_, name)| name)).map(|name| (name, concept)));
            if !subject.is_empty() {
                vocabulary.codes.entry(subject).or_insert(concept);
            }
        }
        vocabulary.codes.extend(known);
        vocabulary
    }

    fn is(&self, concept: usize, id: &str) -> bool {
        self.concepts.get(concept).is_some_and(|concept| concept.id == id)
    }

    /// A name of ours, for a language that IPTC has none in.
    pub(super) fn add_name(&mut self, concept: usize, language: &'static str, name: &'static str) {
        if let Some(known) = self.concepts.get_mut(concept)
            && !known.names.iter().any(|(tag, _)| *tag == language)
        {
            known.names.push((language, name));
            self.names.push((name, concept));
        }
    }

    pub(super) fn get(&self, concept: usize) -> Option<&Concept> {
        self.concepts.get(concept)
    }

    /// The concept with a slug.
    pub(super) fn slug(&self, slug: &str) -> Option<usize> {
        self.concepts.iter().position(|concept| concept.slug == slug)
    }

    /// What an eight-digit id or Subject Code means. The first two digits of an unknown code say the top-level concept.
    pub(super) fn code(&self, code: &str) -> Option<usize> {
        self.codes.get(code).copied().or_else(|| TOPICS.iter().position(|(_, id, _)| id.get(..2) == code.get(..2)))
    }

    /// What a name in any language means.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.folded.get_or_init(|| self.fold()).get(&fold(name)).copied().flatten()
    }

    /// Of a name that two concepts have, the top-level one remains that both belong to.
    fn fold(&self) -> FxHashMap<String, Option<usize>> {
        let mut folded: FxHashMap<String, Option<usize>> = FxHashMap::default();
        let top = |concept: usize| self.get(concept).map(|concept| concept.top);
        for (name, concept) in &self.names {
            let known = folded.entry(fold(name)).or_insert(Some(*concept));
            if *known != Some(*concept) {
                *known = known.and_then(top).filter(|shared| Some(*shared) == top(*concept));
            }
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_back_what_publishers_write() {
        let vocabulary = Vocabulary::shipped();
        assert_eq!(vocabulary.concepts.len(), CONCEPTS);
        let slug = |concept: Option<usize>| concept.and_then(|concept| vocabulary.get(concept)).map(|concept| concept.slug.as_str());
        for (code, expected) in [
            ("20000053", "act_of_terror"),
            // Retired: the second level itself, and below it.
            ("20000119", "crime"),
            ("20000064", "armed_conflict"),
            // Subject Codes, known and unknown.
            ("15054000", "competition_discipline"),
            ("04016099", "economy"),
        ] {
            assert_eq!(slug(vocabulary.code(code)), Some(expected), "{code}");
        }
        assert_eq!(vocabulary.code("99000000"), None);
        assert_eq!(slug(vocabulary.named("Massenmedien")), Some("mass_media"));
        assert_eq!(slug(vocabulary.named("Éducation")), Some("education"));
        assert_eq!(vocabulary.named("Unsinn"), None);
    }
}
