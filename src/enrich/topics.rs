//! Topics: IPTC Media Topics, by a classifier that reads the text, the entities and a weighted lexicon.
//!
//! Scores are probabilities, calibrated on articles that the weights were not made on. A topic is published from its own threshold
//! on, the best one from [`LEAST`] on, and one that the lexicon has no term for from [`UNSPOKEN`] on. The lexicon's terms are the evidence an editor is shown. Labels carry the ids of the
//! vocabulary; "(c) IPTC, CC BY 4.0" holds for the names.

pub(crate) mod classifier;
mod lexicon;

use super::{
    language::Language,
    text::{Text, fold},
};
use crate::article::{Entity, Topic};
pub(crate) use classifier::{Classifier, Features};
use lexicon::{Evidence, Lexicon};

/// Name and edition of the vocabulary, for the provenance of a document.
pub(super) const VOCABULARY: &str = "mediatopic=2023-10-24";

/// The best topic is published from this probability on, if the lexicon has a term for it.
const LEAST: f64 = 0.12;
/// A topic that the lexicon has no term for in the article is published from this probability on.
const UNSPOKEN: f64 = 0.5;
/// Most topics of an article: people give one or two.
const MOST: usize = 3;
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
const SECTION: f64 = 2.0;

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
        self.lexicon.of(language.primary()).is_some()
    }

    /// What the classifier is shown of an article.
    pub(crate) fn features(&self, title: Option<&Text<'_>>, body: &Text<'_>, language: &Language, entities: &[Entity]) -> Features {
        let evidence = self.lexicon.of(language.primary()).map(|terms| terms.evidence(title, body, language.primary()));
        Features::new(title, body, language.primary(), entities, evidence.as_ref())
    }

    /// Labels headline and body, best topic first; `sections` are the publisher's own.
    pub(super) fn label(
        &self,
        title: Option<&Text<'_>>,
        body: &Text<'_>,
        language: &Language,
        entities: &[Entity],
        sections: &[String],
    ) -> Vec<Topic> {
        let language = language.primary();
        let Some(terms) = self.lexicon.of(language) else { return Vec::new() };
        let evidence = terms.evidence(title, body, language);
        let features = Features::new(title, body, language, entities, Some(&evidence));
        let mut probabilities = self.classifier.probabilities(&features);
        let mut hinted: Vec<usize> = sections.iter().filter_map(|section| self.topic_of_section(section, language)).collect();
        hinted.sort_unstable();
        hinted.dedup();
        for topic in hinted.into_iter().take(MOST) {
            let odds = probabilities[topic] / (1.0 - probabilities[topic]).max(1e-6) * SECTION.exp();
            probabilities[topic] = odds / (1.0 + odds);
        }
        let mut ranked: Vec<(usize, f64)> = probabilities.into_iter().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let published = ranked.into_iter().enumerate().filter(|(place, (topic, probability))| {
            let threshold = self.classifier.heads.get(*topic).map_or(1.0, |head| f64::from(head.threshold));
            let spoken_for = evidence[*topic].score > 0.0;
            let least = match (spoken_for, place) {
                (true, 0) => LEAST,
                (true, _) => threshold,
                (false, _) => threshold.max(UNSPOKEN),
            };
            *probability >= least
        });
        published
            .take(MOST)
            .map(|(_, (topic, probability))| {
                let (_, id, name) = TOPICS[topic];
                Topic {
                    id: format!("medtop:{id}"),
                    uri: format!("http://cv.iptc.org/newscodes/mediatopic/{id}"),
                    label: name.to_owned(),
                    level: 1,
                    score: super::round(probability),
                    evidence: strongest(&evidence[topic]),
                }
            })
            .collect()
    }

    /// The topic that a publisher's section or subject code means: `medtop:` ids, old eight-digit subject codes (the first two
    /// digits are those of the topics), slugs, English names, and names of sections in many languages.
    fn topic_of_section(&self, section: &str, language: &str) -> Option<usize> {
        let code = section.rsplit([':', '/']).next().unwrap_or_default().trim();
        let digits = code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            return TOPICS.iter().position(|(_, id, _)| id.get(..2) == code.get(..2));
        }
        let key = fold(section);
        TOPICS
            .iter()
            .position(|(slug, _, name)| key == fold(slug) || key == *name || name.split(", ").any(|part| part == key))
            .or_else(|| self.lexicon.section(section, language))
    }
}

/// The terms that weigh most.
fn strongest(evidence: &Evidence) -> Vec<String> {
    let mut terms: Vec<&(String, f64)> = evidence.terms.iter().collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.into_iter().take(TOLD).map(|(term, _)| term.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::Identifier;

    fn topics(title: &str, body: &str) -> Vec<&'static str> {
        let language = Identifier::shipped().identify(Some(title), body, None);
        Labeller::load()
            .label(Some(&Text::new(title)), &Text::new(body), &language, &[], &[])
            .iter()
            .filter_map(|topic| slug(&topic.id))
            .collect()
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
