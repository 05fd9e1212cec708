//! The row format of gazetteer tables, ours and users': tab-separated UTF-8, one name a line.
//!
//! `id <tab> type <tab> language <tab> name [<tab> flags]`; lines that begin with `#` and empty lines say nothing. README
//! documents it under "Names of your own".

use std::fmt;

use crate::{
    article::EntityType,
    enrich::gazetteer::{Flags, Month, Spelling, Tenure},
};

/// Bytes a cell may have.
const LONGEST: usize = 1_000;

/// What a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'r> {
    /// An entity of a type, and perhaps a finer kind.
    Entity(EntityType, Option<&'r str>),
    /// An expression that holds a known name and does not mean it.
    Nobody,
    /// An everyday word that is a name too.
    Common,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'r> {
    /// Id to publish; `-` where nobody is meant.
    pub id: &'r str,
    /// What it names.
    pub kind: Kind<'r>,
    /// Primary language subtag, or `und` for all languages.
    pub language: &'r str,
    /// The name as written.
    pub name: &'r str,
    /// Bits of [`Flags`].
    pub(crate) flags: u8,
    /// Id of the country a place is in.
    pub home: Option<&'r str>,
    /// When the name counts.
    pub(crate) tenure: Tenure,
}

impl<'r> Row<'r> {
    /// Reads a line; `None` for a comment or an empty line.
    ///
    /// # Errors
    /// What is wrong with it, and what is wanted.
    pub fn parse(line: &'r str) -> Result<Option<Self>, String> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with('#') || line.trim().is_empty() {
            return Ok(None);
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [id, kind, language, name] = cells
            .get(..4)
            .and_then(|cells| <[&str; 4]>::try_from(cells).ok())
            .ok_or_else(|| format!("found {} cells apart by tabs; wanted id, type, language, name and perhaps flags", cells.len()))?;
        if let Some(cell) = cells.get(5..).unwrap_or_default().iter().find(|cell| !cell.is_empty()) {
            return Err(format!("found a sixth cell '{cell}'; flags stand in one cell, apart by commas"));
        }
        if let Some(cell) = cells.iter().find(|cell| cell.len() > LONGEST) {
            return Err(format!("found a cell of {} bytes; a cell has at most {LONGEST}", cell.len()));
        }
        let (type_, subtype) = kind.split_once('/').map_or((kind, None), |(type_, subtype)| (type_, Some(subtype)));
        let kind = match (type_, EntityType::ALL.into_iter().find(|known| known.name() == type_)) {
            (_, Some(type_)) => Kind::Entity(type_, subtype.filter(|subtype| !subtype.is_empty())),
            ("none", _) => Kind::Nobody,
            ("common", _) => Kind::Common,
            _ => {
                return Err(format!("found the type '{kind}'; wanted person, organisation or place (with /kind if known), none or common"));
            }
        };
        let named = matches!(kind, Kind::Entity(..));
        let is_id = id.split_once(':').is_some_and(|(scheme, local)| !scheme.is_empty() && !local.is_empty()) && !id.contains(' ');
        if named && !is_id {
            return Err(format!("found the id '{id}'; wanted a scheme and a name in it, such as wd:Q796, gn:98182 or desk:acme"));
        }
        if !named && id != "-" {
            return Err(format!("found the id '{id}'; a row of type {type_} names nobody, its id is '-'"));
        }
        if !(2..=3).contains(&language.len()) || !language.chars().all(|c| c.is_ascii_lowercase()) {
            return Err(format!("found the language '{language}'; wanted a primary language subtag such as ar or ckb, or und for all"));
        }
        if !Spelling::is_enough(name) {
            return Err(format!("found the name '{name}'; a name has a letter, and another letter or a digit"));
        }
        let mut row = Self { id, kind, language, name, flags: 0, home: None, tenure: Tenure::default() };
        for flag in cells.get(4).copied().unwrap_or_default().split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
            match (flag, flag.split_once('=')) {
                ("needs_context", _) => row.flags |= Flags::NEEDS_CONTEXT,
                ("exact", _) => row.flags |= Flags::EXACT,
                ("always", _) => row.flags |= Flags::ALWAYS,
                (_, Some(("home", home))) if home.contains(':') => row.home = Some(home),
                (_, Some(("from", month))) if Month::read(month).is_some() => row.tenure.from = Month::read(month),
                (_, Some(("until", month))) if Month::read(month).is_some() => row.tenure.until = Month::read(month),
                _ => {
                    return Err(format!(
                        "found the flag '{flag}'; wanted needs_context, exact, always, home=ID, from=YYYY-MM or until=YYYY-MM"
                    ));
                }
            }
        }
        Ok(Some(row))
    }
}

impl fmt::Display for Row<'_> {
    /// The row as a line, without its end; [`Row::parse`] reads it back.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Entity(kind, None) => kind.name().to_owned(),
            Kind::Entity(kind, Some(subtype)) => format!("{}/{subtype}", kind.name()),
            Kind::Nobody => "none".to_owned(),
            Kind::Common => "common".to_owned(),
        };
        write!(formatter, "{}\t{kind}\t{}\t{}", self.id, self.language, self.name)?;
        let named = [(Flags::NEEDS_CONTEXT, "needs_context"), (Flags::EXACT, "exact"), (Flags::ALWAYS, "always")];
        let mut flags: Vec<String> =
            named.into_iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, name)| name.to_owned()).collect();
        flags.extend(self.home.map(|home| format!("home={home}")));
        flags.extend(self.tenure.from.map(|month| format!("from={month}")));
        flags.extend(self.tenure.until.map(|month| format!("until={month}")));
        if flags.is_empty() { Ok(()) } else { write!(formatter, "\t{}", flags.join(",")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for line in [
            "wd:Q796\tplace/territory\tar\tالعراق",
            "desk:acme\torganisation/company\tund\tAcme\texact,always",
            "gn:98182\tplace\ten\tBaghdad\tneeds_context,home=wd:Q796",
            "desk:doe\tperson\ten\tDoe\tneeds_context,from=2019-02,until=2024-12",
            "-\tnone\ten\tguinea pig",
            "-\tcommon\ttr\tvan",
        ] {
            assert_eq!(Row::parse(line).unwrap().unwrap().to_string(), line);
        }
        for line in ["", "  ", "# id\ttype"] {
            assert_eq!(Row::parse(line), Ok(None));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_row() {
        for (line, expected) in [
            ("Q796\tplace\tar", "found 3 cells"),
            ("wd:Q796\tcity\tar\tبغداد", "found the type 'city'"),
            ("Q796\tplace\tar\tبغداد", "found the id 'Q796'"),
            ("x:y\tnone\ten\tguinea pig", "its id is '-'"),
            ("wd:Q796\tplace\tarabic\tبغداد", "found the language 'arabic'"),
            ("wd:Q796\tplace\tar\t7", "a name has a letter"),
            ("wd:Q796\tplace\tar\tبغداد\tweak", "found the flag 'weak'"),
            ("desk:doe\tperson\ten\tDoe\tfrom=2019-13", "found the flag 'from=2019-13'"),
            ("wd:Q796\tplace\tar\tبغداد\texact\talways", "a sixth cell"),
        ] {
            let fault = Row::parse(line).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
