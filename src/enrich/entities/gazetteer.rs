//! The gazetteer: names of known entities, in layers compiled from tables: what is shipped, and what users add.
//!
//! A name is a run of folded tokens; the longest run wins, over all layers. A name applies to texts of its own language, to texts in
//! another script (Latin brand names in Arabic text), and to texts in languages the shipped tables do not cover; a name of the
//! language `und` applies to all. An id that several layers hold is one entity: what the shipped tables say of it stands, and the
//! other layers add names.

pub(crate) mod layer;
mod search;

use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    inflect::{declines, inflections, stem},
    units::Unit,
};
use crate::{
    article::EntityType,
    enrich::text::{Text, fold, light_fold, script_of},
};
use layer::Layer;
pub(crate) use layer::{Bearer, COMMON, Entry, Flags, HEADER, MAGIC, Month, NOBODY, SECTIONS, Tenure, checksum};
use search::Search;
pub(crate) use search::{Hit, joins};

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
    /// When it counts.
    pub(crate) tenure: Tenure,
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
    pub(crate) fn new(name: &str, language: &str, given: u8, tenure: Tenure) -> Self {
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        let latin = name.chars().find_map(script_of) == Some(unicode_script::Script::Latin);
        let capitals = name.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase) && letters <= 5;
        let small = name.chars().next().is_some_and(char::is_lowercase);
        let title = name.contains(' ') && long_words(name).all(|word| word.starts_with(char::is_uppercase));
        let when = |holds: bool, flag: u8| if holds { flag } else { 0 };
        let flags = Flags(
            given
                | when(latin, Flags::LATIN)
                | when(capitals, Flags::CAPITALS)
                | when(small, Flags::SMALL)
                | when(title, Flags::TITLE)
                | when(tenure != Tenure::default(), Flags::DATED),
        );
        let exact = flags.has(Flags::EXACT);
        let forms = if language == "ru" || language == "uk" { inflections(name) } else { vec![name.to_owned()] };
        // Short names are too like the beginnings of others.
        let stem = ((declines(language) || language == "en") && letters >= 4 && !capitals && !exact)
            .then(|| fold(name).split(' ').map(stem).collect::<Vec<_>>().join(" "));
        Self {
            flags,
            exact: if exact { light_fold(name) } else { String::new() },
            tenure,
            names: forms.iter().map(|form| fold(form)).collect(),
            stem,
        }
    }
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

    /// All names in a text, longest first at each place, not overlapping; `published` is the month it appeared in.
    pub(crate) fn find(&self, text: &Text<'_>, units: &[Unit], language: &str, published: Option<Month>) -> Vec<Hit> {
        Search::new(self, text, units, language, published).all()
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

/// The words of a name that are no articles or prepositions by their length.
fn long_words(name: &str) -> impl Iterator<Item = &str> {
    name.split([' ', '-']).filter(|word| word.chars().nth(3).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::text::slice;

    fn found(language: &str, source: &str) -> Vec<String> {
        let gazetteer = Gazetteer::new(&[]);
        let text = Text::new(source);
        gazetteer
            .find(&text, &crate::enrich::entities::units::units(&text, language), language, Month::new(2026, 11))
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
