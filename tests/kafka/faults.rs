//! Instances that are killed, stopped, joined by others, and a broker that dies: counted by exact ids.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use super::{
    Names, committed, council, flush, malformed, producer, send, send_councils,
    support::{Copydesk, Read, Reader, cluster::Broker, wait_for},
};

/// Counts what is read by the `test-id` of its message, and keeps the order of first appearances per key and topic.
#[derive(Default)]
pub(crate) struct Tally {
    times: HashMap<usize, usize>,
    order: BTreeMap<(Vec<u8>, String), Vec<usize>>,
}

impl Tally {
    pub(crate) fn count(&mut self, read: &Read) -> usize {
        let id = read.header("test-id").unwrap().parse().unwrap();
        let times = self.times.entry(id).or_default();
        *times += 1;
        if *times == 1 {
            self.order.entry((read.key.clone().unwrap(), read.topic.clone())).or_default().push(id);
        }
        id
    }

    pub(crate) fn seen(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn repeats(&self) -> usize {
        self.times.values().map(|times| times - 1).sum()
    }

    pub(crate) fn assert_order(&self) {
        for ((key, topic), ids) in &self.order {
            assert!(ids.is_sorted(), "order of {} in {topic}", String::from_utf8_lossy(key));
        }
    }
}

pub(crate) fn killed_three_times_nothing_is_lost(broker: &Broker) {
    const MESSAGES: usize = 20_000;
    const KEYS: usize = 200;
    let names = Names::new(broker, 8);
    let producer = producer(broker);
    let bodies = [
        "أعلنت وزارة الصحة في بغداد عن بدء حملة تطعيم جديدة ضد الحصبة في المحافظات الجنوبية.",
        "The council in London approved the new budget after a long debate on Tuesday evening.",
        "Правительство России объявило в Москве о новых мерах поддержки экономики и бюджета.",
    ];
    for id in 0..MESSAGES {
        let key = format!("key-{}", id % KEYS);
        let payload = if id % 100 == 99 {
            malformed(id / 100 % 10)
        } else {
            format!("{{\"id\":\"{id}\",\"text\":\"{}\"}}", bodies[id % 3]).into_bytes()
        };
        send(&producer, &names.raw, Some(key.as_bytes()), Some(&payload), &[("test-id", Some(&id.to_string()))]);
    }
    flush(&producer);

    let mut settings = names.settings();
    settings.push(("intake.max_bytes", "50000"));
    let reader = Reader::new(&broker.address, &names.outputs(), 8);
    let mut tally = Tally::default();
    let mut copydesk = Some(Copydesk::run(&broker.address, &settings));
    let mut kills = vec![2_000, 7_000, 13_000];
    let deadline = Instant::now() + Duration::from_secs(300);
    while tally.seen() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}; {:?}", tally.seen(), copydesk.map(|copydesk| copydesk.log()));
        if let Some(read) = reader.next() {
            let id = tally.count(&read);
            assert_eq!(read.topic == names.dead, id % 100 == 99, "{id}");
        }
        if kills.first().is_some_and(|at| tally.seen() >= *at) {
            kills.remove(0);
            copydesk.take().unwrap().kill();
            copydesk = Some(Copydesk::run(&broker.address, &settings));
        }
    }
    assert!(kills.is_empty(), "the program was killed three times");
    tally.assert_order();
    println!("{MESSAGES} messages, 3 kills: {} ids seen, 0 lost, {} repeats, order held for {KEYS} keys", tally.seen(), tally.repeats());
    assert_eq!(copydesk.unwrap().terminate(), 0);
    assert_eq!(committed(broker, &names, 8), MESSAGES as i64);
}

pub(crate) fn a_clean_stop_repeats_nothing(broker: &Broker) {
    const MESSAGES: usize = 3_000;
    let names = Names::new(broker, 4);
    send_councils(&producer(broker), &names.raw, MESSAGES);
    let reader = Reader::new(&broker.address, &names.outputs(), 4);
    let mut ids = Vec::new();
    let mut copydesk = Copydesk::run(&broker.address, &names.settings());
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut stops = vec![500, 1_500];
    while ids.len() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}", ids.len());
        ids.extend(reader.next().map(|read| read.header("test-id").unwrap().to_owned()));
        if stops.first().is_some_and(|at| ids.len() >= *at) {
            stops.remove(0);
            copydesk.wait_for_log("partitions assigned", Duration::from_secs(30));
            assert_eq!(copydesk.terminate(), 0);
            copydesk = Copydesk::run(&broker.address, &names.settings());
        }
    }
    assert_eq!(copydesk.terminate(), 0);
    assert!(reader.next().is_none(), "something came twice");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), MESSAGES);
}

pub(crate) fn instances_come_and_go(broker: &Broker) {
    const MESSAGES: usize = 9_000;
    let names = Names::new(broker, 8);
    let reader = Reader::new(&broker.address, &names.outputs(), 8);
    // A member that a busy machine keeps from its heartbeats would be thrown out, and that is another test.
    let mut settings = names.settings();
    settings.push(("kafka.session_timeout", "30s"));
    let first = Copydesk::run(&broker.address, &settings);
    first.wait_for_log("partitions assigned", Duration::from_secs(30));
    // Fed at a pace, so that the rebalances meet messages in flight.
    let feeder = {
        let (producer, raw) = (producer(broker), names.raw.clone());
        std::thread::spawn(move || {
            for id in 0..MESSAGES {
                send(
                    &producer,
                    &raw,
                    Some(format!("{}", id % 50).as_bytes()),
                    Some(council(id).as_bytes()),
                    &[("test-id", Some(&id.to_string()))],
                );
                if id % 100 == 99 {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            flush(&producer);
        })
    };
    let start = || {
        let joined = Copydesk::run(&broker.address, &settings);
        joined.wait_for_log("partitions assigned", Duration::from_secs(30));
        joined
    };
    let mut second = None;
    let mut left = false;
    let mut tally = Tally::default();
    let deadline = Instant::now() + Duration::from_secs(180);
    while tally.seen() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}: {}", tally.seen(), first.log());
        if let Some(read) = reader.next() {
            tally.count(&read);
        }
        if second.is_none() && tally.seen() >= 1_500 {
            second = Some(start());
        }
        if !left && tally.seen() >= 4_500 {
            assert_eq!(second.take().unwrap().terminate(), 0);
            second = Some(start());
            left = true;
        }
    }
    feeder.join().unwrap();
    let repeats = tally.repeats();
    println!("{MESSAGES} messages, an instance joined, left and joined again: 0 lost, {repeats} repeats");
    assert_eq!(repeats, 0, "a clean rebalance repeats nothing");
    tally.assert_order();
    assert_eq!(first.terminate(), 0);
    assert_eq!(second.unwrap().terminate(), 0);
}

pub(crate) fn the_broker_dies_and_comes_back(broker: &Broker) {
    const MESSAGES: usize = 4_000;
    let names = Names::new(broker, 4);
    send_councils(&producer(broker), &names.raw, MESSAGES);
    let reader = Reader::new(&broker.address, &names.outputs(), 4);
    let copydesk = Copydesk::run(&broker.address, &names.settings());
    let mut tally = Tally::default();
    let mut crashed = false;
    let deadline = Instant::now() + Duration::from_secs(180);
    while tally.seen() < MESSAGES {
        assert!(Instant::now() < deadline, "{} of {MESSAGES}: {}", tally.seen(), copydesk.log());
        if let Some(read) = reader.next() {
            tally.count(&read);
        }
        if !crashed && tally.seen() >= 500 {
            broker.crash();
            crashed = true;
        }
    }
    let repeats = tally.repeats();
    println!("{MESSAGES} messages, the broker killed and restarted: 0 lost, {repeats} repeats");
    tally.assert_order();
    // Where the group had to form anew, a partition is read again from its last commit: the end of that is waited for.
    wait_for(&format!("all offsets committed in:\n{}", copydesk.log()), Duration::from_secs(60), || {
        committed(broker, &names, 4) == MESSAGES as i64
    });
    assert_eq!(copydesk.terminate(), 0, "the same process carries on");
    assert_eq!(committed(broker, &names, 4), MESSAGES as i64);
}
