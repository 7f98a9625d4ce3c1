//! The list with its health.

use crate::contract::{
    When,
    choice::{choice, known},
};
use serde::{Deserialize, Serialize};

choice! {
    /// Which connections the list shows.
    ListView {
        /// Every one.
        All = "",
        /// Those that send to Milepost.
        Sources = "sources",
        /// Those that Milepost calls.
        Destinations = "destinations",
        /// Those that fail or are held up.
        Attention = "attention",
    }
}

choice! {
    /// Which systems they lead to.
    Environment {
        /// Either.
        Any = "",
        /// The real ones.
        Production = "production",
        /// Those for tests.
        Sandbox = "sandbox",
    }
}

impl ListView {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Sources => "Sources",
            Self::Destinations => "Destinations",
            Self::Attention => "Needs attention",
        }
    }
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It works.
    Healthy,
    /// It is in use, and nothing has gone over it yet.
    NoTraffic,
    /// It fails: its jobs wait.
    Suspended,
    /// It is in use, but its test or jobs failed.
    Failing,
    /// It works, and its secret ends soon.
    Expiring,
    /// The other system limits the rate: its jobs wait.
    RateLimited,
    /// A person paused it.
    Paused,
    /// A person disabled it.
    Disabled,
    /// It was never turned on.
    Draft,
}

impl Health {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Healthy,
        Self::NoTraffic,
        Self::Failing,
        Self::Expiring,
        Self::Suspended,
        Self::RateLimited,
        Self::Paused,
        Self::Disabled,
        Self::Draft,
    ];

    /// Its name in the address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::NoTraffic => "no_traffic",
            Self::Suspended => "suspended",
            Self::Failing => "failing",
            Self::Expiring => "expiring",
            Self::RateLimited => "rate_limited",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Draft => "draft",
        }
    }

    /// The one of this name.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|health| health.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::NoTraffic => "No traffic yet",
            Self::Suspended => "Suspended",
            Self::Failing => "Failing",
            Self::Expiring => "Key expires",
            Self::RateLimited => "Rate-limited",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
            Self::Draft => "Draft",
        }
    }
}

/// A question to the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsQuery {
    /// The view.
    #[serde(default)]
    pub view: ListView,
    /// The environment.
    #[serde(default)]
    pub environment: Environment,
    /// A health; none: any.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// A connector; empty: any.
    #[serde(default)]
    pub connector: String,
    /// An owner; empty: any.
    #[serde(default)]
    pub owner: String,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsView {
    /// Each view with how many it shows.
    pub counts: Vec<(ListView, u64)>,
    /// Each health that there is, with how many and what waits there, in words.
    pub figures: Vec<HealthCount>,
    /// Messages and calls of the last 24 hours.
    pub traffic: u64,
    /// What fails now, worst first.
    pub failing: Vec<ConnectionRow>,
    /// By kind, those that need attention first.
    pub groups: Vec<Group>,
    /// Connectors to filter by: id and label.
    pub connectors: Vec<(String, String)>,
    /// Owners to filter by.
    pub owners: Vec<String>,
    /// As of when.
    pub as_of: When,
}

/// How many connections stand so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCount {
    /// How they stand.
    pub health: Health,
    /// How many.
    pub n: u64,
    /// What that means now.
    pub detail: String,
}

/// Connections of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its heading.
    pub title: String,
    /// The connections.
    pub rows: Vec<ConnectionRow>,
}

/// Messages or calls of one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourView {
    /// When it began, in the viewer's zone: `14:00`.
    pub hour: String,
    /// How many went well.
    pub ok: u64,
    /// How many failed.
    pub failed: u64,
}

/// A connection in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Its name, in addresses.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The connector, and where the other system is.
    pub about: String,
    /// Which way it goes.
    pub direction: String,
    /// Whether Milepost calls it.
    pub called: bool,
    /// Whether it leads to a test system.
    pub sandbox: bool,
    /// How it stands.
    pub health: Health,
    /// Why, or until when.
    pub detail: String,
    /// Since when it fails or waits.
    pub since: Option<When>,
    /// Each of the last 24 hours, oldest first.
    pub hours: Vec<HourView>,
    /// What went well in them.
    pub ok: u64,
    /// What failed in them.
    pub failed: u64,
    /// Jobs that wait.
    pub waiting: u64,
    /// When something last went well.
    pub last_ok: Option<When>,
    /// How many secrets are valid.
    pub secrets: u64,
    /// How old the newest is: `21 d`.
    pub secret_age: String,
    /// Who looks after it.
    pub owner: String,
}

impl ConnectionRow {
    /// Of a hundred how many failed, in words.
    pub fn errors(&self) -> String {
        let all = self.ok + self.failed;
        if self.failed == 0 {
            return if all == 0 { "nothing yet" } else { "no errors" }.into();
        }
        format!("{} % errors", percent(self.failed, all))
    }
}

/// A share in percent, with as many decimals as it takes to be seen.
#[expect(clippy::cast_precision_loss, reason = "messages of a day are far below 2^52")]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share {
        _ if part == whole => "100".into(),
        share if part == 0 || (10.0..90.0).contains(&share) => format!("{share:.0}"),
        // what is not all must not look like it
        share if share > 99.95 => format!("{:.2}", share.min(99.99)),
        share if share < 0.05 => format!("{:.2}", share.max(0.01)),
        share => format!("{share:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_not_all_does_not_look_like_it() {
        for (part, whole, shown) in [
            (0, 0, "–"),
            (0, 7, "0"),
            (7, 7, "100"),
            (1, 2, "50"),
            (7, 18_402, "0.04"),
            (1, 1_000_000, "0.01"),
            (999_999, 1_000_000, "99.99"),
            (18_395, 18_402, "99.96"),
            (3, 1_000, "0.3"),
        ] {
            assert_eq!(percent(part, whole), shown, "{part} of {whole}");
        }
    }
}
