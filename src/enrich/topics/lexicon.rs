//! The lexicon: weighted terms by topic and language, written by us, matched on folded text with Arabic proclitics stripped.
//!
//! A term counts once for each of its first few occurrences, more in the headline. The longest term at a place wins, then the
//! longest stem. Section names of publishers are looked up whole.

use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxHashMap;

use super::TOPICS;
use crate::enrich::{
    entities::proclitics,
    text::{Text, fold, slice},
};

/// Occurrences of one term that count.
const REPEATS: f64 = 3.0;
/// What a term in the headline counts more than one in the text.
const TITLE: f64 = 2.0;

/// The terms of one language.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Folded term to what it says; `continues` marks keys that longer terms begin with.
    terms: FxHashMap<String, Term>,
    /// Folded stems.
    stems: FxHashMap<String, Vec<(usize, f64)>>,
    /// Terms and stems as written, by their folded form.
    written: FxHashMap<String, String>,
    /// Bytes of the shortest and of the longest stem.
    stem_lengths: (usize, usize),
    /// Folded names of a publisher's sections.
    sections: FxHashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Term {
    continues: bool,
    topics: Vec<(usize, f64)>,
}

/// A term found in a text.
struct Found<'a> {
    term: String,
    topics: &'a [(usize, f64)],
    /// The token after it.
    next: usize,
}

/// What the lexicon says of one topic in one article.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// Sum over its terms of weight times the root of the count.
    pub(super) score: f64,
    /// Sum over its terms in the headline.
    pub(super) title: f64,
    /// Its terms and what each adds.
    pub(super) terms: Vec<(String, f64)>,
}

/// All languages.
#[derive(Debug)]
pub(super) struct Lexicon(HashMap<&'static str, Terms>);

impl Lexicon {
    /// Reads the shipped terms.
    pub(super) fn shipped() -> Self {
        let mut languages: HashMap<&'static str, Terms> = HashMap::new();
        for line in include_str!("../data/topics.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('|').map(str::trim);
            let (Some(slug), Some(language), Some(terms)) = (cells.next(), cells.next(), cells.next()) else { continue };
            let (slug, is_section) = slug.strip_prefix("section ").map_or((slug, false), |slug| (slug, true));
            let Some(topic) = TOPICS.iter().position(|(known, ..)| *known == slug) else { continue };
            let own = languages.entry(language).or_default();
            for written in terms.split(',').map(str::trim).filter(|written| !written.is_empty()) {
                if is_section {
                    own.sections.insert(fold(written), topic);
                } else {
                    own.add(written, topic, language);
                }
            }
        }
        for terms in languages.values_mut() {
            let lengths = || terms.stems.keys().map(String::len);
            terms.stem_lengths = (lengths().min().unwrap_or_default(), lengths().max().unwrap_or_default());
        }
        Self(languages)
    }

    /// The terms of a language.
    pub(super) fn of(&self, language: &str) -> Option<&Terms> {
        self.0.get(language)
    }

    /// The topic a section name stands for, in the language or in English.
    pub(super) fn section(&self, name: &str, language: &str) -> Option<usize> {
        let key = fold(name);
        [language, "en"].iter().find_map(|language| self.of(language)?.sections.get(&key).copied())
    }
}

/// Arabic nouns carry the article or not; terms are kept without it.
fn strip_article(key: &str, language: &str) -> String {
    if language != "ar" {
        return key.to_owned();
    }
    key.split(' ').map(bare_arabic).collect::<Vec<_>>().join(" ")
}

/// An Arabic word without the article.
pub(super) fn bare_arabic(word: &str) -> &str {
    word.strip_prefix("ال").filter(|rest| rest.chars().count() >= 3).unwrap_or(word)
}

impl Terms {
    fn add(&mut self, written: &str, topic: usize, language: &str) {
        let weight = if written.starts_with('!') { 2.0 } else { 1.0 };
        let term = written.trim_start_matches('!');
        let key = strip_article(&fold(term.trim_end_matches('*')), language);
        self.written.entry(key.clone()).or_insert_with(|| term.trim_end_matches('*').to_owned());
        if term.ends_with('*') && !key.contains(' ') {
            let topics = self.stems.entry(key).or_default();
            if !topics.iter().any(|(known, _)| *known == topic) {
                topics.push((topic, weight));
            }
            return;
        }
        for (at, _) in key.match_indices(' ') {
            self.terms.entry(slice(&key, 0..at).to_owned()).or_default().continues = true;
        }
        let topics = &mut self.terms.entry(key).or_default().topics;
        if !topics.iter().any(|(known, _)| *known == topic) {
            topics.push((topic, weight));
        }
    }

    /// Evidence of every topic in headline and body.
    pub(super) fn evidence(&self, title: Option<&Text<'_>>, body: &Text<'_>, language: &str) -> [Evidence; TOPICS.len()] {
        let mut counts: BTreeMap<(usize, String), (f64, f64, bool)> = BTreeMap::new();
        for (text, times, is_title) in title.map(|text| (text, TITLE, true)).into_iter().chain([(body, 1.0, false)]) {
            self.scan(text, language, |topic, term, weight| {
                let count = counts.entry((topic, term.to_owned())).or_default();
                *count = (weight, count.1 + times, count.2 || is_title);
            });
        }
        let mut evidence: [Evidence; TOPICS.len()] = Default::default();
        for ((topic, term), (weight, count, in_title)) in counts {
            let Some(evidence) = evidence.get_mut(topic) else { continue };
            let adds = weight * count.min(REPEATS).sqrt();
            evidence.score += adds;
            evidence.title += if in_title { weight } else { 0.0 };
            evidence.terms.push((self.written.get(&term).cloned().unwrap_or(term), adds));
        }
        evidence
    }

    fn scan(&self, text: &Text<'_>, language: &str, mut found: impl FnMut(usize, &str, f64)) {
        let arabic = language == "ar";
        let mut token = 0;
        while token < text.len() {
            let folded = text.folded(token);
            let plain = [if arabic { bare_arabic(folded) } else { folded }];
            let cut = if arabic { proclitics(folded) } else { Vec::new() };
            let forms = || plain.into_iter().chain(cut.iter().map(|(rest, _)| bare_arabic(rest)));
            token = match forms().find_map(|form| self.longest(text, token, form, arabic)) {
                Some(Found { term, topics, next }) => {
                    topics.iter().for_each(|(topic, weight)| found(*topic, &term, *weight));
                    next
                }
                None => {
                    if let Some((stem, topics)) = forms().find_map(|form| self.stem(form)) {
                        topics.iter().for_each(|(topic, weight)| found(*topic, stem, *weight));
                    }
                    token + 1
                }
            };
        }
    }

    fn longest(&self, text: &Text<'_>, first: usize, form: &str, arabic: bool) -> Option<Found<'_>> {
        let mut term = self.terms.get(form)?;
        let mut key = form.to_owned();
        let mut best = None;
        let mut next = first + 1;
        loop {
            if !term.topics.is_empty() {
                best = Some(Found { term: key.clone(), topics: &term.topics, next });
            }
            if !term.continues || next >= text.len() || text.gap_before(next).chars().nth(1).is_some() {
                return best;
            }
            key.push(' ');
            key.push_str(if arabic { bare_arabic(text.folded(next)) } else { text.folded(next) });
            next += 1;
            match self.terms.get(&key) {
                Some(longer) => term = longer,
                None => return best,
            }
        }
    }

    /// The longest stem a word begins with.
    fn stem<'a>(&'a self, word: &str) -> Option<(&'a str, &'a [(usize, f64)])> {
        let (shortest, longest) = self.stem_lengths;
        (shortest..=longest.min(word.len()))
            .rev()
            .filter(|end| word.is_char_boundary(*end))
            .find_map(|end| self.stems.get_key_value(slice(word, 0..end)))
            .map(|(stem, topics)| (stem.as_str(), topics.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_topic() {
        let lexicon = Lexicon::shipped();
        for (language, terms) in &lexicon.0 {
            let covered: std::collections::BTreeSet<usize> =
                terms.terms.values().flat_map(|term| &term.topics).chain(terms.stems.values().flatten()).map(|(topic, _)| *topic).collect();
            assert_eq!(covered.len(), TOPICS.len(), "{language}");
        }
        assert!(lexicon.0.len() >= 42);
    }
}
