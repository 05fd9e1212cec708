//! Trains the topic classifier: one logistic regression a topic over shared features, by AdaGrad, on the annotated corpus and TSV files.
//!
//! - A TSV file teaches only the topics it has: that an article of it is not labelled weather says nothing where nothing is. However
//!   long, it counts no more than [`FILE`] articles of ours.
//! - What is measured on files of other publishers that are left out of training (`--exclude`) decides how much their lines count.
//! - Rare features are scaled up (inverse document frequency); the scale goes into the weights.
//! - Probabilities and thresholds come from articles of the corpus that the weights were not made on: five times a fifth is left out.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Random, TrainError};
use crate::{
    enrich::{
        Enricher, Output, TOPICS,
        topics::{
            Features,
            classifier::{BITS, Classifier, DENSE, Head},
        },
    },
    eval::labelled::{self, Format},
};

/// Rounds over the samples.
const ROUNDS: usize = 14;
/// Steps of AdaGrad: rows, and dense weights.
const STEP: f32 = 0.25;
const DENSE_STEP: f32 = 0.1;
/// Pull of every weight to zero, a step.
const DECAY: f32 = 2e-5;
/// Articles of ours that a TSV file counts as at most.
const FILE: f32 = 50.0;
/// What one line of it counts at most.
const LINE: f32 = 0.1;
/// Share of features left out of a sample, so that a word does not silence the others.
const DROPPED: f32 = 0.3;
/// Share of the times a sample is shown without its words: what the lexicon says of it holds on another publisher's text too.
const WORDLESS: f32 = 0.3;
/// Parts of the corpus.
const FOLDS: usize = 5;
/// Topics.
const COUNT: usize = TOPICS.len();

struct Sample {
    language: String,
    features: Features,
    labels: [bool; COUNT],
    /// Topics the sample speaks of.
    taught: [bool; COUNT],
    weight: f32,
    /// Part of the corpus it is in; none for what is not of the corpus.
    fold: Option<usize>,
}

/// Weights in the making.
struct Weights {
    rows: Vec<[f32; COUNT]>,
    row_squares: Vec<[f32; COUNT]>,
    dense: Vec<[f32; COUNT]>,
    dense_squares: Vec<[f32; COUNT]>,
}

/// Trains and gives the bytes of the model file.
///
/// # Errors
/// A file cannot be read, or none holds articles.
pub fn topics(data: Option<&Path>, corpus: &Path, exclude: &[String], mut progress: impl FnMut(&str)) -> Result<Vec<u8>, TrainError> {
    let enricher = Enricher::load(Output::default());
    let mut samples = Vec::new();
    for (_, documents) in labelled::load(&[corpus.to_owned()], Format::Corpus, None, Some("train"))? {
        for document in documents {
            let features = enricher.topic_features(document.title.as_deref(), &document.text, &document.language);
            let labels = TOPICS.map(|(slug, ..)| document.topics.iter().any(|topic| topic == slug));
            let fold = Some(samples.len() % FOLDS);
            samples.push(Sample { language: document.language, features, labels, taught: [true; COUNT], weight: 1.0, fold });
        }
    }
    if samples.is_empty() {
        return Err(TrainError::NoText(corpus.to_owned()));
    }
    progress(&format!("{} articles of the corpus", samples.len()));
    let others =
        data.map_or_else(|| Ok(Vec::new()), |data| Ok::<_, TrainError>(labelled::load(&folders(data)?, Format::Tsv, None, None)?))?;
    for (source, documents) in others {
        if exclude.iter().any(|name| source.split('/').next_back() == Some(name)) {
            continue;
        }
        let labels = |topics: &[String]| TOPICS.map(|(slug, ..)| topics.iter().any(|topic| topic == slug));
        let mut taught = [false; COUNT];
        for document in &documents {
            taught.iter_mut().zip(labels(&document.topics)).for_each(|(taught, label)| *taught |= label);
        }
        let weight = (FILE / documents.len() as f32).min(LINE);
        progress(&format!("{source}: {} lines", documents.len()));
        samples.extend(documents.into_iter().map(|document| Sample {
            features: enricher.topic_features(document.title.as_deref(), &document.text, &document.language),
            labels: labels(&document.topics),
            taught,
            weight,
            fold: None,
            language: document.language,
        }));
    }
    let frequencies = inverse_frequencies(&samples);
    for sample in &mut samples {
        sample.features.sparse.iter_mut().for_each(|(row, value)| *value *= frequencies[*row as usize]);
    }
    let mut held: Vec<(&Sample, [f32; COUNT])> = Vec::new();
    for fold in 0..FOLDS {
        let weights = fit(samples.iter().filter(|sample| sample.fold != Some(fold)));
        held.extend(samples.iter().filter(|sample| sample.fold == Some(fold)).map(|sample| (sample, weights.scores(&sample.features))));
        progress(&format!("part {} of {FOLDS} left out", fold + 1));
    }
    let weights = fit(samples.iter());
    let heads: Vec<(Head, Vec<i8>)> = (0..COUNT)
        .map(|topic| {
            let (head, rows, f1) = weights.head(topic, &held, &frequencies);
            progress(&format!("{}: F1 {:.1} on articles left out, from {:.2} on", TOPICS[topic].0, 100.0 * f1, head.threshold));
            (head, rows)
        })
        .collect();
    let right = held.iter().filter(|(sample, scores)| {
        let probability = |topic: usize| heads[topic].0.calibration[0] * scores[topic] + heads[topic].0.calibration[1];
        (0..COUNT).max_by(|a, b| probability(*a).total_cmp(&probability(*b))).is_some_and(|best| sample.labels[best])
    });
    progress(&format!("first label right on articles left out: {:.1} %", 100.0 * right.count() as f32 / held.len() as f32));
    let rows: Vec<i8> = (0..1 << BITS).flat_map(|row| heads.iter().map(move |(_, rows)| rows[row])).collect();
    Ok(Classifier::write(&heads.into_iter().map(|(head, _)| head).collect::<Vec<_>>(), &rows))
}

/// The folders of the languages, in order.
fn folders(data: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let unreadable = |error| TrainError::Unreadable { path: data.to_owned(), error, expected: "a folder of TSV files a language" };
    let entries = std::fs::read_dir(data).map_err(unreadable)?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// What a row is scaled by: the log of the share of the samples of its language that have it, turned round. A word that every text of a
/// language has says nothing but the language.
fn inverse_frequencies(samples: &[Sample]) -> Vec<f32> {
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    let mut counts = vec![0u32; 1 << BITS];
    let mut languages: Vec<&str> = vec![""; 1 << BITS];
    for sample in samples {
        *sizes.entry(&sample.language).or_default() += 1;
        for (row, _) in &sample.features.sparse {
            counts[*row as usize] += 1;
            languages[*row as usize] = &sample.language;
        }
    }
    let size = |row: usize| sizes.get(languages[row]).copied().unwrap_or_default() as f32;
    counts.iter().enumerate().map(|(row, count)| ((1.0 + size(row)) / (1.0 + *count as f32)).ln().max(0.05) / 3.0).collect()
}

fn fit<'s>(samples: impl Iterator<Item = &'s Sample>) -> Weights {
    let mut order: Vec<&Sample> = samples.collect();
    let mut weights = Weights {
        rows: vec![[0.0; COUNT]; 1 << BITS],
        row_squares: vec![[1e-1; COUNT]; 1 << BITS],
        dense: vec![[0.0; COUNT]; DENSE + 1],
        dense_squares: vec![[1e-2; COUNT]; DENSE + 1],
    };
    weights.dense[DENSE] = [-2.0; COUNT];
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..ROUNDS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for sample in &order {
            weights.step(sample, &mut random);
        }
    }
    weights
}

impl Weights {
    fn scores(&self, features: &Features) -> [f32; COUNT] {
        let mut scores = self.dense[DENSE];
        let mut add =
            |weights: &[f32; COUNT], value: f32| scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += value * weight);
        features.sparse.iter().for_each(|(row, value)| add(&self.rows[*row as usize], *value));
        features.dense.iter().zip(&self.dense).filter(|(value, _)| **value != 0.0).for_each(|(value, weights)| add(weights, *value));
        scores
    }

    fn step(&mut self, sample: &Sample, random: &mut Random) {
        let mut chance = |share: f32| (random.below(1_000) as f32) < 1_000.0 * share;
        let dropped = if chance(WORDLESS) { 1.0 } else { DROPPED };
        let sparse: Vec<(u32, f32)> =
            sample.features.sparse.iter().filter(|_| !chance(dropped)).map(|(row, value)| (*row, value / (1.0 - dropped))).collect();
        let features = Features { sparse, dense: sample.features.dense.clone() };
        let scores = self.scores(&features);
        let mut errors = [0.0; COUNT];
        for topic in (0..COUNT).filter(|topic| sample.taught[*topic]) {
            let probability = 1.0 / (1.0 + (-scores[topic]).exp());
            errors[topic] = sample.weight * (probability - f32::from(u8::from(sample.labels[topic])));
        }
        let update = |weights: &mut [f32; COUNT], squares: &mut [f32; COUNT], value: f32, step: f32| {
            for ((weight, square), error) in weights.iter_mut().zip(squares).zip(errors) {
                let gradient = error * value + DECAY * *weight;
                *square += gradient * gradient;
                *weight -= step * gradient / square.sqrt();
            }
        };
        for (row, value) in &features.sparse {
            update(&mut self.rows[*row as usize], &mut self.row_squares[*row as usize], *value, STEP);
        }
        for (at, value) in features.dense.iter().chain([&1.0]).enumerate().filter(|(_, value)| **value != 0.0) {
            update(&mut self.dense[at], &mut self.dense_squares[at], *value, DENSE_STEP);
        }
    }

    /// One topic's part of the model, calibrated on articles left out, and its F1 on them.
    fn head(&self, topic: usize, held: &[(&Sample, [f32; COUNT])], frequencies: &[f32]) -> (Head, Vec<i8>, f64) {
        let weight = |row: usize| self.rows[row][topic] * frequencies[row];
        let scale = (0..self.rows.len()).map(|row| weight(row).abs()).fold(0.0, f32::max).max(1e-6) / 127.0;
        let rows = (0..self.rows.len()).map(|row| (weight(row) / scale).round() as i8).collect();
        let scored: Vec<(f32, bool)> = held.iter().map(|(sample, scores)| (scores[topic], sample.labels[topic])).collect();
        let calibration = calibrate(&scored);
        let probable: Vec<(f32, bool)> =
            scored.iter().map(|(score, label)| (1.0 / (1.0 + (-(calibration[0] * score + calibration[1])).exp()), *label)).collect();
        let dense = (0..DENSE).map(|at| self.dense[at][topic]).collect();
        let (threshold, f1) = threshold(&probable);
        (Head { bias: self.dense[DENSE][topic], scale, dense, calibration, threshold }, rows, f1)
    }
}

/// Platt's scaling: the logistic regression of the label on the score, by Newton's method.
fn calibrate(scored: &[(f32, bool)]) -> [f32; 2] {
    let [mut a, mut b] = [1.0f64, 0.0f64];
    for _ in 0..30 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (1e-3 * (a - 1.0), 1e-3 * b, 1e-3, 0.0, 1e-3);
        for (score, label) in scored {
            let score = f64::from(*score);
            let probability = 1.0 / (1.0 + (-(a * score + b)).exp());
            let (error, spread) = (probability - f64::from(u8::from(*label)), probability * (1.0 - probability));
            ga += error * score;
            gb += error;
            haa += spread * score * score;
            hab += spread * score;
            hbb += spread;
        }
        let determinant = haa * hbb - hab * hab;
        // Small steps: far from the best, Newton's own lead away from it.
        a -= ((hbb * ga - hab * gb) / determinant).clamp(-0.5, 0.5);
        b -= ((haa * gb - hab * ga) / determinant).clamp(-0.5, 0.5);
    }
    [a as f32, b as f32]
}

/// The probability from which on publishing gives the best F1, and that.
fn threshold(scored: &[(f32, bool)]) -> (f32, f64) {
    let all = scored.iter().filter(|(_, label)| *label).count();
    let f1 = |limit: f32| {
        let found = scored.iter().filter(|(probability, _)| *probability >= limit);
        let (count, right) = found.fold((0, 0), |(count, right), (_, label)| (count + 1, right + usize::from(*label)));
        2.0 * right as f64 / (all + count).max(1) as f64
    };
    let limits = (4..=12).map(|step| step as f32 * 0.05);
    limits.map(|limit| (limit, f1(limit))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0.5, 0.0))
}
