//! Topic labels, measured against people's: how often the first label is one of theirs, F1 over all labels (micro) and over the
//! topics that occur (macro), and how far scores are from the share of labels that are right. A document that gets no label has its
//! topics missed and its first label wrong. The second level is not measured: nobody has labelled it.

use std::{collections::BTreeMap, fmt::Write, ops::AddAssign};

use serde::Serialize;

use super::{labelled::Answered, percent};
use crate::enrich::TOPICS;

/// Labels of one topic counted.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Count {
    /// Documents people label so.
    pub labelled: usize,
    /// Documents copydesk labels so.
    pub found: usize,
    /// Documents both label so.
    pub both: usize,
}

impl Count {
    /// F1, per cent.
    pub fn f1(&self) -> f64 {
        percent(2 * self.both, self.labelled + self.found)
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.both += other.both;
    }
}

/// Labels whose scores are in one tenth.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Bin {
    /// How many.
    pub labels: usize,
    /// Those that are people's too.
    pub right: usize,
    /// Sum of their scores.
    pub scores: f64,
}

/// How one source fared.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Score {
    /// Documents.
    pub documents: usize,
    /// Documents that got a label.
    pub answered: usize,
    /// Documents whose first label is one of people's.
    pub first_right: usize,
    /// Counts by topic.
    pub topics: BTreeMap<&'static str, Count>,
    /// Labels by tenth of their score.
    pub bins: [Bin; 10],
}

impl Score {
    /// Documents whose first label is right, per cent.
    pub fn top1(&self) -> f64 {
        percent(self.first_right, self.documents)
    }

    /// F1 over all labels, per cent.
    pub fn micro_f1(&self) -> f64 {
        let mut sum = Count::default();
        self.topics.values().for_each(|count| sum += *count);
        sum.f1()
    }

    /// Mean F1 of the topics that people use here, per cent.
    pub fn macro_f1(&self) -> f64 {
        let used: Vec<f64> = self.topics.values().filter(|count| count.labelled > 0).map(Count::f1).collect();
        used.iter().fold(0.0, |sum, f1| sum + f1) / used.len().max(1) as f64
    }

    /// How far the mean score of a tenth is from the share of its labels that are right, in the mean over all labels, 0..1. It says
    /// little of few labels.
    pub fn calibration_error(&self) -> f64 {
        let labels: usize = self.bins.iter().map(|bin| bin.labels).sum();
        self.bins.iter().map(|bin| (bin.scores - bin.right as f64).abs()).sum::<f64>() / labels.max(1) as f64
    }

    fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.answered += other.answered;
        self.first_right += other.first_right;
        for (topic, count) in &other.topics {
            *self.topics.entry(topic).or_default() += *count;
        }
        for (bin, other) in self.bins.iter_mut().zip(other.bins) {
            *bin = Bin { labels: bin.labels + other.labels, right: bin.right + other.right, scores: bin.scores + other.scores };
        }
    }
}

/// Scores by source. `fault` is told of every document whose first label is wrong: document, what, the beginning of the text.
pub fn measure(answers: &[Answered<'_>], mut fault: impl FnMut(&str, &str, &str)) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| !answer.document.topics.is_empty()) {
        let (document, found) = (answer.document, &answer.found.topics);
        let labelled = |slug: &str| document.topics.iter().any(|topic| topic == slug);
        let score = scores.entry(answer.source.to_owned()).or_default();
        score.documents += 1;
        score.answered += usize::from(!found.is_empty());
        let first_right = found.first().is_some_and(|(first, _)| labelled(first));
        score.first_right += usize::from(first_right);
        for (slug, ..) in TOPICS {
            let (labelled, found) = (labelled(slug), found.iter().any(|(found, _)| *found == slug));
            if labelled || found {
                let both = usize::from(labelled && found);
                *score.topics.entry(slug).or_default() += Count { labelled: usize::from(labelled), found: usize::from(found), both };
            }
        }
        for (slug, probability) in found {
            if let Some(bin) = score.bins.get_mut((probability * 10.0).min(9.0) as usize) {
                *bin = Bin { labels: bin.labels + 1, right: bin.right + usize::from(labelled(slug)), scores: bin.scores + probability };
            }
        }
        if !first_right {
            let found: Vec<&str> = found.iter().map(|(slug, _)| *slug).collect();
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            let start: String = document.title.as_deref().unwrap_or(&document.text).chars().take(90).collect();
            fault(&answer.name(), &format!("{} wanted, {found} found", document.topics.join(", ")), &start);
        }
    }
    scores
}

/// The scores as Markdown: by source, then by topic over all sources.
pub fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut out = String::from(
        "| source | documents | labelled, % | top-1, % | micro-F1 | macro-F1 | calibration error |\n|---|---|---|---|---|---|---|\n",
    );
    let mut sum = Score::default();
    scores.values().for_each(|score| sum.add(score));
    for (name, score) in scores.iter().map(|(name, score)| (name.as_str(), score)).chain([("**all**", &sum)]) {
        let _infallible = writeln!(
            out,
            "| {name} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.3} |",
            score.documents,
            percent(score.answered, score.documents),
            score.top1(),
            score.micro_f1(),
            score.macro_f1(),
            score.calibration_error()
        );
    }
    out.push_str("\n| topic | people | copydesk | both | F1 |\n|---|---|---|---|---|\n");
    for (topic, count) in &sum.topics {
        let _infallible = writeln!(out, "| {topic} | {} | {} | {} | {:.1} |", count.labelled, count.found, count.both, count.f1());
    }
    out
}
