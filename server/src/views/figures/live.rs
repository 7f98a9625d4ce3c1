//! What is so at this moment.

use crate::views::times::Times;
use app::contract::{
    exceptions::Age,
    figures::{Bucket, CarrierRow, Day, LiveView},
};
use application::operations::overview::Overview;
use storage::figures::{AGES, Figures};

pub(in crate::views) fn view(overview: Overview, times: &Times) -> LiveView {
    let Overview { figures, unmapped, operates, .. } = overview;
    LiveView {
        as_of: times.clock(times.now),
        ageing: ageing(&figures),
        open: figures.open,
        current: figures.current,
        received: figures.received,
        exceptions: figures.exceptions,
        overdue: figures.overdue,
        snoozed: figures.snoozed,
        exceptions_7d: figures.exceptions_7d,
        failed: figures.dead_jobs,
        retrying: figures.long_retrying,
        operates,
        cases: figures.cases_7d,
        self_healed: figures.cases_self_healed_7d,
        days: figures
            .days
            .iter()
            .map(|(day, delivered)| Day {
                label: day.strftime("%-d %b").to_string(),
                date: day.to_string(),
                delivered: *delivered,
            })
            .collect(),
        states: figures.by_state,
        carriers: figures
            .carriers
            .into_iter()
            .map(|c| CarrierRow {
                carrier: c.carrier,
                shipments: c.shipments,
                open: c.open,
                current: c.current,
                exceptions: c.exceptions,
                delivered: c.delivered,
            })
            .collect(),
        unknown: figures.unknown,
        unmapped,
    }
}

fn ageing(figures: &Figures) -> Vec<Bucket> {
    let bucket = |(at, age): (usize, &storage::figures::AgeFigures)| Bucket {
        label: age_label(at),
        age: Age::of_hours(AGES[at]),
        within: age.within,
        over: age.over,
    };
    figures.ageing.iter().enumerate().map(bucket).collect()
}

/// `< 4 h`, `4–8 h`, `1–2 d`, `> 4 d`.
fn age_label(at: usize) -> String {
    let words = |hours: i64| if hours % 24 == 0 { (hours / 24, "d") } else { (hours, "h") };
    let (from, unit) = words(AGES[at]);
    match (at, AGES.get(at + 1).copied().map(words)) {
        (0, Some((until, unit))) => format!("< {until} {unit}"),
        (_, None) => format!("> {from} {unit}"),
        (_, Some((until, until_unit))) if until_unit == unit => format!("{from}–{until} {unit}"),
        // a day in the unit of what it is beside
        (_, Some((until, _))) => format!("{from}–{} {unit}", until * 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_short_names() {
        let names: Vec<_> = (0..AGES.len()).map(age_label).collect();
        assert_eq!(names, ["< 4 h", "4–8 h", "8–24 h", "1–2 d", "2–4 d", "> 4 d"]);
    }
}
