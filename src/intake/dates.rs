//! Dates as crawlers write them, to a point in time. One without a zone is read in the zone of the settings, and said to be.

use jiff::{Timestamp, civil, fmt::rfc2822, fmt::strtime, tz::TimeZone};
use serde_json::Value;

use crate::article::{DatePrecision, DateReading};

/// Milliseconds after which a date ahead of the record's own is flagged: 90 days, as Media Cloud has it.
const FAR_AHEAD: i64 = 90 * 24 * 3600 * 1000;

/// Formats beyond RFC 3339 and RFC 2822; digits of any script, English names of months. Day before month where both fit.
const FORMATS: [(&str, DatePrecision); 32] = [
    ("%Y-%m-%d %H:%M:%S%:z", DatePrecision::Second),
    ("%Y-%m-%d %H:%M:%S %z", DatePrecision::Second),
    ("%Y-%m-%dT%H:%M:%S%z", DatePrecision::Second),
    ("%Y-%m-%d %H:%M:%S UTC", DatePrecision::Second),
    ("%Y-%m-%d %H:%M:%S GMT", DatePrecision::Second),
    ("%Y%m%dT%H%M%SZ", DatePrecision::Second),
    ("%Y%m%d%H%M%S", DatePrecision::Second),
    ("%Y-%m-%d %H:%M", DatePrecision::Minute),
    ("%Y/%m/%d %H:%M:%S", DatePrecision::Second),
    ("%Y/%m/%d %H:%M", DatePrecision::Minute),
    ("%Y/%m/%d", DatePrecision::Day),
    ("%Y%m%d", DatePrecision::Day),
    ("%d/%m/%Y %H:%M:%S", DatePrecision::Second),
    ("%d/%m/%Y %H:%M", DatePrecision::Minute),
    ("%d/%m/%Y - %H:%M", DatePrecision::Minute),
    ("%d/%m/%Y", DatePrecision::Day),
    ("%m/%d/%Y %H:%M:%S", DatePrecision::Second),
    ("%m/%d/%Y %H:%M", DatePrecision::Minute),
    ("%m/%d/%Y", DatePrecision::Day),
    ("%d.%m.%Y %H:%M:%S", DatePrecision::Second),
    ("%d.%m.%Y %H:%M", DatePrecision::Minute),
    ("%d.%m.%Y", DatePrecision::Day),
    ("%d-%m-%Y %H:%M", DatePrecision::Minute),
    ("%d-%m-%Y", DatePrecision::Day),
    ("%B %d, %Y %I:%M %p", DatePrecision::Minute),
    ("%B %d, %Y", DatePrecision::Day),
    ("%b %d, %Y", DatePrecision::Day),
    ("%d %B %Y %H:%M", DatePrecision::Minute),
    ("%d %b %Y %H:%M", DatePrecision::Minute),
    ("%d %B %Y", DatePrecision::Day),
    ("%d %b %Y", DatePrecision::Day),
    ("%Y年%m月%d日", DatePrecision::Day),
];

/// A point in time, how exact it is, and whether the zone was assumed.
type Reading = (Timestamp, DatePrecision, bool);

/// Reads a date from a string or an epoch in seconds or milliseconds. `record` is the record's own timestamp.
pub(super) fn read(value: &Value, zone: &TimeZone, record: Option<i64>) -> (Option<String>, DateReading) {
    let (raw, found) = match value {
        Value::Number(number) => {
            let second = |timestamp| (timestamp, DatePrecision::Second, false);
            (number.to_string(), number.as_f64().and_then(|number| epoch(number as i64)).map(second))
        }
        Value::String(text) => (text.trim().to_owned(), parse(text.trim(), zone)),
        other => (other.to_string(), None),
    };
    let name = |assumed| if assumed { Some(zone.iana_name().unwrap_or("UTC").to_owned()) } else { None };
    let in_future = |at: Timestamp| record.is_some_and(|record| at.as_millisecond().saturating_sub(record) > FAR_AHEAD);
    let reading = DateReading {
        raw,
        precision: found.map(|(_, precision, _)| precision),
        assumed_zone: found.and_then(|(.., assumed)| name(assumed)),
        in_future: found.is_some_and(|(at, ..)| in_future(at)),
    };
    (found.map(|(at, ..)| at.to_string()), reading)
}

/// The record's own timestamp, where the article has no date.
pub(super) fn of_record(milliseconds: i64) -> Option<(String, DateReading)> {
    let at = (milliseconds >= 0).then(|| Timestamp::from_millisecond(milliseconds).ok()).flatten()?;
    let reading =
        DateReading { raw: milliseconds.to_string(), precision: Some(DatePrecision::Second), assumed_zone: None, in_future: false };
    Some((at.to_string(), reading))
}

fn parse(text: &str, zone: &TimeZone) -> Option<Reading> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some((timestamp, DatePrecision::Second, false));
    }
    // Longer texts are no dates, and not worth the attempts.
    if text.is_empty() || text.chars().count() > 64 {
        return None;
    }
    let text: String = text.chars().map(ascii_digit).collect();
    let text = text.trim();
    if text.chars().all(|c| c.is_ascii_digit()) && matches!(text.len(), 9 | 10 | 13) {
        return Some((epoch(text.parse().ok()?)?, DatePrecision::Second, false));
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some((zoned.timestamp(), DatePrecision::Second, false));
    }
    if let Ok(datetime) = text.parse::<civil::DateTime>() {
        let day = text.len() <= 10;
        return local(datetime, zone).map(|at| (at, if day { DatePrecision::Day } else { DatePrecision::Second }, true));
    }
    FORMATS.iter().find_map(|(format, precision)| {
        let broken = strtime::parse(format, text).ok()?;
        if let Ok(timestamp) = broken.to_timestamp() {
            return Some((timestamp, *precision, false));
        }
        let datetime = broken.to_datetime().or_else(|_| broken.to_date().map(|date| date.at(0, 0, 0, 0))).ok()?;
        let universal = format.ends_with(['Z', 'C', 'T']);
        let at = if universal { local(datetime, &TimeZone::UTC)? } else { local(datetime, zone)? };
        Some((at, *precision, !universal))
    })
}

/// Arabic and Persian digits to ASCII.
fn ascii_digit(c: char) -> char {
    let digit = match c {
        '٠'..='٩' => c as u32 - '٠' as u32,
        '۰'..='۹' => c as u32 - '۰' as u32,
        _ => return c,
    };
    char::from_digit(digit, 10).unwrap_or(c)
}

fn local(datetime: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(datetime).ok()
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
            (json!("2026-11-20T08:15:00.123456"), Some("2026-11-20T08:15:00.123456Z")),
            (json!("2026-11-20 10:15:00+02:00"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20T10:15:00+0200"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20 08:15:00 UTC"), Some("2026-11-20T08:15:00Z")),
            (json!("Fri, 20 Nov 2026 08:15:00 GMT"), Some("2026-11-20T08:15:00Z")),
            (json!("Fri, 20 Nov 2026 10:15:00 +0200"), Some("2026-11-20T08:15:00Z")),
            (json!("2026-11-20"), Some("2026-11-20T00:00:00Z")),
            (json!("2026/11/20 08:15"), Some("2026-11-20T08:15:00Z")),
            (json!("20/11/2026 - 08:15"), Some("2026-11-20T08:15:00Z")),
            (json!("20.11.2026"), Some("2026-11-20T00:00:00Z")),
            (json!("11/20/2026"), Some("2026-11-20T00:00:00Z")),
            (json!("November 20, 2026"), Some("2026-11-20T00:00:00Z")),
            (json!("20 Nov 2026"), Some("2026-11-20T00:00:00Z")),
            (json!("٢٠/١١/٢٠٢٦"), Some("2026-11-20T00:00:00Z")),
            (json!("2026年11月20日"), Some("2026-11-20T00:00:00Z")),
            (json!("20261120T081500Z"), Some("2026-11-20T08:15:00Z")),
            (json!("20261120081500"), Some("2026-11-20T08:15:00Z")),
            (json!(1_795_162_500), Some("2026-11-20T08:15:00Z")),
            (json!(1_795_162_500_000i64), Some("2026-11-20T08:15:00Z")),
            (json!("1795162500"), Some("2026-11-20T08:15:00Z")),
            (json!("yesterday"), None),
            (json!("2026-13-45"), None),
            (json!(true), None),
            (json!(9e30), None),
        ] {
            assert_eq!(read(&written, &TimeZone::UTC, None).0.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn says_what_it_assumed_and_what_is_far_ahead() {
        let damascus = TimeZone::get("Asia/Damascus").unwrap();
        let (at, reading) = read(&json!("20/11/2026 10:15"), &damascus, Some(1_795_162_500_000));
        assert_eq!(at.as_deref(), Some("2026-11-20T07:15:00Z"));
        assert_eq!((reading.assumed_zone.as_deref(), reading.precision), (Some("Asia/Damascus"), Some(DatePrecision::Minute)));
        assert_eq!((reading.raw.as_str(), reading.in_future), ("20/11/2026 10:15", false));
        let (at, reading) = read(&json!("2027-11-20T10:15:00Z"), &damascus, Some(1_795_162_500_000));
        assert!(at.is_some() && reading.in_future && reading.assumed_zone.is_none());
        let (at, reading) = read(&json!("not a date"), &damascus, None);
        assert!(at.is_none() && reading.precision.is_none() && reading.raw == "not a date");
    }
}
