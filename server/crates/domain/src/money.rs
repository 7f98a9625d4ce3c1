//! Amounts of money: whole minor units of a currency, since a label's cost is compared with an invoice to the cent.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// Currencies that have no minor unit, and those that have three decimals (ISO 4217); all others have two.
const WHOLE: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];
const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Decimals of an amount that are read; further ones decide nothing.
const DECIMALS_READ_MAX: usize = 9;

/// A currency's code (ISO 4217).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code, in capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters")
    }

    /// Decimals of its minor unit.
    pub fn decimals(&self) -> usize {
        match self.code() {
            code if WHOLE.contains(&code) => 0,
            code if THREE.contains(&code) => 3,
            _ => 2,
        }
    }
}

/// A text that is no amount or no currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// No currency.
    #[error("a currency is written with three letters, like EUR")]
    Currency,
    /// No amount.
    #[error("an amount is written like 7.58, with at most 15 digits before the point")]
    Amount,
    /// A person may have meant the one or the other.
    #[error("{typed} can be {whole} or {parts}: write the one that is meant")]
    Ambiguous {
        /// What was typed.
        typed: String,
        /// What it is where the sign stands between thousands.
        whole: String,
        /// What it is where the sign stands before the minor unit.
        parts: String,
    },
    /// More decimals than the currency has.
    #[error("an amount in {0} has at most {decimals} decimals", decimals = .0.decimals())]
    Decimals(Currency),
}

impl FromStr for Currency {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let letters: [u8; 3] = text.trim().as_bytes().try_into().map_err(|_| NotMoney::Currency)?;
        match letters.iter().all(u8::is_ascii_alphabetic) {
            true => Ok(Self(letters.map(|letter| letter.to_ascii_uppercase()))),
            false => Err(NotMoney::Currency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// In the currency's minor unit: cents.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount as systems write it: `7.58`, `-1`, `1250.5`. Decimals below the minor unit are rounded, half away from zero.
    ///
    /// # Errors
    /// When it is no such amount, or the currency no such code.
    pub fn read(amount: &str, currency: &str) -> Result<Self, NotMoney> {
        let currency: Currency = currency.parse()?;
        let text = amount.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 || !is_digits(whole) || !is_digits(fraction) {
            return Err(NotMoney::Amount);
        }
        let decimals = currency.decimals();
        let fraction: String = fraction.chars().take(DECIMALS_READ_MAX).collect();
        let kept = format!("{whole}{:0<decimals$}", fraction.get(..decimals).unwrap_or(&fraction));
        let up = fraction.as_bytes().get(decimals).is_some_and(|next| *next >= b'5');
        let minor = kept.parse::<i64>().map_err(|_| NotMoney::Amount)? + i64::from(up);
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// An amount as a person types it: with a point or a comma before the minor unit, with or without thousands set apart. Nothing is
    /// rounded, and what can be read in two ways is refused.
    ///
    /// # Errors
    /// As [`Money::read`]; when it can be one of two amounts, or has more decimals than the currency.
    pub fn typed(amount: &str, currency: &str) -> Result<Self, NotMoney> {
        let currency: Currency = currency.parse()?;
        let text = amount.trim();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        let (whole, fraction) = match mark(digits, currency)? {
            Some(at) => (&digits[..at], Some(&digits[at + 1..])),
            None => (digits, None),
        };
        let fraction_is_odd = |part: &str| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit());
        if fraction.is_some_and(fraction_is_odd) {
            return Err(NotMoney::Amount);
        }
        if fraction.is_some_and(|part| part.len() > currency.decimals()) {
            return Err(NotMoney::Decimals(currency));
        }
        let whole = without_groups(whole).ok_or(NotMoney::Amount)?;
        Self::read(&format!("{sign}{whole}.{}", fraction.unwrap_or_default()), currency.code())
    }

    /// The amount as systems write it, without the currency: `7.58`.
    pub fn amount(&self) -> String {
        let decimals = self.currency.decimals();
        let sign = if self.minor < 0 { "-" } else { "" };
        let unit = 10_u64.pow(u32::try_from(decimals).unwrap_or(2));
        let (whole, rest) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0decimals$}") }
    }
}

/// Digits between two marks of thousands.
const GROUP: usize = 3;

/// Where the mark before the minor unit is: the last of the two where both are there, else the only one, unless it can only stand between
/// thousands.
fn mark(digits: &str, currency: Currency) -> Result<Option<usize>, NotMoney> {
    let Some(at) = digits.rfind(['.', ',']) else { return Ok(None) };
    let (before, after) = (&digits[..at], &digits[at + 1..]);
    let is_other = |c: char| !c.is_ascii_digit() && !digits[at..].starts_with(c);
    if before.contains(is_other) {
        return Ok(Some(at));
    }
    if before.contains(['.', ',']) {
        return Ok(None);
    }
    let may_be_thousands = after.len() == GROUP && (1..=GROUP).contains(&before.len()) && !before.starts_with('0');
    match currency.decimals() {
        _ if !may_be_thousands => Ok(Some(at)),
        0 => Ok(None),
        // as systems write it
        GROUP if digits[at..].starts_with('.') => Ok(Some(at)),
        decimals => {
            let kept = &after[..decimals.min(after.len())];
            Err(NotMoney::Ambiguous {
                typed: digits.to_owned(),
                whole: format!("{before}{after}.{:0<decimals$}", ""),
                parts: format!("{before}.{kept}"),
            })
        }
    }
}

/// The digits of a whole number whose thousands may be set apart, by one kind of mark.
fn without_groups(whole: &str) -> Option<String> {
    let is_mark = |c: char| !c.is_ascii_digit();
    let Some(mark) = whole.chars().find(|c| is_mark(*c)) else { return Some(whole.to_owned()) };
    let groups: Vec<&str> = whole.split(mark).collect();
    let (first, others) = groups.split_first()?;
    let is_known = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}', '.', ','].contains(&mark);
    let are_groups = (1..=GROUP).contains(&first.len()) && others.iter().all(|group| group.len() == GROUP);
    let are_digits = groups.iter().all(|group| !group.contains(is_mark));
    (is_known && are_groups && are_digits).then(|| groups.concat())
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_read_into_minor_units_and_written_again() {
        for (amount, currency, minor, written) in [
            ("7.58", "USD", 758, "7.58"),
            ("7.5", "eur", 750, "7.50"),
            ("12", "EUR", 1200, "12.00"),
            ("0.005", "EUR", 1, "0.01"),
            ("7.5849999", "EUR", 758, "7.58"),
            ("-3.455", "EUR", -346, "-3.46"),
            ("-0.05", "EUR", -5, "-0.05"),
            ("1250", "JPY", 1250, "1250"),
            ("1250.5", "JPY", 1251, "1251"),
            ("1.2345", "KWD", 1235, "1.235"),
            (" 999999999999999 ", "EUR", 99_999_999_999_999_900, "999999999999999.00"),
        ] {
            let money = Money::read(amount, currency).unwrap();
            assert_eq!((money.minor, money.amount().as_str()), (minor, written), "{amount} {currency}");
            assert_eq!(Money::read(&money.amount(), money.currency.code()), Ok(money));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for amount in ["", ".5", "1,50", "1e3", "+1", "--1", "1.2.3", "9999999999999999", "NaN", "1.x"] {
            assert_eq!(Money::read(amount, "EUR"), Err(NotMoney::Amount), "{amount}");
        }
        for currency in ["", "EU", "EURO", "E1R", "€"] {
            assert_eq!(Money::read("1", currency), Err(NotMoney::Currency), "{currency}");
        }
    }

    #[test]
    fn it_is_kept_as_minor_units_with_the_code() {
        let money = Money::read("7.58", "USD").unwrap();
        let kept = serde_json::to_value(money).unwrap();
        assert_eq!(kept, serde_json::json!({"minor": 758, "currency": "USD"}));
        assert_eq!(serde_json::from_value::<Money>(kept).unwrap(), money);
        assert!(serde_json::from_str::<Currency>("\"dollars\"").is_err());
        assert_eq!(money.to_string(), "7.58 USD");
    }

    #[test]
    fn a_typed_amount_is_read_with_point_or_comma() {
        for (typed, currency, minor) in [
            ("1500", "EUR", 150_000),
            ("1500.00", "EUR", 150_000),
            ("1500,00", "EUR", 150_000),
            ("1500,5", "EUR", 150_050),
            ("1.500,00", "EUR", 150_000),
            ("1,500.00", "EUR", 150_000),
            ("1 500,00", "EUR", 150_000),
            ("1\u{202f}500,00", "EUR", 150_000),
            ("1'500.00", "CHF", 150_000),
            ("1.234.567", "EUR", 123_456_700),
            ("1,234,567.8", "USD", 123_456_780),
            (" 7,58 ", "EUR", 758),
            ("-7.58", "EUR", -758),
            ("1,500", "JPY", 1_500),
            ("1.500", "JPY", 1_500),
            ("1.500", "KWD", 1_500),
            ("1500,500", "KWD", 1_500_500),
        ] {
            assert_eq!(Money::typed(typed, currency).map(|money| money.minor), Ok(minor), "{typed} {currency}");
        }
    }

    #[test]
    fn a_typed_amount_that_can_be_two_is_refused_with_both() {
        for (typed, currency, whole, parts) in [
            ("1.500", "EUR", "1500.00", "1.50"),
            ("1,500", "EUR", "1500.00", "1.50"),
            ("12,345", "USD", "12345.00", "12.34"),
            ("1,500", "KWD", "1500.000", "1.500"),
        ] {
            let why = Money::typed(typed, currency).unwrap_err();
            assert_eq!(why.to_string(), format!("{typed} can be {whole} or {parts}: write the one that is meant"));
        }
        for (typed, currency) in [("1500.005", "EUR"), ("0.500", "EUR"), ("1.50", "JPY"), ("1 500,500", "EUR")] {
            let decimals = NotMoney::Decimals(currency.parse().unwrap());
            assert_eq!(Money::typed(typed, currency), Err(decimals), "{typed}");
        }
        for typed in
            ["", ".", "1.", ",5", "1,50,000.00", "1.500.00", "1..5", "1,5.00", "1e3", "+1", "1 5", "1_500", "1.500 000"]
        {
            assert_eq!(Money::typed(typed, "EUR"), Err(NotMoney::Amount), "{typed:?}");
        }
        assert_eq!(Money::typed("1", "euros"), Err(NotMoney::Currency));
    }

    fn any_currency() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["EUR", "USD", "JPY", "KWD"])
    }

    /// With thousands set apart.
    fn grouped(digits: &str, mark: &str) -> String {
        let first = (digits.len() + 2) % 3 + 1;
        let others = digits.as_bytes()[first..].chunks(3).map(|group| std::str::from_utf8(group).unwrap());
        std::iter::once(&digits[..first]).chain(others).collect::<Vec<_>>().join(mark)
    }

    proptest! {
        /// However people write an amount: it is read as that amount, or refused because it can be another one, never as another one.
        #[test]
        fn what_is_typed_is_read_as_it_is_meant_or_not_at_all(minor in 0_i64..10_000_000_000, currency in any_currency()) {
            let money = Money { minor, currency: currency.parse().unwrap() };
            let written = money.amount();
            let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
            for (thousands, point) in [("", "."), ("", ","), (",", "."), (".", ","), (" ", ","), ("'", ".")] {
                let end = if fraction.is_empty() { String::new() } else { format!("{point}{fraction}") };
                let typed = grouped(whole, thousands) + &end;
                let read = Money::typed(&typed, currency);
                let is_plain = thousands.is_empty() && currency != "KWD";
                let is_right = read == Ok(money) || !is_plain && matches!(read, Err(NotMoney::Ambiguous { .. }));
                prop_assert!(is_right, "{} {}: {:?}", typed, currency, read);
            }
        }

        /// No digit that was typed is lost.
        #[test]
        fn nothing_is_rounded_away(typed in "[0-9]{1,6}([., ']?[0-9]{1,4}){0,3}", currency in any_currency()) {
            if let Ok(money) = Money::typed(&typed, currency) {
                let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
                let written: String = money.amount().chars().filter(char::is_ascii_digit).collect();
                let end = written.trim_start_matches('0').strip_prefix(digits.trim_start_matches('0'));
                prop_assert!(end.is_some_and(|end| end.len() <= money.currency.decimals()), "{} read as {}", typed, money);
                prop_assert!(end.is_some_and(|end| end.chars().all(|c| c == '0')), "{} read as {}", typed, money);
            }
        }
    }
}
