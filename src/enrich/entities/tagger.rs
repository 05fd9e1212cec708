//! The tagger: finds mentions of people, organisations and places it has never seen, by a linear-chain conditional random field
//! over the [units](super::units) of a line.
//!
//! - Labels are O, and of each type the first, an inner, the last and the only unit of a mention. The features of a unit are hashed to rows of `i8` weights, one a label; what a
//!   gazetteer and a list of given names say of it are features too, so that the tagger decides how far to trust them.
//! - One model for all languages: names travel, and the features that must not (words, endings, case) are there twice, once
//!   with the language.
//! - Decoding is Viterbi; the confidence of a mention is the lowest posterior probability of its labels.
//! - The features are the same code in training and inference.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{Knowledge, gazetteer::Hit, lists::List, names, triggers::DEMONYM, units::Unit};
use crate::{
    article::EntityType,
    enrich::{
        model::{Malformed, Reader, write_text},
        text::{Text, slice},
    },
};

/// Number of labels: O, and of each type the first, an inner, the last and the only unit of a mention.
pub(crate) const LABELS: usize = 13;
/// Bytes of a row of weights: one a label, and what lets no row lie across two cache lines.
const ROW: usize = 16;

/// What a label says of its unit's place in a mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    First,
    Inner,
    Last,
    Only,
}

fn part(label: usize) -> Part {
    match label {
        0 => Part::Outside,
        label => [Part::First, Part::Inner, Part::Last, Part::Only][(label - 1) % 4],
    }
}

fn kind(label: usize) -> EntityType {
    EntityType::ALL[label.saturating_sub(1) / 4 % EntityType::ALL.len()]
}

/// The label of a unit of a mention: the `index`-th of `length`.
pub(crate) fn label(kind: EntityType, index: usize, length: usize) -> usize {
    let base = 1 + 4 * EntityType::ALL.iter().position(|known| *known == kind).unwrap_or_default();
    base + match (index, length) {
        (_, 1) => 3,
        (0, _) => 0,
        (index, length) if index + 1 == length => 2,
        _ => 1,
    }
}

/// Whether label `next` may follow: what is begun goes on and ends in its type.
pub(crate) fn may_follow(label: usize, next: usize) -> bool {
    let goes_on = matches!(part(next), Part::Inner | Part::Last);
    match part(label) {
        Part::First | Part::Inner => goes_on && kind(label) == kind(next),
        Part::Outside | Part::Last | Part::Only => !goes_on,
    }
}

/// Whether a line may end with a label.
fn may_end(label: usize) -> bool {
    !matches!(part(label), Part::First | Part::Inner)
}

/// A model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tagger {
    /// Languages it was trained on, with the number of mentions.
    pub(crate) languages: Vec<(&'static str, u32)>,
    pub(crate) bits: u32,
    /// What a weight of 1 is worth.
    pub(crate) scale: f32,
    /// Score of a label after a label; the last row is that of the first label of a line.
    pub(crate) transitions: [[f32; LABELS]; LABELS + 1],
    /// [`ROW`] weights a row, of which the first are of the labels.
    weights: &'static [u8],
}

/// A mention as tagged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tagged {
    /// Units covered.
    pub(crate) units: Range<usize>,
    /// Type.
    pub(crate) kind: EntityType,
    /// Lowest posterior probability of its labels.
    pub(crate) confidence: f32,
}

const MAGIC: &[u8] = b"copydesk-tagger-2\n";

impl Tagger {
    /// A model of these weights, `LABELS` a row.
    pub(crate) fn new(
        languages: Vec<(&'static str, u32)>,
        bits: u32,
        scale: f32,
        transitions: [[f32; LABELS]; LABELS + 1],
        weights: &[i8],
    ) -> Self {
        let rows = weights.chunks(LABELS).flat_map(|row| row.iter().map(|weight| *weight as u8).chain([0; ROW - LABELS]));
        Self { languages, bits, scale, transitions, weights: rows.collect::<Vec<u8>>().leak() }
    }

    /// The bytes of a model file.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([self.bits as u8, self.languages.len() as u8]);
        out.extend(self.scale.to_le_bytes());
        for (language, mentions) in &self.languages {
            write_text(language, &mut out);
            out.extend(mentions.to_le_bytes());
        }
        out.extend(self.transitions.iter().flatten().flat_map(|score| score.to_le_bytes()));
        out.extend(self.weights);
        out
    }

    /// Reads what [`Tagger::write`] wrote.
    ///
    /// # Errors
    /// The bytes are no model file, or one of another version.
    pub(crate) fn read(bytes: &'static [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(Malformed)?);
        let [bits, count] = reader.array()?;
        let scale = f32::from_le_bytes(reader.array()?);
        let mut languages = Vec::new();
        for _ in 0..count {
            languages.push((reader.text()?, u32::from_le_bytes(reader.array()?)));
        }
        let mut transitions = [[0.0; LABELS]; LABELS + 1];
        for score in transitions.iter_mut().flatten() {
            *score = f32::from_le_bytes(reader.array()?);
        }
        let weights = reader.take(ROW << u32::from(bits.min(26)))?;
        reader.0.is_empty().then_some(()).ok_or(Malformed)?;
        Ok(Self { languages, bits: u32::from(bits), scale, transitions, weights })
    }

    /// Whether the language was trained on.
    pub(crate) fn speaks(&self, language: &str) -> bool {
        self.languages.iter().any(|(known, _)| *known == language)
    }

    /// Mentions among the units of one field, and of every unit the probability that it is of none.
    pub(crate) fn tag(&self, evidence: &Evidence<'_>) -> (Vec<Tagged>, Vec<f32>) {
        let mut tagged = Vec::new();
        let mut outside = vec![1.0; evidence.units.len()];
        for line in evidence.lines() {
            let scores: Vec<[f32; LABELS]> = line.clone().map(|unit| self.score(evidence, unit)).collect();
            let labels = viterbi(&scores, &self.transitions);
            let posteriors = posteriors(&scores, &self.transitions).0;
            let mut open: Option<Tagged> = None;
            for (at, (unit, label)) in line.zip(labels).enumerate() {
                outside[unit] = posteriors[at][0];
                let confidence = posteriors[at][label];
                match (part(label), &mut open) {
                    (Part::Inner | Part::Last, Some(open)) => {
                        open.units.end = unit + 1;
                        open.confidence = open.confidence.min(confidence);
                    }
                    (Part::Outside, _) => tagged.extend(open.take()),
                    _ => {
                        tagged.extend(open.take());
                        open = Some(Tagged { units: unit..unit + 1, kind: kind(label), confidence });
                    }
                }
            }
            tagged.extend(open);
        }
        (tagged, outside)
    }

    fn score(&self, evidence: &Evidence<'_>, unit: usize) -> [f32; LABELS] {
        // A hundred features of at most 127 each are far from the bounds of `i16`.
        let mut sums = [0i16; ROW];
        evidence.features(unit, true, |feature| {
            let at = row(feature, self.bits) as usize * ROW;
            if let Some(weights) = self.weights.get(at..at + ROW) {
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += i16::from(*weight as i8));
            }
        });
        let mut out: [f32; LABELS] = std::array::from_fn(|label| f32::from(sums[label]) * self.scale);
        if evidence.parted(unit) {
            let goes_on = |label: &usize| matches!(part(*label), Part::Inner | Part::Last);
            (0..LABELS).filter(goes_on).for_each(|label| out[label] -= PARTED);
        }
        out[0] -= RECALL;
        out
    }
}

/// How much is against what is no mention: training on texts of fewer names makes the tagger shy.
const RECALL: f32 = 0.25;
/// How much is against a mention that goes on over a comma or the end of a sentence.
const PARTED: f32 = 8.0;

/// The row of a feature.
pub(crate) fn row(feature: u64, bits: u32) -> u32 {
    (feature.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as u32
}

/// The best labels of a line.
pub(crate) fn viterbi(scores: &[[f32; LABELS]], transitions: &[[f32; LABELS]; LABELS + 1]) -> Vec<usize> {
    let Some(first) = scores.first() else { return Vec::new() };
    let mut best: [f32; LABELS] = std::array::from_fn(|label| first[label] + transitions[LABELS][label]);
    let mut back: Vec<[u8; LABELS]> = Vec::with_capacity(scores.len());
    for score in scores.iter().skip(1) {
        let mut from = [0u8; LABELS];
        best = std::array::from_fn(|label| {
            let mut highest = f32::MIN;
            for before in 0..LABELS {
                let sum = best[before] + transitions[before][label];
                if sum > highest {
                    (highest, from[label]) = (sum, before as u8);
                }
            }
            highest + score[label]
        });
        back.push(from);
    }
    let mut label = (0..LABELS).filter(|label| may_end(*label)).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or_default();
    let mut labels = vec![label];
    for from in back.iter().rev() {
        label = usize::from(from[label]);
        labels.push(label);
    }
    labels.reverse();
    labels
}

/// Posterior probabilities of the labels of a line, and of every label after every label, summed over the line.
pub(crate) fn posteriors(
    scores: &[[f32; LABELS]],
    transitions: &[[f32; LABELS]; LABELS + 1],
) -> (Vec<[f32; LABELS]>, [[f32; LABELS]; LABELS]) {
    let weights = transitions.map(|row| row.map(f32::exp));
    let potentials: Vec<[f32; LABELS]> = scores
        .iter()
        .map(|row| {
            let highest = row.iter().copied().fold(f32::MIN, f32::max);
            row.map(|score| (score - highest).exp())
        })
        .collect();
    let normal = |row: [f32; LABELS]| {
        let sum: f32 = row.iter().sum();
        row.map(|value| value / sum.max(f32::MIN_POSITIVE))
    };
    let mut forward: Vec<[f32; LABELS]> = Vec::with_capacity(scores.len());
    for (at, potential) in potentials.iter().enumerate() {
        let next = match at.checked_sub(1).map(|before| forward[before]) {
            None => std::array::from_fn(|label| weights[LABELS][label] * potential[label]),
            Some(before) => {
                std::array::from_fn(|label| potential[label] * (0..LABELS).map(|from| before[from] * weights[from][label]).sum::<f32>())
            }
        };
        forward.push(normal(next));
    }
    let mut backward: [f32; LABELS] = std::array::from_fn(|label| f32::from(u8::from(may_end(label))));
    let mut pairs = [[0.0; LABELS]; LABELS];
    let mut out = vec![[0.0; LABELS]; scores.len()];
    for at in (0..scores.len()).rev() {
        out[at] = normal(std::array::from_fn(|label| forward[at][label] * backward[label]));
        let ahead: [f32; LABELS] = std::array::from_fn(|label| potentials[at][label] * backward[label]);
        if let Some(before) = at.checked_sub(1).map(|before| forward[before]) {
            let mut joint = [[0.0; LABELS]; LABELS];
            let mut total = 0.0;
            for (from, row) in joint.iter_mut().enumerate() {
                for (label, value) in row.iter_mut().enumerate() {
                    *value = before[from] * weights[from][label] * ahead[label];
                    total += *value;
                }
            }
            for (sums, row) in pairs.iter_mut().zip(joint) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / f32::max(total, f32::MIN_POSITIVE));
            }
        }
        backward = normal(std::array::from_fn(|from| (0..LABELS).map(|label| weights[from][label] * ahead[label]).sum::<f32>()));
    }
    (out, pairs)
}

/// What is known of every unit of a text before it is tagged.
#[derive(Debug)]
pub(crate) struct Evidence<'t> {
    units: &'t [Unit],
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
        let Knowledge { gazetteer, lists, triggers } = knowledge;
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
        let hits = gazetteer.find(text, units, language);
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
        lists.find(text, units, |list, range| {
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

    /// Whether what stands before a unit parts it from a mention before it.
    fn parted(&self, unit: usize) -> bool {
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
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn transitions() -> [[f32; LABELS]; LABELS + 1] {
        std::array::from_fn(|from| std::array::from_fn(|to| if may_follow(from % LABELS, to) { 0.0 } else { -30.0 }))
    }

    #[test]
    fn decoding_keeps_mentions_whole() {
        let mut scores = vec![[0.0; LABELS]; 4];
        let person = |index| label(EntityType::Person, index, 2);
        (scores[0][0], scores[1][person(0)], scores[2][person(1)]) = (3.0, 3.0, 3.0);
        scores[3][label(EntityType::Place, 1, 2)] = 2.0;
        let labels = viterbi(&scores, &transitions());
        assert_eq!(labels.get(..3).unwrap(), [0, person(0), person(1)]);
        assert!(may_end(labels[3]) && may_follow(person(1), labels[3]), "nothing ends that has not begun");
        let (posteriors, pairs) = posteriors(&scores, &transitions());
        for row in &posteriors {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
        let ended = posteriors[3][label(EntityType::Place, 1, 2)];
        assert!(ended < 0.1, "{ended}");
        let sum: f32 = pairs.iter().flatten().sum();
        assert!((sum - 3.0).abs() < 1e-3, "{sum}");
    }

    #[test]
    fn a_model_survives_its_file() {
        let tagger = Tagger::new(vec![("ar", 7), ("en", 9)], 3, 0.5, transitions(), &[5; LABELS << 3]);
        let bytes: &'static [u8] = tagger.write().leak();
        let again = Tagger::read(bytes).unwrap();
        assert_eq!((&again.languages, again.bits, again.transitions), (&tagger.languages, 3, tagger.transitions));
        assert!(again.speaks("ar") && !again.speaks("fr"));
        for length in 0..bytes.len() {
            assert!(Tagger::read(bytes.get(..length).unwrap()).is_err(), "cut at {length}");
        }
    }
}
