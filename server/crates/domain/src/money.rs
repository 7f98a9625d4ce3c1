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

    /// The amount as systems write it, without the currency: `7.58`.
    pub fn amount(&self) -> String {
        let decimals = self.currency.decimals();
        let sign = if self.minor < 0 { "-" } else { "" };
        let unit = 10_u64.pow(u32::try_from(decimals).unwrap_or(2));
        let (whole, rest) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0decimals$}") }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
