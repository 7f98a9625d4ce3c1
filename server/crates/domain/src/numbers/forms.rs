//! The other ways in which a number is written, printed or kept by others, and the numbers that go with it.

use super::{issuers, rank::Candidate};

/// The ways in which the same number may be written, without envelopes whose other content is not known (a ZIP code).
pub(super) fn written(candidate: &Candidate) -> Vec<String> {
    let number = &candidate.canonical;
    let mut forms = vec![number.clone()];
    match candidate.format.id.as_str() {
        "sscc" | "poczta_polska" | "bring" | "postnord" => forms.extend(sscc(number)),
        "dhl_de_20" => {
            let bare = number.get(2..).unwrap_or_default();
            forms.push(bare.to_owned());
            forms.extend(sscc(bare).into_iter().skip(1));
        }
        "dhl_piece" | "yodel_jd" => forms.push(format!("J{number}")),
        "gls_11" if number.len() == 11 => forms.extend(with_check("gls_mod10", number)),
        "dpd_14" if number.len() == 14 => forms.extend(with_check("iso7064_mod37_36", number)),
        "fedex_12" => forms.push(format!("00{number}")),
        "awb" => forms.extend(number.split_at_checked(3).map(|(airline, serial)| format!("{airline}-{serial}"))),
        "iso6346" => forms.extend(number.get(..10).map(str::to_owned)),
        "imo" => forms.push(format!("IMO{number}")),
        _ => {}
    }
    forms.extend(printed(number, &candidate.format.groups));
    forms
}

fn sscc(number: &str) -> [String; 3] {
    [format!("00{number}"), format!("(00){number}"), format!("]C100{number}")]
}

fn with_check(rule: &str, number: &str) -> Option<String> {
    let check = super::check::by_name(rule)?(number.as_bytes())?;
    Some(format!("{number}{}", char::from(check)))
}

/// The number in the groups in which its carrier prints it; what is left over is a group of its own.
pub(super) fn printed(number: &str, groups: &[usize]) -> Option<String> {
    let mut rest = number;
    let mut parts = Vec::new();
    for length in groups {
        let (part, behind) = rest.split_at_checked(*length)?;
        parts.push(part);
        rest = behind;
    }
    parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
    (parts.len() > 1).then(|| parts.join(" "))
}

/// Another number of the same parcel that follows from this one: USPS' number of FedEx SmartPost begins with 92, and of
/// twenty digits with 91.
pub(super) fn twin(candidate: &Candidate) -> Option<String> {
    let number = &candidate.canonical;
    match candidate.format.id.as_str() {
        "fedex_smartpost_20" => Some(format!("92{number}")),
        "usps_impb" if number.len() == 22 && number.starts_with("926129") => number.get(2..).map(str::to_owned),
        "usps_20" if with_check("gs1_mod10", &format!("91{}", &number[..19])) == Some(format!("91{number}")) => {
            Some(format!("91{number}"))
        }
        "usps_legacy_91" => number.get(2..).map(str::to_owned),
        _ => None,
    }
}

/// The longer one of two numbers that go together: the one that USPS delivers by.
pub(super) fn delivered_as(candidate: &Candidate) -> Option<String> {
    twin(candidate).filter(|twin| twin.len() > candidate.canonical.len())
}

/// Remarks about an accepted number.
pub(super) fn remark(candidate: &Candidate) -> Option<String> {
    let format = &candidate.format;
    if let Some(expected) = candidate.expected {
        return Some(format!("the check digit is wrong: for {} it should be {}", format.id, char::from(expected)));
    }
    if format.complete {
        return Some(format!("the check digit was left out; with it the number is {}", candidate.canonical));
    }
    let issuer = candidate.canonical.get(11..)?;
    (format.id == issuers::FORMAT && !issuers::is_known(issuer))
        .then(|| format!("{issuer} is no country or issuer of postal numbers that is known"))
}
