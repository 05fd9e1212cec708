//! Language identification: text in, BCP-47 tag out, with script, direction and confidence.
//!
//! The detector is `whatlang` (trigram profiles). Around it stand the rules that pay whatever the detector
//! is: addresses, digits and emoji are dropped, case is folded, only letters of the dominant script are shown to it, scripts
//! that one language owns are decided by the script, and too few letters give `und` rather than a guess.

use unicode_script::{Script, UnicodeScript};
use whatlang::{Detector, Lang};

use super::{
    han,
    text::{dominant_script, is_letter},
};
use crate::article::{LanguageReport, LanguageScore};

/// Name and version of the model, for the provenance of a document.
pub(super) const MODEL: &str = "language=whatlang-0.18";

/// Letters looked at: more changes nothing but the time.
const SAMPLE_LETTERS: usize = 1_500;
/// Fewer letters of an alphabet than this are no evidence.
const LEAST_LETTERS: usize = 10;
/// An ideograph carries more, and a script that one language owns needs no more than to be recognised.
const LEAST_IDEOGRAPHS: usize = 4;
/// Syllables of the scripts that a few languages share.
const LEAST_SYLLABLES: usize = 6;

/// Languages the detector knows that a news stream does not bring, and that short texts of others are mistaken for.
const UNLIKELY: [Lang; 6] = [Lang::Epo, Lang::Lat, Lang::Aka, Lang::Sna, Lang::Zul, Lang::Jav];

/// A language as found, before it is set beside the declared one.
#[derive(Debug, Clone, PartialEq)]
pub struct Language {
    /// BCP-47 tag; `und` if undetermined.
    pub tag: &'static str,
    /// ISO 15924 script; `Zyyy` without letters.
    pub script: &'static str,
    /// Whether the script is written from right to left.
    pub right_to_left: bool,
    /// The detector's score.
    pub confidence: f64,
    /// The detector's own judgement.
    pub reliable: bool,
    /// Runners-up.
    pub alternatives: Vec<(&'static str, f64)>,
}

impl Language {
    /// The primary subtag: `zh` of `zh-Hant`.
    pub fn primary(&self) -> &'static str {
        self.tag.split_once('-').map_or(self.tag, |(primary, _)| primary)
    }

    /// The report for the document.
    pub fn report(&self, declared: Option<&str>) -> LanguageReport {
        let agrees = declared.filter(|_| self.tag != "und").map(|declared| {
            let primary = declared.split(['-', '_']).next().unwrap_or(declared);
            // Norwegian as declared and Bokmål as found are one answer.
            primary == self.primary() || (primary == "no" && matches!(self.primary(), "nb" | "nn"))
        });
        LanguageReport {
            tag: self.tag.to_owned(),
            confidence: super::round(self.confidence),
            reliable: self.reliable,
            script: self.script.to_owned(),
            direction: if self.right_to_left { "rtl" } else { "ltr" }.to_owned(),
            declared: declared.map(str::to_owned),
            agrees,
            alternatives: self
                .alternatives
                .iter()
                .map(|(tag, score)| LanguageScore { tag: (*tag).to_owned(), confidence: super::round(*score) })
                .collect(),
        }
    }
}

/// Identifies the language of a text: headline and body together, in reading order.
pub fn identify(text: &str) -> Language {
    let Some(script) = dominant_script(text) else {
        return undetermined("Zyyy", false);
    };
    let (sample, letters) = sample(text, script);
    let right_to_left = is_right_to_left(script);
    let least = match script {
        _ if is_dense(script) || owner(script).is_some() => LEAST_IDEOGRAPHS,
        // Vowels are marks there, which are not counted.
        Script::Devanagari | Script::Bengali | Script::Ethiopic => LEAST_SYLLABLES,
        _ => LEAST_LETTERS,
    };
    if letters < least {
        return undetermined(script.short_name(), right_to_left);
    }
    match script {
        Script::Han | Script::Hiragana | Script::Katakana | Script::Bopomofo => east_asian(&sample),
        Script::Hangul => certain("ko", "Kore", false),
        _ => match owner(script) {
            Some(tag) => certain(tag, script.short_name(), right_to_left),
            None => detect(&sample, script, right_to_left),
        },
    }
}

/// The letters worth showing: lower case, of the dominant script, without addresses and handles.
fn sample(text: &str, script: Script) -> (String, usize) {
    let mut sample = String::new();
    let mut letters = 0;
    for word in text.split_whitespace() {
        if word.contains("://") || word.starts_with("www.") || word.contains('@') || word.starts_with('#') {
            continue;
        }
        let before = letters;
        for c in word.chars() {
            let belongs = match c.script() {
                Script::Common | Script::Inherited => c == '\'' || c == '’' || unicode_normalization::char::is_combining_mark(c),
                Script::Hiragana | Script::Katakana | Script::Han => is_dense(script),
                found => found == script,
            };
            if belongs {
                sample.extend(c.to_lowercase());
                letters += usize::from(is_letter(c));
            } else {
                sample.push(' ');
            }
        }
        if letters > before {
            sample.push(' ');
        }
        if letters >= SAMPLE_LETTERS {
            break;
        }
    }
    (sample, letters)
}

fn detect(sample: &str, script: Script, right_to_left: bool) -> Language {
    let mut denied = UNLIKELY.to_vec();
    let Some(best) = Detector::with_denylist(denied.clone()).detect(sample) else {
        return undetermined(script.short_name(), right_to_left);
    };
    let mut alternatives = Vec::new();
    if !best.is_reliable() {
        denied.push(best.lang());
        if let Some(second) = Detector::with_denylist(denied).detect(sample)
            && second.script() == best.script()
        {
            alternatives.push((tag(second.lang(), script), (1.0 - best.confidence()).clamp(0.0, 1.0) * second.confidence()));
        }
    }
    Language {
        tag: tag(best.lang(), script),
        script: script.short_name(),
        right_to_left,
        confidence: best.confidence().clamp(0.0, 1.0),
        reliable: best.is_reliable(),
        alternatives,
    }
}

/// One kana settles that a text is Japanese; otherwise Han characters are Chinese, in one of two scripts.
fn east_asian(sample: &str) -> Language {
    let kana = sample.chars().filter(|c| matches!(c.script(), Script::Hiragana | Script::Katakana)).count();
    let han = sample.chars().filter(|c| c.script() == Script::Han).count();
    if kana * 50 > han {
        certain("ja", "Jpan", false)
    } else if han::is_traditional(sample) {
        certain("zh-Hant", "Hant", false)
    } else {
        certain("zh-Hans", "Hans", false)
    }
}

fn certain(tag: &'static str, script: &'static str, right_to_left: bool) -> Language {
    Language { tag, script, right_to_left, confidence: 1.0, reliable: true, alternatives: Vec::new() }
}

fn undetermined(script: &'static str, right_to_left: bool) -> Language {
    Language { tag: "und", script, right_to_left, confidence: 0.0, reliable: false, alternatives: Vec::new() }
}

fn is_right_to_left(script: Script) -> bool {
    matches!(script, Script::Arabic | Script::Hebrew | Script::Syriac | Script::Thaana | Script::Nko | Script::Adlam)
}

fn is_dense(script: Script) -> bool {
    matches!(script, Script::Han | Script::Hiragana | Script::Katakana | Script::Bopomofo | Script::Hangul)
}

/// Scripts that one language of the news owns.
fn owner(script: Script) -> Option<&'static str> {
    Some(match script {
        Script::Greek => "el",
        Script::Armenian => "hy",
        Script::Georgian => "ka",
        Script::Thai => "th",
        Script::Lao => "lo",
        Script::Khmer => "km",
        Script::Myanmar => "my",
        Script::Tamil => "ta",
        Script::Telugu => "te",
        Script::Kannada => "kn",
        Script::Malayalam => "ml",
        Script::Gujarati => "gu",
        Script::Gurmukhi => "pa",
        Script::Oriya => "or",
        Script::Sinhala => "si",
        Script::Thaana => "dv",
        Script::Tibetan => "bo",
        _ => return None,
    })
}

/// Every tag [`identify`] may give, for the metrics.
pub const TAGS: [&str; 70] = [
    "und", "af", "am", "ar", "az", "be", "bg", "bn", "bo", "ca", "cs", "cy", "da", "de", "dv", "el", "en", "es", "et", "fa", "fi", "fr",
    "gu", "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "km", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mr", "my", "nb", "ne",
    "nl", "or", "pa", "pl", "pt", "ro", "ru", "si", "sk", "sl", "sr-Cyrl", "sr-Latn", "sv", "ta", "te", "th", "tk", "tl", "tr", "uk", "ur",
    "uz", "vi", "yi", "zh-Hans", "zh-Hant",
];

fn tag(language: Lang, script: Script) -> &'static str {
    match language {
        Lang::Srp if script == Script::Latin => "sr-Latn",
        Lang::Srp => "sr-Cyrl",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh-Hans",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Afr => "af",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        Lang::Cym => "cy",
        Lang::Epo | Lang::Lat | Lang::Aka | Lang::Sna | Lang::Zul | Lang::Jav => "und",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_language_script_and_direction() {
        for (text, tag, script, right_to_left) in [
            ("أعلنت وزارة الصحة عن بدء حملة تطعيم جديدة في المحافظات", "ar", "Arab", true),
            ("وزارت بهداشت از آغاز واکسیناسیون در استان‌های کشور خبر داد", "fa", "Arab", true),
            ("وزیر اعظم نے کہا ہے کہ حکومت عوام کے مسائل حل کرے گی", "ur", "Arab", true),
            ("ראש הממשלה אמר כי הממשלה תדון בתקציב בשבוע הבא", "he", "Hebr", true),
            ("The government said on Monday that talks would resume next week", "en", "Latn", false),
            ("THE GOVERNMENT SAID ON MONDAY THAT TALKS WOULD RESUME NEXT WEEK", "en", "Latn", false),
            ("Die Bundesregierung hat am Montag neue Maßnahmen beschlossen", "de", "Latn", false),
            ("Cumhurbaşkanı pazartesi günü yaptığı açıklamada yeni tedbirleri duyurdu", "tr", "Latn", false),
            ("Правительство объявило о новых мерах поддержки экономики", "ru", "Cyrl", false),
            ("Уряд оголосив про нові заходи підтримки економіки, які діятимуть із понеділка", "uk", "Cyrl", false),
            ("政府周一宣布了新的经济措施", "zh-Hans", "Hans", false),
            ("政府週一宣佈了新的經濟措施", "zh-Hant", "Hant", false),
            ("政府は月曜日に新しい対策を発表した", "ja", "Jpan", false),
            ("정부는 월요일에 새로운 대책을 발표했다", "ko", "Kore", false),
            ("Η κυβέρνηση ανακοίνωσε νέα μέτρα", "el", "Grek", false),
            ("รัฐบาลประกาศมาตรการใหม่", "th", "Thai", false),
            ("நாடாளுமன்றம்", "ta", "Taml", false),
            ("দুই দশক আগে রাজধানী", "bn", "Beng", false),
            ("Apple iPhone 15 Pro Max USB-C: السعر والمواصفات الكاملة وموعد الإطلاق في الأسواق العربية", "ar", "Arab", true),
        ] {
            let found = identify(text);
            assert_eq!((found.tag, found.script, found.right_to_left), (tag, script, right_to_left), "{text}");
        }
    }

    #[test]
    fn too_little_is_undetermined() {
        for text in ["", "   ", "12345 67", "😀😀", "https://www.example.com/en/news/today", "Oui non", "@handle #tag"] {
            assert_eq!(identify(text).tag, "und", "{text}");
        }
        assert_eq!(identify("12").script, "Zyyy");
    }

    #[test]
    fn every_tag_is_declared_to_the_metrics() {
        for language in Lang::all() {
            for script in [Script::Latin, Script::Cyrillic] {
                assert!(TAGS.contains(&tag(*language, script)), "{language:?}");
            }
        }
    }

    #[test]
    fn declared_language_is_set_beside_the_finding() {
        let found = identify("The government said on Monday that talks would resume next week");
        assert_eq!(found.report(Some("en-US")).agrees, Some(true));
        assert_eq!(found.report(Some("fr")).agrees, Some(false));
        assert_eq!(found.report(None).agrees, None);
    }
}
