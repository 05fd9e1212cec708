//! Sentences that tempt a linker: names of known entities that mean somebody else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use copydesk::enrich::{Enricher, Output};

/// Sentences with a false link, as measured; the goal is none. The number only falls.
const FALSE_LINKS: usize = 16;

#[test]
fn few_sentences_tempt_the_linker() {
    let enricher = Enricher::load(Output::default());
    let (mut sentences, mut tempted) = (0, Vec::new());
    for line in include_str!("links/adversarial.tsv").lines().filter(|line| !line.starts_with('#')) {
        let [language, text, allowed] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        sentences += 1;
        for (_, range, id) in enricher.annotate(None, text, Some(language)).links {
            if !allowed.split(',').any(|allowed| allowed == id) {
                tempted.push(format!("{} is {id}: {text}", text.get(range).unwrap()));
                break;
            }
        }
    }
    assert!(sentences >= 200 && tempted.len() <= FALSE_LINKS, "{} of {sentences}: {tempted:#?}", tempted.len());
}
