//! The lexicon: weighted terms by concept and language, written by us, matched on folded text with Arabic proclitics stripped.
//!
//! - A file a language in `data/topics`; a line is `slug: terms` or `slug = name of ours: terms`, the terms apart by commas. `!` before
//!   a term doubles its weight, `*` after a word of it matches any ending. Terms of the second level speak for their top-level concept too.
//! - `none: phrases` are of no topic and keep the words in them from speaking; `section slug: names` are sections of publishers.
//! - A term counts for each of its first few occurrences, more in the headline. The longest term at a place wins, then the longest stem.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::vocabulary::{CONCEPTS, Vocabulary};
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
    /// Folded terms and the beginnings of longer ones.
    keys: FxHashMap<String, Key>,
    /// Folded stems: of one word, and first words of phrases that have stems.
    stems: FxHashMap<String, Stem>,
    entries: Vec<Entry>,
    /// Bytes of the shortest and of the longest stem.
    stem_lengths: (usize, usize),
}

/// What a word may be by its beginning.
#[derive(Debug, Default)]
struct Stem {
    entry: Option<usize>,
    phrases: Vec<Phrase>,
}

/// A phrase with a stem in it. Any ending of the first word goes, if that is one of the stems.
#[derive(Debug)]
struct Phrase {
    first_is_whole: bool,
    /// The other words, and whether each is a stem.
    rest: Vec<(String, bool)>,
    entry: usize,
}

#[derive(Debug, Default)]
struct Key {
    /// Longer terms begin with it.
    continues: bool,
    entry: Option<usize>,
}

/// A term, and what it speaks for and how much; for nothing, if it only keeps what it contains from speaking.
#[derive(Debug)]
pub(super) struct Entry {
    /// As it was written, without signs.
    pub(super) written: String,
    pub(super) weights: Vec<(usize, f64)>,
}

/// What the lexicon says of one concept in one article.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence<'t> {
    /// Sum over its terms of weight times the root of the count.
    pub(super) score: f64,
    /// Sum over its terms in the headline.
    pub(super) title: f64,
    /// Its terms and what each adds.
    pub(super) terms: Vec<(&'t str, f64)>,
}

/// All languages. One is read when the first text of it comes: most readers have few.
#[derive(Debug)]
pub(super) struct Lexicon {
    vocabulary: Vocabulary,
    languages: [OnceLock<Spoken>; FILES.len()],
}

/// What a file holds, and [`EVERY`].
#[derive(Debug, Default)]
struct Spoken {
    terms: Terms,
    /// Folded names of publishers' sections.
    sections: FxHashMap<String, usize>,
}

/// Texts of the languages, by tag.
macro_rules! files {
    ($($language:literal)*) => { [$(($language, include_str!(concat!("../data/topics/", $language, ".txt")))),*] };
}

/// What holds in every language stands under [`EVERY`].
const FILES: [(&str, &str); 43] = files!(
    "am" "ar" "bg" "bn" "ckb" "cs" "da" "de" "el" "en" "es" "fa" "fi" "fr" "ha" "he" "hi" "hr" "hu" "id" "it" "ja" "ko" "ms" "mul" "nb"
    "nl" "pl" "ps" "pt" "ro" "ru" "so" "sr" "sv" "sw" "ta" "th" "tr" "uk" "ur" "vi" "zh"
);
/// BCP-47 for many languages.
pub(super) const EVERY: &str = "mul";

/// A line of a file: what stands before the colon, and the terms behind it.
fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (head, list) = line.split_once(':')?;
        Some((head, list.split(',').map(str::trim).filter(|term| !term.is_empty())))
    })
}

/// The slug of a line, and the name of ours behind it.
fn slug_and_name(head: &'static str) -> (&'static str, Option<&'static str>) {
    head.split_once(" = ").map_or((head, None), |(slug, name)| (slug, Some(name)))
}

impl Lexicon {
    /// The shipped terms, and the vocabulary with the names of ours.
    pub(super) fn shipped() -> Self {
        let mut vocabulary = Vocabulary::shipped();
        for (language, text) in FILES {
            for (slug, name) in lines(text).map(|(head, _)| slug_and_name(head)) {
                if let (Some(concept), Some(name)) = (vocabulary.slug(slug), name) {
                    vocabulary.add_name(concept, language, name);
                }
            }
        }
        Self { vocabulary, languages: std::array::from_fn(|_| OnceLock::new()) }
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn language(&self, language: &str) -> Option<&Spoken> {
        let at = FILES.iter().position(|(tag, _)| *tag == language && *tag != EVERY)?;
        Some(self.languages.get(at)?.get_or_init(|| self.read(at)))
    }

    fn read(&self, at: usize) -> Spoken {
        let mut spoken = Spoken::default();
        let own = FILES.get(at).copied().unwrap_or_default();
        // What a language says itself goes before what holds in all.
        let texts = [own].into_iter().chain(FILES.into_iter().filter(|(tag, _)| *tag == EVERY));
        for (head, terms) in texts.flat_map(|(_, text)| lines(text)) {
            if let Some(slug) = head.strip_prefix("section ") {
                let Some(concept) = self.vocabulary.slug(slug) else { continue };
                spoken.sections.extend(terms.map(|name| (fold(name), concept)));
                continue;
            }
            let concept = self.vocabulary.slug(slug_and_name(head).0);
            let top = concept.and_then(|concept| self.vocabulary.get(concept)).map(|concept| concept.top);
            for term in terms {
                let (bare, weight) = term.strip_prefix('!').map_or((term, 1.0), |bare| (bare, 2.0));
                let concepts = [concept, top.filter(|top| Some(*top) != concept)].into_iter().flatten();
                spoken.terms.add(bare, own.0, &concepts.map(|concept| (concept, weight)).collect::<Vec<_>>());
            }
        }
        spoken
    }

    /// Whether a language has terms.
    pub(super) fn speaks(&self, language: &str) -> bool {
        FILES.iter().any(|(tag, _)| *tag == language && *tag != EVERY)
    }

    /// The terms of a language.
    pub(super) fn of(&self, language: &str) -> Option<&Terms> {
        self.language(language).map(|spoken| &spoken.terms)
    }

    /// The concept a section name stands for, in the language or in English.
    pub(super) fn section(&self, name: &str, language: &str) -> Option<usize> {
        let key = fold(name);
        [language, "en"].iter().find_map(|language| self.language(language)?.sections.get(&key).copied())
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
    /// Adds a term as the lexicon writes it, without `!`. Of a term that is there already, what is not yet known of is added.
    pub(super) fn add(&mut self, written: &str, language: &str, weights: &[(usize, f64)]) {
        let key = |word: &str| strip_article(&fold(word), language);
        let next = self.entries.len();
        let entry = if written.contains('*') {
            self.add_stems(written, key)
        } else {
            let key = key(written);
            for (at, _) in key.match_indices(' ') {
                self.keys.entry(slice(&key, 0..at).to_owned()).or_default().continues = true;
            }
            *self.keys.entry(key).or_default().entry.get_or_insert(next)
        };
        if entry == next {
            self.entries.push(Entry { written: written.replace('*', ""), weights: Vec::new() });
        }
        let known = &mut self.entries[entry].weights;
        for weight in weights {
            if !known.iter().any(|(concept, _)| *concept == weight.0) {
                known.push(*weight);
            }
        }
    }

    /// The entry of a word or phrase with stems; the next one, if it is new.
    fn add_stems(&mut self, written: &str, key: impl Fn(&str) -> String) -> usize {
        let next = self.entries.len();
        let words = written.split([' ', '-', '\'', '’']).filter(|word| !word.is_empty());
        let mut words = words.map(|word| (key(word.trim_end_matches('*')), word.ends_with('*')));
        let (first, first_is_stem) = words.next().unwrap_or_default();
        let rest: Vec<(String, bool)> = words.collect();
        let (shortest, longest) = self.stem_lengths;
        self.stem_lengths = (if longest == 0 { first.len() } else { shortest.min(first.len()) }, longest.max(first.len()));
        let stem = self.stems.entry(first).or_default();
        if rest.is_empty() {
            return *stem.entry.get_or_insert(next);
        }
        let same = |phrase: &&Phrase| phrase.rest == rest && phrase.first_is_whole != first_is_stem;
        if let Some(entry) = stem.phrases.iter().find(same).map(|phrase| phrase.entry) {
            return entry;
        }
        stem.phrases.push(Phrase { first_is_whole: !first_is_stem, rest, entry: next });
        next
    }

    pub(super) fn entry(&self, entry: usize) -> Option<&Entry> {
        self.entries.get(entry)
    }

    /// Evidence of every concept in headline and body.
    pub(super) fn evidence(&self, title: Option<&Text<'_>>, body: &Text<'_>, language: &str) -> Vec<Evidence<'_>> {
        let mut found: Vec<(usize, bool)> = Vec::new();
        for (text, is_title) in title.map(|text| (text, true)).into_iter().chain([(body, false)]) {
            self.scan(text, language, Overlaps::None, |entry| found.push((entry, is_title)));
        }
        found.sort_unstable();
        let mut evidence = vec![Evidence::default(); CONCEPTS];
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let Some(entry) = same.first().and_then(|(entry, _)| self.entry(*entry)) else { continue };
            let in_title = same.iter().any(|(_, is_title)| *is_title);
            let count = same.iter().map(|(_, is_title)| if *is_title { TITLE } else { 1.0 }).sum::<f64>().min(REPEATS);
            for (concept, weight) in &entry.weights {
                let Some(evidence) = evidence.get_mut(*concept) else { continue };
                let adds = weight * count.sqrt();
                evidence.score += adds;
                evidence.title += if in_title { *weight } else { 0.0 };
                evidence.terms.push((&entry.written, adds));
            }
        }
        evidence
    }

    /// The terms that occur, each as often as it does.
    pub(super) fn scan(&self, text: &Text<'_>, language: &str, overlaps: Overlaps, mut found: impl FnMut(usize)) {
        let arabic = language == "ar";
        let mut token = 0;
        while token < text.len() {
            let folded = text.folded(token);
            let plain = [if arabic { bare_arabic(folded) } else { folded }];
            let cut = if arabic { proclitics(folded) } else { Vec::new() };
            let forms = || plain.into_iter().chain(cut.iter().map(|(rest, _)| bare_arabic(rest)));
            if overlaps == Overlaps::All {
                forms().for_each(|form| self.at(text, token, form, arabic, |entry, _| found(entry)));
                token += 1;
                continue;
            }
            let mut best: Option<(usize, usize)> = None;
            for form in forms() {
                // Of equally many words the first told is the more exact.
                self.at(text, token, form, arabic, |entry, next| best = best.filter(|best| best.1 >= next).or(Some((entry, next))));
                if best.is_some() {
                    break;
                }
            }
            best.iter().for_each(|(entry, _)| found(*entry));
            token = best.map_or(token + 1, |(_, next)| next);
        }
    }

    /// The terms that begin at a token and the token after each: whole words, the shortest first, then stems, the longest first.
    fn at(&self, text: &Text<'_>, first: usize, form: &str, arabic: bool, mut found: impl FnMut(usize, usize)) {
        let word = |token: usize| {
            let apart = token >= text.len() || text.gap_before(token).chars().nth(1).is_some();
            (!apart).then(|| if arabic { bare_arabic(text.folded(token)) } else { text.folded(token) })
        };
        let mut key = String::new();
        let mut next = first + 1;
        let mut known = self.keys.get(form);
        while let Some(term) = known {
            if let Some(entry) = term.entry {
                found(entry, next);
            }
            let Some(longer) = word(next).filter(|_| term.continues) else { break };
            if key.is_empty() {
                key.push_str(form);
            }
            key.push(' ');
            key.push_str(longer);
            next += 1;
            known = self.keys.get(&key);
        }
        let (shortest, longest) = self.stem_lengths;
        for end in (shortest..=longest.min(form.len())).rev().filter(|end| form.is_char_boundary(*end)) {
            let Some(stem) = self.stems.get(slice(form, 0..end)) else { continue };
            stem.entry.into_iter().for_each(|entry| found(entry, first + 1));
            for phrase in stem.phrases.iter().filter(|phrase| !phrase.first_is_whole || end == form.len()) {
                let fits = |(at, (wanted, is_stem)): (usize, &(String, bool))| {
                    word(first + 1 + at).is_some_and(|word| if *is_stem { word.starts_with(wanted.as_str()) } else { word == wanted })
                };
                if phrase.rest.iter().enumerate().all(fits) {
                    found(phrase.entry, first + 1 + phrase.rest.len());
                }
            }
        }
    }
}

/// Which terms are told where several stand at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlaps {
    /// The longest.
    None,
    /// All.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::topics::TOPICS;

    #[test]
    fn every_file_is_read_and_every_head_known() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/enrich/data/topics");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(names.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).count(), FILES.len());
        let vocabulary = Vocabulary::shipped();
        for (language, text) in FILES {
            assert!(text.lines().all(|line| line.contains(':')), "{language}");
            for (head, _) in lines(text) {
                let (slug, _) = slug_and_name(head.strip_prefix("section ").unwrap_or(head));
                assert!(slug == "none" || vocabulary.slug(slug).is_some(), "{language}: '{slug}' is no concept");
            }
        }
    }

    #[test]
    fn every_language_has_every_topic_and_thirty_have_eighty_terms_of_each() {
        let lexicon = Lexicon::shipped();
        let mut rich = 0;
        for (language, terms) in FILES.iter().filter_map(|(tag, _)| Some((tag, lexicon.of(tag)?))) {
            let of = |topic| terms.entries.iter().filter(|entry| entry.weights.iter().any(|(concept, _)| *concept == topic)).count();
            let least = (0..TOPICS.len()).map(of).min().unwrap();
            assert!(least > 0, "{language}");
            rich += usize::from(least >= 80);
        }
        assert!(rich >= 30, "{rich}");
    }

    #[test]
    fn a_phrase_of_no_topic_keeps_its_words_from_speaking() {
        let mut terms = Terms::default();
        for (term, weights) in [("war", &[(0, 1.0)][..]), ("war of words", &[]), ("drone* attack*", &[(0, 1.0)]), ("drone*", &[(1, 1.0)])] {
            terms.add(term, "en", weights);
        }
        for (text, expected) in
            [("A war", 1.0), ("A war of words", 0.0), ("Drones attacked", 1.0), ("drone, attack", 0.0), ("Drones are attacked", 0.0)]
        {
            assert_eq!(terms.evidence(None, &Text::new(text), "en")[0].score, expected, "{text}");
        }
    }
}
