//! What carriers report, statement by statement: how late, in which codes, with which times.

use super::{
    row::{Bucket, Contributed, Part},
    shipment::{Shipment, Story, first_receipt},
};
use crate::{definition::Kpi, learned::bins::Scale};
use domain::{
    Classifier,
    event_time::{EventTime, ZoneSource},
    fold::{Fact, Standing},
    ids::{IdMap, ObservationId},
    punctuality::Moment,
};
use jiff::{SignedDuration, Timestamp};

/// A clock may be ahead by the largest spread of offsets; more is impossible.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(26);

/// How late a statement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// By so much.
    Counted(SignedDuration),
    /// Its clock was ahead: 0.
    ClockAhead,
    /// Not known to the minute, or in an assumed zone.
    NoMinute,
    /// It cannot have happened then.
    Impossible,
}

/// How late a statement was, from when it happened to when it was first received.
pub fn latency(time: &EventTime, received: Timestamp) -> Latency {
    if time.sentinel {
        return Latency::Impossible;
    }
    let Some(Moment::Instant(at)) = Moment::of(time).filter(|_| time.zone_source != Some(ZoneSource::Assumed)) else {
        return Latency::NoMinute;
    };
    let late = received.duration_since(at);
    match late {
        _ if !late.is_negative() => Latency::Counted(late),
        _ if -late <= AHEAD_MAX => Latency::ClockAhead,
        _ => Latency::Impossible,
    }
}

/// The three figures of what is reported of a shipment.
pub fn contribute(of: &Shipment<'_>, story: &Story<'_>, to: &mut Contributed) {
    let taken_over = story.hand_over.map(|event| event.key);
    for fact in of.facts {
        contribute_one(of, &story.standings, (fact, taken_over), to);
    }
}

fn contribute_one(
    of: &Shipment<'_>,
    standings: &IdMap<ObservationId, Standing>,
    (fact, taken_over): (&Fact, Option<Timestamp>),
    to: &mut Contributed,
) {
    let standing = standings.get(&fact.id).copied();
    let is_statement = fact.observation.classifier == Classifier::Actual
        && fact.observation.retracts.is_none()
        && !matches!(standing, None | Some(Standing::OtherUse | Standing::Feed));
    let Some(received) = first_receipt(fact).filter(|_| is_statement) else { return };
    let bucket = Bucket::at(received, of.company_zone);
    let late = latency(&fact.observation.time, received);
    let quarantined = standing == Some(Standing::Quarantined) || late == Latency::Impossible;
    let contradicts = fact.reading.milestone.state() == Some(domain::State::Delivered)
        && fact.observation.time.sort_key().zip(taken_over).is_some_and(|(at, over)| at < over);
    let mut share = |kpi, yes| to.one(kpi, if yes { Part::Yes } else { Part::No }, bucket);
    share(Kpi::UnmappedShare, fact.reading.unmapped);
    share(Kpi::ImpossibleTimes, quarantined || contradicts);
    // what was taken back, by itself or by a newer list, was no event
    if matches!(standing, Some(Standing::Retracted | Standing::Superseded)) {
        return;
    }
    match late {
        Latency::Counted(late) => {
            to.binned(Kpi::EventLatency, Part::Value, bucket, Scale::Relative.bin(late.as_secs_f64()));
        }
        Latency::ClockAhead => {
            to.binned(Kpi::EventLatency, Part::Value, bucket, Scale::Relative.bin(0.0));
            to.one(Kpi::EventLatency, Part::ClockAhead, bucket);
        }
        Latency::NoMinute => to.one(Kpi::EventLatency, Part::NoMinute, bucket),
        Latency::Impossible => {}
    }
}
