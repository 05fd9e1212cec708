//! Whole HTML pages: the article out of the page, by the readability rules of `dom_smoothie`.
//!
//! A page that is nested too deep, too large for a tree, or has nothing that looks like an article is stripped of its markup
//! instead: something to read is better than nothing, and cleaning comes after.

use dom_smoothie::{Config, Readability};
use html5gum::{Token, Tokenizer};

use super::html;

/// Elements of the largest page that is made into a tree.
const MOST_ELEMENTS: usize = 20_000;
/// Open elements of the deepest page that is made into a tree: walking one takes stack.
const DEEPEST: usize = 250;

/// What a page says of its article.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) byline: Option<String>,
    pub(super) site: Option<String>,
    pub(super) url: Option<String>,
    pub(super) published: Option<String>,
    pub(super) language: Option<String>,
}

/// Whether a text is a whole page and not a fragment.
pub(super) fn looks_like(text: &str) -> bool {
    let text = text.trim_start();
    if !text.starts_with('<') {
        return false;
    }
    let head = text.chars().take(400).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.starts_with("<?xml") && head.contains("<html")
}

/// Reads a page.
pub(super) fn read(page: &str) -> Page {
    article(page).unwrap_or_else(|| Page { text: html::strip(page), ..Page::default() })
}

fn article(page: &str) -> Option<Page> {
    if !is_walkable(page) {
        return None;
    }
    let config = Config { max_elements_to_parse: MOST_ELEMENTS, ..Config::default() };
    let article = Readability::new(page, None, Some(config)).ok()?.parse().ok()?;
    let text = html::strip(&article.content);
    let known = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    (!text.trim().is_empty()).then(|| Page {
        title: known(Some(article.title.to_string())),
        text,
        byline: known(article.byline.map(|byline| byline.to_string())),
        site: known(article.site_name.map(|site| site.to_string())),
        url: known(article.url.map(|url| url.to_string())),
        published: known(article.published_time.map(|time| time.to_string())),
        language: known(article.lang.map(|language| language.to_string())),
    })
}

/// Whether a tree of the page is small and flat enough to be walked.
fn is_walkable(page: &str) -> bool {
    let (mut open, mut elements) = (0usize, 0usize);
    for Ok(token) in Tokenizer::new(page) {
        match token {
            Token::StartTag(tag) => {
                elements += 1;
                open += usize::from(!tag.self_closing && !is_void(&tag.name));
            }
            Token::EndTag(_) => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEEPEST || elements > MOST_ELEMENTS {
            return false;
        }
    }
    true
}

/// Elements that are never closed, or often are not.
fn is_void(name: &[u8]) -> bool {
    const VOID: [&str; 20] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p", "li", "dt",
        "dd", "option", "tr",
    ];
    VOID.iter().any(|void| void.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = "<p>The council approved the new budget after a long debate on Tuesday evening, and the mayor thanked all members \
        for their patience during the weeks of talks that led to the vote.</p><p>The largest share goes to schools, and the \
        library, which had been threatened with closure, will stay open on five days a week, the treasurer said.</p>";

    #[test]
    fn takes_the_article_out_of_the_page() {
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>Budget approved</title>\
             <meta property=\"article:published_time\" content=\"2026-11-24T08:00:00Z\"><meta property=\"og:site_name\" content=\"The Herald\">\
             <meta name=\"author\" content=\"Jane Roe\"></head><body><nav><ul><li><a href=\"/\">Home</a></li><li><a href=\"/s\">Sport</a></li>\
             </ul></nav><article><h1>Budget approved</h1>{}</article><footer><a href=\"/a\">About us</a> <a href=\"/c\">Contact</a></footer>\
             <script>track()</script></body></html>",
            ARTICLE.repeat(3)
        );
        assert!(looks_like(&page));
        let page = read(&page);
        assert_eq!((page.title.as_deref(), page.language.as_deref()), (Some("Budget approved"), Some("en")));
        assert_eq!((page.site.as_deref(), page.byline.as_deref()), (Some("The Herald"), Some("Jane Roe")));
        assert_eq!(page.published.as_deref(), Some("2026-11-24T08:00:00Z"));
        assert!(
            page.text.contains("stay open on five days") && !page.text.contains("Contact") && !page.text.contains("Home"),
            "{}",
            page.text
        );
    }

    #[test]
    fn hostile_pages_are_stripped() {
        let deep = format!("<html><body>{}deep</body></html>", "<div>".repeat(100_000));
        assert_eq!(read(&deep).text, "deep");
        let wide = format!("<html><body>{}</body></html>", "<b>x</b>".repeat(30_000));
        assert_eq!(read(&wide).text.len(), 30_000);
        for page in ["<html>", "<!doctype html><p", "<html><body><script>"] {
            assert!(looks_like(page));
            assert_eq!(read(page).text, "");
        }
    }
}
