//! The spine on librdkafka's mock cluster, with closures for work: order, poison, restart, refusals, bounds. No models.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use copydesk::{
    article::{Enriched, Facts, Message, Outcome, Reason, Rejection},
    config::Config,
    metrics::Metrics,
    stream::{self, Embedded, Health, Record, Settings},
};
use rdkafka::{
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

fn settings(brokers: &str) -> Settings {
    let flags = [
        ("kafka.brokers", brokers),
        ("kafka.commit_interval", "100ms"),
        ("kafka.session_timeout", "6s"),
        ("kafka.shutdown_timeout", "10s"),
    ];
    let config = Config::from(None, &[], &flags.map(|(path, value)| (path.to_owned(), value.to_owned()))).unwrap();
    Settings { embedded: true, ..config.stream }
}

fn echo(message: &Message) -> Outcome {
    match &message.payload {
        None => Outcome::Tombstone,
        Some(payload) => {
            Outcome::Enriched(Box::new(Enriched { json: payload.clone(), facts: Facts { language: "en".into(), ..Facts::default() } }))
        }
    }
}

fn numbered(count: usize, keys: usize) -> Vec<Record> {
    (0..count)
        .map(|id| Record {
            key: Some(format!("{}", id % keys).into_bytes()),
            payload: Some(id.to_string().into_bytes()),
            headers: Vec::new(),
        })
        .collect()
}

/// Everything on the output topics, watched from the beginning by a thread of its own.
struct Watch {
    seen: Arc<Mutex<Vec<Message>>>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn start(settings: &Settings) -> Self {
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (sink, ended, settings) = (Arc::clone(&seen), Arc::clone(&stop), settings.clone());
        std::thread::spawn(move || {
            let topics = [settings.output.clone(), settings.dead_letters.clone()];
            stream::watch(&settings, &topics, &ended, |message| sink.lock().unwrap().push(message)).unwrap();
        });
        Self { seen, stop }
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    async fn reach(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.count() < count {
            assert!(Instant::now() < deadline, "{} of {count}", self.count());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn start(settings: &Settings) -> (Metrics, Arc<Health>) {
    (Metrics::new().unwrap(), Arc::new(Health::new(settings.max_poll_interval)))
}

const TOPICS: [&str; 3] = ["news.raw", "news.enriched", "news.dead-letters"];

fn embedded() -> Embedded {
    Embedded::start(&TOPICS.map(str::to_owned), 4).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn order_per_key_holds_and_poison_is_set_aside_over_restarts() {
    const MESSAGES: usize = 3_000;
    let broker = embedded();
    let settings = settings(&broker.brokers());
    stream::feed(&settings, "news.raw", numbered(MESSAGES, 50), None).await.unwrap();
    let watch = Watch::start(&settings);
    for goal in [800, 1_600, MESSAGES] {
        let (metrics, health) = start(&settings);
        let work = |message: &Message| {
            let id: usize = std::str::from_utf8(message.payload.as_deref().unwrap()).unwrap().parse().unwrap();
            assert!(id % 97 != 13, "poison");
            echo(message)
        };
        stream::run(settings.clone(), metrics, health, work, watch.reach(goal)).await.unwrap();
    }
    let mut order: BTreeMap<(Vec<u8>, String), Vec<usize>> = BTreeMap::new();
    let mut ids = HashSet::new();
    for message in watch.seen.lock().unwrap().iter() {
        let id: usize = std::str::from_utf8(message.payload.as_deref().unwrap()).unwrap().parse().unwrap();
        let dead = message.topic == "news.dead-letters";
        assert_eq!(dead, id % 97 == 13);
        if dead {
            assert_eq!(message.header_text("copydesk.error.code"), Some("panic"));
        }
        if ids.insert(id) {
            order.entry((message.key.clone().unwrap(), message.topic.clone())).or_default().push(id);
        }
    }
    assert_eq!(ids.len(), MESSAGES);
    assert!(order.values().all(|ids| ids.is_sorted()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_bounded_and_drained() {
    let broker = embedded();
    let mut settings = settings(&broker.brokers());
    settings.in_flight = 16;
    settings.workers = 4;
    stream::feed(&settings, "news.raw", numbered(200, 10), None).await.unwrap();
    let watch = Watch::start(&settings);
    let (metrics, health) = start(&settings);
    let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = {
        let (working, most) = (Arc::clone(&working), Arc::clone(&most));
        move |message: &Message| {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            working.fetch_sub(1, Ordering::SeqCst);
            echo(message)
        }
    };
    stream::run(settings, metrics.clone(), Arc::clone(&health), work, watch.reach(200)).await.unwrap();
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "parallel, and never more than the workers");
    let exposition = metrics.render().unwrap();
    assert!(exposition.contains("copydesk_in_flight 0"), "{exposition}");
    assert!(exposition.contains("copydesk_articles_total{outcome=\"enriched\"} 200"));
    assert!(health.is_ready() && health.is_live());
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstones_and_rejections_pass() {
    let broker = embedded();
    let settings = settings(&broker.brokers());
    let records = vec![
        Record { key: Some(b"t".to_vec()), payload: None, headers: Vec::new() },
        Record { key: None, payload: Some(b"bad".to_vec()), headers: Vec::new() },
    ];
    stream::feed(&settings, "news.raw", records, None).await.unwrap();
    let watch = Watch::start(&settings);
    let (metrics, health) = start(&settings);
    let work = |message: &Message| match message.payload {
        None => Outcome::Tombstone,
        Some(_) => Outcome::Rejected(Rejection::new(Reason::NotJson, "why")),
    };
    stream::run(settings, metrics.clone(), health, work, watch.reach(2)).await.unwrap();
    assert_eq!(metrics.outcomes(), [0, 1, 1]);
    let by_topic: HashMap<String, Message> = watch.seen.lock().unwrap().iter().map(|m| (m.topic.clone(), m.clone())).collect();
    assert_eq!(by_topic["news.enriched"].payload, None);
    let letter = &by_topic["news.dead-letters"];
    assert_eq!((letter.payload.as_deref(), letter.header_text("copydesk.error.message")), (Some(&b"bad"[..]), Some("why")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_the_broker_refuses_becomes_a_dead_letter() {
    let cluster = MockCluster::new(1).unwrap();
    for topic in TOPICS {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    let settings = settings(&cluster.bootstrap_servers());
    stream::feed(&settings, "news.raw", numbered(1, 1), None).await.unwrap();
    // The next produce request is the enriched record's.
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    let watch = Watch::start(&settings);
    let (metrics, health) = start(&settings);
    stream::run(settings, metrics.clone(), health, echo, watch.reach(1)).await.unwrap();
    assert_eq!(metrics.outcomes(), [0, 1, 0]);
    let seen = watch.seen.lock().unwrap();
    assert_eq!((seen[0].topic.as_str(), seen[0].header_text("copydesk.error.code")), ("news.dead-letters", Some("refused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_for_good_ends_the_stream_and_commits_nothing() {
    let cluster = MockCluster::new(1).unwrap();
    for topic in TOPICS {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    let settings = settings(&cluster.bootstrap_servers());
    stream::feed(&settings, "news.raw", numbered(5, 1), None).await.unwrap();
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    let (metrics, health) = start(&settings);
    let error = stream::run(settings.clone(), metrics, health, echo, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.contains("news.enriched") && error.contains("allow this user to write"), "{error}");
    // Once the cause is gone, a restart brings everything.
    cluster.clear_request_errors(RDKafkaApiKey::Produce);
    let watch = Watch::start(&settings);
    let (metrics, health) = start(&settings);
    stream::run(settings, metrics, health, echo, watch.reach(5)).await.unwrap();
    let ids: HashSet<Vec<u8>> = watch.seen.lock().unwrap().iter().map(|message| message.payload.clone().unwrap()).collect();
    assert_eq!(ids.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_says_so() {
    let broker = embedded();
    let mut settings = settings(&broker.brokers());
    settings.shutdown_timeout = Duration::from_millis(300);
    stream::feed(&settings, "news.raw", numbered(1, 1), None).await.unwrap();
    let (metrics, health) = start(&settings);
    let begun = Arc::new(AtomicBool::new(false));
    let work = {
        let begun = Arc::clone(&begun);
        move |message: &Message| {
            begun.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(2));
            echo(message)
        }
    };
    let shutdown = async move {
        while !begun.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let error = stream::run(settings, metrics, health, work, shutdown).await.unwrap_err();
    assert!(matches!(error, stream::StreamError::Deadline(_)), "{error}");
}
