//! What the scenarios share: topics, articles, and the count of what came out.

pub mod cuts;
pub mod faults;
pub mod poison;
pub mod soak;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, Headers, Message, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::support::{Copydesk, cluster::Broker};

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Short,
    Long,
}

impl Scale {
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

pub const PARTITIONS: i32 = 12;
const KEYS: u32 = 500;
/// One message in so many is no article.
const POISON: u32 = 100;

/// Topics and group of one scenario.
#[derive(Clone)]
pub struct Names {
    pub raw: String,
    pub enriched: String,
    pub dead: String,
    pub group: String,
}

impl Names {
    pub fn new(broker: &Broker, of: &str) -> Self {
        let names = Self { raw: format!("{of}-raw"), enriched: format!("{of}-enriched"), dead: format!("{of}-dead"), group: of.to_owned() };
        broker.create(&[&names.raw, &names.enriched, &names.dead], PARTITIONS);
        names
    }
}

/// An instance of the program with a name.
pub fn instance(broker: &str, names: &Names, name: &str, delivery: &str, more: &[(&str, &str)]) -> Copydesk {
    let mut settings = vec![
        ("kafka.input", names.raw.as_str()),
        ("kafka.output", &names.enriched),
        ("kafka.dead_letters", &names.dead),
        ("kafka.group", &names.group),
        ("kafka.instance", name),
        ("kafka.delivery", delivery),
        ("kafka.session_timeout", "6s"),
        ("kafka.commit_interval", "1s"),
        ("kafka.transaction_timeout", "15s"),
    ];
    settings.extend(more);
    Copydesk::run(broker, &settings)
}

pub fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("log_level", "3");
    config
}

pub fn producer(brokers: &str) -> BaseProducer {
    client(brokers)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "8388608")
        .set("linger.ms", "20")
        .set("compression.type", "lz4")
        .create()
        .unwrap()
}

/// Sends one message with its number; a full queue is waited for.
pub fn send(producer: &BaseProducer, topic: &str, id: u32, payload: &[u8]) {
    let key = (id % KEYS).to_string();
    loop {
        let headers = OwnedHeaders::new().insert(Header { key: "test-id", value: Some(&id.to_le_bytes()[..]) });
        match producer.send(BaseRecord::to(topic).key(key.as_bytes()).payload(payload).headers(headers)) {
            Ok(()) => break,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => producer.poll(Duration::from_millis(50)),
            Err((error, _)) => panic!("{error}"),
        };
    }
    producer.poll(Duration::ZERO);
}

/// Sends `count` articles on a thread of its own, none beyond the number that `gate` holds.
pub fn feed(
    brokers: &str,
    topic: &str,
    count: u32,
    gate: &Arc<AtomicU32>,
    article: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let (producer, topic, gate) = (producer(brokers), topic.to_owned(), Arc::clone(gate));
    std::thread::spawn(move || {
        for id in 0..count {
            while id > gate.load(Ordering::Relaxed) {
                producer.poll(Duration::from_millis(20));
            }
            let payload = if id % POISON == POISON - 1 { b"{\"text\": \"cut".to_vec() } else { article(id) };
            send(&producer, &topic, id, &payload);
        }
        producer.flush(Duration::from_secs(120)).unwrap();
    })
}

/// Whether something new is still seen.
pub struct Progress(u32, Instant);

impl Progress {
    pub fn new() -> Self {
        Self(0, Instant::now())
    }

    /// Fails with what is said of it when nothing new was seen for two minutes.
    pub fn check(&mut self, tally: &Tally, said: impl FnOnce() -> String) {
        if tally.seen() > self.0 {
            *self = Self(tally.seen(), Instant::now());
        }
        assert!(self.1.elapsed() < Duration::from_secs(120), "nothing new for two minutes at {}:\n{}", self.0, said());
    }
}

/// Waits until so many are seen.
pub fn wait_for_all(tally: &Tally, total: u32, of: &Copydesk) {
    let mut progress = Progress::new();
    while tally.seen() < total {
        progress.check(tally, || format!("of {total}: {}", of.log()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until so many are seen, and starts an instance again that ends, as an orchestrator does. How often it was.
pub fn see_through(tally: &Tally, total: u32, copydesk: &mut Copydesk, start: impl Fn() -> Copydesk) -> u32 {
    let (mut progress, mut ended) = (Progress::new(), 0);
    while tally.seen() < total {
        progress.check(tally, || format!("of {total}: {}", copydesk.log()));
        std::thread::sleep(Duration::from_millis(50));
        if copydesk.exited().is_some() {
            *copydesk = start();
            ended += 1;
        }
    }
    ended
}

/// What was seen on the output topics by a reader of committed records, counted by number.
pub struct Tally {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    distinct: AtomicU32,
    state: Mutex<State>,
}

struct State {
    /// By number, one more than its offset in the input, where the key says the partition; 0 while it is not seen.
    sources: Vec<u32>,
    repeats: u64,
    /// Repeats that came from another place in the input: the feeder sent the number twice.
    sent_twice: u64,
    /// Last first appearance by key and topic.
    last: HashMap<(u32, bool), u32>,
    /// Offset last read, by topic and partition.
    positions: HashMap<(bool, i32), i64>,
    disorder: u64,
    wrong_topic: u64,
    /// When each output partition last showed a number for the first time.
    fresh: Vec<Instant>,
}

/// The final count.
#[derive(Debug)]
pub struct Count {
    pub lost: u32,
    pub repeats: u64,
    pub disorder: u64,
    pub wrong_topic: u64,
}

impl Tally {
    pub fn start(brokers: &str, names: &Names, total: u32, isolation: &str) -> Self {
        let consumer: BaseConsumer = client(brokers)
            .set("group.id", "tally")
            .set("enable.auto.commit", "false")
            .set("isolation.level", isolation)
            .set("auto.offset.reset", "error")
            .set("queued.max.messages.kbytes", "32768")
            .create()
            .unwrap();
        let mut assignment = TopicPartitionList::new();
        for topic in [&names.enriched, &names.dead] {
            for partition in 0..PARTITIONS {
                assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&assignment).unwrap();
        let state = State {
            sources: vec![0; total as usize],
            repeats: 0,
            sent_twice: 0,
            last: HashMap::new(),
            positions: HashMap::new(),
            disorder: 0,
            wrong_topic: 0,
            fresh: vec![Instant::now(); PARTITIONS as usize],
        };
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), distinct: AtomicU32::new(0), state: Mutex::new(state) });
        let (counting, dead) = (Arc::clone(&shared), names.dead.clone());
        let thread = std::thread::spawn(move || {
            while !counting.stop.load(Ordering::Relaxed) {
                match consumer.poll(Duration::from_millis(100)) {
                    Some(Ok(message)) => {
                        let headers = message.headers().unwrap();
                        let value = |key: &str| headers.iter().find(|header| header.key == key).and_then(|header| header.value).unwrap();
                        let id = u32::from_le_bytes(value("test-id").try_into().unwrap());
                        let source = std::str::from_utf8(value("copydesk.source.offset")).unwrap().parse().unwrap();
                        let (dead, partition, offset) = (message.topic() == dead, message.partition(), message.offset());
                        counting.state.lock().unwrap().count(id, source, dead, partition, offset, &counting.distinct);
                    }
                    Some(Err(KafkaError::MessageConsumption(code @ RDKafkaErrorCode::AutoOffsetReset))) => {
                        panic!("the reader skipped: {code:?}")
                    }
                    _ => {}
                }
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// Different numbers seen so far.
    pub fn seen(&self) -> u32 {
        self.shared.distinct.load(Ordering::Relaxed)
    }

    /// Whether every partition has shown something new since.
    pub fn all_fresh_since(&self, since: Instant) -> bool {
        self.shared.state.lock().unwrap().fresh.iter().all(|fresh| *fresh > since)
    }

    /// Ends the reader and counts.
    pub fn finish(mut self) -> Count {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().expect("the reader went to the end");
        let state = self.shared.state.lock().unwrap();
        let seen = self.seen();
        if state.sent_twice > 0 {
            println!("{} of {} repeats lie in the input twice: the feeder's, not the service's", state.sent_twice, state.repeats);
        }
        Count { lost: state.sources.len() as u32 - seen, repeats: state.repeats, disorder: state.disorder, wrong_topic: state.wrong_topic }
    }
}

impl State {
    fn count(&mut self, id: u32, source: u32, dead: bool, partition: i32, offset: i64, distinct: &AtomicU32) {
        let position = self.positions.entry((dead, partition)).or_insert(-1);
        if offset <= *position {
            // The reader itself went back, which is no repeat.
            return;
        }
        *position = offset;
        if dead != (id % POISON == POISON - 1) {
            self.wrong_topic += 1;
        }
        let first = &mut self.sources[id as usize];
        if *first != 0 {
            self.repeats += 1;
            self.sent_twice += u64::from(*first != source + 1);
            return;
        }
        *first = source + 1;
        distinct.fetch_add(1, Ordering::Relaxed);
        self.fresh[partition as usize] = Instant::now();
        if let Some(last) = self.last.insert((id % KEYS, dead), id)
            && last > id
        {
            self.disorder += 1;
        }
    }
}

/// Records that no committed reader can reach yet, over all partitions: 0 where no transaction is open.
pub fn unreachable(brokers: &str, names: &Names) -> i64 {
    let end = |isolation: &str| -> i64 {
        let consumer: BaseConsumer = client(brokers).set("isolation.level", isolation).create().unwrap();
        [&names.enriched, &names.dead]
            .into_iter()
            .flat_map(|topic| (0..PARTITIONS).map(move |partition| (topic, partition)))
            .map(|(topic, partition)| consumer.fetch_watermarks(topic, partition, Duration::from_secs(20)).unwrap().1)
            .sum()
    };
    end("read_uncommitted") - end("read_committed")
}

/// Median and maximum of durations, in words.
pub fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    match times.last() {
        Some(most) => format!("median {:.1} s, max {:.1} s of {}", times[times.len() / 2].as_secs_f64(), most.as_secs_f64(), times.len()),
        None => "none".to_owned(),
    }
}
