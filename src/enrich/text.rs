//! Text: tokens with byte spans into the source, and a folded form of each, made once and shared by all enrichers.
//!
//! - Scripts that write spaces give one token a word; Han, Hiragana, Thai, Lao, Khmer and Burmese give one token a
//!   character (with its marks), so that one token-anchored matcher serves both.
//! - A fold maps what readers hold equal: case, Latin accents, Arabic letter variants and marks, traditional Chinese.
//! - Offsets are bytes of the source inside the core; [`OffsetUnit`] converts them at the edge.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_script::{Script, UnicodeScript};

/// A source text and its tokens.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    folded: String,
}

/// One token: its bytes in the source and its folded form.
#[derive(Debug, Clone)]
struct Token {
    span: Range<usize>,
    fold: Range<usize>,
    ideograph: bool,
}

impl<'a> Text<'a> {
    /// Splits a source into tokens.
    pub(crate) fn new(source: &'a str) -> Self {
        let mut text = Self { source, tokens: Vec::with_capacity(source.len() / 6), folded: String::with_capacity(source.len()) };
        let mut open: Option<(usize, Class)> = None;
        for (at, c) in source.char_indices() {
            let class = classify(c);
            match (open, class) {
                (Some((_, Class::Ideograph | Class::Word | Class::Katakana)), Class::Mark) => {}
                (Some((_, was)), Class::Word | Class::Katakana) if was == class => {}
                (previous, class) => {
                    if let Some((start, was)) = previous {
                        text.push(start..at, was == Class::Ideograph);
                    }
                    open = match class {
                        Class::Other => None,
                        Class::Mark => Some((at, Class::Word)),
                        class => Some((at, class)),
                    };
                }
            }
        }
        if let Some((start, was)) = open {
            text.push(start..source.len(), was == Class::Ideograph);
        }
        text
    }

    fn push(&mut self, span: Range<usize>, ideograph: bool) {
        let start = self.folded.len();
        let word = slice(self.source, span.clone());
        if word.is_ascii() {
            self.folded.extend(word.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            for c in word.chars() {
                fold_char(c, &mut |folded| self.folded.push(folded));
            }
        }
        self.tokens.push(Token { span, fold: start..self.folded.len(), ideograph });
    }

    /// The source text.
    pub(crate) fn source(&self) -> &'a str {
        self.source
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Bytes of a token in the source.
    pub(crate) fn span(&self, token: usize) -> Range<usize> {
        self.tokens.get(token).map_or(0..0, |t| t.span.clone())
    }

    /// The token as written.
    pub(crate) fn raw(&self, token: usize) -> &'a str {
        slice(self.source, self.span(token))
    }

    /// The token folded.
    pub(crate) fn folded(&self, token: usize) -> &str {
        self.tokens.get(token).map_or("", |t| slice(&self.folded, t.fold.clone()))
    }

    /// What stands between a token and the one before it.
    pub(crate) fn gap_before(&self, token: usize) -> &'a str {
        let start = if token == 0 { 0 } else { self.span(token - 1).end };
        slice(self.source, start..self.span(token).start)
    }

    /// Whether the token is one character of a script without spaces.
    pub(crate) fn is_ideograph(&self, token: usize) -> bool {
        self.tokens.get(token).is_some_and(|t| t.ideograph)
    }

    /// Whether the token starts with a capital, in a script that has them.
    pub(crate) fn is_capitalised(&self, token: usize) -> bool {
        self.raw(token).chars().next().is_some_and(char::is_uppercase)
    }

    /// Byte position in the source after the first `count` folded characters of a token.
    pub(crate) fn after_folded(&self, token: usize, count: usize) -> usize {
        let span = self.span(token);
        let mut seen = 0;
        for (at, c) in self.raw(token).char_indices() {
            let mut width = 0;
            fold_char(c, &mut |_| width += 1);
            if seen >= count && width > 0 {
                return span.start + at;
            }
            seen += width;
        }
        span.end
    }
}

/// A slice that is empty, rather than a panic, where the range does not fit.
pub(crate) fn slice(source: &str, range: Range<usize>) -> &str {
    source.get(range).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Katakana,
    Ideograph,
    Mark,
    Other,
}

fn classify(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Other };
    }
    match c {
        // The letters of most news, told without a look into the Unicode tables: this is the hottest line of the core.
        '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' => Class::Word,
        '\u{5d0}'..='\u{5ea}' | '\u{620}'..='\u{63f}' | '\u{641}'..='\u{64a}' | '\u{671}'..='\u{6d3}' | '\u{ac00}'..='\u{d7a3}' => {
            Class::Word
        }
        '\u{3041}'..='\u{3096}' | '\u{4e00}'..='\u{9fff}' => Class::Ideograph,
        'ー' | 'ァ'..='ヺ' | 'ｦ'..='ﾟ' => Class::Katakana,
        _ if is_combining_mark(c) || c == '\u{640}' => Class::Mark,
        _ if is_unspaced(c) => Class::Ideograph,
        _ if c.is_alphanumeric() => Class::Word,
        _ => Class::Other,
    }
}

/// Whether a character is a letter or ideograph, for counting.
pub(super) fn is_letter(c: char) -> bool {
    !c.is_ascii_digit() && matches!(classify(c), Class::Word | Class::Katakana | Class::Ideograph)
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{309f}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
        && c.is_alphabetic()
}

/// Folds a string: its tokens' folds joined by single spaces. Keys and text go through the same function.
pub(crate) fn fold(source: &str) -> String {
    let text = Text::new(source);
    let mut key = String::with_capacity(source.len());
    for token in 0..text.len() {
        if token > 0 {
            key.push(' ');
        }
        key.push_str(text.folded(token));
    }
    key
}

/// Folds one character, giving none, one or several.
fn fold_char(c: char, emit: &mut impl FnMut(char)) {
    if c.is_ascii() {
        return emit(c.to_ascii_lowercase());
    }
    match c {
        // Arabic: marks, tatweel and the superscript alef go; letter variants meet.
        '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{640}' => {}
        'أ' | 'إ' | 'آ' | 'ٱ' => emit('ا'),
        'ى' | 'ی' | 'ې' | 'ئ' => emit('ي'),
        'ک' => emit('ك'),
        'ة' | 'ۀ' | 'ہ' | 'ھ' | 'ە' => emit('ه'),
        'ؤ' => emit('و'),
        // Extended Arabic-Indic digits and Arabic-Indic digits meet ASCII.
        '٠'..='٩' => emit(char::from(b'0' + (c as u32 - '٠' as u32) as u8)),
        '۰'..='۹' => emit(char::from(b'0' + (c as u32 - '۰' as u32) as u8)),
        '\u{600}'..='\u{6ff}' => emit(c),
        // Hebrew points.
        '\u{591}'..='\u{5c7}' => {}
        'ё' | 'Ё' => emit('е'),
        '\u{400}'..='\u{52f}' => c.to_lowercase().for_each(emit),
        'ı' | 'İ' => emit('i'),
        'ß' => ['s', 's'].into_iter().for_each(emit),
        'ø' | 'Ø' => emit('o'),
        'ł' | 'Ł' => emit('l'),
        'đ' | 'Đ' => emit('d'),
        'æ' | 'Æ' => ['a', 'e'].into_iter().for_each(emit),
        'œ' | 'Œ' => ['o', 'e'].into_iter().for_each(emit),
        '\u{300}'..='\u{36f}' => {}
        // Decomposing is for Latin and Greek accents, full width and Arabic presentation forms; Indic scripts keep their marks.
        '\u{c0}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{ffef}' => {
            for lower in c.to_lowercase() {
                for part in std::iter::once(lower).nfkd() {
                    match part {
                        '\u{300}'..='\u{36f}' => {}
                        '\u{600}'..='\u{6ff}' => fold_char(part, emit),
                        'ς' => emit('σ'),
                        part => emit(part),
                    }
                }
            }
        }
        '\u{4e00}'..='\u{9fff}' => emit(super::han::simplified(c).unwrap_or(c)),
        _ => c.to_lowercase().for_each(emit),
    }
}

/// Folds Arabic script only as far as readers of names do: marks and tatweel go, alef variants meet; ى and ة stay.
pub(crate) fn light_fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{640}'))
        .map(|c| match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
            'ی' => 'ي',
            'ک' => 'ك',
            c => c,
        })
        .collect()
}

/// The script of a character; `None` for what belongs to no script or to several.
pub(crate) fn script_of(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | 'A'..='Z' => Script::Latin,
        '\0'..='\u{a9}' => return None,
        // The letters of most news, without a search in the Unicode tables.
        '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' => Script::Cyrillic,
        '\u{5d0}'..='\u{5ea}' => Script::Hebrew,
        '\u{620}'..='\u{63f}' | '\u{641}'..='\u{64a}' | '\u{671}'..='\u{6d3}' => Script::Arabic,
        '\u{904}'..='\u{939}' => Script::Devanagari,
        '\u{3041}'..='\u{3096}' => Script::Hiragana,
        '\u{30a1}'..='\u{30fa}' => Script::Katakana,
        '\u{4e00}'..='\u{9fff}' => Script::Han,
        '\u{ac00}'..='\u{d7a3}' => Script::Hangul,
        '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{3004}' => return None,
        c => match c.script() {
            Script::Common | Script::Inherited | Script::Unknown => return None,
            script => script,
        },
    })
}

/// The unit in which offsets are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetUnit {
    /// Unicode code points: what Python counts.
    #[default]
    CodePoint,
    /// UTF-16 code units: what Java and JavaScript count.
    Utf16,
    /// Bytes of UTF-8.
    Utf8,
}

impl OffsetUnit {
    /// All units.
    pub const ALL: [Self; 3] = [Self::CodePoint, Self::Utf16, Self::Utf8];

    /// Name in settings and in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodePoint => "codepoint",
            Self::Utf16 => "utf16",
            Self::Utf8 => "utf8",
        }
    }

    /// Length of a text in this unit.
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::CodePoint => text.chars().count(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf8 => text.len(),
        }
    }
}

/// Converts ascending byte positions of one text in a single pass.
#[derive(Debug)]
pub(crate) struct Converter<'a> {
    unit: OffsetUnit,
    text: &'a str,
    bytes: usize,
    units: usize,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(unit: OffsetUnit, text: &'a str) -> Self {
        Self { unit, text, bytes: 0, units: 0 }
    }

    /// The position in the unit; positions may come in any order, ascending ones are cheap.
    pub(crate) fn convert(&mut self, bytes: usize) -> usize {
        if bytes < self.bytes {
            (self.bytes, self.units) = (0, 0);
        }
        self.units += self.unit.measure(slice(self.text, self.bytes..bytes));
        self.bytes = bytes;
        self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<String> {
        let text = Text::new(source);
        (0..text.len()).map(|token| text.raw(token).to_owned()).collect()
    }

    #[test]
    fn splits_words_elisions_and_ideographs() {
        for (source, expected) in [
            ("L'Irak et l’Iran", vec!["L", "Irak", "et", "l", "Iran"]),
            ("Türkiye'nin", vec!["Türkiye", "nin"]),
            ("北京の空", vec!["北", "京", "の", "空"]),
            ("イラク軍", vec!["イラク", "軍"]),
            ("خامنه\u{200c}ای", vec!["خامنه", "ای"]),
            ("مُحَمَّد", vec!["مُحَمَّد"]),
            ("नई दिल्ली", vec!["नई", "दिल्ली"]),
            ("e\u{301}te", vec!["e\u{301}te"]),
            ("", vec![]),
        ] {
            assert_eq!(tokens(source), expected, "{source}");
        }
    }

    #[test]
    fn folds_what_readers_hold_equal() {
        for (left, right) in [
            ("Erdoğan", "ERDOGAN"),
            ("İSTANBUL", "istanbul"),
            ("Straße", "STRASSE"),
            ("إيران", "ایران"),
            ("سوريّة", "سورية"),
            ("بغـــداد", "بغداد"),
            ("ﻻ", "لا"),
            ("Соединённые", "соединенные"),
            ("ＮＡＴＯ", "nato"),
            ("臺灣", "台湾"),
        ] {
            assert_eq!(fold(left), fold(right), "{left} {right}");
        }
        assert_ne!(fold("йод"), fold("иод"));
    }

    #[test]
    fn finds_the_place_after_a_stripped_prefix() {
        let text = Text::new("وَبَغداد");
        assert_eq!(slice(text.source(), text.after_folded(0, 1)..text.source().len()), "بَغداد");
    }

    #[test]
    fn converts_offsets_with_emoji_and_marks() {
        let source = "a😀e\u{301}ب";
        for (unit, expected) in
            [(OffsetUnit::CodePoint, [0, 2, 4, 5]), (OffsetUnit::Utf16, [0, 3, 5, 6]), (OffsetUnit::Utf8, [0, 5, 8, 10])]
        {
            let mut converter = Converter::new(unit, source);
            assert_eq!([0, 5, 8, 10].map(|at| converter.convert(at)), expected, "{unit:?}");
        }
    }
}
