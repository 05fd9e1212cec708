//! copydesk enriches news on Kafka: clean text, language, people, organisations, places, IPTC Media Topics.
#![warn(missing_docs)]

pub mod article;
pub mod config;
pub mod enrich;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod pipeline;
pub mod stream;

/// `copydesk/` and the version: what stamps documents and headers.
pub const SERVICE: &str = concat!("copydesk/", env!("CARGO_PKG_VERSION"));
