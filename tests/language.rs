//! Language identification on the cases that other tools get wrong: tables of text and tag, and what a document reports.
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on fails")]

use copydesk::{
    article::{EnrichedArticle, Field, Message},
    enrich::Identifier,
    pipeline::Pipeline,
};

fn check(cases: &[(&str, &str)]) {
    let identifier = Identifier::shipped();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(tag, text)| {
            let found = identifier.identify(None, text, None);
            (found.tag != *tag).then(|| format!("{tag} taken for {} ({:.2}): {text}", found.tag, found.confidence))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Also typed on an Arabic keyboard, with vowel signs, tatweel and direction marks.
#[test]
fn languages_of_the_arabic_script() {
    check(&[
        ("ar", "أعلن وزير الخارجية أن بلاده ستشارك في المؤتمر الدولي"),
        ("fa", "رییس جمهور گفت که دولت برنامه تازه ای برای اقتصاد دارد"),
        ("fa", "رييس جمهور گفت كه دولت برنامه تازه اي براي اقتصاد كشور دارد"),
        ("ur", "وزیر اعظم نے کہا کہ حکومت نئے منصوبے شروع کرے گی"),
        ("ckb", "سەرۆکی حکومەت لە لێدوانێکدا ڕایگەیاند کە بودجەی ساڵی نوێ پەسەند کرا"),
        ("ps", "د افغانستان حکومت وايي چې د سولې خبرې به بیا پیل شي"),
        ("ug", "شىنجاڭ ئۇيغۇر ئاپتونوم رايونىدا يېڭى يول قۇرۇلۇشى باشلاندى"),
        ("ar", "أَعْلَنَتِ الْحُكُومَةُ الْيَوْمَ عَنْ خُطَّةٍ جَدِيدَةٍ"),
        ("ar", "أعلنـــت الحكومـــة اليـــوم عن خطـــة جديـــدة"),
        ("ar", "\u{200f}أعلنت\u{200f} \u{200f}الحكومة\u{200f} \u{200f}اليوم\u{200f} عن خطة"),
    ]);
}

/// Latin names inside Arabic, all capitals, Title Case.
#[test]
fn brand_names_and_capitals() {
    check(&[
        ("ar", "Apple iPhone 15 Pro Max و Samsung Galaxy S24 Ultra: مقارنة شاملة بين الهاتفين من حيث السعر"),
        ("en", "PRIME MINISTER RESIGNS AFTER CABINET REVOLT"),
        ("en", "Prime Minister Resigns After Cabinet Revolt"),
        ("fr", "LE PREMIER MINISTRE DÉMISSIONNE APRÈS LE VOTE"),
        ("de", "BUNDESTAG BESCHLIESST NEUES HEIZUNGSGESETZ"),
        ("tr", "CUMHURBAŞKANI YENİ KABİNEYİ AÇIKLADI"),
        ("ru", "ПРЕЗИДЕНТ ПОДПИСАЛ УКАЗ О НОВОМ ПРАВИТЕЛЬСТВЕ"),
        ("es", "El Gobierno Aprueba La Nueva Ley De Vivienda"),
    ]);
}

/// South Slavic, Malay, Scandinavian, Czech and Slovak, Iberian.
#[test]
fn close_relatives() {
    check(&[
        ("hr", "Predsjednik Vlade rekao je da će se sjednica održati sljedeći tjedan u Zagrebu, izvijestila je Hina"),
        ("sr-Latn", "Predsednik Vlade rekao je da će se sednica održati sledeće nedelje u Beogradu"),
        ("sr-Cyrl", "Председник Владе рекао је да ће се седница одржати следеће недеље"),
        ("id", "Presiden mengatakan bahwa pemerintah akan menaikkan harga bahan bakar karena subsidi terlalu besar"),
        ("ms", "Perdana Menteri berkata kerajaan akan menaikkan harga minyak kerana subsidi terlalu besar"),
        ("nb", "Statsministeren sier at regjeringen ikke vil øke skattene neste år"),
        ("nn", "Statsministeren seier at regjeringa ikkje vil auke skattane neste år"),
        ("da", "Statsministeren siger, at regeringen ikke vil hæve skatterne næste år"),
        ("cs", "Předseda vlády řekl, že příští týden bude jednat s odbory o platech"),
        ("sk", "Predseda vlády povedal, že budúci týždeň bude rokovať s odbormi o platoch"),
        ("gl", "O presidente da Xunta dixo que a nova lei vai ser aprobada na vindeira semana"),
        ("pt", "O presidente do governo disse que a nova lei vai ser aprovada na próxima semana"),
        ("es", "El presidente del Gobierno dijo que la nueva ley será aprobada la próxima semana"),
    ]);
}

/// Neighbours that share a script.
#[test]
fn devanagari_and_cyrillic() {
    check(&[
        ("hi", "प्रधानमंत्री ने कहा कि सरकार अगले सप्ताह नई योजना शुरू करेगी"),
        ("mr", "पंतप्रधानांनी सांगितले की सरकार पुढील आठवड्यात नवीन योजना सुरू करणार आहे"),
        ("ne", "प्रधानमन्त्रीले सरकारले अर्को हप्ता नयाँ योजना सुरु गर्ने बताए"),
        ("ru", "Премьер-министр заявил, что правительство рассмотрит новый закон на следующей неделе"),
        ("uk", "Прем'єр-міністр заявив, що уряд розгляне новий закон наступного тижня"),
        ("be", "Прэм'ер-міністр заявіў, што ўрад разгледзіць новы закон на наступным тыдні"),
        ("bg", "Министър-председателят заяви, че правителството ще разгледа новия закон следващата седмица"),
        ("mk", "Премиерот изјави дека владата ќе го разгледа новиот закон следната недела"),
    ]);
}

/// Japanese in ideographs alone, and Chinese of both scripts.
#[test]
fn han_without_kana() {
    check(&[
        ("ja", "東京都知事選挙開票速報"),
        ("ja", "首相官邸前抗議集会中止"),
        ("ja", "日本銀行金融政策決定会合議事要旨公表"),
        ("ja", "政府、経済対策決定へ"),
        ("zh-Hans", "北京市政府发布新规定"),
        ("zh-Hant", "台北市政府發布新規定"),
        ("zh-Hant", "立法院三讀通過預算案"),
        ("zh-Hans", "国务院常务会议部署工作"),
    ]);
}

/// Hurried typing, and languages of which little text is to be had.
#[test]
fn without_accents_and_small_languages() {
    check(&[
        ("vi", "Thủ tướng cho biết chính phủ sẽ tăng lương tối thiểu"),
        ("vi", "Thu tuong cho biet chinh phu se tang luong toi thieu vung"),
        ("ro", "Premierul a declarat ca guvernul va mari salariul minim anul viitor"),
        ("tr", "Basbakan hukumetin gelecek yil asgari ucreti artiracagini soyledi"),
        ("so", "Madaxweynaha ayaa sheegay in dowladda ay bilaabi doonto mashruuc cusub"),
        ("sw", "Rais amesema serikali itaanzisha mradi mpya wa maji mwaka ujao"),
        ("ha", "Shugaban kasa ya ce gwamnati za ta fara sabon aikin ruwa"),
        ("yo", "Ààrẹ sọ pé ìjọba yóò bẹ̀rẹ̀ iṣẹ́ omi tuntun"),
        ("am", "ጠቅላይ ሚኒስትሩ መንግሥት አዲስ የውኃ ፕሮጀክት እንደሚጀምር ተናገሩ"),
        ("ti", "ቀዳማይ ሚኒስተር መንግስቲ ሓድሽ ፕሮጀክት ማይ ከም ዝጅምር ተዛሪቡ"),
        ("yi", "די רעגירונג האט געזאגט אז זי וועט אנהייבן א נייעם פראיעקט"),
        ("he", "ראש הממשלה אמר שהממשלה תתחיל פרויקט מים חדש"),
    ]);
}

/// Too little to tell is not a guess.
#[test]
fn nothing_to_tell_is_undetermined() {
    check(&[
        ("und", ""),
        ("und", "   \n"),
        ("und", "https://www.example.com/en/news/today"),
        ("und", "2026 11 25 3:2"),
        ("und", "😀😀🎉"),
        ("und", "asdf"),
        ("und", "@handle #tag"),
        ("und", "OK"),
    ]);
    let identifier = Identifier::shipped();
    assert_eq!(identifier.identify(None, "12", None).script, "Zyyy");
    assert_eq!(identifier.identify(None, "سلام", None).script, "Arab");
}

#[test]
fn script_and_direction_come_from_the_text() {
    let identifier = Identifier::shipped();
    for (text, tag, script, right_to_left) in [
        ("أعلنت وزارة الصحة عن بدء حملة تطعيم جديدة", "ar", "Arab", true),
        ("ראש הממשלה אמר כי הממשלה תדון בתקציב", "he", "Hebr", true),
        ("政府周一宣布了新的经济措施", "zh-Hans", "Hans", false),
        ("政府週一宣佈了新的經濟措施", "zh-Hant", "Hant", false),
        ("政府は月曜日に新しい対策を発表した", "ja", "Jpan", false),
        ("정부는 월요일에 새로운 대책을 발표했다", "ko", "Kore", false),
        ("Η κυβέρνηση ανακοίνωσε νέα μέτρα", "el", "Grek", false),
        ("รัฐบาลประกาศมาตรการใหม่", "th", "Thai", false),
        ("நாடாளுமன்றம்", "ta", "Taml", false),
        ("দুই দশক আগে রাজধানী", "bn", "Beng", false),
        ("Vlada je usvojila predlog zakona o budžetu za sledeću godinu", "sr-Latn", "Latn", false),
    ] {
        let found = identifier.identify(None, text, None);
        assert_eq!((found.tag, found.script, found.right_to_left), (tag, script, right_to_left), "{text}");
    }
}

/// A declaration decides between close relatives and never against the text.
#[test]
fn the_declared_language_is_a_prior() {
    let identifier = Identifier::shipped();
    let close = "Predsjednik Vijeća ministara izjavio je da će sjednica biti održana u utorak u Sarajevu";
    assert_eq!(identifier.identify(None, close, Some("bs")).tag, "bs");
    let english = "The government said on Monday that talks would resume next week in the capital";
    for declared in ["de", "ar", "nl", "no-such"] {
        assert_eq!(identifier.identify(None, english, Some(declared)).tag, "en");
    }
    assert_eq!(identifier.identify(None, "https://x.org 12", Some("fr")).tag, "und", "a declaration is no text");
}

fn document(title: &str, text: &str, language: &str) -> EnrichedArticle {
    let pipeline = Pipeline::load(Default::default(), Default::default(), false);
    let payload = serde_json::json!({ "title": title, "text": text, "language": language });
    pipeline.document(&Message::local(payload.to_string().into_bytes())).unwrap().0
}

#[test]
fn declared_and_found_are_both_reported() {
    let text = "The government said on Monday that talks would resume next week";
    for (declared, agrees) in [("en-US", Some(true)), ("fr", Some(false)), ("", None)] {
        assert_eq!(document("", text, declared).language.agrees, agrees, "{declared}");
    }
    let norwegian = document("", "Statsministeren sier at regjeringen ikke vil øke skattene neste år", "no");
    assert_eq!((norwegian.language.tag.as_str(), norwegian.language.agrees), ("nb", Some(true)));
}

const ENGLISH: &str = "The government said on Monday that talks with the unions would resume next week, after both sides agreed to \
    return to the table. A spokeswoman declined to name a date, and the largest union said that its members were ready to strike.";
const ARABIC: &str = "قالت الحكومة يوم الاثنين إن المحادثات مع النقابات ستستأنف الأسبوع المقبل بعد أن اتفق الطرفان على العودة إلى طاولة \
    الحوار. ورفضت المتحدثة تحديد موعد، وقالت أكبر النقابات إن أعضاءها مستعدون للإضراب إذا لم ترفع الأجور قبل نهاية العام.";
const FRENCH: &str = "Le gouvernement a annoncé lundi que les discussions avec les syndicats reprendraient la semaine prochaine, après que \
    les deux parties sont convenues de revenir à la table. Une porte-parole a refusé de donner une date, et le plus grand syndicat attend.";

#[test]
fn a_mixed_document_names_the_language_of_each_part() {
    for (first, second, tags) in [(ENGLISH, ARABIC, ["en", "ar"]), (ARABIC, FRENCH, ["ar", "fr"]), (FRENCH, ENGLISH, ["fr", "en"])] {
        let found = document("", &format!("{first}\n\n{second}"), "");
        let characters: Vec<char> = found.article.text.chars().collect();
        let parts: Vec<(&str, String)> = found
            .language
            .segments
            .iter()
            .map(|segment| (segment.tag.as_str(), characters[segment.start..segment.end].iter().collect()))
            .collect();
        assert_eq!(parts.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), tags);
        assert_eq!((parts[0].1.as_str(), parts[1].1.as_str()), (first, second));
        assert!(found.language.segments.iter().all(|segment| segment.field == Field::Text));
        assert!(tags.contains(&found.language.tag.as_str()));
    }
}

#[test]
fn a_document_in_one_language_has_no_segments() {
    let brands = format!("{ARABIC}\n\nApple iPhone 15 Pro Max: السعر والمواصفات الكاملة\n\n{ARABIC}");
    for text in [ENGLISH.to_owned(), brands, format!("{FRENCH}\n\nBy John Smith\n\n{FRENCH}")] {
        let found = document("", &text, "");
        assert!(found.language.segments.is_empty(), "{:?}", found.language);
        assert!(found.language.reliable, "{:?}", found.language);
    }
}

#[test]
fn languages_that_can_be_named() {
    let tags = Identifier::shipped().tags();
    let mut primaries: Vec<&str> = tags.iter().map(|(tag, _)| tag.split('-').next().unwrap()).filter(|tag| *tag != "und").collect();
    primaries.sort_unstable();
    primaries.dedup();
    assert!(primaries.len() >= 120, "{}", primaries.len());
    for tag in ["zh-Hans", "zh-Hant", "sr-Cyrl", "sr-Latn", "ckb", "ug"] {
        assert!(tags.iter().any(|(known, texts)| known == &tag && *texts > 0), "{tag}");
    }
}
