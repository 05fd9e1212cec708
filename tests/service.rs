//! The built program, as a user meets it: exit codes, errors, `enrich`, `demo`, `schema`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{Copydesk, free_port};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_copydesk"))
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).ok();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_wrong_configuration_is_told_whole_and_exits_64() {
    let ran = run(
        &["run", "--brokers", "nowhere", "--set", "kafka.inflight=3"],
        &[("COPYDESK_LOG_LEVEL", "loud=very=much"), ("COPYDESK_KAFKA_SASL_PASSWORD", "hunter2")],
        b"",
    );
    assert_eq!(ran.code, 64);
    for part in ["3 faults", "kafka.brokers: found 'nowhere'", "did you mean 'kafka.in_flight'", "log.level: found 'loud=very=much'"] {
        assert!(ran.err.contains(part), "{part}\n{}", ran.err);
    }
    assert!(!ran.err.contains("hunter2"));
}

#[test]
fn a_wrong_command_line_exits_2_and_help_has_examples() {
    assert_eq!(run(&["enrichh"], &[], b"").code, 2);
    let help = run(&["--help"], &[], b"");
    assert!(help.code == 0 && help.out.contains("Examples:") && help.out.contains("copydesk demo"), "{}", help.out);
    assert!(run(&["--version"], &[], b"").out.starts_with("copydesk "));
}

#[test]
fn enrich_reads_standard_input_and_names_what_it_rejects() {
    let lines = "{\"id\":\"1\",\"text\":\"وصل الوزير إلى بغداد اليوم\"}\n{\"id\":\"2\"}\n{\"id\":\"3\",\"text\":\"The minister arrived in Baghdad today.\"}\n";
    let ran = run(&["enrich"], &[], lines.as_bytes());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("article 2: no_text"), "{}", ran.err);
    let documents: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0]["language"]["tag"], "ar");
    assert_eq!(documents[1]["entities"][0]["id"], "gn:98182");
    // Equal bytes in, equal bytes out.
    assert_eq!(run(&["enrich"], &[], lines.as_bytes()).out, ran.out);
}

#[test]
fn enrich_takes_plain_text_files_and_pretty_prints() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Headline of the day\n\nJoe Biden met Keir Starmer in London on Monday to talk about trade.").unwrap();
    let path = file.path().to_str().unwrap();
    let ran = run(&["enrich", path, "--pretty"], &[], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("person        Joe Biden [copydesk:biden] · Keir Starmer [copydesk:starmer]"), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "no colours into a pipe");
    let missing = run(&["enrich", "no/such/file"], &[], b"");
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("no/such/file: cannot be read"));
}

#[test]
fn documents_fit_the_schema_that_is_printed() {
    let schema: Value = serde_json::from_str(&run(&["schema"], &[], b"").out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let samples = include_bytes!("../src/cli/demo/samples.jsonl");
    for original in ["false", "true"] {
        let ran = run(&["enrich", "--set", &format!("output.original={original}")], &[], samples);
        assert_eq!(ran.code, 0, "{}", ran.err);
        for (line, input) in ran.out.lines().zip(std::str::from_utf8(samples).unwrap().lines()) {
            let document: Value = serde_json::from_str(line).unwrap();
            let faults: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{faults:?}");
            let expected = (original == "true").then_some(input);
            assert_eq!(document.get("original").and_then(Value::as_str), expected);
        }
    }
    let mut broken: Value = serde_json::from_str(run(&["enrich"], &[], samples).out.lines().next().unwrap()).unwrap();
    broken["topics"] = Value::Null;
    assert!(!validator.is_valid(&broken), "the schema refuses what is not a document");
}

#[test]
fn without_kafka_it_says_so_at_once_and_keeps_trying() {
    let nowhere = format!("127.0.0.1:{}", free_port());
    let started = Instant::now();
    let copydesk = Copydesk::run(&nowhere, &[]);
    copydesk.wait_for_log("cannot reach Kafka", Duration::from_secs(10));
    assert!(started.elapsed() < Duration::from_secs(10));
    std::thread::sleep(Duration::from_secs(3));
    let log = copydesk.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("\"ERROR\"") || line.contains("\"WARN\"")).collect();
    assert_eq!(lines.len(), 1, "one clear line:\n{log}");
    assert!(lines[0].contains(&nowhere) && lines[0].contains("kafka.brokers"), "{}", lines[0]);
    assert_eq!(copydesk.get("/ready").unwrap().0, 503);
    assert_eq!(copydesk.get("/live").unwrap().0, 200);
    assert_eq!(copydesk.terminate(), 0);
}

#[test]
fn check_without_kafka_exits_69() {
    let nowhere = format!("127.0.0.1:{}", free_port());
    let ran = run(&["check", "--brokers", &nowhere, "--set", "kafka.sasl_password=hunter2"], &[], b"");
    assert_eq!(ran.code, 69);
    assert!(ran.err.contains("cannot reach Kafka at kafka.brokers"), "{}", ran.err);
    assert!(
        ran.out.contains("memory bound") && ran.out.contains("kafka.sasl_password = ***") && !ran.out.contains("hunter2"),
        "{}",
        ran.out
    );
}

#[test]
fn a_port_in_use_is_told_with_the_mend() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let ran = run(&["run", "--listen", &address], &[], b"");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("http.listen: cannot bind") && ran.err.contains("choose another address"), "{}", ran.err);
}

#[test]
fn demo_shows_every_sample_the_poison_and_the_tombstone() {
    let ran = run(&["demo", "--once", "--listen", "127.0.0.1:0"], &[], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let samples = include_str!("../src/cli/demo/samples.jsonl").lines().count();
    assert!(ran.out.contains("dead letter demo-poison: not_json"), "{}", ran.out);
    assert!(ran.out.contains("tombstone demo-ar-2: forwarded"));
    let summary = ran.out.lines().last().unwrap();
    assert!(summary.contains(&format!("{samples} enriched, 1 dead letters, 1 tombstones")), "{summary}");
    let languages = summary.split("languages: ").nth(1).unwrap().split(", ").count();
    assert!(languages >= 12, "{summary}");
}

#[test]
fn demo_takes_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "{\"text\":\"The minister arrived in Baghdad today.\"}\n{\"text\":\"Der Minister ist heute in Bagdad angekommen.\"}\n",
    )
    .unwrap();
    let ran = run(&["demo", "--once", "--listen", "127.0.0.1:0", file.path().to_str().unwrap()], &[], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.lines().last().unwrap().starts_with("2 messages fed: 2 enriched, 0 dead letters"), "{}", ran.out);
}

/// `/` and `/metrics` ask for the token, the probes never do; beyond loopback `/` is closed without one.
#[test]
fn http_asks_for_its_token() {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |http: &str, path: &str, token: &str| {
        let mut request = agent.get(format!("http://{http}{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.call().unwrap().status().as_u16()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "let-me-in\n").unwrap();
    let copydesk = Copydesk::run("127.0.0.1:1", &[("http.token_file", file.path().to_str().unwrap())]);
    copydesk.wait_for_log("copydesk starts", Duration::from_secs(20));
    for (path, token, wanted) in [
        ("/metrics", "", 401),
        ("/metrics", "wrong", 401),
        ("/metrics", "let-me-in", 200),
        ("/", "", 401),
        ("/", "let-me-in", 200),
        ("/live", "", 200),
        ("/ready", "", 503),
    ] {
        assert_eq!(ask(&copydesk.http, path, token), wanted, "{path} with '{token}'");
    }
    assert!(!copydesk.log().contains("let-me-in"));
    let port = free_port();
    let open = Copydesk::listening(&format!("0.0.0.0:{port}"), "127.0.0.1:1", &[]);
    open.wait_for_log("copydesk starts", Duration::from_secs(20));
    let http = format!("127.0.0.1:{port}");
    assert_eq!((ask(&http, "/", ""), ask(&http, "/metrics", "")), (403, 200));
}

/// Its transactions store nothing: a mode that proves nothing must not pass for one that does.
#[test]
fn the_embedded_broker_refuses_exactly_once() {
    let ran = run(&["demo", "--once", "--set", "kafka.delivery=exactly-once", "--set", "kafka.instance=a"], &[], b"");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(format!("{}{}", ran.out, ran.err).contains("the embedded broker has no transactions"), "{}{}", ran.out, ran.err);
}
