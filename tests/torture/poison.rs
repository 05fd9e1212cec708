//! Bad messages of thirty kinds among good ones: every one comes out whole, with the right reason, and comes back.

use std::{
    collections::{BTreeMap, HashMap},
    process::Command,
    time::Duration,
};

use rdkafka::producer::Producer;

use super::{Names, PARTITIONS, Scale, producer, send};
use crate::support::{
    Reader,
    cluster::{Broker, Layout},
    wait_for,
};

/// Thirty messages that are no article, with the reason each is rejected for, and whether a laxer configuration takes it.
fn kinds() -> Vec<(Vec<u8>, &'static str, bool)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let kinds = vec![
        (vec![], "empty", false),
        (text(" "), "empty", false),
        (text("\r\n\t \n"), "empty", false),
        (vec![0xFF, 0xFE, 0x00], "not_utf8", false),
        (text("caf").into_iter().chain([0xE9]).collect(), "not_utf8", false),
        (vec![0xF5, 0x80, 0x80, 0x80], "not_utf8", false),
        (vec![0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], "not_utf8", false),
        (vec![0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00], "not_utf8", false),
        (text("{\"text\": \"cut"), "not_json", true),
        (text("{\"text\": \"a\",}"), "not_json", true),
        (text("{'text': 'a'}"), "not_json", true),
        (text("{\"text\": \"a\"} trailing"), "not_json", true),
        (text("{\"text\": NaN}"), "not_json", true),
        (text("{\"text\": \"\\ud800 alone\"}"), "not_json", true),
        (text("{\"text\" \"a\"}"), "not_json", true),
        (text("{\"text\": \"line\nbreak\"}"), "not_json", true),
        (text(&"[".repeat(500)), "too_deep", true),
        (text(&("{\"a\":".repeat(300) + "1" + &"}".repeat(300))), "too_deep", true),
        (text(&("[".repeat(70) + &"]".repeat(70))), "too_deep", true),
        (text("null"), "not_an_article", true),
        (text("[1, 2]"), "not_an_article", true),
        (text("[]"), "not_an_article", true),
        (text("{\"title\": \"no text\"}"), "no_text", true),
        (text("{}"), "no_text", true),
        (text("{\"text\": null, \"title\": \"t\"}"), "no_text", true),
        (text("{\"text\": \"  \"}"), "no_text", true),
        (text("{\"text\": 12}"), "wrong_type", true),
        (text("{\"text\": {\"de\": \"a\"}}"), "wrong_type", true),
        (text("{\"text\": true}"), "wrong_type", true),
        (vec![b'x'; 50_001], "too_large", true),
    ];
    assert_eq!(kinds.len(), 30);
    kinds
}

pub fn run(scale: Scale) {
    let total: u32 = scale.pick(6_000, 200_000);
    let broker = Broker::cluster(&Layout { nodes: 1, ..Layout::default() });
    let kinds = kinds();
    let kind = |id: u32| (id % 20 == 19).then(|| &kinds[(id / 20) as usize % 30]);
    for delivery in ["at-least-once", "exactly-once"] {
        let names = Names::new(&broker, &format!("poison-{delivery}"));
        let feeder = producer(&broker.address);
        for id in 0..total {
            let good = format!("{{\"id\":\"{id}\",\"text\":\"Article {id} about the city council and its budget.\"}}").into_bytes();
            send(&feeder, &names.raw, id, kind(id).map_or(&good, |(bytes, ..)| bytes));
        }
        feeder.flush(Duration::from_secs(60)).unwrap();
        let run = |count: u32, more: &[(&str, &str)]| {
            let copydesk = super::instance(&broker.address, &names, "a", delivery, more);
            wait_for(&format!("{count} outcomes"), Duration::from_secs(600), || copydesk.outcomes() == count as usize);
            copydesk.stop();
        };
        run(total, &[("intake.max_bytes", "50000")]);
        let read = |count: usize| {
            Reader::committed(&broker.address, &[&names.enriched, &names.dead], PARTITIONS).take(count, Duration::from_secs(300))
        };
        let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
        let mut wrong = 0;
        for record in read(total as usize) {
            let id = record.number("test-id");
            match kind(id) {
                Some((bytes, reason, _)) => {
                    let right = record.topic == names.dead
                        && record.header("copydesk.error.code") == Some(reason)
                        && record.payload.as_ref() == Some(bytes);
                    wrong += u32::from(!right);
                    if !right {
                        println!("{id}: {:?} instead of {reason}", record.header("copydesk.error.code"));
                    }
                    *reasons.entry((*reason).to_owned()).or_default() += 1;
                }
                None => wrong += u32::from(record.topic != names.enriched),
            }
        }
        println!("{total} messages, {delivery}, 1 in 20 no article, of 30 kinds: {wrong} wrong; {reasons:?}");
        assert_eq!(wrong, 0);

        // The mend: everything is read as plain text, and large texts are taken.
        let letters = total / 20;
        let mut replay = Command::new(env!("CARGO_BIN_EXE_copydesk"));
        replay.args(["dlq", "replay", "--brokers", &broker.address, "--group", &names.group, "--set"]);
        let output = replay.arg(format!("kafka.dead_letters={}", names.dead)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("{letters} dead letters selected: {letters} replayed")), "{said}");
        run(letters, &[("intake.format", "text")]);
        let mut back: HashMap<u32, (u32, u32)> = HashMap::new();
        for record in read((total + letters) as usize) {
            let (enriched, rejected) = back.entry(record.number("test-id")).or_default();
            *(if record.topic == names.enriched { enriched } else { rejected }) += 1;
        }
        let mut mended = 0;
        for (id, counts) in &back {
            let wanted = match kind(*id) {
                None => (1, 0),
                Some((.., true)) => (1, 1),
                Some((.., false)) => (0, 2),
            };
            assert_eq!(*counts, wanted, "{id}");
            mended += u32::from(wanted == (1, 1));
        }
        println!(
            "{delivery}: {letters} dead letters sent back, {mended} enriched, {} dead letters again that no setting mends, 0 lost",
            letters - mended
        );
    }
}
