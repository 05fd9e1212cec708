//! Shapes: which keys tell a crawler, and where each puts its fields. Data, not code: a preset is a [`Mapping`].

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::article::Shape;

/// A dotted path into a JSON object, and whether what lies there is HTML.
///
/// `*` stands for every element of a list or an object, `**` for every text below; `a&b` is what lies at `a` and then what
/// lies at `b`.
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
    /// Sections, categories and subject codes of the publisher: hints for the topics.
    pub sections: Vec<Path>,
}

/// The values at a path, in order. A key that holds dots itself is found whole.
pub(super) fn lookup<'a>(object: &'a Map<String, Value>, path: &str) -> Vec<&'a Value> {
    if let Some(value) = object.get(path) {
        return vec![value];
    }
    let mut found = Vec::new();
    for path in path.split('&') {
        let mut keys = path.split('.');
        let mut values: Vec<&Value> = keys.next().and_then(|key| object.get(key)).into_iter().collect();
        for key in keys {
            values = values.into_iter().flat_map(|value| step(value, key)).collect();
        }
        found.extend(values);
    }
    found
}

fn step<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match (value, key) {
        (Value::Array(items), "*") => items.iter().collect(),
        (Value::Object(object), "*") => object.values().collect(),
        (Value::Array(items), "**") => items.iter().flat_map(|item| step(item, "**")).collect(),
        (Value::Object(object), "**") => object.values().flat_map(|item| step(item, "**")).collect(),
        (value, "**") => vec![value],
        (Value::Object(object), key) => object.get(key).into_iter().collect(),
        (Value::Array(items), key) => key.parse().ok().and_then(|index: usize| items.get(index)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Tells the shape of an object, and where in it the article stands.
pub(super) fn recognise(object: &Map<String, Value>) -> (&Map<String, Value>, Shape) {
    if let Some(article) = schema_org(object) {
        return (article, Shape::SchemaOrg);
    }
    let has = |keys: &&str| keys.split('+').all(|key| object.contains_key(key));
    let shape = KEYS.iter().find(|(_, alternatives)| alternatives.iter().any(has)).map_or(Shape::Copydesk, |(shape, _)| *shape);
    (object, shape)
}

/// The keys that tell a shape, most particular shape first; `a+b` wants both.
const KEYS: [(Shape, &[&str]); 13] = [
    (Shape::Webz, &["thread"]),
    (Shape::NewsPlease, &["maintext", "title_page", "source_domain", "title_rss"]),
    (Shape::Trafilatura, &["source-hostname", "raw_text", "hostname+fingerprint"]),
    (Shape::Fundus, &["publishing_date", "plaintext"]),
    (Shape::MediaCloud, &["article_title", "text_content", "canonical_domain"]),
    (Shape::EventRegistry, &["eventUri", "dateTimePub", "dataType+uri"]),
    (Shape::NewsCatcher, &["domain_url", "name_source", "link+parse_date"]),
    (Shape::ApiTube, &["href+published_at", "href+body"]),
    (Shape::NewsApi, &["publishedAt", "urlToImage"]),
    (Shape::Gdelt, &["seendate"]),
    (Shape::Ninjs, &["versioncreated", "versionCreated", "body_text", "body_xhtml", "bodies+uri", "headlines+uri"]),
    (Shape::Newspaper, &["meta_lang", "canonical_link", "publish_date"]),
    (
        Shape::Feed,
        &[
            "content_html",
            "content_text",
            "content:encoded",
            "guid",
            "pubDate",
            "date_published",
            "dc:language",
            "link+summary",
            "link+description",
            "link+content",
        ],
    ),
];

fn schema_org(object: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let is_article = |candidate: &Map<String, Value>| {
        let is_kind = |kind: &str| kind.ends_with("Article") || kind.ends_with("Posting");
        candidate.contains_key("articleBody")
            || match candidate.get("@type") {
                Some(Value::String(kind)) => is_kind(kind),
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(is_kind),
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

/// id, url, title, text, published, source, authors, language, sections; paths apart by blanks.
const PATHS: [(Shape, [&str; 9]); 15] = [
    (
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
            "sections section categories category subjects",
        ],
    ),
    (
        Shape::NewsPlease,
        [
            "id",
            "url",
            "title title_page title_rss",
            "maintext text",
            "date_publish date_modify",
            "source_domain",
            "authors",
            "language",
            "section",
        ],
    ),
    (
        Shape::Fundus,
        [
            "id",
            "html.responded_url html.requested_url url",
            "title",
            "plaintext body.summary&body.sections.** body",
            "publishing_date",
            "publisher source.name",
            "authors",
            "lang language",
            "topics section",
        ],
    ),
    (
        Shape::Trafilatura,
        [
            "id",
            // The address is called source here, and the publisher is not.
            "source url",
            "title",
            "text raw_text",
            "date",
            "source-hostname sitename hostname",
            "author",
            "language",
            "categories tags",
        ],
    ),
    (
        Shape::Newspaper,
        [
            "id",
            "url canonical_link",
            "title",
            "text article_html|html",
            "publish_date",
            "source_url",
            "authors",
            "meta_lang language",
            "meta_data.section meta_keywords",
        ],
    ),
    (
        Shape::Webz,
        [
            "uuid thread.uuid",
            "url thread.url",
            "title thread.title_full thread.title",
            "text",
            "published crawled updated",
            "thread.site_full thread.site",
            "author",
            "language",
            "categories topics thread.site_categories",
        ],
    ),
    (
        Shape::MediaCloud,
        [
            "id stories_id original_url",
            "url canonical_url original_url",
            "article_title title",
            "text_content text",
            "publication_date parsed_date",
            "canonical_domain media_name",
            "authors",
            "language full_language",
            "rss_entry.category",
        ],
    ),
    (
        Shape::EventRegistry,
        [
            "uri",
            "url",
            "title",
            "body",
            "dateTimePub dateTime date&time date",
            "source.title source.uri",
            "authors",
            "lang",
            "categories.*.label",
        ],
    ),
    (
        Shape::NewsCatcher,
        [
            "id _id",
            "link",
            "title",
            "content description summary",
            "published_date",
            "name_source domain_url clean_url",
            "authors author",
            "language",
            "topic theme",
        ],
    ),
    (
        Shape::ApiTube,
        [
            "id",
            "href",
            "title",
            "body|html description|html",
            "published_at",
            "source.domain source.name",
            "author",
            "language language.code",
            "categories.*.name",
        ],
    ),
    (
        Shape::NewsApi,
        ["id", "url", "title", "content description", "publishedAt", "source.name source.id", "author", "language", "category"],
    ),
    // There is no text: the headline is all there is to read.
    (Shape::Gdelt, ["id", "url", "title", "title", "seendate", "domain", "author", "language", "themes"]),
    (
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
            "categories category tags.*.term tags",
        ],
    ),
    (
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
            "articleSection",
        ],
    ),
    (
        Shape::Ninjs,
        [
            "uri",
            "url altIds.0.value",
            "headlines.0.value headline title",
            "bodies.*.value|html body_text body_xhtml|html",
            "firstCreated firstcreated versionCreated versioncreated",
            "infoSources.0.name infosource.0.name copyrightHolder copyrightholder",
            "by byline",
            "language",
            "subjects.*.uri&subjects.*.name subject.*.code&subject.*.name",
        ],
    ),
];

static BUILT_IN: LazyLock<Vec<(Shape, Mapping)>> = LazyLock::new(|| {
    let paths = |written: &str| written.split(' ').map(Path::parse).collect::<Vec<_>>();
    let mapping = |[id, url, title, text, published, source, authors, language, sections]: [&str; 9]| Mapping {
        id: paths(id),
        url: paths(url),
        title: paths(title),
        text: paths(text),
        published: paths(published),
        source: paths(source),
        authors: paths(authors),
        language: paths(language),
        sections: paths(sections),
    };
    PATHS.iter().map(|(shape, paths)| (*shape, mapping(*paths))).collect()
});
