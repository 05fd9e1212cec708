//! HTML fields to text: a streaming tokenizer (no tree, so no depth to overflow), blocks become lines.

use html5gum::{Token, Tokenizer};

/// Tags whose content is not text.
const SILENT: [&str; 7] = ["script", "style", "noscript", "template", "iframe", "svg", "head"];
/// Tags that end a paragraph.
const PARAGRAPHS: [&str; 19] = [
    "p",
    "div",
    "article",
    "section",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "figure",
    "figcaption",
    "ul",
    "ol",
    "table",
    "header",
    "footer",
    "aside",
];
/// Tags that end a line.
const LINES: [&str; 6] = ["br", "li", "tr", "dt", "dd", "hr"];

/// Whether a text not marked as HTML is HTML all the same.
pub(super) fn looks_like(text: &str) -> bool {
    text.contains('<')
        && ["</p>", "<br", "</div>", "</a>", "</span>", "</html>", "<p>", "</b>", "</strong>", "</em>", "</i>"]
            .iter()
            .any(|tag| text.contains(tag))
}

/// A text without markup, in which character references were left: all of them are decoded at once.
pub(super) fn decode(text: &str) -> Option<String> {
    let named = [
        "&amp;", "&quot;", "&nbsp;", "&lt;", "&gt;", "&apos;", "&#", "&rsquo;", "&lsquo;", "&ldquo;", "&rdquo;", "&ndash;", "&mdash;",
        "&hellip;",
    ];
    if !text.contains('&') || !named.iter().any(|reference| text.contains(reference)) {
        return None;
    }
    // The tokenizer would take a '<' for a tag, so it is shown none.
    let mut decoded = String::with_capacity(text.len());
    for (index, part) in text.split('<').enumerate() {
        if index > 0 {
            decoded.push('<');
        }
        for Ok(token) in Tokenizer::new(part) {
            if let Token::String(content) = token {
                decoded.push_str(&String::from_utf8_lossy(&content));
            }
        }
    }
    Some(decoded)
}

/// The text of a fragment: references decoded, runs of white space single, paragraphs apart by an empty line.
pub(super) fn strip(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut silent: Option<Vec<u8>> = None;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) if silent.is_none() => {
                if !tag.self_closing && is_one_of(&tag.name, &SILENT) {
                    silent = Some(tag.name.to_vec());
                } else {
                    separate(&mut text, &tag.name);
                }
            }
            Token::EndTag(tag) => match &silent {
                Some(open) if **open == **tag.name => silent = None,
                Some(_) => {}
                None => separate(&mut text, &tag.name),
            },
            Token::String(content) if silent.is_none() => {
                for c in String::from_utf8_lossy(&content).chars() {
                    if !c.is_whitespace() {
                        text.push(c);
                    } else if !text.is_empty() && !text.ends_with([' ', '\n']) {
                        text.push(' ');
                    }
                }
            }
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

fn separate(text: &mut String, tag: &[u8]) {
    let wanted = if is_one_of(tag, &PARAGRAPHS) { 2 } else { usize::from(is_one_of(tag, &LINES)) };
    if wanted == 0 || text.is_empty() {
        return;
    }
    if text.ends_with(' ') {
        text.pop();
    }
    let present = text.chars().rev().take_while(|c| *c == '\n').count();
    text.extend(std::iter::repeat_n('\n', wanted - present.min(wanted)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_to_lines() {
        for (html, expected) in [
            ("<p>One &amp; two</p>\n<p>three</p>", "One & two\n\nthree"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
            ("<style>p{}</style><p>a  <b>b</b>\n c</p><script>if (a<b) {}</script>", "a b c"),
            ("plain &#1576;&nbsp;text", "plain ب text"),
            ("", ""),
        ] {
            assert_eq!(strip(html), expected);
        }
    }

    #[test]
    fn depth_does_not_matter() {
        assert_eq!(strip(&format!("{}deep", "<div><b>".repeat(200_000))), "deep");
    }
}
