//! `copydesk check`: is everything there that the service needs?

use std::time::Duration;

use super::{Configured, Exit, runtime};
use crate::stream;

/// Prints what it finds; fails when Kafka cannot be reached or a topic is missing or too narrow.
pub(super) fn run(configured: Configured) -> Result<Exit, Exit> {
    let config = configured.start()?;
    println!("settings");
    for (path, value, origin) in config.effective().filter(|(_, value, origin)| !value.is_empty() || *origin != "default") {
        println!("  {path} = {value}{}", if origin == "default" { String::new() } else { format!("   ({origin})") });
    }
    println!(
        "memory bound of messages: {} MiB; models and code about 40 MiB on top, and what a fetch of {} MiB from each broker unpacks to",
        config.memory_bound() >> 20,
        stream::FETCH_BYTES >> 20
    );

    let settings = config.stream;
    let (brokers, topics) = match stream::fetch_topics(&settings, Duration::from_secs(8)) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("cannot reach Kafka at kafka.brokers = {}: {error}", settings.brokers);
            return Err(Exit::Unavailable);
        }
    };
    println!("brokers: {brokers} answer at {}", settings.brokers);
    let needed = settings.topics();
    let mut faults = 0;
    for topic in &needed {
        match topics.iter().find(|(known, _)| known == topic) {
            Some((_, partitions)) => println!("topic {topic}: {partitions} partitions"),
            None => {
                println!("topic {topic}: missing; create it with `copydesk topics create`");
                faults += 1;
            }
        }
    }
    if faults == 0 {
        match runtime(1)?.block_on(stream::largest_records(&settings, &needed)) {
            Ok(sizes) => faults += narrow(&settings, &sizes),
            Err(error) => println!("topic sizes are not known: {error}"),
        }
    }
    println!("{}", if faults == 0 { "everything is there" } else { "not ready" });
    Ok(if faults == 0 { Exit::Success } else { Exit::Unavailable })
}

/// Dead letters are the input, whole: their topic must take what the input topics take.
fn narrow(settings: &stream::Settings, sizes: &[(String, Option<usize>)]) -> usize {
    let size = |topic: &str| sizes.iter().find(|(known, _)| known == topic).and_then(|(_, size)| *size);
    let Some(letters) = size(&settings.dead_letters) else { return 0 };
    let mut faults = 0;
    for topic in &settings.input {
        if let Some(input) = size(topic).filter(|input| *input > letters) {
            println!(
                "topic {}: takes records of {letters} bytes and {topic} of {input}; raise its max.message.bytes",
                settings.dead_letters
            );
            faults += 1;
        }
        if let Some(input) = size(topic).filter(|input| *input > settings.max_message_bytes) {
            println!("topic {topic}: takes records of {input} bytes; raise kafka.max_message_bytes ({})", settings.max_message_bytes);
            faults += 1;
        }
    }
    faults
}
