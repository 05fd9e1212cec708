//! copydesk enriches news on Kafka: raw articles in, in any language and whatever shape a crawler wrote them; clean text,
//! language, people, organisations, places and IPTC Media Topics out.
//!
//! ```text
//!            ┌───────────── stream ─────────────┐
//!  Kafka ──▶ poll thread ──▶ work, in order ──▶ sink ──▶ Kafka
//!            (source)        │        ▲         (outputs, dead letters; offsets follow delivery)
//!                            ▼        │
//!                    Message │        │ Outcome
//!                       ┌────┴────────┴───┐
//!                       │    pipeline     │   pure: no Kafka, no clock in the result, no settings files
//!                       │ intake ─▶ enrich│
//!                       └─────────────────┘
//!  around it: config (file, environment, flags) · gazetteer, taxonomy (files of one's own) · metrics · http · service (start to drained end) · cli
//! ```
//!
//! What each part does *not* know keeps the whole simple:
//! - `enrich` and `intake` import nothing of `stream`, `metrics`, `http`, `config`, tokio or rdkafka; equal bytes in give
//!   equal bytes out.
//! - `stream` imports nothing of `enrich` or `intake`: the work is a closure from [`article::Message`] to
//!   [`article::Outcome`], so delivery is tested without models and `copydesk enrich` runs without Kafka.
//! - `rdkafka` is named only in `stream`, `prometheus` only in [`metrics`], the environment is read only in [`config`].
//! - Nothing global but immutable tables, no `unsafe`, no unbounded channel.
//! - Data errors are values ([`article::Outcome::Rejected`]); infrastructure errors end the process.

pub mod article;
pub mod cli;
pub mod config;
pub mod diff;
pub mod enrich;
pub mod eval;
pub mod files;
pub mod gazetteer;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod pipeline;
pub mod pretty;
pub mod service;
pub mod stream;
pub mod taxonomy;
pub mod train;

/// `copydesk/` and the version: what stamps documents and headers.
pub const SERVICE: &str = concat!("copydesk/", env!("CARGO_PKG_VERSION"));
