//! Dates as crawlers write them, to RFC 3339 in UTC. A time without a zone is read as UTC.

use jiff::{Timestamp, civil, fmt::rfc2822, tz::TimeZone};
use serde_json::Value;

/// Reads a date from a string or an epoch in seconds or milliseconds.
pub(super) fn read(value: &Value) -> Option<String> {
    let timestamp = match value {
        Value::Number(number) => epoch(number.as_f64()? as i64)?,
        Value::String(text) => parse(text.trim())?,
        _ => return None,
    };
    Some(timestamp.to_string())
}

/// RFC 3339 of milliseconds since the epoch.
pub(super) fn from_milliseconds(milliseconds: i64) -> Option<String> {
    (milliseconds >= 0).then(|| Timestamp::from_millisecond(milliseconds).ok()).flatten().map(|timestamp| timestamp.to_string())
}

fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if text.chars().all(|c| c.is_ascii_digit()) && matches!(text.len(), 9 | 10 | 13) {
        return epoch(text.parse().ok()?);
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(zoned.timestamp());
    }
    for format in ["%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M:%S%z", "%Y%m%dT%H%M%SZ"] {
        if let Ok(broken) = jiff::fmt::strtime::parse(format, text) {
            if let Ok(timestamp) = broken.to_timestamp() {
                return Some(timestamp);
            }
            if let Ok(datetime) = broken.to_datetime() {
                return utc(datetime);
            }
        }
    }
    if let Ok(datetime) = text.parse::<civil::DateTime>() {
        return utc(datetime);
    }
    utc(text.parse::<civil::Date>().ok()?.at(0, 0, 0, 0))
}

fn utc(datetime: civil::DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(datetime).ok()
}

/// Ten digits are seconds, thirteen are milliseconds.
fn epoch(number: i64) -> Option<Timestamp> {
    let timestamp = if number.abs() >= 100_000_000_000 { Timestamp::from_millisecond(number) } else { Timestamp::from_second(number) };
    timestamp.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_crawlers_write() {
        for (written, expected) in [
            (json!("2026-11-20T10:15:00+02:00"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20T08:15:00Z"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20 08:15:00"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20T08:15:00"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20 10:15:00+02:00"), Some("2026-11-20T08:15:00Z")),
            (json!("Fri, 20 Nov 2026 08:15:00 GMT"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20"), Some("2026-11-20T00:00:00Z")),
            (json!("20261120T081500Z"), Some("2026-11-20T08:15:00Z")),
            (json!(1_795_162_500), Some("2026-11-20T08:15:00Z")),
            (json!(1_795_162_500_000i64), Some("2026-11-20T08:15:00Z")),
            (json!("1795162500"), Some("2026-11-20T08:15:00Z")),
            (json!("yesterday"), None),
            (json!(true), None),
            (json!(9e30), None),
        ] {
            assert_eq!(read(&written).as_deref(), expected, "{written}");
        }
    }
}
