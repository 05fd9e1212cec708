//! Topics: IPTC Media Topics, by a classifier that reads the text, the entities and a weighted lexicon; and topics of one's own, by rules.
//!
//! - Scores of the top level are probabilities, calibrated on articles that the weights were not made on. A topic is published from its
//!   own threshold on, the best one from [`LEAST`] on, and one that neither the lexicon has a term for nor the publisher a section from
//!   [`UNSPOKEN`] on.
//! - The second level is the lexicon's: a concept is published where its terms suffice and its top-level topic is published.
//! - The lexicon's terms are the evidence an editor is shown.

pub(crate) mod classifier;
mod lexicon;
pub(crate) mod taxonomy;
mod vocabulary;

use std::sync::Arc;

use super::{
    Output,
    language::Language,
    text::{Text, fold},
};
use crate::article::{Entity, Topic};
pub(crate) use classifier::{Classifier, Features};
use lexicon::{Evidence, Lexicon};
use taxonomy::Taxonomy;

/// Name and edition of the vocabulary, for the provenance of a document.
pub(super) const VOCABULARY: &str = "mediatopic=2023-10-24";

/// The best topic is published from this probability on, if the lexicon has a term for it.
const LEAST: f64 = 0.12;
/// A topic that the lexicon has no term for in the article, nor the publisher a section, is published from this probability on.
const UNSPOKEN: f64 = 0.5;
/// Most topics of an article on a level: people give one or two.
const MOST: usize = 3;
/// A concept of the second level is published from this much evidence on, which is two terms or a strong one,
const SECOND: f64 = 2.0;
/// and from this share of its top-level topic's evidence on.
const SECOND_SHARE: f64 = 0.2;
/// Terms told of a topic.
const TOLD: usize = 5;

/// The 17 top-level concepts: slug, id, English name.
pub const TOPICS: [(&str, &str, &str); 17] = [
    ("arts", "01000000", "arts, culture, entertainment and media"),
    ("crime", "02000000", "crime, law and justice"),
    ("disaster", "03000000", "disaster, accident and emergency incident"),
    ("economy", "04000000", "economy, business and finance"),
    ("education", "05000000", "education"),
    ("environment", "06000000", "environment"),
    ("health", "07000000", "health"),
    ("human_interest", "08000000", "human interest"),
    ("labour", "09000000", "labour"),
    ("lifestyle", "10000000", "lifestyle and leisure"),
    ("politics", "11000000", "politics"),
    ("religion", "12000000", "religion"),
    ("science", "13000000", "science and technology"),
    ("society", "14000000", "society"),
    ("sport", "15000000", "sport"),
    ("conflict", "16000000", "conflict, war and peace"),
    ("weather", "17000000", "weather"),
];

/// The slug of a topic's id, for routing and metrics.
pub fn slug(id: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(_, digits, _)| id.strip_prefix("medtop:") == Some(digits)).map(|(slug, ..)| *slug)
}

/// Log odds that a publisher's own section adds to its topic.
const SECTION: f64 = 3.0;

/// What is said of an article before its topics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) title: Option<&'a Text<'a>>,
    pub(super) body: &'a Text<'a>,
    pub(super) language: &'a Language,
    pub(super) entities: &'a [Entity],
}

/// What labels articles: the lexicon and the classifier that weighs it.
#[derive(Debug)]
pub(crate) struct Labeller {
    lexicon: Lexicon,
    classifier: Classifier,
}

impl Labeller {
    /// What is shipped.
    pub(crate) fn load() -> Self {
        let classifier = Classifier::read(include_bytes!("data/topics.model")).unwrap_or(Classifier { heads: Vec::new(), weights: &[] });
        Self { lexicon: Lexicon::shipped(), classifier }
    }

    /// Whether the lexicon speaks a language.
    pub(super) fn covers(&self, language: &Language) -> bool {
        self.lexicon.speaks(language.primary())
    }

    fn evidence(&self, subject: Subject<'_>) -> Option<Vec<Evidence<'_>>> {
        let language = subject.language.primary();
        self.lexicon.of(language).map(|terms| terms.evidence(subject.title, subject.body, language))
    }

    /// What the classifier is shown of an article.
    pub(super) fn features(&self, subject: Subject<'_>) -> Features {
        Features::new(subject, self.evidence(subject).as_deref())
    }

    /// Labels an article; `sections` are the publisher's own.
    pub(super) fn label(&self, subject: Subject<'_>, sections: &[String], taxonomies: &[Arc<Taxonomy>], output: &Output) -> Vec<Topic> {
        let language = subject.language.primary();
        let mut topics = self.evidence(subject).map_or_else(Vec::new, |evidence| {
            let mut hinted: Vec<usize> = sections.iter().filter_map(|section| self.concept_of_section(section, language)).collect();
            hinted.sort_unstable();
            hinted.dedup();
            let published = self.top_level(subject, &evidence, &hinted);
            let second = self.second_level(&published, &evidence, &hinted);
            published.iter().chain(&second).filter_map(|(concept, score)| self.topic(*concept, *score, &evidence, output)).collect()
        });
        topics.extend(taxonomy::label(taxonomies, subject.title, subject.body, language, TOLD));
        topics
    }

    /// Top-level topics and their probabilities, the best first.
    fn top_level(&self, subject: Subject<'_>, evidence: &[Evidence<'_>], hinted: &[usize]) -> Vec<(usize, f64)> {
        let mut probabilities = self.classifier.probabilities(&Features::new(subject, Some(evidence)));
        let mut tops: Vec<usize> =
            hinted.iter().filter_map(|concept| self.lexicon.vocabulary().get(*concept)).map(|concept| concept.top).collect();
        tops.sort_unstable();
        tops.dedup();
        for &topic in tops.iter().take(MOST) {
            let odds = probabilities[topic] / (1.0 - probabilities[topic]).max(1e-6) * SECTION.exp();
            probabilities[topic] = odds / (1.0 + odds);
        }
        let mut ranked: Vec<(usize, f64)> = probabilities.into_iter().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let published = ranked.into_iter().enumerate().filter(|(place, (topic, probability))| {
            let threshold = self.classifier.heads.get(*topic).map_or(1.0, |head| f64::from(head.threshold));
            let spoken_for = evidence[*topic].score > 0.0 || tops.contains(topic);
            let least = match (spoken_for, place) {
                (true, 0) => LEAST,
                (true, _) => threshold,
                (false, _) => threshold.max(UNSPOKEN),
            };
            *probability >= least
        });
        published.take(MOST).map(|(_, found)| found).collect()
    }

    /// What there is evidence for below the published topics, the best first. The publisher's own word is evidence.
    fn second_level(&self, published: &[(usize, f64)], evidence: &[Evidence<'_>], hinted: &[usize]) -> Vec<(usize, f64)> {
        let found = evidence.iter().enumerate().skip(TOPICS.len()).filter_map(|(at, own)| {
            let top = self.lexicon.vocabulary().get(at)?.top;
            let (_, probability) = published.iter().find(|(topic, _)| *topic == top)?;
            let hint = if hinted.contains(&at) { SECOND } else { 0.0 };
            let enough = own.score + hint >= SECOND && (hint > 0.0 || own.score >= SECOND_SHARE * evidence[top].score);
            enough.then(|| (at, probability * (1.0 - (-own.score - hint).exp())))
        });
        let mut found: Vec<(usize, f64)> = found.collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(MOST);
        found
    }

    fn topic(&self, concept: usize, score: f64, evidence: &[Evidence<'_>], output: &Output) -> Option<Topic> {
        let known = self.lexicon.vocabulary().get(concept)?;
        let is_top = known.top == concept;
        let names = known.names.iter().filter(|(tag, _)| output.names.iter().any(|wanted| wanted == tag));
        Some(Topic {
            id: format!("medtop:{}", known.id),
            uri: format!("http://cv.iptc.org/newscodes/mediatopic/{}", known.id),
            label: known.name.to_owned(),
            names: names.map(|(tag, name)| ((*tag).to_owned(), (*name).to_owned())).collect(),
            level: if is_top { 1 } else { 2 },
            broader: if is_top { None } else { self.lexicon.vocabulary().get(known.top).map(|top| format!("medtop:{}", top.id)) },
            score: super::round(score),
            evidence: strongest(&evidence[concept]),
        })
    }

    /// The concept that a publisher's section means: ids of Media Topics of any level and age, Subject Codes, slugs, names in the locales
    /// of IPTC and in ours, and names of sections in many languages.
    fn concept_of_section(&self, section: &str, language: &str) -> Option<usize> {
        let code = section.rsplit([':', '/']).next().unwrap_or_default().trim();
        if code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.lexicon.vocabulary().code(code);
        }
        let key = fold(section);
        // Sections first: of what several concepts are called, they say what publishers mean.
        self.lexicon
            .section(section, language)
            .or_else(|| self.lexicon.vocabulary().slug(&key.replace(' ', "_")))
            .or_else(|| self.lexicon.vocabulary().named(section))
            .or_else(|| TOPICS.iter().position(|(_, _, name)| name.split(", ").any(|part| part == key)))
    }
}

/// The terms that weigh most.
fn strongest(evidence: &Evidence<'_>) -> Vec<String> {
    let mut terms = evidence.terms.clone();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    terms.into_iter().take(TOLD).map(|(term, _)| term.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::Identifier;

    fn topics(title: &str, body: &str) -> Vec<&'static str> {
        let language = Identifier::shipped().identify(Some(title), body, None);
        let (title, body) = (Text::new(title), Text::new(body));
        let subject = Subject { title: Some(&title), body: &body, language: &language, entities: &[] };
        Labeller::load().label(subject, &[], &[], &Output::default()).iter().filter_map(|topic| slug(&topic.id)).collect()
    }

    #[test]
    fn labels_by_evidence() {
        for (title, body, expected) in [
            ("زلزال قوي يضرب المنطقة", "أعلن الدفاع المدني أن فرق الإنقاذ تبحث عن ناجين تحت الأنقاض بعد الزلزال.", vec!["disaster"]),
            ("Central bank raises interest rates", "Inflation and oil prices weighed on the economy, investors said.", vec!["economy"]),
            ("Streik bei der Bahn", "Die Gewerkschaft fordert höhere Löhne für die Beschäftigten.", vec!["labour"]),
            ("球队夺冠", "教练和球员在决赛后庆祝，这场足球比赛吸引了大批球迷。", vec!["sport"]),
            ("Untitled", "Nothing in this short text says what it is about, and that is fine.", vec![]),
        ] {
            assert_eq!(topics(title, body), expected, "{title}");
        }
    }
}
