//! Measuring copydesk on labelled text, so that a user can measure it on their own before trusting it.
//!
//! Figures are printed as Markdown tables (the ones in README are made by these commands) or as JSON.

pub mod clean;
pub mod copies;
pub mod corpus;
pub mod entities;
pub mod labelled;
pub mod language;
pub mod topics;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::enrich::{Enricher, Identifier, Output};

/// All that can be measured on the annotated corpus: language, cleaning, entities, topics.
#[derive(Debug, Serialize)]
pub struct Report {
    language: [language::Score; 1],
    clean: BTreeMap<String, clean::Score>,
    entities: BTreeMap<String, entities::Score>,
    topics: BTreeMap<String, topics::Score>,
}

impl Report {
    /// Measures on files of the annotated corpus, or on their articles of one split.
    ///
    /// # Errors
    /// A file cannot be read, or is not of that format.
    pub fn measure(paths: &[PathBuf], split: Option<&str>) -> Result<Self, EvalError> {
        let sources = labelled::load(paths, labelled::Format::Corpus, None, split)?;
        let silent = |_: &str, _: &str, _: &str| ();
        let items: Vec<_> = sources.iter().flat_map(|(_, documents)| documents).map(language::Item::from).collect();
        let identifier = Identifier::shipped();
        let answers = labelled::answers(&Enricher::load(Output::default()), &sources);
        Ok(Self {
            language: [language::measure("copydesk", "corpus", &items, |text| language::answer(&identifier, text))],
            clean: clean::measure(&clean::corpus(paths)?, split, silent),
            entities: entities::measure(&answers, silent),
            topics: topics::measure(&answers, silent),
        })
    }

    /// The figures as Markdown.
    pub fn tables(&self) -> String {
        [
            ("Language", language::table(&self.language)),
            ("Cleaning", clean::table(&self.clean)),
            ("Entities", entities::table(&self.entities)),
            ("Topics", topics::table(&self.topics)),
        ]
        .map(|(name, table)| format!("**{name}**\n\n{table}"))
        .join("\n")
    }
}

/// A file that cannot be measured on.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// It cannot be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// It holds nothing of the format.
    #[error("{}: {wanted}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: String,
    },
}

/// Files of these endings, those of a folder in order of their names.
fn files(paths: &[PathBuf], ending: &str) -> Result<Vec<PathBuf>, EvalError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| unreadable(path, error))?;
            let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            found.retain(|file| file.extension().is_some_and(|extension| extension == ending));
            found.sort();
            if found.is_empty() {
                return Err(EvalError::Empty { path: path.clone(), wanted: format!("no file ends in .{ending}") });
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, EvalError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> EvalError {
    EvalError::Unreadable { path: path.to_owned(), error }
}

/// Share in per cent.
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
