//! How long a source is usually silent, by the hours in which something came from it.

/// Hours with messages that are needed to speak of a habit.
const ACTIVE_HOURS_MIN: usize = 24;
/// Of all gaps so many percent are no longer than the usual one.
const USUAL_PERCENT: usize = 95;

/// The usual longest gap between two hours with messages, in hours; none where too little is known. `active` are hours since 1970 in
/// which something came, in any order.
pub fn usual_gap_hours(active: &[i64]) -> Option<i64> {
    let mut hours = active.to_vec();
    hours.sort_unstable();
    hours.dedup();
    if hours.len() < ACTIVE_HOURS_MIN {
        return None;
    }
    let mut gaps: Vec<i64> = hours.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    // a weekend is part of the habit: two gaps in a week of working days are within the last five percent
    let place = (gaps.len() * USUAL_PERCENT).div_ceil(100).clamp(1, gaps.len()) - 1;
    let weekly = gaps.iter().rev().nth(1).copied().filter(|_| gaps.len() >= ACTIVE_HOURS_MIN);
    Some(gaps[place].max(weekly.unwrap_or_default().min(DAYS_OFF_HOURS_MAX)))
}

/// A gap up to this is taken for a weekend or a holiday when it happened twice.
const DAYS_OFF_HOURS_MAX: i64 = 3 * 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_no_habit() {
        assert_eq!(usual_gap_hours(&[]), None);
        assert_eq!(usual_gap_hours(&(0..23).collect::<Vec<_>>()), None);
        let same = vec![5; 100];
        assert_eq!(usual_gap_hours(&same), None);
    }

    #[test]
    fn a_source_that_sends_each_hour_is_late_after_one() {
        let hours: Vec<i64> = (0..200).collect();
        assert_eq!(usual_gap_hours(&hours), Some(1));
    }

    #[test]
    fn nights_and_weekends_belong_to_the_habit() {
        // two weeks, working days from 8 to 18 h
        let days = [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14];
        let hours: Vec<i64> = days.iter().flat_map(|day| (8..18).map(move |hour| day * 24 + hour)).collect();
        let usual = usual_gap_hours(&hours).unwrap();
        assert_eq!(usual, 63, "from Friday 17 h to Monday 8 h");
    }

    #[test]
    fn one_long_outage_is_no_habit() {
        let hours: Vec<i64> = (0..100).chain(200..300).collect();
        assert_eq!(usual_gap_hours(&hours), Some(1));
    }
}
