//! What holds for any text.

use super::*;
use proptest::prelude::*;

/// Texts that look like numbers, and such that do not.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{1,70}",
        "[0-9A-Z]{1,40}",
        "[ -~]{0,60}",
        r"[()0-9A-Z \-/+.,:_%]{0,60}",
        r"(\]C1|\]d2|\(00\)|\(420\)|%|420|00|JJD|1Z|3S)[0-9A-Z()\x1d]{0,40}",
        r"\[\)>\x1e0[16]\x1d([0-9A-Z]{0,12}\x1d){0,10}",
        "https?://[a-z.]{1,20}/(00|01)/[0-9]{14,18}",
    ]
}

/// Every number of the table's shapes: characters chosen from each place, and the right check digit put in.
fn valid_number() -> impl Strategy<Value = String> {
    let rows: Vec<_> = formats::all().filter(|f| f.only_for.is_none() && f.class < 6).collect();
    (proptest::sample::select(rows), any::<u64>()).prop_map(|(format, seed)| generated(format, seed))
}

fn generated(format: &formats::Format, mut seed: u64) -> String {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap()
    };
    let shape = shape::Shape::parse(&format.shapes[next() % format.shapes.len()]).unwrap();
    let length = *shape.lengths().start() + next() % (shape.lengths().count());
    let all = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut number: Vec<u8> = Vec::new();
    for place in 0..length {
        let start = next();
        let fitting = |b: &&u8| shape.takes(place, **b);
        number.push(*all.iter().cycle().skip(start % 36).take(36).find(fitting).unwrap());
    }
    if let (Some(digit), Some(places)) = (format.check_digit(&number), format.checked_places(number.len())) {
        number[*places.end()] = digit;
    }
    String::from_utf8(number).unwrap()
}

fn canonical_of(text: &str) -> Option<String> {
    Number::read(text).canonical().map(str::to_owned)
}

proptest! {
    #[test]
    fn any_text_is_read(text in any_text()) {
        let number = Number::read(&text);
        prop_assert!(number.key().chars().count() <= 64 || number.problem() == Some(&NotANumber::TooLong));
        prop_assert!(number.formats().len() <= 16);
        prop_assert!(number.forms().len() <= 8 && number.keys().len() <= 24);
        prop_assert!(number.forms().iter().all(|form| form.len() <= 400));
        prop_assert!(number.is_valid() || number.canonical().is_none());
        prop_assert!(number.is_valid() || number.problem().is_some());
        let _ = serde_json::to_string(&NumberReport::new(&text, &number)).unwrap();
        let _ = (split(&text), only_maker(&text), number.certain(), number.remarks(), number.printed());
    }

    #[test]
    fn what_is_kept_is_read_as_itself(text in any_text()) {
        if let Ok(kept) = normalise(&text) {
            prop_assert_eq!(normalise(&kept), Ok(kept.clone()), "{:?}", text);
            prop_assert!(!kept.chars().any(char::is_control));
        }
    }

    #[test]
    fn valid_numbers_and_their_forms_lead_to_one_canonical_number(text in valid_number()) {
        let number = Number::read(&text);
        if let Some(canonical) = number.canonical() {
            let kept = normalise(canonical);
            prop_assert!(kept.as_deref() == Ok(canonical) || kept.as_ref().ok() == number.twin().as_ref(), "{}", text);
            // what only an envelope or a longer form's check digit makes a number is nothing more without it
            prop_assert!(canonical_of(canonical).is_none_or(|again| again == canonical), "{}", text);
            prop_assert!(number.forms().contains(&canonical.to_owned()));
            for form in number.forms() {
                prop_assert_eq!(normalise(&form), kept.clone(), "{} as {}", text, form);
            }
        } else {
            prop_assert!(number.problem().is_some());
        }
    }

    #[test]
    fn how_a_number_is_dressed_does_not_matter(text in valid_number(), signs in "[ \\-._/]{1,3}", every in 1_usize..6) {
        let dressed: Vec<String> = text.as_bytes().chunks(every).map(|c| String::from_utf8_lossy(c).to_lowercase()).collect();
        let dressed = dressed.join(&signs);
        // parts of it may be numbers of their own, and dots may make a quantity of it
        let other = text::several(&dressed).is_some() || spreadsheet(&dressed).is_some();
        if !other && Number::read(&text).is_valid() {
            prop_assert_eq!(canonical_of(&dressed), canonical_of(&text), "{}", dressed);
        }
    }

    /// Weights that share no factor with their modulus see each single changed digit. Those of UPS, DHL, Deutsche Post, ISO
    /// 6346 and IMO miss some, and so do the remainders that FedEx and S10 write as one digit.
    #[test]
    fn one_changed_digit_is_seen(
        format in proptest::sample::select(formats::all().filter(|f| f.check_name().is_some()).collect::<Vec<_>>()),
        seed in any::<u64>(),
        place in any::<proptest::sample::Index>(),
        by in 1_u8..10,
    ) {
        let sure = ["gs1_mod10", "gls_mod10", "luhn", "iso7064_mod37_36", "auspost_mod10", "mod11_base"];
        let mut number = generated(format, seed).into_bytes();
        if let Some(places) = format.checked_places(number.len()).filter(|_| sure.contains(&format.check_name().unwrap())) {
            prop_assert_eq!(format.check_digit(&number), format.written_digit(&number));
            let (start, count) = (*places.start(), places.count());
            let at = start + place.index(count);
            if number[at].is_ascii_digit() {
                number[at] = b'0' + (number[at] - b'0' + by) % 10;
                prop_assert_ne!(format.check_digit(&number), format.written_digit(&number), "{:?}", format);
            }
        }
    }
}

#[test]
fn every_format_can_be_met() {
    for format in formats::all().filter(|f| f.only_for.is_none()) {
        let met = (0..200).any(|seed| {
            let text = generated(format, seed * 7919 + 1);
            Number::read(&text).formats().iter().any(|c| std::ptr::eq(c.format, format) || c.format.id == format.id)
        });
        assert!(met, "{}", format.id);
    }
}
