//! The parts of a configuration that make one value of several settings: delivery, quarantine, security, routing.

use super::reader::{Reader, is_topic, parse_duration, positive};
use crate::{
    enrich::{Identifier, TOPICS},
    stream::{Delivery, Quarantine, Routing, Security, Transactions},
};

impl Reader {
    pub(super) fn delivery(&mut self, group: &str) -> Option<Delivery> {
        let duration = "a duration such as 100ms or 30s";
        let shortest = self.parse("kafka.transaction_window", duration, parse_duration);
        let longest = self.parse("kafka.transaction_window_max", duration, parse_duration);
        let timeout = self.parse("kafka.transaction_timeout", duration, parse_duration);
        let exactly = self.parse("kafka.delivery", "at-least-once or exactly-once", |text| match text {
            "at-least-once" => Some(false),
            "exactly-once" => Some(true),
            _ => None,
        })?;
        let (shortest, longest, timeout) = (shortest?, longest?, timeout?);
        if !exactly {
            return Some(Delivery::AtLeastOnce);
        }
        if shortest > longest {
            self.fault("kafka.transaction_window", "must not exceed kafka.transaction_window_max");
        }
        if longest * 2 > timeout {
            self.fault(
                "kafka.transaction_timeout",
                &format!(
                    "{timeout:?} must be at least twice kafka.transaction_window_max = {longest:?}, or brokers abort what is still gathered"
                ),
            );
        }
        let Some(instance) = self.optional("kafka.instance") else {
            self.fault(
                "kafka.instance",
                "empty; exactly-once needs one for each instance that is the same after a restart, such as the ordinal of a StatefulSet",
            );
            return None;
        };
        Some(Delivery::ExactlyOnce(Transactions { id: format!("{group}-{instance}"), timeout, shortest, longest }))
    }

    pub(super) fn quarantine(&mut self) -> Option<Quarantine> {
        let share = self
            .parse("quarantine.share", "a number from 0 to 1", |text| text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)));
        let window = self.parse("quarantine.window", "a duration such as 5m", parse_duration);
        let least = self.parse("quarantine.least", "a whole number of at least 1", positive);
        Some(Quarantine { share: share?, window: window?, least: least? as u64 })
    }

    pub(super) fn security(&mut self) -> Security {
        let one_of = |text: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(text));
        let mut checked = |path: &'static str, known: &[&str]| {
            let text = self.optional(path)?;
            if !one_of(&text, known) {
                self.fault(path, &format!("found '{text}'; wanted one of {}", known.join(", ")));
            }
            Some(text)
        };
        let protocol = checked("kafka.security_protocol", &["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]);
        let mechanism = checked("kafka.sasl_mechanism", &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]);
        let password = self.secret("kafka.sasl_password", "kafka.sasl_password_file");
        let client_secret = self.secret("kafka.oauth_client_secret", "kafka.oauth_client_secret_file");
        let (token_url, client_id) = (self.optional("kafka.oauth_token_url"), self.optional("kafka.oauth_client_id"));
        let oauth = mechanism.as_deref().is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("OAUTHBEARER"));
        if oauth && (token_url.is_none() || client_id.is_none() || client_secret.is_none()) {
            self.fault(
                "kafka.oauth_token_url",
                "OAUTHBEARER needs kafka.oauth_token_url, kafka.oauth_client_id and kafka.oauth_client_secret",
            );
        }
        if !oauth && token_url.is_some() {
            self.fault("kafka.oauth_token_url", "set without kafka.sasl_mechanism = OAUTHBEARER");
        }
        for path in ["kafka.ssl_ca_file", "kafka.ssl_certificate_file", "kafka.ssl_key_file"] {
            if let Some(file) = self.optional(path)
                && let Err(error) = std::fs::metadata(&file)
            {
                self.fault(path, &format!("'{file}' cannot be read: {error}"));
            }
        }
        Security {
            protocol,
            mechanism,
            username: self.optional("kafka.sasl_username"),
            password,
            token_url,
            client_id,
            client_secret,
            scope: self.optional("kafka.oauth_scope"),
            ca_file: self.optional("kafka.ssl_ca_file"),
            certificate_file: self.optional("kafka.ssl_certificate_file"),
            key_file: self.optional("kafka.ssl_key_file"),
            key_password: self.optional("kafka.ssl_key_password"),
        }
    }

    /// A secret given as it is, or as the content of a file.
    pub(super) fn secret(&mut self, path: &'static str, file_path: &'static str) -> Option<String> {
        let given = self.optional(path);
        let Some(file) = self.optional(file_path) else { return given };
        if given.is_some() {
            self.fault(file_path, &format!("{path} is set too; set one of them"));
        }
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => {
                self.fault(file_path, &format!("'{file}' cannot be read: {error}"));
                None
            }
        }
    }

    pub(super) fn routing(&mut self) -> Option<Routing> {
        let values = self.list("routing.values");
        let Some(template) = self.optional("routing.template") else {
            if !values.is_empty() {
                self.fault("routing.values", "set without routing.template; set both or neither");
            }
            return None;
        };
        let Some(placeholder) = Routing::placeholder(&template) else {
            self.fault("routing.template", &format!("found '{template}'; wanted a topic name with {{language}} or {{topic}} in it"));
            return None;
        };
        if values.is_empty() {
            self.fault("routing.values", "empty; list the languages or topics that have a topic of their own, such as [\"ar\", \"en\"]");
        }
        let tags = Identifier::shipped().tags();
        for value in &values {
            let known = match placeholder {
                "{language}" => tags.iter().any(|(tag, _)| tag == value || tag.split('-').next() == Some(value.as_str())),
                _ => TOPICS.iter().any(|(slug, ..)| slug == value),
            };
            if !known {
                let kind = if placeholder == "{language}" {
                    "language tag copydesk gives"
                } else {
                    "topic; topics are arts, crime, disaster, …"
                };
                self.fault("routing.values", &format!("'{value}' is no {kind}"));
            }
        }
        let routing = Routing { template, values };
        let wrong = routing.topics().find(|topic| !is_topic(topic));
        if let Some(topic) = wrong {
            self.fault("routing.template", &format!("gives '{topic}', which is no topic name"));
        }
        Some(routing)
    }
}
