//! Declared languages, as publishers write them, to BCP-47.

/// Tag, ISO 639-2 and 639-3 codes, English names, own name; `-` for none, a hyphen for a blank. Codes of close varieties
/// (Gulf Arabic, Dari, Bokmål) lead to the language they are read as.
const KNOWN: [[&str; 4]; 121] = [
    ["am", "amh", "amharic", "አማርኛ"],
    ["ar", "ara,arb,arz,ary,acm,apc,ajp,aeb,acq,ars,afb", "arabic", "العربية"],
    ["as", "asm", "assamese", "-"],
    ["az", "aze,azj", "azerbaijani,azeri", "azərbaycanca"],
    ["ba", "bak", "bashkir", "-"],
    ["be", "bel", "belarusian", "беларуская"],
    ["bg", "bul", "bulgarian", "български"],
    ["bn", "ben", "bengali,bangla", "বাংলা"],
    ["bo", "bod,tib", "tibetan", "-"],
    ["bs", "bos", "bosnian", "bosanski"],
    ["ca", "cat", "catalan", "català"],
    ["ceb", "-", "cebuano", "-"],
    ["ckb", "-", "sorani,kurdish-(sorani)", "کوردی"],
    ["cs", "ces,cze", "czech", "čeština"],
    ["cy", "cym,wel", "welsh", "cymraeg"],
    ["da", "dan", "danish", "dansk"],
    ["de", "deu,ger", "german", "deutsch"],
    ["dv", "div", "divehi,dhivehi", "-"],
    ["el", "ell,gre", "greek", "ελληνικά"],
    ["en", "eng", "english", "-"],
    ["eo", "epo", "esperanto", "-"],
    ["es", "spa", "spanish,castilian", "español"],
    ["et", "est", "estonian", "eesti"],
    ["eu", "eus,baq", "basque", "euskara"],
    ["fa", "fas,per,pes,prs", "persian,farsi,dari", "فارسی"],
    ["fi", "fin", "finnish", "suomi"],
    ["fo", "fao", "faroese", "-"],
    ["fr", "fra,fre", "french", "français"],
    ["ga", "gle", "irish", "gaeilge"],
    ["gl", "glg", "galician", "galego"],
    ["gu", "guj", "gujarati", "ગુજરાતી"],
    ["ha", "hau", "hausa", "-"],
    ["he", "heb", "hebrew", "עברית"],
    ["hi", "hin", "hindi", "हिन्दी"],
    ["hr", "hrv,scr", "croatian", "hrvatski"],
    ["ht", "hat", "haitian-creole,haitian", "-"],
    ["hu", "hun", "hungarian", "magyar"],
    ["hy", "hye,arm", "armenian", "հայերեն"],
    ["id", "ind", "indonesian", "bahasa-indonesia"],
    ["ig", "ibo", "igbo", "-"],
    ["is", "isl,ice", "icelandic", "íslenska"],
    ["it", "ita", "italian", "italiano"],
    ["ja", "jpn", "japanese", "日本語"],
    ["jv", "jav", "javanese", "-"],
    ["ka", "kat,geo", "georgian", "ქართული"],
    ["kk", "kaz", "kazakh", "қазақша"],
    ["km", "khm", "khmer", "ខ្មែរ"],
    ["kn", "kan", "kannada", "ಕನ್ನಡ"],
    ["ko", "kor", "korean", "한국어"],
    ["ku", "kur,kmr", "kurdish,kurmanji", "kurdî"],
    ["ky", "kir", "kyrgyz", "кыргызча"],
    ["la", "lat", "latin", "-"],
    ["lb", "ltz", "luxembourgish", "-"],
    ["lg", "lug", "ganda,luganda", "-"],
    ["ln", "lin", "lingala", "-"],
    ["lo", "lao", "lao", "ລາວ"],
    ["lt", "lit", "lithuanian", "lietuvių"],
    ["lv", "lav,lvs", "latvian", "latviešu"],
    ["mg", "mlg,plt", "malagasy", "-"],
    ["mi", "mri,mao", "maori", "māori"],
    ["mk", "mkd,mac", "macedonian", "македонски"],
    ["ml", "mal", "malayalam", "മലയാളം"],
    ["mn", "mon,khk", "mongolian", "монгол"],
    ["mr", "mar", "marathi", "मराठी"],
    ["ms", "msa,may,zsm", "malay", "bahasa-melayu"],
    ["mt", "mlt", "maltese", "malti"],
    ["my", "mya,bur", "burmese,myanmar", "မြန်မာ"],
    ["nb", "nob", "norwegian-bokmål,norwegian-bokmal,bokmål", "norsk-bokmål"],
    ["ne", "nep,npi", "nepali", "नेपाली"],
    ["nl", "nld,dut", "dutch,flemish", "nederlands"],
    ["nn", "nno", "norwegian-nynorsk,nynorsk", "norsk-nynorsk"],
    ["no", "nor", "norwegian", "norsk"],
    ["nso", "-", "northern-sotho,sepedi", "-"],
    ["ny", "nya", "chichewa,nyanja", "-"],
    ["oc", "oci", "occitan", "-"],
    ["om", "orm,gaz", "oromo", "-"],
    ["or", "ori,ory", "odia,oriya", "ଓଡ଼ିଆ"],
    ["pa", "pan", "punjabi,panjabi", "ਪੰਜਾਬੀ"],
    ["pl", "pol", "polish", "polski"],
    ["ps", "pus,pbt,pbu", "pashto,pushto", "پښتو"],
    ["pt", "por", "portuguese", "português"],
    ["qu", "que,quz", "quechua", "-"],
    ["rn", "run", "rundi,kirundi", "-"],
    ["ro", "ron,rum,mol", "romanian,moldovan", "română"],
    ["ru", "rus", "russian", "русский"],
    ["rw", "kin", "kinyarwanda", "-"],
    ["sd", "snd", "sindhi", "سنڌي"],
    ["si", "sin", "sinhala,sinhalese", "සිංහල"],
    ["sk", "slk,slo", "slovak", "slovenčina"],
    ["sl", "slv", "slovenian,slovene", "slovenščina"],
    ["sm", "smo", "samoan", "-"],
    ["sn", "sna", "shona", "-"],
    ["so", "som", "somali", "soomaali"],
    ["sq", "sqi,alb,als", "albanian", "shqip"],
    ["sr", "srp,scc", "serbian", "српски"],
    ["st", "sot", "sesotho,sotho", "-"],
    ["su", "sun", "sundanese", "-"],
    ["sv", "swe", "swedish", "svenska"],
    ["sw", "swa,swh", "swahili", "kiswahili"],
    ["ta", "tam", "tamil", "தமிழ்"],
    ["te", "tel", "telugu", "తెలుగు"],
    ["tg", "tgk", "tajik", "тоҷикӣ"],
    ["th", "tha", "thai", "ไทย"],
    ["ti", "tir", "tigrinya", "ትግርኛ"],
    ["tk", "tuk", "turkmen", "-"],
    ["tl", "tgl,fil", "tagalog,filipino", "-"],
    ["tn", "tsn", "tswana,setswana", "-"],
    ["tr", "tur", "turkish", "türkçe"],
    ["ts", "tso", "tsonga", "-"],
    ["tt", "tat", "tatar", "татарча"],
    ["ug", "uig", "uyghur,uighur", "ئۇيغۇرچە"],
    ["uk", "ukr", "ukrainian", "українська"],
    ["ur", "urd", "urdu", "اردو"],
    ["uz", "uzb,uzn", "uzbek", "oʻzbekcha"],
    ["vi", "vie", "vietnamese", "tiếng-việt"],
    ["wo", "wol", "wolof", "-"],
    ["xh", "xho", "xhosa", "-"],
    ["yi", "yid,ydd", "yiddish", "ייִדיש"],
    ["yo", "yor", "yoruba", "-"],
    ["zh", "zho,chi,cmn,wuu", "chinese,mandarin", "中文"],
    ["zu", "zul", "zulu", "-"],
];

/// The canonical tag, or nothing where the text names no language.
pub fn canonical(written: &str) -> Option<String> {
    let lower = written.trim().replace(['_', ' '], "-").to_lowercase();
    let means = |[tag, codes, names, own]: &&[&str; 4]| {
        lower == *tag || lower == *own || [codes, names].iter().any(|list| list.split(',').any(|name| name == lower))
    };
    if let Some([tag, ..]) = KNOWN.iter().find(means).filter(|_| lower != "-") {
        return Some((*tag).to_owned());
    }
    if written.trim().contains(char::is_whitespace) {
        return None;
    }
    let mut parts = lower.split('-');
    let primary = match parts.next()? {
        "iw" => "he",
        "in" => "id",
        "ji" => "yi",
        primary => primary,
    };
    let valid = (2..=3).contains(&primary.len()) && primary.chars().all(|c| c.is_ascii_lowercase());
    if !valid || lower.len() > 20 {
        return None;
    }
    let mut tag = primary.to_owned();
    for part in parts {
        match (primary, part) {
            ("zh", "cn" | "sg") => return Some("zh-Hans".to_owned()),
            ("zh", "tw" | "hk" | "mo") => return Some("zh-Hant".to_owned()),
            _ if !part.chars().all(|c| c.is_ascii_alphanumeric()) || part.is_empty() => return None,
            _ => {}
        }
        tag.push('-');
        match part.len() {
            2 => tag.push_str(&part.to_uppercase()),
            4 => {
                let mut letters = part.chars();
                tag.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                tag.push_str(letters.as_str());
            }
            _ => tag.push_str(part),
        }
    }
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn canonicalises() {
        for (written, expected) in [
            ("ar", Some("ar")),
            ("AR_eg", Some("ar-EG")),
            ("ara", Some("ar")),
            ("Arabic", Some("ar")),
            ("iw", Some("he")),
            ("العربية", Some("ar")),
            ("Norwegian Bokmål", Some("nb")),
            ("arz", Some("ar")),
            ("prs", Some("fa")),
            ("fil", Some("tl")),
            ("swh", Some("sw")),
            ("Türkçe", Some("tr")),
            ("-", None),
            ("None", None),
            ("zh-cn", Some("zh-Hans")),
            ("zh_TW", Some("zh-Hant")),
            ("sr-latn-rs", Some("sr-Latn-RS")),
            ("", None),
            ("the language of love", None),
            ("x", None),
        ] {
            assert_eq!(canonical(written).as_deref(), expected, "{written}");
        }
    }
}
