//! Page furniture: the lines of `data/furniture.txt`, matched folded.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::text::{Text, fold};

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
    terms: HashMap<Rule, HashSet<String>>,
    longest: usize,
    credits: Vec<String>,
}

/// The lists as shipped.
pub(super) static FURNITURE: LazyLock<Furniture> = LazyLock::new(|| {
    let mut furniture = Furniture { terms: HashMap::new(), longest: 0, credits: Vec::new() };
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
    pub(super) fn is(&self, rule: Rule, line: &str) -> bool {
        line.len() < 200 && self.has(rule, &fold(line))
    }

    /// Whether a folded line ends with one of the terms as whole words.
    pub(super) fn find_term(&self, rule: Rule, key: &str) -> bool {
        let words: Vec<&str> = key.split(' ').collect();
        (1..=words.len().min(self.longest)).any(|count| self.has(rule, &words.get(words.len() - count..).unwrap_or_default().join(" ")))
    }

    /// Whether a line is a term, alone or set off by a colon or a bar from what follows.
    pub(super) fn introduces(&self, rule: Rule, line: &str) -> bool {
        if line.len() > 400 {
            return false;
        }
        self.is(rule, line)
            || self.lead(rule, line).is_some_and(|gap| gap.trim_start().starts_with([':', '：', '|', '/', '>', '»', '›', '؛']))
    }

    /// Whether everything from this line on may be furniture: a heading of other stories, alone on its line.
    pub(super) fn heads_tail(&self, line: &str) -> bool {
        [Rule::MostRead, Rule::Related, Rule::Page].into_iter().any(|rule| self.is(rule, line))
    }

    /// Whether a line at the end is furniture: a term, or a term that opens a short line.
    pub(super) fn is_any(&self, line: &str) -> bool {
        if line.len() > 400 {
            return false;
        }
        let words = Text::new(line).len();
        self.is(Rule::Advertisement, line)
            || [Rule::MostRead, Rule::Related, Rule::Page].into_iter().any(|rule| {
                self.is(rule, line)
                    // One-word terms ('home', 'print') open sentences; longer ones and short lines do not.
                    || self.lead_words(rule, line).is_some_and(|lead| lead >= 2 && words <= lead + 8 || words <= 3 && lead >= words - 1)
            })
            || line.contains('©') && words <= 12
    }

    /// The credits as printed.
    pub(super) fn credits(&self) -> impl Iterator<Item = &String> {
        self.credits.iter().filter(|credit| credit.chars().count() >= 2)
    }

    /// Words of the longest term a line opens with.
    fn lead_words(&self, rule: Rule, line: &str) -> Option<usize> {
        let text = Text::new(line);
        let mut key = String::new();
        let mut found = None;
        for token in 0..text.len().min(self.longest) {
            if token > 0 {
                key.push(' ');
            }
            key.push_str(text.folded(token));
            if self.has(rule, &key) {
                found = Some(token + 1);
            }
        }
        found
    }

    /// What stands right after the longest term a line opens with.
    fn lead<'a>(&self, rule: Rule, line: &'a str) -> Option<&'a str> {
        let words = self.lead_words(rule, line)?;
        let text = Text::new(line);
        (words < text.len()).then(|| text.gap_before(words))
    }
}
