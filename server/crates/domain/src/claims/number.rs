//! The number of a claim, as people write it.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A claim's number, counted from 1 in each company: `CL-0031`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimNumber(pub u32);

impl fmt::Display for ClaimNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CL-{:04}", self.0)
    }
}

impl FromStr for ClaimNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let prefix = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("CL-"));
        let digits = if prefix { &text[3..] } else { text };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| plain && *number > 0);
        number.map(Self).ok_or("a claim's number is written like CL-0031")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for (text, number) in [("CL-0031", 31), ("cl-31", 31), (" 31 ", 31), ("CL-12345", 12_345)] {
            assert_eq!(text.parse(), Ok(ClaimNumber(number)), "{text}");
        }
        for text in ["", "CL-", "CL-0", "CL-+1", "-1", "CL-1x", "31.0", "CL-99999999999", "é31"] {
            assert!(text.parse::<ClaimNumber>().is_err(), "{text}");
        }
        assert_eq!(ClaimNumber(31).to_string(), "CL-0031");
        assert_eq!(ClaimNumber(12_345).to_string(), "CL-12345");
    }
}
