//! Intake: the bytes of a message to a [`RawArticle`], or a rejection with its reason.
//!
//! Limits come first (size, UTF-8, depth), so that nothing hostile reaches a parser; then the shape is recognised by its
//! keys; then each field takes the first non-empty value of its paths. Pure: equal message, equal article.

mod dates;
mod html;
mod languages;
mod page;
mod shapes;

pub use languages::canonical as canonical_language;
pub use shapes::{Mapping, Path};

use jiff::tz::TimeZone;
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
    /// The zone of dates that name none.
    pub zone: TimeZone,
    /// Paths of the fields, where the built-in shapes do not fit.
    pub mapping: Option<Mapping>,
}

/// The deepest nesting `intake.max_depth` may allow: the JSON parser itself stops at 127.
pub const DEEPEST: usize = 100;

impl Default for Intake {
    fn default() -> Self {
        Self { format: Format::Auto, max_bytes: 4 << 20, max_depth: 64, zone: TimeZone::UTC, mapping: None }
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
        let mut article = if json { self.json(message, text)? } else { self.plain(message, text)? };
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

    fn json(&self, message: &Message, text: &str) -> Result<RawArticle, Rejection> {
        let depth = depth(text.as_bytes());
        if depth > self.max_depth {
            return Err(Rejection::new(Reason::TooDeep, format!("nested {depth} deep, and intake.max_depth is {}", self.max_depth)));
        }
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            // In auto, a plain text may well open with a quotation.
            Err(_) if self.format == Format::Auto && text.starts_with('"') => return self.plain(message, text),
            Err(error) => {
                return Err(Rejection::new(Reason::NotJson, format!("line {}, column {}: not JSON", error.line(), error.column())));
            }
        };
        match value {
            Value::Object(object) => self.object(message, &object),
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

    fn object(&self, message: &Message, object: &Map<String, Value>) -> Result<RawArticle, Rejection> {
        match &self.mapping {
            Some(mapping) => self.mapped(message, object, mapping, Shape::Mapping),
            None => {
                let (object, shape) = shapes::recognise(object);
                self.mapped(message, object, shapes::mapping(shape), shape)
            }
        }
    }

    /// Plain text, or a whole page: headers may say what a field would.
    fn plain(&self, message: &Message, text: &str) -> Result<RawArticle, Rejection> {
        let page = page::looks_like(text).then(|| page::read(text));
        let shape = if page.is_some() { Shape::Html } else { Shape::Text };
        let page = page.unwrap_or_else(|| page::Page { text: as_text(text, false), ..page::Page::default() });
        if !is_visible(&page.text) {
            return Err(Rejection::new(Reason::NoText, "markup without text"));
        }
        let header = |name| message.header_text(name).map(str::to_owned);
        let dated = page.published.map(|date| dates::read(&Value::String(date), &self.zone, message.timestamp));
        let (published, published_from) = match dated {
            Some((at, reading)) => (at, Some(reading)),
            None => message.timestamp.and_then(dates::of_record).unzip(),
        };
        let declared = message.header_text("language").or(message.header_text("content-language")).or(page.language.as_deref());
        Ok(RawArticle {
            id: header("id").unwrap_or_default(),
            url: header("url").or(page.url),
            title: header("title").or(page.title),
            text: page.text,
            published,
            published_from,
            source: header("source").or(page.site),
            authors: page.byline.into_iter().collect(),
            declared_language: declared.and_then(canonical_language),
            sections: header("section").into_iter().collect(),
            shape,
        })
    }

    fn mapped(&self, message: &Message, object: &Map<String, Value>, mapping: &Mapping, shape: Shape) -> Result<RawArticle, Rejection> {
        let text = |paths: &[Path]| paths.iter().find_map(|path| text_at(object, path, " "));
        let body = mapping.text.iter().find_map(|path| text_at(object, path, "\n\n"));
        let Some(body) = body else {
            return Err(no_text(object, mapping, shape));
        };
        let date = mapping.published.iter().find_map(|path| date_at(object, path));
        let (published, published_from) = date.map(|date| dates::read(&date, &self.zone, message.timestamp)).unzip();
        Ok(RawArticle {
            id: mapping.id.iter().find_map(|path| text_at(object, path, " ")).unwrap_or_default(),
            url: text(&mapping.url),
            title: text(&mapping.title),
            text: body,
            published: published.flatten(),
            published_from,
            source: text(&mapping.source).or_else(|| message.header_text("source").map(str::to_owned)),
            authors: first_names(object, &mapping.authors),
            declared_language: text(&mapping.language).as_deref().or(message.header_text("language")).and_then(canonical_language),
            sections: first_names(object, &mapping.sections),
            shape,
        })
    }
}

fn no_text(object: &Map<String, Value>, mapping: &Mapping, shape: Shape) -> Rejection {
    // A number where the text should be is another fault than no text, and has another mend.
    let wrong = mapping.text.iter().find_map(|path| {
        let value = shapes::lookup(object, &path.path).into_iter().next()?;
        matches!(value, Value::Number(_) | Value::Bool(_) | Value::Object(_)).then(|| (path.path.clone(), kind(value)))
    });
    match wrong {
        Some((path, kind)) => {
            Rejection::new(Reason::WrongType, format!("field '{path}' holds a {kind}, not text (shape {})", shape.name()))
        }
        None => {
            let paths = mapping.text.iter().map(|path| path.path.as_str()).collect::<Vec<_>>().join(", ");
            Rejection::new(Reason::NoText, format!("no text in any of: {paths} (shape {})", shape.name()))
        }
    }
}

/// The date at a path; the parts of a joined one ('date&time') come apart by a blank.
fn date_at(object: &Map<String, Value>, path: &Path) -> Option<Value> {
    let values: Vec<&Value> = shapes::lookup(object, &path.path).into_iter().filter(|value| !is_missing(value)).collect();
    match values.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        several => {
            let texts: Vec<&str> = several.iter().filter_map(|value| value.as_str()).collect();
            (texts.len() == several.len() && path.path.contains('&')).then(|| Value::String(texts.join(" ")))
        }
    }
}

fn first_names(object: &Map<String, Value>, paths: &[Path]) -> Vec<String> {
    paths.iter().map(|path| names_at(object, path)).find(|names| !names.is_empty()).unwrap_or_default()
}

/// The text at a path: strings, numbers where no text is wanted, the names of objects, and lists of these, joined.
fn text_at(object: &Map<String, Value>, path: &Path, joint: &str) -> Option<String> {
    let mut parts = Vec::new();
    for value in shapes::lookup(object, &path.path) {
        match value {
            Value::Array(items) => parts.extend(items.iter().filter_map(name_of)),
            Value::Number(number) if joint == " " => parts.push(number.to_string()),
            // An object where the text should be is a fault, not a name.
            Value::Object(_) if joint != " " => {}
            value => parts.extend(name_of(value)),
        }
    }
    let parts: Vec<String> = parts.iter().map(|part| as_text(part, path.html)).filter(|part| !is_none_word(part)).collect();
    (!parts.is_empty()).then(|| parts.join(joint))
}

fn names_at(object: &Map<String, Value>, path: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for value in shapes::lookup(object, &path.path) {
        match value {
            Value::Array(items) => names.extend(items.iter().filter_map(name_of)),
            // trafilatura joins authors and categories with semicolons.
            Value::String(joined) => names.extend(joined.split(';').map(str::to_owned)),
            value => names.extend(name_of(value)),
        }
    }
    names.iter().map(|name| as_text(name, false)).filter(|name| !is_none_word(name)).collect()
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
    !is_visible(text) || matches!(text.trim(), "None" | "none" | "null" | "NULL" | "nil" | "N/A" | "undefined" | "NaN" | "nan")
}

fn as_text(text: &str, html: bool) -> String {
    if page::looks_like(text) {
        return page::read(text).text;
    }
    if html || html::looks_like(text) {
        return html::strip(text);
    }
    html::decode(text).unwrap_or_else(|| text.to_owned()).trim().to_owned()
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
