//! The linear model: hashed character n-grams in, one score a label out. One format for training and inference.
//!
//! - The features of a text are its n-grams of 1 to [`Linear::longest`] characters inside words, word ends included, and its
//!   words; each is hashed to one of 2^bits rows, and a row holds one `i8` weight a label. Collisions are part of the model.
//! - A score is `bias + scale * sum of rows / sqrt(number of features)`; a softmax over scores times a [temperature](Linear)
//!   that depends on the number of features gives calibrated probabilities.
//! - The weights of a shipped model are read where they lie in the binary: nothing is unpacked at start.

use std::fmt;

/// Labels a model may have: the accumulators are of this size.
const MOST_LABELS: usize = 128;
/// Rows summed in 16 bits before they could overflow: 256 x 127 < 2^15.
const BATCH: usize = 256;

/// A model of one script.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    pub(crate) labels: Vec<&'static str>,
    /// Training texts of each label: what the model card is made of.
    pub(crate) texts: Vec<u32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) bits: u32,
    pub(crate) longest: usize,
    pub(crate) scale: f32,
    /// Calibration: scores are multiplied by `exp(a + b ln(features))` before the softmax.
    pub(crate) temperature: [f32; 2],
    pub(crate) weights: &'static [u8],
}

/// Sums of rows for one text, or for parts of it that may be added up.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    labels: [i32; MOST_LABELS],
    features: usize,
}

impl Default for Sums {
    fn default() -> Self {
        Self { labels: [0; MOST_LABELS], features: 0 }
    }
}

impl Sums {
    /// Adds the sums of another part of the text.
    pub(crate) fn add(&mut self, other: &Self) {
        self.labels.iter_mut().zip(&other.labels).for_each(|(sum, more)| *sum += more);
        self.features += other.features;
    }
}

impl Linear {
    /// Sums the rows of the features of a text: words between single spaces, a space at both ends.
    pub(crate) fn sum(&self, text: &[char]) -> Sums {
        let mut sums = Sums::default();
        let labels = self.labels.len();
        let mut batch = [0u32; BATCH];
        let mut filled = 0;
        let mut flush = |batch: &[u32]| {
            let mut part = [0i16; MOST_LABELS];
            for feature in batch {
                let at = *feature as usize * labels;
                let row = self.weights.get(at..at + labels).unwrap_or_default();
                part.iter_mut().zip(row).for_each(|(sum, weight)| *sum += i16::from(*weight as i8));
            }
            sums.labels.iter_mut().zip(part).for_each(|(sum, part)| *sum += i32::from(part));
            sums.features += batch.len();
        };
        features(text, self.longest, self.bits, |feature| {
            batch[filled] = feature;
            filled += 1;
            if filled == BATCH {
                flush(&batch);
                filled = 0;
            }
        });
        flush(batch.get(..filled).unwrap_or_default());
        sums
    }

    /// The scores of sums, before calibration.
    pub(crate) fn scores(&self, sums: &Sums) -> Vec<f32> {
        let scale = self.scale / (sums.features.max(1) as f32).sqrt();
        self.bias.iter().zip(sums.labels).map(|(bias, sum)| bias + scale * sum as f32).collect()
    }

    /// The label of the highest score.
    pub(crate) fn best(&self, sums: &Sums) -> Option<&'static str> {
        let scores = self.scores(sums);
        let best = scores.iter().zip(&self.labels).max_by(|left, right| left.0.total_cmp(right.0))?;
        Some(best.1)
    }

    /// Calibrated probabilities of the labels, where some are likelier from the start: `prior` is added to the log odds.
    pub(crate) fn probabilities(&self, sums: &Sums, prior: impl Fn(&str) -> f32) -> Vec<f32> {
        let [a, b] = self.temperature;
        let sharpness = (a + b * (sums.features.max(1) as f32).ln()).exp();
        let scores = self.scores(sums).into_iter().zip(&self.labels);
        softmax(scores.map(|(score, label)| score * sharpness + prior(label)).collect())
    }

    fn write(&self, name: &str, out: &mut Vec<u8>) {
        write_text(name, out);
        out.extend([self.bits as u8, self.longest as u8, self.labels.len() as u8]);
        out.extend([self.scale, self.temperature[0], self.temperature[1]].into_iter().flat_map(f32::to_le_bytes));
        for ((label, texts), bias) in self.labels.iter().zip(&self.texts).zip(&self.bias) {
            write_text(label, out);
            out.extend(texts.to_le_bytes());
            out.extend(bias.to_le_bytes());
        }
        out.extend(self.weights);
    }

    fn read(bytes: &mut Reader) -> Result<(&'static str, Self), Malformed> {
        let name = bytes.text()?;
        let [bits, longest, count] = bytes.array()?;
        let mut model = Self {
            labels: Vec::new(),
            texts: Vec::new(),
            bias: Vec::new(),
            bits: u32::from(bits),
            longest: usize::from(longest),
            scale: f32::from_le_bytes(bytes.array()?),
            temperature: [f32::from_le_bytes(bytes.array()?), f32::from_le_bytes(bytes.array()?)],
            weights: &[],
        };
        if usize::from(count) > MOST_LABELS || bits > 24 {
            return Err(Malformed);
        }
        for _ in 0..count {
            model.labels.push(bytes.text()?);
            model.texts.push(u32::from_le_bytes(bytes.array()?));
            model.bias.push(f32::from_le_bytes(bytes.array()?));
        }
        // A model of one label decides without weights.
        model.weights = if count < 2 { &[] } else { bytes.take(usize::from(count) << bits)? };
        Ok((name, model))
    }
}

/// Calls back with the row of every feature of a text.
pub(crate) fn features(text: &[char], longest: usize, bits: u32, mut found: impl FnMut(u32)) {
    const MIX: u32 = 0x9e37_79b1;
    let row = |hash: u32| (hash ^ hash >> 15).wrapping_mul(0x85eb_ca6b) >> (32 - bits);
    let mut word = 0u32;
    let mut length = 0;
    for (start, first) in text.iter().enumerate() {
        let mut hash = 0x811c_9dc5u32;
        for (index, c) in text.iter().skip(start).take(longest).enumerate() {
            hash = (hash.rotate_left(5) ^ *c as u32).wrapping_mul(MIX);
            if index > 0 || *first != ' ' {
                found(row(hash));
            }
            if index > 0 && *c == ' ' {
                break;
            }
        }
        if *first == ' ' {
            // Shorter words are n-grams with both their ends.
            if length + 2 > longest {
                found(row(word ^ 0x5bd1_e995));
            }
            (word, length) = (0, 0);
        } else {
            word = (word.rotate_left(5) ^ *first as u32).wrapping_mul(MIX);
            length += 1;
        }
    }
}

/// Probabilities of scores.
pub(crate) fn softmax(mut scores: Vec<f32>) -> Vec<f32> {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut total = 0.0;
    for score in &mut scores {
        *score = (*score - highest).exp();
        total += *score;
    }
    scores.iter_mut().for_each(|score| *score /= total);
    scores
}

/// Writes models, each under the name of its script.
pub(crate) fn write<'a>(models: impl IntoIterator<Item = (&'a str, &'a Linear)>) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    models.into_iter().for_each(|(name, model)| model.write(name, &mut out));
    out
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// The bytes are no model file, or one of another version.
pub(crate) fn read(bytes: &'static [u8]) -> Result<Vec<(&'static str, Linear)>, Malformed> {
    let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(Malformed)?);
    let mut models = Vec::new();
    while !reader.0.is_empty() {
        models.push(Linear::read(&mut reader)?);
    }
    Ok(models)
}

const MAGIC: &[u8] = b"copydesk-linear-1\n";

/// Bytes that are no model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a model of this version; train it again with `copydesk train`")
    }
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(text.len() as u8);
    out.extend(text.as_bytes());
}

/// Reads a model file from its start to its end.
pub(crate) struct Reader(pub(crate) &'static [u8]);

impl Reader {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'static [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<&'static str, Malformed> {
        let [length] = self.array()?;
        std::str::from_utf8(self.take(usize::from(length))?).map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, longest: usize) -> Vec<u32> {
        let mut rows = Vec::new();
        features(&text.chars().collect::<Vec<_>>(), longest, 20, |row| rows.push(row));
        rows
    }

    #[test]
    fn features_stay_inside_words() {
        // " a", " a ", "a", "a "; the word itself is " a ".
        assert_eq!(rows(" a ", 4).len(), 4);
        let (mut apart, mut together) = ([rows(" ab ", 4), rows(" cde ", 4)].concat(), rows(" ab cde ", 4));
        apart.sort_unstable();
        together.sort_unstable();
        assert_eq!(apart, together);
    }

    #[test]
    fn a_model_survives_its_file() {
        let model = Linear {
            labels: vec!["a", "b"],
            texts: vec![1, 2],
            bias: vec![0.5, -0.5],
            bits: 4,
            longest: 2,
            scale: 0.25,
            temperature: [0.0, 0.0],
            weights: vec![3u8; 32].leak(),
        };
        let bytes: &'static [u8] = write([("Latn", &model)]).leak();
        let read_back = read(bytes).unwrap();
        assert_eq!(read_back[0].0, "Latn");
        assert_eq!((&read_back[0].1.labels, read_back[0].1.weights), (&model.labels, model.weights));
        let text: Vec<char> = " ab ".chars().collect();
        let probabilities = read_back[0].1.probabilities(&model.sum(&text), |_| 0.0);
        assert!((probabilities[0] - 0.731).abs() < 0.001, "{probabilities:?}");
        for length in 0..bytes.len() {
            assert!(length == MAGIC.len() || read(bytes.get(..length).unwrap()).is_err(), "cut at {length}");
        }
        assert!(read(b"something else").is_err());
    }
}
