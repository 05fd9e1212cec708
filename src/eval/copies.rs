//! The near-duplicate key, measured on the annotated corpus: how many edited copies of an article are told at a distance, and how
//! many pairs of different articles are mistaken for copies there.
//!
//! The edits are what papers do to wire copy. Every article is compared with its own edited copies and with all others. Only
//! articles of at least [`PARAGRAPHS`] paragraphs are taken: a brief that loses one of its two is another text.

use std::fmt::Write;

use serde::Serialize;

use super::{corpus::Annotated, percent};
use crate::enrich::{clean, near_duplicate_key};

/// Hamming distances of the 64-bit keys that the table gives.
pub const DISTANCES: [u32; 6] = [3, 6, 9, 12, 15, 18];

/// Paragraphs an article must have to be measured.
pub const PARAGRAPHS: usize = 3;

/// Shares within each of [`DISTANCES`], per cent.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    /// What was done to the copy; of the last row, nothing: pairs of different articles.
    pub edit: &'static str,
    /// Pairs compared.
    pub pairs: usize,
    /// Pairs at most that far apart, per cent.
    pub within: [f64; DISTANCES.len()],
}

/// An edit: of a text and of another article's text, what a paper would print.
type Edit = fn(&str, &str) -> String;

const EDITS: [(&str, Edit); 5] = [
    ("one word in fifty changed", |text, other| swap_words(text, other, 50)),
    ("one word in twenty changed", |text, other| swap_words(text, other, 20)),
    ("a paragraph added at the end", |text, other| format!("{text}\n\n{}", paragraphs(other).next().unwrap_or_default())),
    ("the last paragraph cut", |text, _| {
        let kept: Vec<&str> = paragraphs(text).collect();
        kept.get(..kept.len().saturating_sub(1).max(1)).unwrap_or_default().join("\n\n")
    }),
    ("a first paragraph of its own", |text, other| {
        paragraphs(other).take(1).chain(paragraphs(text).skip(1)).collect::<Vec<_>>().join("\n\n")
    }),
];

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
}

/// Every nth word (in scripts without spaces: every nth character) comes from another text.
fn swap_words(text: &str, other: &str, nth: usize) -> String {
    let spaced = text.split_whitespace().count() * 12 > text.chars().count();
    let parts = |text: &str| -> Vec<String> {
        if spaced { text.split_whitespace().map(str::to_owned).collect() } else { text.chars().map(String::from).collect() }
    };
    let spare = parts(other);
    let swapped = parts(text).into_iter().enumerate().map(|(index, word)| {
        let replacement = spare.get(index % spare.len().max(1)).filter(|_| index % nth == nth / 2);
        replacement.cloned().unwrap_or(word)
    });
    swapped.collect::<Vec<_>>().join(if spaced { " " } else { "" })
}

/// Scores of all edits, and of the pairs of different articles.
pub fn measure(corpus: &[(String, Vec<Annotated>)]) -> Vec<Score> {
    let whole = |text: &String| paragraphs(text).count() >= PARAGRAPHS;
    let texts: Vec<Vec<String>> = corpus
        .iter()
        .map(|(_, articles)| articles.iter().map(|article| clean(&article.raw).text).filter(whole).collect::<Vec<_>>())
        .filter(|texts| texts.len() > 1)
        .collect();
    let edited = EDITS.iter().map(|(name, edit)| {
        let distances = texts.iter().flat_map(|texts| {
            let others = texts.iter().cycle().skip(1);
            texts.iter().zip(others).map(|(text, other)| distance(near_duplicate_key(text), near_duplicate_key(&edit(text, other))))
        });
        score(name, distances.collect())
    });
    let keys: Vec<u64> = texts.iter().flatten().map(|text| near_duplicate_key(text)).collect();
    let pairs = keys.iter().enumerate().flat_map(|(index, key)| keys.iter().skip(index + 1).map(|other| distance(*key, *other)));
    edited.chain([score("different articles", pairs.collect())]).collect()
}

fn distance(left: u64, right: u64) -> u32 {
    (left ^ right).count_ones()
}

fn score(edit: &'static str, distances: Vec<u32>) -> Score {
    let within = DISTANCES.map(|limit| percent(distances.iter().filter(|distance| **distance <= limit).count(), distances.len()));
    Score { edit, pairs: distances.len(), within }
}

/// The scores as Markdown.
pub fn table(scores: &[Score]) -> String {
    let mut out = String::from("| copy | pairs |");
    for limit in DISTANCES {
        let _infallible = write!(out, " ≤ {limit} bits, % |");
    }
    let _infallible = writeln!(out, "\n|---|---|{}", "---|".repeat(DISTANCES.len()));
    for score in scores {
        let cells: String = score.within.iter().map(|share| format!(" {share:.1} |")).collect();
        let _infallible = writeln!(out, "| {} | {} |{cells}", score.edit, score.pairs);
    }
    out
}
