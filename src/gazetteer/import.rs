//! Other people's tables, turned into rows of ours: GeoNames dumps, tables with a header line (results of the Wikidata query
//! service, ParaNames, one's own), JRC-Names.
//!
//! Streams: memory grows with what is kept of a GeoNames dump and with nothing else. What is skipped is counted by reason.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use super::rows::{Kind, Row};
use crate::{article::EntityType, enrich::gazetteer::Tenure};

/// Layout of a table to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// GeoNames: allCountries.txt, a country's file or cities15000.txt.
    Geonames,
    /// Tab-separated with a header line that names id, label, language and type: Wikidata query results, ParaNames.
    Wikidata,
    /// JRC-Names: id, type, language, name with + between words.
    Jrc,
}

/// What to import, and of which kind.
#[derive(Debug, Clone)]
pub struct Import {
    /// Layout of the files.
    pub format: Format,
    /// Type of all entities, where the table has none.
    pub kind: Option<EntityType>,
    /// Primary language subtags to keep; all if empty. Names without a language are always kept.
    pub languages: Vec<String>,
    /// Smallest population of a GeoNames place.
    pub min_population: u64,
    /// alternateNamesV2.txt of GeoNames.
    pub alternate_names: Option<PathBuf>,
}

/// Why an import ended.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file could not be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The rows could not be written.
    #[error("cannot write the rows: {0}")]
    Write(io::Error),
    /// A table has no column of this meaning.
    #[error("{path}: no column for the {what}; the header has {header}; wanted one named {wanted}")]
    Column {
        /// The file.
        path: String,
        /// Meaning of the column.
        what: &'static str,
        /// Names found.
        header: String,
        /// Names known.
        wanted: String,
    },
}

/// What came of an import.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Rows written.
    pub rows: u64,
    /// Lines or names left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rows", self.rows)?;
        self.skipped.iter().try_for_each(|(reason, count)| write!(formatter, "\n  left out: {count} {reason}"))
    }
}

/// Rows on their way out.
struct Sink<'i, W> {
    import: &'i Import,
    out: W,
    report: Report,
}

impl<W: Write> Sink<'_, W> {
    fn skip(&mut self, reason: &'static str) {
        *self.report.skipped.entry(reason).or_default() += 1;
    }

    fn emit(&mut self, id: &str, kind: EntityType, language: &str, name: &str, home: Option<&str>) -> Result<(), ImportError> {
        let Some(language) = primary(language) else {
            self.skip("names with no language tag we know");
            return Ok(());
        };
        let wanted = &self.import.languages;
        if language != "und" && !wanted.is_empty() && !wanted.iter().any(|known| known == language) {
            self.skip("names in other languages");
            return Ok(());
        }
        let line =
            Row { id, kind: Kind::Entity(kind, None), language, name: name.trim(), flags: 0, home, tenure: Tenure::default() }.to_string();
        // What is written can be built.
        if Row::parse(&line).ok().flatten().is_none_or(|row| row.name != name.trim()) {
            self.skip("names or ids that a row cannot hold");
            return Ok(());
        }
        self.report.rows += 1;
        writeln!(self.out, "{line}").map_err(ImportError::Write)
    }
}

/// The primary subtag of a language tag; `und` where there is none to say.
fn primary(tag: &str) -> Option<&str> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    match primary {
        "" | "u" | "mul" | "und" => Some("und"),
        "no" => Some("nb"),
        _ if matches!(primary.len(), 2 | 3) && primary.chars().all(|c| c.is_ascii_lowercase()) => Some(primary),
        _ => None,
    }
}

fn kind_of(cell: &str) -> Option<EntityType> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "person" | "per" | "p" | "human" => Some(EntityType::Person),
        "organisation" | "organization" | "org" | "o" => Some(EntityType::Organisation),
        "place" | "location" | "loc" | "gpe" => Some(EntityType::Place),
        _ => None,
    }
}

fn lines(path: &Path) -> Result<Box<dyn BufRead>, ImportError> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    File::open(path).map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.display().to_string();
    move |error| ImportError::Read { path, error }
}

/// Gives every line of a file, without its end, to `take`; what is not UTF-8 becomes U+FFFD.
fn each_line(path: &Path, mut take: impl FnMut(&str) -> Result<(), ImportError>) -> Result<(), ImportError> {
    let (mut lines, mut line) = (lines(path)?, Vec::new());
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed(path))? == 0 {
            return Ok(());
        }
        take(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']))?;
    }
}

impl Import {
    /// Reads the files and writes rows.
    ///
    /// # Errors
    /// A file cannot be read, has no column that is needed, or the rows cannot be written.
    pub fn run(&self, files: &[PathBuf], out: impl Write) -> Result<Report, ImportError> {
        let mut sink = Sink { import: self, out, report: Report::default() };
        writeln!(sink.out, "# id\ttype\tlanguage\tname\tflags").map_err(ImportError::Write)?;
        match self.format {
            Format::Geonames => self.geonames(files, &mut sink)?,
            Format::Wikidata => files.iter().try_for_each(|file| self.wikidata(file, &mut sink))?,
            Format::Jrc => files.iter().try_for_each(|file| jrc(file, &mut sink))?,
        }
        sink.out.flush().map_err(ImportError::Write)?;
        Ok(sink.report)
    }

    /// Columns: <https://download.geonames.org/export/dump/readme.txt>.
    fn geonames(&self, files: &[PathBuf], sink: &mut Sink<'_, impl Write>) -> Result<(), ImportError> {
        let mut places: Vec<(u64, String, String)> = Vec::new();
        let mut others: Vec<(u64, String)> = Vec::new();
        let mut states: HashMap<u64, String> = HashMap::new();
        for file in files {
            each_line(file, |line| {
                let cells: Vec<&str> = line.split('\t').collect();
                let (Some(id), Some(name), Some(class), Some(country), Some(population)) = (
                    cells.first().and_then(|id| id.parse::<u64>().ok()),
                    cells.get(1),
                    cells.get(6),
                    cells.get(8),
                    cells.get(14).and_then(|count| count.parse::<u64>().ok()),
                ) else {
                    sink.skip("lines that are no GeoNames rows");
                    return Ok(());
                };
                if !matches!(*class, "P" | "A") {
                    sink.skip("features that are neither populated nor administrative");
                } else if population < self.min_population {
                    sink.skip("places under --min-population");
                } else {
                    if cells.get(7).is_some_and(|code| code.starts_with("PCL")) {
                        states.insert(id, (*country).to_owned());
                    }
                    places.push((id, (*name).to_owned(), (*country).to_owned()));
                    if self.alternate_names.is_none() {
                        let names = cells.get(3).copied().unwrap_or_default().split(',').filter(|name| !name.is_empty());
                        others.extend(names.map(|name| (id, name.to_owned())));
                    }
                }
                Ok(())
            })?;
        }
        places.sort_unstable();
        places.dedup_by_key(|place| place.0);
        let mut named: Vec<(u64, String, String)> = others.into_iter().map(|(id, name)| (id, "und".to_owned(), name)).collect();
        // Countries have their Wikidata ids among their names: they are the ids of ours.
        let mut countries: HashMap<String, String> = HashMap::new();
        if let Some(file) = &self.alternate_names {
            each_line(file, |line| {
                let cells: Vec<&str> = line.split('\t').collect();
                let (Some(id), Some(language), Some(name)) =
                    (cells.get(1).and_then(|id| id.parse::<u64>().ok()), cells.get(2), cells.get(3))
                else {
                    sink.skip("lines that are no alternate names");
                    return Ok(());
                };
                if places.binary_search_by_key(&id, |place| place.0).is_err() {
                    return Ok(());
                }
                if let (&"wkdt", Some(country)) = (language, states.get(&id)) {
                    countries.insert(country.clone(), format!("wd:{name}"));
                }
                let historic = cells.get(7).is_some_and(|flag| *flag == "1");
                let language = if language.is_empty() { "und" } else { language };
                if historic {
                    sink.skip("historic names");
                } else if primary(language).is_some() {
                    named.push((id, language.to_owned(), (*name).to_owned()));
                }
                Ok(())
            })?;
        }
        named.sort_by_key(|name| name.0);
        for (id, name, country) in &places {
            let state = states.get(id).and_then(|country| countries.get(country));
            let own = format!("gn:{id}");
            let published = state.unwrap_or(&own);
            let home = if state.is_some() { None } else { countries.get(country).map(String::as_str) };
            sink.emit(published, EntityType::Place, "en", name, home)?;
            let from = named.partition_point(|known| known.0 < *id);
            for (_, language, name) in named.iter().skip(from).take_while(|known| known.0 == *id) {
                sink.emit(published, EntityType::Place, language, name, None)?;
            }
        }
        Ok(())
    }

    fn wikidata(&self, file: &Path, sink: &mut Sink<'_, impl Write>) -> Result<(), ImportError> {
        let mut columns: Option<Columns> = None;
        each_line(file, |line| {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let Some(columns) = &columns else {
                columns = Some(Columns::new(file, &cells, self.kind.is_some())?);
                return Ok(());
            };
            let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
            let id = id_of(cell(columns.id));
            let Some(kind) = columns.kind.and_then(|at| kind_of(unquoted(cell(at)).0)).or(self.kind) else {
                sink.skip("rows of no type of ours");
                return Ok(());
            };
            let language = columns.language.map(cell);
            for at in &columns.names {
                let (name, tag) = unquoted(cell(*at));
                if !name.is_empty() {
                    sink.emit(&id, kind, tag.or(language).unwrap_or("und"), name, None)?;
                }
            }
            Ok(())
        })
    }
}

/// Where a table with a header has what.
struct Columns {
    id: usize,
    names: Vec<usize>,
    language: Option<usize>,
    kind: Option<usize>,
}

const ID: [&str; 5] = ["item", "id", "wikidata_id", "qid", "entity"];
const NAME: [&str; 7] = ["itemlabel", "label", "name", "alias", "altlabel", "itemaltlabel", "itemalias"];
const LANGUAGE: [&str; 3] = ["language", "lang", "tag"];
const TYPE: [&str; 2] = ["type", "kind"];

impl Columns {
    fn new(file: &Path, header: &[&str], typed: bool) -> Result<Self, ImportError> {
        let names: Vec<String> =
            header.iter().map(|cell| cell.trim_start_matches(['\u{feff}', '?', '#']).trim().to_ascii_lowercase()).collect();
        let all = |known: &[&str]| (0..names.len()).filter(|at| known.contains(&names[*at].as_str())).collect::<Vec<_>>();
        let missing = |what: &'static str, known: &[&str]| ImportError::Column {
            path: file.display().to_string(),
            what,
            header: names.join(", "),
            wanted: known.join(", "),
        };
        let columns = Self {
            id: *all(&ID).first().ok_or_else(|| missing("id", &ID))?,
            names: all(&NAME),
            language: all(&LANGUAGE).first().copied(),
            kind: all(&TYPE).first().copied(),
        };
        if columns.names.is_empty() {
            return Err(missing("name", &NAME));
        }
        if columns.kind.is_none() && !typed {
            return Err(missing("type (or --type for all rows)", &TYPE));
        }
        Ok(columns)
    }
}

/// A Wikidata id as a bare QID or as the query service writes it; other ids keep their scheme, or get one.
fn id_of(cell: &str) -> String {
    let local = cell.trim_matches(['<', '>', '"']);
    let local = local.rsplit_once("/entity/").map_or(local, |(_, id)| id);
    let is_item = local.strip_prefix('Q').is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()));
    match local {
        local if is_item => format!("wd:{local}"),
        local if local.contains(':') => local.to_owned(),
        local => format!("table:{local}"),
    }
}

/// A cell, and its language where it is a literal as the query service writes it: `"Berlin"@de`.
fn unquoted(cell: &str) -> (&str, Option<&str>) {
    let Some((text, tag)) = cell.strip_prefix('"').and_then(|rest| rest.rsplit_once('"')) else { return (cell, None) };
    (text, tag.strip_prefix('@'))
}

/// Columns: <https://data.jrc.ec.europa.eu/dataset/jrc-emm-jrc-names>.
fn jrc(file: &Path, sink: &mut Sink<'_, impl Write>) -> Result<(), ImportError> {
    each_line(file, |line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [id, kind, language, name] = cells[..] else {
            sink.skip("lines that are no rows of JRC-Names");
            return Ok(());
        };
        match kind_of(kind) {
            Some(kind) => sink.emit(&format!("jrc:{id}"), kind, language, &name.replace('+', " "), None),
            None => {
                sink.skip("rows of no type of ours");
                Ok(())
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(format: Format, table: &str, change: impl FnOnce(&mut Import)) -> (Vec<String>, Report) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.tsv");
        std::fs::write(&file, table).unwrap();
        let mut import = Import { format, kind: None, languages: Vec::new(), min_population: 0, alternate_names: None };
        change(&mut import);
        let mut out = Vec::new();
        let report = import.run(&[file], &mut out).unwrap();
        (String::from_utf8(out).unwrap().lines().skip(1).map(str::to_owned).collect(), report)
    }

    fn geonames(id: u64, name: &str, others: &str, class: &str, code: &str, country: &str, population: u64) -> String {
        format!(
            "{id}\t{name}\t{name}\t{others}\t33\t44\t{class}\t{code}\t{country}\t\t\t\t\t\t{population}\t\t34\tAsia/Baghdad\t2025-01-01\n"
        )
    }

    #[test]
    fn reads_geonames_with_its_own_alternates() {
        let table = geonames(98182, "Baghdad", "Bagdad,بغداد,x", "P", "PPLC", "IQ", 7_216_000)
            + &geonames(1, "Well", "", "H", "WLL", "IQ", 0)
            + &geonames(2, "Hamlet", "", "P", "PPL", "IQ", 12)
            + "nonsense\n";
        let (rows, report) = imported(Format::Geonames, &table, |import| import.min_population = 1_000);
        assert_eq!(rows, ["gn:98182\tplace\ten\tBaghdad", "gn:98182\tplace\tund\tBagdad", "gn:98182\tplace\tund\tبغداد"]);
        assert_eq!(report.skipped.values().sum::<u64>(), 4);
    }

    #[test]
    fn reads_geonames_with_alternate_names() {
        let folder = tempfile::tempdir().unwrap();
        let alternates = folder.path().join("alternateNamesV2.txt");
        let names = "1\t98182\tar\tبغداد\t1\t\t\t\t\t\n2\t98182\tlink\thttps://example.org\t\t\t\t\t\t\n3\t98182\tla\tBagdatum\t\t\t\t1\t\t\n\
            4\t99237\twkdt\tQ796\t\t\t\t\t\t\n5\t99237\tku\tIraq\t\t\t\t\t\t\n6\t98182\tzh-Hant\t巴格達\t\t\t\t\t\t\n";
        std::fs::write(&alternates, names).unwrap();
        let table =
            geonames(98182, "Baghdad", "", "P", "PPLC", "IQ", 7_216_000) + &geonames(99237, "Iraq", "", "A", "PCLI", "IQ", 38_000_000);
        let (rows, _) = imported(Format::Geonames, &table, |import| import.alternate_names = Some(alternates));
        let expected = [
            "gn:98182\tplace\ten\tBaghdad\thome=wd:Q796",
            "gn:98182\tplace\tar\tبغداد",
            "gn:98182\tplace\tzh\t巴格達",
            "wd:Q796\tplace\ten\tIraq",
            "wd:Q796\tplace\tku\tIraq",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn reads_tables_with_a_header() {
        let paranames = "wikidata_id\teng\tlabel\tlanguage\ttype\nQ64\tBerlin\tبرلين\tar\tLOC\nQ1\tuniverse\tكون\tar\tMISC\nQ64\tBerlin\tBerlin\tde-at\tLOC\n";
        let (rows, report) = imported(Format::Wikidata, paranames, |import| import.languages = vec!["ar".to_owned()]);
        assert_eq!(rows, ["wd:Q64\tplace\tar\tبرلين"]);
        assert_eq!(report.skipped.into_iter().collect::<Vec<_>>(), [("names in other languages", 1), ("rows of no type of ours", 1)]);
        let query = "?item\t?itemLabel\t?itemAltLabel\n<http://www.wikidata.org/entity/Q40811>\t\"RÚV\"@is\t\"Ríkisútvarpið\"@is\n";
        let (rows, _) = imported(Format::Wikidata, query, |import| import.kind = Some(EntityType::Organisation));
        assert_eq!(rows, ["wd:Q40811\torganisation\tis\tRÚV", "wd:Q40811\torganisation\tis\tRíkisútvarpið"]);
    }

    #[test]
    fn says_which_column_is_missing() {
        let import = Import { format: Format::Wikidata, kind: None, languages: Vec::new(), min_population: 0, alternate_names: None };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.tsv");
        std::fs::write(&file, "item\tlabel\nQ64\tBerlin\n").unwrap();
        let fault = import.run(&[file], io::sink()).unwrap_err().to_string();
        assert!(fault.contains("no column for the type (or --type for all rows)") && fault.contains("item, label"), "{fault}");
    }

    #[test]
    fn reads_jrc_names() {
        let (rows, _) = imported(Format::Jrc, "1\tP\tu\tYasser+Arafat\n1\tP\tar\tياسر+عرفات\n2\tE\tu\tExpo\n", |_| ());
        assert_eq!(rows, ["jrc:1\tperson\tund\tYasser Arafat", "jrc:1\tperson\tar\tياسر عرفات"]);
    }
}
