//! Who wrote, where and when: bylines, datelines and lines of dates, recognised by their form.
//!
//! A name alone is no byline and a place alone no dateline: there must be a label, an agency, or the author's name as the
//! crawler had it. What looks like a sentence is one.

use std::ops::Range;

use super::{
    super::text::{Text, fold, slice},
    ends_sentence,
    furniture::{FURNITURE, Line, Rule},
};

/// Particles between the words of a name, and what joins two authors.
const PARTICLES: [&str; 55] = [
    "avec", "mit", "con", "com", "met", "med", "cu", "unserem", "unserer", "our", "nuestro", "notre", "nostro", "onze", "with", "and",
    "und", "et", "y", "e", "en", "i", "og", "och", "ja", "de", "da", "do", "dos", "del", "della", "di", "du", "van", "von", "der", "den",
    "la", "le", "al", "bin", "ibn", "in", "for", "für", "pour", "para", "per", "i", "și", "és", "ve", "и", "та", "dan",
];
/// Words after a name that make it a byline.
const SUFFIXES: [&str; 6] = ["기자", "특파원", "記者", "特派員", "记者", "인턴기자"];

/// The longest byline, in characters.
pub(super) const LONGEST_BYLINE: usize = 160;

/// Whether a line names the author and does nothing else.
pub(super) fn is_byline(line: &Line<'_>, authors: &[String]) -> bool {
    let source = line.source();
    let letters = source.chars().count();
    if letters > LONGEST_BYLINE || line.words() == 0 {
        return false;
    }
    let named = |key: &str| authors.iter().any(|author| !key.is_empty() && fold(author) == key);
    let place = source.split_once(['/', '|', ',', '،', '／']).filter(|(_, place)| place.split_whitespace().count() <= 3);
    // 'Redacción', 'Newsroom'.
    let newsroom = line.key().chars().count() >= 6 && FURNITURE.is(Rule::Byline, line);
    if newsroom || named(line.key()) || place.is_some_and(|(name, _)| named(&fold(name))) {
        return true;
    }
    let strong = FURNITURE.lead(Rule::BylineAlone, line);
    // '(Reporting by A; editing by B)' may end like a sentence.
    if strong.is_some_and(|words| words >= 2 && words < line.words() && !line.is_dense() && capitals(line, words)) {
        return true;
    }
    if letters > 90 || ends_sentence(source) {
        return false;
    }
    if let Some((name, address)) = source.rsplit_once(['|', ' ', '•', ','])
        && address.contains('@')
        && let Some(name) = Line::short(name.trim_end_matches(['|', '•', ' ', ',', '-']))
    {
        return is_byline(&name, authors) || capitals(&name, 0) && name.words() <= 5;
    }
    let rest = |words: usize| line.words() - words;
    let longest = if line.is_dense() { 14 } else { 8 };
    if let Some(words) = FURNITURE.set_off(Rule::Byline, line) {
        return (1..=longest).contains(&rest(words));
    }
    if let Some(words) = strong {
        return (1..=longest).contains(&rest(words));
    }
    if suffixed(line) {
        return true;
    }
    let Some(words) = FURNITURE.lead(Rule::Byline, line).filter(|words| *words < line.words()) else { return false };
    let name = source.get(offset(line, words)..).unwrap_or_default();
    // 'By A B, health correspondent'.
    let role = name.split_once(',').filter(|(_, role)| role.split_whitespace().count() <= 4);
    named(&fold(name))
        || rest(words) <= longest
            && (capitals(line, words)
                || role.is_some_and(|(name, _)| {
                    let name = name.split_whitespace();
                    name.clone().count() >= 2 && name.clone().all(|word| word.starts_with(char::is_uppercase))
                }))
}

/// Whether a line at the end tells who the author is: 'Tom Berrigan is a former fire captain.'
pub(super) fn is_about(line: &Line<'_>, authors: &[String]) -> bool {
    line.source().chars().count() <= LONGEST_BYLINE
        && authors
            .iter()
            .map(|author| fold(author))
            .any(|author| author.contains(' ') && line.key().strip_prefix(author.as_str()).is_some_and(|rest| rest.starts_with(' ')))
}

fn offset(line: &Line<'_>, word: usize) -> usize {
    // Words are slices of the source, in order.
    let mut at = 0;
    for index in 0..word {
        at += line.gap_before(index).len() + line.word(index).len();
    }
    at
}

/// 'Hong Gil-dong, reporter' as Korean and Japanese have it, perhaps with an address.
fn suffixed(line: &Line<'_>) -> bool {
    let short = |name: &str| (2..=12).contains(&name.trim().chars().count()) && !name.contains(['.', '。', '，', ',', '、']);
    let name = line.source().split_whitespace().filter(|word| !word.contains('@')).collect::<Vec<_>>().join(" ");
    let name = name.trim_matches(['【', '】', '(', ')', '=', ' ']);
    // '[place=paper] name reporter' on a line of its own.
    let name = name
        .strip_prefix('[')
        .map_or(name, |rest| rest.split_once(']').map_or(rest, |(place, name)| if name.is_empty() { place } else { name }));
    // '新报记者 张三': the paper before the word, the name after it.
    let inside = name.split_once("记者").or(name.split_once("記者")).is_some_and(|(paper, name)| {
        paper.ends_with(['报', '報', '社', '网', '網', '刊']) && paper.chars().count() <= 8 && short(name) && name.chars().count() <= 6
    });
    inside || SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(short))
}

/// Whether all words from one on are capitalised, particles and agencies aside, at least two of them.
fn capitals(line: &Line<'_>, from: usize) -> bool {
    let mut count = 0;
    for index in from..line.words() {
        let word = line.word(index);
        let initial = word.chars().next().is_some_and(char::is_alphabetic) && word.chars().nth(1).is_none();
        if initial || word.chars().next().is_some_and(char::is_uppercase) {
            count += 1;
        } else if !PARTICLES.contains(&word) && !["editing", "by", "reporting", "additional"].contains(&word) {
            return false;
        }
    }
    count >= 2
}

/// Whether a line at the head is about the publication of the page: a date, a time, how long it takes to read.
pub(super) fn is_published(line: &Line<'_>) -> bool {
    let source = line.source();
    if source.chars().count() > 130 || source.ends_with(['؟', '?']) {
        return false;
    }
    let numbers = (0..line.words()).filter(|index| is_number(line.word(*index))).count();
    let labelled = FURNITURE
        .lead(Rule::Published, line)
        .is_some_and(|words| words == line.words() || line.words() <= words + if numbers >= 5 { 24 } else { 12 });
    let set_off = FURNITURE.set_off(Rule::Published, line).is_some_and(|words| line.words() <= words + 6);
    let trailing = FURNITURE.ends(Rule::Published, line) && line.words() <= 6;
    // 'Temps de lecture 2 min.'
    let timed = numbers > 0 && line.words() <= 6 && (set_off || FURNITURE.lead(Rule::Published, line).is_some_and(|words| words >= 2));
    if (numbers > 0 && (labelled || trailing) || set_off) && !ends_sentence(source) || timed || FURNITURE.is(Rule::Published, line) {
        return true;
    }
    let year = (0..line.words()).any(|index| is_year(line.word(index)));
    let dates =
        if line.is_dense() { numbers >= 4 && source.chars().count() <= 36 } else { numbers >= 2 && numbers * 2 + 1 >= line.words() };
    // '25/11/2026 08h00 Atualizado há uma hora'.
    let opened = source.starts_with(char::is_numeric) && numbers >= 2 && line.words() <= 12 && {
        (1..line.words()).any(|word| FURNITURE.has(Rule::Published, &fold(line.word(word))))
    };
    // All figures: 'ends like a sentence' is an abbreviation then, as in '25 พ.ย. 2569 09:20 น.'.
    (dates || opened) && line.words() <= 24 && (year || is_dated(source))
        || line.words() <= 8 && !ends_sentence(source) && is_timed(source) && is_dated(source)
}

/// Whether a time of day stands in a line: '13:20', '9h41'.
fn is_timed(source: &str) -> bool {
    source.split(|c: char| c.is_whitespace() || matches!(c, ',' | '|' | '-' | '–')).any(|word| {
        word.split_once([':', 'h']).is_some_and(|(hours, minutes)| {
            (1..=2).contains(&hours.chars().count()) && minutes.chars().count() == 2 && is_number(hours) && is_number(minutes)
        })
    })
}

/// Whether a day stands in a line: '25.11.26', '2026/11/25', or a day's number before or after a word, as in '25 nov'.
fn is_dated(source: &str) -> bool {
    let words: Vec<&str> = source.split([' ', ',', '|', '\u{a0}']).filter(|word| !word.is_empty()).collect();
    let figures = |word: &str| {
        let parts: Vec<&str> = word.split(['.', '/', '-', '．']).collect();
        parts.len() == 3 && parts.iter().all(|part| (1..=4).contains(&part.chars().count()) && is_number(part))
    };
    let day = |word: &str| word.chars().count() <= 2 && is_number(word);
    words.iter().any(|word| figures(word)) || words.iter().any(|word| day(word)) && words.len() >= 3 && is_timed(source)
}

fn is_number(word: &str) -> bool {
    word.chars().all(char::is_numeric)
}

fn is_year(word: &str) -> bool {
    if !word.starts_with(char::is_numeric) {
        return false;
    }
    let digits: Option<Vec<u32>> = fold(word).chars().map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| matches!(digits.as_slice(), [1, 3 | 4 | 9, _, _] | [2, 0 | 5, _, _]))
}

/// The longest dateline, in characters.
const LONGEST: usize = 90;

/// The place, date and agency that open a line of text: the bytes that hold them, and where the text goes on.
pub(super) fn dateline(source: &str, site: &[String]) -> Option<(Range<usize>, usize)> {
    let head_end = source.char_indices().nth(LONGEST).map_or(source.len(), |(at, _)| at);
    let head = slice(source, 0..head_end);
    bracketed(head, site).or_else(|| ideographic(head)).or_else(|| spaced(head, site)).or_else(|| city(head)).filter(|(_, end)| {
        // There must be a text to go on with.
        source.len() - end >= 30
    })
}

/// `BAGHDAD (Reuters) - `, `LONDON, Nov. 25 - `, `МОСКВА, 25 ноября. /ТАСС/. `, `بغداد/ واع/ `.
fn spaced(head: &str, site: &[String]) -> Option<(Range<usize>, usize)> {
    for (at, mark) in head.char_indices().filter(|(_, c)| matches!(c, '-' | '–' | '—' | '―' | ':' | ')' | '/' | '.' | 'ـ')) {
        let before = slice(head, 0..at);
        let after = slice(head, at + mark.len_utf8()..head.len());
        let spaced = after.starts_with([' ', '\u{a0}']) || mark == '—';
        let (place, end) = match mark {
            // A dash stands between spaces, or close to the agency before it.
            '-' | '–' | '—' | '―' | 'ـ' if spaced && (before.ends_with([' ', ')', '/', '\u{a0}']) || mark == '—') => {
                (before, at + mark.len_utf8())
            }
            ':' if spaced => (before, at + 1),
            // The agency itself closes it: '/ТАСС/. ', 'واع/ '.
            '/' | ')' | '.' if (after.starts_with(' ') || mark == ')' && after.starts_with(".-")) && before.chars().count() >= 4 => {
                (slice(head, 0..at + 1), at + 1)
            }
            _ => continue,
        };
        if place.chars().count() > 70 {
            return None;
        }
        if is_place_line(place.trim(), mark, slice(head, end..head.len()), site) {
            // 'CITY, date - AGENCY. Text'.
            let signed = slice(head, end..head.len()).split_once(['.', ':']).filter(|(name, _)| FURNITURE.has(Rule::Credit, &fold(name)));
            let (place, end) = signed.map_or((place, end), |(name, _)| (slice(head, 0..end + name.len() + 1), end + name.len() + 1));
            let rest = slice(head, end..head.len());
            let lead = rest.len() - rest.trim_start_matches(['.', ' ', '-', '–', '—', ':', '\u{a0}']).len();
            return Some((0..place.trim_end().len(), end + lead));
        }
    }
    None
}

/// `کراچی: `, `पटना: `: a known city and a colon.
fn city(head: &str) -> Option<(Range<usize>, usize)> {
    let (place, rest) = head.split_once([':', '：'])?;
    let name = place.split([',', '،', '/']).next().unwrap_or_default().trim();
    let known = place.chars().count() <= 30 && FURNITURE.has(Rule::City, &fold(name)) && rest.starts_with(' ');
    known.then(|| (0..place.trim_end().len(), head.len() - rest.trim_start().len()))
}

/// Whether what stands before the mark is a dateline: an agency in it, or a place in capitals before a dash.
fn is_place_line(place: &str, mark: char, rest_of_line: &str, site: &[String]) -> bool {
    let dash = !matches!(mark, ':' | '/' | ')' | '.') || mark == ')' && rest_of_line.starts_with(".-");
    let text = Text::new(place);
    if text.len() == 0 || text.len() > 10 {
        return false;
    }
    let named = |part: &str| FURNITURE.signs(part, site);
    let bracketed = place.split(['(', ')', '/', '[', ']', '（', '）']).map(str::trim).filter(|part| !part.is_empty()).skip(1);
    let agency = bracketed.clone().any(|part| {
        // Perhaps several agencies, or an agency and its reporter, but no words of a sentence.
        let names = || part.split([',', '،', ' ', '+', ';']).filter(|word| !word.is_empty());
        named(part)
            || names().count() <= 5 && names().all(|word| !word.chars().next().is_some_and(char::is_lowercase)) && names().any(named)
    }) || place.split(['-', '–']).map(str::trim).skip(1).any(named);
    if agency && place.contains(['(', '/', '[', '（', '-', '–']) {
        // A sentence that mentions an agency in brackets is longer, or begins otherwise.
        return text.len() <= 8;
    }
    let city = place.split(',').next().unwrap_or_default();
    let letters: Vec<char> = city.chars().filter(|c| c.is_alphabetic()).collect();
    let capitals = letters.len() >= 4 && letters.iter().all(|c| c.is_uppercase());
    let rest = place.get(city.len()..).unwrap_or_default();
    // 'CITY, Country — '.
    let country = mark == '—'
        && rest.strip_prefix(", ").is_some_and(|name| name.split_whitespace().count() <= 2 && name.starts_with(char::is_uppercase));
    let date = country
        || rest.is_empty()
        || rest.chars().any(char::is_numeric)
        || rest.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
    // English papers of South Asia have 'LAHORE: The …'; captions elsewhere begin alike, but not with an article after it.
    let opens_english = ["The ", "A ", "An "].iter().any(|article| rest_of_line.trim_start().starts_with(article));
    let known = dash || place == city && mark == ':' && opens_english;
    known && capitals && date && city.split_whitespace().count() <= 3
}

/// `(서울=연합뉴스) 홍길동 기자 = `, `【東京共同】`, `（中央社記者王小明台北25日電）`.
fn bracketed(head: &str, site: &[String]) -> Option<(Range<usize>, usize)> {
    let open = head.chars().next()?;
    let close = match open {
        '(' => ')',
        '[' => ']',
        '（' => '）',
        '【' => '】',
        '〔' => '〕',
        '［' => '］',
        _ => return None,
    };
    let end = head.find(close)? + close.len_utf8();
    let inside = slice(head, open.len_utf8()..end - close.len_utf8());
    let key = fold(inside);
    let signed = ["記者", "记者", "電", "电", "報導", "报道", "特派員", "기자"].iter().any(|mark| inside.contains(mark))
        || inside.split(['=', '＝', '/', '・', ' ', '･']).any(|part| FURNITURE.has(Rule::Credit, &fold(part)))
        || FURNITURE.has(Rule::Credit, &key)
        || site.contains(&key)
        || ["共同", "時事", "ロイター"].iter().any(|agency| inside.ends_with(agency));
    let rest = slice(head, end..head.len());
    // The Korean reporter stands outside, before an equals sign; the agency need not be a known one then.
    let reporter = rest.find(['=', '＝']).filter(|at| SUFFIXES.iter().any(|suffix| slice(rest, 0..*at).trim_end().ends_with(suffix)));
    if !signed && (reporter.is_none() || !inside.contains(['=', '＝'])) || inside.chars().count() > 40 {
        return None;
    }
    let held = reporter.map_or(end, |at| end + slice(rest, 0..at).trim_end().len());
    let after = reporter.map_or(end, |at| end + at + rest.get(at..).and_then(|mark| mark.chars().next()).map_or(0, char::len_utf8));
    let blank = slice(head, after..head.len());
    Some((0..held, after + blank.len() - blank.trim_start().len()))
}

/// `新华社北京11月25日电（记者张三）`, `本报讯 `.
fn ideographic(head: &str) -> Option<(Range<usize>, usize)> {
    let (at, mark) = head.char_indices().take(30).find(|(_, c)| matches!(c, '电' | '電' | '讯' | '訊'))?;
    let before = slice(head, 0..at);
    let opens = ["社", "网", "網", "本报", "本報"].iter().any(|house| before.contains(house)) && !before.contains(['，', '。', '、', '的']);
    let dated = before.ends_with(['日', '报', '報', '社', '网', '網']) || before.chars().any(char::is_numeric);
    let mut end = at + mark.len_utf8();
    let rest = slice(head, end..head.len());
    if !opens || !dated || !rest.starts_with([' ', '（', '(', '\u{3000}', '：']) {
        return None;
    }
    for (open, close) in [('（', '）'), ('(', ')')] {
        let rest = slice(head, end..head.len());
        if rest.trim_start().starts_with(open)
            && let Some(closing) = rest.find(close)
        {
            end += closing + close.len_utf8();
        }
    }
    let blank = slice(head, end..head.len());
    Some((0..end, end + blank.len() - blank.trim_start_matches(['：', ' ', '\u{3000}']).len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datelines() {
        let text = "the text of the article goes on from here and is long enough";
        for (head, expected) in [
            ("BAGHDAD (Reuters) - ", "BAGHDAD (Reuters)"),
            ("LONDON, Nov. 25 (AP) — ", "LONDON, Nov. 25 (AP)"),
            ("NEW DELHI — ", "NEW DELHI"),
            ("Berlin (dpa) - ", "Berlin (dpa)"),
            ("МОСКВА, 25 ноября. /ТАСС/. ", "МОСКВА, 25 ноября. /ТАСС/."),
            ("بغداد (رويترز) - ", "بغداد (رويترز)"),
            ("بغداد/ واع/ ", "بغداد/ واع/"),
            ("ANKARA (AA) - ", "ANKARA (AA)"),
            ("新华社北京11月25日电（记者张三）", "新华社北京11月25日电（记者张三）"),
            ("（中央社記者王小明台北25日電）", "（中央社記者王小明台北25日電）"),
            ("(서울=연합뉴스) 홍길동 기자 = ", "(서울=연합뉴스) 홍길동 기자"),
            ("【東京共同】", "【東京共同】"),
        ] {
            let line = format!("{head}{text}");
            let (held, end) = dateline(&line, &[]).unwrap_or_else(|| panic!("{head}"));
            assert_eq!((slice(&line, held), slice(&line, end..line.len())), (expected, text));
        }
    }

    #[test]
    fn sentences_are_no_datelines() {
        for line in [
            "The bank - the largest in the country - said on Monday that it would close branches.",
            "Reuters reported on Monday that the bank would close some of its branches next year.",
            "UNICEF said on Monday: the children of the camp need food, water and medicine now.",
            "The minister (Reuters reported) had left the room before the vote of the committee.",
            "الحكومة - بحسب رويترز - ستعلن الموازنة الجديدة خلال الأسبوع المقبل في مؤتمر صحفي",
            "电影《长城》的票房在上映第一周就超过了五亿元，导演对此表示非常高兴，感谢观众。",
            "(A short note in brackets) the article goes on as it began, with another sentence.",
        ] {
            assert_eq!(dateline(line, &[]), None, "{line}");
        }
    }

    #[test]
    fn bylines() {
        let authors = ["Jane Roe".to_owned()];
        for (line, expected) in [
            ("By John Smith", true),
            ("By John Smith and Mary van der Berg", true),
            ("Von Max Mustermann, Berlin", true),
            ("Jane Roe", true),
            ("بقلم: أحمد علي", true),
            ("بقلم أحمد علي", true),
            ("كتب: محمود حسن", true),
            ("记者 王小明 北京报道", true),
            ("홍길동 기자 hong@example.com", true),
            ("(Reporting by Jane Doe; Editing by John Roe)", true),
            ("Автор: Иван Петров", true),
            ("By the river", false),
            ("By Monday the water had gone", false),
            ("John Smith", false),
            ("كتب مستعملة للبيع", false),
            ("De la casa al trabajo", false),
        ] {
            assert_eq!(is_byline(&Line::short(line).unwrap(), &authors), expected, "{line}");
        }
    }

    #[test]
    fn lines_of_dates() {
        for (line, expected) in [
            ("Published 25 November 2026, 10:30", true),
            ("الأربعاء 25 نوفمبر 2026 - 14:30", true),
            ("25.11.2026, 14:30 Uhr", true),
            ("5 min read", true),
            ("2026年11月25日 10:30", true),
            ("Okuma süresi: 3 dk", true),
            ("Budget 2026", false),
            ("Real Madrid 2-1 Barcelona", false),
            ("In 2026 the town will have 3 schools", false),
        ] {
            assert_eq!(is_published(&Line::short(line).unwrap()), expected, "{line}");
        }
    }
}
