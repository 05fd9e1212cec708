//! Cleaning, measured on the annotated corpus: characters of noise removed, characters of article lost. White space counts
//! for neither.

use std::{collections::BTreeMap, fmt::Write, ops::Range, path::PathBuf};

use serde::Serialize;

use super::{
    EvalError,
    corpus::{Annotated, parse},
    files, percent, read,
};
use crate::{
    article::Field,
    enrich::{Cut, clean},
};

/// Counts of characters, and the noise that was left by kind.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Score {
    /// Articles measured.
    pub articles: usize,
    /// Characters of noise.
    pub noise: usize,
    /// Characters of noise removed.
    pub removed: usize,
    /// Characters of article.
    pub article: usize,
    /// Characters of article lost.
    pub lost: usize,
    /// Noise by kind: characters, and characters removed.
    pub kinds: BTreeMap<String, (usize, usize)>,
}

impl Score {
    /// Noise removed, per cent.
    pub fn removed_share(&self) -> f64 {
        percent(self.removed, self.noise)
    }

    /// Article lost, per cent.
    pub fn lost_share(&self) -> f64 {
        percent(self.lost, self.article)
    }

    fn add(&mut self, article: &Annotated, mut fault: impl FnMut(&str, &str)) {
        let cuts = clean(&article.raw).removed;
        self.articles += 1;
        for (field, text) in [(Field::Title, article.raw.title.as_deref().unwrap_or_default()), (Field::Text, article.raw.text.as_str())] {
            let cut_at = |at: usize| cuts.iter().any(|cut: &Cut| cut.field == field && cut.range.contains(&at));
            let marks = || article.noise.iter().filter(|(marked, ..)| *marked == field);
            for (at, _) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                let (noise, cut) = (marks().find(|(_, _, range)| range.contains(&at)), cut_at(at));
                match noise {
                    Some((_, kind, _)) => {
                        let (all, removed) = self.kinds.entry(kind.clone()).or_default();
                        *all += 1;
                        *removed += usize::from(cut);
                        self.noise += 1;
                        self.removed += usize::from(cut);
                    }
                    None => {
                        self.article += 1;
                        self.lost += usize::from(cut);
                    }
                }
            }
            let slice = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
            for (_, kind, range) in marks().filter(|(_, _, range)| !(cut_at(range.start) && cut_at(last(text, range)))) {
                fault(&format!("left, {kind}"), slice(range));
            }
            for cut in cuts.iter().filter(|cut| cut.field == field) {
                let inside = |at: usize| marks().any(|(_, _, range)| range.contains(&at));
                let blank = slice(&cut.range).len() - slice(&cut.range).trim_start().len();
                if !inside(cut.range.start + blank) || !inside(last(text, &cut.range)) {
                    fault(&format!("lost, {:?}", cut.reason), slice(&cut.range));
                }
            }
        }
    }
}

/// The last character of a range that is not white space.
fn last(text: &str, range: &Range<usize>) -> usize {
    let part = text.get(range.clone()).unwrap_or_default();
    range.start + part.char_indices().rfind(|(_, c)| !c.is_whitespace()).map_or(0, |(at, _)| at)
}

/// The corpus files of some paths: stem and articles.
///
/// # Errors
/// A file cannot be read or is not of the format.
pub fn corpus(paths: &[PathBuf]) -> Result<Vec<(String, Vec<Annotated>)>, EvalError> {
    let read_file = |path: &PathBuf| {
        let articles = parse(&read(path)?).map_err(|wanted| EvalError::Empty { path: path.clone(), wanted })?;
        Ok((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), articles))
    };
    files(paths, "txt")?.iter().map(read_file).collect()
}

/// Scores by language, of one split or of all. `fault` is told of every mistake: article, what, text.
pub fn measure(
    corpus: &[(String, Vec<Annotated>)],
    split: Option<&str>,
    mut fault: impl FnMut(&str, &str, &str),
) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for (language, articles) in corpus {
        for article in articles.iter().filter(|article| split.is_none_or(|split| split == article.split)) {
            let score = scores.entry(language.clone()).or_default();
            score.add(article, |what, text| fault(&article.id, what, text));
        }
    }
    scores
}

/// The sum of scores.
pub fn total<'a>(scores: impl IntoIterator<Item = &'a Score>) -> Score {
    let mut sum = Score::default();
    for score in scores {
        sum.articles += score.articles;
        sum.noise += score.noise;
        sum.removed += score.removed;
        sum.article += score.article;
        sum.lost += score.lost;
        for (kind, (all, removed)) in &score.kinds {
            let entry = sum.kinds.entry(kind.clone()).or_default();
            *entry = (entry.0 + all, entry.1 + removed);
        }
    }
    sum
}

/// The scores as Markdown.
pub fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut out = String::from("| language | articles | noise removed, % | article lost, % |\n|---|---|---|---|\n");
    let sum = total(scores.values());
    let rows = scores.iter().map(|(name, score)| (name.as_str(), score)).chain([("**all**", &sum)]);
    for (name, score) in rows {
        let _infallible = writeln!(out, "| {name} | {} | {:.1} | {:.2} |", score.articles, score.removed_share(), score.lost_share());
    }
    out.push_str("\n| kind of noise | characters | removed, % |\n|---|---|---|\n");
    for (kind, (all, removed)) in &sum.kinds {
        let _infallible = writeln!(out, "| {kind} | {all} | {:.1} |", percent(*removed, *all));
    }
    out
}
