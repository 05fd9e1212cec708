//! `copydesk dlq`: what is in the dead-letter topic, and back to where it came from.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::{Args, Subcommand};

use super::{Configured, Exit, failure, progress::Bar, runtime};
use crate::{
    article::{Message, Reason},
    service,
    stream::{self, Replay, Selection, header},
};

#[derive(Debug, Subcommand)]
pub(super) enum Dlq {
    /// List dead letters, and count them by reason.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Most letters to list; all are counted.
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// One JSON object a letter instead of a table.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        configured: Configured,
    },
    /// Show one dead letter: its headers, and its bytes as text.
    Show {
        /// Where it is, as `list` prints it.
        #[arg(value_name = "PARTITION:OFFSET", value_parser = place)]
        place: (i32, i64),
        #[command(flatten)]
        configured: Configured,
    },
    /// Send dead letters back to the topics they came from. The same command goes on where it stopped.
    Replay {
        #[command(flatten)]
        filter: Filter,
        /// Say what would be sent, and send nothing.
        #[arg(long)]
        dry_run: bool,
        /// Letters that failed so often stay where they are.
        #[arg(long, default_value_t = 3, value_name = "N")]
        max_attempts: u32,
        /// Letters a second.
        #[arg(long, value_name = "N")]
        rate: Option<u32>,
        /// Send all to this topic instead.
        #[arg(long, value_name = "TOPIC")]
        to: Option<String>,
        /// Begin at the beginning, also with what was replayed before.
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        configured: Configured,
    },
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Code of a reason; may be repeated.
    #[arg(long, value_name = "CODE", value_parser = reason)]
    reason: Vec<String>,
    /// Partition of the dead-letter topic; may be repeated.
    #[arg(long, value_name = "N")]
    partition: Vec<i32>,
    /// Not before: a time such as 2026-11-25T06:00:00Z, or a while ago such as 2h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Before: a time, or a while ago.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
}

impl From<Filter> for Selection {
    fn from(filter: Filter) -> Self {
        Self { reasons: filter.reason, partitions: filter.partition, since: filter.since, until: filter.until }
    }
}

pub(super) fn place(text: &str) -> Result<(i32, i64), String> {
    let parsed = text.split_once(':').and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    parsed.ok_or_else(|| "wanted PARTITION:OFFSET, such as 3:1207".to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    let known = Reason::ALL.map(Reason::code);
    if known.contains(&text) { Ok(text.to_owned()) } else { Err(format!("wanted one of {}", known.join(", "))) }
}

/// Milliseconds since the Unix epoch.
pub(super) fn time(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let ago: jiff::SignedDuration =
        text.parse().map_err(|_| "wanted a time such as 2026-11-25T06:00:00Z, or a while ago such as 2h".to_owned())?;
    Ok((jiff::Timestamp::now() - ago.abs()).as_millisecond())
}

pub(super) fn run(command: Dlq) -> Result<Exit, Exit> {
    match command {
        Dlq::List { filter, limit, json, configured } => list(configured, &filter.into(), limit, json),
        Dlq::Show { place, configured } => show(configured, place),
        Dlq::Replay { filter, dry_run, max_attempts, rate, to, again, configured } => {
            replay(configured, &filter.into(), &Replay { dry_run, max_attempts, rate, to, again })
        }
    }
}

fn text<'a>(letter: &'a Message, name: &str) -> &'a str {
    letter.header_text(name).unwrap_or("-")
}

fn when(letter: &Message) -> String {
    letter.timestamp.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"))
}

fn list(configured: Configured, selection: &Selection, limit: usize, json: bool) -> Result<Exit, Exit> {
    let settings = configured.start()?.stream;
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let mut listed = 0;
    if !json {
        println!("{:<14} {:<20} {:<15} {:>7}  {:<28} message", "place", "time", "reason", "attempt", "from");
    }
    let seen = |letter: Message| {
        *reasons.entry(text(&letter, header::ERROR_CODE).to_owned()).or_default() += 1;
        if listed < limit {
            listed += 1;
            if json { println!("{}", as_json(&letter)) } else { println!("{}", as_row(&letter)) }
        }
        true
    };
    stream::dead_letters(&settings, selection, seen).map_err(failure)?;
    let total: u64 = reasons.values().sum();
    let counts: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    eprintln!("{total} dead letters in {}{}{}", settings.dead_letters, if total > 0 { ": " } else { "" }, counts.join(", "));
    Ok(Exit::Success)
}

fn as_row(letter: &Message) -> String {
    let from = [header::SOURCE_TOPIC, header::SOURCE_PARTITION, header::SOURCE_OFFSET].map(|name| text(letter, name)).join(":");
    format!(
        "{:<14} {:<20} {:<15} {:>7}  {:<28} {}",
        format!("{}:{}", letter.partition, letter.offset),
        when(letter),
        text(letter, header::ERROR_CODE),
        text(letter, header::ATTEMPT),
        from,
        text(letter, header::ERROR_MESSAGE)
    )
}

fn as_json(letter: &Message) -> serde_json::Value {
    let number = |name: &str| letter.header_text(name).and_then(|text| text.parse::<i64>().ok());
    serde_json::json!({
        "partition": letter.partition,
        "offset": letter.offset,
        "time": when(letter),
        "key": letter.key.as_deref().map(String::from_utf8_lossy),
        "bytes": letter.payload.as_ref().map(Vec::len),
        "reason": letter.header_text(header::ERROR_CODE),
        "stage": letter.header_text(header::ERROR_STAGE),
        "message": letter.header_text(header::ERROR_MESSAGE),
        "attempt": number(header::ATTEMPT),
        "first_failed_at": letter.header_text(header::FIRST_FAILED_AT),
        "source": {
            "topic": letter.header_text(header::SOURCE_TOPIC),
            "partition": number(header::SOURCE_PARTITION),
            "offset": number(header::SOURCE_OFFSET),
        },
    })
}

fn show(configured: Configured, (partition, offset): (i32, i64)) -> Result<Exit, Exit> {
    let settings = configured.start()?.stream;
    let mut found = None;
    let selection = Selection { partitions: vec![partition], ..Selection::default() };
    let seen = |letter: Message| {
        let past = letter.offset >= offset;
        found = Some(letter).filter(|letter| letter.offset == offset);
        !past
    };
    stream::dead_letters(&settings, &selection, seen).map_err(failure)?;
    let Some(letter) = found else {
        return Err(failure(format!(
            "no dead letter at {partition}:{offset} of {}; `copydesk dlq list` shows where they are",
            settings.dead_letters
        )));
    };
    println!("place  {}:{}\ntime   {}", letter.partition, letter.offset, when(&letter));
    println!("key    {}", letter.key.as_deref().map_or("null".into(), String::from_utf8_lossy));
    for header in letter.headers() {
        println!("header {}: {}", header.key, header.value.as_deref().map_or("null".into(), String::from_utf8_lossy));
    }
    println!("\n{}", letter.payload.as_deref().map_or("null".into(), String::from_utf8_lossy));
    Ok(Exit::Success)
}

fn replay(configured: Configured, selection: &Selection, options: &Replay) -> Result<Exit, Exit> {
    let settings = configured.start()?.stream;
    let stop = Arc::new(AtomicBool::new(false));
    let done = runtime(1)?
        .block_on(async {
            let asked = Arc::clone(&stop);
            let signal = service::signal();
            tokio::spawn(async move {
                signal.await;
                asked.store(true, Ordering::Relaxed);
            });
            let mut bar = Bar::new();
            let progress = |done: &stream::Progress| {
                bar.show(done.read, done.total, &format!("· {} replayed", done.replayed));
                !stop.load(Ordering::Relaxed)
            };
            stream::replay(&settings, selection, options, progress).await
        })
        .map_err(failure)?;
    println!(
        "{} dead letters selected: {} {}, {} left because they were tried {} times, {} left because nothing says where they came from",
        done.selected,
        done.replayed,
        if options.dry_run { "would be replayed" } else { "replayed" },
        done.exhausted,
        options.max_attempts,
        done.homeless
    );
    if stop.load(Ordering::Relaxed) {
        println!("stopped; the same command goes on from here");
    }
    Ok(Exit::Success)
}
