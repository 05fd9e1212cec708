//! Files of one's own that settings name: opened together, given to the pipeline, and again when one of them was replaced.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    gazetteer::{self, GazetteerError},
    pipeline::Pipeline,
    taxonomy::{self, TaxonomyError},
};

/// What files of one's own hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those of `enrich.gazetteers`.
    Gazetteers,
    /// Those of `enrich.taxonomies`.
    Taxonomies,
}

/// Why files could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A gazetteer.
    #[error("enrich.gazetteers: {0}")]
    Gazetteer(#[from] GazetteerError),
    /// A taxonomy.
    #[error("enrich.taxonomies: {0}")]
    Taxonomy(#[from] TaxonomyError),
}

/// What tells a file from the one that was there before.
type Stamp = Option<(u64, SystemTime)>;

/// The files of a setting, and what they were when they were last opened.
#[derive(Debug)]
pub struct Files {
    kind: Kind,
    paths: Vec<PathBuf>,
    stamps: Vec<Stamp>,
}

impl Files {
    /// Files not opened yet.
    pub fn new(kind: Kind, paths: Vec<PathBuf>) -> Self {
        Self { kind, stamps: vec![None; paths.len()], paths }
    }

    /// What they hold.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Opens all and gives them to the pipeline; the number of entities, or of topics, in them.
    ///
    /// # Errors
    /// That of the first that cannot be opened; the pipeline keeps what it had.
    pub fn load(&mut self, pipeline: &Pipeline) -> Result<usize, FilesError> {
        // Stamps first: a file replaced meanwhile is opened again.
        self.stamps = self.now();
        Ok(match self.kind {
            Kind::Gazetteers => {
                let layers = self.open(gazetteer::open)?;
                pipeline.set_gazetteers(&layers);
                layers.iter().map(|layer| layer.entities()).sum()
            }
            Kind::Taxonomies => {
                let taxonomies = self.open(taxonomy::open)?;
                pipeline.set_taxonomies(&taxonomies);
                taxonomies.iter().map(|taxonomy| taxonomy.topics()).sum()
            }
        })
    }

    fn open<T, E>(&self, open: impl Fn(&Path) -> Result<T, E>) -> Result<Vec<Arc<T>>, E> {
        self.paths.iter().map(|path| open(path).map(Arc::new)).collect()
    }

    /// Whether a file is another than when it was last opened. Of one that is being written this is told again later.
    pub fn changed(&self) -> bool {
        self.now() != self.stamps
    }

    fn now(&self) -> Vec<Stamp> {
        let stamp = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        };
        self.paths.iter().map(stamp).collect()
    }
}
