//! What customers are sent: a subject and a text, in the customer's language where the rule has it. Plain text with words in braces;
//! of those only such as are the same in every language and meant for customers.
//!
//! Other languages are one text: a line `[de] Subject` begins each, and its text follows.
//!
//! ```text
//! [de] Ihre Sendung {number}
//! Guten Tag, Ihre Sendung ist verspätet.
//! [fr] Votre colis {number}
//! Bonjour, votre colis est en retard.
//! ```

use super::text;

/// Characters of a subject.
pub const SUBJECT_CHARS_MAX: usize = 150;
/// Languages beside the first one.
const LANGUAGES_MAX: usize = 30;
/// The words in braces that a message to a customer may have. The others are English, or lead to pages for the company's own people.
pub const WORDS: &[&str] = &["order", "delivery", "number", "place", "eta"];

/// A message in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The language, `de`, or with its country, `de_CH`; none: whatever the customer's is.
    pub language: Option<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// The message in every language that it has; the first one is for all others.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn letters(subject: &str, said: &str, translations: Option<&str>) -> Result<Vec<Letter>, String> {
    let mut all = vec![Letter { language: None, subject: subject.trim().to_owned(), text: said.trim().to_owned() }];
    for line in translations.unwrap_or_default().lines() {
        match begins(line) {
            Some((language, subject)) => {
                if all.iter().any(|letter| letter.language.as_deref() == Some(language)) {
                    return Err(format!("[{language}] is there twice"));
                }
                let (language, subject) = (Some(language.to_owned()), subject.to_owned());
                all.push(Letter { language, subject, text: String::new() });
            }
            None if all.len() == 1 && line.trim().is_empty() => {}
            None if all.len() == 1 => {
                return Err("another language begins with a line like [de] and the subject".into());
            }
            None => {
                if let Some(letter) = all.last_mut() {
                    letter.text.push_str(line);
                    letter.text.push('\n');
                }
            }
        }
    }
    if all.len() > LANGUAGES_MAX + 1 {
        return Err(format!("a message has at most {LANGUAGES_MAX} other languages"));
    }
    for letter in &mut all {
        letter.text = letter.text.trim().to_owned();
        right(letter)?;
    }
    Ok(all)
}

/// The language and the subject of a line that begins another language.
fn begins(line: &str) -> Option<(&str, &str)> {
    let (language, subject) = line.trim().strip_prefix('[')?.split_once(']')?;
    let letters = |text: &str, of: std::ops::RangeInclusive<usize>| {
        of.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let is_language = match language.split_once('_') {
        Some((language, country)) => letters(language, 2..=3) && letters(country, 2..=2),
        None => letters(language, 2..=3),
    };
    is_language.then(|| (language, subject.trim()))
}

fn right(letter: &Letter) -> Result<(), String> {
    let of = letter.language.as_deref().map(|language| format!(" [{language}]")).unwrap_or_default();
    let count = letter.subject.chars().count();
    if count == 0 || count > SUBJECT_CHARS_MAX || letter.subject.chars().any(char::is_control) {
        return Err(format!("the subject{of} is one line of 1 to {SUBJECT_CHARS_MAX} characters"));
    }
    let count = letter.text.chars().count();
    if count == 0 || count > text::CHARS_MAX {
        return Err(format!("the text{of} has 1 to {} characters", text::CHARS_MAX));
    }
    let not_meant = [&letter.subject, &letter.text].into_iter().find_map(|said| text::not_among(said, WORDS));
    match not_meant {
        None => Ok(()),
        Some(word) => {
            let known: Vec<_> = WORDS.iter().map(|word| format!("{{{word}}}")).collect();
            Err(format!("{word} is not for customers{of}: there are {}", known.join(", ")))
        }
    }
}

/// The message for a customer whose language is this: `de_CH` takes `[de_CH]`, else `[de]`, else the first one.
pub fn in_language<'a>(letters: &'a [Letter], language: Option<&str>) -> Option<&'a Letter> {
    let language = language.unwrap_or_default();
    let short = language.split(['_', '-', '@']).next().unwrap_or_default();
    let of = |wanted: &str| {
        let same = |letter: &&Letter| letter.language.as_deref().is_some_and(|had| had.eq_ignore_ascii_case(wanted));
        letters.iter().find(same)
    };
    of(&language.replace('-', "_")).or_else(|| of(short)).or_else(|| letters.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: &str = "\n[de] Ihre Sendung {number}\nGuten Tag,\n\nsie ist verspätet.\n[de_CH] Ihr Paket\nGrüezi.\n";

    #[test]
    fn a_customer_reads_the_own_language_where_it_is_there() {
        let all = letters("Your order {order}", "It is late.", Some(OTHERS)).unwrap();
        let subject = |language| in_language(&all, language).unwrap().subject.as_str();
        for (language, expected) in [
            (None, "Your order {order}"),
            (Some("en_US"), "Your order {order}"),
            (Some("de_DE"), "Ihre Sendung {number}"),
            (Some("de"), "Ihre Sendung {number}"),
            (Some("de_CH"), "Ihr Paket"),
            (Some("de-CH"), "Ihr Paket"),
            (Some("fr_FR"), "Your order {order}"),
        ] {
            assert_eq!(subject(language), expected, "{language:?}");
        }
        assert_eq!(in_language(&all, Some("de")).unwrap().text, "Guten Tag,\n\nsie ist verspätet.");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (subject, text, others, begins) in [
            ("", "x", None, "the subject is one line"),
            ("x\r\nBcc: all@example.com", "x", None, "the subject is one line"),
            ("x", " ", None, "the text has 1"),
            ("x", "It is {status}.", None, "{status} is not for customers"),
            ("x", "See {link}", None, "{link} is not for customers"),
            ("x", "x {", None, "{ is not for customers"),
            ("x", "x", Some("Guten Tag"), "another language begins"),
            ("x", "x", Some("[de] Betreff\n"), "the text [de] has 1"),
            ("x", "x", Some("[de] A\nb\n[de] C\nd"), "[de] is there twice"),
            ("x", "x", Some("[de] {reason}\nText"), "{reason} is not for customers [de]"),
        ] {
            let why = letters(subject, text, others).unwrap_err();
            assert!(why.starts_with(begins), "{begins}: {why}");
        }
    }
}
