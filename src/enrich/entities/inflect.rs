//! Case forms of Russian and Ukrainian names, pre-generated so that the matcher finds them by look-up.
//!
//! Endings by rule, each word of a name in the same case. Too many forms do no harm: a form nobody writes is never met.

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
}
