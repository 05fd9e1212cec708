//! `copydesk gazetteer`: import other people's tables, compile tables, and check either.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::{Exit, failure};
use crate::{
    article::EntityType,
    enrich,
    gazetteer::{self, Builder, Format, Import},
};

/// Subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Gazetteer {
    /// Turn a GeoNames dump, a Wikidata or ParaNames table, or JRC-Names into rows of ours.
    #[command(
        after_help = "Examples:\n  copydesk gazetteer import geonames cities15000.txt --alternate-names alternateNamesV2.txt --out places.tsv\n  zcat paranames.tsv.gz | copydesk gazetteer import wikidata - --languages ar,en > names.tsv\n  copydesk gazetteer import wikidata query.tsv --type organisation > media.tsv"
    )]
    Import(ImportArguments),
    /// Compile tables to one file that is mapped into memory, however large.
    Build {
        /// Tables in our row format.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// File to write; it is replaced in one step, under a service that uses it too.
        #[arg(long)]
        out: PathBuf,
    },
    /// Say what tables or compiled gazetteers hold, what is wrong with them, and which names are everyday words.
    Check {
        /// Tables or compiled gazetteers.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// Layout of the files.
    format: Format,
    /// Files; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// File to write; standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Type of all rows, for a table without a type column: person, organisation or place.
    #[arg(long = "type", value_name = "TYPE", value_parser = entity_type)]
    kind: Option<EntityType>,
    /// Languages to keep, as primary subtags apart by commas; all without it.
    #[arg(long, value_delimiter = ',', value_name = "TAG,…")]
    languages: Vec<String>,
    /// Smallest population of a GeoNames place.
    #[arg(long, default_value_t = 15_000, value_name = "N")]
    min_population: u64,
    /// alternateNamesV2.txt of GeoNames: names with their languages.
    #[arg(long, value_name = "FILE")]
    alternate_names: Option<PathBuf>,
}

fn entity_type(text: &str) -> Result<EntityType, String> {
    EntityType::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| "wanted person, organisation or place".to_owned())
}

/// Runs a subcommand.
pub(super) fn run(command: Gazetteer) -> Result<Exit, Exit> {
    match command {
        Gazetteer::Import(arguments) => import(arguments),
        Gazetteer::Build { files, out } => build(&files, &out),
        Gazetteer::Check { files } => check(&files),
    }
}

fn import(arguments: ImportArguments) -> Result<Exit, Exit> {
    let ImportArguments { format, files, out, kind, languages, min_population, alternate_names } = arguments;
    let import = Import { format, kind, languages, min_population, alternate_names };
    let report = match &out {
        Some(path) => replace(path, |file| import.run(&files, file).map_err(failure))?,
        None => import.run(&files, BufWriter::new(io::stdout().lock())).map_err(failure)?,
    };
    eprintln!("{report}");
    Ok(Exit::Success)
}

/// Writes a file beside its place and moves it there once it is whole.
fn replace<T>(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, Exit>) -> Result<T, Exit> {
    let failed = |error: &dyn std::fmt::Display| failure(format!("{}: cannot be written: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".copydesk").tempfile_in(folder).map_err(|error| failed(&error))?;
    let mut buffer = BufWriter::new(file.as_file());
    let result = write(&mut buffer)?;
    buffer.flush().map_err(|error| failed(&error))?;
    drop(buffer);
    // Temporary files are private to their owner; this one is for the service.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(|error| failed(&error))?;
    }
    file.persist(path).map_err(|error| failed(&error))?;
    Ok(result)
}

fn build(files: &[PathBuf], out: &Path) -> Result<Exit, Exit> {
    let mut builder = Builder::default();
    let faults = files.iter().filter_map(|file| gazetteer::read(file, |row| builder.add(row)).err());
    let faults: Vec<String> = faults.map(|fault| fault.to_string()).collect();
    if !faults.is_empty() {
        return Err(failure(format!("{}\nnothing was written", faults.join("\n"))));
    }
    let summary = replace(out, |file| builder.write(file).map_err(failure))?;
    println!("{}: {} rows, {} entities, {} different names", out.display(), summary.rows, summary.entities, summary.names);
    Ok(Exit::Success)
}

fn check(files: &[PathBuf]) -> Result<Exit, Exit> {
    let shipped = enrich::gazetteer::Gazetteer::new(&[]);
    let mut exit = Exit::Success;
    for file in files {
        match gazetteer::open(file) {
            Err(error) => {
                eprintln!("{error}");
                exit = Exit::Failure;
            }
            Ok(layer) => {
                let contents = shipped.survey(&layer);
                println!(
                    "{}: {} entities, {} different names, checksum {:016x}",
                    file.display(),
                    layer.entities(),
                    layer.names(),
                    layer.checksum()
                );
                for (kind, count) in &contents.types {
                    println!("  {kind}: {count}");
                }
                let mut languages: Vec<(&String, &usize)> = contents.languages.iter().collect();
                languages.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
                let languages: Vec<String> = languages.iter().map(|(tag, count)| format!("{tag} {count}")).collect();
                println!("  names by language: {}", languages.join(", "));
                tell(
                    "names that are everyday words; they count only with a capital in mid-sentence, unless flagged always",
                    &contents.everyday,
                );
                tell("names that shipped entities of other ids bear; they are published as ambiguous, without an id", &contents.shared);
            }
        }
    }
    Ok(exit)
}

/// Prints the first of some remarks by language.
fn tell(what: &str, found: &BTreeMap<String, Vec<String>>) {
    let count: usize = found.values().map(Vec::len).sum();
    if count == 0 {
        return;
    }
    println!("  {count} {what}:");
    for (language, names) in found {
        let more = names.len().saturating_sub(SHOWN);
        let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        println!("    {language}: {shown}{}", if more > 0 { format!(", and {more} more") } else { String::new() });
    }
}

/// Names shown of a remark and a language.
const SHOWN: usize = 12;
