//! What a language model is shown of a text: the letters of one script, lower case, words apart, and nothing else.
//!
//! Addresses, handles, digits, emoji and the letters of other scripts go; marks that writers may leave out (Arabic vowel
//! signs and tatweel, Hebrew points) go too; compatibility forms and decomposed accents become the letters they stand for.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_script::{Script, UnicodeScript};

use super::super::text::script_of;

/// Letters counted by script, in the order the scripts appear.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    scripts: Vec<(Script, usize)>,
    /// How many of the Han letters are kana.
    pub(super) kana: usize,
}

impl Counts {
    /// Counts the letters of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut counts = Self::default();
        let mut last = 0;
        for c in text.chars() {
            let script = match script_of(c) {
                None => continue,
                // Japanese and Chinese mix these, and the counter holds them for one script.
                Some(Script::Hiragana | Script::Katakana) => {
                    counts.kana += 1;
                    Script::Han
                }
                Some(Script::Bopomofo) => Script::Han,
                Some(script) => script,
            };
            match counts.scripts.get_mut(last) {
                Some((known, count)) if *known == script => *count += 1,
                _ => last = counts.add(script, 1),
            }
        }
        counts
    }

    fn add(&mut self, script: Script, letters: usize) -> usize {
        let found = self.scripts.iter().position(|(known, _)| *known == script);
        let at = found.unwrap_or_else(|| {
            self.scripts.push((script, 0));
            self.scripts.len() - 1
        });
        if let Some((_, count)) = self.scripts.get_mut(at) {
            *count += letters;
        }
        at
    }

    /// Adds the counts of another part.
    pub(super) fn merge(&mut self, other: &Self) {
        for (script, letters) in &other.scripts {
            self.add(*script, *letters);
        }
        self.kana += other.kana;
    }

    /// Letters of a script.
    pub(super) fn letters(&self, script: Script) -> usize {
        self.scripts.iter().find(|(known, _)| *known == script).map_or(0, |(_, count)| *count)
    }

    /// The script of the text. Brand names put Latin letters into text of every script, so a Latin letter weighs less; the
    /// first of equals wins.
    pub(crate) fn dominant(&self) -> Option<Script> {
        let weight = |(script, count): &(Script, usize)| count * if *script == Script::Latin { 2 } else { 3 };
        self.scripts.iter().rev().max_by_key(|counted| weight(counted)).map(|(script, _)| *script)
    }
}

/// The letters of one script in a text, as a model reads them: words between single spaces, a space at both ends.
/// Stops after `most` letters, at the end of a word.
pub(crate) fn of_script(text: &str, script: Script, most: usize) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len().min(2 * most) + 2);
    out.push(' ');
    let mut letters = 0;
    for word in text.split(char::is_whitespace) {
        if letters >= most {
            break;
        }
        if is_address(word) {
            continue;
        }
        for c in word.chars() {
            if c.is_ascii() && script == Script::Latin {
                if c.is_ascii_alphabetic() {
                    out.push(c.to_ascii_lowercase());
                    letters += 1;
                } else {
                    other(c, &mut out);
                }
                continue;
            }
            match script_of(c) {
                _ if is_optional(c) => {}
                Some(found) if found == script => {
                    letters += 1;
                    letter(c, script, &mut out);
                }
                _ => other(c, &mut out),
            }
            // Scripts without spaces have words as long as their paragraphs.
            if letters >= most + LONGEST_WORD {
                break;
            }
        }
        space(&mut out);
    }
    out
}

/// No word of a script with spaces is longer.
const LONGEST_WORD: usize = 60;

fn is_address(word: &str) -> bool {
    let first = word.bytes().next();
    matches!(first, Some(b'#' | b'@')) || word.len() > 5 && (word.contains('@') || word.contains("://") || word.starts_with("www."))
}

/// Vowel signs, tatweel, Hebrew points, direction marks, soft hyphens: with them or without, it is the same word.
fn is_optional(c: char) -> bool {
    matches!(c, '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{640}' | '\u{6d6}'..='\u{6ed}' | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'..='\u{5c7}' | '\u{200d}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{ad}')
}

fn letter(c: char, script: Script, out: &mut Vec<char>) {
    match c {
        // Presentation forms of Arabic, full width and ligatures of Latin.
        '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{ff21}'..='\u{ff5a}' => {
            for c in std::iter::once(c).nfkc().filter(|c| c.script() == script) {
                out.extend(c.to_lowercase());
            }
        }
        _ => {
            for lower in c.to_lowercase() {
                // Lower case of the Turkish İ is an i with a dot above it.
                if lower != '\u{307}' {
                    out.push(lower);
                }
            }
        }
    }
}

/// What is no letter of the script: a mark that belongs to the letter before it, an apostrophe, or the end of a word.
fn other(c: char, out: &mut Vec<char>) {
    let inside = out.last().is_some_and(|last| *last != ' ');
    match c {
        '\'' | '’' | 'ʻ' | 'ʼ' | '׳' | '‘' if inside => out.push('\''),
        '\u{300}'..='\u{36f}' if inside => {
            if let Some(last) = out.last_mut() {
                *last = unicode_normalization::char::compose(*last, c).unwrap_or(*last);
            }
        }
        _ if inside && !c.is_ascii() && is_combining_mark(c) => out.push(c),
        _ => space(out),
    }
}

fn space(out: &mut Vec<char>) {
    if out.last() != Some(&' ') {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_letters_of_one_script() {
        for (text, script, expected) in [
            ("The U.S. said, on 3 May: “No!” https://x.org/a", Script::Latin, " the u s said on may no "),
            ("Cumhurbaşkanı'nın İstanbul", Script::Latin, " cumhurbaşkanı'nın istanbul "),
            ("cafe\u{301} ＮＡＴＯ", Script::Latin, " café nato "),
            ("قالَ الرَّئِيسُ بغـــداد Apple \u{200f}ﻻ", Script::Arabic, " قال الرئيس بغداد لا "),
            ("שָׁלוֹם עולם", Script::Hebrew, " שלום עולם "),
            ("东京 GDP 3% 増", Script::Han, " 东京 増 "),
            ("नई दिल्ली", Script::Devanagari, " नई दिल्ली "),
            ("@user #tag a@b.cz", Script::Latin, " "),
            ("", Script::Latin, " "),
        ] {
            assert_eq!(of_script(text, script, 1_000).into_iter().collect::<String>(), expected, "{text}");
        }
        assert_eq!(of_script("one two three", Script::Latin, 4).into_iter().collect::<String>(), " one two ");
    }

    #[test]
    fn the_script_of_most_letters() {
        for (text, script) in [
            ("Apple iPhone 15 Pro Max USB-C: السعر والمواصفات", Some(Script::Arabic)),
            ("東京オリンピックの開会式", Some(Script::Han)),
            ("The word привет in an English sentence", Some(Script::Latin)),
            ("123 !!! 😀", None),
        ] {
            assert_eq!(Counts::of(text).dominant(), script, "{text}");
        }
    }
}
