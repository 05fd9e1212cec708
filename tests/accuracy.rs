//! Floors of accuracy on the dev split of the annotated corpus. They only rise; where the split itself grows, they are measured anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;

use copydesk::{
    enrich::{Enricher, Output},
    eval::{
        entities,
        labelled::{self, Format, Labelled},
        topics,
    },
};

fn dev() -> Vec<(String, Vec<Labelled>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut documents: Vec<Labelled> =
        labelled::load(&[folder], Format::Corpus, None, Some("dev")).unwrap().into_iter().flat_map(|(_, documents)| documents).collect();
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    vec![("dev".to_owned(), documents)]
}

#[test]
fn accuracy_keeps_its_floors() {
    let enricher = Enricher::load(Output::default());
    let dev = dev();
    let answers = labelled::answers(&enricher, &dev);
    let scores = entities::measure(&answers, |_, _, _| ());
    let (entities, links) = (scores["dev"].total(), scores["dev"].links);
    assert!(entities.precision() >= ENTITY_PRECISION && entities.f1() >= ENTITY_F1, "{:.1} {:.1}", entities.precision(), entities.f1());
    assert!(links.precision() >= Some(LINK_PRECISION) && links.recall() >= Some(LINK_RECALL), "{links:?}");
    let topics = &topics::measure(&answers, |_, _, _| ())["dev"];
    assert!(topics.top1() >= TOPIC_TOP1 && topics.micro_f1() >= TOPIC_F1, "{:.1} {:.1}", topics.top1(), topics.micro_f1());
}

const ENTITY_PRECISION: f64 = 84.2;
const ENTITY_F1: f64 = 79.7;
const LINK_PRECISION: f64 = 93.9;
const LINK_RECALL: f64 = 89.5;
const TOPIC_TOP1: f64 = 78.5;
const TOPIC_F1: f64 = 63.3;
