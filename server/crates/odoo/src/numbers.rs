//! The numbers in a tracking reference. Odoo has one field; people and carriers' modules put several into it.

/// Numbers of one delivery at most; more is a text, not a list of numbers.
const NUMBERS_MAX: usize = 50;
/// Numbers with blanks between them are several only if each has so many characters; shorter groups are one number
/// written for people (`1Z 999 AA1 01 2345 6784`).
const NUMBER_CHARS_MIN: usize = 8;
/// Words that stand between two numbers, as people write them who use Odoo in these languages.
const AND: &[&str] = &["&", "/", "+", "and", "und", "et"];

/// The numbers in a text, each once: commas, semicolons, lines, blanks, slashes and words like "and" stand between them.
pub(super) fn split_numbers(text: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    let link = text.contains("://");
    let ends = |c: char| matches!(c, ',' | ';' | '|' | '\n' | '\r' | '\t') || c == '&' && !link;
    for part in text.split(ends).flat_map(between_words) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let several = words.iter().all(|word| word.chars().count() >= NUMBER_CHARS_MIN);
        let found = if several { words } else { vec![part.as_str()] };
        for number in found.into_iter().flat_map(listed) {
            if !numbers.iter().any(|known| known == number) && numbers.len() < NUMBERS_MAX {
                numbers.push(number.to_owned());
            }
        }
    }
    numbers
}

/// The parts of a text between words that join numbers.
fn between_words(text: &str) -> Vec<String> {
    let mut parts = vec![Vec::new()];
    for word in text.split_whitespace() {
        if AND.iter().any(|and| word.eq_ignore_ascii_case(and)) {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(word);
        }
    }
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.join(" ")).collect()
}

/// The numbers that `+` or `/` join without blanks; both can also stand inside one number.
fn listed(text: &str) -> Vec<&str> {
    let text = text.trim_matches(['/', '+', ' ']);
    if text.is_empty() {
        return Vec::new();
    }
    let known = domain::numbers::split(text);
    if known.len() > 1 {
        return known;
    }
    let parts: Vec<&str> = text.split(['/', '+']).collect();
    // a carrier's numbers look alike
    let alike = parts.iter().all(|part| part.chars().count() >= NUMBER_CHARS_MIN && shape(part) == shape(parts[0]));
    let numbers = parts.iter().all(|part| part.chars().any(|c| c.is_ascii_digit()));
    if alike && numbers { parts } else { vec![text] }
}

/// Where a text has letters and where digits.
fn shape(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '0'
            } else if c.is_alphabetic() {
                'A'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_numbers_in_one_field_are_kept_apart() {
        for (text, numbers) in [
            ("1Z999AA10123456784", vec!["1Z999AA10123456784"]),
            ("1Z999AA10123456784,00340434161094042557", vec!["1Z999AA10123456784", "00340434161094042557"]),
            ("794611111111 794622222222\n794633333333; ", vec!["794611111111", "794622222222", "794633333333"]),
            ("1Z 999 AA1 01 2345 6784", vec!["1Z 999 AA1 01 2345 6784"]),
            ("1Z999AA10123456784+1Z06X6100100004951", vec!["1Z999AA10123456784", "1Z06X6100100004951"]),
            ("1Z999AA10123456784/1Z06X6100100004951", vec!["1Z999AA10123456784", "1Z06X6100100004951"]),
            ("1Z/999/AA1/0123456784", vec!["1Z/999/AA1/0123456784"]),
            ("SAME12345, SAME12345", vec!["SAME12345"]),
            (" ; ,", vec![]),
            ("4711000815/4711000816", vec!["4711000815", "4711000816"]),
            ("4711000815 / 4711000816", vec!["4711000815", "4711000816"]),
            ("4711000815/2026-03", vec!["4711000815/2026-03"]),
            ("4711000815 and 4711000816", vec!["4711000815", "4711000816"]),
            ("4711000815 und 4711000816 & 4711000817", vec!["4711000815", "4711000816", "4711000817"]),
            ("4711000815&4711000816", vec!["4711000815", "4711000816"]),
            ("1Z 999 AA1 01 2345 6784 and JD00 0000 0001", vec!["1Z 999 AA1 01 2345 6784", "JD00 0000 0001"]),
            (
                "1Z 999 AA1 01 2345 6784\r\n1Z 06X 610 01 0000 4951",
                vec!["1Z 999 AA1 01 2345 6784", "1Z 06X 610 01 0000 4951"],
            ),
            ("https://carrier.example/track?n=1&lang=de", vec!["https://carrier.example/track?n=1&lang=de"]),
            ("ANDERSON12", vec!["ANDERSON12"]),
        ] {
            assert_eq!(split_numbers(text), numbers, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_separates_numbers_each_is_found_once(
            numbers in prop::collection::vec("[A-Z]{2}[0-9]{9}", 1..8),
            between in prop::collection::vec(prop::sample::select(vec![
                ",", ";", " ", "\n", "\r\n", "\t", "|", " / ", "/", " and ", " AND ", " & ", "&", ", ", " und ", " + ", "+",
            ]), 8),
        ) {
            let mut text = String::new();
            for (number, between) in numbers.iter().zip(&between) {
                text.push_str(number);
                text.push_str(between);
            }
            let mut expected = numbers.clone();
            let mut seen = std::collections::BTreeSet::new();
            expected.retain(|number| seen.insert(number.clone()));
            prop_assert_eq!(split_numbers(&text), expected, "{}", text);
        }

        #[test]
        fn no_text_is_lost_or_too_much(text in "\\PC{0,200}") {
            let found = split_numbers(&text);
            prop_assert!(found.len() <= NUMBERS_MAX);
            prop_assert!(found.iter().all(|number| !number.trim().is_empty()));
        }
    }
}
