//! Labelled documents, whatever file they come from: the annotated corpus, CoNLL, TSV or JSON Lines.
//!
//! Spans are bytes here, whatever a file counts. A document keeps the name of its source, so that scores can be told apart by source.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{EvalError, corpus, files, read};
use crate::{
    article::{EntityType, Field},
    enrich::{Annotation, Enricher, TOPICS},
};

/// How labelled documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The annotated corpus: tests/corpus/README.md.
    Corpus,
    /// A token, a tab and a tag (O, B- or I- with PER, ORG, LOC) a line; an empty line ends a sentence. For entities.
    Conll,
    /// A topic's slug, any columns, and the text, apart by tabs. For topics.
    Tsv,
    /// One object a line: text, and title, language, topics (slugs), entities (objects of start, end, type; code points of text).
    Jsonl,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Corpus => "txt",
            Self::Conll => "conll",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Corpus => "no article that begins with '== id | split | …';",
            Self::Conll => "no line of token, tab, tag;",
            Self::Tsv => "no line of a topic's slug, tab, text;",
            Self::Jsonl => "no object on a line;",
        }
    }
}

/// A mention: field, type, bytes of that field.
pub type Span = (Field, EntityType, Range<usize>);

/// Whom a mention means, where people say: field, bytes, and the id; none where it is no entity of the gazetteer.
pub type Link = (Field, Range<usize>, Option<String>);

/// A document and what people say of it.
#[derive(Debug, Clone, Default)]
pub struct Labelled {
    /// The id in its file, or the number of its sentence or line.
    pub id: String,
    /// BCP-47 tag; empty where nobody says.
    pub language: String,
    /// The headline.
    pub title: Option<String>,
    /// The text, without noise.
    pub text: String,
    /// Mentions, in order; none where the document is not annotated for them.
    pub mentions: Option<Vec<Span>>,
    /// Whom the mentions mean; empty where the document is not annotated for that.
    pub links: Vec<Link>,
    /// Slugs of topics.
    pub topics: Vec<String>,
    /// Bytes of the tokens of the text, where the mentions consist of whole ones; empty where they do not.
    pub tokens: Vec<Range<usize>>,
}

impl Labelled {
    /// The headline or the text.
    pub fn field(&self, field: Field) -> &str {
        match field {
            Field::Title => self.title.as_deref().unwrap_or_default(),
            Field::Text => &self.text,
        }
    }

    /// A span of the text, widened to whole tokens where the labels know no less.
    fn widened(&self, (field, kind, range): Span) -> Span {
        let first = self.tokens.iter().find(|token| token.end > range.start).map_or(range.start, |token| token.start.min(range.start));
        let last = self.tokens.iter().rev().find(|token| token.start < range.end).map_or(range.end, |token| token.end.max(range.end));
        (field, kind, first..last)
    }
}

/// A document beside what copydesk says of it, for all measures that compare the two.
#[derive(Debug)]
pub struct Answered<'a> {
    /// Where the document comes from.
    pub source: &'a str,
    /// What people say of it.
    pub document: &'a Labelled,
    /// What copydesk says, told the document's language.
    pub found: Annotation,
}

impl Answered<'_> {
    /// Source and id, for a list of mistakes.
    pub fn name(&self) -> String {
        format!("{} {}", self.source, self.document.id)
    }
}

/// Annotates every document, once.
pub fn answers<'a>(enricher: &Enricher, sources: &'a [(String, Vec<Labelled>)]) -> Vec<Answered<'a>> {
    let documents = sources.iter().flat_map(|(source, documents)| documents.iter().map(move |document| (source, document)));
    let answer = |(source, document): (&'a String, &'a Labelled)| {
        let mut found = enricher.annotate(document.title.as_deref(), &document.text, Some(&document.language));
        found.mentions = found.mentions.into_iter().map(|mention| document.widened(mention)).collect();
        Answered { source, document, found }
    };
    documents.map(answer).collect()
}

/// The documents of some files: language and stem (`de/news`), and what they hold. The language is the given one; else that of the
/// file: of the corpus its stem, of the others the name of its folder.
///
/// # Errors
/// A file cannot be read, or holds nothing of the format.
pub fn load(
    paths: &[PathBuf],
    format: Format,
    language: Option<&str>,
    split: Option<&str>,
) -> Result<Vec<(String, Vec<Labelled>)>, EvalError> {
    let load_file = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let tag = language.map_or_else(|| if format == Format::Corpus { stem.clone() } else { folder }, str::to_owned);
        let text = read(path)?;
        let wanted = |wanted: String| EvalError::Empty { path: path.clone(), wanted };
        let mut documents = match format {
            Format::Corpus => corpus_documents(&text, split).map_err(wanted)?,
            Format::Conll => conll(&text),
            Format::Tsv => tsv(&text),
            Format::Jsonl => jsonl(&text).map_err(wanted)?,
        };
        for document in documents.iter_mut().filter(|document| document.language.is_empty()) {
            document.language.clone_from(&tag);
        }
        if documents.is_empty() && split.is_none() {
            return Err(EvalError::Empty { path: path.clone(), wanted: format!("{} is --format right?", format.wanted()) });
        }
        Ok((if format == Format::Corpus { stem } else { format!("{tag}/{stem}") }, documents))
    };
    files(paths, format.ending())?
        .iter()
        .map(load_file)
        .filter(|found| !matches!(found, Ok((_, documents)) if documents.is_empty()))
        .collect()
}

fn entity_type(name: &str) -> Option<EntityType> {
    match name {
        "PER" | "person" => Some(EntityType::Person),
        "ORG" | "organisation" => Some(EntityType::Organisation),
        "LOC" | "place" => Some(EntityType::Place),
        _ => None,
    }
}

fn corpus_documents(text: &str, split: Option<&str>) -> Result<Vec<Labelled>, String> {
    let articles = corpus::parse(text)?.into_iter().filter(|article| split.is_none_or(|split| split == article.split));
    articles
        .map(|article| {
            let kind = |name: &str| entity_type(name).ok_or_else(|| format!("{}: '{name}' is no type; wanted PER, ORG or LOC", article.id));
            let (mut mentions, mut links) = (Vec::new(), Vec::new());
            let mut without_noise = |field: Field, raw: &str| -> Result<String, String> {
                let noise = || article.noise.iter().filter(|(found, ..)| *found == field).map(|(.., range)| range);
                let removed_before = |at: usize| -> usize { noise().map(|range| range.end.min(at).saturating_sub(range.start)).sum() };
                for (_, name, range) in article.mentions.iter().filter(|(found, ..)| *found == field) {
                    if noise().any(|noise| noise.contains(&range.start)) {
                        continue;
                    }
                    let range = range.start - removed_before(range.start)..range.end - removed_before(range.end);
                    let (name, link) = name.split_once('|').map_or((name.as_str(), None), |(name, link)| (name, Some(link)));
                    if let Some(link) = link {
                        let id = link.split(' ').next().filter(|id| *id != "-");
                        links.push((field, range.clone(), id.map(str::to_owned)));
                    }
                    mentions.push((field, kind(name)?, range));
                }
                Ok(raw.char_indices().filter(|(at, _)| !noise().any(|range| range.contains(at))).map(|(_, c)| c).collect())
            };
            let title = article.raw.title.as_deref().map(|title| without_noise(Field::Title, title)).transpose()?;
            let text = without_noise(Field::Text, &article.raw.text)?;
            Ok(Labelled {
                id: article.id.clone(),
                language: String::new(),
                title,
                text,
                mentions: Some(mentions),
                links,
                topics: article
                    .facts
                    .last()
                    .map(|topics| topics.split(',').map(|topic| topic.trim().to_owned()).collect())
                    .unwrap_or_default(),
                tokens: Vec::new(),
            })
        })
        .collect()
}

/// Sentences, put together again: with spaces, or without where the tokens are characters of a script that writes none.
fn conll(file: &str) -> Vec<Labelled> {
    let mended = decoded_twice(file);
    let file = mended.as_deref().unwrap_or(file);
    let sentences = file.split("\n\n").filter(|sentence| !sentence.trim().is_empty());
    let characters = file.lines().filter_map(|line| line.split_once('\t')).take(500).all(|(token, _)| token.chars().nth(3).is_none());
    let separator = if characters { "" } else { " " };
    let mut documents = Vec::new();
    for (index, sentence) in sentences.enumerate() {
        let mut document = Labelled { id: (index + 1).to_string(), ..Labelled::default() };
        let mut mentions: Vec<Span> = Vec::new();
        let mut open = false;
        for (token, tag) in sentence.lines().filter_map(|line| line.split_once('\t')) {
            if !document.text.is_empty() {
                document.text.push_str(separator);
            }
            let start = document.text.len();
            document.text.push_str(&token.replace(['\u{a0}', '\u{2423}'], " "));
            let end = document.text.len();
            document.tokens.push(start..end);
            let kind = tag.get(2..).and_then(entity_type);
            match (kind, mentions.last_mut()) {
                (Some(kind), Some((_, last, range))) if open && tag.starts_with("I-") && *last == kind => range.end = end,
                (Some(kind), _) => mentions.push((Field::Text, kind, start..end)),
                (None, _) => {}
            }
            open = kind.is_some();
        }
        if !document.text.is_empty() {
            document.mentions = Some(mentions);
            documents.push(document);
        }
    }
    documents
}

/// The text of a file that was written as UTF-8, read as Latin-1 and written as UTF-8 again; none where it was not.
fn decoded_twice(file: &str) -> Option<String> {
    let bytes: Vec<u8> = file.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>().ok()?;
    String::from_utf8(bytes).ok().filter(|mended| mended.len() < file.len())
}

fn tsv(file: &str) -> Vec<Labelled> {
    let known = |slug: &str| TOPICS.iter().any(|(known, ..)| *known == slug);
    let lines = file.lines().enumerate().filter_map(|(index, line)| {
        let (slug, rest) = line.split_once('\t').filter(|(slug, _)| known(slug))?;
        let text = rest.rsplit('\t').next().unwrap_or_default().to_owned();
        Some(Labelled { id: (index + 1).to_string(), text, topics: vec![slug.to_owned()], ..Labelled::default() })
    });
    lines.collect()
}

fn jsonl(file: &str) -> Result<Vec<Labelled>, String> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(default)]
        id: String,
        #[serde(default)]
        language: String,
        title: Option<String>,
        text: String,
        #[serde(default)]
        topics: Vec<String>,
        entities: Option<Vec<Labelling>>,
    }
    #[derive(Deserialize)]
    struct Labelling {
        start: usize,
        end: usize,
        r#type: String,
    }
    let lines = file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| {
        let fault = |what: String| format!("line {}: {what}", index + 1);
        let line: Line = serde_json::from_str(line).map_err(|error| fault(error.to_string()))?;
        let byte = |at: usize| line.text.char_indices().map(|(byte, _)| byte).chain([line.text.len()]).nth(at);
        let spans = line.entities.as_ref().map(|entities| {
            let span = |entity: &Labelling| {
                let kind =
                    entity_type(&entity.r#type).ok_or_else(|| fault(format!("'{}' is no type; wanted PER, ORG or LOC", entity.r#type)))?;
                match (byte(entity.start), byte(entity.end)) {
                    (Some(start), Some(end)) if start < end => Ok((Field::Text, kind, start..end)),
                    _ => Err(fault(format!("{}..{} is no span of the text", entity.start, entity.end))),
                }
            };
            entities.iter().map(span).collect::<Result<Vec<Span>, String>>()
        });
        let mentions = spans.transpose()?;
        Ok(Labelled {
            id: line.id,
            language: line.language,
            title: line.title,
            text: line.text,
            mentions,
            topics: line.topics,
            ..Labelled::default()
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(document: &Labelled) -> Vec<(&str, EntityType)> {
        document
            .mentions
            .as_ref()
            .unwrap()
            .iter()
            .map(|(found, kind, range)| (document.field(*found).get(range.clone()).unwrap(), *kind))
            .collect()
    }

    #[test]
    fn corpus_spans_point_into_the_text_without_noise() {
        let file = "== en-1 | dev | GB | local | sport, weather\ntitle: [[Leeds|ORG]] win{{site_name| - Desk}}\n{{byline|By A}}\n\
                    In [[Hull|LOC|gn:2645425 Hull]]{{photo_credit|PA}} said [[Ann Roe|PER|-]].\n\n== en-2 | train | GB | local | sport\ntitle: T\nBody.\n";
        let documents = corpus_documents(file, Some("dev")).unwrap();
        let [document] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!(document.title.as_deref(), Some("Leeds win"));
        assert_eq!(document.topics, ["sport", "weather"]);
        assert_eq!(spans(document), [("Leeds", EntityType::Organisation), ("Hull", EntityType::Place), ("Ann Roe", EntityType::Person)]);
        assert_eq!(document.links, [(Field::Text, 4..8, Some("gn:2645425".to_owned())), (Field::Text, 14..21, None)]);
        assert!(corpus_documents("== en-1 | dev | x\n[[A|PLACE]]", None).is_err());
    }

    #[test]
    fn conll_sentences_are_put_together_again() {
        let documents = conll("Ann\tB-PER\nRoe\tI-PER\nof\tO\nHull\tB-LOC\nLeeds\tB-LOC\n\nnothing\tO\n");
        let [first, second] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!(first.text, "Ann Roe of Hull Leeds");
        assert_eq!(spans(first), [("Ann Roe", EntityType::Person), ("Hull", EntityType::Place), ("Leeds", EntityType::Place)]);
        assert_eq!(second.mentions.as_deref(), Some([].as_slice()));
        assert_eq!(first.widened((Field::Text, EntityType::Person, 5..6)), (Field::Text, EntityType::Person, 4..7));
        assert_eq!(
            conll("Zoë\tB-PER\n".chars().map(|c| c.to_string().bytes().map(char::from).collect::<String>()).collect::<String>().as_str())
                [0]
            .text,
            "Zoë"
        );
        let unspaced = conll("北\tB-LOC\n京\tI-LOC\n雨\tO\n");
        assert_eq!(spans(unspaced.first().unwrap()), [("北京", EntityType::Place)]);
    }

    #[test]
    fn json_lines_count_code_points() {
        let documents =
            jsonl(r#"{"text": "Zoë in Köln", "entities": [{"start": 7, "end": 11, "type": "LOC"}], "topics": ["sport"]}"#).unwrap();
        assert_eq!(spans(documents.first().unwrap()), [("Köln", EntityType::Place)]);
        for broken in [r#"{"text": "a", "entities": [{"start": 0, "end": 2, "type": "LOC"}]}"#, r#"{"title": "a"}"#, "x"] {
            assert!(jsonl(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn tsv_takes_first_and_last_column() {
        let documents = tsv("sport\tSports\tA match\nno topic\tx\ty\n");
        assert_eq!(documents.iter().map(|document| document.text.as_str()).collect::<Vec<_>>(), ["A match"]);
    }
}
