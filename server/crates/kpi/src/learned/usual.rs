//! What is usual on a lane, as exceptions are derived by it: the table that comes with the product, and what was learned where
//! enough is known.

use super::{
    eta::Known,
    silence::{Because, Threshold},
    transit::DAY_HOURS,
};
use domain::exceptions::usual::Usual;

/// The share of shipments that arrive within the usual transit time.
const TRANSIT_SHARE: f64 = 0.95;

/// The table's times, with the transit time and the gap that were learned. What is presumed lost was late and silent before.
pub fn usual(table: Usual, transit: Option<&Known>, gap: Option<&Threshold>) -> Usual {
    let learned = transit.filter(|known| known.is_shown());
    let transit = learned.and_then(|known| known.mixture.curve.quantile(TRANSIT_SHARE));
    let transit = transit.map_or(table.transit, working_days);
    let gap = gap.filter(|threshold| matches!(threshold.because, Because::Seen { .. }));
    let gap = gap.map_or(table.gap, |threshold| working_days(threshold.hours));
    Usual { transit, gap, lost: table.lost.max(transit + 1).max(gap + 1), ..table }
}

/// Whole working days that hold so many working hours; one at least.
fn working_days(hours: f64) -> u32 {
    ((hours / DAY_HOURS).ceil() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::{
        cell::Depth,
        history::{History, Outcome, Reading, Week},
        mixture::DEFAULT_K,
    };
    use domain::exceptions::usual::{Lane, ShippedTable, UsualTimes};

    #[test]
    fn what_was_learned_takes_the_place_of_the_table() {
        let table = ShippedTable.usual(&Lane::default()).unwrap();
        assert_eq!(usual(table, None, None), table);
        let known = |n: i64, hours: f64| {
            let mut history = History::default();
            history.add(Week(10), Outcome::Ended, hours, n);
            let cells = [None, None, None, Some(&history), None];
            Known::read(cells, &Reading::at(Week(10)), None, DEFAULT_K).unwrap()
        };
        let seen = Threshold { hours: 30.0, because: Because::Seen { depth: Depth::Carrier, level: 0.004 } };
        let learned = usual(table, Some(&known(200, 34.5)), Some(&seen));
        assert_eq!((learned.transit, learned.gap), (2, 2));
        assert_eq!((learned.first_scan, learned.customs, learned.lost), (table.first_scan, table.customs, table.lost));
        assert_eq!(usual(table, Some(&known(29, 34.5)), None), table, "too few to say");
        let by_table = Threshold { hours: 30.0, because: Because::Table };
        assert_eq!(usual(table, None, Some(&by_table)), table);
        let slow = usual(table, Some(&known(200, 34.5 * DAY_HOURS)), None);
        assert!(slow.transit == 35 && slow.lost > slow.transit, "{slow:?}");
    }
}
