//! Topics: which exist, which sizes they take, and making those that are missing.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    error::RDKafkaErrorCode,
};

use super::{
    Settings, StreamError,
    client::{self, Quiet},
};

/// What became of a topic that was to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    Yes,
    /// It was there.
    Existed,
    /// The broker refused.
    No(String),
}

fn admin(settings: &Settings) -> Result<AdminClient<Quiet>, StreamError> {
    client::producer(settings)
        .create_with_context(Quiet::default())
        .map_err(|error| StreamError::Client { role: "admin client", error: client::masked(error) })
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(Duration::from_secs(15))).operation_timeout(Some(Duration::from_secs(15)))
}

/// Makes topics that take records as large as copydesk writes. Existing ones are left as they are.
///
/// # Errors
/// When the brokers do not answer.
pub async fn create_topics(
    settings: &Settings,
    topics: &[String],
    partitions: i32,
    replication: i32,
) -> Result<Vec<(String, Created)>, StreamError> {
    let largest = settings.max_message_bytes.to_string();
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(replication)).set("max.message.bytes", &largest))
        .collect();
    let results = admin(settings)?
        .create_topics(&new, &options())
        .await
        .map_err(|error| StreamError::Client { role: "admin client", error: client::masked(error) })?;
    Ok(results
        .into_iter()
        .map(|result| match result {
            Ok(topic) => (topic, Created::Yes),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => (topic, Created::Existed),
            Err((topic, code)) => (topic, Created::No(format!("{code}"))),
        })
        .collect())
}

/// The largest record each topic takes, where the broker tells.
///
/// # Errors
/// When the brokers do not answer.
pub async fn largest_records(settings: &Settings, topics: &[String]) -> Result<Vec<(String, Option<usize>)>, StreamError> {
    let specifiers: Vec<ResourceSpecifier<'_>> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let results = admin(settings)?
        .describe_configs(&specifiers, &options())
        .await
        .map_err(|error| StreamError::Client { role: "admin client", error: client::masked(error) })?;
    Ok(topics
        .iter()
        .zip(results)
        .map(|(topic, result)| {
            let value = result.ok().and_then(|resource| resource.get("max.message.bytes").and_then(|entry| entry.value.clone()));
            (topic.clone(), value.and_then(|value| value.parse().ok()))
        })
        .collect())
}
