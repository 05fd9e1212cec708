//! People the gazetteer has never seen, found by their names: a known given name and what follows it.
//!
//! Scripts with capitals: a given name and one to three capitalised words after it. Arabic script has no capitals, so the
//! evidence must be stronger: two given names and a family name, or a title or a verb of speech before the name.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::LazyLock,
};

use super::{gazetteer::joins, inflect::inflections};
use crate::enrich::text::{Text, fold, light_fold};

struct Lists {
    given: HashSet<String>,
    arabic: HashMap<&'static str, HashSet<String>>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut lists = Lists { given: HashSet::new(), arabic: HashMap::new() };
    for line in include_str!("../data/names.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('|').map(str::trim);
        let (Some(kind), Some(script), Some(words)) = (cells.next(), cells.next(), cells.next()) else { continue };
        for word in words.split(',').map(str::trim) {
            match (kind, script) {
                (kind, "Arab") => {
                    lists.arabic.entry(kind).or_default().insert(light_fold(word));
                }
                (_, "Cyrl") => lists.given.extend(inflections(word).iter().map(|form| fold(form))),
                _ => {
                    lists.given.insert(fold(word));
                }
            }
        }
    }
    lists
});

/// Particles inside names; lower case or not.
const PARTICLES: [&str; 22] = [
    "de", "del", "da", "dos", "di", "van", "von", "der", "den", "la", "le", "bin", "ben", "ibn", "al", "el", "abu", "ter", "du", "zu",
    "dela", "st",
];

/// Whether a token is a given name of the list.
pub(super) fn is_given(text: &Text<'_>, token: usize, language: &str) -> bool {
    if matches!(language, "ar" | "fa" | "ur") {
        let word = light_fold(text.raw(token));
        return LISTS.arabic.get("given").is_some_and(|names| names.contains(word.as_str()));
    }
    LISTS.given.contains(text.folded(token))
}

/// Token ranges of person names.
pub(super) fn find(text: &Text<'_>, language: &str) -> Vec<Range<usize>> {
    if matches!(language, "ar" | "fa" | "ur") { arabic(text) } else { capitalised(text, language) }
}

fn capitalised(text: &Text<'_>, language: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut token = 0;
    while token < text.len() {
        if !(is_name(text, token) && LISTS.given.contains(text.folded(token))) {
            token += 1;
            continue;
        }
        // German writes every noun with a capital, so a name there ends with its first unknown word.
        let longest = 4;
        let mut end = token + 1;
        let mut words = 1;
        while end < text.len() && words < longest && joins(text.gap_before(end)) && !text.gap_before(end).contains(['"', '&']) {
            if text.gap_before(end).contains('.') && text.raw(end - 1).chars().count() > 2 {
                break;
            }
            // 'der' and 'la' are articles, unless another particle stands before them.
            let article = matches!(text.folded(end), "der" | "den" | "la" | "le") && !PARTICLES.contains(&text.folded(end - 1));
            let particle = !article
                && PARTICLES.contains(&text.folded(end))
                && (end + 1..(end + 4).min(text.len()))
                    .take_while(|next| joins(text.gap_before(*next)))
                    .find(|next| !PARTICLES.contains(&text.folded(*next)))
                    .is_some_and(|next| is_name(text, next));
            let before = text.folded(end - 1);
            let complete = words >= 2 && !LISTS.given.contains(before) && !PARTICLES.contains(&before) && before.chars().count() > 1;
            if language == "de" && complete {
                break;
            }
            if is_name(text, end) && !is_possessive(text, end) {
                words += 1;
            } else if !particle {
                break;
            }
            end += 1;
        }
        // 'Karl-Liebknecht-Straße' is one word, and no person.
        let spaced = (token + 1..end).any(|next| text.gap_before(next).contains([' ', '\u{a0}']));
        if words >= 2 && spaced {
            found.push(token..end);
            token = end;
        } else {
            token += 1;
        }
    }
    found
}

/// A capitalised word that is not all capitals: `NATO` is no surname. An initial is.
fn is_name(text: &Text<'_>, token: usize) -> bool {
    let raw = text.raw(token);
    text.is_capitalised(token)
        && (raw.chars().count() == 1 || raw.chars().any(char::is_lowercase))
        && !raw.chars().any(|c| c.is_ascii_digit())
}

/// The `s` of `Maria's`.
fn is_possessive(text: &Text<'_>, token: usize) -> bool {
    text.gap_before(token).contains(['\'', '’']) && text.raw(token).chars().all(char::is_lowercase)
}

fn arabic(text: &Text<'_>) -> Vec<Range<usize>> {
    let in_list = |kind: &str, word: &str| LISTS.arabic.get(kind).is_some_and(|words| words.contains(word));
    let light: Vec<String> = (0..text.len()).map(|token| light_fold(text.raw(token))).collect();
    let word = |token: usize| light.get(token).map(String::as_str).unwrap_or_default();
    let given = |token: usize| in_list("given", word(token)) || in_list("given", word(token).trim_start_matches("و"));
    let adjacent = |token: usize| token < text.len() && matches!(text.gap_before(token), " " | "\u{200c}");
    // A middle name no list knows, between a given name and a family name.
    let middle = |at: usize| {
        word(at).chars().count() >= 3
            && !word(at).starts_with("ال")
            && !["common", "said", "cue"].iter().any(|kind| in_list(kind, word(at)))
    };
    let family_at = |at: usize| {
        let next = word(at);
        next.chars().count() >= 4 && next.starts_with("ال") && !in_list("common", next) && !in_list("cue", next)
    };
    let mut found = Vec::new();
    let mut token = 0;
    while token < text.len() {
        if !in_list("given", word(token)) {
            token += 1;
            continue;
        }
        let mut end = token + 1;
        let mut names = 1;
        let mut family = false;
        while adjacent(end) && end - token < 5 && !family {
            let next = word(end);
            if matches!(next, "بن" | "ابن" | "ابو" | "ال" | "بنت" | "ولد") && adjacent(end + 1) {
                end += 1;
            } else if given(end) && !in_list("cue", next) {
                names += 1;
            } else if family_at(end) {
                family = true;
            } else {
                break;
            }
            end += 1;
        }
        let mut introduced_only = false;
        if !family && adjacent(end) && middle(end) && adjacent(end + 1) && family_at(end + 1) {
            end += 2;
            introduced_only = true;
        }
        let introduced = (token.saturating_sub(3)..token).any(|before| in_list("cue", word(before)))
            || (token > 0 && in_list("said", word(token - 1)) && adjacent(token));
        let enough = names >= 2 && family || names >= 3 || introduced && (names >= 2 || family || introduced_only);
        if enough {
            found.push(token..end);
        }
        token = end.max(token + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(language: &str, source: &str) -> Vec<String> {
        let text = Text::new(source);
        find(&text, language)
            .into_iter()
            .map(|tokens| source.get(text.span(tokens.start).start..text.span(tokens.end - 1).end).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn finds_unknown_people() {
        for (language, source, expected) in [
            ("ar", "يقول المحلل السياسي محمد علي الحكيم لـ\"وكالة\"", vec!["محمد علي الحكيم"]),
            ("ar", "وقال سامي الخطيب إن الاجتماع", vec![]),
            ("ar", "قال سامي الخطيب إن الاجتماع", vec!["سامي الخطيب"]),
            ("ar", "على العراقي أن يعلم", vec![]),
            ("ar", "وقال المتحدث باسم المجلس عثمان جبارة الطاهر إن الحكومة", vec!["عثمان جبارة الطاهر"]),
            ("ar", "قال محمد إن الحكومة", vec![]),
            ("en", "said Maria Lopez de la Cruz, a nurse", vec!["Maria Lopez de la Cruz"]),
            ("en", "John said that Mary left. Thomas Greene stayed", vec!["Thomas Greene"]),
            ("de", "sagte Katharina Vogel der Zeitung", vec!["Katharina Vogel"]),
            ("de", "wie Elizabeth Wolkovich von der Universität sagte", vec!["Elizabeth Wolkovich"]),
            ("de", "in der Karl-Liebknecht-Straße bei Hasan Salić Nationalspieler", vec!["Hasan Salić"]),
            ("de", "sagte Ursula von der Heyden, wie Karl Heinz Moser", vec!["Ursula von der Heyden", "Karl Heinz Moser"]),
            ("fr", "a déclaré Jean-Luc Moreau", vec!["Jean-Luc Moreau"]),
            ("ru", "заявил Сергею Воронцову", vec!["Сергею Воронцову"]),
            ("tr", "Mehmet Yıldız'ın evi", vec!["Mehmet Yıldız"]),
        ] {
            assert_eq!(people(language, source), expected, "{source}");
        }
    }
}
