//! Language identification: headline and body in, BCP-47 tag out, with script, direction, calibrated confidence and, in a
//! mixed document, the language of each part.
//!
//! - The script of most letters decides first: many languages own theirs, and the rest compete only inside theirs. One
//!   [linear model](super::model) a script, trained by `copydesk train language`.
//! - A document is read in blocks and a share of each, so that a foreign byline at the head decides nothing; when that leaves
//!   doubt, more is read. Cost is bounded whatever the length.
//! - The declared language is a prior: worth a few letters of text, never more.
//! - Too few letters, or no language clearly before the others: `und` rather than a guess.

pub(crate) mod letters;
mod segments;

use unicode_script::Script;

use super::model::{self, Linear, Malformed, Sums};
use crate::article::{LanguageReport, LanguageScore};
use letters::Counts;
pub use segments::Segment;
use segments::{Block, blocks};

/// Letters looked at, over all blocks of a document.
const SAMPLE: usize = 320;
/// Letters looked at when those left doubt.
const LARGE_SAMPLE: usize = 2_000;
/// Probability from which a sample leaves no doubt.
const CERTAIN: f32 = 0.995;
/// Probability from which an answer is called reliable.
const RELIABLE: f32 = 0.9;
/// Probability below which there is no answer.
const LEAST_PROBABILITY: f32 = 0.2;
/// Fewer letters of an alphabet than this are no evidence.
const LEAST_LETTERS: usize = 6;
/// Syllables of the scripts whose vowels are marks.
const LEAST_SYLLABLES: usize = 5;
/// An ideograph carries more, and a script that one language owns needs no more than to be recognised.
const LEAST_IDEOGRAPHS: usize = 4;
/// What a declared language adds to its log odds: it makes even odds four to one.
const DECLARED: f32 = 1.4;
/// Runners-up below this are not worth a line.
const LEAST_ALTERNATIVE: f32 = 0.01;

/// A language as found.
#[derive(Debug, Clone, PartialEq)]
pub struct Language {
    /// BCP-47 tag; `und` if undetermined.
    pub tag: &'static str,
    /// ISO 15924 script; `Zyyy` without letters.
    pub script: &'static str,
    /// Whether the script is written from right to left.
    pub right_to_left: bool,
    /// Calibrated probability of the tag, 0..1.
    pub confidence: f64,
    /// Whether the probability is at least 0.9.
    pub reliable: bool,
    /// At most three runners-up with their probabilities.
    pub alternatives: Vec<(&'static str, f64)>,
    /// Parts of a mixed document, in order; empty where all of it is in one language.
    pub segments: Vec<Segment>,
}

impl Language {
    /// The primary subtag: `zh` of `zh-Hant`.
    pub fn primary(&self) -> &'static str {
        primary(self.tag)
    }

    /// The report for the document, but for its segments.
    pub(super) fn report(&self, declared: Option<&str>) -> LanguageReport {
        let agrees = declared.filter(|_| self.tag != UNDETERMINED).map(|declared| is_declared(self.tag, declared));
        LanguageReport {
            tag: self.tag.to_owned(),
            confidence: super::round(self.confidence),
            reliable: self.reliable,
            script: self.script.to_owned(),
            direction: if self.right_to_left { "rtl" } else { "ltr" }.to_owned(),
            declared: declared.map(str::to_owned),
            agrees,
            alternatives: self
                .alternatives
                .iter()
                .map(|(tag, score)| LanguageScore { tag: (*tag).to_owned(), confidence: super::round(*score) })
                .collect(),
            segments: Vec::new(),
        }
    }
}

const UNDETERMINED: &str = "und";

fn primary(tag: &str) -> &str {
    tag.split_once('-').map_or(tag, |(primary, _)| primary)
}

fn is_declared(tag: &str, declared: &str) -> bool {
    let declared = primary(declared);
    // Norwegian as declared and Bokmål as found are one answer.
    declared == primary(tag) || (declared == "no" && matches!(tag, "nb" | "nn"))
}

/// The language models.
#[derive(Debug)]
pub struct Identifier {
    models: Vec<(&'static str, Linear)>,
}

impl Identifier {
    /// The models in the binary.
    pub fn shipped() -> Self {
        // A test reads the shipped file; an empty list would answer `und` to everything.
        Self::new(include_bytes!("data/language.model")).unwrap_or(Self { models: Vec::new() })
    }

    /// Models from the bytes of a file that `copydesk train language` wrote.
    ///
    /// # Errors
    /// The bytes are no model file of this version.
    pub fn new(bytes: &'static [u8]) -> Result<Self, Malformed> {
        Ok(Self { models: model::read(bytes)? })
    }

    /// Every tag that may be given, with the number of training texts behind it; 0 where the script alone decides.
    pub fn tags(&self) -> Vec<(&'static str, u32)> {
        let mut tags: Vec<(&str, u32)> = vec![(UNDETERMINED, 0)];
        let trained = self.models.iter().flat_map(|(_, model)| model.labels.iter().copied().zip(model.texts.iter().copied()));
        for (tag, texts) in trained.chain(OWNERS.map(|(_, tag)| (tag, 0))) {
            match tags.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, sum)) => *sum += texts,
                None => tags.push((tag, texts)),
            }
        }
        tags
    }

    /// Identifies the language of an article. `declared` is the publisher's own BCP-47 tag, a prior.
    pub fn identify(&self, title: Option<&str>, text: &str, declared: Option<&str>) -> Language {
        let blocks = blocks(title, text);
        let all: Vec<&Block<'_>> = blocks.iter().collect();
        let (mut language, samples) = self.of(&all, declared);
        if language.tag == UNDETERMINED || blocks.len() < 2 {
            return language;
        }
        let tags = self.tags_of(&language, &blocks, &samples);
        if tags.iter().all(|tag| *tag == language.tag) {
            return language;
        }
        // A mixed document is in the language of most of it, and as certainly as that part alone.
        let main = segments::most(&blocks, &tags);
        if main != language.tag {
            let part: Vec<&Block<'_>> = blocks.iter().zip(&tags).filter(|(_, tag)| **tag == main).map(|(block, _)| block).collect();
            language = self.of(&part, declared).0;
        }
        language.segments = segments::merge(&blocks, &tags);
        language
    }

    /// The language of blocks taken together, and the sample of each where a model was asked.
    fn of(&self, blocks: &[&Block<'_>], declared: Option<&str>) -> (Language, Vec<Sums>) {
        let mut counts = Counts::default();
        blocks.iter().for_each(|block| counts.merge(&block.counts));
        let Some(script) = counts.dominant() else { return (undetermined("Zyyy", false), Vec::new()) };
        let letters = counts.letters(script);
        let right_to_left = is_right_to_left(script);
        let certain = |tag| Language { tag, confidence: 1.0, reliable: true, ..undetermined(script_of_tag(tag, script), right_to_left) };
        let owner = OWNERS.iter().find(|(owned, _)| *owned == script).map(|(_, tag)| *tag);
        let model = self.models.iter().find(|(name, _)| *name == script.short_name()).map(|(_, model)| model);
        match (owner, model) {
            _ if letters < least(script, owner.is_some()) => (undetermined(script.short_name(), right_to_left), Vec::new()),
            (Some(tag), _) => (certain(tag), Vec::new()),
            (None, None) => (undetermined(script.short_name(), right_to_left), Vec::new()),
            // One kana in fifty characters settles it.
            (None, Some(_)) if script == Script::Han && counts.kana * 50 > letters => (certain("ja"), Vec::new()),
            (None, Some(model)) => {
                let mut samples = sample(model, script, blocks, SAMPLE);
                let prior = |tag: &str| prior(tag, declared, letters);
                let mut probabilities = model.probabilities(&total(&samples), prior);
                if letters > SAMPLE && probabilities.iter().all(|probability| *probability < CERTAIN) {
                    samples = sample(model, script, blocks, LARGE_SAMPLE);
                    probabilities = model.probabilities(&total(&samples), prior);
                }
                (answer(model, &probabilities, script, right_to_left), samples)
            }
        }
    }

    /// The tag of every block: the document's, unless the block is surely in another language.
    fn tags_of(&self, document: &Language, blocks: &[Block<'_>], samples: &[Sums]) -> Vec<&'static str> {
        let model = self.models.iter().find(|(_, model)| model.labels.contains(&document.tag)).map(|(_, model)| model);
        let mut tags = Vec::with_capacity(blocks.len());
        for (index, block) in blocks.iter().enumerate() {
            let same_script = block.counts.dominant().is_none_or(|script| script_of_tag(document.tag, script) == document.script);
            let agrees = match (model, samples.get(index)) {
                (Some(model), Some(sums)) => model.best(sums) == Some(document.tag),
                _ => true,
            };
            tags.push(if same_script && agrees { document.tag } else { self.other_tag(document, block) });
        }
        tags
    }

    fn other_tag(&self, document: &Language, block: &Block<'_>) -> &'static str {
        let (part, _) = self.of(&[block], None);
        let letters = block.counts.dominant().map_or(0, |script| block.counts.letters(script) * if is_dense(script) { 3 } else { 1 });
        let sure = part.script != document.script && part.reliable || part.confidence >= segments::LEAST_CONFIDENCE;
        let other = part.primary() != document.primary() && !segments::related(part.primary(), document.primary());
        if sure && other && letters >= segments::LEAST_LETTERS { part.tag } else { document.tag }
    }
}

/// Scores a share of every block.
fn sample(model: &Linear, script: Script, blocks: &[&Block<'_>], letters: usize) -> Vec<Sums> {
    let share = letters.div_ceil(blocks.len());
    blocks.iter().map(|block| model.sum(&letters::of_script(block.text, script, share))).collect()
}

fn total(samples: &[Sums]) -> Sums {
    let mut total = Sums::default();
    samples.iter().for_each(|sums| total.add(sums));
    total
}

/// What is known before the letters are looked at, in log odds.
fn prior(tag: &str, declared: Option<&str>, letters: usize) -> f32 {
    let declared = if declared.is_some_and(|declared| is_declared(tag, declared)) { DECLARED } else { 0.0 };
    // A Japanese text of any length has kana, and this one has none.
    let without_kana = if tag == "ja" { -(letters as f32) / 12.0 } else { 0.0 };
    declared + without_kana
}

fn answer(model: &Linear, probabilities: &[f32], script: Script, right_to_left: bool) -> Language {
    let mut ranked: Vec<(&'static str, f32)> = model.labels.iter().copied().zip(probabilities.iter().copied()).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    let score = |probability: f32| f64::from(probability);
    let Some((tag, probability)) = ranked.first().copied().filter(|(_, probability)| *probability >= LEAST_PROBABILITY) else {
        return undetermined(script.short_name(), right_to_left);
    };
    Language {
        tag,
        script: script_of_tag(tag, script),
        right_to_left,
        confidence: score(probability),
        reliable: probability >= RELIABLE,
        alternatives: ranked
            .into_iter()
            .skip(1)
            .take(3)
            .filter(|(_, probability)| *probability >= LEAST_ALTERNATIVE)
            .map(|(tag, probability)| (tag, score(probability)))
            .collect(),
        segments: Vec::new(),
    }
}

fn undetermined(script: &'static str, right_to_left: bool) -> Language {
    Language { tag: UNDETERMINED, script, right_to_left, confidence: 0.0, reliable: false, alternatives: Vec::new(), segments: Vec::new() }
}

/// Letters a text must have.
fn least(script: Script, owned: bool) -> usize {
    match script {
        _ if owned || is_dense(script) => LEAST_IDEOGRAPHS,
        Script::Latin | Script::Cyrillic | Script::Arabic | Script::Hebrew => LEAST_LETTERS,
        _ => LEAST_SYLLABLES,
    }
}

/// The script as ISO 15924 names it for a language: Chinese and Japanese have codes of their own.
fn script_of_tag(tag: &str, script: Script) -> &'static str {
    match tag {
        "ja" => "Jpan",
        "ko" => "Kore",
        "zh-Hans" => "Hans",
        "zh-Hant" => "Hant",
        _ => script.short_name(),
    }
}

fn is_right_to_left(script: Script) -> bool {
    matches!(script, Script::Arabic | Script::Hebrew | Script::Syriac | Script::Thaana | Script::Nko | Script::Adlam)
}

fn is_dense(script: Script) -> bool {
    matches!(script, Script::Han | Script::Hangul)
}

/// Scripts that one language of the news owns, which need no model.
const OWNERS: [(Script, &str); 23] = [
    (Script::Hangul, "ko"),
    (Script::Greek, "el"),
    (Script::Armenian, "hy"),
    (Script::Georgian, "ka"),
    (Script::Thai, "th"),
    (Script::Lao, "lo"),
    (Script::Khmer, "km"),
    (Script::Tamil, "ta"),
    (Script::Telugu, "te"),
    (Script::Kannada, "kn"),
    (Script::Malayalam, "ml"),
    (Script::Gujarati, "gu"),
    (Script::Gurmukhi, "pa"),
    (Script::Oriya, "or"),
    (Script::Sinhala, "si"),
    (Script::Thaana, "dv"),
    (Script::Myanmar, "my"),
    (Script::Syriac, "syr"),
    (Script::Tifinagh, "zgh"),
    (Script::Ol_Chiki, "sat"),
    (Script::Cherokee, "chr"),
    (Script::Canadian_Aboriginal, "iu"),
    (Script::Nko, "nqo"),
];
