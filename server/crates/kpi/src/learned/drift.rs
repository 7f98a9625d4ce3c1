//! Whether a cell's P80 still holds. While it does not, the cell forgets faster.

use super::history::{DRIFTING_HALF_LIFE_WEEKS, HALF_LIFE_WEEKS, Week};

/// Deliveries below which a week says nothing.
pub const DELIVERIES_MIN: u32 = 50;
/// Weeks for which a cell forgets faster, at least.
const WEEKS: i32 = 4;
/// Weeks in a row in which it holds again that end it.
const HELD_WEEKS: u8 = 2;
/// The nominal share of P80.
const NOMINAL: f64 = 0.8;

/// Since when a cell's predictions have not held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    since: Option<Week>,
    held_weeks: u8,
}

/// Of how many of the last deliveries P80 held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The deliveries.
    pub deliveries: u32,
    /// Those within P80.
    pub within: u32,
}

impl Held {
    /// Whether the share is further from 80 % than chance explains: three standard errors, √(0.16 / n) each. None of too few.
    pub fn is_off(self) -> Option<bool> {
        let n = f64::from(self.deliveries);
        let share = f64::from(self.within) / n;
        let error = (NOMINAL * (1.0 - NOMINAL) / n).sqrt();
        (self.deliveries >= DELIVERIES_MIN).then(|| (share - NOMINAL).abs() > 3.0 * error)
    }
}

impl Drift {
    /// After one more week.
    pub fn after(self, week: Week, held: Held) -> Self {
        match (held.is_off(), self.since) {
            (Some(true), _) => Self { since: Some(week), held_weeks: 0 },
            (Some(false), Some(_)) => {
                let held_weeks = self.held_weeks.saturating_add(1);
                if held_weeks >= HELD_WEEKS { Self::default() } else { Self { held_weeks, ..self } }
            }
            _ => self,
        }
    }

    /// Whether the page says that predictions do not hold.
    pub const fn is_flagged(self) -> bool {
        self.since.is_some()
    }

    /// The half-life of the cell's weights.
    pub fn half_life(self, at: Week) -> f64 {
        match self.since {
            Some(since) if at.0 - since.0 <= WEEKS => DRIFTING_HALF_LIFE_WEEKS,
            _ => HALF_LIFE_WEEKS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_forgets_faster_until_two_weeks_hold() {
        let held = |within| Held { deliveries: 100, within };
        let few = Held { deliveries: 49, within: 0 };
        let (off, on) = (held(67), held(79));
        let steady = Drift::default().after(Week(1), on).after(Week(2), few).after(Week(3), held(69));
        assert!(!steady.is_flagged(), "12 points are the limit of 100");
        let drifting = steady.after(Week(4), off);
        assert!(drifting.is_flagged());
        assert_eq!(drifting.half_life(Week(8)), DRIFTING_HALF_LIFE_WEEKS);
        assert_eq!(drifting.half_life(Week(9)), HALF_LIFE_WEEKS, "no longer than four weeks");
        let once = drifting.after(Week(5), on);
        assert!(once.is_flagged() && once.after(Week(6), few).is_flagged());
        assert!(once.after(Week(6), off).after(Week(7), on).is_flagged(), "not two in a row");
        assert!(!once.after(Week(6), on).is_flagged());
        assert!(Drift::default().after(Week(1), held(93)).is_flagged(), "too cautious is off as well");
    }
}
