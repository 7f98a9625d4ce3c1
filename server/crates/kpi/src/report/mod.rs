//! Saved reports: which figures, of which period, split by what; and when one goes out.

mod period;
mod rhythm;

pub use period::Relative;
pub use rhythm::{LAST_DAY, Rhythm, UnusableRhythm};

use crate::definition::Kpi;
use serde::{Deserialize, Deserializer, Serialize};

/// The most figures of one report.
pub const FIGURES_MAX: usize = 12;

/// What a report shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The figures, in this order. Those of another version are left out.
    #[serde(deserialize_with = "known")]
    pub figures: Vec<Kpi>,
    /// Of which days.
    pub period: Relative,
    /// What narrows them.
    #[serde(default)]
    pub narrowed: Narrowed,
    /// By what they are split, beside the totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Kpi>, D::Error> {
    let ids = Vec::<String>::deserialize(from)?;
    Ok(ids.iter().filter_map(|id| Kpi::from_id(id)).collect())
}

/// What narrows the figures of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// The company, as the order system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The carrier's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Country of destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// A segment that the customer has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
}

/// By what the figures of a report are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is what it is named by")]
pub enum Split {
    Carrier,
    Country,
    Warehouse,
    Segment,
    Company,
}

impl Split {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Carrier, Self::Country, Self::Warehouse, Self::Segment, Self::Company];

    /// As stored and in forms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Country => "country",
            Self::Warehouse => "warehouse",
            Self::Segment => "segment",
            Self::Company => "company",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Carrier => "Carrier",
            Self::Country => "Country",
            Self::Warehouse => "Warehouse",
            Self::Segment => "Customer segment",
            Self::Company => "Company",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_another_version_are_left_out() {
        let read: Content =
            serde_json::from_str(r#"{"figures": ["on_time", "mood", "otif"], "period": "last_week"}"#).unwrap();
        assert_eq!(read.figures, [Kpi::OnTime, Kpi::Otif]);
        let kept = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Content>(&kept).unwrap(), read);
    }
}
