//! Dead letters and backfills, by the commands a user has.

use std::{process::Command, time::Duration};

use super::{
    Names, council, flush, malformed, producer, send,
    support::{Copydesk, Reader, cluster::Broker, wait_for},
};

/// Runs a command of the program on the topics of a test: exit code, standard output, standard error.
fn command(broker: &Broker, names: &Names, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_copydesk"));
    program.args(arguments).args([
        "--brokers",
        &broker.address,
        "--group",
        &names.group,
        "--input",
        &names.raw,
        "--output",
        &names.enriched,
    ]);
    let output = program.args(["--set", &format!("kafka.dead_letters={}", names.dead)]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Thirty articles of which ten are none, settled as dead letters.
fn poisoned(broker: &Broker) -> Names {
    let names = Names::new(broker, 2);
    let producer = producer(broker);
    for id in 0..30 {
        let payload = if id % 3 == 2 { malformed(id / 3) } else { council(id).into_bytes() };
        send(&producer, &names.raw, Some(format!("{id}").as_bytes()), Some(&payload), &[("case", Some(&id.to_string())), ("empty", None)]);
    }
    flush(&producer);
    names
}

fn run_to_the_end(broker: &Broker, names: &Names, more: &[(&str, &str)], count: usize) {
    let mut settings = names.settings();
    settings.extend(more);
    let copydesk = Copydesk::run(&broker.address, &settings);
    wait_for(&format!("{count} outcomes in {}", copydesk.log()), Duration::from_secs(60), || copydesk.outcomes() == count);
    assert_eq!(copydesk.terminate(), 0);
}

pub(crate) fn dead_letters_are_listed_shown_and_sent_back(broker: &Broker) {
    let names = poisoned(broker);
    let narrow = [("intake.max_bytes", "50000")];
    run_to_the_end(broker, &names, &narrow, 30);

    let (code, list, summary) = command(broker, &names, &["dlq", "list", "--limit", "3"]);
    assert_eq!((code, list.lines().count()), (0, 4), "{list}{summary}");
    assert!(summary.contains("10 dead letters in") && summary.contains("empty 2") && summary.contains("too_large 1"), "{summary}");
    let (_, json, _) = command(broker, &names, &["dlq", "list", "--json", "--reason", "too_large"]);
    let letter: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((letter["attempt"].as_i64(), letter["bytes"].as_u64()), (Some(1), Some(50_001)));
    assert_eq!(letter["source"]["topic"], names.raw);
    let place = format!("{}:{}", letter["partition"], letter["offset"]);
    let (code, shown, _) = command(broker, &names, &["dlq", "show", &place]);
    assert!(
        code == 0 && shown.contains("header copydesk.error.code: too_large") && shown.contains("xxxxx"),
        "{}",
        shown.chars().take(900).collect::<String>()
    );
    let (code, _, error) = command(broker, &names, &["dlq", "show", "0:999999"]);
    assert!(code == 1 && error.contains("no dead letter at 0:999999"), "{error}");
    let (_, _, none) = command(broker, &names, &["dlq", "list", "--until", "2020-01-01T00:00:00Z"]);
    assert!(none.contains("0 dead letters in"), "{none}");

    // The mend: larger articles are taken, and what is no JSON is read as text.
    let (_, dry, _) = command(broker, &names, &["dlq", "replay", "--dry-run"]);
    assert!(dry.contains("10 dead letters selected: 10 would be replayed"), "{dry}");
    let (_, one, _) = command(broker, &names, &["dlq", "replay", "--reason", "too_large"]);
    assert!(one.contains("1 dead letters selected: 1 replayed"), "{one}");
    let (_, again, _) = command(broker, &names, &["dlq", "replay", "--reason", "too_large"]);
    assert!(again.contains("0 dead letters selected"), "the same command goes on where it stopped: {again}");
    let (_, rest, _) = command(broker, &names, &["dlq", "replay", "--rate", "1000"]);
    assert!(rest.contains("10 dead letters selected: 10 replayed"), "another selection has a place of its own: {rest}");
    run_to_the_end(broker, &names, &[("intake.format", "text")], 11);

    let read = Reader::new(&broker.address, &names.outputs(), 2).take(20 + 10 + 11, Duration::from_secs(60));
    let mended = |case: &str| read.iter().any(|read| read.topic == names.enriched && read.header("case") == Some(case));
    // Two are empty and one is not UTF-8: those no setting mends, and they say that it was the second attempt.
    for id in (0..30).filter(|id| id % 3 == 2) {
        let case = id.to_string();
        assert_eq!(mended(&case), ![0, 1, 2].contains(&(id / 3)), "{case}");
    }
    let second: Vec<_> = read.iter().filter(|read| read.topic == names.dead && read.header("copydesk.attempt") == Some("2")).collect();
    assert_eq!(second.len(), 3);
    for letter in second {
        let case = letter.header("case").unwrap();
        let first = read.iter().find(|read| read.header("case") == Some(case)).unwrap();
        assert_eq!(letter.header("copydesk.first_failed_at"), first.header("copydesk.first_failed_at"), "the first failure is kept");
        assert_eq!((&letter.payload, &letter.key), (&first.payload, &first.key));
        assert!(letter.headers.contains(&("empty".to_owned(), None)), "headers survive the way back");
    }
    let (_, capped, _) = command(broker, &names, &["dlq", "replay", "--again", "--max-attempts", "2", "--dry-run"]);
    assert!(capped.contains("13 dead letters selected: 10 would be replayed, 3 left because they were tried 2 times"), "{capped}");
}

pub(crate) fn a_bad_deploy_stops_at_the_quarantine_budget(broker: &Broker) {
    const MESSAGES: usize = 4_000;
    let names = Names::new(broker, 2);
    let producer = producer(broker);
    for _ in 0..MESSAGES {
        send(&producer, &names.raw, None, Some(b"{\"text\": \"cut"), &[]);
    }
    flush(&producer);
    let mut settings = names.settings();
    settings.extend([("quarantine.share", "0.5"), ("quarantine.least", "50"), ("kafka.in_flight", "100")]);
    let copydesk = Copydesk::run(&broker.address, &settings);
    copydesk.wait_for_metric("copydesk_quarantined 1");
    let (status, body) = copydesk.get("/ready").unwrap();
    assert!(status == 503 && body.contains("100 % of the last messages were rejected"), "{status} {body}");
    assert_eq!(copydesk.get("/live").unwrap().0, 200, "it stays in the group");
    assert_eq!(copydesk.terminate(), 0);
    let committed = super::committed(broker, &names, 2);
    println!("{MESSAGES} broken messages, reading stopped after {committed}");
    assert!((50..1_000).contains(&committed), "what was in flight is settled, the rest waits: {committed}");
}

pub(crate) fn a_backfill_fills_a_shadow_topic_and_says_what_changed(broker: &Broker) {
    let names = poisoned(broker);
    run_to_the_end(broker, &names, &[], 30);
    let shadow = format!("{}-shadow", names.enriched);
    broker.create(&[&shadow, &format!("{shadow}-dead")], 2);
    let dead = format!("{shadow}-dead");
    let backfill = |more: &[&str]| command(broker, &names, &[&["backfill", "--to", &shadow, "--dead-letters", &dead], more].concat());
    let (code, output, error) = backfill(&["--lacking", "topics=linear-0", "--set", "output.names=ar"]);
    assert_eq!(code, 0, "{output}{error}");
    assert!(error.contains("21 records of") && output.contains("21 enriched, 0 rejected"), "{output}{error}");
    assert!(output.contains("21 articles in both topics, 21 unchanged"), "{output}");
    let (_, output, error) = backfill(&[]);
    assert!(error.contains("going on where") && output.contains("0 enriched, 0 rejected"), "{output}{error}");
    // Other names, and half as fast as it would be.
    let table = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(table.path(), "desk:town Town\t*\tcity council\t0.9\n").unwrap();
    let taxonomy = format!("enrich.taxonomies={}", table.path().display());
    let (code, output, error) = backfill(&["--again", "--rate", "20", "--set", &taxonomy]);
    assert_eq!(code, 0, "{output}{error}");
    assert!(output.contains("21 enriched, 9 rejected"), "{output}");
    assert!(output.contains("topics changed in 20: 20 added, 0 removed") && output.contains("20  Town"), "{output}");
    let (code, output, _) = backfill(&["--report-only"]);
    assert!(code == 0 && output.contains("20  Town"), "{output}");
    let (code, _, error) = command(broker, &names, &["backfill", "--to", &names.enriched]);
    assert!(code == 64 && error.contains("needs one of its own"), "{error}");
}
