//! What a shipment adds to what is learned, as counts: each is one more in a bin of a cell, so that a correction takes the old ones
//! out and puts the new ones in.

use super::stage::Stage;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is learned of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Working hours from the induction day to the arrival.
    Transit,
    /// Working hours from reaching a stage to the arrival.
    Left(Stage),
    /// Operating hours between two receipts, from a stage on.
    Gap(Stage),
    /// Shipments that had gaps.
    Gapped,
}

/// How an estimate, a warning, or the watch over silence did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each has its meaning in `Measure::NAMES`")]
pub enum Measure {
    Made,
    Held,
    Ours,
    Paired,
    Theirs,
    Flag,
    Late,
    Lead,
    Quiet,
    HighestLate,
    HighestInTime,
}

impl Measure {
    /// The stored code of each, with what its bins are.
    pub const NAMES: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Made, "made", "estimates of each of the nine quantiles, by its place"),
        (Self::Held, "held", "those by which it had come"),
        (Self::Ours, "ours", "hours later than our P50"),
        (Self::Paired, "paired", "the same where the carrier had an estimate too"),
        (Self::Theirs, "theirs", "hours later than the carrier's estimate, where we had one too"),
        (Self::Flag, "flag", "warned of: 1 it was late, 0 it was not"),
        (Self::Late, "late", "late: 1 warned of before, 0 not"),
        (Self::Lead, "lead", "working hours by which a right warning came before the deadline"),
        (Self::Quiet, "quiet", "healthy: 1 silence alarmed, 0 it did not"),
        (Self::HighestLate, "highest_late", "late: the highest probability that it had, in per cent"),
        (Self::HighestInTime, "highest_in_time", "in time: the same"),
    ];

    fn code(self) -> &'static str {
        Self::NAMES.iter().find(|(measure, ..)| *measure == self).map_or("", |(_, code, _)| code)
    }
}

/// What a count counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum What {
    /// What ended.
    Ended(Topic),
    /// What was open, or went another way, after so long.
    Censored(Topic),
    /// How well something did.
    Scored(Measure),
}

const OPEN: &str = ".open";
const SCORE: &str = "score.";

impl From<What> for String {
    fn from(what: What) -> Self {
        let name = |topic| match topic {
            Topic::Transit => "transit".to_owned(),
            Topic::Left(stage) => format!("left.{}", stage.code()),
            Topic::Gap(stage) => format!("gap.{}", stage.code()),
            Topic::Gapped => "gapped".to_owned(),
        };
        match what {
            What::Ended(topic) => name(topic),
            What::Censored(topic) => name(topic) + OPEN,
            What::Scored(measure) => format!("{SCORE}{}", measure.code()),
        }
    }
}

impl TryFrom<String> for What {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(code) = text.strip_prefix(SCORE) {
            let of = Measure::NAMES.iter().find(|(_, of, _)| *of == code);
            return of.map(|(measure, ..)| Self::Scored(*measure)).ok_or(text);
        }
        let (name, open) = text.strip_suffix(OPEN).map_or((text.as_str(), false), |name| (name, true));
        let stage = |prefix| name.strip_prefix(prefix).and_then(Stage::from_code);
        let topic = match name {
            "transit" => Topic::Transit,
            "gapped" => Topic::Gapped,
            _ => match (stage("left."), stage("gap.")) {
                (Some(stage), _) => Topic::Left(stage),
                (None, Some(stage)) => Topic::Gap(stage),
                (None, None) => return Err(text),
            },
        };
        Ok(if open { Self::Censored(topic) } else { Self::Ended(topic) })
    }
}

/// One more in a bin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Count {
    /// The cell by its name, or whose score it is ([`score_of`]).
    #[serde(rename = "c")]
    pub cell: String,
    /// What is counted.
    #[serde(rename = "w")]
    pub what: What,
    /// The week of induction ([`super::history::Week`]); of scores the day of the arrival ([`day_number`]).
    #[serde(rename = "p")]
    pub period: i32,
    /// The bin.
    #[serde(rename = "b")]
    pub bin: i32,
}

/// Before the names of scores; the names of cells begin with a digit.
pub const SCORES: &str = "s/";

/// Under which name the scores of a carrier are kept.
pub fn score_of(carrier: Option<&str>) -> String {
    format!("{SCORES}{}", carrier.unwrap_or_default())
}

/// Days since 1 January 1970.
pub fn day_number(day: Date) -> i32 {
    // between civil dates spans are whole days
    day.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days())
}

/// The day of such a number.
pub fn numbered_day(number: i32) -> Date {
    Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().try_days(number).unwrap_or_default())
}

/// What has to be added where the counts of a shipment change: the old ones out, the new ones in.
pub fn changes<'c>(before: &'c [Count], after: &'c [Count]) -> BTreeMap<&'c Count, i64> {
    let mut sums: BTreeMap<&Count, i64> = BTreeMap::new();
    before.iter().for_each(|count| *sums.entry(count).or_default() -= 1);
    after.iter().for_each(|count| *sums.entry(count).or_default() += 1);
    sums.retain(|_, n| *n != 0);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        let topics = Stage::ALL.into_iter().flat_map(|stage| [Topic::Left(stage), Topic::Gap(stage)]);
        let topics = topics.chain([Topic::Transit, Topic::Gapped]);
        let scored = Measure::NAMES.iter().map(|(measure, ..)| What::Scored(*measure));
        for what in topics.flat_map(|topic| [What::Ended(topic), What::Censored(topic)]).chain(scored) {
            assert_eq!(What::try_from(String::from(what)), Ok(what));
        }
        for text in ["", "left.nowhere", "score.", "score.luck", "transit.late"] {
            assert_eq!(What::try_from(text.to_owned()), Err(text.to_owned()));
        }
    }

    #[test]
    fn a_day_has_a_number() {
        for day in [Date::constant(1970, 1, 1), Date::constant(2026, 11, 30), Date::constant(1969, 12, 31)] {
            assert_eq!(numbered_day(day_number(day)), day);
        }
    }

    #[test]
    fn only_what_differs_changes() {
        let count = |bin| Count { cell: "3/dhl".into(), what: What::Ended(Topic::Transit), period: 1, bin };
        let (before, after) = ([count(1), count(2), count(2)], [count(2), count(3)]);
        let changes: Vec<(i32, i64)> = changes(&before, &after).into_iter().map(|(c, n)| (c.bin, n)).collect();
        assert_eq!(changes, [(1, -1), (2, -1), (3, 1)]);
    }
}
