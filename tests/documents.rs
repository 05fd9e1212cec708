//! README and the model card held against the code. `UPDATE_DOCS=1 cargo test --test documents` rewrites the tables that are generated.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, path::PathBuf};

use copydesk::{
    article::{Reason, SCHEMA},
    cli::Exit,
    config::SETTINGS,
    enrich::Identifier,
    eval::Report,
    metrics::Metrics,
    stream::header,
};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// Every generated table: its document, its mark there, its lines.
fn tables() -> [(PathBuf, &'static str, String); 5] {
    let mut settings = "| setting | default | what it does |\n|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        settings += &format!("| `{}` | {default} | {} |\n", setting.path, setting.help);
    }
    let mut metrics = "| metric | what it tells |\n|---|---|\n".to_owned();
    for (name, help) in Metrics::catalogue().unwrap().iter().filter(|(name, _)| name.starts_with("copydesk_")) {
        metrics += &format!("| `{name}` | {help} |\n");
    }
    let mut exits = "| exit code | meaning |\n|---|---|\n".to_owned();
    for (exit, meaning) in Exit::ALL {
        exits += &format!("| {} | {meaning} |\n", exit as u8);
    }
    let mut languages = Identifier::shipped().tags();
    languages.retain(|(tag, _)| *tag != "und");
    languages.sort_unstable();
    let list = |kept: fn(u32) -> bool| -> String {
        let some: Vec<String> = languages.iter().filter(|(_, texts)| kept(*texts)).map(|(tag, texts)| format!("{tag} {texts}")).collect();
        some.join(", ")
    };
    let languages = format!(
        "| training texts | tags and their number |\n|---|---|\n| 700 and more | {} |\n| 300 to 699 | {} |\n\
         | fewer than 300: **too little**, expect mistakes on short texts | {} |\n| none: the script alone decides | {} |\n",
        list(|texts| texts >= 700),
        list(|texts| (300..700).contains(&texts)),
        list(|texts| (1..300).contains(&texts)),
        list(|texts| texts == 0).replace(" 0", ""),
    );
    let card = path().with_file_name("src").join("enrich/data/README.md");
    // All but the times of the language table, which no two runs have in common.
    let corpus = path().with_file_name("tests").join("corpus");
    let accuracy = Report::measure(&[corpus], Some("dev")).unwrap().tables();
    let accuracy = accuracy.get(accuracy.find("**Cleaning**").unwrap()..).unwrap().to_owned();
    [
        (path(), "settings", settings),
        (path(), "metrics", metrics),
        (path(), "exit codes", exits),
        (card.clone(), "languages", languages),
        (card, "accuracy", accuracy),
    ]
}

#[test]
fn generated_tables_are_up_to_date() {
    for (path, name, table) in tables() {
        let mut document = std::fs::read_to_string(&path).unwrap();
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = document.find(&open).unwrap() + open.len();
        let end = document.find(&close).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            document.replace_range(start..end, &table);
            std::fs::write(&path, document).unwrap();
        } else {
            assert_eq!(document.get(start..end).unwrap(), table, "run UPDATE_DOCS=1 cargo test --test documents");
        }
    }
}

/// First cells of the table that begins with this header line.
fn first_cells(header: &str) -> BTreeSet<String> {
    let readme = std::fs::read_to_string(path()).unwrap();
    let lines = readme.lines().skip_while(|line| *line != header).skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn every_reason_and_header_is_documented_and_no_other() {
    let reasons = Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect();
    assert_eq!(first_cells("| code | stage | meaning |"), reasons);
    let headers = header::ALL.iter().map(|header| (*header).to_owned()).collect();
    assert_eq!(first_cells("| header | on | value |"), headers);
    assert!(std::fs::read_to_string(path()).unwrap().contains(SCHEMA));
}

#[test]
fn reasons_stand_with_their_stage() {
    let readme = std::fs::read_to_string(path()).unwrap();
    for reason in Reason::ALL {
        assert!(readme.contains(&format!("| `{}` | {} |", reason.code(), reason.stage())), "{}", reason.code());
    }
}

/// Every test that the list of traps names exists.
#[test]
fn every_trap_is_held_by_a_test_that_exists() {
    fn sources(folder: PathBuf, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sources(entry, text);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(entry).unwrap());
            }
        }
    }
    let mut code = String::new();
    ["src", "tests"].iter().for_each(|folder| sources(path().with_file_name(folder), &mut code));
    let traps = std::fs::read_to_string(path().with_file_name("tests").join("traps.md")).unwrap();
    let rows: Vec<&str> = traps.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 30);
    for row in rows {
        let tests: Vec<&str> = row.split('|').nth(2).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")) || code.contains(&format!("(\"{test}\", ")), "{test} of: {row}");
        }
    }
}
