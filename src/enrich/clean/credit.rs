//! Photo credits that end a caption.
//!
//! A bare name proves nothing: there must be brackets, a label, a mark, or the glue between two words that are not one.

use super::{
    super::text::{fold, slice},
    ends_sentence,
    furniture::{FURNITURE, Line, Rule},
    is_ideographic,
};

/// Where a credit begins that ends a caption: in brackets, after its label, set off by a mark, or glued to the last word.
pub(super) fn suffix(line: &str, site: &[String]) -> Option<usize> {
    if line.chars().count() > 300 || ends_sentence(line) {
        return None;
    }
    let found =
        bracketed(line, site).or_else(|| labelled(line)).or_else(|| signed(line, site)).or_else(|| glued(line)).or_else(|| marked(line))?;
    let caption = slice(line, 0..found).trim_end_matches([' ', '\u{a0}', '-', '–', '—', '|', '/']);
    let least = if caption.chars().any(is_ideographic) { 5 } else { 10 };
    (caption.chars().count() >= least).then_some(caption.len())
}

/// `(Photo by A/AFP)`, `（撮影・A）`.
fn bracketed(line: &str, site: &[String]) -> Option<usize> {
    let close = line.trim_end().chars().next_back()?;
    let open = match close {
        ')' => '(',
        ']' => '[',
        '）' => '（',
        '】' => '【',
        _ => return None,
    };
    let at = line.rfind(open)?;
    let inside = slice(line, at + open.len_utf8()..line.trim_end().len() - close.len_utf8());
    let credit = Line::short(inside)?;
    let signed = inside.split(['/', ',']).any(|part| FURNITURE.signs(part, site));
    // '(Render: the ministry)'.
    let label = inside.split_once(": ").or_else(|| inside.split_once('：')).is_some_and(|(label, name)| {
        (1..=2).contains(&label.split_whitespace().count()) && (1..=6).contains(&name.split_whitespace().count())
    });
    (label
        || FURNITURE.is(Rule::Credit, &credit)
        || signed && inside.chars().count() <= 40
        || FURNITURE.lead(Rule::CreditLabel, &credit).is_some())
    .then_some(at)
}

/// `Caption. A BEE (EFE)`, `Caption. A. Bee / AFP`, `caption（place）＝A`: the photographer and the agency after a caption.
fn signed(line: &str, site: &[String]) -> Option<usize> {
    if let Some((caption, name)) = line.rsplit_once(['＝', '='])
        && FURNITURE.signs(name, site)
    {
        let place = caption.rfind(['（', '(']).filter(|_| caption.ends_with(['）', ')']));
        return Some(place.unwrap_or(caption.len()));
    }
    // 'caption AGENCY / A Bee'.
    if let Some((before, name)) = line.rsplit_once(" / ")
        && (1..=5).contains(&name.split_whitespace().count())
        && name.starts_with(char::is_uppercase)
        && let Some(agency) = FURNITURE.printed_at_end(before).filter(|agency| agency.starts_with(char::is_uppercase))
        && slice(before, 0..before.len() - agency.len()).ends_with(' ')
    {
        return Some(before.len() - agency.len());
    }
    let (at, mark) = line.char_indices().rfind(|(_, c)| matches!(c, '.' | '。' | '—' | '|'))?;
    let credit = slice(line, at + mark.len_utf8()..line.len()).strip_prefix([' ', '\u{a0}'])?;
    let (name, agency) = credit.trim().trim_end_matches([')', '）']).rsplit_once(['(', '（', '/', ','])?;
    let names = name.split_whitespace().count() <= 4 && name.split_whitespace().all(|word| word.starts_with(char::is_uppercase));
    // A full stop is the caption's.
    let end = if matches!(mark, '.' | '。') { at + mark.len_utf8() } else { at };
    (names && FURNITURE.signs(agency.trim(), site)).then_some(end)
}

/// `Foto: A/dpa` after a caption, with or without a space before it.
fn labelled(line: &str) -> Option<usize> {
    // As Japanese papers have it: '＝place, photographed by A'.
    if let Some((at, _)) = line.char_indices().rfind(|(_, c)| matches!(c, '＝' | '='))
        && ["撮影", "提供"].iter().any(|end| line.ends_with(end))
    {
        return Some(at);
    }
    // A caption that is a sentence, and its credit after it.
    if let Some((at, stop)) = line.char_indices().rfind(|(at, c)| match c {
        '.' => slice(line, at + 1..line.len()).starts_with(' '),
        c => *c == '。',
    }) {
        let at = at + stop.len_utf8();
        let rest = slice(line, at..line.len());
        let credit = Line::short(rest.trim())?;
        let named = ["撮影", "提供", "攝影", "摄影", "攝", "摄"].iter().any(|end| rest.ends_with(end)) && rest.chars().count() <= 16;
        if named || credit.words() <= 7 && !credit.is_dense() && FURNITURE.lead(Rule::CreditLabel, &credit).is_some() {
            return Some(at);
        }
    }
    for (at, mark) in line.char_indices().filter(|(_, c)| matches!(c, ':' | '：' | '=' | '.')) {
        let name = slice(line, at + mark.len_utf8()..line.len()).trim();
        if name.is_empty() || name.chars().count() > 50 || name.split_whitespace().count() > 7 {
            continue;
        }
        let before = slice(line, 0..at).trim_end();
        let starts = before.char_indices().rev().take(24).map(|(start, _)| start);
        let label = starts.filter(|start| {
            let label = slice(before, *start..before.len());
            // A full stop ends an abbreviation here.
            label.chars().next().is_some_and(char::is_alphabetic)
                && (mark != '.' || ["fot", "Fot", "foto", "Foto", "Ph", "ph"].contains(&label))
                && FURNITURE.has(Rule::CreditLabel, &fold(label))
                && begins_word(before, *start)
        });
        if let Some(start) = label.last() {
            return Some(start);
        }
    }
    None
}

/// Whether a word begins at a byte: after no letter, or with a capital after a small letter, or in a script without capitals.
fn begins_word(line: &str, at: usize) -> bool {
    let before = slice(line, 0..at).chars().next_back();
    let first = slice(line, at..line.len()).chars().next();
    match (before, first) {
        (Some(before), Some(first)) if before.is_alphabetic() => {
            before.is_lowercase() && first.is_uppercase() || !first.is_lowercase() && !first.is_uppercase()
        }
        _ => true,
    }
}

/// `…the palaceAFP`, `…quelque partAgence/A`: a capital after a small letter is never one word.
fn glued(line: &str) -> Option<usize> {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if before.is_lowercase() && c.is_uppercase() {
            let rest = slice(line, at..line.len());
            let signed = rest.contains('/') && rest.chars().count() <= 50 && rest.split_whitespace().count() <= 6;
            let labelled = || {
                let credit = Line::short(rest)?;
                (credit.words() <= 7 && FURNITURE.lead(Rule::CreditLabel, &credit)? < credit.words()).then_some(())
            };
            if signed || FURNITURE.has(Rule::Credit, &fold(rest)) || labelled().is_some() {
                return Some(at);
            }
        }
        before = c;
    }
    None
}

/// `… © AFP`, `… / رويترز`, and long names of a script without capitals run onto a word.
fn marked(line: &str) -> Option<usize> {
    if let Some((at, _)) = line.char_indices().rfind(|(_, c)| matches!(c, '©' | 'ⓒ'))
        && slice(line, at..line.len()).split_whitespace().count() <= 7
    {
        return Some(at);
    }
    let found = FURNITURE.printed_at_end(line)?;
    let at = line.len() - found.len();
    let caption = slice(line, 0..at);
    let before = caption.chars().next_back()?;
    let first = found.chars().next()?;
    if before.is_alphabetic() && !first.is_uppercase() && !first.is_lowercase() && found.chars().count() >= 6 {
        return Some(at);
    }
    let trimmed = caption.trim_end();
    let marks = ['©', '/', '|'];
    trimmed.ends_with(marks).then(|| trimmed.trim_end_matches(marks).trim_end().len()).filter(|at| *at > 0)
}
