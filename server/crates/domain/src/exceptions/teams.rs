//! Teams: who looks after exceptions together, and which new ones a team gets by itself.

use crate::{ExceptionReason, ids::UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Teams by their names.
pub type Teams = BTreeMap<String, Team>;

/// A team. It gets new exceptions of its carriers and reasons; one that names neither gets only what people give it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Team {
    /// Its members.
    pub members: BTreeSet<UserId>,
    /// Families of carriers, as the carrier directory names them; empty: any.
    pub carriers: BTreeSet<String>,
    /// Reasons; empty: any.
    pub reasons: BTreeSet<ExceptionReason>,
}

/// A team as it is kept; before teams had carriers and reasons, its members alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Members(BTreeSet<UserId>),
    Whole {
        members: BTreeSet<UserId>,
        #[serde(default)]
        carriers: BTreeSet<String>,
        #[serde(default)]
        reasons: BTreeSet<ExceptionReason>,
    },
}

impl From<Kept> for Team {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Members(members) => Self { members, ..Self::default() },
            Kept::Whole { members, carriers, reasons } => Self { members, carriers, reasons },
        }
    }
}

impl Team {
    /// How many conditions an exception fulfils; none where it fails one, or there is none.
    fn fits(&self, reason: ExceptionReason, carriers: &[&str]) -> Option<usize> {
        let conditions = usize::from(!self.carriers.is_empty()) + usize::from(!self.reasons.is_empty());
        let of_carrier = self.carriers.is_empty() || carriers.iter().any(|carrier| self.carriers.contains(*carrier));
        let of_reason = self.reasons.is_empty() || self.reasons.contains(&reason);
        (conditions > 0 && of_carrier && of_reason).then_some(conditions)
    }
}

/// The team that gets a new exception of a reason, with numbers of these carriers: of those that fit the one with the most conditions,
/// then the first by name.
pub fn team_for<'a>(teams: &'a Teams, reason: ExceptionReason, carriers: &[&str]) -> Option<&'a str> {
    let fitting = teams.iter().filter_map(|(name, team)| Some((team.fits(reason, carriers)?, name.as_str())));
    let best = fitting.min_by(|(conditions, name), (others, other)| others.cmp(conditions).then(name.cmp(other)));
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExceptionReason::{CustomsStuck, Damaged, Late};

    fn team(carriers: &[&str], reasons: &[ExceptionReason]) -> Team {
        let carriers = carriers.iter().map(|one| (*one).to_owned()).collect();
        Team { carriers, reasons: reasons.iter().copied().collect(), ..Team::default() }
    }

    #[test]
    fn the_team_with_the_most_conditions_gets_it() {
        let teams = Teams::from([
            ("A".to_owned(), team(&[], &[])),
            ("B".to_owned(), team(&["ups"], &[])),
            ("C".to_owned(), team(&["ups"], &[Damaged])),
            ("D".to_owned(), team(&[], &[CustomsStuck, Damaged])),
        ]);
        for (reason, carriers, gets) in [
            (Late, &["ups"][..], Some("B")),
            (Damaged, &["ups"], Some("C")),
            (Damaged, &["dhl"], Some("D")),
            (Damaged, &["dhl", "ups"], Some("C")),
            (CustomsStuck, &["ups"], Some("B")),
            (Late, &["dhl"], None),
            (Late, &[], None),
        ] {
            assert_eq!(team_for(&teams, reason, carriers), gets, "{reason:?} {carriers:?}");
        }
    }

    #[test]
    fn teams_of_before_are_read() {
        let kept = r#"{"Berlin":["00000000-0000-0000-0000-000000000001"]}"#;
        let teams: Teams = serde_json::from_str(kept).unwrap();
        let whole = serde_json::to_string(&teams).unwrap();
        assert!(teams["Berlin"].members.len() == 1 && teams["Berlin"].reasons.is_empty(), "{whole}");
        assert_eq!(serde_json::from_str::<Teams>(&whole).unwrap(), teams);
    }
}
