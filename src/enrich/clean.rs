//! Clean text from text that a crawler already extracted: line by line, stateless, every removal reported.
//!
//! Precision before recall: losing a sentence of the article is worse than keeping a share button, and cleaning never
//! empties an article. Mended, in this order: the publisher's name beside the headline, the headline again at the head,
//! photo credits (also glued to a caption without a space), lines that stood before, page furniture at head and tail, links
//! in the middle, byline and dateline. The last two are kept beside the text.

mod credit;
mod frame;
mod furniture;
mod lines;
mod signature;
mod title;

use std::{cell::OnceCell, ops::Range};

use rustc_hash::FxHashSet;

use super::text::{fold, slice};
use crate::article::{Field, RawArticle, RemovalReason};
use furniture::{FURNITURE, Rule};
pub(crate) use lines::is_visible;
use lines::{Form, LINK_CHARS, Line, PROSE_CHARS, ends_sentence, is_ideographic, lines, tidy, tidy_lines};

/// Lines at the top among which headline, caption, credit and byline are looked for.
const HEAD_LINES: usize = 8;
/// Lines at the end among which a byline is looked for.
const TAIL_LINES: usize = 3;

/// The result: clean text, and what was taken out of the raw text, in ascending order.
#[derive(Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Clean headline.
    pub title: Option<String>,
    /// Clean body.
    pub text: String,
    /// The line that names the author.
    pub byline: Option<String>,
    /// Place, date and agency that opened the text.
    pub dateline: Option<String>,
    /// What was removed from headline and body, white space aside.
    pub removed: Vec<Cut>,
}

/// A removed range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Why.
    pub reason: RemovalReason,
    /// Whether it was in the headline or in the body.
    pub field: Field,
    /// Bytes of that field, as it was before.
    pub range: Range<usize>,
}

/// Cleans headline and body; publisher and authors help to recognise what is theirs.
pub fn clean(article: &RawArticle) -> Cleaned {
    let raw = article.text.as_str();
    let site = title::site_names(article);
    let (title, mut removed) = title::clean(article.title.as_deref(), &site);
    let mut work = Work { raw, lines: lines(raw), removed: Vec::new() };
    if let Some(title) = &title {
        work.remove_title(title);
        if let Some(whole) = article.title.as_deref().map(tidy).filter(|whole| whole != title) {
            work.remove_title(&whole);
        }
    }
    work.remove_credits(&site);
    work.remove_repeats();
    work.remove_cut_mark();
    work.remove_head();
    let byline = work.take_byline(&article.authors);
    if title.is_some() {
        work.remove_frame_above();
    }
    // The tail first: a heading of other stories tells where it begins.
    work.remove_tail(&site);
    let byline = match (byline, work.take_last_byline(&article.authors)) {
        (Some(first), Some(last)) => Some(format!("{first}; {last}")),
        (first, last) => first.or(last),
    };
    work.remove_related();
    let dateline = work.take_dateline(&site);
    let text = work.text();
    if !text.chars().any(char::is_alphanumeric) {
        // Whatever the rules thought of it, this was all there was.
        return Cleaned { title, text: tidy_lines(raw, &lines(raw)), byline: None, dateline: None, removed };
    }
    work.removed.sort_by_key(|(_, range)| range.start);
    removed.extend(work.removed.into_iter().map(|(reason, range)| Cut { reason, field: Field::Text, range }));
    Cleaned { title, text, byline, dateline, removed }
}

struct Work<'a> {
    raw: &'a str,
    lines: Vec<Line<'a>>,
    removed: Vec<(RemovalReason, Range<usize>)>,
}

impl<'a> Work<'a> {
    fn line(&self, index: usize) -> &'a str {
        self.lines.get(index).map_or("", |line| slice(self.raw, line.range.clone()))
    }

    /// What a line looks like; of a removed line, nothing.
    fn form(&self, index: usize) -> Form {
        self.lines.get(index).map_or_else(Form::default, |line| *line.form.get_or_init(|| Form::of(self.line(index))))
    }

    /// A line that is short enough to be furniture.
    fn short(&self, index: usize) -> Option<&furniture::Line<'a>> {
        self.lines.get(index)?.prepared.get_or_init(|| furniture::Line::short(self.line(index))).as_ref()
    }

    /// Indices of the lines that are still there.
    fn kept(&self) -> Vec<usize> {
        let mut kept = Vec::with_capacity(self.lines.len());
        kept.extend((0..self.lines.len()).filter(|index| !self.line(*index).is_empty()));
        kept
    }

    fn remove(&mut self, index: usize, reason: RemovalReason) {
        if let Some(line) = self.lines.get_mut(index).filter(|line| !line.range.is_empty()) {
            line.prepared = OnceCell::from(None);
            line.form = OnceCell::from(Form::default());
            let range = std::mem::replace(&mut line.range, 0..0);
            self.removed.push((reason, range));
        }
    }

    /// Removes the first `bytes` of a line.
    fn cut_start(&mut self, index: usize, bytes: usize, reason: RemovalReason) {
        let rest = slice(self.line(index), bytes..self.line(index).len());
        let trimmed = rest.trim_start().len();
        if let Some(line) = self.lines.get_mut(index) {
            self.removed.push((reason, line.range.start..line.range.start + bytes));
            line.range.start = line.range.end - trimmed;
            line.prepared.take();
            line.form.take();
        }
    }

    /// Removes a line from `at` to its end.
    fn cut_end(&mut self, index: usize, at: usize, reason: RemovalReason) {
        let kept = slice(self.line(index), 0..at).trim_end().len();
        if let Some(line) = self.lines.get_mut(index) {
            self.removed.push((reason, line.range.start + at..line.range.end));
            line.range.end = line.range.start + kept;
            line.prepared.take();
            line.form.take();
        }
    }

    fn remove_title(&mut self, title: &str) {
        let keys = title::keys(title);
        let words = fold(title).split(' ').count();
        for index in self.kept().into_iter().take(HEAD_LINES) {
            let line = self.line(index);
            // What is compared is at least three fifths of the line.
            let comparable = line.len() * 3 <= title.len() * 5 + 60;
            if comparable && title::keys(line).intersection(&keys).next().is_some() {
                self.remove(index, RemovalReason::RepeatedTitle);
            } else if words >= 4 && line.strip_prefix(title).is_some_and(|rest| title::is_glued(title, rest)) {
                self.cut_start(index, title.len(), RemovalReason::RepeatedTitle);
            }
        }
    }

    fn remove_credits(&mut self, site: &[String]) {
        let kept = self.kept();
        for (position, index) in kept.iter().copied().enumerate() {
            let line = self.line(index);
            let in_head = position < HEAD_LINES;
            if self.is_credit_line(index, in_head || position + 1 == kept.len()) {
                self.remove(index, RemovalReason::PhotoCredit);
            } else if in_head && let Some(at) = credit::suffix(line, site) {
                self.cut_end(index, at, RemovalReason::PhotoCredit);
            }
        }
    }

    /// Whether a line is nothing but a credit. A bare agency name is one only where credits stand (`bare_counts`).
    fn is_credit_line(&self, index: usize, bare_counts: bool) -> bool {
        let source = self.line(index);
        let form = self.form(index);
        if form.stopped || form.chars > 80 {
            return false;
        }
        let Some(line) = self.short(index) else { return false };
        let labelled = FURNITURE.introduces(Rule::CreditLabel, line);
        let marked = labelled || source.contains(['©', '®']);
        FURNITURE.is(Rule::Credit, line) && (bare_counts || marked)
            || source.split_once('/').is_some_and(|(first, _)| FURNITURE.has(Rule::Credit, &fold(first)))
            || source.starts_with(['©', 'ⓒ']) && bare_counts && line.words() <= 6 && !source.chars().any(char::is_numeric)
            || marked && (labelled || source.starts_with(['©', '®'])) && FURNITURE.ends(Rule::Credit, line)
            || labelled && line.words() <= if line.is_dense() { 16 } else { 6 }
    }

    fn remove_repeats(&mut self) {
        let mut seen = FxHashSet::default();
        for (position, index) in self.kept().into_iter().enumerate() {
            let line = self.line(index);
            // Short lines (a score, a refrain, a name in a list) may well repeat on purpose.
            let least = if position < HEAD_LINES { 3 } else { 6 };
            let enough = line.split(' ').nth(least - 1).is_some() || line.len() > 12 * least && self.form(index).ideographic;
            if !seen.insert(line) && enough {
                self.remove(index, RemovalReason::RepeatedLine);
            }
        }
    }

    /// `[+2345 chars]`, where an interface cut the text.
    fn remove_cut_mark(&mut self) {
        let Some(last) = self.kept().last().copied() else { return };
        let line = self.line(last);
        if let Some(rest) = line.strip_suffix(" chars]")
            && let Some((before, digits)) = rest.rsplit_once("[+")
            && !before.trim().is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            self.cut_end(last, before.len(), RemovalReason::PageFurniture);
        }
    }

    /// Buttons, menus and dates above the text.
    fn remove_head(&mut self) {
        for index in self.kept().into_iter().take(HEAD_LINES) {
            if self.form(index).prose {
                break;
            }
            let Some(line) = self.short(index) else { continue };
            let furniture = [Rule::Placeholder, Rule::Page, Rule::Advertisement].into_iter().any(|rule| FURNITURE.is(rule, line))
                || FURNITURE.is_row(line)
                || signature::is_published(line)
                || frame::is_breadcrumb(line.source());
            if furniture && self.kept().len() > 1 {
                self.remove(index, RemovalReason::PageFurniture);
            }
        }
    }

    fn take_byline(&mut self, authors: &[String]) -> Option<String> {
        // Running text is no byline, unless it stands in brackets or names an author that the crawler knew.
        let may_be = |index: &usize| !self.form(*index).prose || !authors.is_empty() || self.line(*index).starts_with(['(', '（', '[']);
        let kept = self.kept();
        self.take(|line| signature::is_byline(line, authors), &kept.into_iter().take(HEAD_LINES).filter(may_be).collect::<Vec<_>>())
    }

    fn take_last_byline(&mut self, authors: &[String]) -> Option<String> {
        let is_last = |line: &furniture::Line<'_>| signature::is_byline(line, authors) || signature::is_about(line, authors);
        let short = |index: &usize| self.form(*index).chars <= signature::LONGEST_BYLINE;
        self.take(is_last, &self.kept().into_iter().rev().take(TAIL_LINES).filter(short).collect::<Vec<_>>())
    }

    fn take(&mut self, is_signature: impl Fn(&furniture::Line<'_>) -> bool, lines: &[usize]) -> Option<String> {
        if self.kept().len() < 2 {
            return None;
        }
        let found = lines.iter().copied().find(|index| self.short(*index).is_some_and(&is_signature))?;
        let byline = tidy(self.line(found));
        self.remove(found, RemovalReason::Byline);
        Some(byline)
    }

    fn take_dateline(&mut self, site: &[String]) -> Option<String> {
        let kept = self.kept();
        for index in kept.into_iter().take(HEAD_LINES) {
            let line = self.line(index);
            if let Some((held, end)) = signature::dateline(line, site) {
                let dateline = tidy(slice(line, held));
                self.cut_start(index, end, RemovalReason::Dateline);
                return Some(dateline);
            }
            if self.form(index).prose {
                break;
            }
        }
        None
    }

    fn remove_related(&mut self) {
        let kept = self.kept();
        for (position, index) in kept.iter().copied().enumerate() {
            let source = self.line(index);
            // Headlines may be questions; a full stop makes a sentence of the article.
            if self.form(index).chars > LINK_CHARS + 10 || source.ends_with(['.', '。', '।', '۔']) {
                continue;
            }
            let Some(line) = self.short(index) else { continue };
            let alone = FURNITURE.is(Rule::Related, line);
            if alone || FURNITURE.introduces(Rule::Related, line) {
                // The link may stand on the line below, with text after it.
                let link = kept.get(position + 1).copied().filter(|_| alone && position + 2 < kept.len());
                self.remove(index, RemovalReason::RelatedLink);
                // A headline may be a question.
                let question = |line: &str| line.ends_with(['?', '؟', '？']) && line.chars().count() <= PROSE_CHARS + 20;
                if let Some(link) = link.filter(|link| is_link(self.line(*link)) || question(self.line(*link))) {
                    self.remove(link, RemovalReason::RelatedLink);
                }
            } else if FURNITURE.is(Rule::Advertisement, line) || FURNITURE.is_row(line) {
                self.remove(index, RemovalReason::PageFurniture);
            }
        }
    }

    /// Everything from the first line of furniture after the last sentence: what follows it are links, whatever they say.
    fn remove_tail(&mut self, site: &[String]) {
        let kept = self.kept();
        let total: usize = kept.iter().map(|index| self.line(*index).len()).sum();
        let mut after = 0;
        let mut cut = kept.len();
        for (position, index) in kept.iter().enumerate().skip(1).rev() {
            let source = self.line(*index);
            let form = self.form(*index);
            let furniture = self.short(*index).is_some_and(|line| {
                // A single link ('see also: …') may stand before the last paragraph.
                FURNITURE.is_any(line) && FURNITURE.set_off(Rule::Related, line).is_none()
                    || is_address(source)
                    || site.iter().any(|name| name == line.key())
                    || !form.stopped && signature::is_published(line)
            });
            after += source.len();
            if after * 2 > total || !furniture && form.running && !frame::exclaims(source) {
                break;
            }
            if furniture {
                cut = position;
            }
        }
        cut = self.frame_below(&kept, cut).unwrap_or(cut);
        for index in kept.get(cut..).unwrap_or_default() {
            self.remove(*index, RemovalReason::PageFurniture);
        }
    }

    fn text(&self) -> String {
        tidy_lines(self.raw, &self.lines)
    }
}

fn is_link(line: &str) -> bool {
    !ends_sentence(line) && line.chars().count() <= LINK_CHARS
}

/// A line that is nothing but a web address.
fn is_address(line: &str) -> bool {
    let bare = line.trim_start_matches("https://").trim_start_matches("http://");
    !line.contains(char::is_whitespace) && (bare.len() < line.len() || line.starts_with("www.") || is_domain(bare))
}

fn is_domain(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        && labels.last().is_some_and(|top| top.len() >= 2 && top.chars().all(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "The council approved the new budget after a long debate on Tuesday evening in the town hall.";

    fn clean(title: Option<&str>, source: Option<&str>, text: &str) -> Cleaned {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        super::clean(&RawArticle { title: owned(title), source: owned(source), text: text.to_owned(), ..RawArticle::default() })
    }

    #[test]
    fn removes_the_headline_again() {
        for (title, head) in [
            ("Council approves new budget", "Council approves new budget\n"),
            ("Council approves new budget", "COUNCIL APPROVES NEW BUDGET\n\n"),
            ("Council approves new budget - The Herald", "Council approves new budget\n"),
            ("Council approves new budget", "Opinion | Council approves new budget\n"),
            ("Council approves new budget", "Council approves new budget"),
        ] {
            let cleaned = clean(Some(title), None, &format!("{head}{BODY}"));
            assert_eq!(cleaned.text, BODY, "{title} / {head}");
            assert_eq!(
                cleaned.removed.iter().map(|cut| cut.reason).find(|reason| *reason != RemovalReason::SiteName),
                Some(RemovalReason::RepeatedTitle)
            );
        }
    }

    #[test]
    fn removes_credits_glued_and_apart() {
        for (raw, expected) in [
            ("وزير المالية خلال مؤتمر صحفي في العاصمةرويترز\n\nنص", "وزير المالية خلال مؤتمر صحفي في العاصمة\n\nنص"),
            ("The minister leaves the palaceAFP\n\nText", "The minister leaves the palace\n\nText"),
            ("The minister leaves the palace (Reuters)\n\nText", "The minister leaves the palace\n\nText"),
            ("Ein Bus steht im Wasser © dpa\n\nText", "Ein Bus steht im Wasser\n\nText"),
            ("Photo: Reuters\n\nText", "Text"),
            ("REUTERS/Jane Roe\n\nText", "Text"),
            ("Foto: Max Muster/dpa\n\nText", "Text"),
        ] {
            assert_eq!(clean(None, None, raw).text, expected);
        }
    }

    #[test]
    fn keeps_agencies_that_are_the_story() {
        for raw in
            ["The report was first published by Reuters", "قالت وكالة رويترز إن الاجتماع انتهى", "A new chief executive was named at AFP."]
        {
            assert_eq!(clean(None, None, raw).text, raw);
        }
    }

    #[test]
    fn removes_the_tail_and_only_the_tail() {
        let raw = format!(
            "{BODY}\n\nRead also: Ten more stories\n\n{BODY} It was late.\n\nMost read\nFirst story\nSecond story\nlogo\nwww.example.com"
        );
        let cleaned = clean(None, None, &raw);
        assert_eq!(cleaned.text, format!("{BODY}\n\n{BODY} It was late."));
        let reasons: Vec<_> = cleaned.removed.iter().map(|cut| cut.reason).collect();
        assert_eq!(reasons.first(), Some(&RemovalReason::RelatedLink));
        assert!(reasons.iter().skip(1).all(|reason| *reason == RemovalReason::PageFurniture));
        let early = format!("Most read\n\n{}", format!("{BODY} {BODY}\n\n").repeat(1));
        assert!(clean(None, None, &early).text.starts_with("Most read"), "a heading above prose is not a tail");
    }

    #[test]
    fn removes_a_link_once() {
        let raw = format!("{BODY}\n\nRead also:\nRead also: ten more\n\n{BODY} It was late.");
        let removed = clean(None, None, &raw).removed;
        assert_eq!(removed.len(), 2);
        assert!(removed.iter().all(|cut| !cut.range.is_empty()), "{removed:?}");
    }

    #[test]
    fn never_empties_an_article() {
        for raw in ["Most read", "رويترز", "logo\nlogo", "www.example.com", "\u{fffd}\u{fffd}.\n\nRead also: ten more"] {
            assert!(clean(Some("Most read"), None, raw).text.contains(char::is_alphabetic), "{raw}");
        }
    }

    #[test]
    fn tidies_white_space_and_control_characters() {
        assert_eq!(clean(None, None, "\u{feff}one\u{a0}\u{a0}two\u{0}\r\nthree\r\n\r\n\r\nfour\u{200b}").text, "one two\nthree\n\nfour");
    }

    #[test]
    fn removed_ranges_point_into_the_raw_text() {
        let raw = "Council approves new budget\nCouncil approves new budgetAFP\n\nText of the article.";
        let cleaned = clean(None, None, raw);
        assert_eq!(cleaned.text, "Council approves new budget\n\nText of the article.");
        let texts: Vec<_> = cleaned.removed.iter().map(|cut| (cut.reason, slice(raw, cut.range.clone()))).collect();
        assert_eq!(texts, [(RemovalReason::RepeatedLine, "Council approves new budget"), (RemovalReason::PhotoCredit, "AFP")]);
    }
}
