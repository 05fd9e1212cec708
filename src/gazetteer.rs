//! Gazetteers as files: reading tables, compiling them, and opening compiled ones in place.
//!
//! A table is text, one name a line ([`Row`]); a compiled gazetteer is an automaton that is mapped into memory, so that its size
//! does not matter. Both may be named in `enrich.gazetteers`. How names are matched is the business of the text core.

mod builder;
mod import;
mod rows;
mod sorter;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

pub use builder::{Builder, Summary};
pub use import::{Format, Import, ImportError};
pub use rows::{Kind, Row};

use crate::enrich::{Layer, NotCompiled, is_compiled};

/// Faults told of one table; more would not be read.
const TOLD: usize = 20;

/// Why a gazetteer could not be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum GazetteerError {
    /// The file or a temporary file failed.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// It is no compiled gazetteer, or a damaged one.
    #[error("{path}: {error}")]
    Compiled {
        /// The file.
        path: String,
        /// What is wrong.
        error: NotCompiled,
    },
    /// Rows of a table are wrong.
    #[error("{path}: {count} rows are wrong:{}", told(.faults))]
    Rows {
        /// The file.
        path: String,
        /// How many.
        count: usize,
        /// The first of them, each with its line.
        faults: Vec<String>,
    },
}

fn told(faults: &[String]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

impl GazetteerError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::File { path, error }
    }
}

/// A compiled gazetteer, or a table compiled in memory.
///
/// # Errors
/// The file cannot be read, or is neither.
pub fn open(path: &Path) -> Result<Layer, GazetteerError> {
    let compiled = |error| GazetteerError::Compiled { path: path.display().to_string(), error };
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut start)).map_err(GazetteerError::file(path))?;
    if is_compiled(&start) {
        let mapped = mmap_guard::map_file(path).map_err(GazetteerError::file(path))?;
        return Layer::new(Arc::new(mapped), true).map_err(compiled);
    }
    let mut builder = Builder::default();
    read(path, |row| builder.add(row))?;
    let mut bytes = Vec::new();
    builder.write(&mut bytes).map_err(GazetteerError::file(path))?;
    Layer::new(Arc::new(bytes), false).map_err(compiled)
}

/// Gives every row of a table to `take`.
///
/// # Errors
/// The file cannot be read, `take` failed, or rows are wrong: all are read before that is said.
pub fn read(path: &Path, mut take: impl FnMut(&Row<'_>) -> io::Result<()>) -> Result<(), GazetteerError> {
    let file = File::open(path).map_err(GazetteerError::file(path))?;
    let (mut faults, mut count, mut line) = (Vec::new(), 0, Vec::new());
    let mut lines = BufReader::new(file);
    for number in 1.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(GazetteerError::file(path))? == 0 {
            break;
        }
        let row = std::str::from_utf8(&line).map_err(|_| "it is not UTF-8; convert the table".to_owned());
        match row.and_then(|text| Row::parse(if number == 1 { text.trim_start_matches('\u{feff}') } else { text })) {
            Ok(Some(row)) => take(&row).map_err(GazetteerError::file(path))?,
            Ok(None) => {}
            Err(fault) => {
                count += 1;
                if faults.len() < TOLD {
                    faults.push(format!("line {number}: {fault}"));
                }
            }
        }
    }
    if count == 0 { Ok(()) } else { Err(GazetteerError::Rows { path: path.display().to_string(), count, faults }) }
}
