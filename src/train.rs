//! Training of the shipped models, from corpora on disk, through the same feature code as inference.
//!
//! Deterministic: equal data gives an equal file. Nothing here runs in the service.

mod common;
mod entities;
mod language;
mod lists;
mod topics;

pub use common::common;
pub use entities::{Sources, entities};
pub use language::language;
pub use lists::lists;
pub use topics::topics;

use std::path::{Path, PathBuf};

/// Why a model could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file of the corpus cannot be read.
    #[error("{}: cannot be read: {error}; --data names the folder with {expected}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
        /// What the folder should hold.
        expected: &'static str,
    },
    /// A file of labelled texts cannot be read.
    #[error(transparent)]
    Labelled(#[from] crate::eval::EvalError),
    /// The corpus holds too little.
    #[error("{}: no text of any known language; wanted labelled texts", .0.display())]
    NoText(PathBuf),
}

/// Label and text of every line of a TSV file.
fn rows(path: &Path, expected: &'static str) -> Result<Vec<(String, String)>, TrainError> {
    let text = std::fs::read_to_string(path).map_err(|error| TrainError::Unreadable { path: path.to_owned(), error, expected })?;
    Ok(text.lines().filter_map(|line| line.split_once('\t')).map(|(label, text)| (label.to_owned(), text.to_owned())).collect())
}

/// Pseudo-random numbers that are the same everywhere: xorshift64*.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
