//! The gazetteer: names of known entities, in layers compiled from tables: what is shipped, and what users add.
//!
//! A name is a run of folded tokens; the longest run wins, over all layers. A name applies to texts of its own language, to texts in
//! another script (Latin brand names in Arabic text), and to texts in languages the shipped tables do not cover; a name of the
//! language `und` applies to all. An id that several layers hold is one entity: what the shipped tables say of it stands, and the
//! other layers add names.

pub(crate) mod layer;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    inflect::{declines, inflections, stem, stems},
    units::Unit,
};
use crate::{
    article::EntityType,
    enrich::text::{Text, fold, light_fold, script_of, slice},
};
pub(crate) use layer::{Bearer, COMMON, Entry, Flags, HEADER, MAGIC, NOBODY, SECTIONS, checksum};
use layer::{Layer, State};

/// The shipped tables, compiled: `copydesk gazetteer build src/enrich/data/gazetteer/*.tsv --out …`.
const SHIPPED: &[u8] = include_bytes!("../data/gazetteer.bin");

/// Languages in which most shipped entities have a name of their own; elsewhere an English name is better than none.
const COVERED: [&str; 9] = ["ar", "en", "fr", "de", "es", "ru", "tr", "fa", "zh"];

/// How a name of a table is matched.
#[derive(Debug)]
pub(crate) struct Spelling {
    pub(crate) flags: Flags,
    /// What the surface must be, where the name is exact.
    pub(crate) exact: String,
    /// Keys of the automaton of names.
    pub(crate) names: Vec<String>,
    /// Key of the automaton of stems, where forms of the name are recognised by it.
    pub(crate) stem: Option<String>,
}

impl Spelling {
    /// Whether a name is long enough to be told in a text: `G7` is.
    pub(crate) fn is_enough(name: &str) -> bool {
        name.chars().any(char::is_alphabetic) && name.chars().filter(|c| c.is_alphanumeric()).nth(1).is_some()
    }

    /// The spelling of a name with the flags of its row.
    pub(crate) fn new(name: &str, language: &str, given: u8) -> Self {
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        let latin = name.chars().find_map(script_of) == Some(unicode_script::Script::Latin);
        let capitals = name.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase) && letters <= 5;
        let small = name.chars().next().is_some_and(char::is_lowercase);
        let title = name.contains(' ') && long_words(name).all(|word| word.starts_with(char::is_uppercase));
        let when = |holds: bool, flag: u8| if holds { flag } else { 0 };
        let flags = Flags(
            given | when(latin, Flags::LATIN) | when(capitals, Flags::CAPITALS) | when(small, Flags::SMALL) | when(title, Flags::TITLE),
        );
        let exact = flags.has(Flags::EXACT);
        let forms = if language == "ru" || language == "uk" { inflections(name) } else { vec![name.to_owned()] };
        // Short names are too like the beginnings of others.
        let stem = ((declines(language) || language == "en") && letters >= 4 && !capitals && !exact)
            .then(|| fold(name).split(' ').map(stem).collect::<Vec<_>>().join(" "));
        Self {
            flags,
            exact: if exact { light_fold(name) } else { String::new() },
            names: forms.iter().map(|form| fold(form)).collect(),
            stem,
        }
    }
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
    /// Whether the name stands wherever it is met, whatever the tagger says.
    pub(crate) always: bool,
}

/// Whom a surface may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    /// None for an expression that means nobody.
    entries: Vec<usize>,
    weak: bool,
    always: bool,
}

/// One bearer of a name, of any layer.
struct Name<'g> {
    /// Entity of the gazetteer; `None` for nobody.
    entry: Option<usize>,
    /// Whether it is of the language of the text, or of all.
    own: bool,
    english: bool,
    flags: Flags,
    exact: &'g str,
}

/// A layer, and the number its first entity has among those of all layers.
#[derive(Debug)]
struct Placed {
    layer: Arc<Layer>,
    first: usize,
}

/// What a layer holds, and what of it is not only a name.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Entities by type.
    pub(crate) types: BTreeMap<String, usize>,
    /// Names by language.
    pub(crate) languages: BTreeMap<String, usize>,
    /// Folded names that are everyday words, or parts of expressions, of their language.
    pub(crate) everyday: BTreeMap<String, Vec<String>>,
    /// Folded names that shipped entities of other ids bear.
    pub(crate) shared: BTreeMap<String, Vec<String>>,
}

/// All layers, the shipped one first.
#[derive(Debug)]
pub(crate) struct Gazetteer {
    layers: Vec<Placed>,
    /// Shipped entities by id; empty where no other layer could hold the same.
    shipped: FxHashMap<Box<str>, usize>,
}

impl Gazetteer {
    /// What is shipped, and further layers.
    pub(crate) fn new(further: &[Arc<Layer>]) -> Self {
        let shipped = Layer::new(Arc::new(SHIPPED), false).ok().map(Arc::new);
        let mut first = 0;
        let layers = shipped.into_iter().chain(further.iter().cloned()).map(|layer| {
            let placed = Placed { first, layer };
            first += placed.layer.entities();
            placed
        });
        let layers: Vec<Placed> = layers.collect();
        let entries = layers.first().filter(|_| layers.len() > 1).into_iter().flat_map(|placed| placed.layer.entries());
        Self { shipped: entries.enumerate().map(|(number, entry)| (entry.id.into(), number)).collect(), layers }
    }

    /// Layers beside the shipped one.
    pub(crate) fn further(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().skip(1).map(|placed| placed.layer.as_ref())
    }

    /// The one place that a name stands for in some language.
    pub(super) fn place(&self, name: &str) -> Option<Entry<'_>> {
        let places = self.bearers(&fold(name)).into_iter().filter_map(|(_, entry)| entry).filter(|entry| entry.kind == EntityType::Place);
        places.max_by_key(Entry::is_territory)
    }

    /// Whether a name is one of a country or territory, in a language.
    pub(crate) fn is_territory(&self, name: &str, language: &str) -> bool {
        self.bearers(&fold(name)).iter().any(|(tag, entry)| *tag == language && entry.is_some_and(|entry| entry.is_territory()))
    }

    /// All bearers of a folded name: language, and entity if it is of one.
    fn bearers(&self, key: &str) -> Vec<(&str, Option<Entry<'_>>)> {
        let ends = self.layers.iter().filter_map(|Placed { layer, .. }| Some((layer, layer.step(false, layer.start(false), key)?)));
        let bearers = ends.flat_map(|(layer, end)| {
            layer.bearers(false, end).filter_map(|bearer| Some((layer.tag(bearer.language)?, layer.entry(bearer.entity))))
        });
        bearers.collect()
    }

    /// Looks a further layer through.
    pub(crate) fn survey(&self, layer: &Layer) -> Survey {
        let mut survey = Survey::default();
        for entry in layer.entries() {
            let subtype = entry.subtype.map(|subtype| format!("/{subtype}")).unwrap_or_default();
            *survey.types.entry(format!("{}{subtype}", entry.kind.name())).or_default() += 1;
        }
        layer.each_name(|key, bearers| {
            let known: Vec<(&str, Option<Entry<'_>>)> = self.bearers(key);
            for bearer in bearers {
                let Some(language) = layer.tag(bearer.language) else { continue };
                *survey.languages.entry(language.to_owned()).or_default() += 1;
                let id = layer.entry(bearer.entity).map(|entry| entry.id);
                let mut alike = known.iter().filter(|(tag, _)| *tag == language);
                if alike.clone().any(|(_, entry)| entry.is_none()) {
                    survey.everyday.entry(language.to_owned()).or_default().push(key.to_owned());
                } else if alike.any(|(_, entry)| entry.map(|entry| entry.id) != id) {
                    survey.shared.entry(language.to_owned()).or_default().push(key.to_owned());
                }
            }
        });
        survey
    }

    /// The entry at an index.
    pub(crate) fn get(&self, entry: usize) -> Option<Entry<'_>> {
        let placed = self.layers.iter().rfind(|placed| placed.first <= entry)?;
        placed.layer.entry(u32::try_from(entry - placed.first).ok()?)
    }

    /// All names in a text, longest first at each place, not overlapping.
    pub(crate) fn find(&self, text: &Text<'_>, units: &[Unit], language: &str) -> Vec<Hit> {
        let search =
            Search { gazetteer: self, text, units, language, tags: self.layers.iter().map(|placed| Tags::new(placed, language)).collect() };
        let mut hits: Vec<Hit> = Vec::new();
        let mut first = 0;
        while first < units.len() {
            first = match search.longest(first).or_else(|| search.declined(first)) {
                Some((hit, next)) => {
                    hits.extend(Some(hit).filter(|hit| !hit.entries.is_empty()));
                    next
                }
                None => first + 1,
            };
        }
        hits
    }

    /// The first entity of the same id.
    fn first_of(&self, entry: usize) -> Option<usize> {
        if self.layers.get(1).is_none_or(|second| entry < second.first) {
            return Some(entry);
        }
        let id = self.get(entry)?.id;
        Some(self.shipped.get(id).copied().unwrap_or(entry))
    }

    /// Where a city and its country are one name (Singapore, Luxembourg), the country is meant.
    fn prefer_territory(&self, entries: &mut Vec<usize>) {
        if entries.len() < 2 {
            return;
        }
        let english = |entry: &usize| self.get(*entry).and_then(|known| known.name("en"));
        let territories: Vec<usize> =
            entries.iter().copied().filter(|entry| self.get(*entry).is_some_and(|known| known.is_territory())).collect();
        if let [territory] = territories[..]
            && entries.iter().all(|entry| english(entry) == english(&territory))
        {
            *entries = vec![territory];
        }
    }
}

/// The numbers that a layer gives to the languages a search asks for.
struct Tags {
    own: Option<u16>,
    english: Option<u16>,
    any: Option<u16>,
}

impl Tags {
    fn new(placed: &Placed, language: &str) -> Self {
        let layer = &placed.layer;
        Self { own: layer.language(language), english: layer.language("en"), any: layer.language("und") }
    }
}

/// The states of all layers after some letters; `None` where a layer has no name that goes on so.
type States = Vec<Option<State>>;

/// The search through one text.
struct Search<'s> {
    gazetteer: &'s Gazetteer,
    text: &'s Text<'s>,
    units: &'s [Unit],
    language: &'s str,
    /// One a layer.
    tags: Vec<Tags>,
}

impl Search<'_> {
    fn start(&self, stems: bool) -> States {
        self.gazetteer.layers.iter().map(|placed| Some(placed.layer.start(stems))).collect()
    }

    /// Goes on in all layers; false where none does.
    fn step(&self, stems: bool, states: &mut States, text: &str) -> bool {
        let mut alive = false;
        for (state, placed) in states.iter_mut().zip(&self.gazetteer.layers) {
            *state = state.and_then(|state| placed.layer.step(stems, state, text));
            alive |= state.is_some();
        }
        alive
    }

    /// The longest name from a unit on, and the unit after it.
    fn longest(&self, first: usize) -> Option<(Hit, usize)> {
        let begin = self.units.get(first)?;
        let mut states = self.start(false);
        // Of لل the second lam is what is left of the article.
        if self.language == "ar" && begin.fold.start > 0 && slice(self.text.folded(begin.token), 0..begin.fold.start).ends_with('ل') {
            let piece = slice(self.text.folded(begin.token), begin.fold.clone());
            if piece.starts_with('ل') {
                self.step(false, &mut states, "ا");
            }
        }
        let mut best = None;
        for (at, unit) in self.units.iter().enumerate().skip(first) {
            let apart = at > first && unit.fold.start == 0;
            if apart && !(joins(self.text.gap_before(unit.token)) && self.step(false, &mut states, " ")) {
                break;
            }
            if !self.step(false, &mut states, slice(self.text.folded(unit.token), unit.fold.clone())) {
                break;
            }
            let (span, tokens) = (begin.bytes.start..unit.bytes.end, begin.token..unit.token + 1);
            if let Some(meaning) = self.meaning(false, &states, tokens.clone(), span.clone()) {
                best = Some((hit(tokens, span, meaning), at + 1));
            }
        }
        best
    }

    /// The longest name of which a form stands at a unit, and the unit after it.
    fn declined(&self, first: usize) -> Option<(Hit, usize)> {
        let begin = self.units.get(first)?;
        if !declines(self.language) || !self.text.is_capitalised(begin.token) {
            return None;
        }
        let mut ways = vec![self.start(true)];
        let mut best = None;
        for (at, unit) in self.units.iter().enumerate().skip(first).take(3) {
            if at > first {
                if !joins(self.text.gap_before(unit.token)) {
                    break;
                }
                ways.retain_mut(|states| self.step(true, states, " "));
            }
            let stems = stems(self.text.folded(unit.token), self.language);
            let onward = |states: &States| {
                let further = stems.iter().map(|stem| {
                    let mut states = states.clone();
                    self.step(true, &mut states, stem).then_some(states)
                });
                further.flatten().collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(onward).collect();
            if ways.is_empty() {
                break;
            }
            let (span, tokens) = (begin.bytes.start..unit.bytes.end, begin.token..unit.token + 1);
            let mut found: Vec<Meaning> =
                ways.iter().filter_map(|states| self.meaning(true, states, tokens.clone(), span.clone())).collect();
            found.dedup();
            if let [meaning] = &found[..] {
                best = Some((hit(tokens, span, meaning.clone()), at + 1));
            }
        }
        best
    }

    /// Everyone who bears the name that ends here, and whether it is an everyday word of the language too.
    fn bearers(&self, stems: bool, states: &States) -> (Vec<Name<'_>>, bool) {
        let (mut names, mut common) = (Vec::new(), false);
        for ((state, placed), tags) in states.iter().zip(&self.gazetteer.layers).zip(&self.tags) {
            let Some(state) = state else { continue };
            for bearer in placed.layer.bearers(stems, *state) {
                let language = Some(bearer.language);
                let own = language == tags.own || language == tags.any;
                let entry = match bearer.entity {
                    COMMON => {
                        common |= own;
                        continue;
                    }
                    NOBODY => None,
                    entity => Some(placed.first + entity as usize),
                };
                names.push(Name { entry, own, english: language == tags.english, flags: bearer.flags, exact: bearer.exact });
            }
        }
        (names, common)
    }

    /// Whom a surface may mean in this text.
    fn meaning(&self, stems: bool, states: &States, tokens: Range<usize>, span: Range<usize>) -> Option<Meaning> {
        let (mut names, common) = self.bearers(stems, states);
        if names.is_empty() {
            return None;
        }
        let text = self.text;
        let surface = slice(text.source(), span.clone());
        // `US$` is money.
        if slice(text.source(), span.end..text.source().len()).starts_with('$') {
            return None;
        }
        let cased = surface.chars().any(|c| c.is_lowercase() || c.is_uppercase());
        let upper = !surface.chars().any(char::is_lowercase);
        let covered = COVERED.contains(&self.language);
        let dense = tokens.clone().all(|token| text.is_ideograph(token));
        names.retain(|name| {
            let foreign = name.flags.has(Flags::LATIN) && !is_latin(self.language);
            let capitals = name.flags.has(Flags::CAPITALS);
            // Acronyms of parties are others in the next country.
            let of_party =
                || capitals && name.entry.and_then(|entry| self.gazetteer.get(entry)).is_some_and(|e| e.subtype == Some("party"));
            let speaks = name.own || foreign || (!covered && name.english && !of_party());
            let capital = !cased || name.flags.has(Flags::SMALL) || text.is_capitalised(tokens.start) || capitalised_inside(surface);
            speaks
                && capital
                && (!capitals || upper)
                && (!name.flags.has(Flags::TITLE) || !long_words(surface).any(|word| word.starts_with(char::is_lowercase)))
                && (!dense || tokens.len() >= 2)
                && (self.language != "ko" || surface.chars().nth(1).is_some())
                && (!name.flags.has(Flags::EXACT) || name.exact == light_fold(surface))
        });
        // The article's own language knows best what a word means in it.
        if names.iter().any(|name| name.own) {
            names.retain(|name| name.own);
        }
        if names.is_empty() {
            return None;
        }
        if names.iter().any(|name| name.entry.is_none()) {
            return Some(Meaning { entries: Vec::new(), weak: false, always: false });
        }
        let always = names.iter().any(|name| name.flags.has(Flags::ALWAYS));
        // An everyday word is taken for a name only where a capital says so, and no beginning of a sentence explains that.
        let begins =
            || tokens.start == 0 || text.gap_before(tokens.start).contains(['.', '!', '?', '\n', ':', '"', '“', '«', '–', '—', '•']);
        // In German every noun has one.
        let plain = common && (!cased || self.language == "de" || begins());
        let weak = !always && (plain || names.iter().all(|name| name.flags.has(Flags::NEEDS_CONTEXT)));
        let mut entries: Vec<usize> = names.iter().filter_map(|name| self.gazetteer.first_of(name.entry?)).collect();
        entries.sort_unstable();
        entries.dedup();
        self.gazetteer.prefer_territory(&mut entries);
        Some(Meaning { entries, weak, always })
    }
}

fn hit(tokens: Range<usize>, span: Range<usize>, meaning: Meaning) -> Hit {
    let Meaning { entries, weak, always } = meaning;
    Hit { tokens, start: span.start, end: span.end, entries, weak, always }
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

/// The words of a name that are no articles or prepositions by their length.
fn long_words(name: &str) -> impl Iterator<Item = &str> {
    name.split([' ', '-']).filter(|word| word.chars().nth(3).is_some())
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
        let gazetteer = Gazetteer::new(&[]);
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
            ("en", "arrived in Baghdad today to read Baghdad Today", vec!["Baghdad=Baghdad", "Baghdad Today=Baghdad Today"]),
            ("pt", "pagou US$ 200 em São Paulo", vec!["São Paulo=São Paulo"]),
        ] {
            assert_eq!(found(language, source), expected, "{source}");
        }
    }

    #[test]
    fn holds_what_the_readme_says() {
        let gazetteer = Gazetteer::new(&[]);
        let layer = &gazetteer.layers[0].layer;
        let entries: Vec<Entry<'_>> = layer.entries().collect();
        let count = |kind| entries.iter().filter(|entry| entry.kind == kind).count();
        assert!(count(EntityType::Organisation) >= 1_700);
        assert!(count(EntityType::Person) >= 1_000);
        assert!(entries.iter().filter(|entry| entry.is_territory()).count() >= 195);
        assert!(layer.names() > 20_000);
    }
}
