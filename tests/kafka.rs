//! Delivery on a real Apache Kafka, counted by exact ids. The harness is `libtest-mimic`, so that a machine without a broker
//! counts these tests as ignored; with `KAFKA_REQUIRED=1` that is a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "kafka/faults.rs"]
mod faults;
#[path = "kafka/letters.rs"]
mod letters;
#[path = "kafka/modes.rs"]
mod modes;
#[path = "kafka/security.rs"]
mod security;
mod support;

use std::{collections::HashMap, process::ExitCode, sync::Arc, time::Duration};

use libtest_mimic::{Arguments, Failed, Trial};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use support::{Copydesk, Reader, cluster::Broker, wait_for};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One broker and two cores: the tests take turns.
    arguments.test_threads = Some(1);
    let listing = arguments.list;
    let unavailable = if listing { None } else { Broker::unavailable() };
    if let Some(why) = &unavailable {
        eprintln!("no real Kafka here, so these tests are ignored: {why}");
        if std::env::var_os("KAFKA_REQUIRED").is_some() {
            eprintln!("and KAFKA_REQUIRED forbids that");
            return ExitCode::FAILURE;
        }
    }
    let broker = (!listing && unavailable.is_none()).then(|| Arc::new(Broker::start()));
    let trial = |name: &str, test: fn(&Broker)| {
        let broker = broker.clone();
        let run = move || {
            let broker = broker.ok_or("no broker")?;
            test(&broker);
            Ok::<(), Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(unavailable.is_some())
    };
    let trials = vec![
        trial("samples_come_out_enriched", samples_come_out_enriched),
        trial("odd_messages_get_their_stated_outcome", odd_messages_get_their_stated_outcome),
        trial("messages_larger_than_a_fetch_come_through", messages_larger_than_a_fetch_come_through),
        trial("killed_three_times_nothing_is_lost", faults::killed_three_times_nothing_is_lost),
        trial("a_clean_stop_repeats_nothing", faults::a_clean_stop_repeats_nothing),
        trial("instances_come_and_go", faults::instances_come_and_go),
        trial("the_broker_dies_and_comes_back", faults::the_broker_dies_and_comes_back),
        trial("an_offset_out_of_range_is_said_aloud", an_offset_out_of_range_is_said_aloud),
        trial("routes_by_language_and_deletes_everywhere", routes_by_language_and_deletes_everywhere),
        trial("feeding_stops_when_asked", feeding_stops_when_asked),
        trial("topics_create_and_check", topics_create_and_check),
        trial("dead_letters_are_listed_shown_and_sent_back", letters::dead_letters_are_listed_shown_and_sent_back),
        trial("a_bad_deploy_stops_at_the_quarantine_budget", letters::a_bad_deploy_stops_at_the_quarantine_budget),
        trial("a_backfill_fills_a_shadow_topic_and_says_what_changed", letters::a_backfill_fills_a_shadow_topic_and_says_what_changed),
        trial("exactly_once_over_kills_joins_and_refusals", modes::exactly_once_over_kills_joins_and_refusals),
        trial("a_second_process_with_the_same_instance_fences_the_first", modes::a_second_process_with_the_same_instance_fences_the_first),
        trial("a_static_member_comes_back_without_a_rebalance", modes::a_static_member_comes_back_without_a_rebalance),
        trial("partitions_that_nobody_owns_are_assigned_again", modes::partitions_that_nobody_owns_are_assigned_again),
        trial("the_brokers_assign_with_the_consumer_protocol", modes::the_brokers_assign_with_the_consumer_protocol),
        trial("what_only_an_operator_can_mend_is_said_and_loses_nothing", modes::what_only_an_operator_can_mend_is_said_and_loses_nothing),
        trial("least_privilege_over_sasl_and_mutual_tls", security::least_privilege_over_sasl_and_mutual_tls),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Topics and group of one test, with random names.
struct Names {
    raw: String,
    enriched: String,
    dead: String,
    group: String,
}

impl Names {
    fn new(broker: &Broker, partitions: i32) -> Self {
        let names = Self::unmade();
        broker.create(&[&names.raw, &names.enriched, &names.dead], partitions);
        names
    }

    fn unmade() -> Self {
        let id = format!("{:08x}", rand());
        Self { raw: format!("raw-{id}"), enriched: format!("enriched-{id}"), dead: format!("dead-{id}"), group: format!("group-{id}") }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("kafka.input", &self.raw),
            ("kafka.output", &self.enriched),
            ("kafka.dead_letters", &self.dead),
            ("kafka.group", &self.group),
            ("kafka.session_timeout", "6s"),
            ("kafka.commit_interval", "1s"),
        ]
    }

    fn outputs(&self) -> [&str; 2] {
        [&self.enriched, &self.dead]
    }
}

fn rand() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() as u32
}

fn producer(broker: &Broker) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", &broker.address)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "8388608")
        .set("queue.buffering.max.messages", "200000")
        .create()
        .unwrap()
}

fn send(producer: &BaseProducer, topic: &str, key: Option<&[u8]>, payload: Option<&[u8]>, headers: &[(&str, Option<&str>)]) {
    let mut owned = OwnedHeaders::new();
    for (key, value) in headers {
        owned = owned.insert(Header { key, value: value.map(str::as_bytes) });
    }
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).headers(owned);
    record.key = key;
    record.payload = payload;
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.poll(Duration::ZERO);
}

fn flush(producer: &BaseProducer) {
    producer.flush(Duration::from_secs(60)).unwrap();
}

fn committed(broker: &Broker, names: &Names, partitions: i32) -> i64 {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &broker.address).set("group.id", &names.group).create().unwrap();
    let mut asked = TopicPartitionList::new();
    (0..partitions).for_each(|partition| {
        asked.add_partition(&names.raw, partition);
    });
    // A new cluster has no coordinator for a moment.
    let Ok(found) = consumer.committed_offsets(asked, Duration::from_secs(10)) else { return 0 };
    found.elements().iter().filter_map(|element| element.offset().to_raw()).filter(|offset| *offset > 0).sum()
}

fn samples_come_out_enriched(broker: &Broker) {
    let names = Names::new(broker, 2);
    let producer = producer(broker);
    let samples: Vec<&str> = include_str!("../src/cli/demo/samples.jsonl").lines().collect();
    for (index, sample) in samples.iter().enumerate() {
        send(&producer, &names.raw, Some(index.to_string().as_bytes()), Some(sample.as_bytes()), &[]);
    }
    // The first sample again, as the plain text of the page.
    let sample: serde_json::Value = serde_json::from_str(samples[0]).unwrap();
    send(&producer, &names.raw, Some(b"plain"), Some(sample["maintext"].as_str().unwrap().as_bytes()), &[]);
    flush(&producer);
    let copydesk = Copydesk::run(&broker.address, &names.settings());
    let read = Reader::new(&broker.address, &names.outputs(), 2).take(samples.len() + 1, Duration::from_secs(60));
    let by_key: HashMap<String, serde_json::Value> =
        read.iter().map(|read| (String::from_utf8(read.key.clone().unwrap()).unwrap(), read.json())).collect();
    for key in ["0", "plain"] {
        let document = &by_key[key];
        assert_eq!((document["language"]["tag"].as_str(), document["language"]["direction"].as_str()), (Some("ar"), Some("rtl")), "{key}");
        let text = document["article"]["text"].as_str().unwrap();
        let headline = sample["title"].as_str().unwrap();
        let title = document["article"]["title"].as_str().unwrap_or_default();
        assert_eq!(format!("{title}\n{text}").matches(headline).count(), 1, "{key}");
        assert!(!text.contains("رويترز") && !text.contains("الأكثر قراءة") && !text.contains("nilepost.example"), "{text}");
        let names: Vec<&str> = document["entities"].as_array().unwrap().iter().filter_map(|entity| entity["name"].as_str()).collect();
        for expected in ["عبد الفتاح البرهان", "قوات الدعم السريع", "دارفور", "الأمم المتحدة"]
        {
            assert!(names.contains(&expected), "{expected} in {names:?}");
        }
        assert_eq!(document["topics"][0]["label"], "conflict, war and peace");
    }
    let headers = &read[0];
    assert!(headers.header("copydesk.service.version").is_some_and(|version| version.starts_with("copydesk/")));
    assert_eq!(headers.header("copydesk.schema"), Some("copydesk.enriched-article/1"));
    wait_for("readiness", Duration::from_secs(10), || copydesk.get("/ready").is_some_and(|(status, _)| status == 200));
    assert_eq!(copydesk.get("/live").unwrap().0, 200);
    wait_for("the metric", Duration::from_secs(10), || {
        copydesk.get("/metrics").unwrap().1.contains(&format!("copydesk_articles_total{{outcome=\"enriched\"}} {}", samples.len() + 1))
    });
    assert_eq!(copydesk.terminate(), 0);
}

/// The table in README, row by row.
fn odd_messages_get_their_stated_outcome(broker: &Broker) {
    let names = Names::new(broker, 1);
    let producer = producer(broker);
    let large = "كلمة ".repeat(600_000);
    let deep = "[".repeat(10_000);
    let text = "A plain article that is long enough to tell its language.";
    let repeated = [("tag", Some("one")), ("tag", None), ("tag", Some("two"))];
    let key: Option<&[u8]> = Some(b"k");
    send(&producer, &names.raw, None, Some(text.as_bytes()), &[("case", Some("no key"))]);
    send(&producer, &names.raw, key, Some(text.as_bytes()), &[&[("case", Some("headers"))], &repeated[..]].concat());
    for (case, payload) in [
        ("5 MB", Some(large.as_bytes())),
        ("invalid UTF-8", Some(&b"caf\xe9 au lait"[..])),
        ("nested", Some(deep.as_bytes())),
        ("empty", Some(&b""[..])),
        ("the word null", Some(&b"null"[..])),
        ("null", None),
    ] {
        send(&producer, &names.raw, key, payload, &[("case", Some(case))]);
    }
    flush(&producer);
    let copydesk = Copydesk::run(&broker.address, &names.settings());
    let read = Reader::new(&broker.address, &names.outputs(), 1).take(8, Duration::from_secs(60));
    let case = |name: &str| read.iter().find(|read| read.header("case") == Some(name)).unwrap();

    assert_eq!((case("no key").topic.as_str(), &case("no key").key), (names.enriched.as_str(), &None));
    let tags: Vec<_> = case("headers").headers.iter().filter(|(key, _)| key == "tag").map(|(_, value)| value.as_deref()).collect();
    assert_eq!(tags, [Some("one"), None, Some("two")]);
    for (name, payload, reason) in [
        ("5 MB", large.as_bytes(), "too_large"),
        ("invalid UTF-8", b"caf\xe9 au lait", "not_utf8"),
        ("nested", deep.as_bytes(), "too_deep"),
        ("empty", b"", "empty"),
        ("the word null", b"null", "not_an_article"),
    ] {
        let letter = case(name);
        assert_eq!((letter.topic.as_str(), letter.header("copydesk.error.code")), (names.dead.as_str(), Some(reason)), "{name}");
        assert_eq!(letter.payload.as_deref(), Some(payload), "{name}: a dead letter is the message, whole");
        assert_eq!(letter.key.as_deref(), key, "{name}");
        assert_eq!(letter.header("copydesk.source.topic"), Some(names.raw.as_str()));
        assert_eq!(letter.header("copydesk.attempt"), Some("1"));
    }
    assert_eq!((case("null").topic.as_str(), &case("null").payload), (names.enriched.as_str(), &None));
    assert_eq!(copydesk.terminate(), 0);
    assert_eq!(committed(broker, &names, 1), 8, "every message, of whatever kind, moves the offset");
}

/// A fetch asks for less than a message may have: the large ones come all the same, whatever they are among.
fn messages_larger_than_a_fetch_come_through(broker: &Broker) {
    const MESSAGES: usize = 2_000;
    let names = Names::new(broker, 4);
    let producer = producer(broker);
    let large = vec![b'x'; 5_000_000];
    for id in 0..MESSAGES {
        let payload = if id % 250 == 0 { large.clone() } else { council(id).into_bytes() };
        send(&producer, &names.raw, Some(id.to_string().as_bytes()), Some(&payload), &[]);
    }
    flush(&producer);
    let copydesk = Copydesk::run(&broker.address, &names.settings());
    let read = Reader::new(&broker.address, &names.outputs(), 4).take(MESSAGES, Duration::from_secs(90));
    let letters: Vec<_> = read.iter().filter(|read| read.topic == names.dead).collect();
    assert_eq!(letters.len(), MESSAGES / 250);
    assert!(letters.iter().all(|letter| letter.payload.as_ref().is_some_and(|payload| *payload == large)));
    assert_eq!(copydesk.terminate(), 0);
    assert_eq!(committed(broker, &names, 4), MESSAGES as i64);
}

/// Ten ways to be no article.
fn malformed(way: usize) -> Vec<u8> {
    match way {
        0 => b"".to_vec(),
        1 => b" \n ".to_vec(),
        2 => b"\xff\xfe\x00".to_vec(),
        3 => b"{\"text\": \"cut".to_vec(),
        4 => "{\"a\":".repeat(500).into_bytes(),
        5 => b"{\"title\":\"no text\"}".to_vec(),
        6 => b"{\"text\": 12}".to_vec(),
        7 => b"null".to_vec(),
        8 => b"[1, 2]".to_vec(),
        _ => vec![b'x'; 50_001],
    }
}

fn an_offset_out_of_range_is_said_aloud(broker: &Broker) {
    let names = Names::new(broker, 1);
    let producer = producer(broker);
    for id in 0..5 {
        send(&producer, &names.raw, None, Some(council(id).as_bytes()), &[]);
    }
    flush(&producer);
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &broker.address).set("group.id", &names.group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&names.raw, 0, Offset::Offset(1_000)).unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
    drop(consumer);
    let copydesk = Copydesk::run(&broker.address, &names.settings());
    Reader::new(&broker.address, &names.outputs(), 1).take(5, Duration::from_secs(60));
    copydesk.wait_for_log("offset reset", Duration::from_secs(10));
    assert_eq!(copydesk.terminate(), 0);
}

/// Numbered short articles with 20 keys, delivered.
fn send_councils(producer: &BaseProducer, topic: &str, count: usize) {
    for id in 0..count {
        let key = format!("{}", id % 20);
        send(producer, topic, Some(key.as_bytes()), Some(council(id).as_bytes()), &[("test-id", Some(&id.to_string()))]);
    }
    flush(producer);
}

/// A short article that differs by its number.
fn council(id: usize) -> String {
    format!("{{\"text\":\"Article number {id} about the city council and its budget.\"}}")
}

fn routes_by_language_and_deletes_everywhere(broker: &Broker) {
    let names = Names::new(broker, 1);
    let arabic = format!("{}.ar", names.enriched);
    broker.create(&[&arabic], 1);
    let producer = producer(broker);
    send(&producer, &names.raw, Some(b"a"), Some("أعلنت وزارة الصحة في بغداد عن بدء حملة تطعيم جديدة ضد الحصبة".as_bytes()), &[]);
    send(&producer, &names.raw, Some(b"e"), Some(b"The council in London approved the new budget after a long debate."), &[]);
    send(&producer, &names.raw, Some(b"a"), None, &[]);
    flush(&producer);
    let template = format!("{}.{{language}}", names.enriched);
    let mut settings = names.settings();
    settings.extend([("routing.template", template.as_str()), ("routing.values", "ar")]);
    let copydesk = Copydesk::run(&broker.address, &settings);
    let read = Reader::new(&broker.address, &[&names.enriched, &arabic], 1).take(4, Duration::from_secs(60));
    let of = |topic: &str| {
        read.iter().filter(|read| read.topic == topic).map(|read| (read.key.clone().unwrap(), read.payload.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(of(&arabic), [(b"a".to_vec(), true), (b"a".to_vec(), false)]);
    assert_eq!(of(&names.enriched), [(b"e".to_vec(), true), (b"a".to_vec(), false)]);
    assert_eq!(copydesk.terminate(), 0);
}

/// Rounds of one short article follow each other at once, so that the signal meets the moment between two of them.
fn feeding_stops_when_asked(broker: &Broker) {
    let names = Names::new(broker, 1);
    let article = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(article.path(), council(1)).unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_copydesk"));
    program.args(["feed", "--repeat", "0", "--brokers", &broker.address, "--input", &names.raw]).arg(article.path());
    let mut feeder = program.stdout(std::process::Stdio::null()).spawn().unwrap();
    Reader::new(&broker.address, &[&names.raw], 1).take(20, Duration::from_secs(30));
    std::process::Command::new("kill").arg(feeder.id().to_string()).status().unwrap();
    let mut code = None;
    wait_for("the feeder to stop", Duration::from_secs(20), || {
        code = feeder.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(0));
}

fn topics_create_and_check(broker: &Broker) {
    let names = Names::unmade();
    let run = |command: &[&str]| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_copydesk"));
        program.args(command).args(["--brokers", &broker.address, "--input", &names.raw, "--output", &names.enriched]);
        program.args(["--set", &format!("kafka.dead_letters={}", names.dead)]);
        let output = program.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run(&["check"]);
    assert_eq!(code, 69);
    assert!(text.contains(&format!("topic {}: missing", names.raw)), "{text}");
    let (code, text) = run(&["topics", "create", "--partitions", "3", "--replication-factor", "1"]);
    assert_eq!((code, text.matches(": created").count()), (0, 3), "{text}");
    let (code, text) = run(&["topics", "create"]);
    assert_eq!((code, text.matches(": exists").count()), (0, 3), "{text}");
    let (code, text) = run(&["check"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 partitions") && text.contains("everything is there"), "{text}");
}
