//! Declared languages, as publishers write them, to BCP-47.

/// ISO 639-3 (and 639-2), English name, tag.
const KNOWN: [(&str, &str, &str); 48] = [
    ("ara", "arabic", "ar"),
    ("eng", "english", "en"),
    ("fra", "french", "fr"),
    ("fre", "french", "fr"),
    ("deu", "german", "de"),
    ("ger", "german", "de"),
    ("spa", "spanish", "es"),
    ("por", "portuguese", "pt"),
    ("ita", "italian", "it"),
    ("nld", "dutch", "nl"),
    ("rus", "russian", "ru"),
    ("ukr", "ukrainian", "uk"),
    ("pol", "polish", "pl"),
    ("ces", "czech", "cs"),
    ("slk", "slovak", "sk"),
    ("ron", "romanian", "ro"),
    ("hun", "hungarian", "hu"),
    ("bul", "bulgarian", "bg"),
    ("ell", "greek", "el"),
    ("tur", "turkish", "tr"),
    ("fas", "persian", "fa"),
    ("per", "farsi", "fa"),
    ("urd", "urdu", "ur"),
    ("heb", "hebrew", "he"),
    ("hin", "hindi", "hi"),
    ("ben", "bengali", "bn"),
    ("tam", "tamil", "ta"),
    ("tel", "telugu", "te"),
    ("mar", "marathi", "mr"),
    ("guj", "gujarati", "gu"),
    ("pan", "punjabi", "pa"),
    ("tha", "thai", "th"),
    ("vie", "vietnamese", "vi"),
    ("ind", "indonesian", "id"),
    ("zho", "chinese", "zh"),
    ("chi", "chinese", "zh"),
    ("jpn", "japanese", "ja"),
    ("kor", "korean", "ko"),
    ("swe", "swedish", "sv"),
    ("dan", "danish", "da"),
    ("nob", "norwegian", "no"),
    ("fin", "finnish", "fi"),
    ("hrv", "croatian", "hr"),
    ("srp", "serbian", "sr"),
    ("swa", "swahili", "sw"),
    ("amh", "amharic", "am"),
    ("pus", "pashto", "ps"),
    ("ckb", "sorani", "ckb"),
];

/// The canonical tag, or nothing where the text names no language.
pub fn canonical(written: &str) -> Option<String> {
    let lower = written.trim().replace('_', "-").to_lowercase();
    if let Some((.., tag)) = KNOWN.iter().find(|(code, name, _)| lower == *code || lower == *name) {
        return Some((*tag).to_owned());
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
