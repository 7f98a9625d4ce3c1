//! A customer's language and local time, in words.

use jiff::{Timestamp, tz::TimeZone};

/// Languages by their ISO 639 code: those that Odoo is translated into.
const LANGUAGES: &[(&str, &str)] = &[
    ("am", "Amharic"),
    ("ar", "Arabic"),
    ("az", "Azerbaijani"),
    ("be", "Belarusian"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("bs", "Bosnian"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("eu", "Basque"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("gl", "Galician"),
    ("gu", "Gujarati"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ka", "Georgian"),
    ("kab", "Kabyle"),
    ("km", "Khmer"),
    ("ko", "Korean"),
    ("lb", "Luxembourgish"),
    ("lo", "Lao"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("mk", "Macedonian"),
    ("ml", "Malayalam"),
    ("mn", "Mongolian"),
    ("ms", "Malay"),
    ("my", "Burmese"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sq", "Albanian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("sw", "Swahili"),
    ("te", "Telugu"),
    ("th", "Thai"),
    ("tl", "Tagalog"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// `English (US), local time 14:07`; what is not known as a language or a zone stays as it is written.
pub(super) fn locale(language: Option<&str>, zone: Option<&str>, now: Timestamp) -> Option<String> {
    let time = |zone: &str| match TimeZone::get(zone) {
        Ok(zone) => format!("local time {}", now.to_zoned(zone).strftime("%H:%M")),
        Err(_) => zone.to_owned(),
    };
    let parts = [language.map(self::language), zone.map(time)].into_iter().flatten();
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A language by its code, as Odoo writes it: `de_CH`, `sr@latin`.
fn language(code: &str) -> String {
    let mut parts = code.split(['_', '-', '@']);
    let name = parts.next().and_then(|language| LANGUAGES.iter().find(|(known, _)| *known == language));
    let Some((_, name)) = name else { return code.to_owned() };
    match parts.next() {
        Some("419") => format!("{name} (Latin America)"),
        Some(region) => format!("{name} ({region})"),
        None => (*name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_said_in_words() {
        let now: Timestamp = "2026-03-02T13:07:00Z".parse().unwrap();
        let said = |language, zone| locale(language, zone, now);
        assert_eq!(said(Some("en_US"), Some("Europe/Berlin")).unwrap(), "English (US), local time 14:07");
        assert_eq!(said(Some("es_419"), None).unwrap(), "Spanish (Latin America)");
        assert_eq!(said(Some("sr@latin"), None).unwrap(), "Serbian (latin)");
        assert_eq!(said(Some("tlh_KX"), Some("Mars/Phobos")).unwrap(), "tlh_KX, Mars/Phobos");
        assert_eq!(said(Some(""), Some("")), None);
        assert_eq!(said(None, None), None);
    }
}
