//! Shapes: which keys tell a crawler, and where each puts its fields. Data, not code: a preset is a [`Mapping`].

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::article::Shape;

/// A dotted path into a JSON object, and whether what lies there is HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Keys and array indices, apart by dots.
    pub path: String,
    /// Whether markup is stripped and character references are decoded.
    pub html: bool,
}

impl Path {
    /// Reads `a.b.0` or `a.b.0|html`.
    pub fn parse(written: &str) -> Self {
        match written.trim().strip_suffix("|html") {
            Some(path) => Self { path: path.trim().to_owned(), html: true },
            None => Self { path: written.trim().to_owned(), html: false },
        }
    }
}

/// Where each field of an article lies; the first path with a non-empty value serves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// Article id.
    pub id: Vec<Path>,
    /// Address.
    pub url: Vec<Path>,
    /// Headline.
    pub title: Vec<Path>,
    /// Body; the one field an article cannot do without.
    pub text: Vec<Path>,
    /// Publication time.
    pub published: Vec<Path>,
    /// Publisher.
    pub source: Vec<Path>,
    /// Authors: a list of names or of objects with a name, or one text apart by semicolons.
    pub authors: Vec<Path>,
    /// Declared language.
    pub language: Vec<Path>,
}

/// The value at a dotted path. A key that holds dots itself is found whole.
pub(super) fn lookup<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(object.get(first)?, |value, key| match value {
        Value::Object(object) => object.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Tells the shape of an object, and where in it the article stands.
pub(super) fn recognise(object: &Map<String, Value>) -> (&Map<String, Value>, Shape) {
    if let Some(article) = schema_org(object) {
        return (article, Shape::SchemaOrg);
    }
    let has = |key: &str| object.contains_key(key);
    let shape = if has("maintext") || has("title_page") || has("source_domain") {
        Shape::NewsPlease
    } else if has("source-hostname") || has("raw_text") || (has("hostname") && has("fingerprint")) {
        Shape::Trafilatura
    } else if object.get("thread").is_some_and(Value::is_object) {
        Shape::Webz
    } else if has("meta_lang") || has("canonical_link") || has("publish_date") {
        Shape::Newspaper
    } else if ["content_html", "content_text", "content:encoded", "guid", "pubDate", "date_published", "dc:language"].into_iter().any(has)
        || (has("link") && ["summary", "description", "content"].into_iter().any(has))
    {
        Shape::Feed
    } else {
        Shape::Copydesk
    };
    (object, shape)
}

fn schema_org(object: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let is_article = |candidate: &Map<String, Value>| {
        candidate.contains_key("articleBody")
            || match candidate.get("@type") {
                Some(Value::String(kind)) => kind.ends_with("Article") || kind.ends_with("Posting"),
                Some(Value::Array(kinds)) => {
                    kinds.iter().filter_map(Value::as_str).any(|kind| kind.ends_with("Article") || kind.ends_with("Posting"))
                }
                _ => false,
            }
    };
    if is_article(object) {
        return Some(object);
    }
    object.get("@graph")?.as_array()?.iter().filter_map(Value::as_object).find(|candidate| is_article(candidate))
}

/// Paths of a shape's fields.
pub(super) fn mapping(shape: Shape) -> &'static Mapping {
    let index = BUILT_IN.iter().position(|(known, _)| *known == shape).unwrap_or_default();
    &BUILT_IN[index].1
}

static BUILT_IN: LazyLock<[(Shape, Mapping); 7]> = LazyLock::new(|| {
    let paths = |written: &str| written.split(' ').filter(|path| !path.is_empty()).map(Path::parse).collect::<Vec<_>>();
    // id / url / title / text / published / source / authors / language
    let shape = |shape, [id, url, title, text, published, source, authors, language]: [&str; 8]| {
        (
            shape,
            Mapping {
                id: paths(id),
                url: paths(url),
                title: paths(title),
                text: paths(text),
                published: paths(published),
                source: paths(source),
                authors: paths(authors),
                language: paths(language),
            },
        )
    };
    [
        shape(
            Shape::Copydesk,
            [
                "id",
                "url link",
                "title headline",
                "text body content",
                "published published_at date",
                "source source.name publisher",
                "authors author",
                "language lang",
            ],
        ),
        shape(
            Shape::NewsPlease,
            ["id", "url", "title title_page title_rss", "maintext text", "date_publish", "source_domain", "authors", "language"],
        ),
        shape(
            Shape::Trafilatura,
            ["id", "source url", "title", "text raw_text", "date", "source-hostname sitename hostname", "author", "language"],
        ),
        shape(
            Shape::Newspaper,
            ["id", "url canonical_link", "title", "text", "publish_date", "source_url", "authors", "meta_lang language"],
        ),
        shape(
            Shape::Webz,
            [
                "uuid thread.uuid",
                "url thread.url",
                "title thread.title_full",
                "text",
                "published crawled updated",
                "thread.site_full thread.site",
                "author",
                "language",
            ],
        ),
        shape(
            Shape::Feed,
            [
                "guid id",
                "link url",
                "title|html",
                "content:encoded|html content_html|html content_text content|html content.0.value|html summary|html description|html",
                "pubDate published date_published updated date_modified",
                "source.title source dc:publisher feed.title",
                "authors author dc:creator",
                "dc:language xml:lang language",
            ],
        ),
        shape(
            Shape::SchemaOrg,
            [
                "identifier",
                "url mainEntityOfPage.@id mainEntityOfPage @id",
                "headline name",
                "articleBody text",
                "datePublished dateModified",
                "publisher",
                "author",
                "inLanguage.alternateName inLanguage.name inLanguage",
            ],
        ),
    ]
});
