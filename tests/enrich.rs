//! The text core from outside: golden documents, and properties that hold for any bytes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use copydesk::{
    article::{EnrichedArticle, Field, Message, Outcome, RawArticle},
    enrich::{OffsetUnit, Output, clean},
    intake::Intake,
    pipeline::Pipeline,
};
use proptest::prelude::*;

fn pipeline(unit: OffsetUnit) -> Pipeline {
    Pipeline::load(Intake::default(), Output { offsets: unit, ..Output::default() }, false)
}

/// The documents of the sample articles. `UPDATE_GOLDEN=1 cargo test --test enrich` rewrites them; read the diff.
#[test]
fn samples_give_the_golden_documents() {
    let pipeline = pipeline(OffsetUnit::CodePoint);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/samples.json");
    let documents: Vec<EnrichedArticle> = include_str!("../src/cli/demo/samples.jsonl")
        .lines()
        .map(|line| pipeline.document(&Message::local(line.as_bytes().to_vec())).unwrap().0)
        .collect();
    let found = serde_json::to_string_pretty(&documents).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    for (line, (found, golden)) in found.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, golden, "line {} of {path}; if the change is meant: UPDATE_GOLDEN=1 cargo test --test enrich", line + 1);
    }
    assert_eq!(found.len(), golden.len());
}

/// The span of a mention, cut out by its unit.
fn cut(text: &str, unit: OffsetUnit, start: usize, end: usize) -> String {
    match unit {
        OffsetUnit::CodePoint => text.chars().skip(start).take(end - start).collect(),
        OffsetUnit::Utf16 => String::from_utf16(&text.encode_utf16().skip(start).take(end - start).collect::<Vec<_>>()).unwrap(),
        OffsetUnit::Utf8 => text.get(start..end).unwrap().to_owned(),
    }
}

fn holds(document: &EnrichedArticle, unit: OffsetUnit) {
    let mut spans = Vec::new();
    for entity in &document.entities {
        assert!(!entity.mentions.is_empty());
        assert!((0.0..=1.0).contains(&entity.salience) && (0.0..=1.0).contains(&entity.confidence));
        for mention in &entity.mentions {
            let field = match mention.field {
                Field::Title => document.article.title.as_deref().unwrap(),
                Field::Text => &document.article.text,
            };
            assert_eq!(cut(field, unit, mention.start, mention.end), mention.text);
            spans.push((mention.field, mention.start, mention.end));
        }
    }
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1), "mentions do not overlap");
    let top: Vec<&str> = document.topics.iter().filter(|topic| topic.level == 1).map(|topic| topic.id.as_str()).collect();
    let mut second = document.topics.iter().skip(top.len());
    assert!(top.len() <= 3 && document.topics.len() <= 6 && document.topics.iter().all(|topic| (0.0..=1.0).contains(&topic.score)));
    assert!(second.all(|topic| topic.level == 2 && topic.broader.as_deref().is_some_and(|broader| top.contains(&broader))));
    assert!(!document.article.text.trim().is_empty(), "cleaning never empties an article");
}

#[test]
fn mentions_repeat_their_span_in_every_unit() {
    let emoji = "😀 وصل جو بايدن إلى بغداد e\u{301} 😀😀 وقال بايدن إن العراق";
    for unit in OffsetUnit::ALL {
        let pipeline = pipeline(unit);
        for input in include_str!("../src/cli/demo/samples.jsonl").lines().chain([emoji]) {
            let (document, _) = pipeline.document(&Message::local(input.as_bytes().to_vec())).unwrap();
            holds(&document, unit);
        }
    }
}

/// Words of many scripts, names among them, and what clings to them on the web.
fn words() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "وبغداد",
        "للعراق",
        "محمد",
        "علي",
        "الحكيم",
        "قال",
        "Joe",
        "Biden",
        "Путиным",
        "США",
        "美国",
        "拜登",
        "的",
        "İstanbul'da",
        "L’Irak",
        "Elena",
        "Ruiz",
        "\n",
        "\n\n",
        "Most read",
        "رويترز",
        "www.example.com",
        "😀",
        "e\u{301}",
        "\u{200f}",
        "\u{0}",
        "\u{feff}",
        "ـــ",
        "ﻻ",
        "Read also:",
        "© AFP",
        "U.S.",
        "\"",
        "(",
        "<p>",
        "&amp;",
        "ไทย",
        "नई",
        "دانش\u{200c}آموز",
        "ß",
        "ŉ",
        "ﬁ",
    ]);
    prop::collection::vec(prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()], 0..40)
        .prop_flat_map(|words| prop::sample::select(vec!["", " ", "\n"]).prop_map(move |joint| words.join(joint)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_have_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        thread_local!(static PIPELINE: Pipeline = pipeline(OffsetUnit::CodePoint));
        let outcome = PIPELINE.with(|pipeline| pipeline.process(&Message::local(bytes), 0));
        prop_assert!(!matches!(outcome, Outcome::Tombstone));
    }

    #[test]
    fn any_text_keeps_the_promises(title in words(), text in words()) {
        thread_local!(static PIPELINE: Pipeline = pipeline(OffsetUnit::Utf16));
        let input = serde_json::json!({ "title": title, "text": text }).to_string();
        let run = || PIPELINE.with(|pipeline| pipeline.document(&Message::local(input.clone().into_bytes())));
        if let Ok((document, _)) = run() {
            holds(&document, OffsetUnit::Utf16);
            let again = run().unwrap().0;
            prop_assert_eq!(serde_json::to_string(&document).unwrap(), serde_json::to_string(&again).unwrap());
        }
    }

    #[test]
    fn removed_ranges_are_on_character_boundaries_and_in_order(title in words(), text in words()) {
        let cleaned = clean(&RawArticle { title: Some(title.clone()), text: text.clone(), ..RawArticle::default() });
        let mut last = 0;
        for cut in cleaned.removed.iter().filter(|cut| cut.field == Field::Text) {
            prop_assert!(text.get(cut.range.clone()).is_some() && cut.range.start >= last, "{cut:?}");
            last = cut.range.end;
        }
        prop_assert!(cleaned.removed.iter().filter(|cut| cut.field == Field::Title).all(|cut| title.get(cut.range.clone()).is_some()));
    }
}

/// Names and ids of the entities of a message.
fn named(message: &str) -> Vec<(String, Option<String>, usize)> {
    let document = pipeline(OffsetUnit::CodePoint).document(&Message::local(message.as_bytes().to_vec())).unwrap().0;
    document.entities.into_iter().map(|entity| (entity.name, entity.id, entity.mentions.len())).collect()
}

/// Two presidents of Lebanon, years apart; where nobody says when, the name is nobody's.
#[test]
fn a_bare_surname_is_that_of_whoever_is_in_office() {
    for (published, expected) in [
        ("2025-06-10T10:00:00Z", Some("copydesk:aoun-joseph")),
        ("2019-06-10T10:00:00Z", Some("copydesk:michel-aoun")),
        ("2023-06-10T10:00:00Z", None),
        ("", None),
    ] {
        let text = "BEIRUT - President Aoun said that Lebanon would hold talks. Aoun met the army chief.";
        let found = named(&format!(r#"{{"text":"{text}","published":"{published}","lang":"en"}}"#));
        let aoun = found.iter().find(|(name, ..)| name.ends_with("Aoun")).unwrap();
        assert_eq!((aoun.1.as_deref(), aoun.2), (expected, 2), "{published}");
    }
}

#[test]
fn a_kunya_in_brackets_is_the_person_before_it() {
    let text = "قال أحمد الجبوري (أبو سيف) إن المعركة انتهت. وأضاف أبو سيف أن المقاتلين انسحبوا من الموصل، فيما نفى الجبوري ذلك.";
    let found = named(&format!(r#"{{"text":"{text}","lang":"ar"}}"#));
    assert!(found.contains(&("أحمد الجبوري".to_owned(), None, 4)), "{found:?}");
}
