//! What carriers have reported until a world starts.

use crate::{
    SourceSecrets,
    carrier::{Message, compose},
    journey::{Feed, Shipment, later},
    rng::Rng,
};
use jiff::{SignedDuration, Timestamp};

/// Journeys that ended longer ago than this are sent in two messages, not step by step.
const BRIEF_AFTER: SignedDuration = SignedDuration::from_hours(4 * 24);

/// Every message of the past of these, in the order in which it arrives.
pub(crate) fn past_of<'a>(
    seed: u64,
    begun: Timestamp,
    shipments: impl IntoIterator<Item = &'a Shipment>,
    sources: &SourceSecrets,
) -> Vec<Message> {
    let mut rng = Rng::new(seed ^ 0x7061_7374);
    let mut arrivals: Vec<(Timestamp, usize, Message)> = Vec::new();
    for shipment in shipments {
        let known = shipment.steps.iter().filter(|s| s.at <= begun).count();
        let ended = known == shipment.steps.len();
        let old = shipment.steps.last().is_some_and(|s| ended && begun.duration_since(s.at) > BRIEF_AFTER);
        let each_is_news = shipment.carrier.feed == Feed::Freight;
        for n in 1..=known {
            if old && !each_is_news && n != known && n != known / 2 {
                continue;
            }
            // a carrier tells a few minutes after it happened; now and then hours later
            let minutes = if rng.one_in(12) { rng.range(200, 900) } else { rng.range(1, 20) };
            let wait = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(1));
            let said = later(shipment.steps[n - 1].at, SignedDuration::from_mins(1)).min(begun);
            let message = compose(shipment, n, said, sources);
            let arrives = later(said, wait);
            if rng.one_in(15) {
                let again = later(arrives, SignedDuration::from_mins(i64::try_from(rng.range(1, 300)).unwrap_or(1)));
                arrivals.push((again, arrivals.len(), message.clone()));
            }
            arrivals.push((arrives, arrivals.len(), message));
        }
    }
    arrivals.sort_by_key(|(at, made, _)| (*at, *made));
    arrivals.into_iter().map(|(.., message)| message).collect()
}
