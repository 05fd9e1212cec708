//! Trains the language models: one a script, from labelled sentences.
//!
//! A model starts as naive Bayes (the weight of a feature is its smoothed log odds, which small corpora support well) and is
//! refined by logistic regression (AdaGrad) on cuts of the sentences as short as real headlines. Every twentieth sentence
//! is kept out of both and calibrates the confidence.

mod corpus;

use std::{collections::BTreeMap, path::Path};

use super::{Random, TrainError};
use crate::enrich::model::{self, Linear, features, softmax};
use corpus::Sample;

/// n-grams of up to this many characters; two in scripts without spaces, where a character is a word.
const LONGEST: usize = 4;
/// Weight of naive Bayes at the start, found on text of sources left out of training.
const BAYES: f32 = 0.6;
/// Smoothing of counts.
const SMOOTHING: f32 = 0.2;
/// Step of the refinement.
const STEP: f32 = 0.2;
/// Rounds over the samples.
const ROUNDS: usize = 8;
/// Samples of a label a round; a quarter of it for those with little text.
const SAMPLES: usize = 4_000;
/// Labels with fewer texts than this weigh less, so that they do not take the short texts of their neighbours.
const LITTLE_TEXT: usize = 300;
/// One sentence in this many calibrates.
const HELD_OUT: usize = 20;

/// Trains on the folder `data`, leaving out the files whose stems are in `exclude`, and gives the bytes of the model file.
///
/// # Errors
/// A file cannot be read, or none holds text.
pub fn language(data: &Path, exclude: &[String], mut progress: impl FnMut(&str)) -> Result<Vec<u8>, TrainError> {
    let scripts = corpus::read(data, exclude)?;
    if scripts.is_empty() {
        return Err(TrainError::NoText(data.to_owned()));
    }
    let mut models = BTreeMap::new();
    for (script, labels) in scripts {
        let texts = labels.values().map(Vec::len).sum::<usize>();
        progress(&format!("{script}: {} languages, {texts} texts", labels.len()));
        models.insert(script, train(script, labels));
    }
    Ok(model::write(models.iter().map(|(script, model)| (*script, model))))
}

fn train(script: &str, labels: BTreeMap<&'static str, Vec<Sample>>) -> Linear {
    let bits = if labels.len() > 40 { 16 } else { 15 };
    let mut linear = Linear {
        texts: labels.values().map(|samples| samples.len() as u32).collect(),
        bias: vec![0.0; labels.len()],
        labels: labels.keys().copied().collect(),
        bits,
        longest: if script == "Hani" { 2 } else { LONGEST },
        scale: 0.0,
        temperature: [0.0; 2],
        weights: &[],
    };
    if linear.labels.len() < 2 {
        return linear;
    }
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for samples in labels.into_values() {
        let (mut kept, mut out) = (Vec::new(), Vec::new());
        for (index, sample) in samples.into_iter().enumerate() {
            if index % HELD_OUT == HELD_OUT - 1 { out.push(sample) } else { kept.push(sample) }
        }
        training.push(kept);
        held_out.push(out);
    }
    let mut weights = bayes(&linear, &training);
    refine(&mut linear, &mut weights, &training);
    quantise(&mut linear, &weights);
    calibrate(&mut linear, &held_out);
    linear
}

/// Smoothed log odds of every feature.
fn bayes(linear: &Linear, training: &[Vec<Sample>]) -> Vec<f32> {
    let labels = training.len();
    let mut weights = vec![0f32; labels << linear.bits];
    let mut totals = vec![SMOOTHING * (1 << linear.bits) as f32; labels];
    for (label, samples) in training.iter().enumerate() {
        for sample in samples {
            features(sample, linear.longest, linear.bits, |feature| {
                weights[feature as usize * labels + label] += 1.0;
                totals[label] += 1.0;
            });
        }
    }
    for row in weights.chunks_exact_mut(labels) {
        row.iter_mut().zip(&totals).for_each(|(weight, total)| *weight = ((*weight + SMOOTHING) / total).ln());
        let mean = row.iter().sum::<f32>() / labels as f32;
        row.iter_mut().for_each(|weight| *weight = (*weight - mean) * BAYES);
    }
    weights
}

/// Logistic regression from there, on random cuts.
fn refine(linear: &mut Linear, weights: &mut [f32], training: &[Vec<Sample>]) {
    let labels = training.len();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut gradients = vec![1e-4f32; 1 << linear.bits];
    let mut order: Vec<usize> = Vec::new();
    for (label, samples) in training.iter().enumerate() {
        let count = if samples.len() < LITTLE_TEXT { SAMPLES / 4 } else { SAMPLES };
        order.extend(std::iter::repeat_n(label, if samples.is_empty() { 0 } else { count }));
    }
    let steps = (order.len() * ROUNDS) as f32;
    let mut found = Vec::new();
    for step in 0..order.len() * ROUNDS {
        // Fisher-Yates, one element a step, anew each round.
        let at = step % order.len();
        let other = at + random.below(order.len() - at);
        order.swap(at, other);
        let label = order[at];
        let text = corpus::cut(corpus::draw(&training[label], &mut random), linear.longest > 2, &mut random);
        found.clear();
        features(&text, linear.longest, linear.bits, |feature| found.push(feature as usize * labels));
        let share = 1.0 / (found.len().max(1) as f32).sqrt();
        let mut scores = linear.bias.clone();
        for at in &found {
            scores.iter_mut().zip(&weights[*at..*at + labels]).for_each(|(score, weight)| *score += weight * share);
        }
        let mut errors = softmax(scores);
        errors[label] -= 1.0;
        // What is known already teaches nothing.
        if errors[label] > -0.003 {
            continue;
        }
        let rate = STEP * (1.01 - step as f32 / steps);
        let size = errors.iter().map(|error| error * error).sum::<f32>() * share * share;
        for at in &found {
            let gradient = &mut gradients[at / labels];
            *gradient += size;
            let rate = rate * share / gradient.sqrt();
            weights[*at..*at + labels].iter_mut().zip(&errors).for_each(|(weight, error)| *weight -= rate * error);
        }
        linear.bias.iter_mut().zip(&errors).for_each(|(bias, error)| *bias -= 0.002 * error);
    }
}

/// Weights to `i8`: the few beyond the range that serves the others best are clipped.
fn quantise(linear: &mut Linear, weights: &[f32]) {
    let mut sizes: Vec<f32> = weights.iter().map(|weight| weight.abs()).collect();
    let (_, largest, _) = sizes.select_nth_unstable_by(weights.len() - 1 - weights.len() / 5_000, f32::total_cmp);
    linear.scale = *largest / 127.0;
    let bytes: Vec<u8> = weights.iter().map(|weight| (weight / linear.scale).round().clamp(-127.0, 127.0) as i8 as u8).collect();
    linear.weights = bytes.leak();
}

/// The temperature under which the held-out texts, cut like the training texts, are the most probable.
fn calibrate(linear: &mut Linear, held_out: &[Vec<Sample>]) {
    let mut random = Random(0x1357_9bdf_0246_8ace);
    let mut scored = Vec::new();
    for (label, samples) in held_out.iter().enumerate().filter(|(_, samples)| !samples.is_empty()) {
        for _ in 0..200 {
            let text = corpus::cut(corpus::draw(samples, &mut random), linear.longest > 2, &mut random);
            let mut count = 0;
            features(&text, linear.longest, linear.bits, |_| count += 1);
            scored.push((label, (count.max(1) as f32).ln(), linear.scores(&linear.sum(&text))));
        }
    }
    let loss = |[a, b]: [f32; 2]| -> f32 {
        let surprise = |(label, size, scores): &(usize, f32, Vec<f32>)| {
            let sharpness = (a + b * size).exp();
            -softmax(scores.iter().map(|score| score * sharpness).collect())[*label].max(1e-6).ln()
        };
        scored.iter().map(surprise).sum()
    };
    let grid = (-20..=20).flat_map(|a| (-8..=8).map(move |b| [a as f32 / 10.0, b as f32 / 20.0]));
    linear.temperature =
        grid.map(|point| (loss(point), point)).min_by(|left, right| left.0.total_cmp(&right.0)).map_or([0.0; 2], |best| best.1);
}
