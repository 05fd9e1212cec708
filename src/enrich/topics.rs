//! Topics: IPTC Media Topics by a weighted lexicon.
//!
//! A term counts once for each of its first few occurrences, more in the headline; a topic needs two different terms, or one
//! strong term in the headline or in a text as short as one. Scores are evidence, not probabilities: they are not calibrated yet. Labels carry the ids of the vocabulary;
//! "(c) IPTC, CC BY 4.0" holds for the names.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use rustc_hash::FxHashMap;

use super::{
    entities::proclitics,
    language::Language,
    text::{Text, fold, slice},
};
use crate::article::Topic;

/// Name and edition of the vocabulary, for the provenance of a document.
pub(super) const VOCABULARY: &str = "mediatopic=2023-10-24";

/// Topics below this are not published.
const THRESHOLD: f64 = 0.5;
/// A second topic must bear this share of the first one's evidence.
const SHARE: f64 = 0.45;
/// Most topics of an article: people give one or two.
const MOST: usize = 3;
/// A text this short is read like a headline.
const HEADLINE_WORDS: f64 = 40.0;
/// Occurrences of one term that count.
const REPEATS: f64 = 3.0;

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

#[derive(Debug, Default)]
struct Lexicon {
    /// Folded term to (topic, weight); `continues` marks keys that longer terms begin with.
    terms: FxHashMap<String, Term>,
    /// Folded stems, by their length in bytes.
    stems: FxHashMap<String, Vec<(usize, f64)>>,
}

#[derive(Debug, Default)]
struct Term {
    continues: bool,
    topics: Vec<(usize, f64)>,
}

/// A term found in a text.
struct Found<'a> {
    term: String,
    topics: &'a [(usize, f64)],
    /// The token after it.
    next: usize,
}

static LEXICA: LazyLock<HashMap<&'static str, Lexicon>> = LazyLock::new(|| {
    let mut lexica: HashMap<&'static str, Lexicon> = HashMap::new();
    for line in include_str!("data/topics.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('|').map(str::trim);
        let (Some(slug), Some(language), Some(terms)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let Some(topic) = TOPICS.iter().position(|(known, ..)| *known == slug) else { continue };
        let lexicon = lexica.entry(language).or_default();
        for written in terms.split(',').map(str::trim) {
            let weight = if written.starts_with('!') { 2.0 } else { 1.0 };
            let term = written.trim_start_matches('!');
            let key = strip_article(&fold(term.trim_end_matches('*')), language);
            if term.ends_with('*') && !key.contains(' ') {
                lexicon.stems.entry(key).or_default().push((topic, weight));
                continue;
            }
            for (at, _) in key.match_indices(' ') {
                lexicon.terms.entry(slice(&key, 0..at).to_owned()).or_default().continues = true;
            }
            let topics = &mut lexicon.terms.entry(key).or_default().topics;
            if !topics.iter().any(|(known, _)| *known == topic) {
                topics.push((topic, weight));
            }
        }
    }
    lexica
});

/// Arabic nouns carry the article or not; terms are kept without it.
fn strip_article(key: &str, language: &str) -> String {
    if language != "ar" {
        return key.to_owned();
    }
    key.split(' ').map(bare_arabic).collect::<Vec<_>>().join(" ")
}

fn bare_arabic(word: &str) -> &str {
    word.strip_prefix("ال").filter(|rest| rest.chars().count() >= 3).unwrap_or(word)
}

/// Whether the lexicon speaks a language.
pub(super) fn covers(language: &Language) -> bool {
    LEXICA.contains_key(language.primary())
}

/// The slug of a topic's id, for routing and metrics.
pub fn slug(id: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(_, digits, _)| id.strip_prefix("medtop:") == Some(digits)).map(|(slug, ..)| *slug)
}

/// What a publisher's own section adds to its topic: about as much as a strong term and a weak one in the headline.
const SECTION: f64 = 5.0;

/// The topic that a publisher's section or subject code means: `medtop:` ids, old eight-digit subject codes (the first two
/// digits are those of the topics), slugs, English names, and the strong terms of the lexicon.
fn topic_of_section(section: &str, lexicon: &Lexicon, language: &str) -> Option<usize> {
    let code = section.rsplit([':', '/']).next().unwrap_or_default().trim();
    let digits = code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        return TOPICS.iter().position(|(_, id, _)| id.get(..2) == code.get(..2));
    }
    let key = fold(section);
    if let Some(topic) =
        TOPICS.iter().position(|(slug, _, name)| key == fold(slug) || key == *name || name.split(", ").any(|part| part == key))
    {
        return Some(topic);
    }
    let mut found = None;
    lexicon.scan(&Text::new(section), language, |topic, _, _| found = found.or(Some(topic)));
    found.filter(|_| key.split(' ').count() <= 3)
}

/// Labels headline and body, best topic first; `sections` are the publisher's own.
pub(super) fn label(title: Option<&Text<'_>>, body: &Text<'_>, language: &Language, sections: &[String]) -> Vec<Topic> {
    let Some(lexicon) = LEXICA.get(language.primary()) else { return Vec::new() };
    let mut evidence: BTreeMap<(usize, String), (f64, f64)> = BTreeMap::new();
    for (text, weight) in title.map(|text| (text, 2.0)).into_iter().chain([(body, 1.0)]) {
        lexicon.scan(text, language.primary(), |topic, term, strength| {
            let entry = evidence.entry((topic, term.to_owned())).or_default();
            entry.0 = strength;
            entry.1 += weight;
        });
    }
    let words = (body.len() + title.map_or(0, Text::len)) as f64;
    let mut scores = [(0.0f64, 0usize, false); TOPICS.len()];
    for ((topic, _), (strength, count)) in &evidence {
        let (score, terms, strong) = &mut scores[*topic];
        *score += strength * count.min(REPEATS).sqrt();
        *terms += 1;
        *strong |= *strength > 1.0 && (*count >= 2.0 || words <= HEADLINE_WORDS);
    }
    let mut hinted: Vec<usize> = sections.iter().filter_map(|section| topic_of_section(section, lexicon, language.primary())).collect();
    hinted.sort_unstable();
    hinted.dedup();
    for topic in hinted.into_iter().take(MOST) {
        let (score, terms, _) = &mut scores[topic];
        // A section alone names no topic: the text must say something of it.
        if *terms > 0 {
            *score += SECTION;
            *terms += 1;
        }
    }
    // Long articles meet more of every topic's words by chance.
    let scale = 2.0 + (words / 80.0).sqrt();
    let mut ranked: Vec<(usize, f64)> = scores
        .iter()
        .enumerate()
        .filter(|(_, (_, terms, strong))| *terms >= 2 || *strong)
        .map(|(topic, (score, ..))| (topic, *score))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let best = ranked.first().map_or(0.0, |(_, score)| *score);
    ranked
        .into_iter()
        .map(|(topic, score)| (topic, score, 1.0 - (-score / scale).exp()))
        .filter(|(_, score, confidence)| *confidence >= THRESHOLD && *score >= best * SHARE)
        .take(MOST)
        .map(|(topic, _, confidence)| {
            let (_, id, name) = TOPICS[topic];
            Topic {
                id: format!("medtop:{id}"),
                uri: format!("http://cv.iptc.org/newscodes/mediatopic/{id}"),
                label: name.to_owned(),
                level: 1,
                score: super::round(confidence),
            }
        })
        .collect()
}

impl Lexicon {
    fn scan(&self, text: &Text<'_>, language: &str, mut found: impl FnMut(usize, &str, f64)) {
        let arabic = language == "ar";
        let mut token = 0;
        while token < text.len() {
            let mut forms = vec![if arabic { bare_arabic(text.folded(token)).to_owned() } else { text.folded(token).to_owned() }];
            if arabic {
                forms.extend(proclitics(text.folded(token)).into_iter().map(|(rest, _)| bare_arabic(&rest).to_owned()));
            }
            let hit = forms.iter().find_map(|form| self.longest(text, token, form, arabic));
            token = match hit {
                Some(Found { term, topics, next }) => {
                    topics.iter().for_each(|(topic, weight)| found(*topic, &term, *weight));
                    next
                }
                None => {
                    if let Some((stem, topics)) = forms.iter().find_map(|form| self.stem(form)) {
                        topics.iter().for_each(|(topic, weight)| found(*topic, stem, *weight));
                    }
                    token + 1
                }
            };
        }
    }

    fn longest(&self, text: &Text<'_>, first: usize, form: &str, arabic: bool) -> Option<Found<'_>> {
        let mut key = form.to_owned();
        let mut best = None;
        let mut next = first + 1;
        while let Some(term) = self.terms.get(&key) {
            if !term.topics.is_empty() {
                best = Some(Found { term: key.clone(), topics: &term.topics, next });
            }
            if !term.continues || next >= text.len() || text.gap_before(next).chars().count() > 1 {
                break;
            }
            key.push(' ');
            key.push_str(if arabic { bare_arabic(text.folded(next)) } else { text.folded(next) });
            next += 1;
        }
        best
    }

    /// The longest stem a word begins with.
    fn stem<'a>(&'a self, word: &str) -> Option<(&'a str, &'a [(usize, f64)])> {
        word.char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .rev()
            .find_map(|end| self.stems.get_key_value(slice(word, 0..end)))
            .map(|(stem, topics)| (stem.as_str(), topics.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::Identifier;

    fn topics(title: &str, body: &str) -> Vec<&'static str> {
        let language = Identifier::shipped().identify(Some(title), body, None);
        label(Some(&Text::new(title)), &Text::new(body), &language, &[]).iter().filter_map(|topic| slug(&topic.id)).collect()
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

    #[test]
    fn every_language_has_every_topic() {
        for (language, lexicon) in LEXICA.iter() {
            let covered: std::collections::BTreeSet<usize> = lexicon
                .terms
                .values()
                .flat_map(|term| &term.topics)
                .chain(lexicon.stems.values().flatten())
                .map(|(topic, _)| *topic)
                .collect();
            assert_eq!(covered.len(), TOPICS.len(), "{language}");
        }
        assert!(LEXICA.len() >= 9);
    }
}
