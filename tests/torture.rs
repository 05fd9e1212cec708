//! Delivery under faults, proven by counting: a cluster of three Apache Kafka nodes, instances killed and stopped, brokers
//! killed, networks cut. Every scenario prints its counts.
//!
//! `cargo test --release --test torture` is the short form, some seven minutes, a step of CI. The long form, three hours:
//! `cargo test --release --test torture -- --long`; `--only NAME` picks scenarios, `--minutes N` shortens the soak. Java 17 is needed, as for
//! `kafka`. What it measures means nothing without optimisation, so `cargo test` leaves it out, and says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unreachable_pub, reason = "one program, of several files")]

mod support;
#[path = "torture/mod.rs"]
mod torture;

use std::{process::ExitCode, time::Instant};

use support::cluster::Broker;
use torture::{Scale, cuts, faults, poison, soak};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        println!("not tortured in this build: cargo test --release --test torture");
        return ExitCode::SUCCESS;
    }
    if let Some(why) = Broker::unavailable() {
        eprintln!("no real Kafka here, so nothing is tortured: {why}");
        return if std::env::var_os("KAFKA_REQUIRED").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let long = arguments.iter().any(|argument| argument == "--long");
    let scale = if long { Scale::Long } else { Scale::Short };
    let only: Vec<&str> = arguments
        .iter()
        .skip_while(|argument| *argument != "--only")
        .skip(1)
        .take_while(|argument| !argument.starts_with('-'))
        .map(String::as_str)
        .collect();
    type Scenario = (&'static str, fn(Scale));
    let scenarios: [Scenario; 9] = [
        ("exactly-once-small", |scale| faults::run(scale, faults::Load::Small, "exactly-once")),
        ("exactly-once-real-size", |scale| faults::run(scale, faults::Load::RealSize, "exactly-once")),
        ("at-least-once-small", |scale| faults::run(scale, faults::Load::Small, "at-least-once")),
        ("network-cut", cuts::network),
        ("disk-full", cuts::disk),
        ("poison", poison::run),
        ("cost", soak::cost),
        ("soak-exactly-once", |scale| soak::run(scale, "exactly-once")),
        ("soak-at-least-once", |scale| soak::run(scale, "at-least-once")),
    ];
    for (name, scenario) in scenarios {
        // One soak is enough for the short form.
        let wanted = only.is_empty() && (long || name != "soak-at-least-once");
        if wanted || only.contains(&name) {
            let begun = Instant::now();
            println!("== {name}");
            scenario(scale);
            println!("{name}: passed in {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    ExitCode::SUCCESS
}
