//! The poll thread: reads, admits into flight, pauses when that is full, seeks back after an abort.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::sync::mpsc;

use super::{Admitted, Context, Position, Shared, client, owned};
use crate::{article::Message, stream::backfill::Stretch};

/// Longest time the thread spends without serving the client.
const TURN: Duration = Duration::from_millis(50);

/// Messages kept in hand before reading pauses, some seconds of turns.
const HELD: usize = 64;
/// Bytes of them.
pub(in crate::stream) const HELD_BYTES: usize = 8 << 20;
/// Longest time to wait for committed offsets, and again for a seek.
const SEEK: Duration = Duration::from_secs(5);

/// The thread's state.
pub(super) struct Poller {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) shared: Arc<Shared>,
    /// What a backfill reads, and how much of it is left.
    pub(super) stretch: Option<Stretch>,
}

impl Poller {
    /// Reads until it is asked to stop, and serves rebalances until it is done.
    pub(super) fn run(mut self, sender: mpsc::Sender<Admitted>) {
        // What the client returned while there was no room, one a turn.
        let mut held: VecDeque<(Message, u64)> = VecDeque::new();
        let mut paused_at: Option<u64> = None;
        let mut known_assignment = self.shared.assigned.load(Ordering::Relaxed);
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.shared.health.turn();
            let assignment = self.shared.assigned.load(Ordering::Relaxed);
            if assignment != known_assignment {
                // A partition paused before it was lost may come back paused, and while it was away there was nothing to resume.
                known_assignment = assignment;
                paused_at = None;
                self.pause(false);
            }
            if self.shared.rewinding.load(Ordering::Relaxed) {
                self.seek();
            }
            if let Some((message, epoch)) = held.front() {
                // The partition left while its message waited here, even if it came back, or is to be read again.
                if self.shared.epoch(&message.topic, message.partition) != Some(*epoch) {
                    held.pop_front();
                    continue;
                }
                let bytes = message.size();
                let held_back =
                    self.shared.health.quarantined().is_some() || self.stretch.as_ref().is_some_and(|stretch| !stretch.allows());
                if !held_back && self.shared.flight.admit(bytes, TURN) {
                    if let Some((message, epoch)) = held.pop_front()
                        && sender.try_send(admit(message, epoch, bytes)).is_err()
                    {
                        break;
                    }
                    self.shared.report_load();
                    self.shared.metrics.read(bytes);
                    if let Some(stretch) = &mut self.stretch {
                        stretch.admitted();
                    }
                    continue;
                }
                // A pause throws away what the client has fetched, so it is for when room is long in coming.
                let many = held.len() >= HELD || held.iter().map(|(message, _)| message.size()).sum::<usize>() >= HELD_BYTES;
                let assigned = self.shared.assigned.load(Ordering::Relaxed);
                if many && paused_at != Some(assigned) {
                    self.pause(true);
                    paused_at = Some(assigned);
                }
            } else if paused_at.is_some() && self.shared.flight.relaxed() {
                self.pause(false);
                paused_at = None;
            }
            if held.is_empty() && self.stretch.as_ref().is_some_and(Stretch::is_read) {
                self.shared.health.finish();
            }
            let wait = if held.is_empty() || paused_at.is_some() { TURN } else { Duration::ZERO };
            let read = self.poll(wait);
            if let Some(message) = read.filter(|message| self.stretch.as_mut().is_none_or(|stretch| stretch.takes(message))) {
                held.extend(self.shared.seen(&message).map(|epoch| (message, epoch)));
            }
            if self.shared.fatal.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                break;
            }
        }
        drop(sender);
        self.pause(true);
        // Rebalances are served until the drain is over. What is read now is not admitted, so it stays uncommitted.
        while !self.shared.done.load(Ordering::Relaxed) {
            self.shared.health.turn();
            drop(self.poll(TURN));
        }
    }

    fn poll(&mut self, wait: Duration) -> Option<Message> {
        match self.consumer.poll(wait)? {
            Ok(message) => {
                self.consumer.context().client.reachable();
                Some(owned(&message))
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                if let Some(stretch) = &mut self.stretch {
                    stretch.ended(partition);
                }
                None
            }
            Err(error) => {
                let code = error.rdkafka_error_code();
                if let Some((code, reason)) = self.consumer.client().fatal_error() {
                    let cause = match code {
                        RDKafkaErrorCode::FencedInstanceId => {
                            "; another process has this kafka.instance, or the group lost sight of this one while brokers or members failed"
                        }
                        _ => "",
                    };
                    *self.shared.fatal.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{code:?}: {reason}{cause}"));
                } else if !matches!(
                    code,
                    Some(
                        RDKafkaErrorCode::AllBrokersDown
                            | RDKafkaErrorCode::BrokerTransportFailure
                            | RDKafkaErrorCode::Resolve
                            | RDKafkaErrorCode::UnknownTopicOrPartition
                    )
                ) {
                    // Those above come through the context's error callback too, which counts them and says them once.
                    self.shared.metrics.kafka_error(&client::code_name(code));
                    tracing::warn!(%error, "reading from Kafka failed; retrying");
                }
                None
            }
        }
    }

    /// Goes back to what the group has committed: whether a transaction whose commit failed took effect, only the brokers
    /// know. What fails is tried again in the next turn.
    fn seek(&self) {
        self.shared.rewinding.store(false, Ordering::Relaxed);
        let mut wanted = TopicPartitionList::new();
        for (topic, partition) in self.shared.partitions().iter().filter(|(_, known)| known.rewind).map(|(key, _)| key) {
            wanted.add_partition(topic, *partition);
        }
        if wanted.count() == 0 {
            return;
        }
        let sought = self.consumer.committed_offsets(wanted, SEEK).and_then(|committed| {
            let mut targets = TopicPartitionList::new();
            for element in committed.elements() {
                let key = (element.topic().to_owned(), element.partition());
                // Nothing committed yet: begin with the first message that was read.
                let first = self.shared.partitions().get(&key).and_then(|known| known.first);
                let offset = Some(element.offset()).filter(|offset| matches!(offset, Offset::Offset(_))).or(first.map(Offset::Offset));
                if let (Ok(()), Some(offset)) = (element.error(), offset) {
                    targets.add_partition_offset(&key.0, key.1, offset)?;
                }
            }
            self.consumer.seek_partitions(targets, SEEK)
        });
        match sought {
            Ok(sought) => {
                let mut partitions = self.shared.partitions();
                for element in sought.elements().iter().filter(|element| element.error().is_ok()) {
                    let key = (element.topic().to_owned(), element.partition());
                    if let Some(known) = partitions.get_mut(&key) {
                        known.rewind = false;
                    }
                }
                let left = partitions.values().filter(|known| known.rewind).count();
                if left > 0 {
                    tracing::warn!(partitions = left, "could not go back to the committed offsets yet; trying again");
                    self.shared.rewinding.store(true, Ordering::Relaxed);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not go back to the committed offsets yet; trying again");
                self.shared.rewinding.store(true, Ordering::Relaxed);
            }
        }
    }

    fn pause(&self, pause: bool) {
        let assignment = match self.consumer.assignment() {
            Ok(assignment) if assignment.count() > 0 => assignment,
            _ => return,
        };
        let result = if pause { self.consumer.pause(&assignment) } else { self.consumer.resume(&assignment) };
        self.shared.metrics.paused(pause);
        match result {
            Ok(()) => tracing::debug!(pause, "reading paused or resumed"),
            Err(error) => tracing::warn!(%error, pause, "failed to pause or resume reading"),
        }
    }
}

fn admit(message: Message, epoch: u64, bytes: usize) -> Admitted {
    let position = Position { topic: message.topic.clone(), partition: message.partition, offset: message.offset, epoch };
    Admitted { message: Arc::new(message), position, bytes }
}
