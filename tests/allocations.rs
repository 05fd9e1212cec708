//! Allocations of intake, cleaning and language, counted: bounded for an article of 3 KB, and in proportion to its length.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use allocation_counter::{AllocationInfo, measure};
use copydesk::{
    article::Message,
    enrich::{Identifier, clean},
    intake::Intake,
};

/// Twenty different paragraphs of some 150 bytes, repeated with numbers so that none is a repeated line.
fn article(paragraphs: usize) -> Message {
    let text: Vec<String> = (0..paragraphs)
        .map(|index| {
            format!(
                "Paragraph {index}: the council met again on the question of the harbour, and member {} said that the {} \
                 report would have to wait for the spring, as it had {} times before.",
                index * 7,
                index * 3,
                index + 2
            )
        })
        .collect();
    let json = serde_json::json!({ "title": "Council meets on the harbour again", "text": text.join("\n\n"), "language": "en" });
    Message::local(json.to_string().into_bytes())
}

fn count(message: &Message, identifier: &Identifier) -> AllocationInfo {
    let intake = Intake::default();
    measure(|| {
        let cleaned = clean(&intake.read(message).unwrap());
        let language = identifier.identify(cleaned.title.as_deref(), &cleaned.text, None);
        assert_eq!(language.tag, "en");
    })
}

#[test]
fn allocations_are_few_and_grow_with_the_text() {
    let identifier = Identifier::shipped();
    let (short, long) = (article(18), article(180));
    // The tables are made once.
    count(&short, &identifier);
    let (one, ten) = (count(&short, &identifier), count(&long, &identifier));
    println!("3 KB: {} allocations, {} bytes in all, {} at once", one.count_total, one.bytes_total, one.bytes_max);
    println!("30 KB: {} allocations, {} bytes in all, {} at once", ten.count_total, ten.bytes_total, ten.bytes_max);
    assert!(one.count_total <= 400, "{} allocations for 3 KB", one.count_total);
    assert!(one.bytes_max <= 64 * 1024, "{} bytes at once for 3 KB", one.bytes_max);
    assert!(ten.count_total <= 10 * one.count_total && ten.bytes_total <= 11 * one.bytes_total);
    assert_eq!(one.count_current, 0, "nothing is kept");
}
