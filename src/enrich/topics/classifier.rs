//! The classifier: one linear model for all languages, one calibrated probability a topic.
//!
//! - Sparse features are hashed to rows of `i8` weights: words, beginnings of long words and pairs of ideographs, each with its
//!   language; ids and kinds of the entities, the same in all languages. A headline counts twice.
//! - Dense features are what the lexicon says: they carry what one language teaches to the others.
//! - Training and inference use the same code; the weights are read where they lie.

use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

use super::{
    Subject, TOPICS,
    lexicon::{Evidence, bare_arabic},
    vocabulary::CONCEPTS,
};
use crate::enrich::{
    model::Malformed,
    text::{Text, slice},
};

/// Rows of sparse weights: 2 to this power.
pub(crate) const BITS: u32 = 18;
/// Dense features: three a topic, one a concept of the second level, and two of the length.
pub(crate) const DENSE: usize = 2 * TOPICS.len() + CONCEPTS + 2;
/// Characters of the beginning of a word that stands for its inflected forms.
const BEGINNING: usize = 5;
/// Words of a text that are read: what an article is about is said by then.
const MOST_WORDS: usize = 1_200;
/// First bytes of a model file.
const MAGIC: &[u8; 20] = b"copydesk-topics-2\n\0\0";

/// What the model is shown of an article.
#[derive(Debug, Clone, Default)]
pub(crate) struct Features {
    /// Rows in order, each once, with its value.
    pub(crate) sparse: Vec<(u32, f32)>,
    /// What the lexicon says.
    pub(crate) dense: Vec<f32>,
}

impl Features {
    pub(super) fn new(subject: Subject<'_>, evidence: Option<&[Evidence<'_>]>) -> Self {
        let Subject { title, body, entities, .. } = subject;
        let language = subject.language.primary();
        let mut rows: Vec<u32> = Vec::with_capacity(3 * body.len().min(MOST_WORDS));
        for (text, times) in title.map(|text| (text, 2)).into_iter().chain([(body, 1)]) {
            (0..times).for_each(|_| words(text, language, &mut rows));
        }
        for entity in entities {
            rows.extend(entity.id.iter().map(|id| row(&("id", id.as_str()))));
            rows.extend(entity.subtype.iter().map(|kind| row(&("kind", kind.as_str()))));
        }
        rows.sort_unstable();
        let mut sparse: Vec<(u32, f32)> = rows.chunk_by(|a, b| a == b).map(|same| (same[0], 1.0 + (same.len() as f32).ln())).collect();
        let different = sparse.len().max(1) as f32;
        sparse.iter_mut().for_each(|(_, value)| *value /= different.sqrt());
        let length = body.len() + title.map_or(0, Text::len);
        let mut dense = evidence.map_or_else(|| vec![0.0; DENSE - 2], |evidence| dense(evidence, length));
        // A word speaks against sixteen topics and for one: many words are much against all.
        dense.extend([different.sqrt() / 20.0, different.ln() / 6.0]);
        Self { sparse, dense }
    }
}

/// Strength against what an article of that length meets by chance, share of all evidence, and headline; strength of the second level.
fn dense(evidence: &[Evidence<'_>], length: usize) -> Vec<f32> {
    let scale = 2.0 + (length as f64 / 80.0).sqrt();
    let (evidence, second) = evidence.split_at(TOPICS.len().min(evidence.len()));
    let sum: f64 = evidence.iter().map(|evidence| evidence.score).sum();
    let strength = evidence.iter().map(|evidence| 1.0 - (-evidence.score / scale).exp());
    let share = evidence.iter().map(|evidence| evidence.score / (sum + 1.0));
    let title = evidence.iter().map(|evidence| 1.0 - (-evidence.title / 2.0).exp());
    let second = second.iter().map(|evidence| 1.0 - (-evidence.score / scale).exp());
    strength.chain(share).chain(title).chain(second).map(|value| value as f32).collect()
}

fn words(text: &Text<'_>, language: &str, rows: &mut Vec<u32>) {
    for token in 0..text.len().min(MOST_WORDS) {
        let folded = text.folded(token);
        if text.is_ideograph(token) {
            if token + 1 < text.len() && text.is_ideograph(token + 1) && text.gap_before(token + 1).is_empty() {
                rows.push(row(&(language, folded, text.folded(token + 1))));
            }
            continue;
        }
        let word = if language == "ar" { bare_arabic(folded) } else { folded };
        if !word.chars().any(char::is_alphabetic) {
            continue;
        }
        rows.push(row(&(language, word)));
        if let Some((end, _)) = word.char_indices().nth(BEGINNING) {
            rows.push(row(&(language, slice(word, 0..end), '*')));
        }
    }
}

fn row(feature: &impl Hash) -> u32 {
    let mut hasher = FxHasher::default();
    feature.hash(&mut hasher);
    (hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as u32
}

/// The weights of one topic that are no rows.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) bias: f32,
    /// A sparse weight is its `i8` times this.
    pub(crate) scale: f32,
    pub(crate) dense: Vec<f32>,
    /// Calibration: the score times the first plus the second is the log odds.
    pub(crate) calibration: [f32; 2],
    /// Probability from which the topic is published.
    pub(crate) threshold: f32,
}

/// The model.
#[derive(Debug, Clone)]
pub(crate) struct Classifier {
    pub(crate) heads: Vec<Head>,
    /// One row of a weight a topic after the other.
    pub(crate) weights: &'static [u8],
}

impl Classifier {
    /// Reads a model file.
    pub(super) fn read(bytes: &'static [u8]) -> Result<Self, Malformed> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(Malformed)?;
        let mut heads = Vec::new();
        for _ in TOPICS {
            let mut number = || -> Result<f32, Malformed> {
                let (four, more) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
                rest = more;
                Ok(f32::from_le_bytes(*four))
            };
            let (bias, scale, calibration, threshold) = (number()?, number()?, [number()?, number()?], number()?);
            heads.push(Head { bias, scale, calibration, threshold, dense: (0..DENSE).map(|_| number()).collect::<Result<_, _>>()? });
        }
        if rest.len() != TOPICS.len() << BITS {
            return Err(Malformed);
        }
        Ok(Self { heads, weights: rest })
    }

    /// Writes it as [`Classifier::read`] reads it.
    pub(crate) fn write(heads: &[Head], weights: &[i8]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for head in heads {
            let [a, b] = head.calibration;
            let numbers = [head.bias, head.scale, a, b, head.threshold].into_iter().chain(head.dense.iter().copied());
            out.extend(numbers.flat_map(f32::to_le_bytes));
        }
        out.extend(weights.iter().map(|weight| *weight as u8));
        out
    }

    /// Probability of every topic.
    pub(super) fn probabilities(&self, features: &Features) -> [f64; TOPICS.len()] {
        let mut sums = [0.0f32; TOPICS.len()];
        for (row, value) in &features.sparse {
            let at = *row as usize * TOPICS.len();
            let weights = self.weights.get(at..at + TOPICS.len()).unwrap_or_default();
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * f32::from(*weight as i8));
        }
        let mut out = [0.0; TOPICS.len()];
        for ((out, sum), head) in out.iter_mut().zip(sums).zip(&self.heads) {
            let dense: f32 = head.dense.iter().zip(&features.dense).map(|(weight, value)| weight * value).sum();
            let score = head.bias + head.scale * sum + dense;
            *out = f64::from(1.0 / (1.0 + (-(head.calibration[0] * score + head.calibration[1])).exp()));
        }
        out
    }
}
