//! What each figure is: one table for the pages, the roll-ups and docs/KPIS.md. A definition has a version; figures that were
//! counted under an older one stay readable under its number.

mod list;

pub use list::DEFINITIONS;

use crate::learned::bins::{Percentile, Scale};
use serde::{Deserialize, Serialize};

macro_rules! kpis {
    ($($variant:ident = $id:literal;)*) => {
        /// A figure, by its stable id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "what each is stands in its definition")]
        pub enum Kpi {
            $(#[serde(rename = $id)] $variant,)*
        }

        impl Kpi {
            /// Every one, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable id, as stored and in addresses.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The one with this id.
            pub fn from_id(id: &str) -> Option<Self> {
                match id { $($id => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kpis! {
    StatusCurrent = "status_current";
    ExceptionsOpen = "exceptions_open";
    ExceptionRate = "exception_rate";
    ExceptionTime = "exception_time";
    SyncFailed = "sync_failed";
    CasesOpened = "cases_opened";
    CaseFirstAction = "case_first_action";
    CaseResolution = "case_resolution";
    OnTime = "on_time";
    OnTimeCarrier = "on_time_carrier";
    Otif = "otif";
    TransitTime = "transit_time";
    FirstAttempt = "first_attempt";
    ReturnRate = "return_rate";
    LossRate = "loss_rate";
    DamageRate = "damage_rate";
    MilestonesComplete = "milestones_complete";
    ConfirmationRate = "confirmation_rate";
    EventLatency = "event_latency";
    UnmappedShare = "unmapped_share";
    ImpossibleTimes = "impossible_times";
    OdooLatency = "odoo_latency";
    CaseLatency = "case_latency";
    NotificationReach = "notification_reach";
    InvoiceDelay = "invoice_delay";
    Convergence = "convergence";
    CaseCost = "case_cost";
    Deflection = "deflection";
    TimeSaved = "time_saved";
    BreachForecast = "breach_forecast";
    EtaCalibration = "eta_calibration";
}

/// Whether the past may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What happened: late facts and corrections restate past days.
    Flow,
    /// What was known at a moment: a fact that is recorded later does not change it.
    Snapshot,
}

/// In what a figure is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share in per cent.
    Percent,
    /// A number per thousand shipments.
    PerThousand,
    /// A number.
    Count,
    /// Hours; of transit times working hours.
    Hours,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
    /// An amount in the company's currency.
    Money,
}

impl Unit {
    /// The sign behind the number.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::PerThousand => "per 1,000",
            Self::Count => "",
            Self::Hours => "h",
            Self::Minutes => "min",
            Self::Seconds => "s",
            Self::Money => "per ticket",
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// As near to the target as can be.
    Near,
}

/// How the figure is made of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// What counts for it, of all that counts.
    Share,
    /// What happened, per thousand of what it is compared with.
    Rate,
    /// How many.
    Count,
    /// The median and P90 of values.
    Percentiles,
    /// A sum, divided by how many.
    Mean,
    /// A sum.
    Sum,
    /// Not from roll-ups: see `learned`.
    Learned,
}

/// The value to reach unless a person sets another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The value, in the definition's unit.
    pub value: f64,
    /// Of what: the share itself, or one of the percentiles.
    pub of: &'static str,
}

/// A written definition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Definition {
    /// What it defines.
    pub kpi: Kpi,
    /// Counts changes of the definition.
    pub version: u16,
    /// The words on the page.
    pub title: &'static str,
    /// Whether the past may change.
    pub kind: Kind,
    /// How it is made of its parts.
    pub formula: Formula,
    /// The formula in words.
    pub reads: &'static str,
    /// Who counts, who does not.
    pub counts: &'static str,
    /// The day, and hour, that a unit lies in.
    pub bucket: &'static str,
    /// In what it is read.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// The default target.
    pub target: Option<Target>,
    /// Where definition and target come from.
    pub source: &'static str,
}

impl Kpi {
    /// The definition in force.
    pub const fn definition(self) -> &'static Definition {
        &DEFINITIONS[self as usize]
    }

    /// The version in force.
    pub const fn version(self) -> u16 {
        self.definition().version
    }
}

impl Target {
    /// Whether it is of the upper percentile.
    pub fn is_of_upper(&self) -> bool {
        self.of.starts_with("P90") || self.of.starts_with("P99")
    }
}

impl Definition {
    /// How values are put into bins, of a figure that has percentiles.
    pub const fn scale(&self) -> Option<Scale> {
        match (self.formula, self.kpi) {
            (Formula::Percentiles, Kpi::TransitTime) => Some(Scale::WorkingHours),
            (Formula::Percentiles, _) => Some(Scale::Relative),
            _ => None,
        }
    }

    /// A value of a bin in the definition's unit: bins of durations are of seconds.
    pub fn value(&self, bin: i32) -> Option<f64> {
        let scale = self.scale()?;
        let seconds = match self.unit {
            Unit::Hours => 3_600.0,
            Unit::Minutes => 60.0,
            _ => 1.0,
        };
        Some(scale.value(bin) / if scale == Scale::WorkingHours { 1.0 } else { seconds })
    }

    /// Whether the units behind the figure are kept one by one, for its list: not of what is known at an hour, whose rows are
    /// live lists, nor of events, whose rows are messages.
    pub const fn is_listed(&self) -> bool {
        !matches!(self.kind, Kind::Snapshot)
            && !matches!(self.kpi, Kpi::EventLatency | Kpi::UnmappedShare | Kpi::ImpossibleTimes)
    }

    /// Whether anything records what it needs; of the others pages say that they are not counted yet, instead of a number.
    pub const fn is_counted(&self) -> bool {
        !matches!(
            self.kpi,
            Kpi::SyncFailed
                | Kpi::OdooLatency
                | Kpi::CaseLatency
                | Kpi::NotificationReach
                | Kpi::InvoiceDelay
                | Kpi::Convergence
                | Kpi::CaseCost
                | Kpi::TimeSaved
                | Kpi::BreachForecast
                | Kpi::EtaCalibration
        )
    }

    /// Whether it is of a sample, so that few units say little: a number or a sum is what it is.
    pub const fn is_of_sample(&self) -> bool {
        !matches!(self.formula, Formula::Count | Formula::Sum)
    }

    /// The percentiles that are read beside the median.
    pub const fn upper(&self) -> Percentile {
        match self.kpi {
            Kpi::OdooLatency | Kpi::CaseLatency => Percentile::P99,
            _ => Percentile::P90,
        }
    }
}

/// The definitions as the table of docs/KPIS.md.
pub fn table() -> String {
    let mut table = String::from(
        "| id, version | on the page | reads | counts | lies in | unit, target | source |\n|---|---|---|---|---|---|---|\n",
    );
    for one in DEFINITIONS {
        let kind = match one.kind {
            Kind::Flow => "what happened",
            Kind::Snapshot => "as known then",
        };
        let arrow = match one.direction {
            Direction::Up => "↑",
            Direction::Down => "↓",
            Direction::Near => "→",
        };
        let target =
            one.target.map_or_else(|| "no target".to_owned(), |target| format!("{} {}", target.of, target.value));
        table.push_str(&format!(
            "| `{}` {} | **{}** ({kind}) | {} | {} | {} | {} {arrow} {target} | {} |\n",
            one.kpi.id(),
            one.version,
            one.title,
            one.reads,
            one.counts,
            one.bucket,
            one.unit.sign(),
            one.source,
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kpi_has_one_definition_in_its_order() {
        let defined: Vec<Kpi> = DEFINITIONS.iter().map(|definition| definition.kpi).collect();
        assert_eq!(defined, Kpi::ALL);
        let titles: BTreeSet<&str> = DEFINITIONS.iter().map(|definition| definition.title).collect();
        assert_eq!(titles.len(), DEFINITIONS.len(), "titles differ");
        for kpi in Kpi::ALL {
            assert_eq!((Kpi::from_id(kpi.id()), kpi.definition().version >= 1), (Some(*kpi), true));
        }
        assert_eq!(Kpi::from_id("profit"), None);
    }

    #[test]
    fn the_documentation_has_this_table() {
        let page = include_str!("../../../../../docs/KPIS.md");
        assert!(page.contains(&table()), "docs/KPIS.md must hold this table:\n{}", table());
    }

    #[test]
    fn the_worked_cases_name_versions_that_are_defined() {
        let page: serde_json::Value = serde_json::from_str(include_str!("../../cases/cases.json")).unwrap();
        let mut seen = 0;
        for case in page["cases"].as_array().unwrap() {
            let Some(kpi) = case["kpi"].as_str().and_then(Kpi::from_id) else { continue };
            assert_eq!(case["version"], kpi.version(), "{}", case["id"]);
            seen += 1;
        }
        assert!(seen > 15, "{seen}");
    }
}
