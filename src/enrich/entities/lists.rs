//! Lists of names: which strings are names of people or of places somewhere in the world. Evidence for the tagger, never an
//! answer: a third of them are ordinary words in some language, and nothing is linked by them.
//!
//! The file is an open hash table that is read where it lies in the binary: slots of four bytes, little-endian; the lowest two
//! bits say what bears the name, the others are of its hash. One name in some hundred thousand is found that is not there.

use std::ops::Range;

use super::{gazetteer::joins, units::Unit};
use crate::enrich::{
    model::{Malformed, Reader},
    text::{Text, slice},
};

/// What a list says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// A given or family name.
    People = 1,
    /// A city, town or quarter.
    Places = 2,
}

impl List {
    const ALL: [Self; 2] = [Self::People, Self::Places];
    const MASK: u32 = 3;

    /// Words of a name that are looked up; characters where a character is a word.
    fn longest(self, ideographs: bool) -> usize {
        match (self, ideographs) {
            (_, true) => 8,
            (Self::People, false) => 2,
            (Self::Places, false) => 4,
        }
    }
}

/// All lists in one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    slots: &'static [u8],
    bits: u32,
}

const MAGIC: &[u8] = b"copydesk-lists-1\n";

impl Lists {
    /// The lists that are shipped.
    pub(crate) fn shipped() -> Self {
        // A broken file would be a fault of the build: a test reads it.
        Self::read(include_bytes!("../data/names.lists")).unwrap_or_default()
    }

    /// The bytes of a file with these names: folded, words apart by single spaces.
    pub(crate) fn write<'a>(names: impl ExactSizeIterator<Item = (&'a str, List)>) -> Vec<u8> {
        let bits = (names.len() * 3 / 2).max(8).ilog2() + 1;
        let mut slots = vec![0u32; 1 << bits];
        for (name, list) in names {
            let hash = name.bytes().fold(SEED, step);
            let key = key(hash);
            for slot in probe(hash, bits) {
                if slots[slot] == 0 || slots[slot] & !List::MASK == key {
                    slots[slot] |= key | list as u32;
                    break;
                }
            }
        }
        let mut out = MAGIC.to_vec();
        out.push(bits as u8);
        out.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
        out
    }

    /// Reads what [`Lists::write`] wrote.
    ///
    /// # Errors
    /// The bytes are no such file.
    pub(crate) fn read(bytes: &'static [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(Malformed)?);
        let [bits] = reader.array()?;
        let slots = reader.take(4 << u32::from(bits.min(28)))?;
        reader.0.is_empty().then_some(()).ok_or(Malformed)?;
        Ok(Self { slots, bits: u32::from(bits) })
    }

    fn get(&self, hash: u64) -> u32 {
        let key = key(hash);
        for slot in probe(hash, self.bits) {
            let found = self.slots.get(slot * 4..slot * 4 + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
            if found == 0 {
                return 0;
            }
            if found & !List::MASK == key {
                return found & List::MASK;
            }
        }
        0
    }

    /// Whether a folded name is on any list.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name.bytes().fold(SEED, step)) != 0
    }

    /// Runs of units that are names, the longest at each place, those of one list not overlapping.
    pub(crate) fn find(&self, text: &Text<'_>, units: &[Unit], mut found: impl FnMut(List, Range<usize>)) {
        if self.slots.is_empty() {
            return;
        }
        let mut free = [0usize; List::ALL.len()];
        for first in 0..units.len() {
            let mut longest: [Option<usize>; List::ALL.len()] = [None; List::ALL.len()];
            let ideographs = text.is_ideograph(units[first].token);
            let mut hash = SEED;
            let mut words = 1;
            for (at, unit) in units.iter().enumerate().skip(first) {
                if at > first && unit.fold.start == 0 {
                    words += 1;
                    if words > List::Places.longest(ideographs) || !joins(text.gap_before(unit.token)) {
                        break;
                    }
                    hash = step(hash, b' ');
                }
                hash = slice(text.folded(unit.token), unit.fold.clone()).bytes().fold(hash, step);
                // One character of a script without spaces, and one letter, are names of somebody everywhere.
                if at == first && (ideographs || unit.fold.len() < 3) {
                    continue;
                }
                let lists = self.get(hash);
                for (list, longest) in List::ALL.into_iter().zip(&mut longest) {
                    if lists & list as u32 != 0 && words <= list.longest(ideographs) {
                        *longest = Some(at + 1);
                    }
                }
            }
            for ((list, end), free) in List::ALL.into_iter().zip(longest).zip(&mut free) {
                if let Some(end) = end.filter(|_| first >= *free) {
                    found(list, first..end);
                    *free = end;
                }
            }
        }
    }
}

/// What hashing begins with.
pub(super) const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of a string, a byte further.
pub(super) fn step(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn key(hash: u64) -> u32 {
    // Never 0, which is an empty slot.
    ((hash >> 30) as u32 & !List::MASK) | 4
}

fn probe(hash: u64, bits: u32) -> impl Iterator<Item = usize> {
    let start = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits.max(1));
    (0..64u64).map(move |offset| ((start + offset) & ((1 << bits) - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::{entities::units::units, text::fold};

    #[test]
    fn finds_the_longest_names_of_each_list() {
        let names = ["York", "New York", "Anna", "Kowalska", "北京", "부산"].map(fold);
        let lists = [List::Places, List::Places, List::People, List::People, List::Places, List::Places];
        let bytes: &'static [u8] = Lists::write(names.iter().map(String::as_str).zip(lists)).leak();
        let table = Lists::read(bytes).unwrap();
        for (language, source, expected) in [
            ("en", "Anna of New York", vec!["Anna", "New York"]),
            ("zh", "在北京说", vec!["北京"]),
            ("ko", "부산에서", vec!["부산"]),
            ("pl", "Anna, York", vec!["Anna", "York"]),
        ] {
            let text = Text::new(source);
            let units = units(&text, language);
            let mut found = Vec::new();
            table.find(&text, &units, |_, range| {
                found.push(source.get(units[range.start].bytes.start..units[range.end - 1].bytes.end).unwrap());
            });
            assert_eq!(found, expected, "{source}");
        }
        assert!(Lists::read(bytes.get(..bytes.len() - 1).unwrap()).is_err());
        assert!(Lists::shipped().has("london"), "the file that is shipped can be read");
    }
}
