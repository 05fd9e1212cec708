//! Articles per second of the text core, one thread, over the sample articles and over long ones made of them.
//! Machines differ and are shared: compare two commits on one machine, in one run.
#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::time::Duration;

use copydesk::{
    article::{Message, Timings},
    enrich::{Effort, Enricher, Identifier, Output, clean},
    intake::Intake,
    pipeline::Pipeline,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// An article of about this many bytes, its paragraphs repeated with a number so that none is a repeated line.
fn long(sample: &str, bytes: usize) -> Message {
    let mut article: serde_json::Value = serde_json::from_str(sample).unwrap();
    let field = ["text", "maintext", "articleBody", "content:encoded"].into_iter().find(|field| article[*field].is_string());
    if let Some(field) = field {
        let text = article[field].as_str().unwrap().to_owned();
        let copies = (bytes / text.len()).max(1);
        article[field] =
            (0..copies).map(|copy| format!("{copy} {}", text.replace('\n', &format!("\n{copy} ")))).collect::<Vec<_>>().join("\n").into();
    }
    Message::local(article.to_string().into_bytes())
}

fn enrich(criterion: &mut Criterion) {
    let pipeline = Pipeline::load(Default::default(), Default::default(), false);
    let samples: Vec<&str> = include_str!("../src/cli/demo/samples.jsonl").lines().collect();
    for (name, bytes) in [("samples", 0), ("3 KB articles", 3_000)] {
        let messages: Vec<Message> = samples.iter().map(|sample| long(sample, bytes)).collect();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function("process", |bencher| {
            bencher.iter(|| messages.iter().map(|message| pipeline.process(message, 0)).collect::<Vec<_>>())
        });
        group.finish();
    }
    front(criterion, &samples);
    steps(criterion, &samples);
    criterion.bench_function("load", |bencher| bencher.iter(|| Pipeline::load(Default::default(), Default::default(), false)));
}

/// Entities alone, in tokens, and topics alone, in articles: on a text that is cut into tokens already; a token is a word, or a character
/// of a script without spaces.
fn steps(criterion: &mut Criterion, samples: &[&str]) {
    let (intake, enricher) = (Intake::default(), Enricher::load(Output::default()));
    let articles: Vec<_> = samples.iter().map(|sample| intake.read(&long(sample, 3_000)).unwrap()).collect();
    let tokens = articles.iter().map(|article| enricher.enrich(article, Effort::FULL).unwrap().0.stats.words as u64).sum();
    let mut group = criterion.benchmark_group("3 KB articles");
    let mut step = |name: &str, elements: u64, time: fn(&Timings) -> Duration| {
        group.throughput(Throughput::Elements(elements));
        let once = || articles.iter().map(|article| time(&enricher.enrich(article, Effort::FULL).unwrap().1)).sum::<Duration>();
        group.bench_function(name, |bencher| bencher.iter_custom(|rounds| (0..rounds).map(|_| once()).sum()));
    };
    step("entities", tokens, |timings| timings.entities);
    step("topics", articles.len() as u64, |timings| timings.topics);
    group.finish();
}

/// Intake, cleaning and language alone: what every article pays, whatever is looked for in it afterwards.
fn front(criterion: &mut Criterion, samples: &[&str]) {
    let (intake, identifier) = (Intake::default(), Identifier::shipped());
    let messages: Vec<Message> = samples.iter().map(|sample| long(sample, 3_000)).collect();
    let articles: Vec<_> = messages.iter().map(|message| intake.read(message).unwrap()).collect();
    let cleaned: Vec<_> = articles.iter().map(clean).collect();
    let bytes = messages.iter().filter_map(|message| message.payload.as_ref()).map(|payload| payload.len() as u64).sum();
    let mut group = criterion.benchmark_group("3 KB articles");
    group.throughput(Throughput::ElementsAndBytes { elements: messages.len() as u64, bytes });
    group.bench_function("intake", |bencher| bencher.iter(|| messages.iter().map(|message| intake.read(message)).collect::<Vec<_>>()));
    group.bench_function("clean", |bencher| bencher.iter(|| articles.iter().map(clean).collect::<Vec<_>>()));
    let identify = |title: Option<&str>, text: &str| identifier.identify(title, text, None);
    group.bench_function("language", |bencher| {
        bencher.iter(|| cleaned.iter().map(|cleaned| identify(cleaned.title.as_deref(), &cleaned.text)).collect::<Vec<_>>())
    });
    group.bench_function("intake, clean, language", |bencher| {
        bencher.iter(|| {
            let front = |message| {
                let cleaned = clean(&intake.read(message).unwrap());
                identify(cleaned.title.as_deref(), &cleaned.text)
            };
            messages.iter().map(front).collect::<Vec<_>>()
        })
    });
    group.finish();
}

criterion_group!(benches, enrich);
criterion_main!(benches);
