//! Dead letters, read again: a bounded scan of their topic, and the way back to where they came from.
//!
//! A scan ends where the topic ended when it began. A replay remembers how far it came under a consumer group of its own,
//! one for each selection: the same command goes on where it stopped, and repeats at most what it sent in its last moments.

use std::collections::HashMap;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
    error::KafkaError,
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use sha2::{Digest, Sha256};

use super::{
    Settings, StreamError,
    client::{self, Quiet},
    local::Pace,
    scan::Scan,
    sink::{answer, enqueue, header, to_kafka},
};
use crate::article::{Header, Message};

/// Letters between two commits of a replay's place.
const BATCH: usize = 500;

/// Which dead letters are meant. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Codes of reasons.
    pub reasons: Vec<String>,
    /// Partitions of the dead-letter topic.
    pub partitions: Vec<i32>,
    /// Not before this time, milliseconds since the Unix epoch.
    pub since: Option<i64>,
    /// Before this time, milliseconds since the Unix epoch.
    pub until: Option<i64>,
}

impl Selection {
    fn scan(&self, settings: &Settings, group: Option<&str>) -> Result<Scan, StreamError> {
        Scan::start(settings, &settings.dead_letters, &self.partitions, self.since, group)
    }

    fn takes(&self, letter: &Message) -> bool {
        let reason = letter.header_text(header::ERROR_CODE).unwrap_or_default();
        (self.reasons.is_empty() || self.reasons.iter().any(|wanted| wanted == reason))
            && letter.timestamp.is_none_or(|at| self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until))
    }

    /// The group that keeps the place of a replay of this selection.
    fn group(&self, settings: &Settings) -> String {
        if *self == Self::default() {
            return format!("{}-replay", settings.group);
        }
        let mut same = self.clone();
        same.reasons.sort();
        same.partitions.sort_unstable();
        let hash = Sha256::digest(format!("{same:?}"));
        format!("{}-replay-{}", settings.group, hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

/// What a replay may do.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Send nothing, say what would be sent.
    pub dry_run: bool,
    /// Letters that were tried so often stay.
    pub max_attempts: u32,
    /// Letters a second.
    pub rate: Option<u32>,
    /// Another topic than the one each came from.
    pub to: Option<String>,
    /// From the beginning, whatever was replayed before.
    pub again: bool,
}

/// How far a replay is, and in the end what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Letters read that the selection takes.
    pub selected: u64,
    /// Sent, or with a dry run to be sent.
    pub replayed: u64,
    /// Left because they were tried often enough.
    pub exhausted: u64,
    /// Left because nothing says where they came from.
    pub homeless: u64,
    /// Letters read, selected or not.
    pub read: u64,
    /// Letters the topic holds from where the replay began; what compaction or retention took counts too.
    pub total: u64,
}

/// Hands every selected dead letter to `seen`, oldest first in each partition; it says whether to go on. Blocks.
///
/// # Errors
/// When the topic cannot be read.
pub fn dead_letters(settings: &Settings, selection: &Selection, mut seen: impl FnMut(Message) -> bool) -> Result<(), StreamError> {
    let mut scan = selection.scan(settings, None)?;
    while let Some(letter) = scan.next()? {
        if selection.takes(&letter) && !seen(letter) {
            break;
        }
    }
    Ok(())
}

/// Sends selected dead letters back to where they came from: key, value and headers, with the number of attempts and the time
/// of the first failure, so that a letter that fails again says so. `progress` is told after every letter; it says whether to go on.
///
/// # Errors
/// When the topic cannot be read, or a letter not be sent. What was sent before stays sent.
pub async fn replay(
    settings: &Settings,
    selection: &Selection,
    options: &Replay,
    mut progress: impl FnMut(&Progress) -> bool,
) -> Result<Progress, StreamError> {
    let group = selection.group(settings);
    let kept = (!options.again && !options.dry_run).then_some(group.as_str());
    let mut scan = selection.scan(settings, kept)?;
    let producer = client::feeder(settings)?;
    let mut done = Progress { total: scan.total, ..Progress::default() };
    let mut pace = Pace::new(options.rate);
    let mut batch = Batch::default();
    while let Some(letter) = scan.next()? {
        done.read += 1;
        batch.places.insert(letter.partition, letter.offset + 1);
        if selection.takes(&letter) {
            done.selected += 1;
            let attempts = letter.header_text(header::ATTEMPT).and_then(|attempt| attempt.parse().ok()).unwrap_or(1_u32);
            let home = options.to.as_deref().or(letter.header_text(header::SOURCE_TOPIC));
            match home {
                None => done.homeless += 1,
                Some(_) if attempts >= options.max_attempts => done.exhausted += 1,
                Some(_) if options.dry_run => done.replayed += 1,
                Some(home) => {
                    pace.wait().await;
                    batch.sent.push((home.to_owned(), send(&producer, home, &letter).await?));
                    done.replayed += 1;
                }
            }
        }
        if batch.sent.len() >= BATCH {
            batch.settle(&scan, !options.dry_run, &group).await?;
        }
        if !progress(&done) {
            break;
        }
    }
    batch.settle(&scan, !options.dry_run, &group).await?;
    Ok(done)
}

/// Letters on their way, and the places to remember once they have arrived.
#[derive(Default)]
struct Batch {
    sent: Vec<(String, DeliveryFuture)>,
    places: HashMap<i32, i64>,
}

impl Batch {
    async fn settle(&mut self, scan: &Scan, remember: bool, group: &str) -> Result<(), StreamError> {
        for (topic, delivery) in self.sent.drain(..) {
            answer(delivery).await?.map_err(|error| undelivered(&topic, error))?;
        }
        let places = std::mem::take(&mut self.places);
        if !remember || places.is_empty() {
            return Ok(());
        }
        let mut offsets = TopicPartitionList::new();
        let failed = |error| StreamError::Client { role: "reader", error };
        for (partition, offset) in places {
            offsets.add_partition_offset(&scan.topic, partition, Offset::Offset(offset)).map_err(failed)?;
        }
        tracing::debug!(group, "remembering the place");
        scan.consumer.commit(&offsets, CommitMode::Sync).map_err(failed)
    }
}

fn undelivered(topic: &str, error: KafkaError) -> StreamError {
    StreamError::Delivery { topic: topic.to_owned(), error, mend: "see whether the topic exists and takes the letter, and replay again" }
}

async fn send(producer: &FutureProducer<Quiet>, topic: &str, letter: &Message) -> Result<DeliveryFuture, StreamError> {
    let kept = |header: &&Header| {
        !header.key.starts_with("copydesk.") || [header::ATTEMPT, header::FIRST_FAILED_AT].contains(&header.key.as_str())
    };
    let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).headers(to_kafka(letter.headers().iter().filter(kept)));
    record.key = letter.key.as_deref();
    record.payload = letter.payload.as_deref();
    enqueue(producer, record).await.map_err(|error| undelivered(topic, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_selection_has_a_place_of_its_own() {
        let settings = Config::from(None, &[], &[]).unwrap().stream;
        let reasons = |reasons: &[&str]| Selection { reasons: reasons.iter().map(|&r| r.to_owned()).collect(), ..Selection::default() };
        assert_eq!(Selection::default().group(&settings), "copydesk-replay");
        assert_eq!(reasons(&["empty", "panic"]).group(&settings), reasons(&["panic", "empty"]).group(&settings));
        assert_ne!(reasons(&["empty"]).group(&settings), reasons(&["panic"]).group(&settings));
    }

    #[test]
    fn selects_by_reason_and_time() {
        let mut letter = Message::local(Vec::new());
        letter.headers = Ok(vec![Header::text(header::ERROR_CODE, "not_json")]);
        letter.timestamp = Some(1_000);
        for (selection, takes) in [
            (Selection::default(), true),
            (Selection { reasons: vec!["not_json".into()], ..Selection::default() }, true),
            (Selection { reasons: vec!["empty".into()], ..Selection::default() }, false),
            (Selection { since: Some(1_000), until: Some(1_001), ..Selection::default() }, true),
            (Selection { until: Some(1_000), ..Selection::default() }, false),
        ] {
            assert_eq!(selection.takes(&letter), takes, "{selection:?}");
        }
    }
}
