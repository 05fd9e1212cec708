//! Any headline, publisher and body (apart by line feeds): cleaning ends, empties nothing, and reports ranges of whole characters
//! in order.
#![no_main]

use copydesk::{
    article::{Field, RawArticle},
    enrich::clean,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\n').map(str::to_owned);
    let article = RawArticle { title: parts.next(), source: parts.next(), text: parts.next().unwrap_or_default(), ..RawArticle::default() };
    let cleaned = clean(&article);
    let visible = |text: &str| text.chars().any(char::is_alphanumeric);
    assert!(visible(&cleaned.text) || !visible(&article.text), "emptied");
    let mut last = 0;
    for cut in cleaned.removed.iter().filter(|cut| cut.field == Field::Text) {
        assert!(cut.range.start >= last && article.text.get(cut.range.clone()).is_some(), "{cut:?}");
        last = cut.range.end;
    }
    for cut in cleaned.removed.iter().filter(|cut| cut.field == Field::Title) {
        assert!(article.title.as_deref().unwrap_or_default().get(cut.range.clone()).is_some(), "{cut:?}");
    }
    assert_eq!(clean(&article), cleaned);
});
