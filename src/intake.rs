//! Intake: the bytes of a message to a [`RawArticle`], or a rejection with its reason.
//!
//! Limits come first (size, UTF-8, depth), so that nothing hostile reaches a parser; then the shape is recognised by its
//! keys; then each field takes the first non-empty value of its paths. Pure: equal message, equal article.

mod dates;
mod html;
mod languages;
mod shapes;

pub use languages::canonical as canonical_language;
pub use shapes::{Mapping, Path};

use serde_json::{Map, Value};

use crate::{
    article::{Message, RawArticle, Reason, Rejection, Shape},
    enrich::{is_visible, sha256},
};

/// How a payload is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// JSON where it starts like JSON, else plain text.
    #[default]
    Auto,
    /// Always JSON.
    Json,
    /// Always plain text.
    Text,
}

/// Limits and shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// How a payload is read.
    pub format: Format,
    /// Largest payload in bytes.
    pub max_bytes: usize,
    /// Deepest JSON nesting.
    pub max_depth: usize,
    /// Paths of the fields, where the built-in shapes do not fit.
    pub mapping: Option<Mapping>,
}

/// The deepest nesting `intake.max_depth` may allow: the JSON parser itself stops at 127.
pub const DEEPEST: usize = 100;

impl Default for Intake {
    fn default() -> Self {
        Self { format: Format::Auto, max_bytes: 4 << 20, max_depth: 64, mapping: None }
    }
}

impl Intake {
    /// Reads one message. A tombstone is the caller's to handle and is rejected as empty here.
    ///
    /// # Errors
    /// The reason the message cannot be an article.
    pub fn read(&self, message: &Message) -> Result<RawArticle, Rejection> {
        if message.headers.is_err() {
            return Err(Rejection::new(Reason::BadHeaders, "a header name is not UTF-8; the headers cannot be passed on"));
        }
        let payload = message.payload.as_deref().unwrap_or_default();
        if payload.len() > self.max_bytes {
            return Err(Rejection::new(Reason::TooLarge, format!("{} bytes, and intake.max_bytes is {}", payload.len(), self.max_bytes)));
        }
        let text = std::str::from_utf8(payload)
            .map_err(|error| Rejection::new(Reason::NotUtf8, format!("invalid UTF-8 after {} bytes", error.valid_up_to())))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !is_visible(text) {
            return Err(Rejection::new(Reason::Empty, "no text at all"));
        }
        let json = match self.format {
            Format::Json => true,
            Format::Text => false,
            Format::Auto => text.starts_with(['{', '[', '"']) || matches!(text, "null" | "true" | "false") || text.parse::<f64>().is_ok(),
        };
        let mut article = if json { self.json(text)? } else { plain(message, text)? };
        if article.id.is_empty() {
            article.id = message
                .key
                .as_deref()
                .and_then(|key| std::str::from_utf8(key).ok())
                .filter(|key| !key.trim().is_empty())
                .map_or_else(|| sha256(payload), str::to_owned);
        }
        Ok(article)
    }

    fn json(&self, text: &str) -> Result<RawArticle, Rejection> {
        let depth = depth(text.as_bytes());
        if depth > self.max_depth {
            return Err(Rejection::new(Reason::TooDeep, format!("nested {depth} deep, and intake.max_depth is {}", self.max_depth)));
        }
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            // In auto, a plain text may well open with a quotation.
            Err(_) if self.format == Format::Auto && text.starts_with('"') => return plain(&Message::local(Vec::new()), text),
            Err(error) => {
                return Err(Rejection::new(Reason::NotJson, format!("line {}, column {}: not JSON", error.line(), error.column())));
            }
        };
        match value {
            Value::Object(object) => self.object(&object),
            Value::String(text) => {
                let text = as_text(&text, false);
                if !is_visible(&text) {
                    Err(Rejection::new(Reason::NoText, "an empty string"))
                } else {
                    Ok(RawArticle { text, ..RawArticle::default() })
                }
            }
            other => {
                Err(Rejection::new(Reason::NotAnArticle, format!("a JSON {}; an article is one JSON object or plain text", kind(&other))))
            }
        }
    }

    fn object(&self, object: &Map<String, Value>) -> Result<RawArticle, Rejection> {
        match &self.mapping {
            Some(mapping) => mapped(object, mapping, Shape::Mapping),
            None => {
                let (object, shape) = shapes::recognise(object);
                mapped(object, shapes::mapping(shape), shape)
            }
        }
    }
}

fn plain(message: &Message, text: &str) -> Result<RawArticle, Rejection> {
    let text = as_text(text, false);
    if !is_visible(&text) {
        return Err(Rejection::new(Reason::NoText, "markup without text"));
    }
    let header = |name| message.header_text(name).map(str::to_owned);
    Ok(RawArticle {
        id: header("id").unwrap_or_default(),
        url: header("url"),
        title: header("title"),
        text,
        published: message.timestamp.and_then(dates::from_milliseconds),
        source: header("source"),
        declared_language: message.header_text("language").or(message.header_text("content-language")).and_then(canonical_language),
        ..RawArticle::default()
    })
}

fn mapped(object: &Map<String, Value>, mapping: &Mapping, shape: Shape) -> Result<RawArticle, Rejection> {
    let text = |paths: &[Path]| paths.iter().find_map(|path| text_at(object, path, " "));
    let body = mapping.text.iter().find_map(|path| text_at(object, path, "\n\n"));
    let Some(body) = body else {
        let paths = mapping.text.iter().map(|path| path.path.as_str()).collect::<Vec<_>>().join(", ");
        // A number where the text should be is another fault than no text, and has another mend.
        let wrong = mapping.text.iter().find_map(|path| {
            let value = shapes::lookup(object, &path.path)?;
            matches!(value, Value::Number(_) | Value::Bool(_) | Value::Object(_)).then(|| (path.path.clone(), kind(value)))
        });
        return Err(match wrong {
            Some((path, kind)) => {
                Rejection::new(Reason::WrongType, format!("field '{path}' holds a {kind}, not text (shape {})", shape.name()))
            }
            None => Rejection::new(Reason::NoText, format!("no text in any of: {paths} (shape {})", shape.name())),
        });
    };
    let date = mapping.published.iter().find_map(|path| shapes::lookup(object, &path.path).filter(|value| !is_missing(value)));
    let published = date.and_then(dates::read);
    Ok(RawArticle {
        id: mapping.id.iter().find_map(|path| text_at(object, path, " ")).unwrap_or_default(),
        url: text(&mapping.url),
        title: text(&mapping.title),
        text: body,
        published_raw: date.filter(|_| published.is_none()).map(Value::to_string),
        published,
        source: text(&mapping.source),
        authors: mapping.authors.iter().map(|path| names_at(object, path)).find(|names| !names.is_empty()).unwrap_or_default(),
        declared_language: text(&mapping.language).as_deref().and_then(canonical_language),
        shape,
    })
}

/// The text at a path: a string, a number, the name of an object, or a list of these joined.
fn text_at(object: &Map<String, Value>, path: &Path, joint: &str) -> Option<String> {
    let text = match shapes::lookup(object, &path.path)? {
        Value::Array(items) => {
            let parts: Vec<String> =
                items.iter().filter_map(name_of).map(|part| as_text(&part, path.html)).filter(|part| !part.is_empty()).collect();
            parts.join(joint)
        }
        Value::Number(number) if joint == " " => number.to_string(),
        Value::Object(_) if joint != " " => return None,
        value => as_text(&name_of(value)?, path.html),
    };
    (!is_none_word(&text)).then_some(text)
}

fn names_at(object: &Map<String, Value>, path: &Path) -> Vec<String> {
    let values = match shapes::lookup(object, &path.path) {
        Some(Value::Array(items)) => items.iter().filter_map(name_of).collect(),
        // trafilatura joins authors with semicolons.
        Some(Value::String(names)) => names.split(';').map(str::to_owned).collect(),
        Some(value) => name_of(value).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    values.iter().map(|name| as_text(name, false)).filter(|name| !is_none_word(name)).collect()
}

fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => object.get("name").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}

fn is_missing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(is_none_word)
}

/// Crawlers write their languages' word for nothing as text.
fn is_none_word(text: &str) -> bool {
    !is_visible(text) || matches!(text.trim(), "None" | "none" | "null" | "NULL" | "nil" | "N/A" | "undefined")
}

fn as_text(text: &str, html: bool) -> String {
    if html || html::looks_like(text) { html::strip(text) } else { text.trim().to_owned() }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Deepest nesting of brackets outside strings, without parsing and without recursion.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::Header;

    fn read(payload: &str) -> Result<RawArticle, Rejection> {
        Intake::default().read(&Message::local(payload.as_bytes().to_vec()))
    }

    #[test]
    fn every_fault_has_its_reason() {
        let deep = "[".repeat(10_000);
        let large = "a".repeat((4 << 20) + 1);
        for (payload, reason) in [
            ("", Reason::Empty),
            (" \n\t ", Reason::Empty),
            ("{\"text\": \"cut", Reason::NotJson),
            ("{'text': 'single quotes'}", Reason::NotJson),
            (deep.as_str(), Reason::TooDeep),
            (large.as_str(), Reason::TooLarge),
            ("null", Reason::NotAnArticle),
            ("42", Reason::NotAnArticle),
            ("[{\"text\":\"a\"}]", Reason::NotAnArticle),
            ("{}", Reason::NoText),
            ("{\"title\":\"only a title\"}", Reason::NoText),
            ("{\"text\":\"None\"}", Reason::NoText),
            ("{\"text\":\"<p> </p>\"}", Reason::NoText),
            ("\0\u{200b}", Reason::Empty),
            ("{\"text\":\"\\u0000\"}", Reason::NoText),
            ("{\"text\":17}", Reason::WrongType),
            ("{\"text\":{\"a\":1}}", Reason::WrongType),
        ] {
            assert_eq!(read(payload).unwrap_err().reason, reason, "{}", payload.get(..40.min(payload.len())).unwrap());
        }
        let bytes = Intake::default().read(&Message::local(vec![b'a', 0xff, b'b'])).unwrap_err();
        assert_eq!(bytes.reason, Reason::NotUtf8);
    }

    #[test]
    fn recognises_crawlers_by_their_keys() {
        for (payload, shape, expected) in [
            (r#"{"id":"7","title":"T","text":"Body","language":"ar"}"#, Shape::Copydesk, ("7", "T", "Body")),
            (
                r#"{"maintext":"Body","title":"T","title_page":null,"source_domain":"x.org","language":"ar"}"#,
                Shape::NewsPlease,
                ("k", "T", "Body"),
            ),
            (
                r#"{"title":"T","text":"Body","source":"https://x.org/a","source-hostname":"X","language":"ar"}"#,
                Shape::Trafilatura,
                ("k", "T", "Body"),
            ),
            (
                r#"{"title":"T","text":"Body","meta_lang":"ar","publish_date":"2026-01-02","source_url":"https://x.org"}"#,
                Shape::Newspaper,
                ("k", "T", "Body"),
            ),
            (r#"{"uuid":"u1","thread":{"site":"x.org"},"title":"T","text":"Body","language":"arabic"}"#, Shape::Webz, ("u1", "T", "Body")),
            (r#"{"guid":"g1","title":"T","content:encoded":"<p>Body</p>","dc:language":"ar"}"#, Shape::Feed, ("g1", "T", "Body")),
            (r#"{"id":"j1","title":"T","content_html":"<p>Body</p>","language":"ar"}"#, Shape::Feed, ("j1", "T", "Body")),
            (
                r#"{"@context":"https://schema.org","@graph":[{"@type":"WebPage"},{"@type":["NewsArticle"],"headline":"T","articleBody":"Body","inLanguage":{"alternateName":"ar"}}]}"#,
                Shape::SchemaOrg,
                ("k", "T", "Body"),
            ),
        ] {
            let mut message = Message::local(payload.as_bytes().to_vec());
            message.key = Some(b"k".to_vec());
            let article = Intake::default().read(&message).unwrap();
            assert_eq!((article.id.as_str(), article.title.as_deref().unwrap(), article.text.as_str()), expected, "{payload}");
            assert_eq!((article.shape, article.declared_language.as_deref()), (shape, Some("ar")), "{payload}");
        }
    }

    #[test]
    fn mapping_takes_the_first_non_empty_path() {
        let mapping = Mapping {
            text: vec![Path::parse("doc.missing"), Path::parse("doc.parts"), Path::parse("doc.html|html")],
            title: vec![Path::parse("doc.heads.1")],
            ..Mapping::default()
        };
        let intake = Intake { mapping: Some(mapping), ..Intake::default() };
        let payload = r#"{"doc":{"heads":["no","Yes"],"parts":[],"html":"<h1>A &amp; B</h1><p>one<br>two</p><script>x()</script>"}}"#;
        let article = intake.read(&Message::local(payload.as_bytes().to_vec())).unwrap();
        assert_eq!((article.title.as_deref(), article.text.as_str()), (Some("Yes"), "A & B\n\none\ntwo"));
    }

    #[test]
    fn plain_text_takes_what_the_headers_say_and_invents_no_title() {
        let mut message = Message::local("نص المقال".as_bytes().to_vec());
        message.timestamp = Some(1_795_000_000_000);
        message.headers = Ok(vec![Header::text("language", "ar-IQ"), Header::text("source", "Desk")]);
        let article = Intake::default().read(&message).unwrap();
        assert_eq!(article.title, None);
        assert_eq!(article.declared_language.as_deref(), Some("ar-IQ"));
        assert_eq!(article.source.as_deref(), Some("Desk"));
        assert!(article.published.unwrap().starts_with("2026-11-18T"));
        assert!(article.id.starts_with("sha256:"));
    }
}
