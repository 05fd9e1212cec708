//! Trains the tagger: a linear-chain conditional random field, by AdaGrad on the likelihood, on CoNLL files and the annotated
//! corpus.
//!
//! - The annotated corpus counts several times, and has features of its own: its rules of what a mention is are the ones that
//!   are published. Corpora of other rules teach names and contexts.
//! - Features are dropped at random, so that a known word does not silence its context.
//! - Copies of the annotated articles with names of other articles in place of their own teach that names are exchanged.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
};

use super::{Random, TrainError, lists};
use crate::{
    article::{EntityType, Field},
    enrich::{
        entities::{
            Gazetteer, Knowledge,
            evidence::{Cases, Evidence},
            lists::Lists,
            tagger::{LABELS, Tagger, label, may_follow, posteriors, row},
            units::{Unit, units},
        },
        text::{Text, script_of},
    },
    eval::labelled::{self, Format, Labelled},
};

/// Rows of weights: 2 to this power.
const BITS: u32 = 20;
/// Rounds over the lines.
const ROUNDS: usize = 5;
/// Step of AdaGrad.
const STEP: f32 = 0.12;
/// Share of features left out of each unit.
const DROPPED: f32 = 0.35;
/// How often a line of the annotated corpus counts; in a language that no CoNLL file is in.
const OURS: (usize, usize) = (5, 12);
/// Copies of an annotated article with other names; in a language that no CoNLL file is in.
const COPIES: (usize, usize) = (7, 12);
/// Of a hundred names put in place of another, those that no article has.
const STRANGERS: usize = 50;

/// What is trained on.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Folders by language of CoNLL files.
    pub conll: Option<&'a Path>,
    /// Folder of the annotated corpus; its articles of the split `train` are read.
    pub corpus: &'a Path,
    /// Names of people to put in place of others.
    pub people: &'a [PathBuf],
    /// Cities to put in place of others.
    pub cities: Option<&'a Path>,
    /// Stems of CoNLL files to leave out.
    pub exclude: &'a [String],
}

/// Lines as rows of features and labels, one after the other.
#[derive(Debug, Default)]
struct Lines {
    rows: Vec<u32>,
    /// Where the rows of a unit end.
    ends: Vec<u32>,
    labels: Vec<u8>,
    /// Units of a line, and how often it counts.
    lines: Vec<(Range<usize>, usize)>,
}

/// Trains and gives the bytes of the model file.
///
/// # Errors
/// A file cannot be read, or none holds mentions.
pub fn entities(sources: &Sources<'_>, mut progress: impl FnMut(&str)) -> Result<Vec<u8>, TrainError> {
    let knowledge = Knowledge::load();
    let mut lines = Lines::default();
    let mut languages: BTreeMap<String, u32> = BTreeMap::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let strangers = Strangers::read(sources)?;
    let ours = labelled::load(&[sources.corpus.to_owned()], Format::Corpus, None, Some("train"))?;
    for (source, documents) in &ours {
        let others = sources.conll.is_some_and(|folder| folder.join(source).is_dir());
        let (times, copies) = if others { (OURS.0, COPIES.0) } else { (OURS.1, COPIES.1) };
        let mentions = lines.add(&knowledge, documents, times, true);
        *languages.entry(known(source).to_owned()).or_default() += mentions;
        let pool = Pool::new(documents, source, &strangers);
        for _ in 0..copies {
            let copies: Vec<Labelled> = documents.iter().map(|document| pool.exchange(document, &mut random)).collect();
            lines.add(&knowledge, &copies, 1, true);
        }
    }
    for path in sources.conll.into_iter().flat_map(conll_files) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if sources.exclude.contains(&stem) {
            continue;
        }
        for (source, mut documents) in labelled::load(std::slice::from_ref(&path), Format::Conll, None, None)? {
            let language = source.split('/').next().unwrap_or_default();
            let ours = ours.iter().find(|(source, _)| source == language).map(|(_, documents)| documents.as_slice()).unwrap_or_default();
            let names = names_of(ours);
            for document in &mut documents {
                agree(document, &knowledge.gazetteer, language);
                strip(document, &knowledge.lists, &names, language);
            }
            let mentions = lines.add(&knowledge, &documents, 1, false);
            *languages.entry(known(language).to_owned()).or_default() += mentions;
            progress(&format!("{source}: {} sentences, {mentions} mentions", documents.len()));
        }
    }
    progress(&format!("{} lines, {} units, {} features", lines.lines.len(), lines.labels.len(), lines.rows.len()));
    if lines.labels.is_empty() {
        return Err(TrainError::NoText(sources.corpus.to_owned()));
    }
    Ok(lines
        .train(languages.into_iter().map(|(language, mentions)| (&*language.leak(), mentions)).collect(), &mut random, progress)
        .write())
}

/// The two Norwegians are one language here.
fn known(language: &str) -> &str {
    if matches!(language, "nn" | "no") { "nb" } else { language }
}

pub(super) fn conll_files(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    entries(folder)
        .iter()
        .flat_map(|language| entries(language))
        .filter(|path| path.extension().is_some_and(|extension| extension == "conll"))
        .collect()
}

/// Names from elsewhere, by script, to put in place of those of an article.
#[derive(Default)]
struct Strangers {
    people: BTreeMap<&'static str, Vec<String>>,
    places: BTreeMap<&'static str, Vec<String>>,
}

impl Strangers {
    fn read(sources: &Sources<'_>) -> Result<Self, TrainError> {
        let mut strangers = Self::default();
        for name in lists::names_of_people(sources.people)? {
            strangers.people.entry(script(&name)).or_default().push(capitalised(&name));
        }
        for name in sources.cities.map(lists::names_of_cities).transpose()?.into_iter().flatten() {
            if !name.chars().any(char::is_lowercase) || name.chars().next().is_some_and(char::is_uppercase) {
                strangers.places.entry(script(&name)).or_default().push(name);
            }
        }
        Ok(strangers)
    }
}

fn script(name: &str) -> &'static str {
    name.chars().find_map(script_of).map_or("", |script| script.short_name())
}

fn capitalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut start = true;
    for c in name.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        start = !c.is_alphabetic();
    }
    out
}

/// The names of a language's articles, by type.
struct Pool<'a> {
    names: BTreeMap<EntityType, Vec<&'a str>>,
    people: &'a [String],
    places: &'a [String],
}

impl<'a> Pool<'a> {
    fn new(documents: &'a [Labelled], language: &str, strangers: &'a Strangers) -> Self {
        let mut names: BTreeMap<EntityType, Vec<&str>> = BTreeMap::new();
        for document in documents {
            for (field, kind, range) in document.mentions.iter().flatten() {
                names.entry(*kind).or_default().extend(document.field(*field).get(range.clone()));
            }
        }
        let script = documents.first().map_or("", |document| script(&document.text));
        // What a name is made of is another matter there: two words of the list are no name.
        let people = if matches!(language, "zh" | "ja" | "ko" | "vi" | "th" | "am") { "" } else { script };
        let of = |lists: &'a BTreeMap<&'static str, Vec<String>>, script: &str| lists.get(script).map(Vec::as_slice).unwrap_or_default();
        Self { names, people: of(&strangers.people, people), places: of(&strangers.places, script) }
    }

    /// Another name of a type.
    fn draw(&self, kind: EntityType, name: &str, random: &mut Random) -> String {
        let any = |names: &[String], random: &mut Random| names.get(random.below(names.len())).cloned().unwrap_or_default();
        let stranger = random.below(100) < STRANGERS;
        match kind {
            EntityType::Person if stranger && !self.people.is_empty() => {
                let words = name.split(' ').count().clamp(1, 3);
                (0..words).map(|_| any(self.people, random)).collect::<Vec<_>>().join(" ")
            }
            EntityType::Place if stranger && !self.places.is_empty() => any(self.places, random),
            _ => {
                let names = self.names.get(&kind).map(Vec::as_slice).unwrap_or_default();
                names.get(random.below(names.len())).copied().unwrap_or(name).to_owned()
            }
        }
    }

    /// The document with another name of the same type wherever a name stands.
    fn exchange(&self, document: &Labelled, random: &mut Random) -> Labelled {
        let mut chosen: BTreeMap<(&str, EntityType), String> = BTreeMap::new();
        let mut copy = Labelled { title: Some(String::new()), mentions: Some(Vec::new()), ..Labelled::default() };
        copy.language.clone_from(&document.language);
        for field in [Field::Title, Field::Text] {
            let source = document.field(field);
            let mut text = String::with_capacity(source.len());
            let mut from = 0;
            for (_, kind, range) in document.mentions.iter().flatten().filter(|(found, ..)| *found == field) {
                let (Some(before), Some(name)) = (source.get(from..range.start), source.get(range.clone())) else { continue };
                let other = chosen.entry((name, *kind)).or_insert_with(|| self.draw(*kind, name, random));
                text.push_str(before);
                let start = text.len();
                text.push_str(other);
                copy.mentions.get_or_insert_default().push((field, *kind, start..text.len()));
                from = range.end;
            }
            text.push_str(source.get(from..).unwrap_or_default());
            match field {
                Field::Title => copy.title = Some(text),
                Field::Text => copy.text = text,
            }
        }
        copy
    }
}

/// Makes the labels of another corpus agree with the rules of ours where a word shows how: a country that acts is a place, and the
/// parts of a Chinese or Korean address are places of their own.
fn agree(document: &mut Labelled, gazetteer: &Gazetteer, language: &str) {
    let mut out = Vec::new();
    for (field, kind, range) in document.mentions.take().into_iter().flatten() {
        let name = document.field(field).get(range.clone()).unwrap_or_default();
        if kind == EntityType::Organisation && gazetteer.is_territory(name, language) {
            out.push((field, EntityType::Place, range));
            continue;
        }
        let mut from = range.start;
        if kind == EntityType::Place && matches!(language, "zh" | "ja" | "ko") {
            for (at, c) in name.char_indices() {
                let next = range.start + at + c.len_utf8();
                let ends = if language == "ko" { c == ' ' } else { "省市县縣区區州镇鎮乡鄉府都道".contains(c) };
                let long = |text: &str| text.chars().nth(1).is_some();
                let text = document.field(field);
                if ends && text.get(from..next).is_some_and(long) && text.get(next..range.end).is_some_and(long) {
                    out.push((field, kind, from..next - if c == ' ' { 1 } else { 0 }));
                    from = next;
                }
            }
        }
        out.push((field, kind, from..range.end));
    }
    document.mentions = Some(out);
}

/// The folded first and last units of the names of some documents.
fn names_of(documents: &[Labelled]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for document in documents {
        for (field, _, range) in document.mentions.iter().flatten() {
            let text = Text::new(document.field(*field).get(range.clone()).unwrap_or_default());
            for token in [0, text.len().saturating_sub(1)] {
                names.insert(text.folded(token).to_owned());
            }
        }
    }
    names.remove("");
    names
}

/// Takes particles that are written onto a name off mentions of whole words: those that leave a name that is known, of a word that
/// is none.
fn strip(document: &mut Labelled, lists: &Lists, names: &BTreeSet<String>, language: &str) {
    if !matches!(language, "ar" | "bn") {
        return;
    }
    let known = |name: &str| names.contains(name) || lists.has(name);
    let text = document.text.clone();
    for (_, _, range) in document.mentions.iter_mut().flatten() {
        let Some(source) = text.get(range.clone()) else { continue };
        let parsed = Text::new(source);
        let units = units(&parsed, language);
        let word = if language == "ar" { 0 } else { parsed.len().saturating_sub(1) };
        let of_word: Vec<&Unit> = units.iter().filter(|unit| unit.token == word).collect();
        let whole = parsed.folded(word);
        if known(whole) {
            continue;
        }
        let cut = of_word.iter().skip(1).find(|unit| {
            if language == "ar" {
                let rest = whole.get(unit.fold.start..).unwrap_or_default();
                known(rest) || rest.starts_with("ال") || (whole.starts_with("لل") && unit.fold.start == 2)
            } else {
                known(whole.get(..unit.fold.start).unwrap_or_default()) || unit.fold.len() > 3
            }
        });
        if let Some(cut) = cut {
            let at = range.start + cut.bytes.start;
            if language == "ar" { range.start = at } else { range.end = at }
        }
    }
}

impl Lines {
    /// Adds the lines of documents; gives the number of mentions.
    fn add(&mut self, knowledge: &Knowledge, documents: &[Labelled], times: usize, ours: bool) -> u32 {
        let mut mentions = 0;
        for document in documents {
            let texts = [Field::Title, Field::Text].map(|field| (field, Text::new(document.field(field))));
            let mut cases = Cases::default();
            texts.iter().for_each(|(_, text)| cases.add(text));
            for (field, text) in &texts {
                let language = known(document.language.split('-').next().unwrap_or_default());
                let units = units(text, language);
                let evidence = Evidence::new(knowledge, text, &units, language, &cases);
                let mut labels = vec![0u8; units.len()];
                for (_, kind, range) in document.mentions.iter().flatten().filter(|(found, ..)| found == field) {
                    mentions += 1;
                    let first = units.partition_point(|unit| unit.bytes.end <= range.start);
                    let length = units.iter().skip(first).take_while(|unit| unit.bytes.start < range.end).count();
                    for index in 0..length {
                        labels[first + index] = label(*kind, index, length) as u8;
                    }
                }
                let first = self.labels.len();
                for line in evidence.lines() {
                    self.lines.push((first + line.start..first + line.end, times));
                }
                for (unit, label) in labels.iter().enumerate() {
                    evidence.features(unit, ours, |feature| self.rows.push(row(feature, BITS)));
                    self.ends.push(self.rows.len() as u32);
                    self.labels.push(*label);
                }
            }
        }
        mentions
    }

    fn rows(&self, unit: usize) -> &[u32] {
        let start = unit.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.rows.get(start as usize..self.ends[unit] as usize).unwrap_or_default()
    }

    fn train(&self, languages: Vec<(&'static str, u32)>, random: &mut Random, mut progress: impl FnMut(&str)) -> Tagger {
        let mut weights = vec![0f32; LABELS << BITS];
        let mut gradients = vec![1e-2f32; 1 << BITS];
        let mut transitions: [[f32; LABELS]; LABELS + 1] =
            std::array::from_fn(|from| std::array::from_fn(|to| if may_follow(from % LABELS, to) { 0.0 } else { -30.0 }));
        let mut order: Vec<usize> =
            self.lines.iter().enumerate().flat_map(|(line, (_, times))| std::iter::repeat_n(line, *times)).collect();
        let steps = (order.len() * ROUNDS) as f32;
        let kept = 1.0 / (1.0 - DROPPED);
        let bound = (DROPPED * 65_536.0) as u64;
        let mut used: Vec<u32> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        let mut step = 0f32;
        for round in 0..ROUNDS {
            let mut surprise = 0f64;
            for at in 0..order.len() {
                let other = at + random.below(order.len() - at);
                order.swap(at, other);
                let line = self.lines[order[at]].0.clone();
                used.clear();
                ends.clear();
                let mut scores = Vec::with_capacity(line.len());
                for unit in line.clone() {
                    let mut sums = [0f32; LABELS];
                    for feature in self.rows(unit) {
                        if random.next() & 0xffff < bound {
                            continue;
                        }
                        used.push(*feature);
                        let at = *feature as usize * LABELS;
                        sums.iter_mut().zip(&weights[at..at + LABELS]).for_each(|(sum, weight)| *sum += weight * kept);
                    }
                    ends.push(used.len());
                    scores.push(sums);
                }
                let (probabilities, pairs) = posteriors(&scores, &transitions);
                let rate = STEP * (1.02 - step / steps);
                step += 1.0;
                let mut from = 0;
                for (index, (unit, end)) in line.clone().zip(&ends).enumerate() {
                    let mut errors = probabilities[index];
                    let label = usize::from(self.labels[unit]);
                    surprise -= f64::from(errors[label].max(1e-6).ln());
                    errors[label] -= 1.0;
                    let size: f32 = errors.iter().map(|error| error * error).sum();
                    if size > 1e-5 {
                        for feature in &used[from..*end] {
                            let gradient = &mut gradients[*feature as usize];
                            *gradient += size;
                            let rate = rate / gradient.sqrt();
                            let at = *feature as usize * LABELS;
                            weights[at..at + LABELS].iter_mut().zip(&errors).for_each(|(weight, error)| *weight -= rate * error);
                        }
                    }
                    from = *end;
                }
                // The transitions see every line: a small step of their own.
                let rate = 0.02 * rate / STEP;
                let mut seen = [[0f32; LABELS]; LABELS];
                for (before, after) in line.clone().zip(line.clone().skip(1)) {
                    seen[usize::from(self.labels[before])][usize::from(self.labels[after])] += 1.0;
                }
                for (from, (row, (expected, seen))) in transitions.iter_mut().zip(pairs.iter().zip(&seen)).enumerate() {
                    for to in (0..LABELS).filter(|to| may_follow(from, *to)) {
                        row[to] -= rate * (expected[to] - seen[to]).clamp(-2.0, 2.0);
                    }
                }
                if let (Some(first), Some(unit)) = (probabilities.first(), line.clone().next()) {
                    for to in (0..LABELS).filter(|to| may_follow(0, *to)) {
                        transitions[LABELS][to] -= rate * (first[to] - f32::from(u8::from(usize::from(self.labels[unit]) == to)));
                    }
                }
            }
            progress(&format!("round {}: {:.4} a unit", round + 1, surprise / self.labels.len() as f64));
        }
        quantised(languages, transitions, &weights)
    }
}

/// Weights to `i8`: the few beyond the range that serves the others best are clipped.
fn quantised(languages: Vec<(&'static str, u32)>, transitions: [[f32; LABELS]; LABELS + 1], weights: &[f32]) -> Tagger {
    let mut sizes: Vec<f32> = weights.iter().map(|weight| weight.abs()).filter(|size| *size > 0.0).collect();
    let at = sizes.len() - 1 - sizes.len() / 2_000;
    let (_, largest, _) = sizes.select_nth_unstable_by(at, f32::total_cmp);
    let scale = *largest / 127.0;
    let weights: Vec<i8> = weights.iter().map(|weight| (weight / scale).round().clamp(-127.0, 127.0) as i8).collect();
    Tagger::new(languages, BITS, scale, transitions, &weights)
}
