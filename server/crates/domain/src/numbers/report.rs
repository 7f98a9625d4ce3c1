//! What `milepost number` prints.

use super::{Candidate, Check, Number};
use serde::Serialize;

/// A number as the command line explains it.
#[derive(Debug, Serialize)]
pub struct NumberReport<'a> {
    input: &'a str,
    canonical: Option<&'a str>,
    valid: bool,
    formats: Vec<Satisfied<'a>>,
    forms: Vec<String>,
}

/// A format that the number satisfies.
#[derive(Debug, Serialize)]
struct Satisfied<'a> {
    format: &'a str,
    carrier: &'a str,
    delivered_by: Vec<&'a str>,
    check: Check,
}

impl<'a> NumberReport<'a> {
    /// Explains a text that was read.
    pub fn new(input: &'a str, number: &'a Number) -> Self {
        let mut forms = Vec::new();
        if number.is_valid() {
            forms = number.forms();
            forms.extend(number.twin());
        }
        Self {
            input,
            canonical: number.canonical(),
            valid: number.is_valid(),
            formats: number.formats().iter().map(Satisfied::new).collect(),
            forms,
        }
    }
}

impl<'a> Satisfied<'a> {
    fn new(candidate: &'a Candidate) -> Self {
        let named = candidate.format.delivered_by.iter().map(String::as_str);
        // whose number it is delivers, unless the table says more, or nobody can tell
        let own = candidate.family.map(|_| candidate.carrier).filter(|_| candidate.format.delivered_by.is_empty());
        Self {
            format: &candidate.format.id,
            carrier: candidate.carrier,
            delivered_by: named.chain(own).collect(),
            check: candidate.check,
        }
    }
}
