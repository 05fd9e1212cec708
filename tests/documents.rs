//! README held against the code. `UPDATE_DOCS=1 cargo test --test documents` rewrites the tables that are generated.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, path::PathBuf};

use copydesk::{
    article::{Reason, SCHEMA},
    cli::Exit,
    config::SETTINGS,
    metrics::Metrics,
    stream::header,
};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn tables() -> [(&'static str, String); 3] {
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
    [("settings", settings), ("metrics", metrics), ("exit codes", exits)]
}

#[test]
fn generated_tables_are_up_to_date() {
    let mut readme = std::fs::read_to_string(path()).unwrap();
    for (name, table) in tables() {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = readme.find(&open).unwrap() + open.len();
        let end = readme.find(&close).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            readme.replace_range(start..end, &table);
        } else {
            assert_eq!(readme.get(start..end).unwrap(), table, "run UPDATE_DOCS=1 cargo test --test documents");
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), readme).unwrap();
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
