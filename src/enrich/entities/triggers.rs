//! Trigger words: words near a name that say what kind of body, place or person it is ("ministry", "river", "coach").
//!
//! The groups are the same in all languages, so that what one language teaches of "hospital" serves the others.

use rustc_hash::FxHashMap;

use super::units::Unit;
use crate::enrich::text::{Text, fold, slice};

/// Groups, as the file names them; the number of a group is its place here plus one.
const GROUPS: [&str; 37] = [
    "ministry",
    "parliament",
    "court",
    "force",
    "school",
    "hospital",
    "bank",
    "company",
    "party",
    "union",
    "club",
    "agency",
    "media",
    "museum",
    "fund",
    "legal",
    "city",
    "area",
    "street",
    "water",
    "land",
    "site",
    "worship",
    "side",
    "ruler",
    "leader",
    "officer",
    "jurist",
    "athlete",
    "scholar",
    "artist",
    "cleric",
    "kin",
    "citizen",
    "title",
    "says",
    "demonym",
];

/// The group of words for the people of a country, which are no names.
pub(super) const DEMONYM: u8 = GROUPS.len() as u8;

/// Whether a group is of streets and buildings, which are named after places.
pub(super) fn is_built(group: u8) -> bool {
    matches!(name(group), "street" | "site" | "worship")
}

/// Whether a group is of words for persons.
pub(super) fn is_person(group: u8) -> bool {
    matches!(
        name(group),
        "ruler" | "leader" | "officer" | "jurist" | "athlete" | "scholar" | "artist" | "cleric" | "kin" | "citizen" | "title"
    )
}

fn name(group: u8) -> &'static str {
    usize::from(group).checked_sub(1).and_then(|place| GROUPS.get(place)).copied().unwrap_or_default()
}

/// Trigger words of all languages.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    languages: FxHashMap<&'static str, Words>,
}

#[derive(Debug, Default)]
struct Words {
    whole: FxHashMap<String, u8>,
    beginnings: FxHashMap<String, u8>,
    endings: FxHashMap<String, u8>,
}

impl Triggers {
    /// The words that are shipped.
    pub(crate) fn load() -> Self {
        let mut triggers = Self::default();
        for line in include_str!("../data/triggers.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split(" | ");
            let words = triggers.languages.entry(cells.next().unwrap_or_default()).or_default();
            for (group, list) in cells.filter_map(|cell| cell.split_once(": ")) {
                let Some(group) = GROUPS.iter().position(|known| *known == group).map(|place| place as u8 + 1) else { continue };
                for word in list.split_whitespace() {
                    let (map, word) = match (word.strip_suffix('*'), word.strip_prefix('*')) {
                        (Some(beginning), _) => (&mut words.beginnings, beginning),
                        (None, Some(ending)) => (&mut words.endings, ending),
                        (None, None) => (&mut words.whole, word),
                    };
                    map.entry(fold(word)).or_insert(group);
                }
            }
        }
        triggers
    }

    /// Of every unit the group of the trigger word it is of; 0 for none.
    pub(crate) fn find(&self, text: &Text<'_>, units: &[Unit], language: &str) -> Vec<u8> {
        let mut groups = vec![0; units.len()];
        let Some(words) = self.languages.get(language) else { return groups };
        let mut at = 0;
        while let Some(unit) = units.get(at) {
            let length = if text.is_ideograph(unit.token) || language == "ko" {
                let (group, length) = words.longest(text, units, at);
                groups.iter_mut().skip(at).take(length).for_each(|found| *found = group);
                length
            } else {
                groups[at] = words.of(slice(text.folded(unit.token), unit.fold.clone()), language == "ar");
                1
            };
            at += length.max(1);
        }
        groups
    }
}

impl Words {
    fn of(&self, word: &str, arabic: bool) -> u8 {
        let cuts = || word.char_indices().map(|(at, _)| at).skip(2);
        let whole = |word: &str| self.whole.get(word).copied();
        if let Some(rest) = word.strip_prefix("ال").filter(|rest| arabic && rest.len() > 4) {
            return self.of(rest, false);
        }
        whole(word)
            .or_else(|| self.beginnings.get(word).copied())
            .or_else(|| {
                if self.beginnings.is_empty() { None } else { cuts().filter_map(|at| self.beginnings.get(word.get(..at)?).copied()).last() }
            })
            .or_else(|| if self.endings.is_empty() { None } else { cuts().find_map(|at| self.endings.get(word.get(at..)?).copied()) })
            .unwrap_or_default()
    }

    /// The longest word of several units that begins at one, and how many they are.
    fn longest(&self, text: &Text<'_>, units: &[Unit], first: usize) -> (u8, usize) {
        let mut word = String::new();
        let mut best = (0, 0);
        for (at, unit) in units.iter().enumerate().skip(first).take(8) {
            if at > first && unit.fold.start == 0 {
                if !text.gap_before(unit.token).is_empty() {
                    break;
                }
                // As folding writes it.
                word.push(' ');
            }
            word.push_str(slice(text.folded(unit.token), unit.fold.clone()));
            if let Some(group) = self.whole.get(&word) {
                best = (*group, at + 1 - first);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::entities::units::units;

    #[test]
    fn every_group_of_the_file_is_known() {
        for line in include_str!("../data/triggers.txt").lines().filter(|line| !line.starts_with('#')) {
            for cell in line.split(" | ").skip(1) {
                let group = cell.split_once(": ").map(|(group, _)| group);
                assert!(group.is_some_and(|group| GROUPS.contains(&group)), "{cell}");
            }
        }
    }

    #[test]
    fn finds_words_stems_and_tails() {
        let triggers = Triggers::load();
        let group = |name: &str| GROUPS.iter().position(|known| *known == name).unwrap() as u8 + 1;
        for (language, source, expected) in [
            ("en", "Hull Hospital", vec![0, group("hospital")]),
            ("ru", "новую больницу", vec![0, group("hospital")]),
            ("de", "das Innenministerium", vec![0, group("ministry")]),
            ("ar", "والوزير", vec![0, group("ruler")]),
            ("zh", "市人民法院", vec![group("city"), 0, 0, group("court"), group("court")]),
            ("xx", "Hospital", vec![0]),
        ] {
            let text = Text::new(source);
            assert_eq!(triggers.find(&text, &units(&text, language), language), expected, "{source}");
        }
    }
}
