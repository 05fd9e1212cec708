//! The annotated corpus: every file parses, every mark is known, nothing stands twice; and cleaning keeps its floors on it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, path::PathBuf};

use copydesk::{
    article::RemovalReason,
    enrich::near_duplicate_key,
    eval::clean::{corpus, measure, total},
};

const REASONS: [RemovalReason; 8] = [
    RemovalReason::RepeatedTitle,
    RemovalReason::RepeatedLine,
    RemovalReason::PhotoCredit,
    RemovalReason::PageFurniture,
    RemovalReason::RelatedLink,
    RemovalReason::Byline,
    RemovalReason::Dateline,
    RemovalReason::SiteName,
];

fn files() -> Vec<(String, Vec<copydesk::eval::corpus::Annotated>)> {
    corpus(&[PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")]).unwrap()
}

#[test]
fn every_file_is_well_formed() {
    let kinds: BTreeSet<String> = REASONS.iter().map(|reason| serde_json::to_value(reason).unwrap().as_str().unwrap().to_owned()).collect();
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let files = files();
    for (language, articles) in &files {
        for article in articles {
            assert!(article.id.starts_with(&format!("{language}-")) && ids.insert(article.id.clone()), "{}", article.id);
            assert!(titles.insert(article.raw.title.clone().unwrap()), "{}", article.id);
            assert_eq!(article.facts.len(), 3, "{}: wanted country, register and topics", article.id);
            for (_, kind, range) in &article.mentions {
                let (kind, link) = kind.split_once('|').map_or((kind.as_str(), "-"), |(kind, link)| (kind, link));
                assert!(["PER", "ORG", "LOC"].contains(&kind) && !range.is_empty(), "{}: {kind}", article.id);
                let id = ["wd:Q", "gn:", "copydesk:"].iter().any(|register| link.starts_with(register)) && link.contains(' ');
                assert!(id || link == "-", "{}: '{link}' is neither '-' nor an id and a canonical name", article.id);
            }
            for topic in article.facts[2].split(',') {
                assert!(copydesk::enrich::TOPICS.iter().any(|(slug, ..)| *slug == topic.trim()), "{}: {topic}", article.id);
            }
            for (_, kind, range) in &article.noise {
                assert!(kinds.contains(kind) && !range.is_empty(), "{}: {kind}", article.id);
            }
        }
    }
    assert!(ids.len() >= 1300 && files.len() >= 42, "{} articles, {} languages", ids.len(), files.len());
}

/// What is measured may not have been learnt from.
#[test]
fn no_article_is_in_both_splits() {
    let keys = |split: &str| -> Vec<(String, u64)> {
        let articles = files().into_iter().flat_map(|(_, articles)| articles).filter(|article| article.split == split);
        articles.map(|article| (article.id, near_duplicate_key(&article.raw.text))).collect()
    };
    let train = keys("train");
    for (id, key) in keys("dev") {
        for (other, near) in &train {
            assert!((key ^ near).count_ones() > 12, "{id} is a copy of {other}");
        }
    }
}

#[test]
fn copies_are_near_and_different_articles_are_not() {
    let scores = copydesk::eval::copies::measure(&files());
    let within_12 = |edit: &str| scores.iter().find(|score| score.edit == edit).unwrap().within[3];
    assert!(within_12("one word in fifty changed") >= 97.5 && within_12("the last paragraph cut") >= 55.0, "{scores:?}");
    assert!(within_12("different articles") < 0.01, "{scores:?}");
}

/// Losing a sentence is worse than keeping a share button: the floor on losses is the hard one.
#[test]
fn cleaning_keeps_its_floors() {
    let files = files();
    let mut faults = Vec::new();
    let all = total(
        measure(&files, None, |article, what, text| {
            if what.starts_with("lost") {
                faults.push(format!("{article}: {what}: {text}"));
            }
        })
        .values(),
    );
    assert!(all.lost_share() <= 0.05, "{:.2} % lost: {faults:#?}", all.lost_share());
    let train = total(measure(&files, Some("train"), |_, _, _| ()).values());
    assert!(train.removed_share() >= 89.4, "{:.1} % of the noise removed", train.removed_share());
    let dev = total(measure(&files, Some("dev"), |_, _, _| ()).values());
    assert!(dev.removed_share() >= 71.0, "{:.1} % of the noise removed", dev.removed_share());
}
