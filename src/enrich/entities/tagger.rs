//! The tagger: finds mentions of people, organisations and places it has never seen, by a linear-chain conditional random field
//! over the [units](super::units) of a line.
//!
//! - Labels are O, and of each type the first, an inner, the last and the only unit of a mention.
//! - The features of a unit are hashed to rows of `i8` weights, one a label. What the gazetteer, the lists of names and the trigger
//!   words say of it are features too, so that the tagger decides how far to trust them.
//! - One model for all languages: [`evidence`](super::evidence).
//! - Decoding is Viterbi; the confidence of a mention is the lowest posterior probability of its labels.

use std::ops::Range;

use super::{evidence::Evidence, units::Unit};
use crate::{
    article::EntityType,
    enrich::model::{Malformed, Reader, write_text},
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

impl Tagged {
    /// Bytes of the text covered, where it was cut into these units.
    pub(crate) fn bytes(&self, units: &[Unit]) -> Range<usize> {
        let ends = units.get(self.units.start).zip(units.get(self.units.end.saturating_sub(1)));
        ends.map_or(0..0, |(first, last)| first.bytes.start..last.bytes.end)
    }
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
