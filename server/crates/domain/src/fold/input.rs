//! All that the fold reads: data and the argument `now`, nothing else.

use crate::{
    ExceptionReason,
    calendar::Calendar,
    exceptions::usual::Usual,
    ids::{ExceptionId, ObservationId, SnapshotId, SourceId, TrackerId},
    observation::Observation,
    punctuality::Moment,
    reading::Reading,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything known about one shipment, as of some moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoldInput {
    /// What was meant to happen.
    pub plan: Plan,
    /// Every statement on every tracker bound to the shipment, in any order.
    pub facts: Vec<Fact>,
    /// The snapshots that the sightings name.
    pub snapshots: Vec<Snapshot>,
    /// What people decided, and what other systems refused.
    pub decisions: Vec<Decision>,
    /// Since when each tracker is bound to the shipment; one that is missing here is bound to its latest use (R16).
    #[serde(default)]
    pub bound: BTreeMap<TrackerId, Timestamp>,
    /// The other deliveries that go under the same trackers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<TrackerId, Vec<OtherDelivery>>,
    /// What is usual for it, as of now; none: nothing is derived from that.
    #[serde(skip)]
    pub watch: Option<Watch>,
}

/// By what a shipment is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// The company's working days.
    pub calendar: Calendar,
    /// What is usual on its lane; none where the lane is not known.
    pub usual: Option<Usual>,
    /// From when on it is expected late if nothing new is reported, as was learned on its lane; none where it is not, or too
    /// little is known.
    pub late_from: Option<Timestamp>,
    /// Whether its updates can come in.
    pub feed: Feed,
}

/// Whether the updates of a shipment can come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// Over a connection that is in use.
    #[default]
    Running,
    /// The connections that brought or would bring them are disabled.
    Paused,
    /// No connection brings any.
    Missing,
    /// It has no number of which any could be.
    Unnumbered,
}

/// Another delivery under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherDelivery {
    /// Its status in the order system.
    pub standing: DeliveryStanding,
    /// Since when the tracker is bound to it.
    pub since: Timestamp,
}

/// What was meant to happen, from the order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The normalised numbers of the pieces; empty where the shipment is one whole.
    pub pieces: Vec<String>,
    /// How many stops the load has; none where it is not a multi-stop load.
    pub stops: Option<u32>,
    /// The latest time promised to the customer; none without a promise.
    pub promised_by: Option<Timestamp>,
    /// Where the promise comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<PromiseSource>,
    /// What was promised since when, oldest first; a promise that was withdrawn is one of nothing. Empty of what an earlier
    /// build took in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Promised>,
    /// When it should leave the house, as the order system has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_by: Option<Timestamp>,
    /// By how many hours it may leave later than that before it is an exception; none where that is not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_grace_hours: Option<u32>,
    /// The delivery's status in the order system.
    #[serde(default)]
    pub standing: DeliveryStanding,
    /// Since when it is cancelled or deleted there, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing_since: Option<Timestamp>,
    /// What of the order, the delivery or the customer could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Doubts about its numbers; they are void once a carrier reports the number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Since when there is one or the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_since: Option<Timestamp>,
    /// Since when updates are expected: the watch for missing updates starts here.
    pub expected_from: Option<Timestamp>,
    /// When the order system has it received into the company's own stock: a receipt or a return that arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// How long the shipment may be silent before it is an exception, in hours, where nothing is known of its lane.
    pub silence_after_hours: Option<u32>,
    /// Country of destination, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Plan {
    /// Whether the order system no longer wants the delivery: cancelled or deleted there.
    pub fn is_called_off(&self) -> bool {
        matches!(self.standing, DeliveryStanding::Cancelled | DeliveryStanding::Deleted)
    }

    /// Goes on with what was promised before: the own promise is added where it is another one.
    pub fn continue_promises(&mut self, before: &Self, at: Timestamp) {
        let now = self.promises.last().and_then(|promise| promise.due);
        let mut all = before.promises.clone();
        // made before promises were kept: the same promise is as old as it was
        if all.is_empty() && before.promised_by.is_some() && before.promised_by == self.promised_by {
            return;
        }
        if all.last().and_then(|promise| promise.due) != now {
            all.push(Promised { due: now, recorded: at });
        }
        self.promises = all;
    }
}

/// A promise, and since when it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    /// By when; a day where a day was promised. None: nothing any more.
    pub due: Option<Moment>,
    /// Since when.
    pub recorded: Timestamp,
}

/// Where a promise comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PromiseSource {
    /// The order names the date (Odoo's `commitment_date`).
    Commitment,
    /// A promise rule made it from the day of shipping.
    Rule {
        /// The rule's name.
        name: String,
    },
}

/// The status of a delivery in the order system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStanding {
    /// Not yet shipped.
    #[default]
    Open,
    /// Validated: it left the house.
    Done,
    /// Cancelled.
    Cancelled,
    /// No longer there.
    Deleted,
}

/// How far a source is trusted against another (R11): higher wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Entered by a person.
    Manual,
    /// A platform that passes on carriers' events.
    Aggregator,
    /// The carrier itself, by EDI or API.
    Carrier,
}

/// A statement with its reading and where it was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The observation's id.
    pub id: ObservationId,
    /// The event.
    pub observation: Observation,
    /// What it means by the latest published reading.
    pub reading: Reading,
    /// The tracker it hangs on.
    pub tracker: TrackerId,
    /// The piece of the plan that the tracker's binding names.
    pub piece: Option<String>,
    /// Its source.
    pub source: SourceId,
    /// How far that source is trusted.
    pub trust: Trust,
    /// Every time it was seen; never empty.
    pub sightings: Vec<Sighting>,
}

/// One seeing of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// The list it stood in; none for sources that add.
    pub snapshot: Option<SnapshotId>,
    /// Its place in the message, counted from 0.
    pub position: u32,
    /// When we took it in.
    pub recorded_at: Timestamp,
}

/// A list that a provider sent at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id: content of source, tracker object, stamp and digest.
    pub id: SnapshotId,
    /// Who sent it.
    pub source: SourceId,
    /// The tracker it lists.
    pub tracker: TrackerId,
    /// The provider's own tracker object, where it names one.
    pub object: Option<String>,
    /// The provider's time of the list.
    pub stamp: Option<Timestamp>,
    /// Digest of the list's content; breaks ties of the stamp.
    pub digest: String,
    /// When we took it in.
    pub recorded_at: Timestamp,
}

/// What a person decided about the shipment, or another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Choice,
}

/// The choices that people have, and the answers of other systems that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Choice {
    /// An exception is settled; its evidence opens nothing any more.
    Resolve {
        /// The committed exception.
        exception: ExceptionId,
        /// Its evidence at that time.
        evidence: Vec<ObservationId>,
    },
    /// A settled exception is open again.
    Reopen {
        /// The committed exception.
        exception: ExceptionId,
        /// Its evidence.
        evidence: Vec<ObservationId>,
    },
    /// Another system refused for good what it was to be given.
    Refused {
        /// Which exception that is.
        reason: ExceptionReason,
    },
    /// It was accepted after all.
    Accepted {
        /// Which exception is over.
        reason: ExceptionReason,
    },
}
