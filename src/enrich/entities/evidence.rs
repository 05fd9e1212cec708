//! Evidence: what is known of every unit of a text before it is tagged, and the features that the tagger makes of it.
//!
//! Training and inference share this code. Features of words, endings and case are there twice, once with the language: names
//! travel between languages, words do not.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    Knowledge,
    gazetteer::Hit,
    lists::{self, List},
    names,
    tagger::Tagged,
    triggers::DEMONYM,
    units::Unit,
};
use crate::{
    article::EntityType,
    enrich::text::{Text, slice},
};

/// What is known of every unit of a text before it is tagged.
#[derive(Debug)]
pub(crate) struct Evidence<'t> {
    /// The units of the text.
    pub(crate) units: &'t [Unit],
    language: u64,
    facts: Vec<Fact>,
    /// What the gazetteer finds.
    pub(crate) hits: Vec<Hit>,
}

/// Hashes and classes of one unit.
#[derive(Debug, Clone, Copy, Default)]
struct Fact {
    word: u64,
    token: u64,
    before: u64,
    after: u64,
    prefixes: [u64; 4],
    suffixes: [u64; 4],
    shape: u64,
    gap: u64,
    known: u64,
    listed: u64,
    named: u64,
    seen: u64,
    letters: u32,
    trigger: u64,
    /// The nearest trigger words before and after, at most four units away.
    ahead: u64,
    behind: u64,
    single: bool,
    starts_line: bool,
}

/// How words of a document are written in it.
#[derive(Debug, Default)]
pub(crate) struct Cases(FxHashMap<u64, u8>);

impl Cases {
    /// Counts the words of a text: 1 for small letters, 2 for a capital that no beginning of a sentence explains.
    pub(crate) fn add(&mut self, text: &Text<'_>) {
        for token in 0..text.len() {
            let Some(first) = text.raw(token).chars().next() else { continue };
            let flag = if first.is_lowercase() {
                1
            } else if first.is_uppercase() && token > 0 && matches!(gap(text.gap_before(token)), 1..=3) {
                2
            } else {
                continue;
            };
            *self.0.entry(hash(text.folded(token))).or_default() |= flag;
        }
    }
}

impl<'t> Evidence<'t> {
    /// Gathers the evidence of one field.
    pub(crate) fn new(knowledge: &Knowledge, text: &Text<'_>, units: &'t [Unit], language: &str, cases: &Cases) -> Self {
        let mut facts: Vec<Fact> = Vec::with_capacity(units.len());
        let latin_case = line_cases(text, units);
        let Knowledge { gazetteer, lists: table, triggers, published } = knowledge;
        let groups = triggers.find(text, units, language);
        let near = |places: &mut dyn Iterator<Item = usize>| {
            places.take(4).filter_map(|place| groups.get(place)).find(|group| **group > 0).map_or(0, |group| u64::from(*group))
        };
        for (index, unit) in units.iter().enumerate() {
            let folded = text.folded(unit.token);
            let piece = slice(folded, unit.fold.clone());
            let word = hash(piece);
            let whole = unit.fold.len() == folded.len();
            let first = unit.fold.start == 0;
            let before = if first { text.gap_before(unit.token) } else { "" };
            let (prefixes, suffixes) = affixes(piece);
            facts.push(Fact {
                word,
                token: if whole { word } else { hash(folded) },
                before: if whole { 0 } else { hash(slice(folded, 0..unit.fold.start)) },
                after: if whole { 0 } else { hash(slice(folded, unit.fold.end..folded.len())) },
                prefixes,
                suffixes,
                shape: shape(slice(text.source(), unit.bytes.clone()), text.is_ideograph(unit.token)) + 32 * u64::from(latin_case[index]),
                gap: if first { gap(before) } else { 15 },
                known: 0,
                listed: u64::from(names::is_given(text, unit.token, language)),
                named: 0,
                seen: u64::from(cases.0.get(&hash(folded)).copied().unwrap_or_default()),
                letters: piece.chars().count() as u32,
                trigger: u64::from(groups.get(index).copied().unwrap_or_default()),
                ahead: near(&mut (0..index).rev()),
                behind: near(&mut (index + 1..units.len())),
                single: text.is_ideograph(unit.token) || (!whole && language == "ko"),
                starts_line: index == 0 || before.contains('\n'),
            });
        }
        let hits = gazetteer.find(text, units, language, *published);
        let mut evidence = Self { units, language: hash(language), facts, hits: Vec::new() };
        for hit in &hits {
            let mut kinds = hit.entries.iter().filter_map(|entry| gazetteer.get(*entry)).map(|entry| class(entry.kind));
            let first = kinds.next().unwrap_or_default();
            let class = if kinds.all(|kind| kind == first) { first } else { 7 };
            let long = u64::from(hit.tokens.len() > 1);
            evidence.mark(hit.start..hit.end, |fact, begins| {
                fact.known = class + 8 * u64::from(begins) + 16 * long + 32 * u64::from(hit.weak);
            });
        }
        evidence.hits = hits;
        table.find(text, units, |list, range| {
            let long = range.len() > 1;
            for (index, fact) in evidence.facts.get_mut(range).into_iter().flatten().enumerate() {
                let place = 1 + u64::from(index == 0) + 2 * u64::from(long);
                fact.named |= match list {
                    List::People => place,
                    List::Places => 8 * place,
                };
            }
        });
        for tokens in names::find(text, language) {
            let bytes = text.span(tokens.start).start..text.span(tokens.end.saturating_sub(1)).end;
            evidence.mark(bytes, |fact, begins| fact.listed |= 2 + 4 * u64::from(begins));
        }
        evidence
    }

    fn mark(&mut self, bytes: Range<usize>, mut set: impl FnMut(&mut Fact, bool)) {
        let from = self.units.partition_point(|unit| unit.bytes.start < bytes.start);
        for (index, (unit, fact)) in self.units.iter().zip(&mut self.facts).skip(from).enumerate() {
            if unit.bytes.start >= bytes.end {
                break;
            }
            set(fact, index == 0);
        }
    }

    /// Runs of units on one line of the text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            (from < self.facts.len()).then(|| {
                let length = self.facts.iter().skip(from + 1).take_while(|fact| !fact.starts_line).count();
                let line = from..from + 1 + length;
                from = line.end;
                line
            })
        })
    }

    /// Whether a mention is but a word for the people of a country: that alone, or taken for a surname after no given name.
    pub(crate) fn is_demonym(&self, mention: &Tagged) -> bool {
        let facts = self.facts.get(mention.units.clone()).unwrap_or_default();
        let demonym = |fact: &&Fact| fact.trigger == u64::from(DEMONYM);
        let named = facts.iter().rev().skip(1).any(|fact| fact.named & 7 != 0 || fact.listed != 0);
        match mention.kind {
            EntityType::Organisation => false,
            EntityType::Person => facts.last().as_ref().is_some_and(demonym) && !named,
            EntityType::Place => facts.iter().all(|fact| demonym(&fact)),
        }
    }

    /// The group of the trigger word a unit is of; 0 for none.
    pub(crate) fn trigger(&self, unit: usize) -> u8 {
        self.facts.get(unit).map_or(0, |fact| fact.trigger as u8)
    }

    /// Whether a unit is a given or family name somewhere.
    pub(crate) fn is_name_of_person(&self, unit: usize) -> bool {
        self.facts.get(unit).is_some_and(|fact| fact.named & 7 != 0 || fact.listed & 1 != 0)
    }

    /// Whether a unit is a given name in the language.
    pub(crate) fn is_given(&self, unit: usize) -> bool {
        self.facts.get(unit).is_some_and(|fact| fact.listed & 1 != 0)
    }

    /// Whether a unit begins a line or a sentence.
    pub(crate) fn begins_sentence(&self, unit: usize) -> bool {
        self.facts.get(unit).is_some_and(|fact| fact.starts_line || matches!(fact.gap, 4..=7))
    }

    /// Whether what stands before a unit parts it from a mention before it.
    pub(crate) fn parted(&self, unit: usize) -> bool {
        let (Some(this), Some(before)) = (self.facts.get(unit), unit.checked_sub(1).and_then(|before| self.facts.get(before))) else {
            return false;
        };
        match this.gap {
            // Turkish sets its endings off by an apostrophe.
            3 => self.language == hash("tr") && this.shape % 32 == 6,
            // After an initial or an abbreviation the full stop ends no sentence.
            5 => before.letters > 2,
            8..=12 => true,
            _ => false,
        }
    }

    /// Calls back with every feature of a unit; `ours` adds those that are trained on the annotated corpus alone, whose rules
    /// of what a mention is are the ones to follow.
    pub(crate) fn features(&self, unit: usize, ours: bool, mut found: impl FnMut(u64)) {
        let edge = Fact::default();
        let at = |offset: isize| -> &Fact {
            let Some(index) = unit.checked_add_signed(offset) else { return &edge };
            // What stands on another line says nothing.
            let crossed = if offset < 0 { index + 1..unit + 1 } else { unit + 1..index + 1 };
            match self.facts.get(index) {
                Some(fact) if !self.facts.get(crossed).is_some_and(|facts| facts.iter().any(|fact| fact.starts_line)) => fact,
                _ => &edge,
            }
        };
        let (this, left, right, left2, right2) = (at(0), at(-1), at(1), at(-2), at(2));
        let mut feature = |template: u64, value: u64| found((value ^ template.wrapping_mul(0x517c_c1b7_2722_0a95)).wrapping_mul(MIX));
        let pair = |a: u64, b: u64| (a.rotate_left(23) ^ b).wrapping_mul(MIX);
        let language = self.language;
        feature(1, this.word);
        feature(2, left.word);
        feature(3, right.word);
        feature(4, left2.word);
        feature(5, right2.word);
        feature(6, pair(left.word, this.word));
        feature(7, pair(this.word, right.word));
        feature(8, pair(this.word, language));
        feature(9, pair(pair(left.word, right.word), this.shape));
        if this.single {
            feature(10, pair(pair(left.word, this.word), right.word));
            feature(11, pair(left2.word, left.word));
            feature(12, pair(right.word, right2.word));
            feature(13, pair(this.token, this.before));
            feature(14, this.after);
            feature(15, pair(this.before, this.word));
            feature(16, pair(this.token, left.gap));
            feature(17, pair(pair(left2.word, left.word), this.word));
            feature(18, pair(pair(this.word, right.word), right2.word));
        } else {
            for (length, (prefix, suffix)) in this.prefixes.iter().zip(this.suffixes).enumerate() {
                if *prefix != 0 {
                    feature(20 + length as u64, *prefix);
                    feature(24 + length as u64, suffix);
                }
            }
            feature(28, pair(this.suffixes[2], language));
            feature(29, pair(left.suffixes[2], this.shape));
            feature(30, pair(right.suffixes[2], this.shape));
            if this.token != this.word {
                feature(31, pair(this.token, this.before));
            }
        }
        let shapes = pair(pair(left.shape, this.shape), right.shape);
        feature(40, pair(this.shape, pair(language, this.gap)));
        feature(41, shapes);
        feature(42, pair(shapes, language));
        feature(43, pair(pair(this.gap, right.gap), this.shape));
        feature(44, pair(left.word, pair(this.shape, language)));
        feature(45, pair(right.word, pair(this.shape, right.gap)));
        feature(46, pair(this.seen, this.shape));
        feature(32, pair(left2.word, pair(left.shape, this.shape)));
        feature(33, pair(right2.word, pair(this.shape, right.shape)));
        feature(34, pair(left.suffixes[3], pair(left.gap, this.shape)));
        feature(35, pair(pair(left2.word, left.word), this.shape));
        feature(36, pair(pair(right.word, right2.word), this.shape));
        feature(47, pair(this.known, this.listed));
        feature(48, pair(pair(left.known, this.known), right.known));
        feature(49, pair(this.known, pair(this.shape, language)));
        feature(50, pair(this.listed, pair(left.listed, right.listed)));
        feature(51, pair(pair(this.known, this.word), 1));
        feature(52, pair(left.word, this.known));
        feature(53, pair(right.word, this.known));
        feature(54, pair(this.named, pair(this.shape, this.gap)));
        feature(55, pair(pair(left.named, this.named), pair(right.named, this.shape)));
        feature(56, pair(this.named, language));
        feature(57, pair(left.word, pair(this.named, this.shape)));
        feature(58, pair(right.word, pair(this.named, this.shape)));
        feature(59, pair(pair(this.named, this.known), pair(this.shape, language)));
        feature(70, pair(this.trigger, this.shape));
        feature(71, pair(left.trigger, this.shape));
        feature(72, pair(right.trigger, pair(this.shape, right.shape)));
        feature(73, pair(pair(left.trigger, this.trigger), pair(right.trigger, this.shape)));
        feature(74, pair(pair(this.ahead, this.behind), this.shape));
        feature(75, pair(pair(this.trigger, language), right.shape));
        feature(76, pair(left2.trigger, pair(left.shape, this.shape)));
        feature(77, pair(pair(left.trigger, this.named), this.shape));
        feature(78, pair(pair(this.ahead, language), this.shape));
        feature(79, pair(pair(this.behind, language), this.shape));
        feature(80, pair(pair(this.trigger, this.suffixes[2]), left.shape));
        if ours {
            feature(69, pair(pair(left.trigger, this.trigger), pair(right.trigger, this.shape)));
            feature(68, pair(this.named, this.shape));
            feature(60, this.word);
            feature(61, pair(this.known, this.shape));
            feature(62, shapes);
            feature(63, pair(left.word, this.shape));
            feature(64, pair(right.word, this.shape));
            feature(65, pair(this.shape, language));
            feature(66, this.suffixes[2]);
            feature(67, pair(this.gap, right.gap));
        }
    }
}

const MIX: u64 = 0xff51_afd7_ed55_8ccd;

fn hash(text: &str) -> u64 {
    text.bytes().fold(lists::SEED, lists::step)
}

fn class(kind: EntityType) -> u64 {
    match kind {
        EntityType::Person => 1,
        EntityType::Organisation => 3,
        EntityType::Place => 5,
    }
}

/// Hashes of the first and of the last one to four characters; 0 where the word is no longer than that.
fn affixes(word: &str) -> ([u64; 4], [u64; 4]) {
    let step = |hash: u64, c: char| (hash.rotate_left(7) ^ c as u64).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (mut prefixes, mut suffixes) = ([0; 4], [0; 4]);
    let (mut prefix, mut suffix) = (1, 1);
    for ((first, last), (begin, end)) in word.chars().zip(word.chars().rev()).zip(prefixes.iter_mut().zip(&mut suffixes)) {
        (prefix, suffix) = (step(prefix, first), step(suffix, last));
        (*begin, *end) = (prefix, suffix);
    }
    (prefixes, suffixes)
}

/// How a unit is written: the case of its letters, digits, or the script that has no case.
fn shape(raw: &str, ideograph: bool) -> u64 {
    let mut chars = raw.chars();
    let Some(first) = chars.next() else { return 0 };
    if ideograph {
        return match first {
            '\u{3041}'..='\u{309f}' => 20,
            '\u{e00}'..='\u{e7f}' => 21,
            _ => 22,
        };
    }
    let (mut upper, mut lower, mut digits, mut others) = (0u32, 0u32, 0u32, 0u32);
    for c in raw.chars() {
        match c {
            c if c.is_lowercase() => lower += 1,
            c if c.is_uppercase() => upper += 1,
            c if c.is_numeric() => digits += 1,
            _ => others += 1,
        }
    }
    match (upper, lower, digits, others) {
        (0, 0, 1..=2, 0) => 1,
        (0, 0, 4, 0) => 2,
        (0, 0, _, 0) => 3,
        (_, _, 1.., _) => 4,
        (0, 0, 0, _) if matches!(first, 'ァ'..='ー') => 11,
        (0, 0, 0, _) => 5,
        (0, ..) => 6,
        (1, 0, ..) => 7,
        (_, 0, ..) => 8,
        (1, ..) if first.is_uppercase() => 9,
        _ => 10,
    }
}

/// What kind of gap stands before a token: 0 at the start, 1 a space, 2 and 3 what joins words, then what parts them.
fn gap(between: &str) -> u64 {
    let has = |marks: &str| between.contains(|c| marks.contains(c));
    match between {
        "" => 0,
        " " | "\u{a0}" => 1,
        "-" | "\u{2010}" | "\u{2011}" | "\u{200c}" | "·" | "・" => 2,
        "'" | "’" => 3,
        _ if has("\n") => 4,
        _ if has(".!?…。！？؟۔।") => 5,
        _ if has("\"“”„«»「」『』‘《》") => {
            if between.ends_with(' ') {
                6
            } else {
                7
            }
        }
        _ if has("(（") => 8,
        _ if has(")）") => 9,
        _ if has(":：") => 10,
        _ if has(",，、،;；؛") => 11,
        _ if has("–—-") => 12,
        _ => 13,
    }
}

/// Of every unit, how the words of its line are written: 0 as usual, 1 most with a capital, 2 all in capitals.
fn line_cases(text: &Text<'_>, units: &[Unit]) -> Vec<u8> {
    let mut cases = Vec::with_capacity(units.len());
    let mut from = 0;
    let close = |cases: &mut Vec<u8>, line: Range<usize>| {
        let (mut words, mut capitals, mut small) = (0, 0, 0);
        for unit in units.get(line.clone()).unwrap_or_default().iter().filter(|unit| unit.bytes.len() >= 4) {
            let raw = text.raw(unit.token);
            words += 1;
            capitals += usize::from(text.is_capitalised(unit.token));
            small += usize::from(raw.chars().any(char::is_lowercase));
        }
        let case = if words >= 2 && capitals == words && small == 0 { 2 } else { u8::from(words >= 4 && capitals * 10 >= words * 7) };
        cases.extend(std::iter::repeat_n(case, line.len()));
    };
    for (index, unit) in units.iter().enumerate() {
        if index > 0 && unit.fold.start == 0 && text.gap_before(unit.token).contains('\n') {
            close(&mut cases, from..index);
            from = index;
        }
    }
    close(&mut cases, from..units.len());
    cases
}
