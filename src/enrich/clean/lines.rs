//! Lines: a raw text cut into them, told apart by their form, and put together again with white space and invisible characters
//! tidied.

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
    /// What it looks like, likewise.
    pub(super) form: OnceCell<Form>,
}

/// A line this long that ends like a sentence is the article's, whatever stands above it.
pub(super) const PROSE_CHARS: usize = 60;
/// A line after 'read also:' up to this long that does not end like a sentence is the link.
pub(super) const LINK_CHARS: usize = 150;

/// What a line looks like, whatever it says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    /// Characters.
    pub(super) chars: usize,
    /// Whether it holds ideographs, kana or hangul.
    pub(super) ideographic: bool,
    /// Whether it ends like a sentence.
    pub(super) stopped: bool,
    /// Whether it is running text by its length and its end; some scripts have no full stop.
    pub(super) prose: bool,
    /// Whether it is running text, or a shorter sentence that is more than an abbreviation.
    pub(super) running: bool,
}

impl Form {
    pub(super) fn of(line: &str) -> Self {
        let (mut chars, mut ideographic, mut unspaced) = (line.len(), false, false);
        if !line.is_ascii() {
            chars = 0;
            for c in line.chars() {
                chars += 1;
                ideographic |= is_ideographic(c);
                unspaced |= matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}');
            }
        }
        let stopped = ends_sentence(line);
        let least = if ideographic { PROSE_CHARS / 3 } else { PROSE_CHARS };
        let prose = unspaced && chars >= PROSE_CHARS / 2 || chars >= least && stopped || chars > LINK_CHARS + 10;
        let closed = line.trim_end_matches(['"', '”', '»', '’', '“', '」', '』', ')', '）', ' ']);
        let sentence = closed.ends_with(['.', '。', '।', '۔', '…', '։', '።']) && chars >= if ideographic { 8 } else { 20 };
        Self { chars, ideographic, stopped, prose, running: prose || sentence }
    }

    /// Whether it is shorter than running text is.
    pub(super) fn is_short(self) -> bool {
        self.chars < if self.ideographic { PROSE_CHARS / 3 } else { PROSE_CHARS }
    }
}

pub(super) fn is_ideographic(c: char) -> bool {
    ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ac00}'..='\u{d7a3}').contains(&c)
}

pub(super) fn ends_sentence(line: &str) -> bool {
    // A colon serves as the Armenian full stop.
    let armenian = line.strip_suffix(':').is_some_and(|line| line.ends_with(|c| matches!(c, '\u{561}'..='\u{587}')));
    let closed = line.trim_end_matches(['"', '”', '»', '’', '」', '』', ')', ' ']);
    armenian || closed.ends_with(['.', '!', '?', '؟', '。', '！', '？', '।', '…', '۔', '։', '።'])
}

pub(super) fn lines(raw: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(raw.len() / 128 + 8);
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
                form: OnceCell::new(),
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
    tidy_into(line, &mut tidied);
    tidied
}

fn tidy_into(line: &str, text: &mut String) {
    let start = text.len();
    let mut copied = 0;
    for (at, c) in line.char_indices() {
        // Letters, figures, marks: copied in whole runs.
        if c > ' ' && c < '\u{7f}' || c > '\u{ad}' && !matches!(c, '\u{1680}' | '\u{2000}'..='\u{206f}' | '\u{3000}' | '\u{feff}') {
            continue;
        }
        let blank = c.is_whitespace() || c.is_control();
        if !blank && !is_invisible(c) {
            continue;
        }
        text.push_str(slice(line, copied..at));
        copied = at + c.len_utf8();
        if blank && text.len() > start && !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text.push_str(slice(line, copied..line.len()));
    let end = slice(text, start..text.len()).trim_end().len();
    text.truncate(start + end);
}

pub(super) fn tidy_lines(raw: &str, lines: &[Line<'_>]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut opens_paragraph = false;
    for line in lines {
        opens_paragraph |= line.opens_paragraph;
        let before = text.len();
        if before > 0 {
            text.push_str(if opens_paragraph { "\n\n" } else { "\n" });
        }
        let start = text.len();
        tidy_into(slice(raw, line.range.clone()), &mut text);
        if text.len() == start {
            text.truncate(before);
        } else {
            opens_paragraph = false;
        }
    }
    text
}
