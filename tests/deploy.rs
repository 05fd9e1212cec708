//! What is deployed, held against the code: metric names in dashboards and alerts, settings in the compose file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, path::Path};

use copydesk::{config::Config, metrics::Metrics};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn metrics_named_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("copydesk_")).map(str::to_owned).collect()
}

#[test]
fn dashboards_and_alerts_name_metrics_that_exist() {
    let known: BTreeSet<String> = Metrics::catalogue().unwrap().into_iter().map(|(name, _)| name).collect();
    for path in ["deploy/grafana/dashboards/copydesk.json", "deploy/prometheus/alerts.yml"] {
        let named = metrics_named_in(&read(path));
        assert!(!named.is_empty());
        for name in named {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
            assert!(known.contains(family) || known.contains(&name), "{path}: {name}");
        }
    }
}

#[test]
fn every_metric_of_ours_is_on_the_dashboard() {
    let named = metrics_named_in(&read("deploy/grafana/dashboards/copydesk.json"));
    for (name, _) in Metrics::catalogue().unwrap().iter().filter(|(name, _)| name.starts_with("copydesk_")) {
        assert!(named.iter().any(|named| named.starts_with(name.as_str())), "{name}");
    }
}

#[test]
fn the_deployed_configuration_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/copydesk.toml");
    let config = Config::from(Some(&path), &[], &[]).unwrap();
    assert_eq!(config.stream.brokers, "kafka:9092");
    let compose = read("docker-compose.yml");
    assert!(compose.contains("KAFKA_LISTENERS: PLAINTEXT://:9092") && compose.contains("apache/kafka:"));
    assert_eq!(config.listen.port(), 9464, "the port Prometheus scrapes");
    assert!(read("deploy/prometheus/prometheus.yml").contains("copydesk:9464"));
    let version = read("tests/kafka/pom.xml").split("<kafka>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(compose.contains(&format!("apache/kafka:{version}")), "the tests run the Kafka that is deployed");
}
