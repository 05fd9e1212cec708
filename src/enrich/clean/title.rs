//! The headline: the publisher's names, which go from it, and the forms in which it returns in the body.

use std::{collections::HashSet, ops::Range};

use super::{
    super::text::{fold, slice},
    Cut, is_domain,
    lines::tidy,
};
use crate::article::{Field, RawArticle, RemovalReason};

/// The folded names under which a publisher signs: as given, its domain, and the domain's first label.
pub(super) fn site_names(article: &RawArticle) -> Vec<String> {
    let host = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split(['/', '?', '#', ':']).next().unwrap_or_default().trim_start_matches("www.").to_owned()
    };
    let mut names = Vec::new();
    for name in article.source.iter().cloned().chain(article.source.as_deref().map(host)).chain(article.url.as_deref().map(host)) {
        names.push(fold(&name));
        if is_domain(&name) {
            names.extend(name.split('.').find(|label| label.len() > 3).map(fold));
        }
    }
    names.retain(|name| name.chars().count() > 1);
    names.sort();
    names.dedup();
    names
}

/// The headline without the publisher's name before or after it.
pub(super) fn clean(title: Option<&str>, site: &[String]) -> (Option<String>, Vec<Cut>) {
    let Some(raw) = title else { return (None, Vec::new()) };
    let mut kept = raw.len() - raw.trim_start().len()..raw.trim_end().len();
    let mut removed = Vec::new();
    let cut = |range: Range<usize>| Cut { reason: RemovalReason::SiteName, field: Field::Title, range };
    for separator in [" - ", " – ", " — ", " | ", "|", " :: ", " » ", " · ", "_", "－", "｜"] {
        if let Some((rest, name)) = slice(raw, kept.clone()).rsplit_once(separator)
            && site.contains(&fold(name))
            && !rest.trim().is_empty()
        {
            removed.push(cut(kept.start + rest.len()..kept.end));
            kept.end = kept.start + rest.trim_end().len();
        }
    }
    for separator in [": ", " - ", " | ", " – "] {
        if let Some((name, rest)) = slice(raw, kept.clone()).split_once(separator)
            && site.contains(&fold(name))
            && !rest.trim().is_empty()
        {
            removed.push(cut(kept.start..kept.end - rest.len()));
            kept.start = kept.end - rest.trim_start().len();
        }
    }
    removed.sort_by_key(|cut| cut.range.start);
    (Some(tidy(slice(raw, kept))).filter(|title| !title.is_empty()), removed)
}

/// Whether a headline at the start of a line is set before what follows it, and not the beginning of its first sentence: the two
/// touch, in a script that has spaces, or there is more than one space between them, or the headline again.
pub(super) fn is_glued(title: &str, rest: &str) -> bool {
    let begins = rest.trim_start();
    let spaces = rest.chars().take_while(|c| c.is_whitespace()).count();
    let spaced_script = title.chars().filter(|c| *c == ' ').count() >= 3;
    begins.starts_with(title) || spaces > 1 || (spaces == 0 && spaced_script && begins.starts_with(char::is_alphanumeric))
}

/// Folds under which a headline may return: itself, and its longest part where a publisher or a section is set beside it.
pub(super) fn keys(title: &str) -> HashSet<String> {
    let mut keys = HashSet::from([fold(title)]);
    for separator in [" - ", " – ", " — ", " | ", " · ", ": "].into_iter().filter(|separator| title.contains(separator)) {
        let longest = title.split(separator).max_by_key(|part| part.len()).unwrap_or(title);
        if longest.len() * 5 > title.len() * 3 && fold(longest).split(' ').count() >= 4 {
            keys.insert(fold(longest));
        }
    }
    keys.remove("");
    keys
}
