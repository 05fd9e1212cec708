//! The language identifier of copydesk beside lingua (high accuracy), whatlang and whichlang: same texts, same run, one thread.
//!
//! `cargo run --release --manifest-path benches/compare/Cargo.toml -- FILE…`, where a file holds lines of label, tab, text.
//! Detectors give the tags they have; a language that one lacks counts against it.

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use copydesk::{
    enrich::Identifier,
    eval::language::{Answer, items, measure, table},
};
use lingua::{LanguageDetector, LanguageDetectorBuilder};

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let files = match items(&paths) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => {
            eprintln!("name the files to compare on: lines of label, tab, text");
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let own = Identifier::shipped();
    let lingua = LanguageDetectorBuilder::from_all_languages().with_preloaded_language_models().build();
    let detectors: [(&str, &dyn Fn(&str) -> Answer); 4] = [
        ("copydesk", &|text| {
            let found = own.identify(None, text, None);
            Answer { tag: found.tag.to_owned(), confidence: Some(found.confidence) }
        }),
        ("lingua-high", &|text| ask_lingua(&lingua, text)),
        ("whatlang", &|text| ask_whatlang(text)),
        ("whichlang", &|text| Answer { tag: tag(whichlang::detect_language(text).three_letter_code()), confidence: None }),
    ];
    let mut scores = Vec::new();
    for (name, detect) in detectors {
        for (file, items) in &files {
            scores.push(measure(name, file, items, detect));
        }
    }
    scores.sort_by(|left, right| left.file.cmp(&right.file));
    print!("{}", table(&scores));
    ExitCode::SUCCESS
}

fn ask_lingua(lingua: &LanguageDetector, text: &str) -> Answer {
    // The same answer as `detect_language_of`, with its probability.
    match lingua.compute_language_confidence_values(text).first() {
        Some((language, confidence)) if *confidence > 0.0 => {
            Answer { tag: tag(&language.iso_code_639_1().to_string()), confidence: Some(*confidence) }
        }
        _ => Answer { tag: "und".to_owned(), confidence: Some(0.0) },
    }
}

fn ask_whatlang(text: &str) -> Answer {
    match whatlang::detect(text) {
        Some(found) => Answer { tag: tag(found.lang().code()), confidence: Some(found.confidence()) },
        None => Answer { tag: "und".to_owned(), confidence: Some(0.0) },
    }
}

/// ISO 639-3 codes to the labels of the files.
fn tag(code: &str) -> String {
    let short = copydesk::intake::canonical_language(code).unwrap_or_else(|| "und".to_owned());
    match short.as_str() {
        "cmn" => "zh".to_owned(),
        "no" => "nb".to_owned(),
        "pes" => "fa".to_owned(),
        _ => match lingua::IsoCode639_3::from_str(&short).map(|code| lingua::Language::from_iso_code_639_3(&code)) {
            Ok(language) => language.iso_code_639_1().to_string(),
            Err(_) => short,
        },
    }
}
