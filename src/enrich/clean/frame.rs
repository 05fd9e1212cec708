//! The frame of a page: what stands around the text and gives itself away by its form, whatever it says.
//!
//! It counts only where enough running text, ended as sentences end, tells where the article is; a list at the end is the
//! article's, and so is a single last line, where somebody may have cut the text off.

use super::{
    super::text::fold,
    HEAD_LINES, Work, ends_sentence,
    furniture::{self, FURNITURE, Rule},
};
use crate::article::RemovalReason;

/// Lines of running text an article must have before what stands above them counts as the frame of a page.
const BODY_BELOW: usize = 2;
/// The same for what stands below them; short reports end in lists.
const BODY_ABOVE: usize = 3;

impl Work<'_> {
    /// Short lines beside a date, a byline or a button that was found at the head: a section's name, a bare name, a button
    /// whose wording is in no list. Below those stand captions, which have more than one word.
    pub(super) fn remove_frame_above(&mut self) {
        let kept = self.kept();
        let Some((first, _)) = self.body(&kept, BODY_BELOW) else { return };
        let above = kept.get(..first.min(HEAD_LINES)).unwrap_or_default();
        let starts = |reason: RemovalReason| self.removed.iter().filter(move |(found, _)| *found == reason).map(|(_, range)| range.start);
        let text = kept.get(first).and_then(|index| self.lines.get(*index)).map_or(0, |line| line.range.start);
        let found = starts(RemovalReason::PageFurniture).chain(starts(RemovalReason::Byline)).filter(|start| *start < text).max();
        let slight = |index: &usize| {
            let above = self.lines.get(*index).is_some_and(|line| Some(line.range.end) <= found);
            let few = |line: &furniture::Line<'_>| line.words() <= if line.is_dense() { 4 } else { 1 };
            self.short(*index)
                .is_some_and(|line| shows_nothing(line.source()) || is_slight(line) && (above || found.is_some() && few(line)))
        };
        for index in above.iter().copied().filter(slight).collect::<Vec<_>>() {
            self.remove(index, RemovalReason::PageFurniture);
        }
    }

    /// Positions of the first and the last line of running text, where there are enough of them and they end as sentences do.
    fn body(&self, kept: &[usize], least: usize) -> Option<(usize, usize)> {
        let running = |position: &usize| kept.get(*position).is_some_and(|index| self.form(*index).running && !exclaims(self.line(*index)));
        let stopped = (0..kept.len()).filter(running).filter(|position| kept.get(*position).is_some_and(|index| self.form(*index).stopped));
        let unstopped = kept.iter().map(|index| self.form(*index)).filter(|form| form.running && !form.stopped);
        if stopped.count() < least.max(4 * unstopped.count()) {
            return None;
        }
        Some(((0..kept.len()).find(running)?, (0..kept.len()).rev().find(running)?))
    }

    /// Where the lines begin that follow the last sentence and are none themselves, up to known furniture or the end. Lists are
    /// the article's: results, squads, addresses.
    pub(super) fn frame_below(&self, kept: &[usize], known: usize) -> Option<usize> {
        let before = kept.get(..known)?;
        let (_, last) = self.body(before, BODY_ABOVE)?;
        let text = |position: usize| before.get(position).map_or("", |index| self.line(*index));
        let list = (last + 1..known).rev().find(|position| is_listed(text(*position)));
        let start = list.unwrap_or(last) + 1;
        let opens = before.get(start).is_some_and(|index| self.form(*index).is_short());
        // A single last line may be where somebody cut the text off.
        let enough = known < kept.len() || start + 1 < known;
        (start < known && enough && !text(start - 1).ends_with([':', '：']) && (opens || exclaims(text(start)))).then_some(start)
    }
}

/// 'Home > World > Middle East'.
pub(super) fn is_breadcrumb(line: &str) -> bool {
    let parts: Vec<&str> = line.split(['>', '»', '›', '/', '|', '·']).map(str::trim).collect();
    let arrows = line.contains(['>', '›', '»']) && !line.contains(['/', '|', '«']);
    line.chars().count() <= 80
        && parts.len() >= 2
        && parts.iter().all(|part| part.chars().count() <= 30)
        && (arrows && parts.iter().all(|part| (1..=3).contains(&part.split_whitespace().count()))
            || parts.first().is_some_and(|first| FURNITURE.has(Rule::Placeholder, &fold(first))))
}

/// Whether a line calls out and quotes nobody: news ends so only where the page speaks.
pub(super) fn exclaims(line: &str) -> bool {
    line.ends_with(['!', '！']) && !line.contains(['"', '“', '”', '«', '»', '„', '「', '–', '—'])
}

/// A line with hardly a letter: 'A+', '👁 1 204'.
fn shows_nothing(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphabetic()).nth(1).is_none()
}

/// A few words that neither end nor open like a sentence, and say nothing of what follows.
fn is_slight(line: &furniture::Line<'_>) -> bool {
    let source = line.source();
    let long = if line.is_dense() { source.chars().count() > 12 } else { line.words() > 4 || source.chars().count() > 40 };
    !long && !ends_sentence(source) && !source.ends_with([':', '：', '"', '”', '»']) && !is_listed(source)
}

/// An entry of a list: it opens with a bullet, or holds figures or several commas.
fn is_listed(line: &str) -> bool {
    line.starts_with(['•', '-', '–', '—', '*', '·', '"', '“', '«', '„', '▪', '●'])
        || line.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty()).nth(1).is_some()
        || line.chars().filter(|c| matches!(c, ',' | '،' | '、' | '，' | ';')).nth(1).is_some()
}
