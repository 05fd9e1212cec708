//! Case forms of names.
//!
//! - Russian and Ukrainian ones are pre-generated, so that the matcher finds them by look-up: endings by rule, each word of a name
//!   in the same case. Too many forms do no harm: a form nobody writes is never met.
//! - In other languages that decline names, [`stem`] takes the vowels off the end of a name, and [`stems`] says which stems a word
//!   of a text may be a form of: what is left when one of the language's endings is taken off, with the changes of consonants
//!   that the endings bring about.

/// Nominative, genitive, dative, accusative (of a thing), instrumental, prepositional.
const CASES: usize = 6;

/// All forms of a name, the name itself first. Whether it declines like a Russian surname or like a noun is not told by its
/// letters alone ("Путиным", but "Цзиньпином"; "Кремля", but "Казани"), so both are made.
pub(super) fn inflections(name: &str) -> Vec<String> {
    let mut forms = vec![name.to_owned()];
    for surname in [true, false] {
        let paradigms: Vec<[String; CASES]> = name.split(' ').map(|word| paradigm(word, surname)).collect();
        for case in 0..CASES {
            let form = paradigms.iter().map(|forms| forms[case].as_str()).collect::<Vec<_>>().join(" ");
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

fn paradigm(word: &str, surname: bool) -> [String; CASES] {
    // Acronyms, and the quoted or Latin parts of a name, do not decline.
    let declines = word.chars().filter(|c| c.is_alphabetic()).count() >= 3
        && word.chars().skip(1).any(char::is_lowercase)
        && word.chars().all(|c| ('\u{400}'..='\u{4ff}').contains(&c) || c == '-');
    let with = |stem: &str, endings: [&str; CASES]| endings.map(|ending| format!("{stem}{ending}"));
    if !declines {
        return std::array::from_fn(|_| word.to_owned());
    }
    for (suffix, endings) in [
        ("ский", ["ский", "ского", "скому", "ский", "ским", "ском"]),
        ("ская", ["ская", "ской", "ской", "скую", "ской", "ской"]),
        ("ское", ["ское", "ского", "скому", "ское", "ским", "ском"]),
        ("ские", ["ские", "ских", "ским", "ские", "скими", "ских"]),
        ("ый", ["ый", "ого", "ому", "ый", "ым", "ом"]),
        ("ная", ["ная", "ной", "ной", "ную", "ной", "ной"]),
        ("ное", ["ное", "ного", "ному", "ное", "ным", "ном"]),
        ("ия", ["ия", "ии", "ии", "ию", "ией", "ии"]),
        ("ие", ["ие", "ия", "ию", "ие", "ием", "ии"]),
        ("ай", ["ай", "ая", "аю", "ай", "аем", "ае"]),
        ("ей", ["ей", "ея", "ею", "ей", "еем", "ее"]),
        ("ий", ["ий", "ия", "ию", "ий", "ием", "ии"]),
        ("ва", ["ва", "вы", "ве", "ву", "вой", "ве"]),
        ("га", ["га", "ги", "ге", "гу", "гой", "ге"]),
        ("ка", ["ка", "ки", "ке", "ку", "кой", "ке"]),
        ("а", ["а", "ы", "е", "у", "ой", "е"]),
        ("я", ["я", "и", "е", "ю", "ей", "е"]),
        ("ы", ["ы", "ов", "ам", "ы", "ами", "ах"]),
    ] {
        if let Some(stem) = word.strip_suffix(suffix) {
            return with(stem, endings);
        }
    }
    if let Some(stem) = word.strip_suffix('ь') {
        return if surname {
            with(stem, ["ь", "я", "ю", "я", "ем", "е"])
        } else {
            with(stem, ["ь", "и", "и", "ь", "ью", "и"])
        };
    }
    if word.ends_with(['о', 'е', 'и', 'у', 'ю', 'э', 'ё', 'й']) {
        return std::array::from_fn(|_| word.to_owned());
    }
    let possessive = surname && ["ов", "ев", "ёв", "ин", "ын"].iter().any(|suffix| word.ends_with(suffix));
    with(word, ["", "а", "у", if surname { "а" } else { "" }, if possessive { "ым" } else { "ом" }, "е"])
}

/// Whether names are declined in a language, and [`stems`] knows how.
pub(super) fn declines(language: &str) -> bool {
    !endings(language).is_empty()
}

/// What may follow the vowels after a stem.
fn endings(language: &str) -> &'static [&'static str] {
    match language {
        "pl" | "cs" | "sk" | "hr" | "bs" | "sl" => {
            &["", "m", "mi", "ch", "j", "w", "v", "h", "g", "go", "mu", "ho", "wi", "vi", "ma", "zech"]
        }
        "ru" | "uk" | "bg" | "sr" | "mk" | "be" => &["", "м", "х", "й", "в", "ми", "го", "му", "ю", "та", "то", "т", "ма"],
        "fi" | "et" => &["", "n", "t", "ssa", "sta", "lla", "lta", "lle", "ksi", "na", "s", "st", "l", "lt", "le", "ga"],
        "hu" => &[
            "", "t", "n", "ban", "ben", "ba", "be", "bol", "rol", "tol", "ra", "re", "nak", "nek", "val", "vel", "hoz", "hez", "ert", "ig",
        ],
        "el" => &["", "σ", "ν", "υσ"],
        "ro" => &["", "lui", "l", "lor"],
        _ => &[],
    }
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y') || "аеиоуыэюяіїєёьйαεηιουω".contains(c)
}

/// A folded name without the vowels at its end, of which three letters remain, and without the Greek final sigma.
pub(super) fn stem(word: &str) -> &str {
    let mut stem = word.strip_suffix('σ').unwrap_or(word);
    while let Some(shorter) = stem.strip_suffix(is_vowel).filter(|shorter| shorter.chars().nth(2).is_some()) {
        stem = shorter;
    }
    stem
}

/// The stems that a folded word of a text may be a form of, itself among them.
pub(super) fn stems(word: &str, language: &str) -> Vec<String> {
    let endings = endings(language);
    let mut stems = Vec::new();
    for (at, _) in word.char_indices().skip(3).chain([(word.len(), ' ')]) {
        let Some((stem, rest)) = word.split_at_checked(at) else { continue };
        let rest = rest.trim_start_matches(is_vowel);
        if !endings.contains(&rest) || (stem.ends_with(is_vowel) && stem.chars().nth(3).is_some()) {
            continue;
        }
        for (written, meant) in [
            ("dz", "g"),
            ("c", "k"),
            ("sz", "ch"),
            ("rz", "r"),
            ("z", "h"),
            ("z", "g"),
            ("s", "h"),
            ("ц", "к"),
            ("з", "г"),
            ("с", "х"),
            ("ng", "nk"),
            ("d", "t"),
            ("v", "p"),
        ] {
            stems.extend(stem.strip_suffix(written).map(|root| format!("{root}{meant}")));
        }
        stems.push(stem.to_owned());
    }
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declines_names_word_by_word() {
        for (name, form) in [
            ("Владимир Путин", "Владимиром Путиным"),
            ("Владимир Зеленский", "Владимиру Зеленскому"),
            ("Си Цзиньпин", "Си Цзиньпином"),
            ("Москва", "Москве"),
            ("Россия", "России"),
            ("Саудовская Аравия", "Саудовской Аравии"),
            ("Ирак", "Ираке"),
            ("США", "США"),
            ("Байден", "Байденом"),
            ("Кремль", "Кремля"),
            ("Казань", "Казани"),
        ] {
            assert!(inflections(name).contains(&form.to_owned()), "{name}: {:?}", inflections(name));
        }
        assert_eq!(inflections("ООН"), ["ООН"]);
    }

    #[test]
    fn forms_lead_back_to_the_stem_of_their_name() {
        for (language, name, form) in [
            ("pl", "polska", "polsce"),
            ("pl", "unia", "unie"),
            ("pl", "niemcy", "niemczech"),
            ("pl", "praga", "pradze"),
            ("cs", "praha", "praze"),
            ("cs", "trump", "trumpem"),
            ("fi", "suomi", "suomessa"),
            ("fi", "helsinki", "helsingissa"),
            ("hu", "moszkva", "moszkvaban"),
            ("el", "αθηνα", "αθηνασ"),
            ("el", "βερολινο", "βερολινου"),
            ("ro", "bucuresti", "bucurestiului"),
            ("sr", "америка", "америци"),
        ] {
            assert!(stems(form, language).iter().any(|found| found == stem(name)), "{form}: {:?}", stems(form, language));
        }
        assert!(!declines("en") && declines("pl"));
    }
}
