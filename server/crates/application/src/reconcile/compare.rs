//! What differs of one shipment, pure: what the order system shows, what Milepost knows, how its tickets stand.

use domain::{
    ExceptionReason, State, carriers as directory,
    fold::{DeliveryStanding, PromiseSource},
    numbers,
    ownership::{Holder, holder},
    reconcile::{Cause, Fix, Topic},
};
use jiff::{SignedDuration, Timestamp};
use odoo::{Changed, Delivery, DeliveryState, UnreadPart};
use storage::{
    reconciliations::{Said, Subject, What},
    shipments::Loaded,
    trackers::NumberRecord,
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

/// What was changed in Odoo so lately is read by the next import and is no difference yet.
pub(super) const UNREAD_GRACE: SignedDuration = SignedDuration::from_mins(3);
/// A ticket that was decided so lately is being made.
const TICKET_GRACE: SignedDuration = SignedDuration::from_mins(15);
/// Dates of receipts that differ by less are one.
const ANOTHER_DAY: SignedDuration = SignedDuration::from_hours(24);
/// Times that differ by less are one: Odoo keeps whole seconds.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(60);

/// How the updates of a target stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Updates {
    /// One waits, runs or is tried again.
    pub(super) waits: bool,
    /// One failed for good.
    pub(super) failed: bool,
}

impl Updates {
    /// Why a value is not there, where nobody else changed it.
    const fn cause(self, refused: Cause) -> Cause {
        match (self.waits, self.failed) {
            (true, _) => Cause::Queued,
            (false, true) => refused,
            (false, false) => Cause::NotSent,
        }
    }
}

/// What the order system has of the delivery.
#[derive(Clone, Copy, Debug)]
pub(super) enum There<'a> {
    /// It.
    Delivery(&'a Delivery),
    /// It could not be read.
    Unreadable,
    /// It is gone.
    Gone,
}

/// A field that both sides may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Both {
    /// What the order system shows.
    pub(super) shows: Option<String>,
    /// What Milepost would write.
    pub(super) ours: String,
}

/// What the shipment's sales order shows that is something else than was written there.
#[derive(Clone, Debug)]
pub(super) struct OrderShows {
    pub(super) changed: Vec<Changed>,
    /// Whether its fields were set back as often as they may be.
    pub(super) contested: bool,
    pub(super) updates: Updates,
}

/// What of a shipment is compared with the order system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) there: There<'a>,
    /// When the newest event of the goods was.
    pub(super) event_at: Option<Timestamp>,
    /// The numbers in the delivery, each as written with its carrier's family.
    pub(super) numbers: &'a [(String, Option<String>)],
    /// The numbers of labels that Milepost booked for the delivery.
    pub(super) booked: &'a [String],
    /// Milepost's own fields that show something else than they should.
    pub(super) changed: &'a [Changed],
    /// Whether what they should show was written.
    pub(super) was_written: bool,
    /// Whether they were set back as often as they may be.
    pub(super) contested: bool,
    /// The delivery state of OCA's module, where that is there and differs.
    pub(super) delivery_state: Option<&'a Both>,
    /// When a receipt is scheduled, and when the carrier expects it, where those are days apart.
    pub(super) scheduled: Option<(Timestamp, Timestamp)>,
    /// What differs of its order's fields, which one of the order's shipments stands for.
    pub(super) order: Option<&'a OrderShows>,
    /// The order's invoice status, where Milepost invoices.
    pub(super) invoice: Option<&'a str>,
    pub(super) updates: Updates,
    pub(super) now: Timestamp,
}

/// A difference, before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) topic: Topic,
    pub(super) cause: Cause,
    pub(super) fix: Fix,
    pub(super) odoo: Said,
    pub(super) ours: Said,
}

pub(super) fn says(what: What) -> Said {
    Said { what, ..Said::default() }
}

pub(super) fn odd(what: What) -> Said {
    Said { odd: true, ..says(what) }
}

fn words(text: &str) -> What {
    What::Words(text.to_owned())
}

/// When the newest event of the goods was.
pub(super) fn event_at(loaded: &Loaded) -> Option<Timestamp> {
    let last = loaded.shipment.folded.last_event?;
    loaded.input.facts.iter().find(|fact| fact.id == last)?.observation.time.sort_key()
}

impl Side<'_> {
    /// What differs.
    pub(super) fn differences(&self) -> Vec<Draft> {
        let delivery = match self.there {
            There::Delivery(delivery) => delivery,
            There::Unreadable => return vec![self.unreadable()],
            There::Gone => return self.gone().into_iter().collect(),
        };
        let mut drafts = Vec::new();
        drafts.extend(self.taken(delivery));
        drafts.extend(self.carrier(delivery));
        drafts.extend(self.moves(delivery));
        drafts.extend(self.written());
        drafts.extend(self.order.and_then(OrderShows::draft));
        drafts.extend(self.delivery_state(delivery));
        drafts.extend(self.scheduled(delivery));
        drafts.extend(self.invoice());
        drafts
    }

    fn state(&self) -> Said {
        Said { at: self.event_at, ..says(What::State(self.loaded.shipment.folded.state)) }
    }

    fn unreadable(&self) -> Draft {
        Draft {
            topic: Topic::Standing,
            cause: Cause::Unreadable,
            fix: Fix::Decide,
            odoo: odd(words("cannot be read")),
            ours: self.state(),
        }
    }

    /// The delivery was deleted: known here or not yet.
    fn gone(&self) -> Option<Draft> {
        let shipment = &self.loaded.shipment;
        let known = shipment.plan.standing == DeliveryStanding::Deleted;
        let (cause, fix) = match known {
            // a shipment that is over needs no delivery
            true if shipment.folded.state.is_terminal() => return None,
            true => (Cause::DeletedInOdoo, Fix::Decide),
            false => (Cause::NotImported, Fix::TakeFromOdoo),
        };
        Some(Draft { topic: Topic::Gone, cause, fix, odoo: odd(words("deleted")), ours: self.state() })
    }

    /// What was not compared, since the next import reads it.
    pub(super) fn uncompared(&self) -> &'static [Topic] {
        match self.there {
            There::Delivery(delivery) if self.is_written_lately(delivery) => {
                &[Topic::Number, Topic::Promised, Topic::Standing]
            }
            There::Delivery(delivery) if delivery.unread.contains(&UnreadPart::Order) => &[Topic::Promised],
            _ => &[],
        }
    }

    fn is_written_lately(&self, delivery: &Delivery) -> bool {
        delivery.write_date.is_some_and(|at| self.now.duration_since(at) < UNREAD_GRACE)
    }

    /// What Odoo owns and Milepost takes over: numbers, promise, standing.
    fn taken(&self, delivery: &Delivery) -> Vec<Draft> {
        let plan = &self.loaded.shipment.plan;
        let mut drafts = Vec::new();
        if self.is_written_lately(delivery) {
            return drafts;
        }
        let take = |topic, odoo, ours| Draft {
            topic,
            cause: Cause::NotImported,
            fix: Fix::TakeFromOdoo,
            odoo: Said { at: delivery.write_date, ..odoo },
            ours,
        };
        let ours = &self.loaded.shipment.numbers;
        if !same_numbers(self.numbers, ours) {
            let shown: Vec<_> = self.numbers.iter().map(|(raw, _)| raw.as_str()).collect();
            let known: Vec<_> = ours.iter().map(|number| number.number.as_str()).collect();
            drafts.push(take(Topic::Number, says(listed(&shown)), odd(listed(&known))));
        }
        let committed = plan.promised_by.filter(|_| plan.promise == Some(PromiseSource::Commitment));
        let apart = |one: Timestamp, other: Timestamp| one.duration_since(other).abs() >= SAME_TIME;
        let same = match (delivery.promised_by, committed) {
            (None, None) => true,
            (Some(one), Some(other)) => !apart(one, other),
            _ => false,
        };
        if !same && !delivery.unread.contains(&UnreadPart::Order) {
            let at = |time: Option<Timestamp>| time.map_or(What::Nothing, What::At);
            drafts.push(take(Topic::Promised, says(at(delivery.promised_by)), odd(at(committed))));
        }
        if standing_of(delivery.state) != plan.standing {
            let ours = words(standing_word(plan.standing));
            drafts.push(take(Topic::Standing, says(words(standing_word(standing_of(delivery.state)))), odd(ours)));
        }
        drafts
    }

    /// The number shows another carrier than the order system chose, and that carrier has reported. Not of a label that Milepost
    /// booked: the rule or the person that had it booked chose its carrier.
    fn carrier(&self, delivery: &Delivery) -> Option<Draft> {
        let shipment = &self.loaded.shipment;
        if delivery.tracking_numbers.iter().any(|number| self.booked.contains(number)) {
            return None;
        }
        let chosen = delivery.carrier.as_deref()?;
        let family = directory::known("odoo", chosen)?.family.as_str();
        let [number] = &shipment.numbers[..] else { return None };
        let maker = numbers::only_maker(&number.number)?;
        // a carrier that hands its parcels over has the same number
        let read = numbers::Number::read(&number.number);
        let is_handed_over = read.formats().iter().any(|form| form.delivering().contains(&family));
        if self.event_at.is_none() || maker == family || is_handed_over {
            return None;
        }
        let name = directory::family_name(maker).unwrap_or(maker);
        Some(Draft {
            topic: Topic::Carrier,
            cause: Cause::OtherCarrier,
            fix: Fix::Decide,
            odoo: odd(words(chosen)),
            ours: Said { note: Some("by the number's form".into()), ..says(words(name)) },
        })
    }

    /// What happened to the goods and what the transfer says do not fit.
    fn moves(&self, delivery: &Delivery) -> Option<Draft> {
        let state = self.loaded.shipment.folded.state;
        let (topic, cause, odoo) = match delivery.state {
            DeliveryState::Open if state == State::Delivered => {
                (Topic::Transfer, Cause::NotValidated, odd(words("open")))
            }
            DeliveryState::Cancelled if state.has_left() && !state.is_terminal() => {
                let at = self.loaded.shipment.plan.standing_since.or(delivery.write_date);
                (Topic::Cancelled, Cause::EditedInOdoo, Said { at, ..odd(words("cancelled")) })
            }
            _ => return None,
        };
        Some(Draft { topic, cause, fix: Fix::Decide, odoo, ours: self.state() })
    }

    /// Milepost's own fields.
    fn written(&self) -> Vec<Draft> {
        let mut topics: Vec<(Topic, &Changed)> =
            self.changed.iter().map(|changed| (topic_of(&changed.field), changed)).collect();
        topics.sort_by_key(|(topic, _)| *topic);
        topics.dedup_by_key(|(topic, _)| *topic);
        // the details are no more to be said where something else differs
        if topics.len() > 1 {
            topics.retain(|(topic, _)| *topic != Topic::Details);
        }
        let cause = match self.updates.cause(Cause::Refused) {
            Cause::Queued => Cause::Queued,
            // an update that failed before the last one is no reason
            _ if self.contested => Cause::Contested,
            _ if self.was_written => Cause::EditedInOdoo,
            cause => cause,
        };
        let fix = if cause == Cause::Queued { Fix::Wait } else { Fix::UpdateOdoo };
        let draft = |(topic, changed): (Topic, &Changed)| Draft {
            topic,
            cause,
            fix,
            odoo: odd(shown(topic, changed.shows.as_deref())),
            ours: match topic {
                Topic::Status => self.state(),
                _ => says(shown(topic, changed.written.as_deref())),
            },
        };
        topics.into_iter().map(draft).collect()
    }

    /// OCA's delivery state: a person's choice holds until a newer event.
    fn delivery_state(&self, delivery: &Delivery) -> Option<Draft> {
        let both = self.delivery_state.filter(|both| both.shows.as_deref() != Some(&both.ours))?;
        let (cause, fix) = match self.updates.cause(Cause::Refused) {
            Cause::Queued => (Cause::Queued, Fix::Wait),
            Cause::Refused => (Cause::Refused, Fix::UpdateOdoo),
            cause if holder(delivery.write_date, self.event_at) == Holder::Event => (cause, Fix::UpdateOdoo),
            _ => (Cause::EditedInOdoo, Fix::Decide),
        };
        let shows = both.shows.as_deref().map_or(What::Nothing, oca);
        Some(Draft {
            topic: Topic::DeliveryState,
            cause,
            fix,
            odoo: Said { at: delivery.write_date, ..odd(shows) },
            ours: Said { at: self.event_at, ..says(oca(&both.ours)) },
        })
    }

    /// A receipt that the carrier expects on another day: a person's date holds until they take the carrier's.
    fn scheduled(&self, delivery: &Delivery) -> Option<Draft> {
        let (there, eta) = self.scheduled?;
        let open = delivery.state == DeliveryState::Open && !self.loaded.shipment.folded.state.is_terminal();
        (open && there.duration_since(eta).abs() >= ANOTHER_DAY).then(|| Draft {
            topic: Topic::Scheduled,
            cause: Cause::Rescheduled,
            fix: Fix::Decide,
            odoo: odd(What::At(there)),
            ours: Said { note: Some("ETA".into()), ..says(What::At(eta)) },
        })
    }

    fn invoice(&self) -> Option<Draft> {
        let status = self.invoice.filter(|status| *status == "to invoice")?;
        (self.loaded.shipment.folded.state == State::Delivered).then(|| Draft {
            topic: Topic::Invoice,
            cause: self.invoice_cause(),
            fix: if self.updates.waits { Fix::Wait } else { Fix::Decide },
            odoo: odd(words(status)),
            ours: self.state(),
        })
    }

    const fn invoice_cause(&self) -> Cause {
        match self.updates.cause(Cause::Refused) {
            Cause::NotSent => Cause::NotInvoiced,
            cause => cause,
        }
    }
}

impl OrderShows {
    fn draft(&self) -> Option<Draft> {
        let changed = self.changed.iter().min_by_key(|changed| topic_of(&changed.field))?;
        let (cause, fix) = match self.updates.waits {
            true => (Cause::Queued, Fix::Wait),
            false if self.contested => (Cause::Contested, Fix::UpdateOdoo),
            false => (Cause::EditedInOdoo, Fix::UpdateOdoo),
        };
        let (topic, note) = (topic_of(&changed.field), Some(odoo::label(&changed.field).to_owned()));
        let odoo = Said { note, ..odd(shown(topic, changed.shows.as_deref())) };
        Some(Draft {
            topic: Topic::OrderFields,
            cause,
            fix,
            odoo,
            ours: says(shown(topic, changed.written.as_deref())),
        })
    }
}

/// What differs of a shipment's ticket and its exception.
pub(super) fn ticket(
    case: &CaseRecord,
    exception: Option<&ExceptionRecord>,
    updates: Updates,
    now: Timestamp,
) -> Option<(Topic, Cause, Fix)> {
    let over = exception.is_some_and(|exception| exception.closed.is_some());
    let cause = updates.cause(Cause::DeskRefused);
    let fix = if cause == Cause::Queued { Fix::Wait } else { Fix::UpdateTicket };
    match case.status {
        CaseStatus::Pending if now.duration_since(case.opened_at) >= TICKET_GRACE => {
            Some((Topic::TicketMissing, cause, fix))
        }
        // the closing comment was made: an agent opened the ticket again, or closes it
        CaseStatus::Open if over && case.notes.iter().any(|note| note.starts_with("closed/")) => {
            Some((Topic::TicketOpen, Cause::ByAgent, Fix::Decide))
        }
        CaseStatus::Open if over => Some((Topic::TicketOpen, cause, fix)),
        _ if !over && case.is_closed_by_agent() => Some((Topic::TicketClosed, Cause::ByAgent, Fix::Decide)),
        _ => None,
    }
}

/// The record at the desk that a ticket's differences are of.
pub(super) fn ticket_subject(case: &CaseRecord) -> Subject {
    Subject { system: case.desk.clone(), record: case.exception.to_string() }
}

/// A ticket, as it is known here.
pub(super) fn ticket_says(case: &CaseRecord) -> Said {
    let status = match case.status {
        CaseStatus::Pending => "not opened",
        CaseStatus::Open => "open",
        CaseStatus::Resolved => "resolved",
        CaseStatus::Rejected => "rejected",
        CaseStatus::Deleted => "deleted",
        CaseStatus::Hidden => "no longer readable",
    };
    let number = case.number.clone().unwrap_or_default();
    says(What::Ticket { number, desk: case.desk.clone(), status: status.into() })
}

pub(super) fn listed(numbers: &[&str]) -> What {
    if numbers.is_empty() { What::Nothing } else { What::Words(numbers.join(", ")) }
}

/// Whether both name the same numbers, however each is written.
pub(super) fn same_numbers(there: &[(String, Option<String>)], ours: &[NumberRecord]) -> bool {
    let keys = |raw: &str, carrier: Option<&str>| {
        let mut keys = numbers::resembling(raw, carrier);
        keys.extend(numbers::normalise_of(raw, carrier).ok());
        keys
    };
    let there: Vec<_> = there.iter().map(|(raw, carrier)| keys(raw, carrier.as_deref())).collect();
    let ours: Vec<_> = ours.iter().map(|number| keys(&number.number, number.carrier.as_deref())).collect();
    let meets =
        |one: &[String], others: &[Vec<String>]| others.iter().any(|other| one.iter().any(|key| other.contains(key)));
    there.iter().all(|one| meets(one, &ours)) && ours.iter().all(|one| meets(one, &there))
}

const fn standing_of(state: DeliveryState) -> DeliveryStanding {
    match state {
        DeliveryState::Open => DeliveryStanding::Open,
        DeliveryState::Done => DeliveryStanding::Done,
        DeliveryState::Cancelled => DeliveryStanding::Cancelled,
    }
}

const fn standing_word(standing: DeliveryStanding) -> &'static str {
    match standing {
        DeliveryStanding::Open => "open",
        DeliveryStanding::Done => "done",
        DeliveryStanding::Cancelled => "cancelled",
        DeliveryStanding::Deleted => "deleted",
    }
}

fn topic_of(field: &str) -> Topic {
    match field {
        "x_milepost_status" => Topic::Status,
        "x_milepost_eta" => Topic::Eta,
        "x_milepost_delivered_at" => Topic::DeliveredAt,
        "x_milepost_exception" => Topic::Exception,
        _ => Topic::Details,
    }
}

/// What a field shows, as far as that is a word of ours; whatever else people typed there is not kept.
fn shown(topic: Topic, text: Option<&str>) -> What {
    let Some(text) = text else { return What::Nothing };
    let known = match topic {
        Topic::Status => State::from_code(text).map(What::State),
        Topic::Eta | Topic::DeliveredAt => odoo_time(text).map(What::At),
        Topic::Exception => {
            let known = ExceptionReason::ALL.iter().find(|reason| reason.label() == text);
            known.map(|reason| words(reason.label()))
        }
        _ => None,
    };
    known.unwrap_or_else(|| words(if topic == Topic::Details { "details" } else { "another text" }))
}

/// A time as Odoo writes it, in UTC.
fn odoo_time(text: &str) -> Option<Timestamp> {
    format!("{}Z", text.trim().replace(' ', "T")).parse().ok()
}

/// A value of OCA's selection.
fn oca(value: &str) -> What {
    What::Words(value.replace('_', " "))
}

#[cfg(test)]
mod tests;
