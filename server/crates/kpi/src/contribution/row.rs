//! A row of a roll-up, and all rows of one unit.

use crate::definition::Kpi;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

macro_rules! parts {
    ($($variant:ident = $code:literal, $label:literal;)*) => {
        /// What a number of a row counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Part {
            $(#[doc = $label] #[serde(rename = $code)] $variant,)*
        }

        impl Part {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The one with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// What a person reads.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

parts! {
    Yes = "yes", "counts for it";
    Maybe = "maybe", "undecided, counts for it";
    No = "no", "counts against it";
    Open = "open", "open: counts against it from the minute in its bin on, pending before";
    Value = "value", "a value, by its bin";
    Days = "days", "a value known by whole days only, by its bin";
    Base = "base", "what it is compared with";
    Sum = "sum", "a sum";
    Early = "early", "before it could be: counted as 0";
    ClockAhead = "clock_ahead", "a clock that was ahead: counted as 0";
    NoMinute = "no_minute", "outside: the time is not known to the minute";
    NoPromise = "no_promise", "outside: no promise in force";
    Cancelled = "cancelled", "outside: cancelled";
    LateHandOver = "late_hand_over", "outside: handed over after the promise";
    ClockStopped = "clock_stopped", "outside: returned for a reason that stops the carrier's clock";
    NotMeasurable = "not_measurable", "outside: what it needs is not known";
}

impl Part {
    /// Whether what it counts is outside of the figure.
    pub const fn is_outside(self) -> bool {
        matches!(
            self,
            Self::NoMinute
                | Self::NoPromise
                | Self::Cancelled
                | Self::LateHandOver
                | Self::ClockStopped
                | Self::NotMeasurable
        )
    }
}

/// The day, and the hour where it is known, that something lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// The day.
    pub day: Date,
    /// The hour; none of what is known by day only.
    pub hour: Option<i8>,
}

impl Bucket {
    /// That of an instant in a zone.
    pub fn at(at: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(at);
        Self { day: local.date(), hour: Some(local.hour()) }
    }

    /// A day without an hour.
    pub const fn day(day: Date) -> Self {
        Self { day, hour: None }
    }
}

/// What a number is added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(
    from = "(Kpi, u16, Part, Date, Option<i8>, Option<i32>)",
    into = "(Kpi, u16, Part, Date, Option<i8>, Option<i32>)"
)]
pub struct Key {
    /// The figure.
    pub kpi: Kpi,
    /// The version of its definition.
    pub version: u16,
    /// What is counted.
    pub part: Part,
    /// The day.
    pub bucket: Bucket,
    /// A bin of values ([`crate::learned::bins`]); of [`Part::Open`] the minute of the deadline, of snapshots the hour, both
    /// counted from 1970 in UTC.
    pub bin: Option<i32>,
}

type Flat = (Kpi, u16, Part, Date, Option<i8>, Option<i32>);

impl From<Flat> for Key {
    fn from((kpi, version, part, day, hour, bin): Flat) -> Self {
        Self { kpi, version, part, bucket: Bucket { day, hour }, bin }
    }
}

impl From<Key> for Flat {
    fn from(key: Key) -> Self {
        (key.kpi, key.version, key.part, key.bucket.day, key.bucket.hour, key.bin)
    }
}

/// By what figures are narrowed: as stored on the unit, so that what changes later in another system does not rewrite the past
/// by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Dims {
    /// The company, as the order system names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The carrier's family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Country of destination, ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The customer's segments.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub segments: BTreeSet<String>,
}

impl Dims {
    /// The same, known by the carrier alone.
    #[must_use]
    pub fn by_carrier(&self) -> Self {
        Self { carrier: self.carrier.clone(), ..Self::default() }
    }
}

/// The rows of one unit: numbers by key, none of which is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributed {
    /// By what all of them are narrowed.
    pub dims: Dims,
    /// The numbers.
    #[serde(with = "pairs")]
    pub rows: BTreeMap<Key, i64>,
}

impl Contributed {
    /// With one more of a part.
    pub fn one(&mut self, kpi: Kpi, part: Part, bucket: Bucket) {
        self.add(kpi, part, bucket, None, 1);
    }

    /// With one more of a part, in a bin.
    pub fn binned(&mut self, kpi: Kpi, part: Part, bucket: Bucket, bin: i32) {
        self.add(kpi, part, bucket, Some(bin), 1);
    }

    /// With a number more of a part; numbers of one key are added up.
    pub fn add(&mut self, kpi: Kpi, part: Part, bucket: Bucket, bin: Option<i32>, n: i64) {
        let key = Key { kpi, version: kpi.version(), part, bucket, bin };
        let number = self.rows.entry(key).or_default();
        *number += n;
        if *number == 0 {
            self.rows.remove(&key);
        }
    }

    /// What has to be added to what was contributed before: the old out, the new in, nothing where both are the same. Rows of a
    /// version that is no longer in force stay where they are.
    pub fn since(&self, before: &Self) -> Vec<Self> {
        let in_force = |contributed: &Self, sign: i64| Self {
            dims: contributed.dims.clone(),
            rows: contributed
                .rows
                .iter()
                .filter(|(key, _)| key.version == key.kpi.version())
                .map(|(key, n)| (*key, sign * n))
                .collect(),
        };
        let (mut out, mut into) = (in_force(before, -1), in_force(self, 1));
        if self.dims == before.dims {
            for (key, n) in std::mem::take(&mut out.rows) {
                let number = into.rows.entry(key).or_default();
                *number += n;
                if *number == 0 {
                    into.rows.remove(&key);
                }
            }
        }
        [out, into].into_iter().filter(|changed| !changed.rows.is_empty()).collect()
    }
}

/// Rows as a list: the keys of an object are texts.
mod pairs {
    use super::{BTreeMap, Bucket, Date, Key, Kpi, Part};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(rows: &BTreeMap<Key, i64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(rows)
    }

    /// A row as written; what another build calls its figure and part may be unknown to this one.
    type Written<'a> = ((Cow<'a, str>, u16, Cow<'a, str>, Date, Option<i8>, Option<i32>), i64);

    /// Rows of figures or parts that this build does not know are left out: they are in roll-ups that it does not read.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Key, i64>, D::Error> {
        let rows = Vec::<Written<'de>>::deserialize(deserializer)?;
        Ok(rows.into_iter().filter_map(known).collect())
    }

    fn known(((kpi, version, part, day, hour, bin), n): Written<'_>) -> Option<(Key, i64)> {
        let (kpi, part) = (Kpi::from_id(&kpi)?, Part::from_code(&part)?);
        Some((Key { kpi, version, part, bucket: Bucket { day, hour }, bin }, n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn contributed() -> impl Strategy<Value = Contributed> {
        let row = (0..3_usize, 0..3_usize, 1..4_i8, prop::option::of(0..24_i8), prop::option::of(0..4_i32), 1..4_i64);
        (0..3_u8, prop::collection::vec(row, 0..8)).prop_map(|(carrier, rows)| {
            let mut contributed = Contributed::default();
            contributed.dims.carrier = Some(format!("carrier {carrier}"));
            for (kpi, part, day, hour, bin, n) in rows {
                contributed.add(Kpi::ALL[kpi], Part::ALL[part], Bucket { day: date(2026, 3, day), hour }, bin, n);
            }
            contributed
        })
    }

    type Rollup = BTreeMap<(Dims, Key), i64>;

    fn apply(rollup: &mut Rollup, changes: &[Contributed]) {
        for change in changes {
            for (key, n) in &change.rows {
                let row = (change.dims.clone(), *key);
                let number = rollup.entry(row.clone()).or_default();
                *number += n;
                if *number == 0 {
                    rollup.remove(&row);
                }
            }
        }
    }

    proptest! {
        /// Whatever a unit contributed in between, and in whichever order the changes are added, what is left is its last rows.
        #[test]
        fn any_order_of_changes_leaves_the_last_rows(
            (steps, order) in prop::collection::vec(contributed(), 1..6).prop_flat_map(|steps| {
                let order = Just((0..steps.len()).collect::<Vec<_>>()).prop_shuffle();
                (Just(steps), order)
            }),
        ) {
            let mut before = Contributed::default();
            let mut changes = Vec::new();
            for step in &steps {
                changes.push(step.since(&before));
                prop_assert_eq!(step.since(step), Vec::new());
                before = step.clone();
            }
            let mut rollup = Rollup::new();
            order.iter().for_each(|place| apply(&mut rollup, &changes[*place]));
            let last = steps.last().unwrap();
            let expected: Rollup = last.rows.iter().map(|(key, n)| ((last.dims.clone(), *key), *n)).collect();
            prop_assert_eq!(rollup, expected);
        }

        #[test]
        fn rows_are_read_as_they_were_written(one in contributed()) {
            let text = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(serde_json::from_str::<Contributed>(&text).unwrap(), one);
        }
    }

    #[test]
    fn rows_of_another_build_stop_nothing() {
        let text = r#"{"dims":{},"rows":[[["no_such_figure",1,"yes","2026-03-01",null,null],1],[["on_time",1,"no_such_part","2026-03-01",null,null],1],
            [["on_time",1,"yes","2026-03-01",9,null],2]]}"#;
        let read: Contributed = serde_json::from_str(text).unwrap();
        let key = |kpi| Key {
            kpi,
            version: 1,
            part: Part::Yes,
            bucket: Bucket { day: date(2026, 3, 1), hour: Some(9) },
            bin: None,
        };
        assert_eq!(read.rows, BTreeMap::from([(key(Kpi::OnTime), 2)]));
    }

    #[test]
    fn rows_of_a_retired_version_stay() {
        let mut before = Contributed::default();
        before.one(Kpi::OnTime, Part::Yes, Bucket::day(date(2026, 3, 1)));
        let retired: BTreeMap<_, _> = before.rows.iter().map(|(key, n)| (Key { version: 0, ..*key }, *n)).collect();
        let before = Contributed { rows: retired, ..before };
        assert_eq!(Contributed::default().since(&before), []);
    }

    #[test]
    fn codes_are_read_back() {
        for part in Part::ALL {
            assert_eq!(Part::from_code(part.code()), Some(*part));
        }
    }
}
