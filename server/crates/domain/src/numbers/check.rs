//! Check digits. Each function takes the characters that are checked, as ASCII, and gives the character that must
//! follow them; nothing when they cannot be checked. Which format uses which, and over what, is in `formats.json`.

/// A check digit's rule.
pub(super) type CheckDigit = fn(&[u8]) -> Option<u8>;

/// The rules by the names that `formats.json` uses.
pub(super) fn by_name(name: &str) -> Option<CheckDigit> {
    Some(match name {
        "gs1_mod10" => gs1_mod10,
        "luhn" => luhn,
        "ups_mod10" => ups_mod10,
        "fedex_mod11" => fedex_mod11,
        "mod7" => mod7,
        "s10" => s10,
        "dp_mod10_4_9" => dp_mod10_4_9,
        "gls_mod10" => gls_mod10,
        "iso7064_mod37_36" => iso7064_mod37_36,
        "auspost_mod10" => auspost_mod10,
        "iso6346" => iso6346,
        "imo" => imo,
        "mod11_base" => mod11_base,
        _ => return None,
    })
}

fn digit(b: u8) -> Option<u32> {
    b.is_ascii_digit().then(|| u32::from(b - b'0'))
}

fn ascii(value: u32) -> u8 {
    b'0' + u8::try_from(value % 10).expect("one digit")
}

/// What is missing to the next ten.
fn to_ten(sum: u32) -> u8 {
    ascii((10 - sum % 10) % 10)
}

/// The sum of values with weights that repeat, in the order given.
fn weighted(values: impl Iterator<Item = Option<u32>>, weights: &[u32]) -> Option<u32> {
    values.zip(weights.iter().cycle()).map(|(value, weight)| value.map(|v| v * weight)).sum()
}

/// GS1 General Specifications: weights 3 and 1 from the right.
fn gs1_mod10(body: &[u8]) -> Option<u8> {
    weighted(body.iter().rev().map(|b| digit(*b)), &[3, 1]).map(to_ten)
}

/// ISO/IEC 7812: from the right every second digit is doubled, and nine taken off what has two digits.
fn luhn(body: &[u8]) -> Option<u8> {
    let doubled = |(n, b): (usize, &u8)| {
        let value = digit(*b)? * if n % 2 == 0 { 2 } else { 1 };
        Some(if value > 9 { value - 9 } else { value })
    };
    body.iter().rev().enumerate().map(doubled).sum::<Option<u32>>().map(to_ten)
}

/// UPS, and OnTrac with its letter: letters count as their ASCII code less 63; weights 1 and 2 from the left.
fn ups_mod10(body: &[u8]) -> Option<u8> {
    let value = |b: u8| digit(b).or_else(|| b.is_ascii_uppercase().then(|| (u32::from(b) - 63) % 10));
    weighted(body.iter().map(|b| value(*b)), &[1, 2]).map(to_ten)
}

/// FedEx Express: weights 1, 3, 7 from the right; the remainder of eleven, ten written as zero.
fn fedex_mod11(body: &[u8]) -> Option<u8> {
    weighted(body.iter().rev().map(|b| digit(*b)), &[1, 3, 7]).map(|sum| ascii(sum % 11))
}

/// DHL Express and air waybills (IATA): the remainder of seven.
fn mod7(body: &[u8]) -> Option<u8> {
    body.iter().try_fold(0, |rest, b| Some((rest * 10 + digit(*b)?) % 7)).map(ascii)
}

/// UPU S10.
fn s10(body: &[u8]) -> Option<u8> {
    let sum = weighted(body.iter().map(|b| digit(*b)), &[8, 6, 4, 2, 3, 5, 9, 7])?;
    Some(match 11 - sum % 11 {
        11 => b'5',
        check => ascii(check),
    })
}

/// Deutsche Post's Identcode and Leitcode: weights 4 and 9.
fn dp_mod10_4_9(body: &[u8]) -> Option<u8> {
    weighted(body.iter().map(|b| digit(*b)), &[4, 9]).map(to_ten)
}

/// GLS Uni-Box: as GS1's, with one more.
fn gls_mod10(body: &[u8]) -> Option<u8> {
    weighted(body.iter().rev().map(|b| digit(*b)), &[3, 1]).map(|sum| to_ten(sum + 1))
}

/// ISO 7064 MOD 37,36, which DPD uses.
fn iso7064_mod37_36(body: &[u8]) -> Option<u8> {
    let product = body.iter().try_fold(36, |product, b| {
        let sum = (product + char::from(*b).to_digit(36)?) % 36;
        Some(if sum == 0 { 36 } else { sum } * 2 % 37)
    })?;
    let check = char::from_digit((37 - product) % 36, 36).expect("less than 36");
    Some(check.to_ascii_uppercase() as u8)
}

/// Australia Post: letters count as the last digit of their ASCII code; then as GS1's.
fn auspost_mod10(body: &[u8]) -> Option<u8> {
    let value = |b: u8| digit(b).or_else(|| b.is_ascii_uppercase().then(|| u32::from(b) % 10));
    weighted(body.iter().rev().map(|b| value(*b)), &[3, 1]).map(to_ten)
}

/// ISO 6346: letters from 10 without the multiples of eleven, weights powers of two; a remainder of ten is zero.
fn iso6346(body: &[u8]) -> Option<u8> {
    let value = |b: u8| {
        let value = char::from(b).to_digit(36)?;
        // A is 10, B is 12: 11, 22 and 33 are left out
        Some(if value < 10 { value } else { value + (value - 1) / 10 })
    };
    if body.len() != 10 {
        return None;
    }
    let sum: Option<u32> = body.iter().enumerate().map(|(n, b)| Some(value(*b)? << n)).sum();
    sum.map(|sum| ascii(sum % 11))
}

/// IMO ship number: weights 7 to 2, the last digit of the sum.
fn imo(body: &[u8]) -> Option<u8> {
    if body.len() != 6 {
        return None;
    }
    weighted(body.iter().map(|b| digit(*b)), &[7, 6, 5, 4, 3, 2]).map(ascii)
}

/// YRC's freight bills: what is missing to eleven, eleven written as zero and ten as `X`.
fn mod11_base(body: &[u8]) -> Option<u8> {
    let rest = body.iter().try_fold(0, |rest, b| Some((rest * 10 + digit(*b)?) % 11))?;
    Some(match 11 - rest {
        10 => b'X',
        11 => b'0',
        check => ascii(check),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_are_right() {
        for (rule, body, check) in [
            ("gs1_mod10", "09528765432101234", '6'),
            ("gs1_mod10", "10614141234567890", '8'),
            ("luhn", "7789183524", '9'),
            ("luhn", "32383287760", '5'),
            ("ups_mod10", "999AA1012345678", '4'),
            ("ups_mod10", "C1274819706143", '4'),
            ("fedex_mod11", "98657878885", '5'),
            ("mod7", "123456789", '1'),
            ("mod7", "1234567", '5'),
            ("s10", "47312482", '9'),
            ("s10", "12345678", '5'),
            ("dp_mod10_4_9", "56310243031", '3'),
            ("dp_mod10_4_9", "5311399413100", '0'),
            ("gls_mod10", "20109317895", '2'),
            ("iso7064_mod37_36", "09980000020033", 'F'),
            ("iso7064_mod37_36", "09980000020034", 'D'),
            ("auspost_mod10", "ABC12345678901234567", '5'),
            ("iso6346", "CSQU305438", '3'),
            ("iso6346", "HLXU150033", '7'),
            ("imo", "907472", '9'),
            ("mod11_base", "340397", '9'),
            ("mod11_base", "561881", 'X'),
        ] {
            let expected = by_name(rule).unwrap()(body.as_bytes());
            assert_eq!(expected.map(char::from), Some(check), "{rule} of {body}");
        }
    }

    #[test]
    fn what_cannot_be_checked_has_no_check_digit() {
        for (rule, body) in [("gs1_mod10", "12A4"), ("imo", "12345"), ("iso6346", "CSQU30543"), ("ups_mod10", "12é")] {
            assert_eq!(by_name(rule).unwrap()(body.as_bytes()), None, "{rule} of {body}");
        }
        assert!(by_name("mod97").is_none());
    }
}
