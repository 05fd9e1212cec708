//! A long run with a backlog first, and what exactly-once costs.

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use rdkafka::producer::Producer;

use super::{Names, Scale, Tally, faults, feed, instance, producer, send, wait_for_all};
use crate::support::{
    Copydesk,
    cluster::{Broker, Layout},
};

/// Stretches in which the capacity is measured.
const STRETCHES: u32 = 4;

/// A moment of the soak.
struct Sample {
    /// Resident memory in KiB, threads, file handles.
    usage: (u64, u64, u64),
    /// Articles sent and not seen yet, by the rate they come at: how long one is under way, seconds.
    under_way: f64,
    /// Processor time so far, seconds, and the articles seen.
    spent: (f64, u32),
}

/// What a process uses: resident memory in KiB, threads, file handles.
fn usage(copydesk: &Copydesk) -> (u64, u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", copydesk.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let handles = std::fs::read_dir(format!("/proc/{}/fd", copydesk.id())).unwrap().count();
    (field("VmRSS:"), field("Threads:"), handles as u64)
}

/// Processor time of a process so far, seconds: fields 14 and 15 of its stat, in hundredths.
fn processor(copydesk: &Copydesk) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", copydesk.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].map(|field: usize| fields[field].parse::<f64>().unwrap()).iter().sum::<f64>() / 100.0
}

/// A backlog; then, with the feed on, which costs the machine too, what it takes at most; then a feed at 80 % of that.
/// `--minutes` says how long, 60 in the long form.
pub fn run(scale: Scale, delivery: &str) {
    let backlog: u32 = scale.pick(20_000, 2_000_000);
    let minutes = std::env::args().skip_while(|argument| argument != "--minutes").nth(1).and_then(|minutes| minutes.parse().ok());
    let length =
        minutes.map_or(scale.pick(Duration::from_secs(20), Duration::from_secs(3_600)), |minutes: u64| Duration::from_secs(60 * minutes));
    let stretch = scale.pick(Duration::from_secs(2), Duration::from_secs(15));
    let broker = Broker::cluster(&Layout { nodes: 1, ..Layout::default() });
    let names = Names::new(&broker, "soak");
    let texts = faults::texts(faults::Load::Small);
    let gate = Arc::new(AtomicU32::new(backlog));
    let article = move |id: u32| texts[id as usize % texts.len()].clone().into_bytes();
    feed(&broker.address, &names.raw, backlog, &gate, article.clone()).join().unwrap();
    let most = backlog.saturating_add(u32::try_from((length + stretch * STRETCHES).as_secs()).unwrap() * 50_000);
    let tally = Tally::start(&broker.address, &names, most, "read_committed");
    let copydesk = instance(&broker.address, &names, "a", delivery, &[]);
    wait_for_all(&tally, 1_000, &copydesk);
    let begun = Instant::now();
    let mut highest = 0;
    while tally.seen() < backlog {
        highest = highest.max(usage(&copydesk).0);
        std::thread::sleep(Duration::from_millis(500));
    }
    println!(
        "{delivery}: a backlog of {backlog} at {:.0} articles a second, {} MiB at most",
        f64::from(backlog - 1_000) / begun.elapsed().as_secs_f64(),
        highest >> 10
    );
    assert!(highest >> 10 < 250, "memory grows with lag");

    let feeder = producer(&broker.address);
    let mut sent = backlog;
    let mut feed_until = |due: u32| {
        while sent < due {
            let payload = if sent % 100 == 99 { b"{\"text\": \"cut".to_vec() } else { article(sent) };
            send(&feeder, &names.raw, sent, &payload);
            sent += 1;
        }
        feeder.poll(Duration::from_millis(5));
        sent
    };
    // The slowest stretch: a machine that others share is fast for a minute, and not for an hour.
    let mut capacity = f64::MAX;
    for _ in 0..STRETCHES {
        let (begun, before) = (Instant::now(), tally.seen());
        while begun.elapsed() < stretch {
            feed_until(tally.seen() + 10_000);
        }
        capacity = capacity.min(f64::from(tally.seen() - before) / begun.elapsed().as_secs_f64());
    }
    let rate = capacity * 0.8;
    println!("{delivery}: {capacity:.0} a second at most while they are sent; now {rate:.0} a second for {length:?}");
    let (begun, from) = (Instant::now(), feed_until(0));
    let mut samples = Vec::new();
    let mut sampled = Instant::now();
    while begun.elapsed() < length {
        let sent = feed_until(from + (begun.elapsed().as_secs_f64() * rate) as u32);
        if sampled.elapsed() > length / 60 {
            let seen = tally.seen();
            samples.push(Sample { usage: usage(&copydesk), under_way: f64::from(sent - seen) / rate, spent: (processor(&copydesk), seen) });
            sampled = Instant::now();
        }
    }
    let sent = feed_until(0);
    feeder.flush(Duration::from_secs(60)).unwrap();
    wait_for_all(&tally, sent, &copydesk);
    copydesk.stop();
    let quarter = samples.len() / 4;
    // The first quarter is warm-up.
    let part = |from: usize| {
        let samples = &samples[from * quarter..(from + 1) * quarter];
        let (first, last) = (&samples[0], &samples[samples.len() - 1]);
        let memory = samples.iter().map(|sample| sample.usage.0).max().unwrap();
        let mut delays: Vec<f64> = samples.iter().map(|sample| sample.under_way).collect();
        delays.sort_by(f64::total_cmp);
        (memory, delays[delays.len() / 2], last.usage.1, last.usage.2, effort(first.spent, last.spent))
    };
    let quarters = [part(0), part(1), part(2), part(3)];
    for (index, (memory, delay, threads, handles, effort)) in quarters.iter().enumerate() {
        println!(
            "quarter {}: {} MiB at most, {delay:.2} s under way (median), {effort:.3} ms of processor an article, {threads} threads, \
             {handles} file handles",
            index + 1,
            memory >> 10
        );
    }
    let seen = tally.seen();
    let count = tally.finish();
    println!("{delivery}: {sent} articles sent, {seen} seen, {} repeats, {} out of order", count.repeats, count.disorder);
    assert_eq!((seen, count.repeats, count.disorder, count.wrong_topic), (sent, 0, 0, 0));
    let (second, last) = (quarters[1], quarters[3]);
    assert!(last.0 as f64 <= second.0 as f64 * 1.1, "memory grows");
    // Seconds are too short to tell a drift from a hiccup.
    assert!(length < Duration::from_secs(60) || last.1 <= second.1 * 2.0 + 0.5, "articles are longer and longer under way");
    assert!(last.2 <= second.2 + 2 && last.3 <= second.3 + 4, "threads or file handles grow");
}

/// Processor time of an article, milliseconds, by that of the process and the articles seen at two moments.
fn effort(from: (f64, u32), to: (f64, u32)) -> f64 {
    (to.0 - from.0) * 1_000.0 / f64::from(to.1 - from.1)
}

/// The same articles in both modes, one after the other and the other way round: throughput of exactly-once by that of
/// at-least-once.
pub fn cost(scale: Scale) {
    let total: u32 = scale.pick(12_000, 60_000);
    let broker = Broker::cluster(&Layout { nodes: 1, ..Layout::default() });
    let raw = Names::new(&broker, "cost");
    let texts = faults::texts(faults::Load::RealSize);
    let gate = Arc::new(AtomicU32::new(total));
    feed(&broker.address, &raw.raw, total, &gate, move |id| texts[id as usize % texts.len()].clone().into_bytes()).join().unwrap();
    let mut rates: Vec<(&str, f64)> = Vec::new();
    for (round, delivery) in ["at-least-once", "exactly-once", "exactly-once", "at-least-once"].into_iter().enumerate() {
        let names = Names { raw: raw.raw.clone(), ..Names::new(&broker, &format!("cost-{round}")) };
        let tally = Tally::start(&broker.address, &names, total, "read_committed");
        let copydesk = instance(&broker.address, &names, "a", delivery, &[]);
        wait_for_all(&tally, total / 10, &copydesk);
        let (begun, from) = (Instant::now(), (processor(&copydesk), tally.seen()));
        wait_for_all(&tally, total, &copydesk);
        let rate = f64::from(total - from.1) / begun.elapsed().as_secs_f64();
        println!("  {delivery}: {rate:.0}/s, {:.2} ms of processor an article", effort(from, (processor(&copydesk), total)));
        rates.push((delivery, rate));
        copydesk.stop();
    }
    let mean = |of: &str| rates.iter().filter(|(delivery, _)| *delivery == of).map(|(_, rate)| rate).sum::<f64>() / 2.0;
    let (at_least, exactly) = (mean("at-least-once"), mean("exactly-once"));
    println!(
        "{total} articles of 3 KB: at-least-once {at_least:.0}/s, exactly-once {exactly:.0}/s, ratio {:.2}; runs {rates:.0?}",
        exactly / at_least
    );
}
