//! Which period a page of figures shows, and what narrows it: as it stands in the address, so that links between these pages
//! keep it.

use crate::contract::choice::choice;
use serde::{Deserialize, Serialize};

choice! {
    /// How long the period is.
    Length {
        /// From Monday on.
        Week = "",
        /// One day.
        Day = "day",
        /// A month of the calendar.
        Month = "month",
        /// A quarter of the calendar.
        Quarter = "quarter",
        /// From one day to another.
        Days = "days",
    }
}

impl Length {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Week => "Week",
            Self::Day => "Day",
            Self::Month => "Month",
            Self::Quarter => "Quarter",
            Self::Days => "Days",
        }
    }
}

choice! {
    /// With what it is compared.
    Compared {
        /// The period before.
        Before = "",
        /// A year earlier.
        Year = "year",
    }
}

/// The question of a page of figures. Empty texts narrow nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FiguresQuery {
    /// How long the period is.
    pub length: Length,
    /// A day in it, `2026-11-16`; of [`Length::Days`] the first. Empty: the last period that is over.
    pub from: String,
    /// Of [`Length::Days`] the last day.
    pub until: String,
    /// With what it is compared.
    pub compared: Compared,
    /// The company, as the order system names it.
    #[serde(with = "crate::contract::verbatim")]
    pub company: String,
    /// The warehouse.
    #[serde(with = "crate::contract::verbatim")]
    pub warehouse: String,
    /// The carrier's family.
    #[serde(with = "crate::contract::verbatim")]
    pub carrier: String,
    /// The country of destination, two letters.
    pub country: String,
    /// A segment of customers.
    #[serde(with = "crate::contract::verbatim")]
    pub segment: String,
}

impl FiguresQuery {
    /// The names under which it stands in an address.
    pub const NAMES: [&'static str; 9] =
        ["period", "from", "until", "compared", "company", "warehouse", "carrier", "country", "segment"];

    /// Out of the parameters of an address.
    pub fn of(value: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| value(name).unwrap_or_default();
        Self {
            length: Length::of(&text("period")),
            from: text("from"),
            until: text("until"),
            compared: Compared::of(&text("compared")),
            company: text("company"),
            warehouse: text("warehouse"),
            carrier: text("carrier"),
            country: text("country"),
            segment: text("segment"),
        }
    }

    /// As parameters of an address, without those that are empty.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let values = [
            self.length.code(),
            &self.from,
            &self.until,
            self.compared.code(),
            &self.company,
            &self.warehouse,
            &self.carrier,
            &self.country,
            &self.segment,
        ];
        let pairs = Self::NAMES.into_iter().zip(values);
        pairs.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// Whether anything narrows it.
    pub fn is_narrowed(&self) -> bool {
        [&self.company, &self.warehouse, &self.carrier, &self.country, &self.segment]
            .into_iter()
            .any(|by| !by.is_empty())
    }

    /// The same, not narrowed.
    #[must_use]
    pub fn of_all(&self) -> Self {
        Self {
            from: self.from.clone(),
            until: self.until.clone(),
            length: self.length,
            compared: self.compared,
            ..Self::default()
        }
    }

    /// The same of another period.
    #[must_use]
    pub fn at(&self, length: Length, from: impl Into<String>) -> Self {
        Self { length, from: from.into(), until: String::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_question() {
        let all = FiguresQuery {
            length: Length::Quarter,
            from: "2026-11-16".into(),
            until: "2026-11-20".into(),
            compared: Compared::Year,
            company: "Northwind & Co".into(),
            warehouse: "WH".into(),
            carrier: "gls".into(),
            country: "DE".into(),
            segment: "Key accounts".into(),
        };
        assert_eq!(all.pairs().len(), FiguresQuery::NAMES.len(), "each has its name");
        for query in [all.clone(), all.of_all(), FiguresQuery::default(), all.at(Length::Day, "2026-11-17")] {
            let pairs = query.pairs();
            let read =
                FiguresQuery::of(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()));
            assert_eq!(read, query);
        }
        assert!(all.is_narrowed() && !all.of_all().is_narrowed());
        assert_eq!(FiguresQuery::default().pairs(), []);
    }
}
