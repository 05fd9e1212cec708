//! Instances killed, joining and leaving, and brokers killed and restarted, while articles stream through.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Names, Progress, Scale, Tally, feed, instance, spread, unreachable};
use crate::support::{
    Copydesk,
    cluster::{Broker, Layout},
    wait_for,
};

/// What the articles are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    Small,
    RealSize,
}

const SMALL: [&str; 4] = [
    "أعلنت وزارة الصحة في بغداد عن بدء حملة تطعيم جديدة ضد الحصبة.",
    "The council in London approved the new budget after a long debate.",
    "Правительство объявило в Москве о новых мерах поддержки экономики.",
    "Belediye meclisi Ankara'da yeni bütçeyi uzun bir tartışmanın ardından onayladı.",
];

/// The texts: sentences, or the samples at the length of a news story.
pub fn texts(load: Load) -> Vec<String> {
    match load {
        Load::Small => SMALL.map(str::to_owned).into(),
        Load::RealSize => include_str!("../../src/cli/demo/samples.jsonl")
            .lines()
            .map(|line| {
                let sample: serde_json::Value = serde_json::from_str(line).unwrap();
                let fields = sample.as_object().unwrap().values().filter_map(serde_json::Value::as_str);
                let body = fields.max_by_key(|text| text.len()).unwrap();
                vec![body; 3_000 / body.len() + 1].join("\n\n")
            })
            .collect(),
    }
}

/// What happens, at which thousandth of the articles.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// SIGKILL of an instance, which is started again at once.
    KillInstance(usize),
    /// SIGKILL of a broker, and a new start once the others took over.
    KillBroker(usize),
    Join,
    Leave,
}

fn schedule(kills: usize, rounds: usize) -> Vec<(usize, Fault)> {
    let mut faults: Vec<(usize, Fault)> = (0..kills).map(|kill| (950 * (kill + 1) / (kills + 1), Fault::KillInstance(kill % 2))).collect();
    faults.extend((0..rounds * 3).map(|kill| (30 + 900 * kill / (rounds * 3), Fault::KillBroker(kill % 3))));
    faults.extend([(200, Fault::Join), (400, Fault::Leave), (600, Fault::Join), (800, Fault::Leave)]);
    faults.sort_by_key(|(at, _)| *at);
    faults
}

pub fn run(scale: Scale, load: Load, delivery: &str) {
    let total: u32 = match load {
        Load::Small => scale.pick(60_000, 1_000_000),
        Load::RealSize => scale.pick(6_000, 100_000),
    };
    let (kills, rounds) = scale.pick((6, 1), (30, 2));
    let broker = Broker::cluster(&Layout { nodes: 3, ..Layout::default() });
    let names = Names::new(&broker, "faults");
    let tally = Tally::start(&broker.address, &names, total, "read_committed");
    let texts = texts(load);
    // Articles wait for their fault, so that each meets some in flight.
    let gate = Arc::new(AtomicU32::new(0));
    let feeder = feed(&broker.address, &names.raw, total, &gate, move |id| {
        serde_json::json!({"id": id.to_string(), "text": texts[id as usize % texts.len()]}).to_string().into_bytes()
    });
    let start = |name: &str| instance(&broker.address, &names, name, delivery, &[]);
    let mut instances: Vec<Copydesk> = ["a", "b"].map(start).into();
    let mut guests: Vec<Copydesk> = Vec::new();
    let mut brokers: Option<(usize, Instant)> = None;
    let mut recoveries = Vec::new();
    let mut waiting: Option<Instant> = None;
    let mut pending = schedule(kills, rounds).into_iter().peekable();
    let mut progress = Progress::new();
    let begun = Instant::now();
    while tally.seen() < total {
        std::thread::sleep(Duration::from_millis(20));
        let logs = || instances.iter().chain(&guests).map(|copydesk| tail(&copydesk.log())).collect::<Vec<_>>().join("\n--\n");
        progress.check(&tally, || format!("of {total}:\n{}", logs()));
        // What ended by itself, as a process fenced or out of brokers may, is started again, as an orchestrator does.
        for (copydesk, name) in instances.iter_mut().zip(["a", "b"]) {
            if let Some(code) = copydesk.exited() {
                println!("instance {name} ended with {code}: {}", tail(&copydesk.log()).lines().last().unwrap_or_default());
                *copydesk = start(name);
            }
        }
        if let Some(since) = waiting
            && (tally.all_fresh_since(since) || since.elapsed() > Duration::from_secs(90))
        {
            recoveries.push(since.elapsed());
            waiting = None;
        }
        if let Some((node, since)) = brokers
            && since.elapsed() > Duration::from_secs(3)
        {
            broker.restart(node);
            brokers = None;
        }
        let reach = pending.peek().map_or(1_000, |(at, _)| (at + 100).min(1_000));
        gate.store(u32::try_from(u64::from(total) * reach as u64 / 1_000).unwrap(), Ordering::Relaxed);
        let due = pending.peek().is_some_and(|(at, _)| u64::from(tally.seen()) * 1_000 >= u64::from(total) * *at as u64);
        if !due || waiting.is_some() || brokers.is_some() {
            continue;
        }
        waiting = Some(Instant::now());
        match pending.next().unwrap().1 {
            Fault::KillInstance(index) => {
                let name = ["a", "b"][index];
                instances[index].kill_now();
                instances[index] = start(name);
            }
            Fault::KillBroker(node) => {
                broker.kill(node);
                brokers = Some((node, Instant::now()));
            }
            Fault::Join => guests.push(start(&format!("guest-{}", guests.len()))),
            Fault::Leave => guests.pop().unwrap().stop(),
        }
    }
    let took = begun.elapsed();
    assert!(pending.peek().is_none(), "every fault happened");
    feeder.join().unwrap();
    if let Some((node, _)) = brokers {
        broker.restart(node);
    }
    wait_for("open transactions to end", Duration::from_secs(60), || unreachable(&broker.address, &names) == 0);
    for copydesk in instances {
        copydesk.stop();
    }
    assert_eq!(unreachable(&broker.address, &names), 0);
    // Whatever came after the last number would be a repeat.
    std::thread::sleep(Duration::from_secs(2));
    let count = tally.finish();
    println!(
        "{total} articles, {delivery}, {kills} instances killed, {} brokers killed, 2 joins and leaves, {:.0} s: {count:?}; recovery: {}",
        rounds * 3,
        took.as_secs_f64(),
        spread(recoveries)
    );
    assert_eq!((count.lost, count.disorder, count.wrong_topic), (0, 0, 0));
    if delivery == "exactly-once" {
        assert_eq!(count.repeats, 0);
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
