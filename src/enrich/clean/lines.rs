//! Lines: a raw text cut into them, and put together again with white space and invisible characters tidied.

use std::{cell::OnceCell, ops::Range};

use super::{super::text::slice, furniture};

/// One line that shows something.
pub(super) struct Line<'a> {
    /// What is left of the line, as bytes of the raw text; empty once removed.
    pub(super) range: Range<usize>,
    /// Whether an empty line stood before.
    pub(super) opens_paragraph: bool,
    /// The line as the rules want it, made when the first of them asks.
    pub(super) prepared: OnceCell<Option<furniture::Line<'a>>>,
}

pub(super) fn lines(raw: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut blank = false;
    let mut start = 0;
    for piece in raw.split_inclusive(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let lead = piece.len() - piece.trim_start_matches(is_blank).len();
        let content = piece.trim_matches(is_blank).len();
        if content == 0 {
            // The two halves of CRLF are one line end, not an empty line.
            blank |= !(piece == "\n" && slice(raw, 0..start).ends_with('\r'));
        } else {
            lines.push(Line {
                range: start + lead..start + lead + content,
                opens_paragraph: blank && !lines.is_empty(),
                prepared: OnceCell::new(),
            });
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
pub(super) fn tidy(line: &str) -> String {
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

pub(super) fn tidy_lines(raw: &str, lines: &[Line<'_>]) -> String {
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
