//! Any headers on any message: they reach the article or the dead letter in order, and ours are never anyone else's.
#![no_main]

use copydesk::{
    article::{Header, HeadersUnreadable, Message, Reason, Rejection},
    intake::Intake,
    stream::dead_letter_headers,
};
use libfuzzer_sys::fuzz_target;

type Given<'a> = (Vec<(&'a str, Option<&'a [u8]>)>, bool, &'a [u8]);

fuzz_target!(|given: Given<'_>| {
    let (headers, readable, payload) = given;
    let mut message = Message::local(payload.to_vec());
    let headers: Vec<Header> =
        headers.iter().map(|(key, value)| Header { key: (*key).to_owned(), value: value.map(<[u8]>::to_vec) }).collect();
    message.headers = if readable { Ok(headers) } else { Err(HeadersUnreadable) };
    let rejection = match Intake::default().read(&message) {
        Ok(article) => {
            assert!(!article.text.trim().is_empty() && !article.id.is_empty());
            Rejection::new(Reason::Refused, "m")
        }
        Err(rejection) => rejection,
    };
    let letter = dead_letter_headers(&message, &rejection);
    let theirs: Vec<&Header> = message.headers().iter().filter(|header| !header.key.starts_with("copydesk.")).collect();
    assert!(letter.iter().take(theirs.len()).eq(theirs.iter().copied()), "order, repeats and nulls");
    let ours: Vec<&str> = letter.iter().skip(theirs.len()).map(|header| header.key.as_str()).collect();
    assert!(ours.iter().all(|key| key.starts_with("copydesk.")) && ours.len() == 9);
    let attempt = letter.iter().find(|header| header.key == "copydesk.attempt").and_then(|header| header.value.as_deref());
    assert!(attempt.is_some_and(|attempt| std::str::from_utf8(attempt).is_ok_and(|text| text.parse::<u32>().is_ok_and(|n| n > 0))));
});
