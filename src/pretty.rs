//! An enriched article for the eye: coloured mentions in the text, right-to-left paragraphs marked as such.
//!
//! Terminals that know the bidirectional algorithm order a paragraph by its first strong character, so a right-to-left mark
//! opens every paragraph of such an article; a Latin name at its start then does not turn the line around.

use std::fmt::Write;

use crate::article::{EnrichedArticle, EntityType, Field, Mention, RemovalReason};

const RIGHT_TO_LEFT_MARK: char = '\u{200f}';

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// Most paragraphs of the body; `None` prints all.
    pub paragraphs: Option<usize>,
}

/// Renders an article whose offsets are code points.
pub fn render(document: &EnrichedArticle, style: Style) -> String {
    let mut out = String::new();
    let paint = |code: &str, text: &str| if style.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let mark = if document.language.direction == "rtl" { RIGHT_TO_LEFT_MARK.to_string() } else { String::new() };
    let language = &document.language;
    let topics: Vec<String> = document.topics.iter().map(|topic| format!("{} {:.2}", topic.label, topic.score)).collect();
    let agrees = match language.agrees {
        Some(false) => format!(" (declared {})", language.declared.as_deref().unwrap_or_default()),
        _ => String::new(),
    };
    let head = format!(
        "{} {} {}{agrees} · {}",
        language.tag,
        language.script,
        language.direction,
        if topics.is_empty() { "no topic".to_owned() } else { topics.join(", ") }
    );
    line(&mut out, &paint("2", &format!("── {head}")));
    if let Some(title) = &document.article.title {
        line(&mut out, &format!("{mark}{}", highlight(title, &mentions(document, Field::Title), style, "1")));
    }
    let text = &document.article.text;
    let body = highlight(text, &mentions(document, Field::Text), style, "0");
    let paragraphs: Vec<&str> = body.split('\n').filter(|paragraph| !paragraph.is_empty()).collect();
    let shown = style.paragraphs.unwrap_or(paragraphs.len());
    for paragraph in paragraphs.iter().take(shown) {
        line(&mut out, &format!("{mark}{paragraph}"));
    }
    if paragraphs.len() > shown {
        line(&mut out, &paint("2", &format!("… {} more", paragraphs.len() - shown)));
    }
    for kind in EntityType::ALL {
        let names: Vec<String> = document
            .entities
            .iter()
            .filter(|entity| entity.kind == kind)
            .map(|entity| format!("{}{}", entity.name, entity.id.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default()))
            .collect();
        if !names.is_empty() {
            line(&mut out, &format!("   {}  {}", paint(colour(kind), &format!("{:<12}", kind.name())), names.join(" · ")));
        }
    }
    let removed = document.cleaning.removed.len();
    if removed > 0 {
        let reasons: Vec<&str> = {
            let mut reasons: Vec<&str> = document.cleaning.removed.iter().map(|removal| reason(removal.reason)).collect();
            reasons.dedup();
            reasons
        };
        line(&mut out, &paint("2", &format!("   cleaned       {}", reasons.join(", "))));
    }
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    writeln!(out, "{text}").ok();
}

fn mentions(document: &EnrichedArticle, field: Field) -> Vec<(&Mention, EntityType)> {
    let mut mentions: Vec<(&Mention, EntityType)> =
        document.entities.iter().flat_map(|entity| entity.mentions.iter().map(move |mention| (mention, entity.kind))).collect();
    mentions.retain(|(mention, _)| mention.field == field);
    mentions.sort_by_key(|(mention, _)| mention.start);
    mentions
}

fn highlight(text: &str, mentions: &[(&Mention, EntityType)], style: Style, base: &str) -> String {
    if !style.colour {
        return text.to_owned();
    }
    let mut out = format!("\x1b[{base}m");
    let mut next = mentions.iter().peekable();
    for (position, c) in text.chars().enumerate() {
        if let Some((mention, kind)) = next.peek()
            && mention.start == position
        {
            write!(out, "\x1b[{}m", colour(*kind)).ok();
        }
        out.push(c);
        if let Some((mention, _)) = next.peek()
            && mention.end == position + 1
        {
            write!(out, "\x1b[0m\x1b[{base}m").ok();
            next.next();
        }
    }
    out.push_str("\x1b[0m");
    out
}

fn colour(kind: EntityType) -> &'static str {
    match kind {
        EntityType::Person => "36",
        EntityType::Organisation => "33",
        EntityType::Place => "32",
    }
}

fn reason(reason: RemovalReason) -> &'static str {
    match reason {
        RemovalReason::RepeatedTitle => "repeated title",
        RemovalReason::RepeatedLine => "repeated line",
        RemovalReason::PhotoCredit => "photo credit",
        RemovalReason::PageFurniture => "page furniture",
        RemovalReason::RelatedLink => "related link",
        RemovalReason::Byline => "byline",
        RemovalReason::Dateline => "dateline",
        RemovalReason::SiteName => "site name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{article::Message, pipeline::Pipeline};

    #[test]
    fn colours_mentions_and_marks_right_to_left() {
        let pipeline = Pipeline::load(Default::default(), Default::default(), false);
        let (document, _) = pipeline.document(&Message::local("وصل الوزير إلى بغداد اليوم قادما من الأردن".as_bytes().to_vec())).unwrap();
        let coloured = render(&document, Style { colour: true, paragraphs: None });
        assert!(coloured.contains("\x1b[32mبغداد\x1b[0m"), "{coloured:?}");
        let plain = render(&document, Style { colour: false, paragraphs: None });
        assert!(plain.contains("\u{200f}وصل الوزير") && !plain.contains('\x1b'), "{plain:?}");
    }
}
