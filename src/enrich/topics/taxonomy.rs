//! Topics of one's own: a table of rules, beside the IPTC ones. README documents the format under "Topics of your own".
//!
//! A row is met where one of its terms occurs, one of its `must` terms too if it has any, and none of its `must_not` terms. Its weight is
//! the score it gives its topic alone; rows that are met together give one minus the product of what each leaves open. Unlike in the
//! lexicon every term counts wherever it stands, in a longer one too, and the number of its occurrences does not matter.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use super::lexicon::{EVERY, Overlaps, Terms};
use crate::{article::Topic, enrich::text::Text};

/// Columns of a table; the last three may be missing.
const COLUMNS: [&str; 6] = ["topic", "language", "terms", "weight", "must", "must_not"];
/// Weight of a row that says none.
const WEIGHT: f64 = 0.8;
/// A topic is published from this score on.
const PUBLISHED: f64 = 0.5;
/// Prefixes that are IPTC's.
const TAKEN: [&str; 2] = ["medtop", "subj"];
/// The language of a row that holds in all; told apart from [`EVERY`], which no user needs to know.
const ANY: &str = "*";

/// A table of topics, ready to be matched.
#[derive(Debug)]
pub struct Taxonomy {
    /// Id and label, in the order of the table.
    topics: Vec<(String, String)>,
    rules: Vec<Rule>,
    /// Terms by language, those of any language in each; under [`EVERY`] for the languages the table has no rows of.
    terms: FxHashMap<String, Terms>,
    checksum: u64,
}

#[derive(Debug)]
struct Rule {
    topic: usize,
    weight: f64,
    needs: bool,
}

/// What cells of terms are for: terms, those of which one must be there, those of which none must.
const ROLES: usize = 3;
/// The second of them.
const MUST: usize = 1;

impl Taxonomy {
    /// Reads a table.
    ///
    /// # Errors
    /// Every row that is wrong, with its line: what was found, and what is wanted.
    pub fn parse(table: &str) -> Result<Self, Vec<String>> {
        let digest = Sha256::digest(table.as_bytes());
        let checksum = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let mut taxonomy = Self { topics: Vec::new(), rules: Vec::new(), terms: FxHashMap::default(), checksum };
        let (mut faults, mut rows) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(table.trim_start_matches('\u{feff}').lines()) {
            match Row::parse(line) {
                Ok(Some(row)) => rows.push((number, row)),
                Ok(None) => {}
                Err(fault) => faults.push(format!("line {number}: {fault}")),
            }
        }
        for (number, row) in &rows {
            if let Err(fault) = taxonomy.rule(row) {
                faults.push(format!("line {number}: {fault}"));
            }
        }
        if rows.is_empty() && faults.is_empty() {
            faults.push(format!("no rows; wanted {}, apart by tabs", COLUMNS.join(", ")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        // Arabic terms are kept in another form, so a term of any language has to be there twice.
        let own = rows.iter().map(|(_, row)| row.language).filter(|language| *language != ANY);
        let languages: FxHashSet<&str> = own.chain(["ar", EVERY]).collect();
        for language in languages {
            let terms = taxonomy.terms.entry(language.to_owned()).or_default();
            for (rule, (_, row)) in rows.iter().enumerate().filter(|(_, (_, row))| [language, ANY].contains(&row.language)) {
                for (role, cell) in row.terms.iter().enumerate() {
                    list(cell).for_each(|term| terms.add(term, language, &[(rule * ROLES + role, 1.0)]));
                }
            }
        }
        Ok(taxonomy)
    }

    fn rule(&mut self, row: &Row<'_>) -> Result<(), String> {
        let topic = match self.topics.iter().position(|(id, _)| id == row.id) {
            Some(topic) => topic,
            None => {
                self.topics.push((row.id.to_owned(), String::new()));
                self.topics.len() - 1
            }
        };
        let label = &mut self.topics[topic].1;
        match row.label {
            "" => {}
            given if label.is_empty() || label == given => given.clone_into(label),
            given => return Err(format!("found the label '{given}' of {}, which is '{label}' in a line before; wanted one label", row.id)),
        }
        self.rules.push(Rule { topic, weight: row.weight, needs: list(row.terms[MUST]).next().is_some() });
        Ok(())
    }

    /// Topics in the table.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// What tells one table from another.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The rules that are met: topic, weight, terms.
    fn met<'t>(&'t self, title: Option<&Text<'_>>, body: &Text<'_>, language: &str) -> impl Iterator<Item = (usize, f64, Vec<&'t str>)> {
        let mut found: BTreeMap<usize, [Vec<&str>; ROLES]> = BTreeMap::new();
        if let Some(terms) = self.terms.get(language).or_else(|| self.terms.get(EVERY)) {
            for text in title.into_iter().chain([body]) {
                terms.scan(text, language, Overlaps::All, |entry| {
                    let Some(entry) = terms.entry(entry) else { return };
                    for (slot, _) in &entry.weights {
                        let terms = &mut found.entry(slot / ROLES).or_default()[slot % ROLES];
                        if !terms.contains(&entry.written.as_str()) {
                            terms.push(&entry.written);
                        }
                    }
                });
            }
        }
        found.into_iter().filter_map(|(rule, [terms, must, must_not])| {
            let rule = self.rules.get(rule)?;
            let met = !terms.is_empty() && must_not.is_empty() && (!rule.needs || !must.is_empty());
            met.then(|| (rule.topic, rule.weight, [terms, must].concat()))
        })
    }
}

/// The topics that taxonomies give an article, the best first.
pub(super) fn label(
    taxonomies: &[std::sync::Arc<Taxonomy>],
    title: Option<&Text<'_>>,
    body: &Text<'_>,
    language: &str,
    most_terms: usize,
) -> Vec<Topic> {
    // What the rules leave open, by topic, whichever table it is in.
    let mut topics: BTreeMap<&str, (f64, &str, Vec<&str>)> = BTreeMap::new();
    for taxonomy in taxonomies {
        for (topic, weight, terms) in taxonomy.met(title, body, language) {
            let Some((id, label)) = taxonomy.topics.get(topic) else { continue };
            let (open, known, evidence) = topics.entry(id).or_insert((1.0, "", Vec::new()));
            *open *= 1.0 - weight;
            *known = if known.is_empty() { label } else { known };
            evidence.extend(terms);
        }
    }
    let mut labels: Vec<Topic> = topics
        .into_iter()
        .map(|(id, (open, label, mut evidence))| {
            let mut seen = FxHashSet::default();
            evidence.retain(|term| seen.insert(*term));
            evidence.truncate(most_terms);
            let label = if label.is_empty() { id.split_once(':').map_or(id, |(_, name)| name) } else { label };
            Topic {
                id: id.to_owned(),
                uri: id.to_owned(),
                label: label.to_owned(),
                names: BTreeMap::new(),
                level: 0,
                broader: None,
                score: crate::enrich::round(1.0 - open),
                evidence: evidence.into_iter().map(str::to_owned).collect(),
            }
        })
        .filter(|topic| topic.score >= PUBLISHED)
        .collect();
    labels.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    labels
}

fn list(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([',', '،', '、', '，']).map(str::trim).filter(|term| !term.is_empty())
}

/// One row of a table.
#[derive(Debug)]
struct Row<'r> {
    id: &'r str,
    label: &'r str,
    language: &'r str,
    /// The cells of terms, by role.
    terms: [&'r str; ROLES],
    weight: f64,
}

impl<'r> Row<'r> {
    fn parse(line: &'r str) -> Result<Option<Self>, String> {
        let mut cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        if line.starts_with('#') || line.trim().is_empty() || cells.starts_with(&COLUMNS[..3]) {
            return Ok(None);
        }
        if !(3..=COLUMNS.len()).contains(&cells.len()) {
            return Err(format!(
                "found {} cells apart by tabs; wanted {} (the last three may be missing)",
                cells.len(),
                COLUMNS.join(", ")
            ));
        }
        cells.resize(COLUMNS.len(), "");
        let [topic, language, terms, weight, must, must_not] = cells[..] else { return Ok(None) };
        let (id, label) = topic.split_once(' ').unwrap_or((topic, ""));
        match id.split_once(':') {
            Some((prefix, name)) if !prefix.is_empty() && !name.is_empty() => {
                if TAKEN.contains(&prefix.to_ascii_lowercase().as_str()) {
                    return Err(format!("found the topic '{id}'; {prefix}: is IPTC's, give your topics a prefix of your own"));
                }
            }
            _ => {
                return Err(format!(
                    "found the topic '{topic}'; wanted a prefix and a name, and perhaps a label: desk:energy Energy transition"
                ));
            }
        }
        let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
        if language != ANY && !is_language {
            return Err(format!("found the language '{language}'; wanted a primary language subtag such as ar or ckb, or * for all"));
        }
        for (cell, column) in [(terms, "terms"), (must, "must"), (must_not, "must_not")] {
            let nothing = |term: &&str| !term.chars().any(char::is_alphanumeric);
            if let Some(term) = list(cell).find(nothing) {
                return Err(format!("found the term '{term}' under {column}; a term has a letter or a digit"));
            }
        }
        if list(terms).next().is_none() {
            return Err("found no terms; wanted words, phrases, or beginnings of words such as electri*, apart by commas".to_owned());
        }
        let known: FxHashSet<&str> = list(terms).chain(list(must)).collect();
        if let Some(term) = list(must_not).find(|term| known.contains(term)) {
            return Err(format!("found '{term}' under must_not and beside it; such a row is never met"));
        }
        let weight = match weight {
            "" => WEIGHT,
            given => given.parse().ok().filter(|weight| *weight > 0.0 && *weight <= 1.0).ok_or_else(|| {
                format!("found the weight '{given}'; wanted the score the row gives alone, above 0 and at most 1, such as 0.8")
            })?,
        };
        Ok(Some(Self { id, label: label.trim(), language, terms: [terms, must, must_not], weight }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "topic\tlanguage\tterms\tweight\tmust\tmust_not\n\
        desk:energy Energy transition\ten\tsolar power, wind farm*, grid\t0.6\tenergy, power\tpower ballad\n\
        desk:energy\tar\tالطاقة الشمسية\n\
        desk:energy\t*\tEnergiewende\t0.3\n\
        desk:cup\t*\tFIFA\t0.4\n\
        desk:cup\t*\tstadium\t0.4\n";

    fn labels(text: &str, language: &str) -> Vec<(String, f64)> {
        let taxonomy = std::sync::Arc::new(Taxonomy::parse(TABLE).unwrap());
        label(&[taxonomy], None, &Text::new(text), language, 5).into_iter().map(|topic| (topic.id, topic.score)).collect()
    }

    #[test]
    fn rows_are_met_by_their_rules() {
        let energy = |score: f64| vec![("desk:energy".to_owned(), score)];
        assert_eq!(labels("A wind farming plan for more energy", "en"), energy(0.6));
        // `must` may stand inside a term, as `power` does here.
        assert_eq!(labels("Solar power is cheap", "en"), energy(0.6));
        assert_eq!(labels("A grid of streets", "en"), []);
        assert_eq!(labels("Solar power, the power ballad", "en"), []);
        // The Arabic article and proclitics do not matter; nor does the case.
        assert_eq!(labels("تعتمد المدينة على الطاقة الشمسية", "ar"), energy(0.8));
        assert_eq!(labels("وبالطاقة الشمسية", "ar"), energy(0.8));
        // Rows add up, and those of any language add to those of one.
        assert_eq!(labels("energiewende", "de"), []);
        assert_eq!(labels("Energiewende: solar power", "en"), energy(0.72));
        assert_eq!(labels("fifa stadium", "xx"), vec![("desk:cup".to_owned(), 0.64)]);
        assert_eq!(labels("stadium FIFA", "ar"), vec![("desk:cup".to_owned(), 0.64)]);
    }

    #[test]
    fn faults_are_told_with_their_lines() {
        for (table, wanted) in [
            ("", "no rows; wanted topic, language, terms"),
            ("desk:a\ten", "line 1: found 2 cells"),
            ("# ours\nenergy\ten\tsolar", "line 2: found the topic 'energy'; wanted a prefix"),
            ("medtop:06000000\ten\tsolar", "is IPTC's"),
            ("desk:a\tenglish\tsolar", "found the language 'english'"),
            ("desk:a\ten\t, ,", "found no terms"),
            ("desk:a\ten\t*", "found the term '*' under terms"),
            ("desk:a\ten\tsolar\t80", "found the weight '80'; wanted the score"),
            ("desk:a\ten\tsolar\t1\t\tsolar", "found 'solar' under must_not"),
            ("desk:a One\ten\tsolar\ndesk:a Two\ten\twind", "line 2: found the label 'Two' of desk:a, which is 'One'"),
        ] {
            let faults = Taxonomy::parse(table).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(wanted), "{table}: {faults:?}");
        }
        assert_eq!(Taxonomy::parse("a\nb\n").unwrap_err().len(), 2);
    }
}
