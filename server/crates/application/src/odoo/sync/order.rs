//! The order of deliveries: its fields show what all of its shipments come to. Where they were changed by hand they are set
//! back, with a note on the order.

use super::{
    Of, Update, Written, effects,
    posting::Posting,
    values::{values, worst},
};
use crate::{
    context::Context,
    odoo::{OrderError, of_order::SalesOrder},
};
use domain::{
    Severity, State,
    effects::{EffectOutcome, EffectTarget},
};
use jiff::Timestamp;
use odoo::{Changed, Fields, OdooClient, Record, StatusValues, changed_by_others};
use outbound::CallLog;
use std::sync::Arc;
use storage::{
    Scope, StoreError,
    jobs::{JobKind, LeasedJob, NewJob},
    orders::{Origin, OriginStanding},
    shipments::{EffectRecord, Loaded},
};

/// An order of an order system.
#[derive(Debug)]
pub(super) struct Order {
    system: String,
    /// Its shipments that have notes for it which wait.
    noted: Vec<Loaded>,
    /// What was changed in Odoo and is set back now, as far as it is known.
    changed: Vec<Changed>,
    leased: LeasedJob,
}

impl Order {
    pub(super) fn system(&self) -> &str {
        &self.system
    }

    pub(super) fn sets_back(&self) -> bool {
        !self.noted.is_empty()
    }

    /// What it shows, where fields are to be set back.
    pub(super) fn shows(&mut self, shown: Option<Fields>, written: &StatusValues) {
        self.changed = shown.map(|shown| changed_by_others(&shown, written)).unwrap_or_default();
    }

    /// Posts the notes that wait for it; until when one of a paused rule waits.
    pub(super) async fn post(
        &self,
        context: &Context,
        scope: Scope,
        odoo: &OdooClient,
        calls: &dyn CallLog,
    ) -> Result<Option<Timestamp>, OrderError> {
        let connections = context.connections.now();
        let settings = connections.get(&self.system).and_then(|system| system.orders.as_deref());
        let (mut first, mut later): (Option<OrderError>, Option<Timestamp>) = (None, None);
        for loaded in &self.noted {
            let Some(origin) = &loaded.shipment.origin else { continue };
            let (changed, leased, tries) = (&self.changed[..], &self.leased, self.leased.attempts);
            let posting = Posting { context, scope, odoo, calls, origin, loaded, changed, tries, leased, settings };
            let left = effects::post_these(&posting, is_waiting_note).await?;
            // one that is refused holds up none of the others
            first = first.or(left.failed);
            later = later.into_iter().chain(left.later).min();
        }
        first.map_or(Ok(later), Err)
    }
}

/// A note for the order that waits.
fn is_waiting_note(effect: &EffectRecord) -> bool {
    effect.target == EffectTarget::SalesOrderNote && effect.outcome == EffectOutcome::Pending
}

/// The order of a delivery is to be brought up to date; nothing where it has no sales order.
pub(super) async fn follows(context: &Context, leased: &LeasedJob, origin: &Origin) -> Result<(), StoreError> {
    let Some(order) = SalesOrder::of(origin) else { return Ok(()) };
    let target = order.target();
    let NewJob { cause, correlation, shipment, lane, .. } = leased.job;
    let job = context.job(JobKind::SYNC_SALES_ORDER, target, cause, correlation, shipment).to(&origin.system);
    context.store.jobs.enqueue(leased.scope, vec![NewJob { lane, ..job }]).await?;
    context.notifier.work(lane);
    Ok(())
}

/// The update of an order; none where it has no shipments that go to the customer.
pub(super) async fn update(
    context: &Context,
    leased: &LeasedJob,
    odoo: Arc<OdooClient>,
) -> Result<Option<Update>, StoreError> {
    let Some(id) = leased.job.shipment else { return Ok(None) };
    let Some(shipment) = context.store.shipments.shipment(leased.scope, id).await? else { return Ok(None) };
    let Some(order) = shipment.origin.as_ref().and_then(SalesOrder::of) else { return Ok(None) };
    let (mut parts, mut noted) = (Vec::new(), Vec::new());
    for shipment in order.shipments(context, leased.scope).await? {
        let Some(loaded) = context.store.shipments.load(leased.scope, shipment.id, None).await? else { continue };
        parts.push(Part::of(context, &loaded));
        if loaded.effects.iter().any(is_waiting_note) {
            noted.push(loaded);
        }
    }
    let Some(values) = summary(&parts) else { return Ok(None) };
    let fields = context.store.shipments.order_fields(leased.scope, order.system, order.record).await?;
    let written = Written { values: fields.values.as_deref(), at: fields.at };
    let system = order.system.to_owned();
    let of = Of::Order(Box::new(Order { system, noted, changed: Vec::new(), leased: leased.clone() }));
    Ok(Some(Update::new(context, odoo, (Record::order(order.record), values), written, leased.attempts, of)))
}

/// A shipment of an order.
#[derive(Clone, Debug)]
struct Part {
    state: State,
    is_cancelled: bool,
    /// When its last event was.
    moved_at: Option<Timestamp>,
    severity: Option<Severity>,
    values: StatusValues,
}

impl Part {
    fn of(context: &Context, loaded: &Loaded) -> Self {
        let folded = &loaded.shipment.folded;
        let last = loaded.input.facts.iter().find(|fact| Some(fact.id) == folded.last_event);
        Self {
            state: folded.state,
            is_cancelled: loaded.shipment.standing == OriginStanding::Cancelled || folded.state == State::Cancelled,
            moved_at: last.and_then(|fact| fact.observation.time.sort_key()),
            severity: worst(loaded).map(|exception| exception.severity),
            values: values(context, loaded),
        }
    }

    /// Those that have ended come last, the one that ended worst first of them; of open ones the least advanced first.
    fn relevance(&self) -> (bool, u16) {
        let rank = match self.state {
            State::Failed => 0,
            State::Returned => 1,
            State::Delivered => 2,
            State::Cancelled => 3,
            open => return (false, open.rank()),
        };
        (true, rank)
    }
}

/// What an order shows: the status of the shipment that has furthest to go, the latest estimate and promise, the delivery only
/// when all have arrived, the worst exception with its ticket, and the newest event. Cancelled shipments count where there is
/// no other.
fn summary(parts: &[Part]) -> Option<StatusValues> {
    let live: Vec<&Part> = parts.iter().filter(|part| !part.is_cancelled).collect();
    let counted = if live.is_empty() { parts.iter().collect() } else { live };
    let shown = counted.iter().min_by_key(|part| part.relevance())?;
    let newest = counted.iter().max_by_key(|part| part.moved_at)?;
    let worst = counted.iter().filter(|part| part.severity.is_some()).max_by_key(|part| part.severity);
    let latest = |of: fn(&StatusValues) -> Option<Timestamp>| counted.iter().filter_map(|part| of(&part.values)).max();
    let with_case = worst.or_else(|| counted.iter().find(|part| part.values.case.is_some()));
    Some(StatusValues {
        status: shown.values.status.clone(),
        last_event: newest.values.last_event.clone(),
        eta: latest(|values| values.eta),
        promised: latest(|values| values.promised),
        delivered_at: latest(|values| values.delivered_at).filter(|_| shown.state == State::Delivered),
        exception: worst.and_then(|part| part.values.exception.clone()),
        url: worst.unwrap_or(shown).values.url.clone(),
        case: with_case.and_then(|part| part.values.case.clone()),
        case_url: with_case.and_then(|part| part.values.case_url.clone()),
        delivery_state: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(state: State, hour: i8) -> Part {
        let at: Timestamp = format!("2026-03-05T{hour:02}:00:00Z").parse().unwrap();
        let values = StatusValues {
            status: state.code().to_owned(),
            last_event: Some(format!("{} at {hour}", state.label())),
            eta: Some(at).filter(|_| !state.is_terminal()),
            promised: Some(at),
            delivered_at: Some(at).filter(|_| state == State::Delivered),
            url: Some(format!("https://milepost.example.com/{hour}")),
            ..StatusValues::default()
        };
        Part { state, is_cancelled: state == State::Cancelled, moved_at: Some(at), severity: None, values }
    }

    fn in_trouble(part: Part, severity: Severity, reason: &str) -> Part {
        let ticket = Some(format!("#{reason}"));
        let values = StatusValues { exception: Some(reason.into()), case: ticket, ..part.values };
        Part { severity: Some(severity), values, ..part }
    }

    #[test]
    fn an_order_shows_the_least_advanced_of_its_open_shipments() {
        use State::{Cancelled, Delivered, Failed, InTransit, PickedUp, Registered, Returned, Returning, Unknown};
        for (states, expected) in [
            (vec![InTransit], InTransit),
            (vec![InTransit, PickedUp], PickedUp),
            (vec![Delivered, Unknown], Unknown),
            (vec![Delivered, Registered, InTransit], Registered),
            (vec![Delivered, Returning], Returning),
            (vec![Returning, InTransit], InTransit),
            (vec![Delivered, Delivered], Delivered),
            (vec![Delivered, Cancelled], Delivered),
            (vec![Delivered, Returned], Returned),
            (vec![Returned, Failed], Failed),
            (vec![Cancelled, Cancelled], Cancelled),
        ] {
            let parts: Vec<Part> = (1_i8..).zip(&states).map(|(hour, state)| part(*state, hour)).collect();
            let shown = summary(&parts).unwrap();
            assert_eq!(shown.status, expected.code(), "{states:?}");
            assert_eq!(shown.delivered_at.is_some(), expected == Delivered, "{states:?}");
        }
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn an_order_shows_the_latest_times_and_the_worst_exception() {
        let minor = in_trouble(part(State::InTransit, 3), Severity::Minor, "Delayed");
        let major = in_trouble(part(State::OutForDelivery, 5), Severity::Major, "Damaged");
        let shown = summary(&[minor, major, part(State::PickedUp, 4)]).unwrap();
        let at = |hour: i8| format!("2026-03-05T{hour:02}:00:00Z").parse().ok();
        assert_eq!((shown.status.as_str(), shown.eta, shown.promised), ("PICKED_UP", at(5), at(5)));
        assert_eq!((shown.exception.as_deref(), shown.case.as_deref()), (Some("Damaged"), Some("#Damaged")));
        assert_eq!(shown.last_event.as_deref(), Some("Out for delivery at 5"));
        assert_eq!(shown.url.as_deref(), Some("https://milepost.example.com/5"), "where the trouble is");
    }
}
