//! Exactly-once, static membership, the consumer protocol, and what only an operator can mend.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
};

use super::{
    Names, committed, council,
    faults::Tally,
    flush, malformed, producer, send, send_councils,
    support::{Copydesk, Reader, cluster::Broker, wait_for},
};

fn exactly_once<'a>(names: &'a Names, instance: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut settings = names.settings();
    settings.extend([
        ("kafka.delivery", "exactly-once"),
        ("kafka.instance", instance),
        ("kafka.transaction_timeout", "10s"),
        ("kafka.drain_timeout", "10s"),
        ("intake.max_bytes", "50000"),
    ]);
    settings
}

/// Kills, a second instance, dead letters, and records that the output topic refuses after they were sent.
pub(crate) fn exactly_once_over_kills_joins_and_refusals(broker: &Broker) {
    const MESSAGES: usize = 12_000;
    let names = Names::new(broker, 6);
    narrow(broker, &names.enriched, "30000");
    let producer = producer(broker);
    for id in 0..MESSAGES {
        let payload = match id % 100 {
            99 => malformed(id / 100 % 10),
            // Random enough that no compression makes it fit.
            49 if id % 4_000 == 49 => format!("{{\"text\":\"{}\"}}", noise(40_000, id as u64)).into_bytes(),
            _ => council(id).into_bytes(),
        };
        send(&producer, &names.raw, Some(format!("{}", id % 60).as_bytes()), Some(&payload), &[("test-id", Some(&id.to_string()))]);
    }
    flush(&producer);
    let reader = Reader::committed(&broker.address, &names.outputs(), 6);
    let mut tally = Tally::default();
    let start = |instance: &str| Copydesk::run(&broker.address, &exactly_once(&names, instance));
    let mut first = start("one");
    let mut second = None;
    let mut kills = vec![1_000, 4_000, 8_000];
    let deadline = Instant::now() + Duration::from_secs(240);
    while tally.seen() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}: {}", tally.seen(), first.log());
        if let Some(read) = reader.next() {
            let id = tally.count(&read);
            let reason = match (id % 100, id % 4_000) {
                (99, _) => read.header("copydesk.error.code").is_some(),
                (_, 49) => read.header("copydesk.error.code") == Some("refused"),
                _ => read.topic == names.enriched,
            };
            assert!(reason, "{id}: {:?}", read.headers);
        }
        if kills.first().is_some_and(|at| tally.seen() >= *at) {
            kills.remove(0);
            first.kill();
            first = start("one");
            if kills.len() == 2 {
                second = Some(start("two"));
            }
        }
    }
    assert!(kills.is_empty());
    assert_eq!(first.terminate(), 0);
    assert_eq!(second.unwrap().terminate(), 0);
    assert!(reader.next().is_none(), "something came twice");
    let transactions = MESSAGES as i64;
    assert_eq!(committed(broker, &names, 6), transactions);
    println!("{MESSAGES} messages exactly once, 3 kills, a second instance, {} refused: {} repeats", MESSAGES / 4_000, tally.repeats());
    assert_eq!(tally.repeats(), 0);
    tally.assert_order();
}

/// Letters without a pattern.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from_u32(0x4E00 + (state % 20_000) as u32).unwrap()
    };
    (0..length / 3).map(letter).collect()
}

/// Sets the largest record a topic takes.
fn narrow(broker: &Broker, topic: &str, bytes: &str) {
    alter(broker, topic, HashMap::from([("max.message.bytes", bytes)]));
}

fn alter(broker: &Broker, topic: &str, entries: HashMap<&str, &str>) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", &broker.address).create().unwrap();
    let config = AlterConfig { specifier: ResourceSpecifier::Topic(topic), entries };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(admin.alter_configs([&config], &AdminOptions::new())).unwrap().remove(0).unwrap();
}

/// The zombie: stopped, replaced, and woken. It must write nothing, and end.
pub(crate) fn a_second_process_with_the_same_instance_fences_the_first(broker: &Broker) {
    const MESSAGES: usize = 6_000;
    let names = Names::new(broker, 4);
    send_councils(&producer(broker), &names.raw, MESSAGES);
    let reader = Reader::committed(&broker.address, &names.outputs(), 4);
    let mut tally = Tally::default();
    let mut settings = exactly_once(&names, "one");
    settings.push(("kafka.in_flight", "200"));
    let mut zombie = Copydesk::run(&broker.address, &settings);
    while tally.seen() < 500 {
        reader.next().map(|read| tally.count(&read));
    }
    zombie.signal("STOP");
    let mut heir = Copydesk::run(&broker.address, &settings);
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut woken = false;
    while tally.seen() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}: {}", tally.seen(), heir.log());
        reader.next().map(|read| tally.count(&read));
        // The classic protocol gives the name to whoever joins last, which may be the zombie, for a moment. Whoever lost it
        // ends, and is started again as an orchestrator does.
        if heir.exited().is_some() {
            heir = Copydesk::run(&broker.address, &settings);
        }
        if !woken && tally.seen() > 3_000 {
            zombie.signal("CONT");
            woken = true;
        }
    }
    assert_eq!(zombie.ended(Duration::from_secs(60)), 1, "{}", zombie.log());
    let log = zombie.log();
    assert!(log.contains("let this process write no more") || log.contains("fenced"), "{log}");
    assert!(reader.next().is_none(), "something came twice");
    println!("{MESSAGES} messages, a stopped instance replaced and woken: {} repeats", tally.repeats());
    assert_eq!(tally.repeats(), 0);
    assert_eq!(heir.terminate(), 0);
}

pub(crate) fn a_static_member_comes_back_without_a_rebalance(broker: &Broker) {
    const MESSAGES: usize = 4_000;
    let names = Names::new(broker, 4);
    send_councils(&producer(broker), &names.raw, MESSAGES / 2);
    let start = |instance: &str| {
        let mut settings = names.settings();
        settings.extend([("kafka.instance", instance), ("kafka.session_timeout", "20s")]);
        Copydesk::run(&broker.address, &settings)
    };
    let other = start("other");
    let member = start("member");
    for copydesk in [&other, &member] {
        copydesk.wait_for_metric("copydesk_assigned_partitions 2");
    }
    let rebalances = other.log().matches("partitions revoked").count();
    assert_eq!(member.terminate(), 0);
    let begun = Instant::now();
    let member = start("member");
    member.wait_for_metric("copydesk_assigned_partitions 2");
    println!("a static member came back to its partitions after {:.1} s", begun.elapsed().as_secs_f64());
    send_councils(&producer(broker), &names.raw, MESSAGES / 2);
    wait_for("all offsets committed", Duration::from_secs(60), || committed(broker, &names, 4) == MESSAGES as i64);
    assert_eq!(other.log().matches("partitions revoked").count(), rebalances, "the other one was left alone");
    assert_eq!((member.terminate(), other.terminate()), (0, 0));
}

/// A static member dies after the group took partitions from it and before it joined again to have them assigned; it comes
/// back into the same generation. The members see that nobody owns them, and mend it.
pub(crate) fn partitions_that_nobody_owns_are_assigned_again(broker: &Broker) {
    const MESSAGES: usize = 8_000;
    let names = Names::new(broker, 6);
    let start = |instance: &str| {
        let mut settings = names.settings();
        settings.extend([("kafka.instance", instance), ("kafka.drain_timeout", "10s"), ("kafka.in_flight", "4000")]);
        Copydesk::run(&broker.address, &settings)
    };
    send_councils(&producer(broker), &names.raw, MESSAGES);
    let mut one = start("one");
    wait_for("the first to read", Duration::from_secs(60), || one.outcomes() > 100);
    let two = start("two");
    // The first has thousands of messages to finish before it gives up any partition.
    two.wait_for_log("\"partitions\":0,\"total\":0", Duration::from_secs(30));
    one.kill_now();
    let begun = Instant::now();
    one = start("one");
    for copydesk in [&one, &two] {
        copydesk.wait_for_metric("copydesk_assigned_partitions 3");
    }
    let mended = [&one, &two].iter().any(|copydesk| copydesk.log().contains("nobody owns these partitions"));
    assert!(mended, "the group assigned by itself, so the fault was not there:\n{}\n\n{}", one.log(), two.log());
    println!("three partitions without an owner were assigned after {:.1} s", begun.elapsed().as_secs_f64());
    wait_for("all offsets committed", Duration::from_secs(60), || committed(broker, &names, 6) == MESSAGES as i64);
    one.wait_for_metric("copydesk_unowned_partitions 0");
    assert_eq!((one.terminate(), two.terminate()), (0, 0));
}

pub(crate) fn the_brokers_assign_with_the_consumer_protocol(broker: &Broker) {
    const MESSAGES: usize = 6_000;
    for delivery in ["at-least-once", "exactly-once"] {
        let names = Names::new(broker, 6);
        let reader = Reader::committed(&broker.address, &names.outputs(), 6);
        let start = |instance: &'static str| {
            let mut settings = names.settings();
            settings.retain(|(path, _)| *path != "kafka.session_timeout");
            settings.extend([("kafka.group_protocol", "consumer"), ("kafka.delivery", delivery), ("kafka.instance", instance)]);
            Copydesk::run(&broker.address, &settings)
        };
        let first = start("one");
        first.wait_for_metric("copydesk_assigned_partitions 6");
        let feeder = {
            let (producer, raw) = (producer(broker), names.raw.clone());
            std::thread::spawn(move || {
                for id in 0..MESSAGES {
                    let (key, number) = (format!("{}", id % 20), id.to_string());
                    send(&producer, &raw, Some(key.as_bytes()), Some(council(id).as_bytes()), &[("test-id", Some(&number))]);
                    if id % 100 == 99 {
                        std::thread::sleep(Duration::from_millis(60));
                    }
                }
                flush(&producer);
            })
        };
        let mut tally = Tally::default();
        let mut second = None;
        let deadline = Instant::now() + Duration::from_secs(120);
        while tally.seen() < MESSAGES {
            assert!(Instant::now() < deadline, "{} of {MESSAGES}: {}", tally.seen(), first.log());
            reader.next().map(|read| tally.count(&read));
            if second.is_none() && tally.seen() > 1_500 {
                second = Some(start("two"));
            }
        }
        feeder.join().unwrap();
        let second = second.unwrap();
        second.wait_for_metric("copydesk_assigned_partitions 3");
        println!("{MESSAGES} messages, {delivery}, the brokers assign, an instance joined: {} repeats", tally.repeats());
        assert_eq!(tally.repeats(), 0);
        tally.assert_order();
        assert_eq!((first.terminate(), second.terminate()), (0, 0));
    }
}

/// A deleted topic, in both modes: the process ends with a word on the mend, and after it nothing is missing.
pub(crate) fn what_only_an_operator_can_mend_is_said_and_loses_nothing(broker: &Broker) {
    const MESSAGES: usize = 2_000;
    for delivery in ["at-least-once", "exactly-once"] {
        let names = Names::unmade();
        broker.create(&[&names.raw, &names.dead], 2);
        send_councils(&producer(broker), &names.raw, MESSAGES);
        let mut settings = exactly_once(&names, "one");
        settings.extend([("kafka.delivery", delivery), ("kafka.delivery_timeout", "20s")]);
        let mut copydesk = Copydesk::run(&broker.address, &settings);
        assert_eq!(copydesk.ended(Duration::from_secs(90)), 1, "{}", copydesk.log());
        assert!(copydesk.log().contains("create the topic with `copydesk topics create`"), "{}", copydesk.log());
        assert_eq!(committed(broker, &names, 2), 0, "{delivery}: nothing passes an undelivered record");
        broker.create(&[&names.enriched], 2);
        let copydesk = Copydesk::run(&broker.address, &settings);
        let read = Reader::committed(&broker.address, &[&names.enriched], 2).take(MESSAGES, Duration::from_secs(60));
        let ids: std::collections::HashSet<_> = read.iter().filter_map(|read| read.header("test-id")).collect();
        assert_eq!(ids.len(), MESSAGES, "{delivery}");
        assert_eq!(copydesk.terminate(), 0);
    }
}
