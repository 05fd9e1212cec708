//! Names of one's own, as a user adds them: tables, compiled files, checks, and a service that reads them again when replaced.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{path::Path, process::Command};

use serde_json::Value;
use support::{Copydesk, replace};

const TABLE: &str = "# id\ttype\tlanguage\tname\tflags\n\
    desk:blorvik\torganisation/company\tund\tBlorvik\talways\n\
    desk:blorvik\torganisation/company\tar\tبلورفيك\talways\n\
    wd:Q30\tplace/territory\ten\tUncle Sam's land\n";

fn copydesk(arguments: &[&str], input: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("article.txt");
    std::fs::write(&file, input).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_copydesk"));
    command.args(arguments);
    if !input.is_empty() {
        command.arg(&file);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn entity<'d>(document: &'d Value, id: &str) -> Option<&'d Value> {
    document["entities"].as_array().unwrap().iter().find(|entity| entity["id"] == id)
}

fn with(path: &Path) -> String {
    format!("enrich.gazetteers={}", path.display())
}

#[test]
fn a_table_and_its_compiled_form_add_the_same_names() {
    let folder = tempfile::tempdir().unwrap();
    let (table, compiled) = (folder.path().join("mine.tsv"), folder.path().join("mine.gazetteer"));
    std::fs::write(&table, TABLE).unwrap();
    let (code, out, err) = copydesk(&["gazetteer", "build", table.to_str().unwrap(), "--out", compiled.to_str().unwrap()], "");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("3 rows, 2 entities, 3 different names"), "{out}");
    let article = "Workers at Blorvik in Leeds ended their strike on Monday, the union said, after two weeks without pay.";
    let (_, without, _) = copydesk(&["enrich"], article);
    assert!(entity(&serde_json::from_str(&without).unwrap(), "desk:blorvik").is_none());
    let documents = [&table, &compiled].map(|path| {
        let (code, out, err) = copydesk(&["enrich", "--set", &with(path), "--set", "output.names=ar,und"], article);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    });
    assert_eq!(documents[0], documents[1]);
    let company = entity(&documents[0], "desk:blorvik").unwrap();
    assert_eq!((company["type"].as_str(), company["subtype"].as_str()), (Some("organisation"), Some("company")));
    assert_eq!(company["names"], serde_json::json!({"ar": "بلورفيك", "und": "Blorvik"}));
    // Whatever the tagger takes it for.
    std::fs::write(&table, "desk:city\tplace\ten\tBlorvik City\talways\n").unwrap();
    let (_, out, _) = copydesk(&["enrich", "--set", &with(&table)], "He flew to Blorvik City on Monday.");
    assert_eq!(entity(&serde_json::from_str(&out).unwrap(), "desk:city").unwrap()["type"], "place");
    let checksum = format!("{:?}", documents[0]["provenance"]["vocabularies"]);
    let (_, checked, _) = copydesk(&["gazetteer", "check", compiled.to_str().unwrap()], "");
    let said = checked.split("checksum ").nth(1).unwrap().get(..16).unwrap();
    assert!(checksum.contains(&format!("gazetteer={said}")), "{checksum} {checked}");
}

#[test]
fn faults_are_told_with_their_lines_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (table, compiled) = (folder.path().join("mine.tsv"), folder.path().join("mine.gazetteer"));
    std::fs::write(&table, format!("{TABLE}Q1\tcity\tar\tبغداد\nx:y\tplace\tarabic\tبغداد\n")).unwrap();
    let (code, _, err) = copydesk(&["gazetteer", "build", table.to_str().unwrap(), "--out", compiled.to_str().unwrap()], "");
    assert_eq!(code, 1);
    assert!(
        err.contains("2 rows are wrong") && err.contains("line 5: found the type 'city'") && err.contains("line 6: found the language"),
        "{err}"
    );
    assert!(!compiled.exists());
    let (code, _, err) = copydesk(&["enrich", "--set", &with(&table)], "Some words of an article.");
    assert_eq!((code, err.contains("enrich.gazetteers: ") && err.contains("line 5")), (64, true), "{err}");
    let (code, _, err) = copydesk(&["run", "--set", &with(Path::new("no/such.tsv")), "--listen", "127.0.0.1:0"], "");
    assert_eq!((code, err.contains("no/such.tsv")), (64, true), "{err}");
}

#[test]
fn a_damaged_or_cut_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (table, compiled) = (folder.path().join("mine.tsv"), folder.path().join("mine.gazetteer"));
    std::fs::write(&table, TABLE).unwrap();
    copydesk(&["gazetteer", "build", table.to_str().unwrap(), "--out", compiled.to_str().unwrap()], "");
    let whole = std::fs::read(&compiled).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (bytes, expected) in [(&damaged[..], "checksum does not fit"), (&whole[..whole.len() - 3], "copy it anew")] {
        std::fs::write(&compiled, bytes).unwrap();
        let (code, _, err) = copydesk(&["gazetteer", "check", compiled.to_str().unwrap()], "");
        assert_eq!((code, err.contains(expected)), (1, true), "{err}");
    }
}

#[test]
fn names_that_are_everyday_words_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mine.tsv");
    std::fs::write(&table, "desk:kan\tplace\tar\tكان\ndesk:paris\tperson\ten\tParis\ndesk:x\tplace\ten\tBlorvik\n").unwrap();
    let (code, out, _) = copydesk(&["gazetteer", "check", table.to_str().unwrap()], "");
    assert_eq!(code, 0);
    assert!(out.contains("1 names that are everyday words") && out.contains("ar: كان"), "{out}");
    assert!(out.contains("1 names that shipped entities of other ids bear") && out.contains("en: paris"), "{out}");
}

#[test]
fn shipped_tables_are_compiled() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/enrich/data");
    let mut tables: Vec<String> = std::fs::read_dir(data.join("gazetteer"))
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with(".tsv"))
        .collect();
    tables.sort();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("gazetteer.bin");
    let mut arguments = vec!["gazetteer", "build", "--out", out.to_str().unwrap()];
    arguments.extend(tables.iter().map(String::as_str));
    let (code, _, err) = copydesk(&arguments, "");
    assert_eq!(code, 0, "{err}");
    assert!(
        std::fs::read(&out).unwrap() == std::fs::read(data.join("gazetteer.bin")).unwrap(),
        "a table changed: copydesk gazetteer build src/enrich/data/gazetteer/*.tsv --out src/enrich/data/gazetteer.bin, then build again"
    );
}

#[test]
fn a_running_service_reads_a_replaced_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("mine.tsv");
    replace(&table, TABLE);
    // Gazetteers are in use before a broker answers.
    let files = table.display().to_string();
    let service = Copydesk::run("127.0.0.1:1", &[("enrich.gazetteers", &files), ("enrich.refresh", "100ms")]);
    service.wait_for_metric("copydesk_gazetteer_entities 2");
    replace(&table, &format!("{TABLE}desk:third\tperson\tund\tThird Person\n"));
    service.wait_for_metric("copydesk_gazetteer_entities 3");
    replace(&table, "nonsense\n");
    service.wait_for_metric("copydesk_gazetteer_loads_total{result=\"failed\"} 1");
    service.wait_for_metric("copydesk_gazetteer_entities 3");
    replace(&table, TABLE);
    service.wait_for_metric("copydesk_gazetteer_entities 2");
    assert!(service.log().contains("those read before stay in use"), "{}", service.log());
}
