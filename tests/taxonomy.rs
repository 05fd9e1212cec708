//! Topics of one's own, as a user adds them: a table, its faults, and a service that reads it again when replaced.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{Copydesk, replace};

const TABLE: &str = "topic\tlanguage\tterms\tweight\tmust\tmust_not\n\
    desk:energy Energy transition\ten\twind farm*, solar power\t0.9\t\tfootball\n\
    desk:bremen\t*\tBremen\n";

fn enrich(article: &str, settings: &[String]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("article.json");
    std::fs::write(&file, article).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_copydesk"));
    command.arg("enrich").arg(&file);
    settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn topics(article: &str, settings: &[String]) -> Vec<Value> {
    let (code, out, err) = enrich(article, settings);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()["topics"].as_array().unwrap().clone()
}

#[test]
fn private_topics_stand_beside_those_of_iptc() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mine.tsv");
    std::fs::write(&table, TABLE).unwrap();
    let settings = [format!("enrich.taxonomies={}", table.display())];
    let article = r#"{"title": "New wind farms cut emissions", "text": "Parliament in Bremen voted for three wind farms on Monday. Climate activists praised the decision to lower carbon emissions."}"#;
    let (_, out, _) = enrich(article, &settings);
    let document: Value = serde_json::from_str(&out).unwrap();
    let all = document["topics"].as_array().unwrap();
    let levels: Vec<u64> = all.iter().map(|topic| topic["level"].as_u64().unwrap()).collect();
    let private: Vec<&Value> = all.iter().filter(|topic| topic["level"] == 0).collect();
    assert_eq!(private[0]["id"], "desk:energy");
    assert_eq!((private[0]["label"].as_str(), private[0]["score"].as_f64()), (Some("Energy transition"), Some(0.9)));
    assert_eq!(private[0]["evidence"], serde_json::json!(["wind farm"]));
    assert_eq!((private[1]["id"].as_str(), private[1]["label"].as_str()), (Some("desk:bremen"), Some("bremen")));
    assert!(levels.contains(&1) && levels.iter().rev().is_sorted_by_key(|level| u64::from(*level != 0)), "{levels:?}");
    assert!(document["provenance"]["vocabularies"].to_string().contains("taxonomy="));
    assert!(topics(article, &[]).iter().all(|topic| topic["level"] != 0));
    let sport = r#"{"text": "The football club plays beside a wind farm."}"#;
    assert!(topics(sport, &settings).iter().all(|topic| topic["id"] != "desk:energy"));
}

#[test]
fn a_publishers_section_of_any_age_is_a_hint() {
    let with = |section: &str| {
        let article = serde_json::json!({"text": "Here is what people in the town said about it on Monday, and what comes next.", "sections": [section]});
        topics(&article.to_string(), &["intake.mapping.text=text".to_owned(), "intake.mapping.sections=sections".to_owned()])
    };
    let found = |section: &str, id: &str| with(section).iter().any(|topic| topic["id"] == id);
    // A concept below the top, as id and as address, a Subject Code, and names in two languages.
    for (section, id) in [
        ("medtop:20000822", "medtop:15000000"),
        ("http://cv.iptc.org/newscodes/mediatopic/20000822", "medtop:15000000"),
        ("subj:15054000", "medtop:15000000"),
        ("رياضة", "medtop:15000000"),
        ("Wirtschaft", "medtop:04000000"),
    ] {
        assert!(found(section, id), "{section}: {:?}", with(section));
    }
}

#[test]
fn faults_are_told_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mine.tsv");
    std::fs::write(&table, format!("{TABLE}medtop:06000000\ten\tsolar\ndesk:x\tenglish\tsolar\n")).unwrap();
    let (code, _, err) = enrich("{\"text\": \"Some words.\"}", &[format!("enrich.taxonomies={}", table.display())]);
    assert_eq!(code, 64);
    assert!(err.contains("enrich.taxonomies") && err.contains("2 rows are wrong"), "{err}");
    assert!(err.contains("line 4: found the topic 'medtop:06000000'") && err.contains("line 5: found the language 'english'"), "{err}");
}

#[test]
fn a_running_service_reads_a_replaced_table_again() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mine.tsv");
    replace(&table, TABLE);
    let files = table.display().to_string();
    let service = Copydesk::run("127.0.0.1:1", &[("enrich.taxonomies", &files), ("enrich.refresh", "100ms")]);
    service.wait_for_metric("copydesk_taxonomy_topics 2");
    replace(&table, &format!("{TABLE}desk:third\ten\tthird thing\n"));
    service.wait_for_metric("copydesk_taxonomy_topics 3");
    replace(&table, "nonsense\n");
    service.wait_for_metric("copydesk_taxonomy_loads_total{result=\"failed\"} 1");
    service.wait_for_metric("copydesk_taxonomy_topics 3");
    assert!(service.log().contains("those read before stay in use"), "{}", service.log());
}
