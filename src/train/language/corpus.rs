//! The labelled sentences: which files, which labels mean which tags, and how a sentence is cut and spoilt for training.

use std::{collections::BTreeMap, path::Path};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_script::{Script, UnicodeScript};

use super::super::{Random, TrainError, rows};
use crate::enrich::{han, language::letters};

/// One training text, as a model reads it.
pub(super) type Sample = Vec<char>;

/// Texts by script (ISO 15924) and tag.
pub(super) type Scripts = BTreeMap<&'static str, BTreeMap<&'static str, Vec<Sample>>>;

/// The files read, and what is read of them.
///
/// The word lists of the same publisher as `train_leipzig` are not among them: they are drawn from all of its sentences,
/// those of the development set included.
const FILES: [&str; 3] = ["train_leipzig", "train_sib", "udhr"];
const EXPECTED: &str = "train_leipzig.tsv, train_sib.tsv and udhr.tsv";
/// A label with fewer texts in a script than this is a stray.
const LEAST_TEXTS: usize = 20;

/// Reads the corpora of a folder.
pub(super) fn read(data: &Path, exclude: &[String]) -> Result<Scripts, TrainError> {
    let mut scripts = Scripts::new();
    for file in FILES.iter().filter(|file| !exclude.iter().any(|excluded| excluded == *file)) {
        for (label, text) in rows(&data.join(file).with_extension("tsv"), EXPECTED)? {
            let Some(tag) = tag(&label, file, &text) else { continue };
            add(&mut scripts, tag, &text);
            if tag == "sr-Cyrl" {
                add(&mut scripts, "sr-Latn", &latin_serbian(&text));
            }
        }
    }
    for labels in scripts.values_mut() {
        labels.retain(|_, samples| samples.len() >= LEAST_TEXTS);
    }
    scripts.retain(|_, labels| !labels.is_empty());
    Ok(scripts)
}

fn add(scripts: &mut Scripts, tag: &'static str, text: &str) {
    let Some(script) = letters::Counts::of(text).dominant() else { return };
    let tag = match (tag, script) {
        ("sr-Cyrl", Script::Latin) => "sr-Latn",
        (tag, _) => tag,
    };
    let text = letters::of_script(text, script, usize::MAX);
    if text.len() > 3 {
        scripts.entry(script.short_name()).or_default().entry(tag).or_default().push(text);
    }
}

/// One of the samples.
pub(super) fn draw<'a>(samples: &'a [Sample], random: &mut Random) -> &'a [char] {
    samples.get(random.below(samples.len())).map_or(&[], Vec::as_slice)
}

/// A cut of a text: as long as a few words, a headline, or all of it; now and then without its accents, or with the slips
/// of a keyboard. `words` says whether cuts fall between words.
pub(super) fn cut(text: &[char], words: bool, random: &mut Random) -> Vec<char> {
    let want = match random.below(10) {
        0..=3 => 12 + random.below(16),
        4..=7 => 30 + random.below(40),
        _ => usize::MAX,
    };
    let mut cut = if text.len().saturating_sub(2) <= want {
        text.to_vec()
    } else {
        let mut start = random.below(text.len() - want);
        let mut end = (start + want).min(text.len() - 1);
        while words && start > 0 && text[start] != ' ' {
            start -= 1;
        }
        while words && end > start + 4 && text[end] != ' ' && random.below(4) > 0 {
            end -= 1;
        }
        let mut cut = vec![' '];
        cut.extend(text[start..=end].iter().skip_while(|c| **c == ' '));
        if cut.last() != Some(&' ') {
            cut.push(' ');
        }
        cut
    };
    match random.below(20) {
        0 | 1 => cut = bare(&cut),
        2 => slip(&mut cut, random),
        3 | 4 => cut.iter_mut().for_each(|c| *c = arabic_keyboard(*c)),
        _ => {}
    }
    cut
}

/// Without accents, as hurried writers and old systems have it.
fn bare(text: &[char]) -> Vec<char> {
    text.iter()
        .copied()
        .flat_map(|c| match c.script() {
            Script::Latin | Script::Greek => std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).collect::<Vec<_>>(),
            _ => vec![c],
        })
        .collect()
}

/// Two letters of a dozen changed places, or one was lost.
fn slip(text: &mut Vec<char>, random: &mut Random) {
    for _ in 0..text.len() / 12 {
        let at = 1 + random.below(text.len().saturating_sub(3));
        if at + 1 < text.len() && text[at] != ' ' && text[at + 1] != ' ' {
            match random.below(2) {
                0 => text.swap(at, at + 1),
                _ => _ = text.remove(at),
            }
        }
    }
}

/// Persian, Urdu and Kurdish as typed on an Arabic keyboard.
fn arabic_keyboard(c: char) -> char {
    match c {
        'ی' => 'ي',
        'ک' => 'ك',
        'ہ' | 'ە' => 'ه',
        c => c,
    }
}

/// Serbian has one Latin letter or pair for each Cyrillic one.
fn latin_serbian(text: &str) -> String {
    const CYRILLIC: &str = "абвгдђежзијклљмнњопрстћуфхцчџш";
    const LATIN: [&str; 30] = [
        "a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t", "ć", "u", "f", "h",
        "c", "č", "dž", "š",
    ];
    let mut latin = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match CYRILLIC.chars().position(|cyrillic| cyrillic == c).and_then(|at| LATIN.get(at)) {
            Some(letters) => latin.push_str(letters),
            None => latin.push(c),
        }
    }
    latin
}

/// The tag of a label, or nothing for those not offered: dialects, and languages with too little text to tell from their
/// neighbours.
fn tag(label: &str, file: &str, text: &str) -> Option<&'static str> {
    match label {
        "sr" | "srp_cyrl" => return Some("sr-Cyrl"),
        "srp_latn" => return Some("sr-Latn"),
        "zh-hans" | "cmn_hans" => return Some("zh-Hans"),
        "zh-hant" | "cmn_hant" => return Some("zh-Hant"),
        "zh" => return Some(if han::is_traditional(text) { "zh-Hant" } else { "zh-Hans" }),
        _ => {}
    }
    if file == "udhr" {
        return UDHR.iter().find(|(code, _)| *code == label).and_then(|(_, tag)| TAGS.iter().find(|known| *known == tag).copied());
    }
    TAGS.iter().find(|known| **known == label).copied()
}

/// Languages offered, beside Chinese and Serbian with their scripts.
const TAGS: [&str; 133] = [
    "af", "ak", "am", "ar", "as", "az", "ba", "be", "bg", "bho", "bm", "bn", "bo", "br", "bs", "ca", "ceb", "ckb", "cs", "cy", "da", "de",
    "dv", "dz", "ee", "el", "en", "eo", "es", "et", "eu", "fa", "ff", "fi", "fj", "fo", "fr", "fy", "ga", "gd", "gl", "gu", "ha", "he",
    "hi", "hr", "ht", "hu", "hy", "id", "ig", "ilo", "is", "it", "ja", "jv", "ka", "kk", "kl", "km", "kn", "ko", "ku", "ky", "la", "lb",
    "lg", "ln", "lo", "lt", "lv", "mai", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl", "nn", "nso", "ny", "oc",
    "om", "or", "pa", "pl", "ps", "pt", "qu", "rn", "ro", "ru", "rw", "sd", "si", "sk", "sl", "sm", "sn", "so", "sq", "ss", "st", "su",
    "sv", "sw", "ta", "te", "tg", "th", "ti", "tk", "tl", "tn", "tr", "ts", "tt", "ug", "uk", "ur", "uz", "vi", "wo", "xh", "yi", "yo",
    "zu",
];

/// Codes of the Universal Declaration in many languages.
const UDHR: [(&str, &str); 142] = [
    ("afr", "af"),
    ("amh", "am"),
    ("arb", "ar"),
    ("azj_cyrl", "az"),
    ("azj_latn", "az"),
    ("bel", "be"),
    ("bul", "bg"),
    ("ben", "bn"),
    ("bos_latn", "bs"),
    ("cat", "ca"),
    ("ckb", "ckb"),
    ("ces", "cs"),
    ("cym", "cy"),
    ("dan", "da"),
    ("deu_1996", "de"),
    ("ell_monotonic", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("spa", "es"),
    ("est", "et"),
    ("eus", "eu"),
    ("pes_1", "fa"),
    ("pes_2", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("guj", "gu"),
    ("hau_NG", "ha"),
    ("hau_3", "ha"),
    ("hau_NE", "ha"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ibo", "ig"),
    ("isl", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kat", "ka"),
    ("kaz", "kk"),
    ("khm", "km"),
    ("kan", "kn"),
    ("kor", "ko"),
    ("kmr", "ku"),
    ("kir", "ky"),
    ("lug", "lg"),
    ("lao", "lo"),
    ("lit", "lt"),
    ("lav", "lv"),
    ("mri", "mi"),
    ("mkd", "mk"),
    ("mal", "ml"),
    ("khk", "mn"),
    ("mar", "mr"),
    ("mya", "my"),
    ("nob", "nb"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nno", "nn"),
    ("pan", "pa"),
    ("pol", "pl"),
    ("pbu", "ps"),
    ("por_BR", "pt"),
    ("por_PT", "pt"),
    ("quz", "qu"),
    ("quy", "qu"),
    ("ron_2006", "ro"),
    ("ron_1993", "ro"),
    ("rus", "ru"),
    ("kin", "rw"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("som", "so"),
    ("als", "sq"),
    ("sot", "st"),
    ("swe", "sv"),
    ("swh", "sw"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgk", "tg"),
    ("tha", "th"),
    ("tir", "ti"),
    ("tgl", "tl"),
    ("tsn", "tn"),
    ("tur", "tr"),
    ("tso_MZ", "ts"),
    ("tso_ZW", "ts"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("urd_2", "ur"),
    ("uzn_latn", "uz"),
    ("uzn_cyrl", "uz"),
    ("vie", "vi"),
    ("wol", "wo"),
    ("xho", "xh"),
    ("yor", "yo"),
    ("zul", "zu"),
    ("lat", "la"),
    ("lat_1", "la"),
    ("uig_arab", "ug"),
    ("tuk_latn", "tk"),
    ("tat", "tt"),
    ("mlt", "mt"),
    ("hat_kreyol", "ht"),
    ("hat_popular", "ht"),
    ("gla", "gd"),
    ("fao", "fo"),
    ("ltz", "lb"),
    ("jav", "jv"),
    ("sun", "su"),
    ("ceb", "ceb"),
    ("ilo", "ilo"),
    ("nya_chechewa", "ny"),
    ("nya_chinyanja", "ny"),
    ("plt", "mg"),
    ("run", "rn"),
    ("lin", "ln"),
    ("bod", "bo"),
    ("dzo", "dz"),
    ("ydd", "yi"),
    ("mai", "mai"),
    ("bho", "bho"),
    ("smo", "sm"),
    ("oci_1", "oc"),
    ("oci_2", "oc"),
    ("oci_3", "oc"),
    ("ssw", "ss"),
    ("nso", "nso"),
    ("fuv", "ff"),
    ("bam", "bm"),
    ("ewe", "ee"),
    ("aka_asante", "ak"),
    ("aka_akuapem", "ak"),
    ("div", "dv"),
    ("kal", "kl"),
    ("bre", "br"),
    ("fri", "fy"),
];
