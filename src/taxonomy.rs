//! Taxonomies as files: tables of topics of one's own. What the rows mean is the business of the text core.

use std::path::Path;

use crate::enrich::Taxonomy;

/// Faults told of one table; more would not be read.
const TOLD: usize = 20;

/// Why a taxonomy could not be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum TaxonomyError {
    /// The file failed, or is no text.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Rows are wrong.
    #[error("{path}: {} rows are wrong:{}", .faults.len(), .faults.iter().take(TOLD).map(|fault| format!("\n  {fault}")).collect::<String>())]
    Rows {
        /// The file.
        path: String,
        /// All of them, each with its line.
        faults: Vec<String>,
    },
}

/// Reads a table.
///
/// # Errors
/// The file cannot be read, or rows are wrong: all are read before that is said.
pub fn open(path: &Path) -> Result<Taxonomy, TaxonomyError> {
    let name = || path.display().to_string();
    let table = std::fs::read_to_string(path).map_err(|error| TaxonomyError::File { path: name(), error })?;
    Taxonomy::parse(&table).map_err(|faults| TaxonomyError::Rows { path: name(), faults })
}
