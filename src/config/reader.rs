//! Reading the layers of a configuration: what was given, by whom, and what is wrong with it.

use std::{collections::BTreeMap, path::Path as FilePath, time::Duration};

use super::settings::SETTINGS;
use crate::stream;

/// A value as given, and by whom.
#[derive(Debug, Clone)]
struct Given {
    items: Vec<String>,
    origin: String,
}

/// The layers as they are read, and the faults found on the way.
#[derive(Debug, Default)]
pub(super) struct Reader {
    given: BTreeMap<&'static str, Given>,
    pub(super) librdkafka: BTreeMap<String, String>,
    pub(super) faults: Vec<String>,
}

impl Reader {
    pub(super) fn read_file(&mut self, path: &FilePath) {
        let shown = path.display();
        match std::fs::read_to_string(path) {
            Ok(text) => self.read_text(&text, &format!("file {shown}")),
            Err(error) => self.faults.push(format!("file {shown}: cannot be read: {error}")),
        }
    }

    pub(super) fn read_text(&mut self, text: &str, origin: &str) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.read_table("", table, origin),
            Err(error) => {
                // The error's own display quotes the line, which may hold a secret.
                let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
                self.faults.push(format!("{origin}, line {line}: not TOML: {}", error.message().replace('\n', " ")));
            }
        }
    }

    pub(super) fn read_table(&mut self, prefix: &str, table: toml::Table, origin: &str) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(table) => self.read_table(&path, table, origin),
                toml::Value::Array(items) => {
                    let items = items.iter().map(plain).collect();
                    self.give_by_path(&path, items, origin.to_owned());
                }
                value => self.give_by_path(&path, vec![plain(&value)], origin.to_owned()),
            }
        }
    }

    pub(super) fn give_by_path(&mut self, path: &str, items: Vec<String>, origin: String) {
        if let Some(key) = path.strip_prefix("librdkafka.") {
            let bare = key.strip_prefix("consumer.").or(key.strip_prefix("producer.")).unwrap_or(key);
            if stream::refused_keys().contains(&bare) {
                self.faults.push(format!(
                    "{origin}: librdkafka.{key} is owned by copydesk; the delivery guarantee rests on it, or a setting of [kafka] covers it"
                ));
            } else {
                self.librdkafka.insert(key.to_owned(), items.join(","));
            }
            return;
        }
        match SETTINGS.iter().find(|setting| setting.path == path) {
            Some(setting) => self.give(setting.path, items, origin),
            None => self.unknown(&origin, path, SETTINGS.iter().map(|setting| setting.path.to_owned())),
        }
    }

    pub(super) fn give(&mut self, path: &'static str, items: Vec<String>, origin: String) {
        self.given.insert(path, Given { items, origin });
    }

    pub(super) fn unknown(&mut self, origin: &str, name: &str, known: impl Iterator<Item = String>) {
        let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        self.faults.push(format!("{origin}: unknown setting '{name}'; did you mean '{}'?", nearest.unwrap_or_default()));
    }

    /// The value of a setting as text, default included.
    pub(super) fn text(&self, path: &'static str) -> String {
        match self.given.get(path) {
            Some(given) => given.items.join(","),
            None => SETTINGS.iter().find(|setting| setting.path == path).map(|setting| setting.default.to_owned()).unwrap_or_default(),
        }
    }

    pub(super) fn origin(&self, path: &str) -> String {
        self.given.get(path).map_or_else(|| "default".to_owned(), |given| given.origin.clone())
    }

    pub(super) fn optional(&self, path: &'static str) -> Option<String> {
        Some(self.text(path).trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn list(&self, path: &'static str) -> Vec<String> {
        self.text(path).split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// A parsed value; a fault is noted and the parse of the default stands in for it.
    pub(super) fn parse<T>(&mut self, path: &'static str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(path);
        let value = parse(text.trim());
        if value.is_none() {
            let origin = self.origin(path);
            self.fault(path, &format!("found '{text}' ({origin}); wanted {wanted}"));
        }
        value
    }

    pub(super) fn fault(&mut self, path: &str, what: &str) {
        self.faults.push(format!("{path}: {what}"));
    }

    pub(super) fn topic(&mut self, path: &'static str) -> Option<String> {
        self.parse(path, "a topic name: 1 to 249 of letters, digits, '.', '_' and '-'", |text| is_topic(text).then(|| text.to_owned()))
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

pub(super) fn positive(text: &str) -> Option<usize> {
    text.parse::<usize>().ok().filter(|number| *number >= 1)
}

pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let duration = text.parse::<jiff::SignedDuration>().ok()?;
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(86_400))
}

pub(super) fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))?;
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

pub(super) fn is_topic(text: &str) -> bool {
    (1..=249).contains(&text.len()) && !matches!(text, "." | "..") && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
}

pub(super) fn is_brokers(text: &str) -> bool {
    text.split(',').all(|broker| broker.trim().rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()))
}
