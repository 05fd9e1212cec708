//! The gazetteer: names of known entities, compiled from the tables in `data/` into one token-anchored table.
//!
//! A name is a run of folded tokens; the longest run wins. A name applies to texts of its own language, to texts in another
//! script (Latin brand names in Arabic text), and to texts in languages the tables do not cover.

use std::{collections::HashMap, ops::Range};

use rustc_hash::FxHashMap;

use super::{
    inflect::{declines, inflections, stem, stems},
    units::Unit,
};
use crate::{
    article::EntityType,
    enrich::text::{Text, fold, light_fold, script_of, slice},
};

const TERRITORIES: &str = include_str!("../data/territories.tsv");
const CITIES: &str = include_str!("../data/cities.tsv");
const PLACES: &str = include_str!("../data/places.txt");
const ORGANISATIONS: &str = include_str!("../data/organisations.txt");
const PEOPLE: &str = include_str!("../data/people.txt");
const FURTHER: &str = include_str!("../data/further.txt");
const HOMES: [&str; 2] = [include_str!("../data/homes.tsv"), include_str!("../data/homes.txt")];
const HOMOGRAPHS: &str = include_str!("../data/homographs.txt");
/// What an expression stands for that holds a known name and does not mean it.
const NOBODY: usize = usize::MAX;

/// The columns of the wide tables, after the id (and kind).
const COLUMNS: [&str; 9] = ["ar", "en", "fr", "de", "es", "ru", "tr", "fa", "zh"];

/// A known entity.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Published id.
    pub(crate) id: String,
    /// Core type.
    pub(crate) kind: EntityType,
    /// Finer kind.
    pub(crate) subtype: Option<&'static str>,
    /// Canonical name per language: the first that was read.
    names: HashMap<&'static str, String>,
    /// Whether the entry is a country or territory.
    territory: bool,
    /// The id of the country a place is in, where the tables say.
    home: Option<&'static str>,
}

impl Entry {
    /// Whether it is a country or territory.
    pub(super) fn is_territory(&self) -> bool {
        self.territory
    }

    /// The id of the country a place is in, where the tables say.
    pub(super) fn home(&self) -> Option<&str> {
        self.home
    }

    /// The canonical name for an article's language, else the English one.
    pub(crate) fn name(&self, language: &str) -> Option<&str> {
        self.names.get(language).or_else(|| self.names.get("en")).map(String::as_str)
    }
}

/// One spelling of an entry's name.
#[derive(Debug, Clone)]
struct Name {
    entry: usize,
    language: &'static str,
    latin: bool,
    /// Counts only beside another name of the same entry.
    weak: bool,
    /// The surface must be exactly this, up to marks.
    exact: Option<String>,
    /// The surface must be in capitals: `US`, `WHO`.
    capitals: bool,
    /// Written with a small letter at the start: `dpa`, `talibans`.
    small: bool,
}

#[derive(Debug, Default)]
struct Node {
    continues: bool,
    names: Vec<Name>,
}

/// A place in a text where a name stands.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    /// Tokens covered.
    pub(crate) tokens: Range<usize>,
    /// First byte: after a stripped proclitic, where there is one.
    pub(crate) start: usize,
    /// Byte after the last.
    pub(crate) end: usize,
    /// Entries that bear the name.
    pub(crate) entries: Vec<usize>,
    /// Whether the name is weak for all of them.
    pub(crate) weak: bool,
}

/// All entries and names.
#[derive(Debug)]
pub(crate) struct Gazetteer {
    entries: Vec<Entry>,
    table: FxHashMap<Box<str>, Node>,
    /// Names by the stems of their words.
    stems: FxHashMap<Box<str>, Node>,
}

impl Gazetteer {
    /// Compiles the shipped tables.
    pub(crate) fn load() -> Self {
        let mut gazetteer = Self { entries: Vec::new(), table: FxHashMap::default(), stems: FxHashMap::default() };
        let mut index = HashMap::new();
        for (table, territory) in [(TERRITORIES, true), (CITIES, false)] {
            for line in rows(table) {
                let mut cells = line.split('\t');
                if let (Some(id), Some(_), Some(language), Some(name)) = (cells.next(), cells.next(), cells.next(), cells.next()) {
                    let id = if id.starts_with('Q') { format!("wd:{id}") } else { id.to_owned() };
                    let entry = gazetteer.entry(&mut index, id, EntityType::Place, None, territory);
                    gazetteer.add(entry, language, name);
                }
            }
        }
        for (table, kind) in [(PLACES, EntityType::Place), (ORGANISATIONS, EntityType::Organisation), (PEOPLE, EntityType::Person)] {
            for line in rows(table) {
                let mut cells = line.split('|').map(str::trim);
                let Some(id) = cells.next() else { continue };
                let subtype = (kind == EntityType::Organisation).then(|| cells.next()).flatten();
                let id = match id {
                    id if id.starts_with("gn:") => id.to_owned(),
                    id if id.strip_prefix('Q').is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit())) => format!("wd:{id}"),
                    id => format!("copydesk:{}", id.to_ascii_lowercase()),
                };
                let entry = gazetteer.entry(&mut index, id, kind, subtype, false);
                let cells: Vec<&str> = cells.collect();
                let english = cells.get(1).copied().unwrap_or_default();
                for (language, cell) in COLUMNS.into_iter().zip(cells) {
                    let cell = if cell == "=" { english } else { cell };
                    for name in cell.split(',').map(str::trim).filter(|name| !matches!(*name, "-" | "")) {
                        gazetteer.add(entry, language, name);
                    }
                }
            }
        }
        for line in rows(FURTHER) {
            let mut cells = line.split(" | ");
            let Some(entry) = cells.next().and_then(|id| index.get(&format!("copydesk:{id}"))).copied() else { continue };
            for (language, names) in cells.filter_map(|cell| cell.split_once(": ")) {
                names.split(',').for_each(|name| gazetteer.add(entry, language, name.trim()));
            }
        }
        for (id, home) in HOMES.into_iter().flat_map(rows).filter_map(|line| line.split_once('\t')) {
            if let Some(entry) = index.get(id).and_then(|entry| gazetteer.entries.get_mut(*entry)) {
                entry.home = Some(home);
            }
        }
        for (language, expressions) in rows(HOMOGRAPHS).filter_map(|line| line.split_once(" | ")) {
            for expression in expressions.split(", ") {
                let name = Name { entry: NOBODY, language, latin: false, weak: false, exact: None, capitals: false, small: true };
                insert(&mut gazetteer.table, &fold(expression), name);
            }
        }
        gazetteer
    }

    /// The one place that a name stands for in some language.
    pub(super) fn place(&self, name: &str) -> Option<&Entry> {
        let names = self.table.get(fold(name).as_str()).map(|node| node.names.as_slice()).unwrap_or_default();
        let places = names.iter().filter_map(|name| self.get(name.entry)).filter(|entry| entry.kind == EntityType::Place);
        places.max_by_key(|entry| entry.territory)
    }

    /// Whether a name is one of a country or territory, in a language.
    pub(crate) fn is_territory(&self, name: &str, language: &str) -> bool {
        let names = self.table.get(fold(name).as_str()).map(|node| node.names.as_slice()).unwrap_or_default();
        names.iter().any(|name| name.language == language && self.get(name.entry).is_some_and(|entry| entry.territory))
    }

    /// The entry at an index.
    pub(crate) fn get(&self, entry: usize) -> Option<&Entry> {
        self.entries.get(entry)
    }

    fn entry(
        &mut self,
        index: &mut HashMap<String, usize>,
        id: String,
        kind: EntityType,
        subtype: Option<&'static str>,
        territory: bool,
    ) -> usize {
        *index.entry(id.clone()).or_insert_with(|| {
            self.entries.push(Entry { id, kind, subtype, names: HashMap::new(), territory, home: None });
            self.entries.len() - 1
        })
    }

    fn add(&mut self, entry: usize, language: &'static str, written: &str) {
        let weak = written.starts_with('?');
        let exact = written.starts_with('^');
        let name = written.trim_start_matches(['?', '^']);
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        let script = name.chars().find_map(script_of);
        let latin = script == Some(unicode_script::Script::Latin);
        if letters < 2 {
            return;
        }
        let capitals = name.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase) && letters <= 5;
        let small = name.chars().next().is_some_and(char::is_lowercase);
        let spelling = Name { entry, language, latin, weak, exact: exact.then(|| light_fold(name)), capitals, small };
        if let Some(known) = self.entries.get_mut(entry)
            && !weak
        {
            known.names.entry(language).or_insert_with(|| name.to_owned());
        }
        let forms = if language == "ru" || language == "uk" { inflections(name) } else { vec![name.to_owned()] };
        for form in forms {
            insert(&mut self.table, &fold(&form), spelling.clone());
        }
        // Short names are too like the beginnings of others.
        if (declines(language) || language == "en") && letters >= 4 && !capitals && spelling.exact.is_none() {
            let stems: Vec<String> = fold(name).split(' ').map(|word| stem(word).to_owned()).collect();
            insert(&mut self.stems, &stems.join(" "), spelling);
        }
    }
    /// All names in a text, longest first at each place, not overlapping.
    pub(crate) fn find(&self, text: &Text<'_>, units: &[Unit], language: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut first = 0;
        while first < units.len() {
            first = match self.longest(text, units, first, language).or_else(|| self.declined(text, units, first, language)) {
                Some((hit, next)) => {
                    hits.extend(Some(hit).filter(|hit| !hit.entries.contains(&NOBODY)));
                    next
                }
                None => first + 1,
            };
        }
        hits
    }

    /// The longest name from a unit on, and the unit after it.
    fn longest(&self, text: &Text<'_>, units: &[Unit], first: usize, language: &str) -> Option<(Hit, usize)> {
        let unit = units.get(first)?;
        let mut key = String::new();
        // Of لل the second lam is what is left of the article.
        if language == "ar" && unit.fold.start > 0 && slice(text.folded(unit.token), 0..unit.fold.start).ends_with('ل') {
            let piece = slice(text.folded(unit.token), unit.fold.clone());
            if piece.starts_with('ل') {
                key.push('ا');
            }
        }
        let mut best = None;
        for (at, unit) in units.iter().enumerate().skip(first) {
            if at > first && unit.fold.start == 0 {
                let continues = self.table.get(key.as_str()).is_some_and(|node| node.continues);
                if !continues || !joins(text.gap_before(unit.token)) {
                    break;
                }
                key.push(' ');
            }
            key.push_str(slice(text.folded(unit.token), unit.fold.clone()));
            let Some(node) = self.table.get(key.as_str()) else { continue };
            let span = units.get(first)?.bytes.start..unit.bytes.end;
            let tokens = units.get(first)?.token..unit.token + 1;
            if let Some((entries, weak)) = self.admit(node, text, tokens.clone(), span.clone(), language) {
                best = Some((Hit { tokens, start: span.start, end: span.end, entries, weak }, at + 1));
            }
        }
        best
    }

    /// The longest name of which a form stands at a unit, and the unit after it.
    fn declined(&self, text: &Text<'_>, units: &[Unit], first: usize, language: &str) -> Option<(Hit, usize)> {
        let begin = units.get(first)?;
        if !declines(language) || !text.is_capitalised(begin.token) {
            return None;
        }
        let mut keys = vec![String::new()];
        let mut best = None;
        for (at, unit) in units.iter().enumerate().skip(first).take(3) {
            if at > first {
                if !joins(text.gap_before(unit.token)) {
                    break;
                }
                keys.retain(|key| self.stems.get(key.as_str()).is_some_and(|node| node.continues));
                keys.iter_mut().for_each(|key| key.push(' '));
            }
            let stems = stems(text.folded(unit.token), language);
            keys = keys.iter().flat_map(|key| stems.iter().map(move |stem| format!("{key}{stem}"))).collect();
            if keys.is_empty() {
                break;
            }
            let (span, tokens) = (begin.bytes.start..unit.bytes.end, begin.token..unit.token + 1);
            let nodes = keys.iter().filter_map(|key| self.stems.get(key.as_str()));
            let admitted = nodes.filter_map(|node| self.admit(node, text, tokens.clone(), span.clone(), language));
            let mut found: Vec<(Vec<usize>, bool)> = admitted.collect();
            found.dedup();
            if let [(entries, weak)] = &found[..] {
                best = Some((Hit { tokens, start: span.start, end: span.end, entries: entries.clone(), weak: *weak }, at + 1));
            }
        }
        best
    }

    /// The entries a surface may stand for in this text.
    fn admit(&self, node: &Node, text: &Text<'_>, tokens: Range<usize>, span: Range<usize>, language: &str) -> Option<(Vec<usize>, bool)> {
        if node.names.is_empty() {
            return None;
        }
        let surface = slice(text.source(), span.clone());
        // `US$` is money.
        if slice(text.source(), span.end..text.source().len()).starts_with('$') {
            return None;
        }
        let cased = surface.chars().any(|c| c.is_lowercase() || c.is_uppercase());
        let upper = !surface.chars().any(char::is_lowercase);
        // The wide tables speak nine languages; elsewhere an English name is better than none.
        let covered = COLUMNS.contains(&language);
        let dense = tokens.clone().all(|token| text.is_ideograph(token));
        let mut names: Vec<&Name> = node
            .names
            .iter()
            .filter(|name| {
                let foreign = name.latin && !is_latin(language);
                // Acronyms of parties are others in the next country.
                let of_party = name.capitals && self.get(name.entry).is_some_and(|entry| entry.subtype == Some("party"));
                let speaks = name.language == language || foreign || (!covered && name.language == "en" && !of_party);
                let capital = !cased || name.small || text.is_capitalised(tokens.start) || capitalised_inside(surface);
                speaks
                    && capital
                    && (!name.capitals || upper)
                    && (!dense || tokens.len() >= 2)
                    && (language != "ko" || surface.chars().nth(1).is_some())
                    && name.exact.as_ref().is_none_or(|exact| *exact == light_fold(surface))
            })
            .collect();
        // The article's own language knows best what a word means in it.
        if names.iter().any(|name| name.language == language) {
            names.retain(|name| name.language == language);
        }
        let mut entries: Vec<usize> = names.iter().map(|name| name.entry).collect();
        entries.sort_unstable();
        entries.dedup();
        let weak = names.iter().all(|name| name.weak);
        self.prefer_territory(&mut entries);
        (!entries.is_empty()).then_some((entries, weak))
    }

    /// Where a city and its country are one name (Singapore, Luxembourg), the country is meant.
    fn prefer_territory(&self, entries: &mut Vec<usize>) {
        let english = |entry: &usize| self.get(*entry).and_then(|known| known.names.get("en")).cloned();
        let territories: Vec<usize> =
            entries.iter().copied().filter(|entry| self.get(*entry).is_some_and(|known| known.territory)).collect();
        if let [territory] = territories[..]
            && entries.iter().all(|entry| english(entry) == english(&territory))
        {
            *entries = vec![territory];
        }
    }
}

fn insert(table: &mut FxHashMap<Box<str>, Node>, key: &str, name: Name) {
    for (at, _) in key.match_indices(' ') {
        table.entry(slice(key, 0..at).into()).or_default().continues = true;
    }
    let node = table.entry(key.into()).or_default();
    if !node.names.iter().any(|known| known.entry == name.entry && known.language == name.language) {
        node.names.push(name);
    }
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

fn is_latin(language: &str) -> bool {
    !matches!(
        language,
        "ar" | "fa"
            | "ur"
            | "ps"
            | "ckb"
            | "he"
            | "ru"
            | "uk"
            | "bg"
            | "sr"
            | "be"
            | "mk"
            | "kk"
            | "el"
            | "zh"
            | "ja"
            | "ko"
            | "hi"
            | "mr"
            | "ne"
            | "bn"
            | "ta"
            | "te"
            | "th"
            | "am"
            | "hy"
            | "ka"
            | "my"
            | "km"
            | "si"
            | "gu"
            | "pa"
            | "kn"
            | "ml"
            | "or"
    )
}

/// 'mer Rouge', 'al-Qaida', 'von der Leyen': the first word of a name is not always the one in capitals.
fn capitalised_inside(surface: &str) -> bool {
    surface.split([' ', '-', '\'', '’']).skip(1).any(|word| word.chars().next().is_some_and(char::is_uppercase))
}

/// Whether two tokens with this between them may belong to one name.
pub(super) fn joins(gap: &str) -> bool {
    gap.chars().count() <= 2
        && gap.chars().all(|c| {
            matches!(c, ' ' | '-' | '\u{2010}' | '\u{2011}' | '\'' | '’' | '.' | '\u{200c}' | '\u{a0}' | '·' | '・' | '&' | '״' | '"' | '+')
        })
        && !gap.starts_with(['"', '+'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(language: &str, source: &str) -> Vec<String> {
        let gazetteer = Gazetteer::load();
        let text = Text::new(source);
        gazetteer
            .find(&text, &crate::enrich::entities::units::units(&text, language), language)
            .iter()
            .filter(|hit| !hit.weak)
            .map(|hit| {
                format!("{}={}", slice(source, hit.start..hit.end), gazetteer.get(hit.entries[0]).unwrap().name("en").unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn finds_names_in_their_languages() {
        for (language, source, expected) in [
            ("ar", "وصل إلى بغداد", vec!["بغداد=Baghdad"]),
            ("ar", "وببغداد وللعراق ولطهران", vec!["بغداد=Baghdad", "لعراق=Iraq", "طهران=Tehran"]),
            ("ar", "قائد فيلق القدس", vec!["فيلق القدس=Quds Force"]),
            ("ar", "زار القدس", vec!["القدس=Jerusalem"]),
            ("ar", "والده كبير ومالي وسائل", vec![]),
            ("en", "us and them, who came to US and WHO offices in turkey", vec!["US=United States", "WHO=World Health Organization"]),
            ("en", "The U.S. Senate and the European Union", vec!["U.S. Senate=US Senate", "European Union=European Union"]),
            ("fr", "L'Irak et la mer Rouge", vec!["Irak=Iraq", "mer Rouge=Red Sea"]),
            ("tr", "Türkiye'nin başkenti Ankara'da", vec!["Türkiye=Türkiye", "Ankara=Ankara"]),
            ("ru", "встретился с Путиным в Москве, сообщили в Ираке", vec!["Путиным=Vladimir Putin", "Москве=Moscow", "Ираке=Iraq"]),
            ("zh", "美国总统拜登在华盛顿", vec!["美国=United States", "拜登=Joe Biden", "华盛顿=Washington"]),
            ("zh", "美國總統拜登", vec!["美國=United States", "拜登=Joe Biden"]),
            ("fa", "رهبر ایران، علی خامنه‌ای", vec!["ایران=Iran", "علی خامنه‌ای=Ali Khamenei"]),
            ("ko", "이라크의 바그다드에", vec!["이라크=Iraq", "바그다드=Baghdad"]),
            ("de", "der Präsident der USA in Berlin (dpa)", vec!["USA=United States", "Berlin=Berlin", "dpa=dpa"]),
            ("pt", "pagou US$ 200 em São Paulo", vec!["São Paulo=São Paulo"]),
        ] {
            assert_eq!(found(language, source), expected, "{source}");
        }
    }

    #[test]
    fn holds_what_the_readme_says() {
        let gazetteer = Gazetteer::load();
        let count = |kind| gazetteer.entries.iter().filter(|entry| entry.kind == kind).count();
        assert!(count(EntityType::Organisation) >= 400);
        assert!(count(EntityType::Person) >= 200);
        assert!(gazetteer.entries.iter().filter(|entry| entry.territory).count() >= 195);
        assert!(gazetteer.table.values().map(|node| node.names.len()).sum::<usize>() > 20_000);
    }
}
