//! The lexicon of what is not the article (`data/furniture.txt`), matched folded.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::super::text::{Text, fold, slice};

/// Which list a line is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// Lists of popular stories.
    MostRead,
    /// Links to other stories.
    Related,
    /// Share, newsletter, cookies, comments, copyright, tags: what may head the tail of a page.
    Page,
    /// Buttons and menu entries: furniture alone on a line, and nothing more.
    Placeholder,
    /// Social networks, in rows of buttons.
    Social,
    /// Words before a date of publication or a reading time.
    Published,
    /// The word 'advertisement' in its languages.
    Advertisement,
    /// Agencies that sign photographs and reports.
    Credit,
    /// Words before a photo credit.
    CreditLabel,
    /// Words before an author's name.
    Byline,
    /// Those that need no colon even where names have no capitals.
    BylineAlone,
    /// Names of services that only the page itself speaks of, anywhere in a line at the end.
    Anywhere,
    /// Cities that open a text with a colon, where no capitals show it.
    City,
}

/// A set of rules, one bit each: those whose lists hold a term.
type Rules = u16;

impl Rule {
    fn bit(self) -> Rules {
        1 << self as u32
    }
}

/// The compiled lists.
pub(super) struct Furniture {
    terms: FxHashMap<String, Rules>,
    longest: usize,
    /// The credits as printed, by their last character.
    credits: FxHashMap<char, Vec<String>>,
}

/// The lists as shipped.
pub(super) static FURNITURE: LazyLock<Furniture> = LazyLock::new(|| {
    let mut furniture = Furniture { terms: FxHashMap::default(), longest: 0, credits: FxHashMap::default() };
    for line in include_str!("../data/furniture.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((name, terms)) = line.split_once('|') else { continue };
        let rule = match name.trim() {
            "most-read" => Rule::MostRead,
            "related" => Rule::Related,
            "advertisement" => Rule::Advertisement,
            "credit" => Rule::Credit,
            "credit-label" | "source-line" => Rule::CreditLabel,
            "placeholder" => Rule::Placeholder,
            "social" => Rule::Social,
            "published" => Rule::Published,
            "byline" => Rule::Byline,
            "byline-alone" => Rule::BylineAlone,
            "anywhere" => Rule::Anywhere,
            "city" => Rule::City,
            _ => Rule::Page,
        };
        for term in terms.split(',').map(str::trim) {
            let key = fold(term);
            furniture.longest = furniture.longest.max(key.split(' ').count());
            *furniture.terms.entry(key).or_default() |= rule.bit();
            if rule == Rule::Credit {
                for spelling in spellings(term).into_iter().filter(|spelling| spelling.chars().count() > 1) {
                    let Some(last) = spelling.chars().next_back() else { continue };
                    furniture.credits.entry(last).or_default().push(spelling);
                }
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
        self.rules(key) & rule.bit() != 0
    }

    fn rules(&self, key: &str) -> Rules {
        self.terms.get(key).copied().unwrap_or_default()
    }

    /// Whether a name is that of an agency, or of the publisher.
    pub(super) fn signs(&self, name: &str, site: &[String]) -> bool {
        let key = fold(name);
        self.has(Rule::Credit, &key) || site.contains(&key)
    }

    /// Whether a line is one of the terms.
    pub(super) fn is(&self, rule: Rule, line: &Line<'_>) -> bool {
        line.whole & rule.bit() != 0
    }

    /// Whether a line ends with one of the terms as whole words.
    pub(super) fn ends(&self, rule: Rule, line: &Line<'_>) -> bool {
        let starts = line.key.rmatch_indices(' ').map(|(at, _)| at + 1).take(self.longest);
        starts.chain([0]).any(|start| self.has(rule, slice(&line.key, start..line.key.len())))
    }

    /// Whether a line is a term, alone or set off by a colon or a bar from what follows.
    pub(super) fn introduces(&self, rule: Rule, line: &Line<'_>) -> bool {
        self.is(rule, line) || self.set_off(rule, line).is_some()
    }

    /// Words of the term that a line opens with, where a colon or a bar follows.
    pub(super) fn set_off(&self, rule: Rule, line: &Line<'_>) -> Option<usize> {
        let words = self.lead(rule, line)?;
        let gap = if words < line.words() { line.text.gap_before(words) } else { return None };
        // 'Read also - …', 'Image source, …': but one word before a dash or a comma begins a sentence.
        let weaker = match rule {
            Rule::Related => words >= 2 && gap.ends_with(' ') && gap.trim_start().starts_with(['-', '–', '—']),
            Rule::CreditLabel => words >= 2 && gap.starts_with([',', '،', '、']),
            // As Egyptian papers have it: 'كتب- A'.
            Rule::Byline => gap == "- ",
            _ => false,
        };
        if weaker {
            return Some(words);
        }
        gap.trim_start().starts_with([':', '：', '|', '/', '>', '»', '›', '؛', '=', '►', '▶', '→', '】', ']']).then_some(words)
    }

    /// Whether a line at the end is furniture: a term, or a term that opens a short line.
    pub(super) fn is_any(&self, line: &Line<'_>) -> bool {
        let words = line.words();
        // One-word terms ('subscribe', 'share') open sentences; longer ones and short lines do not. An ideograph is less
        // than a word.
        let dense = line.is_dense();
        let opens = |lead: usize| match lead {
            _ if dense => lead >= 4 && words <= lead + 8,
            0 | 1 => words <= 3 && lead + 1 >= words,
            2 => words <= lead + 8,
            _ => words <= lead + 14,
        };
        let stopped = line.source().ends_with(['.', '。', '।', '۔', '!', '?', '؟']);
        let short = words <= if dense { 12 } else { 5 } && !stopped;
        [Rule::Advertisement, Rule::Placeholder].into_iter().any(|rule| self.is(rule, line))
            || [Rule::MostRead, Rule::Related, Rule::Page]
                .into_iter()
                .any(|rule| self.introduces(rule, line) || self.lead(rule, line).is_some_and(opens))
            || short && (self.ends(Rule::Page, line) || !dense && words <= 4 && self.lead(Rule::Page, line).is_some())
            || short && self.ends(Rule::Social, line) && self.lead(Rule::Page, line).is_some()
            || self.is_row(line)
            || words <= 9 && !stopped && self.names_network(line)
            || line.source().contains(['©', 'ⓒ']) && words <= 12
            || line.source().starts_with(['★', '※', '☞', '▶', '►', '☛', '👉', '📲', '➡'])
            || words <= 18 && line.key.contains("google") && self.contains(Rule::Anywhere, line)
            || line.key.strip_prefix("copyright ").is_some_and(|rest| {
                // '© 2026', '(C) A', 'ⓒ A'.
                rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with("c ") || line.source().contains('ⓒ')
            })
    }

    /// Whether a line holds one of the terms as whole words.
    fn contains(&self, rule: Rule, line: &Line<'_>) -> bool {
        let starts = [0].into_iter().chain(line.key.match_indices(' ').map(|(at, _)| at + 1));
        starts.into_iter().any(|start| {
            let rest = slice(&line.key, start..line.key.len());
            let ends = rest.match_indices(' ').map(|(at, _)| at).chain([rest.len()]).take(self.longest);
            ends.into_iter().any(|end| self.has(rule, slice(rest, 0..end)))
        })
    }

    /// Whether a line names a social network: 'join us on …'.
    fn names_network(&self, line: &Line<'_>) -> bool {
        line.key
            .split(' ')
            .any(|word| word.chars().count() >= 4 && !matches!(word, "line" | "link" | "mail" | "email") && self.has(Rule::Social, word))
    }

    /// Whether a line is a row of buttons: every word of it names a network or an action.
    pub(super) fn is_row(&self, line: &Line<'_>) -> bool {
        let mut rest = line.key.as_str();
        let mut networks = 0;
        while !rest.is_empty() {
            let ends = rest.match_indices(' ').map(|(at, _)| at).chain([rest.len()]).take(4);
            let known = |end: &usize| {
                let term = slice(rest, 0..*end);
                self.has(Rule::Social, term) || self.has(Rule::Page, term) || self.has(Rule::Placeholder, term)
            };
            let Some(end) = ends.filter(known).last() else { return false };
            networks += usize::from(self.has(Rule::Social, slice(rest, 0..end)));
            rest = slice(rest, end..rest.len()).trim_start();
        }
        networks > 0 && (networks > 1 || line.words() > 1 || line.source().len() > 2)
    }

    /// The longest credit, as printed, that a text ends with.
    pub(super) fn printed_at_end(&self, text: &str) -> Option<&str> {
        let candidates = self.credits.get(&text.chars().next_back()?)?;
        candidates.iter().map(String::as_str).filter(|credit| text.ends_with(credit)).max_by_key(|credit| credit.len())
    }

    /// Words of the longest term a line opens with.
    pub(super) fn lead(&self, rule: Rule, line: &Line<'_>) -> Option<usize> {
        line.leads.iter().rposition(|rules| rules & rule.bit() != 0).map(|index| index + 1)
    }
}

/// A line prepared for the rules: tokens and fold are made once.
pub(super) struct Line<'a> {
    text: Text<'a>,
    key: String,
    /// The lists that hold the first word, the first two, and so on.
    leads: Vec<Rules>,
    /// The lists that hold the whole line.
    whole: Rules,
}

impl<'a> Line<'a> {
    /// Lines longer than this are no furniture, and not worth preparing.
    const LONGEST: usize = 400;

    /// Prepares a line, if it is short enough to be furniture.
    pub(super) fn short(source: &'a str) -> Option<Self> {
        (source.len() <= Self::LONGEST).then(|| {
            let text = Text::new(source);
            let mut key = String::with_capacity(source.len() + text.len());
            for token in 0..text.len() {
                if token > 0 {
                    key.push(' ');
                }
                key.push_str(text.folded(token));
            }
            let ends = key.match_indices(' ').map(|(at, _)| at).chain([key.len()]).take(FURNITURE.longest);
            let mut leads = Vec::with_capacity(text.len().min(FURNITURE.longest));
            leads.extend(ends.map(|end| FURNITURE.rules(slice(&key, 0..end))));
            let whole = FURNITURE.rules(&key);
            Self { text, key, leads, whole }
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

    /// Number of words.
    pub(super) fn words(&self) -> usize {
        self.text.len()
    }

    /// A word as written.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.text.raw(index)
    }

    /// What stands between a word and the one before it.
    pub(super) fn gap_before(&self, index: usize) -> &'a str {
        self.text.gap_before(index)
    }

    /// Whether it is written without spaces.
    pub(super) fn is_dense(&self) -> bool {
        self.text.len() > 0 && (self.text.is_ideograph(0) || self.text.is_ideograph(self.text.len() / 2))
    }
}
