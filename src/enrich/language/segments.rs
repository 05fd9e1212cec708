//! A document in blocks, and the segments of a mixed one.

use std::ops::Range;

use super::letters::Counts;
use crate::article::Field;

/// A block is at least this many bytes of whole lines, so that its language can be told.
const LEAST_BLOCK: usize = 120;
/// A document has at most this many blocks of body text.
const MOST_BLOCKS: usize = 10;
/// A block is in another language only if it has this many letters (a third of it in ideographs and syllable blocks),
pub(super) const LEAST_LETTERS: usize = 60;
/// and only if the model is this sure.
pub(super) const LEAST_CONFIDENCE: f64 = 0.98;

/// Some whole lines of one field, in one language as far as this module knows.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) field: Field,
    pub(super) range: Range<usize>,
    pub(super) text: &'a str,
    pub(super) counts: Counts,
}

/// A part of a mixed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The field it stands in.
    pub field: Field,
    /// Its bytes in that field.
    pub range: Range<usize>,
    /// BCP-47 tag.
    pub tag: &'static str,
}

/// Cuts a document into blocks: the headline, and the body by lines.
pub(super) fn blocks<'a>(title: Option<&'a str>, text: &'a str) -> Vec<Block<'a>> {
    let mut blocks = Vec::with_capacity(MOST_BLOCKS + 1);
    let mut push = |field, range: Range<usize>, source: &'a str| {
        let text = source.get(range.clone()).unwrap_or_default();
        blocks.push(Block { field, range, text, counts: Counts::of(text) });
    };
    if let Some(title) = title {
        push(Field::Title, 0..title.len(), title);
    }
    let least = LEAST_BLOCK.max(text.len().div_ceil(MOST_BLOCKS));
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if end - start >= least {
            push(Field::Text, start..end, text);
            start = end;
        }
    }
    if start < end {
        push(Field::Text, start..end, text);
    }
    blocks
}

/// The tag of most letters.
pub(super) fn most(blocks: &[Block<'_>], tags: &[&'static str]) -> &'static str {
    let mut letters: Vec<(&str, usize)> = Vec::new();
    for (block, tag) in blocks.iter().zip(tags) {
        let count = block.text.chars().count();
        match letters.iter_mut().find(|(known, _)| known == tag) {
            Some((_, sum)) => *sum += count,
            None => letters.push((tag, count)),
        }
    }
    letters.into_iter().rev().max_by_key(|(_, count)| *count).map_or(super::UNDETERMINED, |(tag, _)| tag)
}

/// Neighbouring blocks of one field and tag become one segment.
pub(super) fn merge(blocks: &[Block<'_>], tags: &[&'static str]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (block, tag) in blocks.iter().zip(tags) {
        // The empty line between two blocks belongs to neither.
        let start = block.range.start + block.text.len() - block.text.trim_start().len();
        let end = block.range.start + block.text.trim_end().len();
        match segments.last_mut() {
            Some(last) if last.field == block.field && last.tag == *tag => last.range.end = end,
            _ => segments.push(Segment { field: block.field, range: start..end, tag }),
        }
    }
    segments
}

/// Languages so close that a paragraph of one inside the other is more likely a mistake of ours.
pub(super) fn related(left: &str, right: &str) -> bool {
    const FAMILIES: [&[&str]; 11] = [
        &["hr", "bs", "sr", "sl"],
        &["id", "ms", "jv", "su"],
        &["nb", "nn", "da", "sv"],
        &["cs", "sk"],
        &["es", "pt", "gl", "ca", "oc", "it"],
        &["ru", "uk", "be", "bg", "mk", "sr"],
        &["hi", "mr", "ne", "bho", "mai"],
        &["nl", "af", "fy", "de", "lb"],
        &["tr", "az", "tk", "crh"],
        &["xh", "zu", "ss", "rw", "rn", "tn", "nso", "st"],
        &["fa", "ps", "ckb", "ur", "sd"],
    ];
    FAMILIES.iter().any(|family| family.contains(&left) && family.contains(&right))
}
