//! The search for the names of a gazetteer in one text: longest run first, each with whom it may mean there.

use std::ops::Range;

use super::{
    COVERED, Flags, Gazetteer, Placed,
    layer::{COMMON, Month, NOBODY, State, Tenure},
};
use crate::enrich::{
    entities::{
        inflect::{declines, stems},
        units::Unit,
    },
    text::{Text, light_fold, slice},
};

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
    tenure: Tenure,
    exact: &'g str,
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
pub(super) struct Search<'s> {
    gazetteer: &'s Gazetteer,
    text: &'s Text<'s>,
    units: &'s [Unit],
    language: &'s str,
    /// When the text was published.
    published: Option<Month>,
    /// One a layer.
    tags: Vec<Tags>,
}

impl<'s> Search<'s> {
    pub(super) fn new(
        gazetteer: &'s Gazetteer,
        text: &'s Text<'s>,
        units: &'s [Unit],
        language: &'s str,
        published: Option<Month>,
    ) -> Self {
        let tags = gazetteer.layers.iter().map(|placed| Tags::new(placed, language)).collect();
        Self { gazetteer, text, units, language, published, tags }
    }

    /// All names, longest first at each place, not overlapping.
    pub(super) fn all(&self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let (mut first, mut states) = (0, States::new());
        while first < self.units.len() {
            first = match self.longest(first, &mut states).or_else(|| self.declined(first)) {
                Some((hit, next)) => {
                    hits.extend(Some(hit).filter(|hit| !hit.entries.is_empty()));
                    next
                }
                None => first + 1,
            };
        }
        hits
    }

    fn start(&self, stems: bool) -> impl Iterator<Item = Option<State>> {
        self.gazetteer.layers.iter().map(move |placed| Some(placed.layer.start(stems)))
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

    /// The longest name from a unit on, and the unit after it; `states` is room to work in.
    fn longest(&self, first: usize, states: &mut States) -> Option<(Hit, usize)> {
        let begin = self.units.get(first)?;
        states.clear();
        states.extend(self.start(false));
        // Of لل the second lam is what is left of the article.
        if self.language == "ar" && begin.fold.start > 0 && slice(self.text.folded(begin.token), 0..begin.fold.start).ends_with('ل') {
            let piece = slice(self.text.folded(begin.token), begin.fold.clone());
            if piece.starts_with('ل') {
                self.step(false, states, "ا");
            }
        }
        let mut best = None;
        for (at, unit) in self.units.iter().enumerate().skip(first) {
            let apart = at > first && unit.fold.start == 0;
            if apart && !(joins(self.text.gap_before(unit.token)) && self.step(false, states, " ")) {
                break;
            }
            if !self.step(false, states, slice(self.text.folded(unit.token), unit.fold.clone())) {
                break;
            }
            let (span, tokens) = (begin.bytes.start..unit.bytes.end, begin.token..unit.token + 1);
            if let Some(meaning) = self.meaning(false, states, tokens.clone(), span.clone()) {
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
        let mut ways = vec![self.start(true).collect::<States>()];
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
                names.push(Name {
                    entry,
                    own,
                    english: language == tags.english,
                    flags: bearer.flags,
                    tenure: bearer.tenure,
                    exact: bearer.exact,
                });
            }
        }
        (names, common)
    }

    /// Whether the text is of the time of a name; `None` for a name of all times.
    fn is_dated(&self, name: &Name<'_>) -> Option<bool> {
        name.flags.has(Flags::DATED).then(|| self.published.is_some_and(|month| name.tenure.holds(month)))
    }

    /// Whether a name counts only beside another of the same entity.
    fn needs_context(&self, name: &Name<'_>) -> bool {
        name.flags.has(Flags::NEEDS_CONTEXT) || self.is_dated(name) == Some(false)
    }

    /// Whom a surface may mean in this text.
    fn meaning(&self, stems: bool, states: &States, tokens: Range<usize>, span: Range<usize>) -> Option<Meaning> {
        let (mut names, common) = self.bearers(stems, states);
        // Of two who held the office, the one who does.
        if names.iter().any(|name| self.is_dated(name) == Some(true)) {
            names.retain(|name| self.is_dated(name) != Some(false));
        }
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
            let foreign = name.flags.has(Flags::LATIN) && NOT_LATIN.contains(&self.language);
            let capitals = name.flags.has(Flags::CAPITALS);
            // Acronyms of parties are others in the next country.
            let of_party =
                || capitals && name.entry.and_then(|entry| self.gazetteer.get(entry)).is_some_and(|e| e.subtype == Some("party"));
            let speaks = name.own || foreign || (!covered && name.english && !of_party());
            let capital = !cased || name.flags.has(Flags::SMALL) || text.is_capitalised(tokens.start) || capitalised_inside(surface);
            speaks
                && capital
                && (!capitals || upper)
                && (!name.flags.has(Flags::TITLE) || !super::long_words(surface).any(|word| word.starts_with(char::is_lowercase)))
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
        let weak = !always && (plain || names.iter().all(|name| self.needs_context(name)));
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

/// Languages of other scripts: a Latin name in their texts is a foreign one.
const NOT_LATIN: [&str; 34] = [
    "ar", "fa", "ur", "ps", "ckb", "he", "ru", "uk", "bg", "sr", "be", "mk", "kk", "el", "zh", "ja", "ko", "hi", "mr", "ne", "bn", "ta",
    "te", "th", "am", "hy", "ka", "my", "km", "si", "gu", "pa", "kn", "ml",
];

/// 'mer Rouge', 'al-Qaida', 'von der Leyen': the first word of a name is not always the one in capitals.
fn capitalised_inside(surface: &str) -> bool {
    surface.split([' ', '-', '\'', '’']).skip(1).any(|word| word.chars().next().is_some_and(char::is_uppercase))
}

/// Whether two tokens with this between them may belong to one name.
pub(crate) fn joins(gap: &str) -> bool {
    gap.chars().count() <= 2
        && gap.chars().all(|c| {
            matches!(c, ' ' | '-' | '\u{2010}' | '\u{2011}' | '\'' | '’' | '.' | '\u{200c}' | '\u{a0}' | '·' | '・' | '&' | '״' | '"' | '+')
        })
        && !gap.starts_with(['"', '+'])
}
