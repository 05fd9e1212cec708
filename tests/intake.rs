//! Every input shape, one fixture each in `tests/shapes`: the same article of ours as each crawler writes it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, path::PathBuf};

use copydesk::{
    article::{DatePrecision, Header, Message, RawArticle, Shape},
    intake::{Intake, Mapping, Path},
};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shapes").join(name)).unwrap()
}

fn read(name: &str) -> RawArticle {
    Intake::default().read(&Message::local(fixture(name))).unwrap()
}

const TITLE: &str = "High water in Orlaby closes the lower town";
const FIRST: &str = "The river Orla stood four metres above its mean on Tuesday";
const LAST: &str = "said the mayor, Ida Lund.";

#[test]
fn every_shape_is_recognised_and_read() {
    // Shape and file; then id, source, precision of the date, number of authors, first section.
    let expected = [
        (Shape::Copydesk, "copydesk.json", "orla-1", "Orla Post", Some(DatePrecision::Second), 2, "Weather"),
        (Shape::NewsPlease, "news-please.json", "", "orla.example", Some(DatePrecision::Second), 2, ""),
        (Shape::Fundus, "fundus.json", "", "Orla Post", Some(DatePrecision::Second), 2, "Weather"),
        (Shape::Trafilatura, "trafilatura.json", "", "Orla Post", Some(DatePrecision::Day), 2, "Weather"),
        (Shape::Newspaper, "newspaper.json", "", "https://orla.example", Some(DatePrecision::Second), 2, ""),
        (Shape::Webz, "webz.json", "w-77", "www.orla.example", Some(DatePrecision::Second), 1, "Weather"),
        (Shape::MediaCloud, "media-cloud.json", "9f3", "orla.example", Some(DatePrecision::Day), 0, ""),
        (Shape::EventRegistry, "event-registry.json", "8812345", "Orla Post", Some(DatePrecision::Second), 2, "Weather"),
        (Shape::NewsCatcher, "newscatcher.json", "nc1", "Orla Post", Some(DatePrecision::Second), 2, ""),
        (Shape::ApiTube, "apitube.json", "4411", "orla.example", Some(DatePrecision::Second), 1, "Weather"),
        (Shape::NewsApi, "newsapi.json", "", "Orla Post", Some(DatePrecision::Second), 1, ""),
        (Shape::Feed, "feed.json", "tag:orla.example,2026:1", "Orla Post", Some(DatePrecision::Second), 1, "Weather"),
        (Shape::SchemaOrg, "schema.org.json", "", "Orla Post", Some(DatePrecision::Second), 2, "Weather"),
        (
            Shape::Ninjs,
            "ninjs.json",
            "urn:newsml:orla.example:20261124:1",
            "Orla Post",
            Some(DatePrecision::Second),
            1,
            "http://cv.iptc.org/newscodes/mediatopic/17000000",
        ),
        (Shape::Html, "html.html", "", "Orla Post", Some(DatePrecision::Second), 1, ""),
    ];
    for (shape, file, id, source, precision, authors, section) in expected {
        let article = read(file);
        assert_eq!(article.shape, shape, "{file}");
        assert!(article.title.as_deref().unwrap().starts_with(TITLE), "{file}: {:?}", article.title);
        assert!(article.text.starts_with(FIRST) || shape == Shape::Html && article.text.contains(FIRST), "{file}: {}", article.text);
        assert!(article.text.contains(LAST), "{file}: {}", article.text);
        assert!(!article.text.contains('<'), "{file}: {}", article.text);
        assert!(if id.is_empty() { article.id.starts_with("sha256:") } else { article.id == id }, "{file}: {}", article.id);
        assert_eq!(article.source.as_deref(), Some(source), "{file}");
        let reading = article.published_from.unwrap();
        assert_eq!(reading.precision, precision, "{file}");
        let day = precision == Some(DatePrecision::Day);
        assert_eq!(article.published.as_deref(), Some(if day { "2026-11-24T00:00:00Z" } else { "2026-11-24T18:05:00Z" }), "{file}");
        assert_eq!(article.authors.len(), authors, "{file}: {:?}", article.authors);
        assert_eq!(article.sections.first().map(String::as_str).unwrap_or_default(), section, "{file}");
        if shape != Shape::NewsApi {
            assert!(article.declared_language.as_deref().unwrap().starts_with("en"), "{file}: {:?}", article.declared_language);
        }
        if !matches!(shape, Shape::Html | Shape::Ninjs) {
            assert_eq!(article.url.as_deref(), Some("https://orla.example/flood"), "{file}");
        }
    }
}

#[test]
fn gdelt_has_no_text_and_its_headline_is_read() {
    let article = read("gdelt.json");
    assert_eq!((article.shape, article.text.as_str()), (Shape::Gdelt, TITLE));
    assert_eq!((article.declared_language.as_deref(), article.published.as_deref()), (Some("en"), Some("2026-11-24T18:05:00Z")));
}

#[test]
fn plain_text_has_what_the_headers_say() {
    let mut message = Message::local(fixture("text.txt"));
    message.headers = Ok(vec![Header::text("title", TITLE), Header::text("language", "English"), Header::text("section", "Weather")]);
    let article = Intake::default().read(&message).unwrap();
    assert_eq!((article.shape, article.title.as_deref()), (Shape::Text, Some(TITLE)));
    assert_eq!((article.declared_language.as_deref(), article.sections.as_slice()), (Some("en"), ["Weather".to_owned()].as_slice()));
    assert_eq!(article.published, None);
}

/// A fixture is missing for a shape, or stands there unused.
#[test]
fn every_fixture_has_its_shape() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let shapes = Shape::ALL.iter().filter(|shape| **shape != Shape::Mapping).map(|shape| shape.name().to_owned()).collect();
    assert_eq!(files, shapes);
}

#[test]
fn traps() {
    let read = |json: &str| Intake::default().read(&Message::local(json.as_bytes().to_vec())).unwrap();
    // The literal word of a language for nothing is nothing.
    let article = read(
        r#"{"maintext":"Body of the text","title":"None","title_page":"The page","language":"","authors":"None","date_publish":"None"}"#,
    );
    assert_eq!((article.title.as_deref(), article.declared_language, article.published_from), (Some("The page"), None, None));
    assert!(article.authors.is_empty());
    // A date that is none stays as it was written.
    let article = read(r#"{"text":"Body","published":"soon"}"#);
    assert_eq!((article.published, article.published_from.unwrap().raw.as_str()), (None, "soon"));
    // A translated article of NewsCatcher has null where its content would be.
    let article = read(r#"{"domain_url":"x.org","content":null,"description":"Short text","link":"https://x.org/a"}"#);
    assert_eq!(article.text, "Short text");
    // References are decoded, also where nothing else says HTML.
    assert_eq!(read(r#"{"text":"Fish &amp; chips &quot;to go&quot;&nbsp;&#8211; now"}"#).text, "Fish & chips \"to go\"\u{a0}– now");
    assert_eq!(read(r#"{"text":"AT&T and a<b, R&D"}"#).text, "AT&T and a<b, R&D");
}

#[test]
fn paths_reach_into_lists_and_objects() {
    let paths = |written: &[&str]| written.iter().map(|path| Path::parse(path)).collect::<Vec<_>>();
    let mapping = Mapping {
        text: paths(&["doc.lead&doc.parts.*.paragraphs.*"]),
        sections: paths(&["doc.tags.**"]),
        published: paths(&["doc.day&doc.time"]),
        ..Mapping::default()
    };
    let json = r#"{"doc":{"lead":"One","parts":[{"paragraphs":["Two","Three"]},{"paragraphs":["Four"]}],"tags":{"a":["x"],"b":"y"},
        "day":"2026-11-24","time":"18:05:00"}}"#;
    let article = Intake { mapping: Some(mapping), ..Intake::default() }.read(&Message::local(json.as_bytes().to_vec())).unwrap();
    assert_eq!(article.text, "One\n\nTwo\n\nThree\n\nFour");
    assert_eq!(article.sections, ["x", "y"]);
    assert_eq!(article.published.as_deref(), Some("2026-11-24T18:05:00Z"));
}
