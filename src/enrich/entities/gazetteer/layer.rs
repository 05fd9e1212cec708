//! A layer: one compiled gazetteer, read in place from bytes that may be a mapped file of any size.
//!
//! Header (88 bytes): [`MAGIC`], the length of the file, its checksum, and the lengths of six sections that follow in this order:
//! language tags, automaton of names, automaton of stems, postings, entities, offsets of the entities. Integers are little-endian.
//! An automaton leads from a folded name to a posting: who bears it. Nothing is decoded before it is asked for.

use std::{fmt, ops::Range, sync::Arc};

use fst::{
    Streamer,
    raw::{CompiledAddr, Fst, Output},
};
use sha2::{Digest, Sha256};

use super::Spelling;
use crate::article::EntityType;

/// First bytes of a compiled gazetteer; the number goes up with the format.
pub(crate) const MAGIC: &[u8; 24] = b"copydesk-gazetteer-2\n\0\0\0";
/// Bytes before the first section.
pub(crate) const HEADER: usize = MAGIC.len() + 8 * (2 + SECTIONS);
/// Number of sections.
pub(crate) const SECTIONS: usize = 6;
/// In place of an entity: an expression that holds a known name and does not mean it.
pub(crate) const NOBODY: u32 = u32::MAX;
/// In place of an entity: an everyday word that is a name too.
pub(crate) const COMMON: u32 = u32::MAX - 1;

/// Whether bytes begin as a compiled gazetteer of any version does.
pub fn is_compiled(start: &[u8]) -> bool {
    start.starts_with(b"copydesk-gazetteer-")
}

/// The bytes of a compiled gazetteer: shipped, built in memory, or mapped.
pub(crate) type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Why bytes are no compiled gazetteer.
#[derive(Debug, thiserror::Error)]
pub enum NotCompiled {
    /// Other first bytes.
    #[error("it is no compiled gazetteer of this version; make it anew with `copydesk gazetteer build`")]
    Magic,
    /// Shorter or longer than its header says.
    #[error("it holds {found} bytes and says {wanted}; copy it anew, and replace a file in use by renaming")]
    Length {
        /// Bytes there.
        found: usize,
        /// Bytes the header promises.
        wanted: usize,
    },
    /// Changed after it was built.
    #[error("it is damaged: its checksum does not fit; make it anew with `copydesk gazetteer build`")]
    Checksum,
}

/// How a name may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    /// In Latin letters.
    pub(crate) const LATIN: u8 = 1;
    /// Counts only beside another name of the same entity.
    pub(crate) const NEEDS_CONTEXT: u8 = 2;
    /// The surface must be exactly this, up to marks.
    pub(crate) const EXACT: u8 = 4;
    /// The surface must be in capitals: `US`, `WHO`.
    pub(crate) const CAPITALS: u8 = 8;
    /// Written with a small letter at the start: `dpa`, `talibans`.
    pub(crate) const SMALL: u8 = 16;
    /// Stands wherever it is met.
    pub(crate) const ALWAYS: u8 = 32;
    /// Of several words, all but the short ones with a capital: `Baghdad Today` is no `Baghdad today`.
    pub(crate) const TITLE: u8 = 64;
    /// Counts in its [`Tenure`].
    pub(crate) const DATED: u8 = 128;

    pub(crate) fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// A month, counted from the first of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(u16);

impl Month {
    /// A month of a year, January being 1; `None` for years and months there are not.
    pub(crate) fn new(year: u16, month: u16) -> Option<Self> {
        ((1..=5_000).contains(&year) && (1..=12).contains(&month)).then(|| Self(year * 12 + month - 1))
    }

    /// Of a date that begins with year and month, as in 2026-11.
    pub(crate) fn read(date: &str) -> Option<Self> {
        let (year, month) = (date.get(..4)?, date.get(5..7)?);
        (date.get(4..5) == Some("-")).then_some(Self::new(year.parse().ok()?, month.parse().ok()?)?)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// The time in which a name counts, such as a bare surname while its bearer is in office; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tenure {
    pub(crate) from: Option<Month>,
    pub(crate) until: Option<Month>,
}

impl Tenure {
    pub(crate) fn holds(self, month: Month) -> bool {
        self.from.is_none_or(|from| from <= month) && self.until.is_none_or(|until| month <= until)
    }

    /// The months as numbers, 0 where an end is open.
    fn numbers(self) -> [u16; 2] {
        [self.from, self.until].map(|end| end.map_or(0, |month| month.0))
    }
}

/// One bearer of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer<'l> {
    /// Entity within the layer, or [`NOBODY`] or [`COMMON`].
    pub(super) entity: u32,
    /// Index of a language tag of the layer.
    pub(super) language: u16,
    pub(super) flags: Flags,
    /// The spelling that an exact name must have.
    pub(super) exact: &'l str,
    /// When it counts.
    pub(super) tenure: Tenure,
}

impl Bearer<'_> {
    /// Writes it as [`Layer::bearers`] reads it.
    pub(crate) fn write(entity: u32, language: u16, spelling: &Spelling, out: &mut Vec<u8>) {
        out.extend(entity.to_le_bytes());
        out.extend(language.to_le_bytes());
        out.push(spelling.flags.0);
        if spelling.flags.has(Flags::EXACT) {
            write_text(out, &spelling.exact);
        }
        if spelling.flags.has(Flags::DATED) {
            spelling.tenure.numbers().iter().for_each(|month| out.extend(month.to_le_bytes()));
        }
    }
}

/// A known entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'l> {
    /// Published id.
    pub(crate) id: &'l str,
    /// Core type.
    pub(crate) kind: EntityType,
    /// Finer kind.
    pub(crate) subtype: Option<&'l str>,
    /// The id of the country a place is in, where the tables say.
    pub(crate) home: Option<&'l str>,
    names: Cursor<'l>,
    layer: &'l Layer,
}

impl<'l> Entry<'l> {
    /// Whether it is a country or territory.
    pub(crate) fn is_territory(&self) -> bool {
        self.kind == EntityType::Place && self.subtype == Some("territory")
    }

    /// Canonical names: language tag and name.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'l str, &'l str)> + use<'l> {
        let (mut cursor, layer) = (self.names, self.layer);
        std::iter::from_fn(move || {
            let language = layer.languages.get(usize::from(cursor.u16()?))?;
            Some((language.as_ref(), cursor.text()?))
        })
    }

    /// The canonical name for an article's language, else the English one, else the one of all languages.
    pub(crate) fn name(&self, language: &str) -> Option<&'l str> {
        let named = |wanted: &str| self.names().find(|(tag, _)| *tag == wanted).map(|(_, name)| name);
        named(language).or_else(|| named("en")).or_else(|| named("und"))
    }

    /// Writes one as [`Layer::entry`] reads it; names by index of language.
    pub(crate) fn write(kind: EntityType, id: &str, subtype: &str, home: &str, names: &[(u16, &str)], out: &mut Vec<u8>) {
        out.push(EntityType::ALL.iter().position(|known| *known == kind).unwrap_or_default() as u8);
        [id, subtype, home].iter().for_each(|text| write_text(out, text));
        for (language, name) in names {
            out.extend(language.to_le_bytes());
            write_text(out, name);
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // The reader of rows refuses longer cells.
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Reads values one after another; `None` at the end.
#[derive(Debug, Clone, Copy)]
struct Cursor<'l>(&'l [u8]);

impl<'l> Cursor<'l> {
    fn take(&mut self, count: usize) -> Option<&'l [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).and_then(|bytes| bytes.first().copied())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).and_then(|bytes| Some(u16::from_le_bytes(bytes.try_into().ok()?)))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)))
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8).and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)))
    }

    fn text(&mut self) -> Option<&'l str> {
        let length = self.u16()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }
}

/// A part of the bytes, as the automaton wants it.
#[derive(Clone)]
struct Section(Bytes, Range<usize>);

impl AsRef<[u8]> for Section {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref().get(self.1.clone()).unwrap_or_default()
    }
}

/// A state of an automaton on the way through a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct State(CompiledAddr, Output);

/// One compiled gazetteer: entities and their names.
pub struct Layer {
    languages: Vec<Box<str>>,
    names: Fst<Section>,
    stems: Fst<Section>,
    postings: Section,
    entries: Section,
    offsets: Section,
    checksum: u64,
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Layer").field("entities", &self.entities()).finish_non_exhaustive()
    }
}

impl Layer {
    /// Reads the header; the checksum is compared where `verify` is set, which reads all bytes once.
    ///
    /// # Errors
    /// The bytes are no compiled gazetteer, or a damaged one.
    pub(crate) fn new(bytes: Bytes, verify: bool) -> Result<Self, NotCompiled> {
        let all = (*bytes).as_ref();
        let mut header = Cursor(all);
        if header.take(MAGIC.len()) != Some(MAGIC) {
            return Err(NotCompiled::Magic);
        }
        let mut number = || header.u64().ok_or(NotCompiled::Magic);
        let (length, checksum) = (number()?, number()?);
        let mut at = HEADER;
        let mut section = || {
            let end = at.saturating_add(usize::try_from(number()?).unwrap_or(usize::MAX));
            let range = at..end;
            at = end;
            Ok::<Range<usize>, NotCompiled>(range)
        };
        let [languages, names, stems, postings, entries, offsets] =
            [section()?, section()?, section()?, section()?, section()?, section()?];
        if all.len() as u64 != length || offsets.end != all.len() {
            return Err(NotCompiled::Length { found: all.len(), wanted: usize::try_from(length).unwrap_or(usize::MAX) });
        }
        if verify && self::checksum(Sha256::new_with_prefix(all.get(HEADER..).unwrap_or_default())) != checksum {
            return Err(NotCompiled::Checksum);
        }
        let part = |range: Range<usize>| Section(Arc::clone(&bytes), range);
        let automaton = |range| Fst::new(part(range)).map_err(|_| NotCompiled::Checksum);
        let tags = String::from_utf8_lossy(all.get(languages).unwrap_or_default()).into_owned();
        Ok(Self {
            languages: tags.lines().map(Into::into).collect(),
            names: automaton(names)?,
            stems: automaton(stems)?,
            postings: part(postings),
            entries: part(entries),
            offsets: part(offsets),
            checksum,
        })
    }

    /// Number of entities.
    pub fn entities(&self) -> usize {
        self.offsets.as_ref().len() / 8
    }

    /// Number of different names.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// Tells two builds apart.
    pub(crate) fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The index of a language tag.
    pub(super) fn language(&self, tag: &str) -> Option<u16> {
        self.languages.iter().position(|known| known.as_ref() == tag).and_then(|at| u16::try_from(at).ok())
    }

    /// The language tag of an index.
    pub(super) fn tag(&self, language: u16) -> Option<&str> {
        self.languages.get(usize::from(language)).map(AsRef::as_ref)
    }

    /// Gives every folded name and its bearers to `take`.
    pub(super) fn each_name(&self, mut take: impl FnMut(&str, Vec<Bearer<'_>>)) {
        let mut names = self.names.stream();
        while let Some((key, posting)) = names.next() {
            if let Ok(key) = std::str::from_utf8(key) {
                take(key, self.posting(posting.value()).collect());
            }
        }
    }

    /// All entities.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..u32::try_from(self.entities()).unwrap_or(u32::MAX)).map_while(|number| self.entry(number))
    }

    /// The entity of a number.
    pub(crate) fn entry(&self, number: u32) -> Option<Entry<'_>> {
        let at = usize::try_from(number).ok()?.checked_mul(8)?;
        let offset = Cursor(self.offsets.as_ref().get(at..)?).u64()?;
        let mut cursor = Cursor(self.entries.as_ref().get(usize::try_from(offset).ok()?..)?);
        let length = cursor.u32()?;
        let mut cursor = Cursor(cursor.take(usize::try_from(length).ok()?)?);
        let kind = *EntityType::ALL.get(usize::from(cursor.u8()?))?;
        let (id, subtype, home) = (cursor.text()?, cursor.text()?, cursor.text()?);
        let given = |text: &&str| !text.is_empty();
        Some(Entry { id, kind, subtype: Some(subtype).filter(given), home: Some(home).filter(given), names: cursor, layer: self })
    }

    fn automaton(&self, stems: bool) -> &Fst<Section> {
        if stems { &self.stems } else { &self.names }
    }

    /// Where a name begins.
    pub(super) fn start(&self, stems: bool) -> State {
        State(self.automaton(stems).root().addr(), Output::zero())
    }

    /// Goes on by some text; `None` where no name does.
    pub(super) fn step(&self, stems: bool, state: State, text: &str) -> Option<State> {
        let automaton = self.automaton(stems);
        let State(address, mut output) = state;
        let mut node = automaton.node(address);
        for byte in text.bytes() {
            let transition = node.transition(node.find_input(byte)?);
            output = output.cat(transition.out);
            node = automaton.node(transition.addr);
        }
        Some(State(node.addr(), output))
    }

    /// Who bears the name that ends here.
    pub(super) fn bearers(&self, stems: bool, state: State) -> impl Iterator<Item = Bearer<'_>> {
        let node = self.automaton(stems).node(state.0);
        let posting = node.is_final().then(|| state.1.cat(node.final_output()).value());
        posting.into_iter().flat_map(|posting| self.posting(posting))
    }

    fn posting(&self, at: u64) -> impl Iterator<Item = Bearer<'_>> {
        let posting = usize::try_from(at).ok().and_then(|at| self.postings.as_ref().get(at..));
        let mut cursor = Cursor(posting.unwrap_or_default());
        let mut left = cursor.u16().unwrap_or_default();
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (entity, language, flags) = (cursor.u32()?, cursor.u16()?, Flags(cursor.u8()?));
            let exact = if flags.has(Flags::EXACT) { cursor.text()? } else { "" };
            let mut month = || cursor.u16().map(|number| Some(Month(number)).filter(|month| month.0 > 0));
            let tenure = if flags.has(Flags::DATED) { Tenure { from: month()?, until: month()? } } else { Tenure::default() };
            Some(Bearer { entity, language, flags, exact, tenure })
        })
    }
}

/// The checksum of everything after the header: the first eight bytes of its SHA-256.
pub(crate) fn checksum(content: Sha256) -> u64 {
    content.finalize().iter().take(8).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
