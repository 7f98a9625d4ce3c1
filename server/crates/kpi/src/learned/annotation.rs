//! What people note about days on which nothing was as usual: a storm, a strike. Figures always count them; learning leaves them
//! out where the note says so.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A note about some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// The carrier family that it concerns; all where none is named.
    pub carrier: Option<String>,
    /// The country, of origin or destination, that it concerns; all where none is named.
    pub country: Option<String>,
    /// Whether what was handed over on these days is left out of learning.
    pub leave_out: bool,
}

impl Annotation {
    /// Whether what was inducted on a day is left out of learning.
    pub fn leaves_out(&self, induction_day: Date, carrier: Option<&str>, countries: &[&str]) -> bool {
        let concerns = self.carrier.as_deref().is_none_or(|of| carrier == Some(of))
            && self.country.as_deref().is_none_or(|of| countries.contains(&of));
        self.leave_out && concerns && (self.from..=self.until).contains(&induction_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_storm_leaves_out_its_days_of_what_it_concerns() {
        let (from, until) = (date(2026, 1, 12), date(2026, 1, 16));
        let storm = Annotation { from, until, carrier: None, country: Some("DE".into()), leave_out: true };
        assert!(storm.leaves_out(from, Some("dhl"), &["DE", "FR"]) && storm.leaves_out(until, None, &["DE"]));
        assert!(!storm.leaves_out(from, Some("dhl"), &["AT", "FR"]));
        assert!(!storm.leaves_out(date(2026, 1, 17), Some("dhl"), &["DE"]));
        let noted = Annotation { leave_out: false, ..storm.clone() };
        assert!(!noted.leaves_out(from, Some("dhl"), &["DE"]), "only noted");
        let strike = Annotation { carrier: Some("ups".into()), country: None, ..storm };
        assert!(strike.leaves_out(from, Some("ups"), &[]) && !strike.leaves_out(from, Some("dhl"), &["DE"]));
    }
}
