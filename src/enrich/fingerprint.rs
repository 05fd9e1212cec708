//! Fingerprints and statistics of the clean text. They mark copies of one text, not articles on one event.

use sha2::{Digest, Sha256};

use super::text::{Text, is_letter};
use crate::article::{Fingerprint, Stats};

/// The exact hash and the simhash of a text.
pub(super) fn fingerprint(text: &Text<'_>) -> Fingerprint {
    let mut exact = Sha256::new();
    for token in 0..text.len() {
        exact.update(text.folded(token).as_bytes());
        exact.update(b" ");
    }
    Fingerprint { exact: format!("sha256:{}", hex(&exact.finalize())), near: format!("{:016x}", simhash(text)) }
}

/// The simhash of a text's runs of three folded words (Charikar 2002): copies of a text differ in few of its 64 bits.
pub fn near_duplicate_key(text: &str) -> u64 {
    simhash(&Text::new(text))
}

fn simhash(text: &Text<'_>) -> u64 {
    let mut weights = [0i32; 64];
    for token in 0..text.len() {
        let triple = (token..token + 3).filter(|next| *next < text.len()).map(|next| text.folded(next));
        let hash = mix(triple);
        for (bit, weight) in weights.iter_mut().enumerate() {
            *weight += if hash >> bit & 1 == 1 { 1 } else { -1 };
        }
    }
    weights.iter().enumerate().filter(|(_, weight)| **weight > 0).fold(0u64, |bits, (bit, _)| bits | 1 << bit)
}

/// FNV-1a over the words, finished with an avalanche so that every bit depends on all of them.
fn mix<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in words.flat_map(|word| word.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ hash >> 33
}

/// `sha256:` and the hash of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts of a clean text.
pub(super) fn stats(text: &Text<'_>) -> Stats {
    let dense = (0..text.len()).filter(|token| text.is_ideograph(*token)).count();
    let spaced = text.len() - dense;
    let mut sentences = 0;
    let mut open = false;
    for c in text.source().chars() {
        match c {
            '.' | '!' | '?' | '؟' | '。' | '！' | '？' | '।' | '۔' | '።' | '\n' if open => {
                sentences += 1;
                open = false;
            }
            c if is_letter(c) => open = true,
            _ => {}
        }
    }
    Stats {
        chars: text.source().chars().count(),
        words: text.len(),
        sentences: sentences + usize::from(open),
        reading_seconds: (spaced * 60).div_ceil(200) + (dense * 60).div_ceil(400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(left: &str, right: &str) -> u32 {
        (near_duplicate_key(left) ^ near_duplicate_key(right)).count_ones()
    }

    #[test]
    fn near_copies_are_near() {
        let text = "The council approved the new budget after a long debate on Tuesday evening, and the mayor thanked all members \
                    for their patience during the weeks of talks that led to the vote.";
        let copy = text.replace("Tuesday", "Monday");
        let other = "Rain is expected along the coast tomorrow, with gusts of up to ninety kilometres an hour in exposed places \
                     and a risk of flooding in low streets near the harbour.";
        assert!(distance(text, &copy) < 16, "{}", distance(text, &copy));
        assert!(distance(text, other) > 16, "{}", distance(text, other));
        assert_eq!(fingerprint(&Text::new("One  TWO")).exact, fingerprint(&Text::new("one two")).exact);
    }

    #[test]
    fn counts_spaced_and_unspaced_scripts() {
        let stats = |source| super::stats(&Text::new(source));
        assert_eq!((stats("One two. Three!").words, stats("One two. Three!").sentences), (3, 2));
        assert_eq!((stats("北京今天下雨。").words, stats("北京今天下雨。").sentences), (6, 1));
    }
}
