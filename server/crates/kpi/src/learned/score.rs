//! How well estimates, warnings and the watch over silence did over some days, from their counts.

use super::{
    bins::{Bins, Percentile},
    calibration::Share,
    count::Measure,
};

/// The place of P50 among the nine quantiles.
pub const P50: usize = 4;
/// The place of P80.
pub const P80: usize = 7;

/// How well it did. Errors are in hours, negative is earlier than said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    made: [u64; 9],
    held: [u64; 9],
    /// Errors of our P50.
    pub ours: Bins,
    /// The same where the carrier had an estimate too.
    pub paired: Bins,
    /// Errors of the carrier's estimate, where we had one too.
    pub theirs: Bins,
    flags: Of,
    late: Of,
    /// Working hours by which right warnings came before the deadline.
    pub lead: Bins,
    healthy: Of,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Of {
    yes: u64,
    all: u64,
}

impl Of {
    fn add(&mut self, bin: i32, n: u64) {
        self.all += n;
        self.yes += if bin == 1 { n } else { 0 };
    }

    fn share(self) -> Option<Share> {
        Share::of(self.yes, self.all)
    }
}

impl Score {
    /// Adds what was counted.
    pub fn add(&mut self, measure: Measure, bin: i32, n: i64) {
        let counted = u64::try_from(n).unwrap_or(0);
        let quantile = |of: &mut [u64; 9]| {
            if let Some(place) = usize::try_from(bin).ok().and_then(|place| of.get_mut(place)) {
                *place += counted;
            }
        };
        match measure {
            Measure::Made => quantile(&mut self.made),
            Measure::Held => quantile(&mut self.held),
            Measure::Ours => self.ours.add(bin, n),
            Measure::Paired => self.paired.add(bin, n),
            Measure::Theirs => self.theirs.add(bin, n),
            Measure::Flag => self.flags.add(bin, counted),
            Measure::Late => self.late.add(bin, counted),
            Measure::Lead => self.lead.add(bin, n),
            Measure::Quiet => self.healthy.add(bin, counted),
            Measure::HighestLate | Measure::HighestInTime => {}
        }
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        for place in 0..self.made.len() {
            self.made[place] += other.made[place];
            self.held[place] += other.held[place];
        }
        for (of, more) in [
            (&mut self.ours, &other.ours),
            (&mut self.paired, &other.paired),
            (&mut self.theirs, &other.theirs),
            (&mut self.lead, &other.lead),
        ] {
            of.merge(more);
        }
        for (of, more) in
            [(&mut self.flags, other.flags), (&mut self.late, other.late), (&mut self.healthy, other.healthy)]
        {
            *of = Of { yes: of.yes + more.yes, all: of.all + more.all };
        }
    }

    /// Deliveries with an estimate.
    pub fn deliveries(&self) -> u64 {
        self.ours.total()
    }

    /// How often one of the nine quantiles held.
    pub fn held(&self, place: usize) -> Option<Share> {
        Share::of(*self.held.get(place)?, *self.made.get(place)?)
    }

    /// Warnings that were right.
    pub fn precision(&self) -> Option<Share> {
        self.flags.share()
    }

    /// Late shipments that were warned of.
    pub fn recall(&self) -> Option<Share> {
        self.late.share()
    }

    /// Healthy shipments whose silence alarmed.
    pub fn false_silence(&self) -> Option<Share> {
        self.healthy.share()
    }
}

/// The median of the absolute error, in hours: a bin holds the hour above it.
pub fn median_error(errors: &Bins) -> Option<f64> {
    let mut absolute = Bins::default();
    for (bin, n) in errors.iter() {
        absolute.add(if bin < 0 { -bin - 1 } else { bin }, n);
    }
    absolute.percentile(Percentile::P50).map(|bin| f64::from(bin) + 0.5)
}

/// How many lie from one hour up to before another.
pub fn between(errors: &Bins, from: i32, to: i32) -> Option<Share> {
    let within = errors.iter().filter(|(bin, _)| (from..to).contains(bin));
    Share::of(within.filter_map(|(_, n)| u64::try_from(n).ok()).sum(), errors.total())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_from_their_hours() {
        // 30 minutes early, 20 minutes late, 3.5 h late, 30 h late
        let errors: Bins = [-1, 0, 3, 30].into_iter().collect();
        assert_eq!(median_error(&errors), Some(0.5));
        assert_eq!(median_error(&[3, 30].into_iter().collect()), Some(3.5));
        assert_eq!(median_error(&Bins::default()), None);
        assert_eq!(between(&errors, -6, 6).map(|share| share.share), Some(0.75));
        assert_eq!(between(&errors, 24, i32::MAX).map(|share| share.share), Some(0.25));
    }

    #[test]
    fn scores_add_up_whatever_is_added_first() {
        let mut whole = Score::default();
        let mut halves = [Score::default(), Score::default()];
        for (i, (measure, ..)) in Measure::NAMES.iter().enumerate() {
            for bin in [0, 1, 7] {
                whole.add(*measure, bin, 3);
                halves[(i + usize::from(bin == 1)) % 2].add(*measure, bin, 3);
            }
        }
        let [mut first, second] = halves;
        first.merge(&second);
        assert_eq!(first, whole);
        assert_eq!(whole.held(P80).map(|share| (share.share, share.n)), Some((1.0, 3)));
        assert_eq!((whole.held(3), whole.held(99)), (None, None));
        assert_eq!(whole.precision().map(|share| share.n), Some(9));
    }
}
