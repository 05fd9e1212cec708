//! `copydesk backfill`: articles of the past enriched again, to a topic beside the real one, and what that changed.

use std::{sync::Arc, time::Duration};

use clap::Args;

use super::{Configured, Exit, ended, failure, metrics, progress::Bar, runtime, start_logging};
use crate::{
    article::Message,
    config::Config,
    diff::Documents,
    service,
    stream::{self, Health, Request},
};

#[derive(Debug, Args)]
pub(super) struct Backfill {
    /// Topic to write to; `topics create --output TOPIC` makes it.
    #[arg(long, value_name = "TOPIC")]
    to: String,
    /// Topic for what is rejected on the way; without it the dead letters go where they always go.
    #[arg(long, value_name = "TOPIC")]
    dead_letters: Option<String>,
    /// Not before: a time such as 2026-11-01T00:00:00Z, or a while ago such as 48h.
    #[arg(long, value_name = "TIME", value_parser = super::dlq::time)]
    since: Option<i64>,
    /// Only this partition, from this offset; may be repeated.
    #[arg(long, value_name = "PARTITION:OFFSET", value_parser = super::dlq::place)]
    from: Vec<(i32, i64)>,
    /// Only articles whose record on kafka.output does not name this model or vocabulary, such as topics=linear-1; may be repeated.
    #[arg(long, value_name = "MODEL")]
    lacking: Vec<String>,
    /// Articles a second.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Begin again instead of going on where the last run stopped.
    #[arg(long)]
    again: bool,
    /// Only compare what is there.
    #[arg(long)]
    report_only: bool,
    #[command(flatten)]
    configured: Configured,
}

pub(super) fn run(arguments: Backfill) -> Result<Exit, Exit> {
    let mut config = arguments.configured.load()?;
    start_logging(&config);
    let [input] = config.stream.input.as_slice() else {
        eprintln!("a backfill reads one topic; choose one of kafka.input with --input");
        return Err(Exit::Configuration);
    };
    let (input, output) = (input.clone(), config.stream.output.clone());
    if config.stream.topics().contains(&arguments.to) {
        eprintln!("--to {}: is one of the topics of the service; a backfill needs one of its own", arguments.to);
        return Err(Exit::Configuration);
    }
    let settings = &mut config.stream;
    settings.group = format!("{}-backfill-{}", settings.group, arguments.to);
    settings.output = arguments.to.clone();
    settings.routing = None;
    settings.dead_letters = arguments.dead_letters.unwrap_or_else(|| settings.dead_letters.clone());
    if let stream::Delivery::ExactlyOnce(transactions) = &mut settings.delivery {
        transactions.id = format!("{}-backfill-{}", transactions.id, arguments.to);
    }
    settings.instance = None;
    if !arguments.report_only {
        let exit = enrich_again(
            &mut config,
            &input,
            &output,
            &arguments.lacking,
            &Request { since: arguments.since, from: arguments.from, again: arguments.again, rate: arguments.rate },
        )?;
        if exit != Exit::Success {
            return Ok(exit);
        }
    }
    let read = |topic: &str| -> Result<Documents, Exit> {
        let mut documents = Documents::default();
        let taken = |message: Message| message.payload.iter().for_each(|json| documents.take(json));
        stream::read_topic(&config.stream, topic, taken).map_err(failure)?;
        Ok(documents)
    };
    println!("{output} → {}\n{}", arguments.to, read(&output)?.compare(&read(&arguments.to)?));
    Ok(Exit::Success)
}

fn enrich_again(config: &mut Config, input: &str, output: &str, lacking: &[String], request: &Request) -> Result<Exit, Exit> {
    let mut plan = stream::plan(&config.stream, input, request).map_err(failure)?;
    if plan.resumed {
        eprintln!("going on where the last run stopped; --again begins anew");
    }
    if !lacking.is_empty() {
        let lacks = |message: &Message| {
            let json = message.payload.as_deref().unwrap_or_default();
            let document: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
            let provenance = &document["provenance"];
            let names = ["models", "vocabularies"].into_iter().filter_map(|list| provenance[list].as_array()).flatten();
            let names: Vec<&str> = names.filter_map(serde_json::Value::as_str).collect();
            !lacking.iter().all(|wanted| names.contains(&wanted.as_str()))
        };
        let (origins, silent) = stream::origins(&config.stream, output, input, lacks).map_err(failure)?;
        eprintln!("{} records of {output} lack {}", origins.len(), lacking.join(" or "));
        if silent > 0 {
            eprintln!("{silent} more do not say where their article is: they are of a copydesk before 0.2; without --lacking all are done");
        }
        plan.only = Some(origins);
    }
    let total = plan.only.as_ref().map_or(plan.total, |only| only.len() as u64);
    config.stream.backfill = Some(plan);
    let metrics = metrics()?;
    let health = Arc::new(Health::new(config.stream.max_poll_interval));
    let runtime = runtime(config.stream.workers)?;
    let counts = metrics.clone();
    let watched = Arc::clone(&health);
    let config = config.clone();
    let (result, complete) = runtime.block_on(async {
        let signal = service::signal();
        let mut complete = false;
        let end = async {
            let watch = async {
                let mut bar = Bar::new();
                loop {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    bar.show(counts.outcomes().iter().sum(), total, "");
                }
            };
            tokio::select! {
                () = watched.finished() => complete = true,
                () = signal => {}
                () = watch => {}
            }
        };
        (service::once(config, metrics.clone(), health, end).await, complete)
    });
    runtime.shutdown_background();
    let [enriched, rejected, tombstones] = counts.outcomes();
    println!("{enriched} enriched, {rejected} rejected, {tombstones} tombstones");
    let exit = ended(result);
    if exit == Exit::Success && !complete {
        println!("stopped; the same command goes on from here");
        return Err(Exit::Success);
    }
    Ok(exit)
}
