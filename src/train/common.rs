//! Makes the table of everyday words that are names of people or places somewhere, from labelled texts: `كان` is Cannes and "was".

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{TrainError, entities::conll_files, rows};
use crate::{
    article::Field,
    enrich::{entities::lists::Lists, text::Text},
    eval::labelled::{self, Format},
};

/// Most words of a language.
const MOST: usize = 600;
/// How often a word must stand outside names, and so many times as often as in one.
const LEAST: u32 = 2;
const MORE: u32 = 3;

/// Rows of type `common`, the most frequent words of each language first: those on the shipped lists of names that stand outside names
/// far more often than in one. Where a script has capitals, only words in small letters count as outside; of plain texts (lines of
/// language, tab, text) only such words count.
///
/// # Errors
/// A file cannot be read.
pub fn common(conll: &Path, corpus: &Path, plain: &[PathBuf]) -> Result<Vec<u8>, TrainError> {
    let lists = Lists::shipped();
    let mut counts: BTreeMap<String, HashMap<String, (u32, u32)>> = BTreeMap::new();
    let ours = labelled::load(&[corpus.to_owned()], Format::Corpus, None, Some("train"))?;
    let others = labelled::load(&conll_files(conll), Format::Conll, None, None)?;
    for (source, documents) in ours.iter().chain(&others) {
        let language = source.split(['/', '-']).next().unwrap_or_default();
        let counts = counts.entry(if matches!(language, "nn" | "no") { "nb" } else { language }.to_owned()).or_default();
        for document in documents {
            let Some(mentions) = &document.mentions else { continue };
            for field in [Field::Title, Field::Text] {
                let text = Text::new(document.field(field));
                for token in (0..text.len()).filter(|token| !text.is_ideograph(*token)) {
                    let span = text.span(token);
                    let inside =
                        mentions.iter().any(|(known, _, range)| *known == field && range.start < span.end && span.start < range.end);
                    let (outside, within) = counts.entry(text.folded(token).to_owned()).or_default();
                    if inside {
                        *within += 1;
                    } else if !text.raw(token).starts_with(char::is_uppercase) {
                        *outside += 1;
                    }
                }
            }
        }
    }
    for file in plain {
        for (label, text) in rows(file, "lines of language, tab, text")? {
            let language = label.split('-').next().unwrap_or_default();
            let Some(counts) = counts.get_mut(language) else { continue };
            let text = Text::new(&text);
            for token in (0..text.len()).filter(|token| text.raw(*token).starts_with(char::is_lowercase)) {
                counts.entry(text.folded(token).to_owned()).or_default().0 += 1;
            }
        }
    }
    let mut out = "# Everyday words that are names of people or places too; made by `copydesk train common`, do not edit.\n\
                   # id\ttype\tlanguage\tname\n"
        .to_owned();
    for (language, counts) in &counts {
        let fits = |word: &str| word.chars().filter(|c| c.is_alphabetic()).nth(1).is_some() && lists.has(word);
        let kept = counts.iter().filter(|(word, (outside, within))| *outside >= LEAST && *outside >= MORE * within && fits(word));
        let mut words: Vec<(&String, u32)> = kept.map(|(word, (outside, _))| (word, *outside)).collect();
        words.sort_by_key(|(word, outside)| (std::cmp::Reverse(*outside), *word));
        words.iter().take(MOST).for_each(|(word, _)| out.push_str(&format!("-\tcommon\t{language}\t{word}\n")));
    }
    Ok(out.into_bytes())
}
