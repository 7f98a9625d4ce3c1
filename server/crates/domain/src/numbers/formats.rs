//! The table of formats, `formats.json`: what carriers' numbers look like. Data only; how they are ranked is in `rank`.

use super::{
    check::{self, CheckDigit},
    clean::NUMBER_MAX,
    shape::Shape,
};
use crate::carriers;
use serde::Deserialize;
use std::{fmt, sync::LazyLock};

/// A format: one row of the table. A format with several rows has one for each way in which its number is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Its name.
    pub id: String,
    /// Whose it is: a word of the carrier directory, or a kind of number that no carrier owns (`post`, `gs1`, `air`).
    pub carrier: String,
    /// Its family in the directory, where `carrier` is a kind of number.
    #[serde(default)]
    family: Option<String>,
    /// Class of evidence when the check digit, if there is one, is right: 1 an envelope names it, 2 prefix and check digit,
    /// 3 prefix, 4 check digit or known range, 5 length, 6 a length that too many things have: never enough alone.
    pub class: u8,
    /// How far it is known: A the carrier's or a standard's own text, B several public sources, C seen in one place.
    pub confidence: Confidence,
    /// Where it was read.
    pub source: String,
    /// Who delivers the parcel; empty: the carrier of the number, or unknown from the number.
    #[serde(default)]
    pub delivered_by: Vec<String>,
    /// What it numbers.
    #[serde(default)]
    pub kind: Kind,
    /// Only this carrier makes numbers of this form.
    #[serde(default)]
    pub own: bool,
    /// Where the carrier is at home: it breaks ties.
    #[serde(default)]
    pub countries: Vec<String>,
    pub(super) shapes: Vec<String>,
    #[serde(default)]
    pub(super) check: Option<CheckRule>,
    /// The part that is the number, up to the end where no end is given; else all of it.
    #[serde(default)]
    pub(super) number: Option<(usize, Option<usize>)>,
    /// What the number has in front where it is kept.
    #[serde(default)]
    pub(super) prefix: String,
    /// The check digit was left out: it is added.
    #[serde(default)]
    pub(super) complete: bool,
    /// It must hold a letter and a digit.
    #[serde(default)]
    pub(super) mixed: bool,
    /// Considered only for these carriers (families) when they are named, or inside an envelope that names it.
    #[serde(default)]
    pub(super) only_for: Option<Vec<String>>,
    /// The groups in which it is printed.
    #[serde(default)]
    pub(super) groups: Vec<usize>,
}

/// How far a format is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Confidence {
    /// The carrier's or a standard's own text, or checked against published numbers.
    A,
    /// Several public sources agree.
    B,
    /// Seen in one place, or only a shape.
    C,
}

/// What a number is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A parcel, pallet or consignment.
    #[default]
    Shipment,
    /// A box that travels again and again.
    Container,
    /// A ship.
    Vessel,
    /// Where to, for sorting machines: not a shipment.
    Routing,
    /// A card at the recipient's door.
    Notice,
}

/// What a check digit is over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckRule {
    name: String,
    /// First character that is checked.
    #[serde(default)]
    from: usize,
    /// The character behind the last one, where the check digit is; else the last of all is the check digit.
    #[serde(default)]
    to: Option<usize>,
    /// What is in front of it for the check.
    #[serde(default)]
    before: String,
    /// A wrong one is remarked on, but makes nothing invalid: the rule is not certain.
    #[serde(default)]
    pub(super) warn_only: bool,
}

/// Characters that a check takes at most: the number and what is put before it.
const CHECKED_MAX: usize = NUMBER_MAX + 4;

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Format {
    /// The carrier's family in the directory; nothing for kinds of numbers that no carrier owns.
    pub fn family(&self) -> Option<&'static str> {
        family(self.family.as_ref().unwrap_or(&self.carrier))
    }

    /// The check digit that belongs to a number of this shape.
    pub(super) fn check_digit(&self, number: &[u8]) -> Option<u8> {
        let rule = self.check.as_ref()?;
        let end = rule.to.unwrap_or(number.len().saturating_sub(usize::from(!self.complete)));
        let body = number.get(rule.from..end)?;
        let function: CheckDigit = check::by_name(&rule.name)?;
        let mut checked = [0; CHECKED_MAX];
        let whole = checked.get_mut(..rule.before.len() + body.len())?;
        let (before, behind) = whole.split_at_mut(rule.before.len());
        before.copy_from_slice(rule.before.as_bytes());
        behind.copy_from_slice(body);
        function(whole)
    }

    /// The check digit that is written.
    pub(super) fn written_digit(&self, number: &[u8]) -> Option<u8> {
        match self.check.as_ref()?.to {
            Some(at) => number.get(at).copied(),
            None => number.last().copied(),
        }
    }

    /// The places of a number of this length that its check digit, which is the last of them, vouches for.
    #[cfg(test)]
    pub(super) fn checked_places(&self, length: usize) -> Option<std::ops::RangeInclusive<usize>> {
        let rule = self.check.as_ref().filter(|_| !self.complete)?;
        Some(rule.from..=rule.to.unwrap_or(length - 1))
    }

    /// The name of its check digit.
    pub fn check_name(&self) -> Option<&str> {
        self.check.as_ref().map(|rule| rule.name.as_str())
    }
}

/// The directory's family for a word of the table.
pub(super) fn family(carrier: &str) -> Option<&'static str> {
    carriers::known("", carrier).map(|entry| entry.family.as_str())
}

pub(super) struct Row {
    pub(super) format: Format,
    pub(super) family: Option<&'static str>,
    /// Its place in the table: the earlier one goes first among equals.
    pub(super) place: usize,
    shapes: Vec<Shape>,
}

impl Row {
    /// Whether a number, which has one of its lengths, has one of its shapes.
    pub(super) fn fits(&self, number: &[u8]) -> bool {
        let mixed = || number.iter().any(u8::is_ascii_digit) && number.iter().any(u8::is_ascii_uppercase);
        self.shapes.iter().any(|shape| shape.lengths().contains(&number.len()) && shape.fits(number))
            && (!self.format.mixed || mixed())
    }
}

struct Table {
    rows: Vec<Row>,
    /// The rows that a number of a length may be.
    by_length: Vec<Vec<usize>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let formats: Vec<Format> = serde_json::from_str(include_str!("formats.json")).expect("the shipped table is JSON");
    let mut by_length = vec![Vec::new(); NUMBER_MAX + 1];
    let row = |(place, format): (usize, Format)| {
        let shapes: Vec<_> = format.shapes.iter().filter_map(|shape| Shape::parse(shape)).collect();
        for (length, rows) in by_length.iter_mut().enumerate() {
            if shapes.iter().any(|shape| shape.lengths().contains(&length)) {
                rows.push(place);
            }
        }
        Row { family: format.family(), shapes, place, format }
    };
    Table { rows: formats.into_iter().enumerate().map(row).collect(), by_length }
});

/// The rows that a number of this length may be, in the order of the table.
pub(super) fn of_length(length: usize) -> impl Iterator<Item = &'static Row> {
    TABLE.by_length.get(length).into_iter().flatten().map(|place| &TABLE.rows[*place])
}

/// Every row of the table.
pub fn all() -> impl Iterator<Item = &'static Format> {
    TABLE.rows.iter().map(|row| &row.format)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no carrier of its own.
    const KINDS: [&str; 7] = ["post", "gs1", "air", "container", "vessel", "ltl", "none"];

    #[test]
    fn every_row_is_sound() {
        for row in &TABLE.rows {
            let format = &row.format;
            assert_eq!(row.shapes.len(), format.shapes.len(), "{}: a shape is badly written", format.id);
            assert!((1..=6).contains(&format.class), "{}", format.id);
            assert!(!format.source.is_empty(), "{}", format.id);
            let carrier = KINDS.contains(&format.carrier.as_str()) || row.family.is_some();
            assert!(carrier, "{}: the directory does not know {}", format.id, format.carrier);
            if let Some(rule) = &format.check {
                assert!(check::by_name(&rule.name).is_some(), "{}: {}", format.id, rule.name);
                assert!(rule.before.len() <= CHECKED_MAX - NUMBER_MAX, "{}", format.id);
            }
            for family in format.only_for.iter().flatten() {
                assert!(carriers::family_name(family).is_some(), "{}: {family} is no family", format.id);
            }
            for shape in &row.shapes {
                let groups: usize = format.groups.iter().sum();
                assert!(groups <= *shape.lengths().end() + format.prefix.len(), "{}", format.id);
                if let Some((from, to)) = format.number {
                    assert!(to.is_none_or(|to| from < to && to <= *shape.lengths().start()), "{}", format.id);
                }
            }
        }
    }
}
