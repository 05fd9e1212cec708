//! Any bytes, as JSON, as plain text and as a page: an article with visible text, or a rejection, and never a panic.
#![no_main]

use copydesk::{article::Message, intake::Intake};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(article) = Intake::default().read(&Message::local(bytes.to_vec())) {
        assert!(!article.id.is_empty());
        assert!(!article.text.trim().is_empty());
        assert!(article.title.is_none_or(|title| !title.trim().is_empty()));
    }
});
