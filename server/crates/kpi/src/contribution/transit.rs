//! How long shipments take, in working hours.

use super::{
    row::{Contributed, Part},
    shipment::Story,
};
use crate::{
    definition::Kpi,
    learned::{bins::Scale, transit::Way},
};
use domain::{punctuality::Moment, vocabulary::Phase};

/// The figure: delivered, with a hand-over scan at origin to the minute.
pub fn contribute(story: &Story<'_>, to: &mut Contributed) {
    let Some(delivered) = story.delivered() else { return };
    let bucket = story.bucket(delivered);
    let start = story.hand_over.filter(|event| event.milestone.phase() == Phase::Origin);
    let Some(Moment::Instant(handed_over)) = start.map(|event| event.moment) else {
        to.one(Kpi::TransitTime, Part::NotMeasurable, bucket);
        return;
    };
    let way = Way { origin: story.of.origin, destination: story.of.destination };
    let transit = way.transit(handed_over, delivered);
    match transit.working_hours() {
        Some(hours) => to.binned(Kpi::TransitTime, Part::Value, bucket, Scale::WorkingHours.bin(hours)),
        None => {
            let days = i32::try_from(transit.operating_days).unwrap_or(i32::MAX);
            to.binned(Kpi::TransitTime, Part::Days, bucket, days);
        }
    }
}
