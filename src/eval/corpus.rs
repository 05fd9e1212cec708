//! The inline format of the annotated corpus: `tests/corpus/README.md`.

use std::ops::Range;

use crate::article::{Field, RawArticle};

/// One annotated article: what a crawler would have delivered, and what of it is noise.
#[derive(Debug, Clone)]
pub struct Annotated {
    /// The id of the head line.
    pub id: String,
    /// `train` or `dev`.
    pub split: String,
    /// Country, register and topics, as on the head line.
    pub facts: Vec<String>,
    /// The raw article.
    pub raw: RawArticle,
    /// Noise: field, kind, bytes of that field of the raw article.
    pub noise: Vec<(Field, String, Range<usize>)>,
    /// Mentions of entities: field, type and perhaps `|id canonical name` or `|-`, bytes of that field of the raw article.
    pub mentions: Vec<(Field, String, Range<usize>)>,
}

impl Annotated {
    fn add(&mut self, field: Field, marks: Marks) {
        self.noise.extend(marks.noise.into_iter().map(|(kind, range)| (field, kind, range)));
        self.mentions.extend(marks.mentions.into_iter().map(|(kind, range)| (field, kind, range)));
    }
}

/// Kinds and bytes of the marks of a text.
#[derive(Debug, Default)]
struct Marks {
    noise: Vec<(String, Range<usize>)>,
    mentions: Vec<(String, Range<usize>)>,
}

/// Reads a file of the corpus.
///
/// # Errors
/// The line, and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Annotated>, String> {
    let mut articles = Vec::new();
    let mut open: Option<(Annotated, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let fault = |what: &str| format!("line {}: {what}", index + 1);
        if let Some(head) = line.strip_prefix("== ") {
            articles.extend(open.take().map(close).transpose()?);
            let mut parts = head.split('|').map(|part| part.trim().to_owned());
            let id = parts.next().unwrap_or_default();
            let split = parts
                .next()
                .filter(|split| split == "train" || split == "dev")
                .ok_or_else(|| fault("wanted '== id | train or dev | …'"))?;
            let article = Annotated {
                id: id.clone(),
                split,
                facts: parts.collect(),
                raw: RawArticle { id, ..RawArticle::default() },
                noise: Vec::new(),
                mentions: Vec::new(),
            };
            open = Some((article, String::new()));
            continue;
        }
        let Some((article, body)) = &mut open else {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            return Err(fault("text before the first '== '"));
        };
        match line.split_once(": ") {
            Some(("source", source)) if body.is_empty() => article.raw.source = Some(source.to_owned()),
            Some(("author", author)) if body.is_empty() => article.raw.authors.push(author.to_owned()),
            Some(("title", title)) if body.is_empty() && article.raw.title.is_none() => {
                let (title, marks) = unmark(title).map_err(|what| fault(&what))?;
                article.raw.title = Some(title);
                article.add(Field::Title, marks);
            }
            _ => {
                body.push_str(line);
                body.push('\n');
            }
        }
    }
    articles.extend(open.map(close).transpose()?);
    Ok(articles)
}

fn close((mut article, body): (Annotated, String)) -> Result<Annotated, String> {
    let (text, marks) = unmark(body.trim_end()).map_err(|what| format!("{}: {what}", article.id))?;
    if text.trim().is_empty() {
        return Err(format!("{}: no text", article.id));
    }
    article.raw.text = text;
    article.add(Field::Text, marks);
    Ok(article)
}

/// The text without its marks, and what they said of it: `{{kind|noise}}` and `[[mention|type]]`, the latter also inside the former.
fn unmark(marked: &str) -> Result<(String, Marks), String> {
    let mut text = String::new();
    let mut marks = Marks::default();
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once("{{") {
        unmark_mentions(before, &mut text, &mut marks)?;
        let (inside, after) = after.split_once("}}").ok_or("'{{' without '}}'")?;
        let (kind, noise) = inside.split_once('|').ok_or_else(|| format!("'{{{{{inside}' has no kind; wanted {{{{kind|text}}}}"))?;
        let start = text.len();
        unmark_mentions(noise, &mut text, &mut marks)?;
        marks.noise.push((kind.to_owned(), start..text.len()));
        rest = after;
    }
    unmark_mentions(rest, &mut text, &mut marks)?;
    Ok((text, marks))
}

fn unmark_mentions(marked: &str, text: &mut String, marks: &mut Marks) -> Result<(), String> {
    let mut rest = marked;
    while let Some((before, after)) = rest.split_once("[[") {
        let (inside, after) = after.split_once("]]").ok_or("'[[' without ']]'")?;
        let (surface, kind) = inside.split_once('|').ok_or_else(|| format!("'[[{inside}' has no type; wanted [[surface|type]]"))?;
        text.push_str(before);
        marks.mentions.push((kind.to_owned(), text.len()..text.len() + surface.len()));
        text.push_str(surface);
        rest = after;
    }
    text.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_heads_marks_and_bodies() {
        let articles = parse(
            "# a comment\n== en-1 | dev | GB | local | sport, weather\nsource: Desk\nauthor: A\ntitle: Rain{{site_name| - Desk}}\n\
             {{byline|By A}}\nText: one.\n\nTwo{{photo_credit|PA}} in [[Kent|LOC|copydesk:kent Kent]]\n\n== en-2 | train | US | wire | economy\ntitle: T\nBody.\n",
        )
        .unwrap();
        let [first, second] = articles.as_slice() else { panic!("{articles:?}") };
        assert_eq!((first.raw.title.as_deref(), first.raw.text.as_str()), (Some("Rain - Desk"), "By A\nText: one.\n\nTwoPA in Kent"));
        assert_eq!(
            first.noise,
            [
                (Field::Title, "site_name".to_owned(), 4..11),
                (Field::Text, "byline".to_owned(), 0..4),
                (Field::Text, "photo_credit".to_owned(), 20..22),
            ]
        );
        assert_eq!(first.mentions, [(Field::Text, "LOC|copydesk:kent Kent".to_owned(), 26..30)]);
        assert_eq!((second.split.as_str(), second.raw.text.as_str()), ("train", "Body."));
        for broken in [
            "text",
            "== x | test\nBody",
            "== x | dev\n{{a|b",
            "== x | dev\n{{ab}}",
            "== x | dev\n[[a|b",
            "== x | dev\n[[ab]]",
            "== x | dev\n",
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
