//! Units: the pieces of a text at whose edges a mention may begin or end, which a tagger labels one by one.
//!
//! A unit is a token, or less where a language writes particles onto a name: Arabic and Hebrew proclitics and Amharic prefixes
//! are cut off in front, Bengali, Tamil and Sorani endings behind, Hangul into syllables. A cut is only an offer: in `وائل` the
//! tagger labels both pieces as one name.

use std::ops::Range;

use crate::enrich::text::{Text, slice};

/// One piece of a text.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Bytes in the source.
    pub(crate) bytes: Range<usize>,
    /// The token it is of.
    pub(crate) token: usize,
    /// Bytes in the folded token.
    pub(crate) fold: Range<usize>,
}

/// Cuts a text into units.
pub(crate) fn units(text: &Text<'_>, language: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(text.len() + text.len() / 4);
    let mut cuts = Vec::new();
    for token in 0..text.len() {
        let folded = text.folded(token);
        let span = text.span(token);
        cuts.clear();
        cuts_of(language, folded, &mut cuts);
        let mut from = (span.start, 0);
        for cut in &cuts {
            let at = text.after_folded(token, slice(folded, 0..*cut).chars().count());
            if at > from.0 && at < span.end {
                units.push(Unit { bytes: from.0..at, token, fold: from.1..*cut });
                from = (at, *cut);
            }
        }
        units.push(Unit { bytes: from.0..span.end, token, fold: from.1..folded.len() });
    }
    units
}

/// Byte positions in a folded word where a mention may begin or end.
fn cuts_of(language: &str, word: &str, cuts: &mut Vec<usize>) {
    let rest = |at: usize| slice(word, at..word.len());
    let prefix = |letters: &str, least: usize, cuts: &mut Vec<usize>| {
        let at = cuts.last().copied().unwrap_or_default();
        let mut chars = rest(at).chars();
        if let Some(first) = chars.next().filter(|first| letters.contains(*first))
            && chars.count() >= least
        {
            cuts.push(at + first.len_utf8());
        }
    };
    match language {
        "ar" => {
            prefix("وف", 3, cuts);
            prefix("بلك", 3, cuts);
        }
        "he" => {
            prefix("ו", 2, cuts);
            prefix("ש", 3, cuts);
            prefix("בלמכה", 2, cuts);
        }
        "am" => {
            prefix("በየከለ", 2, cuts);
            ending(word, &["ንና", "ንም", "ን", "ና", "ም"], cuts);
        }
        "bn" => ending(word, &["গুলোর", "য়ের", "ের", "য়ে", "তে", "কে", "েও", "র", "ে", "য়"], cuts),
        "ta" => ending(word, &["யிலிருந்து", "விலிருந்து", "யின்", "வின்", "யில்", "வில்", "க்கு"], cuts),
        "ckb" => ending(word, &["هكاني", "هكه", "وه", "يش", "دا", "ي", "يان"], cuts),
        _ if word.starts_with(|c: char| ('\u{ac00}'..='\u{d7a3}').contains(&c)) => {
            cuts.extend(word.char_indices().map(|(at, _)| at).skip(1));
        }
        _ => {}
    }
}

/// Cuts the longest of some endings off a word of which at least two letters remain.
fn ending(word: &str, endings: &[&str], cuts: &mut Vec<usize>) {
    let longest = endings.iter().filter_map(|ending| word.strip_suffix(ending)).min_by_key(|stem| stem.len());
    if let Some(stem) = longest.filter(|stem| stem.chars().count() >= 2) {
        cuts.push(stem.len());
    }
}

/// What may remain of a folded Arabic word once its proclitics are stripped, with the number of letters stripped.
///
/// Conjunction, then preposition, then the article; `لل` is `ل` and the article run together. Three letters must remain.
pub(crate) fn proclitics(word: &str) -> Vec<(String, usize)> {
    let mut forms: Vec<(String, usize)> = Vec::new();
    let mut push = |rest: &str, stripped: usize, article: bool| {
        if rest.chars().count() >= 3 {
            forms.push((if article { format!("ال{rest}") } else { rest.to_owned() }, stripped));
        }
    };
    let conjunction = word.strip_prefix(['و', 'ف']);
    if let Some(rest) = conjunction {
        push(rest, 1, false);
    }
    for (stem, offset) in [(Some(word), 0), (conjunction, 1)] {
        let Some(stem) = stem else { continue };
        if let Some(rest) = stem.strip_prefix("لل") {
            push(rest, offset + 1, true);
            push(rest, offset + 2, false);
        }
        if let Some(rest) = stem.strip_prefix(['ب', 'ل', 'ك']) {
            push(rest, offset + 1, false);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(language: &str, source: &str) -> Vec<String> {
        let text = Text::new(source);
        units(&text, language).into_iter().map(|unit| source.get(unit.bytes).unwrap().to_owned()).collect()
    }

    #[test]
    fn cuts_where_particles_are_written_onto_names() {
        for (language, source, expected) in [
            ("ar", "وبالبصرة للأهلي كان", vec!["و", "ب", "البصرة", "ل", "لأهلي", "كان"]),
            ("ar", "وَبَغداد", vec!["وَ", "بَ", "غداد"]),
            ("he", "ובחיפה", vec!["ו", "ב", "חיפה"]),
            ("ko", "부산에서 2명", vec!["부", "산", "에", "서", "2명"]),
            ("bn", "বাংলাদেশের", vec!["বাংলাদেশ", "ের"]),
            ("en", "Hull's port", vec!["Hull", "s", "port"]),
            ("zh", "北京", vec!["北", "京"]),
        ] {
            assert_eq!(pieces(language, source), expected, "{source}");
        }
    }
}
