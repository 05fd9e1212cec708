//! Articles per second of the text core, one thread, over the sample articles and over long ones made of them.
//! Machines differ and are shared: compare two commits on one machine, in one run.
#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use copydesk::{article::Message, pipeline::Pipeline};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// An article of about this many bytes, its paragraphs repeated with a number so that none is a repeated line.
fn long(sample: &str, bytes: usize) -> Message {
    let mut article: serde_json::Value = serde_json::from_str(sample).unwrap();
    let field = ["text", "maintext", "articleBody", "content:encoded"].into_iter().find(|field| article[*field].is_string());
    if let Some(field) = field {
        let text = article[field].as_str().unwrap().to_owned();
        let copies = (bytes / text.len()).max(1);
        article[field] = (0..copies).map(|copy| text.replace('\n', &format!(" {copy}\n"))).collect::<Vec<_>>().join("\n").into();
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
            bencher.iter(|| messages.iter().map(|message| pipeline.process(message)).collect::<Vec<_>>())
        });
        group.finish();
    }
    criterion.bench_function("load", |bencher| bencher.iter(|| Pipeline::load(Default::default(), Default::default(), false)));
}

criterion_group!(benches, enrich);
criterion_main!(benches);
