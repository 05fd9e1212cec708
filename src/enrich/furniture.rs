//! Page furniture: the lines of `data/furniture.txt`, matched folded.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::text::{Text, fold, slice};

/// Which list a line is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// Lists of popular stories.
    MostRead,
    /// Links to other stories.
    Related,
    /// Anything else that is the page: share, newsletter, cookies, comments, copyright, tags, placeholders.
    Page,
    /// The word 'advertisement' in its languages.
    Advertisement,
    /// Agencies that sign photographs.
    Credit,
    /// Words before a photo credit.
    CreditLabel,
}

/// The compiled lists.
pub(super) struct Furniture {
    terms: FxHashMap<Rule, FxHashSet<String>>,
    longest: usize,
    credits: Vec<String>,
}

/// The lists as shipped.
pub(super) static FURNITURE: LazyLock<Furniture> = LazyLock::new(|| {
    let mut furniture = Furniture { terms: FxHashMap::default(), longest: 0, credits: Vec::new() };
    for line in include_str!("data/furniture.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((name, terms)) = line.split_once('|') else { continue };
        let rule = match name.trim() {
            "most-read" => Rule::MostRead,
            "related" => Rule::Related,
            "advertisement" => Rule::Advertisement,
            "credit" => Rule::Credit,
            "credit-label" | "source-line" => Rule::CreditLabel,
            _ => Rule::Page,
        };
        for term in terms.split(',').map(str::trim) {
            let key = fold(term);
            furniture.longest = furniture.longest.max(key.split(' ').count());
            furniture.terms.entry(rule).or_default().insert(key);
            if rule == Rule::Credit {
                furniture.credits.extend(spellings(term));
            }
        }
    }
    furniture
});

/// A credit as it is printed: acronyms in capitals, names capitalised or in capitals.
fn spellings(term: &str) -> Vec<String> {
    let upper = term.to_uppercase();
    let mut initial = term.chars();
    let capitalised: String = initial.next().into_iter().flat_map(char::to_uppercase).chain(initial).collect();
    let mut all = vec![upper, capitalised];
    // `dpa` signs itself in small letters.
    all.push(term.to_owned());
    all.dedup();
    all
}

impl Furniture {
    /// Whether a folded line is one of the terms.
    pub(super) fn has(&self, rule: Rule, key: &str) -> bool {
        self.terms.get(&rule).is_some_and(|terms| terms.contains(key))
    }

    /// Whether a line is one of the terms.
    pub(super) fn is(&self, rule: Rule, line: &Line<'_>) -> bool {
        self.has(rule, &line.key)
    }

    /// Whether a line ends with one of the terms as whole words.
    pub(super) fn ends(&self, rule: Rule, line: &Line<'_>) -> bool {
        let words: Vec<&str> = line.key.split(' ').collect();
        (1..=words.len().min(self.longest)).any(|count| self.has(rule, &words.get(words.len() - count..).unwrap_or_default().join(" ")))
    }

    /// Whether a line is a term, alone or set off by a colon or a bar from what follows.
    pub(super) fn introduces(&self, rule: Rule, line: &Line<'_>) -> bool {
        let gap = || {
            let words = self.lead(rule, line)?;
            (words < line.words()).then(|| line.text.gap_before(words))
        };
        self.is(rule, line) || gap().is_some_and(|gap| gap.trim_start().starts_with([':', '：', '|', '/', '>', '»', '›', '؛']))
    }

    /// Whether everything from this line on may be furniture: a heading of other stories, alone on its line.
    pub(super) fn heads_tail(&self, line: &Line<'_>) -> bool {
        [Rule::MostRead, Rule::Related, Rule::Page].into_iter().any(|rule| self.is(rule, line))
    }

    /// Whether a line at the end is furniture: a term, or a term that opens a short line.
    pub(super) fn is_any(&self, line: &Line<'_>) -> bool {
        let words = line.words();
        // One-word terms ('home', 'print') open sentences; longer ones and short lines do not.
        let opens = |lead: usize| lead >= 2 && words <= lead + 8 || words <= 3 && lead + 1 >= words;
        self.is(Rule::Advertisement, line)
            || self.heads_tail(line)
            || [Rule::MostRead, Rule::Related, Rule::Page].into_iter().any(|rule| self.lead(rule, line).is_some_and(opens))
            || line.source().contains('©') && words <= 12
    }

    /// The credits as printed.
    pub(super) fn credits(&self) -> impl Iterator<Item = &String> {
        self.credits.iter().filter(|credit| credit.chars().count() >= 2)
    }

    /// Words of the longest term a line opens with.
    fn lead(&self, rule: Rule, line: &Line<'_>) -> Option<usize> {
        let ends = line.key.match_indices(' ').map(|(at, _)| at).chain([line.key.len()]).take(self.longest);
        ends.enumerate().filter(|(_, end)| self.has(rule, slice(&line.key, 0..*end))).last().map(|(index, _)| index + 1)
    }
}

/// A line prepared for the rules: tokens and fold are made once.
pub(super) struct Line<'a> {
    text: Text<'a>,
    key: String,
}

impl<'a> Line<'a> {
    /// Lines longer than this are no furniture, and not worth preparing.
    const LONGEST: usize = 400;

    /// Prepares a line, if it is short enough to be furniture.
    pub(super) fn short(source: &'a str) -> Option<Self> {
        (source.len() <= Self::LONGEST).then(|| {
            let text = Text::new(source);
            let key = (0..text.len()).map(|token| text.folded(token)).collect::<Vec<_>>().join(" ");
            Self { text, key }
        })
    }

    /// The line itself.
    pub(super) fn source(&self) -> &'a str {
        self.text.source()
    }

    /// The folded line.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn words(&self) -> usize {
        self.text.len()
    }
}
