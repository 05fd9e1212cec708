//! Compiles rows to a layer. Rows may come in any order and number: both sortings (by entity, by name) spill to temporary files,
//! so memory is bounded by the sorter's, not by the table.

use std::io::{self, BufWriter, Read, Seek, Write};

use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::{
    rows::{Kind, Row},
    sorter::Sorter,
};
use crate::{
    article::EntityType,
    enrich::gazetteer::{Bearer, COMMON, Entry, Flags, HEADER, MAGIC, NOBODY, SECTIONS, Spelling, Tenure, checksum},
};

/// Bytes of a section held in memory before it goes to a temporary file.
const HELD: usize = 32 << 20;

/// What was built.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Entities of different ids.
    pub entities: u32,
    /// Different folded names, declined forms among them.
    pub names: u64,
}

/// Takes rows, then writes the compiled gazetteer.
#[derive(Debug, Default)]
pub struct Builder {
    rows: Sorter,
    summary: Summary,
}

/// A part of the file, written piecemeal.
type Section = BufWriter<SpooledTempFile>;

fn section() -> Section {
    BufWriter::new(SpooledTempFile::new(HELD))
}

/// An entity whose rows are being read.
struct Open {
    kind: EntityType,
    subtype: String,
    home: String,
    names: Vec<(u16, String)>,
}

/// The languages met so far.
#[derive(Default)]
struct Languages(Vec<String>);

impl Languages {
    fn number(&mut self, tag: &str) -> u16 {
        let at = self.0.iter().position(|known| known == tag).unwrap_or_else(|| {
            self.0.push(tag.to_owned());
            self.0.len() - 1
        });
        // Three letters make fewer tags than that.
        at as u16
    }
}

impl Builder {
    /// Takes a row.
    ///
    /// # Errors
    /// A temporary file could not be written.
    pub fn add(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.summary.rows += 1;
        self.rows.push(row.id.as_bytes(), row.to_string().as_bytes())
    }

    /// Writes the compiled gazetteer. The same rows in the same order give the same bytes.
    ///
    /// # Errors
    /// `out` or a temporary file could not be written.
    pub fn write(self, out: &mut impl Write) -> io::Result<Summary> {
        let Self { rows, mut summary } = self;
        let (mut entries, mut offsets, mut languages) = (section(), section(), Languages::default());
        let (mut names, mut stems) = (Sorter::default(), Sorter::default());
        let mut offset = 0_u64;
        let mut open: Option<(Vec<u8>, Open)> = None;
        let mut close = |(id, open): (Vec<u8>, Open)| -> io::Result<()> {
            let mut record = Vec::new();
            let named: Vec<(u16, &str)> = open.names.iter().map(|(language, name)| (*language, name.as_str())).collect();
            Entry::write(open.kind, &String::from_utf8_lossy(&id), &open.subtype, &open.home, &named, &mut record);
            offsets.write_all(&offset.to_le_bytes())?;
            entries.write_all(&(record.len() as u32).to_le_bytes())?;
            entries.write_all(&record)?;
            offset += 4 + record.len() as u64;
            Ok(())
        };
        for record in rows.sorted()? {
            let (id, line) = record?;
            let line = String::from_utf8(line).map_err(io::Error::other)?;
            let Some(row) = Row::parse(&line).map_err(io::Error::other)? else { continue };
            let language = languages.number(row.language);
            let (entity, flags) = match row.kind {
                Kind::Nobody => (NOBODY, Flags::SMALL),
                Kind::Common => (COMMON, Flags::SMALL),
                Kind::Entity(kind, subtype) => {
                    if open.as_ref().is_none_or(|(known, _)| *known != id) {
                        open.take().map(&mut close).transpose()?;
                        summary.entities += 1;
                        open = Some((id, Open { kind, subtype: String::new(), home: String::new(), names: Vec::new() }));
                    }
                    if let Some((_, open)) = &mut open {
                        if open.subtype.is_empty() {
                            open.subtype = subtype.unwrap_or_default().to_owned();
                        }
                        if open.home.is_empty() {
                            open.home = row.home.unwrap_or_default().to_owned();
                        }
                        let whole = row.flags & Flags::NEEDS_CONTEXT == 0 && row.tenure == Tenure::default();
                        if whole && !open.names.iter().any(|(known, _)| *known == language) {
                            open.names.push((language, row.name.to_owned()));
                        }
                    }
                    (summary.entities - 1, row.flags)
                }
            };
            let spelling = Spelling::new(row.name, row.language, flags, row.tenure);
            let mut bearer = Vec::new();
            Bearer::write(entity, language, &spelling, &mut bearer);
            for key in &spelling.names {
                names.push(key.as_bytes(), &bearer)?;
            }
            if let Some(key) = spelling.stem.filter(|_| entity < COMMON) {
                stems.push(key.as_bytes(), &bearer)?;
            }
        }
        open.take().map(&mut close).transpose()?;
        let mut postings = section();
        let mut written = 0;
        let (names, count) = automaton(names, &mut postings, &mut written)?;
        let (stems, _) = automaton(stems, &mut postings, &mut written)?;
        summary.names = count;
        let mut tags = section();
        tags.write_all(languages.0.join("\n").as_bytes())?;
        assemble([tags, names, stems, postings, entries, offsets], out)?;
        Ok(summary)
    }
}

/// Builds an automaton from keys and their bearers, and appends the postings. Gives the number of keys too.
fn automaton(sorter: Sorter, postings: &mut Section, written: &mut u64) -> io::Result<(Section, u64)> {
    let mut builder = fst::raw::Builder::new(section()).map_err(io::Error::other)?;
    let mut held: Option<(Vec<u8>, Vec<Vec<u8>>)> = None;
    let mut count = 0;
    let mut flush = |(key, bearers): (Vec<u8>, Vec<Vec<u8>>)| -> io::Result<()> {
        builder.insert(&key, *written).map_err(io::Error::other)?;
        // So many entities of one name are of no use to anybody.
        let kept = bearers.get(..usize::from(u16::MAX)).unwrap_or(&bearers);
        postings.write_all(&(kept.len() as u16).to_le_bytes())?;
        kept.iter().try_for_each(|bearer| postings.write_all(bearer))?;
        *written += 2 + kept.iter().map(|bearer| bearer.len() as u64).sum::<u64>();
        count += 1;
        Ok(())
    };
    for record in sorter.sorted()? {
        let (key, bearer) = record?;
        match &mut held {
            Some((known, bearers)) if *known == key => {
                // Entity and language are the first six bytes: of one bearer the first spelling counts.
                if !bearers.iter().any(|known| known.get(..6) == bearer.get(..6)) {
                    bearers.push(bearer);
                }
            }
            _ => {
                held.replace((key, vec![bearer])).map(&mut flush).transpose()?;
            }
        }
    }
    held.take().map(&mut flush).transpose()?;
    Ok((builder.into_inner().map_err(io::Error::other)?, count))
}

/// Writes header and sections.
fn assemble(sections: [Section; SECTIONS], out: &mut impl Write) -> io::Result<()> {
    let mut content = Sha256::new();
    let mut lengths = Vec::new();
    let mut ready = Vec::new();
    for section in sections {
        let mut file = section.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        lengths.push(io::copy(&mut file, &mut Hashing(&mut content))?);
        file.rewind()?;
        ready.push(file);
    }
    out.write_all(MAGIC)?;
    let length = HEADER as u64 + lengths.iter().sum::<u64>();
    for number in [length, checksum(content)].into_iter().chain(lengths) {
        out.write_all(&number.to_le_bytes())?;
    }
    for mut file in ready {
        io::copy(&mut file as &mut dyn Read, out)?;
    }
    out.flush()
}

/// Takes bytes into a digest.
struct Hashing<'h>(&'h mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
