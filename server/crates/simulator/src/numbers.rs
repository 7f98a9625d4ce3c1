//! Tracking numbers of the carriers' forms, with right check digits.

use crate::rng::Rng;

/// A number of the carrier's form; of a freight carrier its PRO number.
pub(crate) fn number(rng: &mut Rng, carrier: &str) -> String {
    match carrier {
        "DHL" => {
            let body = format!("00340434{}", rng.digits(11));
            let check = mod10(&body);
            format!("{body}{check}")
        }
        "UPS" => {
            let body = format!("{}04{}", rng.digits(6), rng.digits(7));
            format!("1Z{body}{}", ups_check(&body))
        }
        // the depot, and a range that is of parcels; the check digit is in the barcode only
        "GLS" => {
            let digits = rng.digits(11);
            format!("{}71{}", &digits[..2], &digits[4..])
        }
        // likewise
        "DPD" => format!("01{}", &rng.digits(13)[1..]),
        "Hermes" => {
            let body = format!("1{}", &rng.digits(13)[1..]);
            let check = mod10(&body);
            format!("{body}{check}")
        }
        "FedEx" => {
            let body = format!("7{}", &rng.digits(11)[1..]);
            format!("{body}{}", fedex_check(&body))
        }
        "USPS" => {
            let body = format!("9405511{}", rng.digits(14));
            format!("{body}{}", mod10(&body))
        }
        _ => format!("4{}", rng.digits(9)),
    }
}

/// GS1's check digit: weights 3 and 1 from the right.
fn mod10(body: &str) -> u32 {
    let sum: u32 =
        body.bytes().rev().enumerate().map(|(at, b)| u32::from(b - b'0') * if at % 2 == 0 { 3 } else { 1 }).sum();
    (10 - sum % 10) % 10
}

/// The check digit of a 1Z number: odd places once, even places twice.
fn ups_check(body: &str) -> u32 {
    let sum: u32 = body.bytes().enumerate().map(|(at, b)| u32::from(b - b'0') * if at % 2 == 0 { 1 } else { 2 }).sum();
    (10 - sum % 10) % 10
}

/// FedEx's check digit: weights 1, 3 and 7 from the right, the remainder of eleven, ten written as zero.
fn fedex_check(body: &str) -> u32 {
    let weighted =
        body.bytes().rev().zip([1, 3, 7].into_iter().cycle()).map(|(b, weight)| u32::from(b - b'0') * weight);
    weighted.sum::<u32>() % 11 % 10
}

/// Two neighbouring digits changed places.
pub(crate) fn mistyped(number: &str) -> String {
    let mut digits: Vec<char> = number.chars().collect();
    let at = (3..digits.len()).rev().find(|at| digits[*at] != digits[at - 1]).unwrap_or(1);
    digits.swap(at, at - 1);
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_right() {
        // 00340434161094042557; 1Z999AA10123456784, where an A counts as 2; 986578788855
        assert_eq!(mod10("0034043416109404255"), 7);
        assert_eq!(ups_check("999221012345678"), 4);
        assert_eq!(fedex_check("98657878885"), 5);
    }
}
