//! Language identification, measured: recall of each label, averaged over labels (macro accuracy), so that rare languages
//! count as much as large ones.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use super::{EvalError, files, percent, read};
use crate::enrich::Identifier;

/// The languages most news is in.
pub const NEWS: [&str; 56] = [
    "am", "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "gu", "ha", "he", "hi", "hr", "hu",
    "hy", "id", "it", "ja", "ka", "ko", "lt", "lv", "mk", "mr", "ms", "nb", "nl", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "so", "sq",
    "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi", "yo", "zh",
];

/// Languages that are told apart with effort.
pub const GROUPS: [&[&str]; 11] = [
    &["ar", "fa", "ur", "ckb", "ps", "ug"],
    &["bs", "hr", "sr", "sl"],
    &["id", "ms"],
    &["nb", "nn", "da", "sv"],
    &["cs", "sk"],
    &["gl", "pt", "es", "ca"],
    &["hi", "mr", "ne"],
    &["ru", "uk", "be", "bg", "mk"],
    &["tr", "az"],
    &["nl", "af"],
    &["xh", "zu", "st", "tn"],
];

/// What a detector says of a text.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// BCP-47 tag; `und` for none.
    pub tag: String,
    /// Its probability, where the detector gives one.
    pub confidence: Option<f64>,
}

/// What copydesk says of a text.
pub fn answer(identifier: &Identifier, text: &str) -> Answer {
    let found = identifier.identify(None, text, None);
    Answer { tag: found.tag.to_owned(), confidence: Some(found.confidence) }
}

/// One text and the language it is in.
#[derive(Debug, Clone)]
pub struct Item {
    /// Label: a BCP-47 tag, or its primary subtag.
    pub label: String,
    /// The text.
    pub text: String,
}

impl From<&super::labelled::Labelled> for Item {
    fn from(document: &super::labelled::Labelled) -> Self {
        Self { label: document.language.clone(), text: document.text.clone() }
    }
}

/// How a detector did on one file.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    /// Name of the detector.
    pub detector: String,
    /// Stem of the file.
    pub file: String,
    /// Number of texts.
    pub texts: usize,
    /// Macro accuracy over those of [`NEWS`] that occur, per cent.
    pub news: f64,
    /// Macro accuracy over all labels that occur, per cent.
    pub all: f64,
    /// Recall of each label, per cent.
    pub recall: BTreeMap<String, f64>,
    /// How often a label was taken for another, most frequent first.
    pub confusions: Vec<(String, String, usize)>,
    /// Expected calibration error in ten bins of confidence, per cent; null where the detector gives no probability.
    pub calibration_error: Option<f64>,
    /// Microseconds a text, one thread.
    pub microseconds: f64,
}

/// Reads files of `label<TAB>text` lines, or folders of such `.tsv` files.
///
/// # Errors
/// A file cannot be read or has no such line.
pub fn items(paths: &[PathBuf]) -> Result<Vec<(String, Vec<Item>)>, EvalError> {
    let read_file = |path: &PathBuf| {
        let text = read(path)?;
        let items: Vec<Item> = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(label, text)| Item { label: label.to_owned(), text: text.to_owned() })
            .collect();
        match items.is_empty() {
            true => Err(EvalError::Empty { path: path.clone(), wanted: "no line of label, tab, text".to_owned() }),
            false => Ok((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), items)),
        }
    };
    files(paths, "tsv")?.iter().map(read_file).collect()
}

/// Asks a detector for the language of every text.
pub fn measure(detector: &str, file: &str, items: &[Item], mut identify: impl FnMut(&str) -> Answer) -> Score {
    let started = Instant::now();
    let answers: Vec<Answer> = items.iter().map(|item| identify(&item.text)).collect();
    let microseconds = started.elapsed().as_secs_f64() * 1e6 / items.len().max(1) as f64;
    let mut labels: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut confusions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut bins = [(0usize, 0usize, 0f64); 10];
    for (item, answer) in items.iter().zip(&answers) {
        let right = is_right(&item.label, &answer.tag);
        let (found, total) = labels.entry(&item.label).or_default();
        *found += usize::from(right);
        *total += 1;
        if !right {
            *confusions.entry((&item.label, &answer.tag)).or_default() += 1;
        }
        if let Some(confidence) = answer.confidence
            && let Some((count, hits, sum)) = bins.get_mut(((confidence * 10.0) as usize).min(9))
        {
            *count += 1;
            *hits += usize::from(right);
            *sum += confidence;
        }
    }
    let recall: BTreeMap<String, f64> =
        labels.iter().map(|(label, (found, total))| ((*label).to_owned(), percent(*found, *total))).collect();
    let mut confusions: Vec<_> = confusions.into_iter().map(|((label, tag), count)| (label.to_owned(), tag.to_owned(), count)).collect();
    confusions.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let answered: usize = bins.iter().map(|(count, ..)| count).sum();
    let gap: f64 = bins.iter().map(|(_, hits, sum)| (sum - *hits as f64).abs()).sum();
    Score {
        detector: detector.to_owned(),
        file: file.to_owned(),
        texts: items.len(),
        news: mean(recall.iter().filter(|(label, _)| NEWS.contains(&label.as_str())).map(|(_, recall)| *recall)),
        all: mean(recall.values().copied()),
        recall,
        confusions,
        calibration_error: (answered > 0).then(|| 100.0 * gap / answered as f64),
        microseconds,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// `sr` is right for `sr-Latn`, `zh-Hans` is wrong for `zh-Hant`.
fn is_right(label: &str, tag: &str) -> bool {
    label.eq_ignore_ascii_case(tag) || tag.split_once('-').is_some_and(|(primary, _)| primary == label)
}

/// The scores as Markdown: detectors by file, then the hard groups, then the commonest confusions of the first detector.
pub fn table(scores: &[Score]) -> String {
    let mut out = String::from(
        "| file | detector | texts | news languages | all labels | calibration error | µs a text |\n|---|---|---|---|---|---|---|\n",
    );
    for score in scores {
        let error = score.calibration_error.map_or("-".to_owned(), |error| format!("{error:.1}"));
        put(
            &mut out,
            format_args!(
                "| {} | {} | {} | {:.1} | {:.1} | {error} | {:.1} |\n",
                score.file, score.detector, score.texts, score.news, score.all, score.microseconds
            ),
        );
    }
    let first = scores.first().map(|score| score.detector.as_str()).unwrap_or_default();
    let own: Vec<&Score> = scores.iter().filter(|score| score.detector == first).collect();
    put(&mut out, format_args!("\n| group, recall of {first} |"));
    own.iter().for_each(|score| put(&mut out, format_args!(" {} |", score.file)));
    put(&mut out, format_args!("\n|---|{}\n", "---|".repeat(own.len())));
    for group in GROUPS {
        let present: Vec<&str> = group.iter().copied().filter(|label| own.iter().any(|score| score.recall.contains_key(*label))).collect();
        if present.len() > 1 {
            put(&mut out, format_args!("| {} |", present.join(" / ")));
            for score in &own {
                let cells: Vec<String> =
                    present.iter().map(|label| score.recall.get(*label).map_or("-".to_owned(), |recall| format!("{recall:.0}"))).collect();
                put(&mut out, format_args!(" {} |", cells.join(" / ")));
            }
            out.push('\n');
        }
    }
    put(&mut out, format_args!("\n| file | taken for another by {first}, of {} texts a label at most |\n|---|---|\n", most_texts(&own)));
    for score in &own {
        let pairs: Vec<String> = score.confusions.iter().take(12).map(|(label, tag, count)| format!("{label} > {tag} {count}")).collect();
        put(&mut out, format_args!("| {} | {} |\n", score.file, pairs.join(", ")));
    }
    out
}

fn most_texts(scores: &[&Score]) -> usize {
    scores.iter().map(|score| score.texts / score.recall.len().max(1)).max().unwrap_or_default()
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _infallible = out.write_fmt(text);
}

/// Reads a model file for the identifier to use instead of the shipped one.
///
/// # Errors
/// The file cannot be read or is no model.
pub fn model(path: &Path) -> Result<Identifier, EvalError> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, error))?;
    Identifier::new(bytes.leak()).map_err(|malformed| EvalError::Empty { path: path.to_owned(), wanted: malformed.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_over_labels_and_not_over_texts() {
        let item = |label: &str, text: &str| Item { label: label.to_owned(), text: text.to_owned() };
        let items = [item("ar", "ar"), item("ar", "ar"), item("ar", "fa"), item("sr", "sr-Latn"), item("zh-hant", "zh-Hans")];
        let score = measure("echo", "file", &items, |text| Answer { tag: text.to_owned(), confidence: Some(0.75) });
        assert!((score.all - (66.667 + 100.0) / 3.0).abs() < 0.01, "{}", score.all);
        assert_eq!(score.confusions.len(), 2);
        assert!((score.calibration_error.unwrap() - 15.0).abs() < 0.01);
        assert!(table(&[score]).contains("| file | echo | 5 |"));
    }
}
