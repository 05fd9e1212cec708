//! Clean text from text that a crawler already extracted: line by line, stateless, every removal reported.
//!
//! Precision before recall: losing a sentence of the article is worse than keeping a share button, and cleaning never
//! empties an article. Four faults are mended, in this order: the headline again at the head, photo credits (also glued to
//! a caption without a space), lines that stood before, and page furniture, most of it at the tail.

use std::{collections::HashSet, ops::Range};

use super::{
    furniture::{self, FURNITURE, Rule},
    text::{fold, slice},
};
use crate::article::RemovalReason;

/// Lines at the top among which headline, caption and credit are looked for.
const HEAD_LINES: usize = 6;
/// A line this long that ends like a sentence is the article's, whatever stands above it.
const PROSE_CHARS: usize = 160;

/// The result: clean text, and what was taken out of the raw text, as byte ranges of it in ascending order.
#[derive(Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Clean headline.
    pub title: Option<String>,
    /// Clean body.
    pub text: String,
    /// Removed ranges of the raw body, white space aside.
    pub removed: Vec<(RemovalReason, Range<usize>)>,
}

struct Line {
    /// What is left of the line, as bytes of the raw text; empty once removed.
    range: Range<usize>,
    /// Whether an empty line stood before.
    opens_paragraph: bool,
}

/// Cleans a body, given the headline and the publisher where known.
pub fn clean(title: Option<&str>, source: Option<&str>, raw: &str) -> Cleaned {
    let title = title.map(tidy).filter(|title| !title.is_empty());
    let mut work = Work { raw, lines: lines(raw), removed: Vec::new() };
    if let Some(title) = &title {
        work.remove_title(title);
    }
    work.remove_credits();
    work.remove_repeats();
    // The tail first: a heading of other stories tells where it begins.
    work.remove_tail(source);
    work.remove_related();
    let text = work.text();
    if text.is_empty() {
        // Whatever the rules thought of it, this was all there was.
        return Cleaned { title, text: tidy_lines(raw, &lines(raw)), removed: Vec::new() };
    }
    work.removed.sort_by_key(|(_, range)| range.start);
    Cleaned { title, text, removed: work.removed }
}

struct Work<'a> {
    raw: &'a str,
    lines: Vec<Line>,
    removed: Vec<(RemovalReason, Range<usize>)>,
}

impl Work<'_> {
    fn line(&self, index: usize) -> &str {
        self.lines.get(index).map_or("", |line| slice(self.raw, line.range.clone()))
    }

    /// Indices of the lines that are still there.
    fn kept(&self) -> Vec<usize> {
        (0..self.lines.len()).filter(|index| !self.line(*index).is_empty()).collect()
    }

    fn remove(&mut self, index: usize, reason: RemovalReason) {
        if let Some(line) = self.lines.get_mut(index) {
            let range = std::mem::replace(&mut line.range, 0..0);
            self.removed.push((reason, range));
        }
    }

    /// Removes the first `bytes` of a line.
    fn cut_start(&mut self, index: usize, bytes: usize, reason: RemovalReason) {
        let rest = slice(self.line(index), bytes..self.line(index).len());
        let trimmed = rest.trim_start().len();
        if let Some(line) = self.lines.get_mut(index) {
            self.removed.push((reason, line.range.start..line.range.start + bytes));
            line.range.start = line.range.end - trimmed;
        }
    }

    /// Removes a line from `at` to its end.
    fn cut_end(&mut self, index: usize, at: usize, reason: RemovalReason) {
        let kept = slice(self.line(index), 0..at).trim_end().len();
        if let Some(line) = self.lines.get_mut(index) {
            self.removed.push((reason, line.range.start + at..line.range.end));
            line.range.end = line.range.start + kept;
        }
    }

    fn remove_title(&mut self, title: &str) {
        let keys = title_keys(title);
        let words = fold(title).split(' ').count();
        for index in self.kept().into_iter().take(HEAD_LINES) {
            let line = self.line(index);
            let comparable = line.len() <= 2 * title.len() + 100;
            if comparable && title_keys(line).intersection(&keys).next().is_some() {
                self.remove(index, RemovalReason::RepeatedTitle);
            } else if words >= 4 && line.starts_with(title) {
                self.cut_start(index, title.len(), RemovalReason::RepeatedTitle);
            }
        }
    }

    fn remove_credits(&mut self) {
        let kept = self.kept();
        for (position, index) in kept.iter().copied().enumerate() {
            let line = self.line(index);
            let in_head = position < HEAD_LINES;
            if is_credit_line(line, in_head || position + 1 == kept.len()) {
                self.remove(index, RemovalReason::PhotoCredit);
            } else if in_head && let Some(at) = credit_suffix(line) {
                self.cut_end(index, at, RemovalReason::PhotoCredit);
            }
        }
    }

    fn remove_repeats(&mut self) {
        let mut seen = HashSet::new();
        for (position, index) in self.kept().into_iter().enumerate() {
            let key = fold(self.line(index));
            // Short lines (a score, a refrain, a name in a list) may well repeat on purpose.
            let least = if position < HEAD_LINES { 3 } else { 6 };
            if key.split(' ').count() >= least && !seen.insert(key) {
                self.remove(index, RemovalReason::RepeatedLine);
            }
        }
    }

    fn remove_related(&mut self) {
        for index in self.kept() {
            let Some(line) = furniture::Line::short(self.line(index)) else { continue };
            if FURNITURE.introduces(Rule::Related, &line) {
                self.remove(index, RemovalReason::RelatedLink);
            } else if FURNITURE.is(Rule::Advertisement, &line) {
                self.remove(index, RemovalReason::PageFurniture);
            }
        }
    }

    fn remove_tail(&mut self, source: Option<&str>) {
        let kept = self.kept();
        let total: usize = kept.iter().map(|index| self.line(*index).len()).sum();
        let mut after = 0;
        let mut cut = kept.len();
        for (position, index) in kept.iter().enumerate().rev() {
            let line = self.line(*index);
            if is_prose(line) {
                break;
            }
            after += line.len();
            if after * 5 > total * 2 || position == 0 {
                break;
            }
            if furniture::Line::short(line).is_some_and(|line| FURNITURE.heads_tail(&line)) {
                cut = position;
            }
        }
        for index in kept.get(cut..).unwrap_or_default() {
            self.remove(*index, RemovalReason::PageFurniture);
        }
        for index in kept.iter().take(cut).skip(1).rev() {
            let furniture = furniture::Line::short(self.line(*index)).is_some_and(|line| {
                FURNITURE.is_any(&line) || is_address(line.source()) || source.is_some_and(|source| fold(source) == line.key())
            });
            if !furniture {
                break;
            }
            self.remove(*index, RemovalReason::PageFurniture);
        }
    }

    fn text(&self) -> String {
        tidy_lines(self.raw, &self.lines)
    }
}

fn lines(raw: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut blank = false;
    let mut start = 0;
    for piece in raw.split_inclusive(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let lead = piece.len() - piece.trim_start_matches(is_blank).len();
        let content = piece.trim_matches(is_blank).len();
        if content == 0 {
            // The two halves of CRLF are one line end, not an empty line.
            blank |= !(piece == "\n" && slice(raw, 0..start).ends_with('\r'));
        } else {
            lines.push(Line { range: start + lead..start + lead + content, opens_paragraph: blank && !lines.is_empty() });
            blank = false;
        }
        start += piece.len();
    }
    lines
}

/// Whether a text shows anything at all.
pub(crate) fn is_visible(text: &str) -> bool {
    !text.chars().all(is_blank)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Characters that neither show nor join: noise of editors and trackers. ZWNJ, ZWJ and direction marks stay.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line with single spaces and no invisible characters.
fn tidy(line: &str) -> String {
    let mut tidied = String::with_capacity(line.len());
    for c in line.chars().filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() || c.is_control() {
            if !tidied.is_empty() && !tidied.ends_with(' ') {
                tidied.push(' ');
            }
        } else {
            tidied.push(c);
        }
    }
    tidied.truncate(tidied.trim_end().len());
    tidied
}

fn tidy_lines(raw: &str, lines: &[Line]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut opens_paragraph = false;
    for line in lines {
        opens_paragraph |= line.opens_paragraph;
        let tidied = tidy(slice(raw, line.range.clone()));
        if !tidied.is_empty() {
            if !text.is_empty() {
                text.push_str(if opens_paragraph { "\n\n" } else { "\n" });
            }
            text.push_str(&tidied);
            opens_paragraph = false;
        }
    }
    text
}

/// Folds under which a headline may return: itself, and its longest part where a publisher or a section is set beside it.
fn title_keys(title: &str) -> HashSet<String> {
    let mut keys = HashSet::from([fold(title)]);
    for separator in [" - ", " – ", " — ", " | ", " · ", ": "] {
        let longest = title.split(separator).max_by_key(|part| part.len()).unwrap_or(title);
        if longest.len() * 5 > title.len() * 3 && fold(longest).split(' ').count() >= 4 {
            keys.insert(fold(longest));
        }
    }
    keys.remove("");
    keys
}

/// A line that is nothing but a credit. A bare agency name is one only where credits stand (`bare_counts`).
fn is_credit_line(source: &str, bare_counts: bool) -> bool {
    let short = source.len() <= 320 && source.chars().count() <= 80 && !ends_sentence(source);
    let Some(line) = short.then(|| furniture::Line::short(source)).flatten() else { return false };
    let labelled = FURNITURE.introduces(Rule::CreditLabel, &line);
    let marked = labelled || source.contains(['©', '®']);
    FURNITURE.is(Rule::Credit, &line) && (bare_counts || marked)
        || source.split_once('/').is_some_and(|(first, _)| FURNITURE.has(Rule::Credit, &fold(first)))
        || marked && (labelled || source.starts_with(['©', '®'])) && FURNITURE.ends(Rule::Credit, &line)
        || labelled && line.key().split(' ').count() <= 6
}

/// Where a credit begins that ends a caption: glued to it, or set off by a mark.
fn credit_suffix(line: &str) -> Option<usize> {
    if line.chars().count() > 300 || ends_sentence(line) {
        return None;
    }
    let end = line.trim_end_matches([')', ']', '）', ' ']).len();
    let body = slice(line, 0..end);
    let found = FURNITURE.credits().filter(|credit| body.ends_with(credit.as_str())).max_by_key(|credit| credit.len())?;
    let at = body.len() - found.len();
    let caption = slice(body, 0..at);
    if caption.chars().count() < 10 {
        return None;
    }
    let before = caption.chars().next_back()?;
    let first = found.chars().next()?;
    // A capital after a small letter, or a long name of a script without capitals run onto a word, is never one word.
    let glued = before.is_alphabetic()
        && (first.is_uppercase() && before.is_lowercase() || !first.is_uppercase() && !first.is_lowercase() && found.chars().count() >= 6);
    if glued {
        return Some(at);
    }
    let trimmed = caption.trim_end();
    let marks = ['©', '/', '|', '(', '[', '（'];
    trimmed.ends_with(marks).then(|| trimmed.trim_end_matches(marks).trim_end().len()).filter(|at| *at > 0)
}

fn ends_sentence(line: &str) -> bool {
    line.trim_end_matches(['"', '”', '»', '’', '」', '』', ')', ' '])
        .ends_with(['.', '!', '?', '؟', '。', '！', '？', '।', '…', '۔', '։', '።'])
}

fn is_prose(line: &str) -> bool {
    ends_sentence(line)
        && line.chars().count() >= if line.chars().any(|c| ('\u{3000}'..='\u{9fff}').contains(&c)) { PROSE_CHARS / 3 } else { PROSE_CHARS }
}

/// A line that is nothing but a web address.
fn is_address(line: &str) -> bool {
    let bare = line.trim_start_matches("https://").trim_start_matches("http://");
    !line.contains(char::is_whitespace) && (bare.len() < line.len() || line.starts_with("www.") || is_domain(bare))
}

fn is_domain(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        && labels.last().is_some_and(|top| top.len() >= 2 && top.chars().all(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "The council approved the new budget after a long debate on Tuesday evening in the town hall.";

    #[test]
    fn removes_the_headline_again() {
        for (title, head) in [
            ("Council approves new budget", "Council approves new budget\n"),
            ("Council approves new budget", "COUNCIL APPROVES NEW BUDGET\n\n"),
            ("Council approves new budget - The Herald", "Council approves new budget\n"),
            ("Council approves new budget", "Opinion | Council approves new budget\n"),
            ("Council approves new budget", "Council approves new budget"),
        ] {
            let cleaned = clean(Some(title), None, &format!("{head}{BODY}"));
            assert_eq!(cleaned.text, BODY, "{title} / {head}");
            assert_eq!(cleaned.removed.first().map(|(reason, _)| *reason), Some(RemovalReason::RepeatedTitle));
        }
    }

    #[test]
    fn removes_credits_glued_and_apart() {
        for (raw, expected) in [
            ("وزير المالية خلال مؤتمر صحفي في العاصمةرويترز\n\nنص", "وزير المالية خلال مؤتمر صحفي في العاصمة\n\nنص"),
            ("The minister leaves the palaceAFP\n\nText", "The minister leaves the palace\n\nText"),
            ("The minister leaves the palace (Reuters)\n\nText", "The minister leaves the palace\n\nText"),
            ("Ein Bus steht im Wasser © dpa\n\nText", "Ein Bus steht im Wasser\n\nText"),
            ("Photo: Reuters\n\nText", "Text"),
            ("REUTERS/Jane Roe\n\nText", "Text"),
            ("Foto: Max Muster/dpa\n\nText", "Text"),
        ] {
            assert_eq!(clean(None, None, raw).text, expected);
        }
    }

    #[test]
    fn keeps_agencies_that_are_the_story() {
        for raw in
            ["The report was first published by Reuters", "قالت وكالة رويترز إن الاجتماع انتهى", "A new chief executive was named at AFP."]
        {
            assert_eq!(clean(None, None, raw).text, raw);
        }
    }

    #[test]
    fn removes_the_tail_and_only_the_tail() {
        let raw = format!(
            "{BODY}\n\nRead also: Ten more stories\n\n{BODY} It was late.\n\nMost read\nFirst story\nSecond story\nlogo\nwww.example.com"
        );
        let cleaned = clean(None, None, &raw);
        assert_eq!(cleaned.text, format!("{BODY}\n\n{BODY} It was late."));
        let reasons: Vec<_> = cleaned.removed.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(reasons.first(), Some(&RemovalReason::RelatedLink));
        assert!(reasons.iter().skip(1).all(|reason| *reason == RemovalReason::PageFurniture));
        let early = format!("Most read\n\n{}", format!("{BODY} {BODY}\n\n").repeat(1));
        assert!(clean(None, None, &early).text.starts_with("Most read"), "a heading above prose is not a tail");
    }

    #[test]
    fn never_empties_an_article() {
        for raw in ["Most read", "رويترز", "logo\nlogo", "www.example.com"] {
            assert!(!clean(Some("Most read"), None, raw).text.is_empty(), "{raw}");
        }
    }

    #[test]
    fn tidies_white_space_and_control_characters() {
        assert_eq!(clean(None, None, "\u{feff}one\u{a0}\u{a0}two\u{0}\r\nthree\r\n\r\n\r\nfour\u{200b}").text, "one two\nthree\n\nfour");
    }

    #[test]
    fn removed_ranges_point_into_the_raw_text() {
        let raw = "Council approves new budget\nCouncil approves new budgetAFP\n\nText of the article.";
        let cleaned = clean(None, None, raw);
        assert_eq!(cleaned.text, "Council approves new budget\n\nText of the article.");
        let texts: Vec<_> = cleaned.removed.iter().map(|(reason, range)| (*reason, slice(raw, range.clone()))).collect();
        assert_eq!(texts, [(RemovalReason::RepeatedLine, "Council approves new budget"), (RemovalReason::PhotoCredit, "AFP")]);
    }
}
