//! `copydesk demo`: the service itself, on an embedded broker, fed and watched by this process. And `copydesk feed`, which
//! sends the same articles to a broker of yours.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{Configured, DemoArguments, Exit, FeedArguments, ended, enrich, failure, metrics, runtime};
use crate::{
    article::{EnrichedArticle, Header, Message},
    config::{Config, colours_allowed},
    intake::Intake,
    pretty::{self, Style},
    service,
    stream::{self, Embedded, Record},
};

/// Our own articles, one a line, in the shapes of several crawlers, with the noise of the web.
const SAMPLES: &str = include_str!("demo/samples.jsonl");

/// The topic settings and port of the demo; everything else is as configured.
fn configure(mut configured: Configured, brokers: &str) -> Result<Config, Exit> {
    configured.brokers = Some(brokers.to_owned());
    if configured.log_level.is_none() && !configured.set.iter().any(|(path, _)| path == "log.level") {
        // The rejection of the poison message is shown as a dead letter; a log line between the articles would only disturb.
        configured.log_level = Some("error".to_owned());
    }
    let mut config = configured.start()?;
    config.stream.embedded = true;
    // Another copydesk may listen on the default port; the demo should start all the same.
    if std::net::TcpListener::bind(config.listen).is_err() {
        config.listen.set_port(0);
    }
    Ok(config)
}

/// Runs the demo.
pub(super) fn run(arguments: DemoArguments) -> Result<Exit, Exit> {
    let records = if arguments.files.is_empty() { samples_with_faults() } else { records(&arguments.files)? };
    let topics = ["news.raw", "news.enriched", "news.dead-letters"].map(str::to_owned);
    let broker = Embedded::start(&topics, 4).map_err(failure)?;
    let config = configure(arguments.configured, &broker.brokers())?;
    let settings = config.stream.clone();
    let style = Style { colour: std::io::stdout().is_terminal() && colours_allowed(), paragraphs: Some(3) };
    println!("copydesk {} on an embedded broker at {}", env!("CARGO_PKG_VERSION"), broker.brokers());

    let total = records.len();
    let shown = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let summary = Arc::new(Mutex::new(Summary::default()));
    let watcher = {
        let (settings, stop, shown, summary) = (settings.clone(), Arc::clone(&stop), Arc::clone(&shown), Arc::clone(&summary));
        std::thread::spawn(move || {
            let watched = [settings.output.clone(), settings.dead_letters.clone()];
            stream::watch(&settings, &watched, &stop, |message| {
                println!("{}", show(&message, &settings.dead_letters, style, &summary));
                std::io::stdout().flush().ok();
                shown.fetch_add(1, Ordering::Relaxed);
            })
        })
    };

    let runtime = runtime(settings.workers)?;
    let once = arguments.once;
    let result = runtime.block_on(async {
        let (feeding, seen) = (settings.clone(), Arc::clone(&shown));
        tokio::spawn(async move {
            let input = feeding.input.first().cloned().unwrap_or_default();
            let mut fed = 0;
            for batch in batches(records) {
                match stream::feed(&feeding, &input, batch, None).await {
                    Ok(count) => fed += count,
                    Err(error) => return eprintln!("{error}"),
                }
                while seen.load(Ordering::Relaxed) < fed {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        });
        let all_shown = async {
            while shown.load(Ordering::Relaxed) < total {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let shutdown = async {
            if once {
                tokio::select! { () = all_shown => {}, () = service::signal() => {} }
            } else {
                tokio::select! {
                    () = async { all_shown.await; println!("{total} messages in, {total} out. The service keeps running; Ctrl-C drains it and ends the demo."); std::future::pending::<()>().await } => {}
                    () = service::signal() => {}
                }
            }
        };
        let bound = |address| println!("metrics at http://{address}/metrics; joining the consumer group takes about three seconds\n");
        service::run(config, metrics()?, bound, shutdown).await.map_or_else(|error| Ok(ended(Err(error))), |()| Ok(Exit::Success))
    });
    stop.store(true, Ordering::Relaxed);
    if let Ok(Err(error)) = watcher.join() {
        eprintln!("{error}");
    }
    runtime.shutdown_background();
    println!("{}", summary.lock().unwrap_or_else(PoisonError::into_inner).text(total));
    result
}

/// What came out, counted.
#[derive(Debug, Default)]
struct Summary {
    languages: BTreeMap<String, usize>,
    entities: usize,
    enriched: usize,
    dead_letters: usize,
    tombstones: usize,
}

impl Summary {
    fn text(&self, total: usize) -> String {
        let languages: Vec<String> = self.languages.iter().map(|(tag, count)| format!("{tag} {count}")).collect();
        format!(
            "{total} messages fed: {} enriched, {} dead letters, {} tombstones; {} entities; languages: {}",
            self.enriched,
            self.dead_letters,
            self.tombstones,
            self.entities,
            languages.join(", ")
        )
    }
}

fn show(message: &Message, dead_letters: &str, style: Style, summary: &Mutex<Summary>) -> String {
    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
    let key = message.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    if message.topic == dead_letters {
        summary.dead_letters += 1;
        let header = |name| message.header_text(name).unwrap_or_default();
        return format!("── dead letter {key}: {}: {}\n", header(stream::header::ERROR_CODE), header(stream::header::ERROR_MESSAGE));
    }
    let Some(payload) = &message.payload else {
        summary.tombstones += 1;
        return format!("── tombstone {key}: forwarded\n");
    };
    match serde_json::from_slice::<EnrichedArticle>(payload) {
        Ok(document) => {
            summary.enriched += 1;
            summary.entities += document.entities.len();
            *summary.languages.entry(document.language.tag.clone()).or_default() += 1;
            pretty::render(&document, style)
        }
        Err(error) => format!("not an enriched article: {error}"),
    }
}

/// The embedded broker forgets what is over 5 MiB a partition, so the next batch waits until the last one has come out.
fn batches(records: Vec<Record>) -> Vec<Vec<Record>> {
    const BYTES: usize = 2 << 20;
    let mut batches: Vec<Vec<Record>> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let size = record.payload.as_ref().map_or(0, Vec::len);
        match batches.last_mut() {
            Some(batch) if bytes + size <= BYTES => batch.push(record),
            _ => {
                batches.push(vec![record]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    batches
}

fn samples() -> Vec<Record> {
    SAMPLES.lines().map(|line| record(line.as_bytes().to_vec())).collect()
}

/// The samples, one message that is no article, and the deletion of a sample.
fn samples_with_faults() -> Vec<Record> {
    let mut records = samples();
    let key = |text: &str| Some(text.as_bytes().to_vec());
    records.push(Record {
        key: key("demo-poison"),
        payload: Some(b"{\"title\": \"cut off in the mid".to_vec()),
        headers: vec![Header::text("crawler", "demo")],
    });
    records.push(Record { key: key("demo-ar-2"), payload: None, headers: Vec::new() });
    records
}

fn records(files: &[PathBuf]) -> Result<Vec<Record>, Exit> {
    let mut records = Vec::new();
    for file in files {
        let articles =
            enrich::articles(enrich::open(file)?, Intake::default().format).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        records.extend(articles.map_err(|error| enrich::unreadable(file, &error))?.into_iter().map(record));
    }
    Ok(records)
}

/// Keyed by the article's own id or address where it has one, so that versions of an article stay in order.
fn record(payload: Vec<u8>) -> Record {
    let message = Message::local(payload);
    let key = Intake::default()
        .read(&message)
        .ok()
        .map(|article| article.url.filter(|_| article.id.starts_with("sha256:")).unwrap_or(article.id));
    Record { key: key.map(String::into_bytes), payload: message.payload, headers: Vec::new() }
}

/// Sends articles to the input topic.
pub(super) fn feed(arguments: FeedArguments) -> Result<Exit, Exit> {
    let settings = arguments.configured.start()?.stream;
    let records = if arguments.files.is_empty() { samples() } else { records(&arguments.files)? };
    let topic = settings.input.first().cloned().unwrap_or_default();
    let sent = runtime(1)?.block_on(async {
        // One listener for all rounds: a signal between two of them must not be lost.
        let stop = service::signal();
        tokio::pin!(stop);
        let mut sent = 0;
        let mut round = 0;
        while arguments.repeat == 0 || round < arguments.repeat {
            tokio::select! {
                result = stream::feed(&settings, &topic, records.iter().cloned(), arguments.rate) => sent += result.map_err(failure)?,
                () = &mut stop => break,
            }
            round += 1;
        }
        Ok::<usize, Exit>(sent)
    })?;
    println!("{sent} articles sent to {topic}");
    Ok(Exit::Success)
}
