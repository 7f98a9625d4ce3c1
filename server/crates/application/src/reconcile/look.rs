//! Looks at some records: reads what the order system and the store have, compares, and says what differs.

use super::compare::{
    self, Both, Draft, OrderShows, Side, There, Updates, event_at, odd, says, ticket_says, ticket_subject,
};
use crate::{
    context::Context,
    odoo::{self as orders, OrderError, REPAIRS_MAX, SET_BACK, SalesOrder},
};
use ::odoo::{Changed, DeliveryPage, Fields, OCA_FIELD, OdooClient, RecordKind, StatusValues, changed_by_others};
use domain::{
    Direction,
    effects::{EffectTarget, Invoicing},
    ids::{DifferenceId, ExceptionId, ShipmentId},
    reconcile::{Cause, Fix, Topic},
};
use jiff::{SignedDuration, Timestamp};
use outbound::CallLog;
use std::collections::{BTreeSet, HashMap};
use storage::{
    Scope,
    jobs::{JobKind, JobStatus},
    orders::{OrderKind, Origin},
    reconciliations::{Found, Look, OWN, Said, Subject, Unlinked, What},
    shipments::Loaded,
    trackers::NumberRecord,
    work::CaseStatus,
};

/// Set-backs within this time count against their limit.
const CONTEST: SignedDuration = SignedDuration::from_hours(24);
/// A number is there so long before it is missed in an order: its delivery may still be on its way here.
const NO_ORDER_GRACE: SignedDuration = SignedDuration::from_hours(1);

/// What looks are made with.
pub(super) struct Looker<'a> {
    pub(super) context: &'a Context,
    pub(super) scope: Scope,
    pub(super) calls: &'a dyn CallLog,
}

/// What was read of the order system for some deliveries.
struct Page {
    deliveries: DeliveryPage,
    shown: HashMap<i64, Fields>,
    states: HashMap<i64, Option<String>>,
    invoices: HashMap<i64, Option<String>>,
    scheduled: HashMap<i64, Option<Timestamp>>,
    /// What of sales orders was changed by others.
    orders: HashMap<i64, Vec<Changed>>,
    /// The numbers of labels that Milepost booked.
    booked: HashMap<i64, Vec<String>>,
}

/// How the jobs for some targets stand.
struct Jobs(HashMap<String, Updates>);

impl Jobs {
    fn of(&self, target: impl ToString) -> Updates {
        self.0.get(&target.to_string()).copied().unwrap_or_default()
    }
}

impl Looker<'_> {
    /// Looks at shipments of an order system and at their tickets; how many tickets that were.
    pub(super) async fn shipments(&self, system: &str, ids: &[ShipmentId]) -> Result<(Look, u64), OrderError> {
        let odoo = self.context.odoo(system).ok_or(OrderError::NotInUse)?;
        let mut loaded = Vec::with_capacity(ids.len());
        for id in ids {
            let one = self.context.store.shipments.load(self.scope, *id, None).await?;
            let origin = one.as_ref().and_then(|one| one.shipment.origin.clone());
            loaded.extend(one.zip(origin.filter(|origin| origin.system == system)));
        }
        let mut look = Look::default();
        let page = self.page(&odoo, system, &loaded).await?;
        let targets = loaded.iter().map(|(one, _)| one.shipment.id.to_string()).collect();
        let updates = self.updates(JobKind::SYNC_ORDER, targets).await?;
        let tickets = self.tickets(&loaded, &mut look).await?;
        for (one, origin) in &loaded {
            let subject = Subject { system: system.to_owned(), record: origin.record.to_string() };
            // others took all the calls: the next run reads it
            if page.deliveries.unreadable.iter().any(|unreadable| unreadable.id == origin.record && unreadable.waits) {
                look.unread.push(subject);
                continue;
            }
            let (drafts, uncompared) = self.compared(&odoo, &page, one, origin, updates.of(one.shipment.id)).await?;
            look.stays.extend(uncompared.iter().map(|topic| (subject.clone(), *topic)));
            look.subjects.push(subject);
            for draft in drafts {
                look.found.push(self.found(one, Some(origin), system, origin.record.to_string(), draft));
            }
        }
        Ok((look, tickets))
    }

    async fn page(&self, odoo: &OdooClient, system: &str, loaded: &[(Loaded, Origin)]) -> Result<Page, OrderError> {
        let records: Vec<i64> = loaded.iter().map(|(_, origin)| origin.record).collect();
        let connections = self.context.connections.now();
        let settings = connections.get(system).and_then(|one| one.orders.as_deref());
        let invoices = settings.is_some_and(|settings| settings.invoice != Invoicing::Never);
        let deliveries = odoo.deliveries(&records, self.calls).await?;
        let shown = odoo.shown(RecordKind::Delivery, &records, self.calls).await?;
        let states = odoo.delivery_state_of(&records, self.calls).await?;
        let mut of_orders: Vec<i64> = Vec::new();
        if invoices {
            let of_customers = loaded.iter().filter(|(_, origin)| origin.transfer.order == OrderKind::Sale);
            let delivered = of_customers.filter(|(one, _)| one.shipment.folded.delivered_at.is_some());
            of_orders.extend(delivered.filter_map(|(_, origin)| origin.order_record));
            of_orders.sort_unstable();
            of_orders.dedup();
        }
        let invoices = odoo.invoice_status_of(&of_orders, self.calls).await?;
        let inbound = loaded.iter().filter(|(_, origin)| origin.transfer.direction == Direction::Inbound);
        let inbound: Vec<i64> = inbound.map(|(_, origin)| origin.record).collect();
        let scheduled = odoo.scheduled_of(&inbound, self.calls).await?;
        let orders = self.orders(odoo, system, loaded).await?;
        let booked = self.booked(system, records).await?;
        Ok(Page { deliveries, shown, states, invoices, scheduled, orders, booked })
    }

    async fn booked(&self, system: &str, records: Vec<i64>) -> Result<HashMap<i64, Vec<String>>, OrderError> {
        let mut booked = HashMap::<i64, Vec<String>>::new();
        for booking in self.context.store.bookings.of_records(self.scope, system, records).await? {
            let label = booking.purchase.label.map(|label| label.number);
            booked.entry(booking.record).or_default().extend(label);
        }
        Ok(booked)
    }

    /// What sales orders show that is something else than was written there.
    async fn orders(
        &self,
        odoo: &OdooClient,
        system: &str,
        loaded: &[(Loaded, Origin)],
    ) -> Result<HashMap<i64, Vec<Changed>>, OrderError> {
        let records: BTreeSet<i64> = loaded.iter().filter_map(|(_, origin)| origin.sales_order()).collect();
        let shipments = &self.context.store.shipments;
        let written = shipments.written_of_orders(self.scope, system, records.into_iter().collect()).await?;
        let records: Vec<i64> = written.keys().copied().collect();
        let shown = odoo.shown(RecordKind::Order, &records, self.calls).await?;
        let changed = |(record, values): (i64, String)| {
            let values: StatusValues = serde_json::from_str(&values).ok()?;
            Some((record, changed_by_others(shown.get(&record)?, &values))).filter(|(_, changed)| !changed.is_empty())
        };
        Ok(written.into_iter().filter_map(changed).collect())
    }

    /// What differs of the order of a shipment, where this is the one that stands for the order.
    async fn order_shows(
        &self,
        page: &Page,
        loaded: &Loaded,
        origin: &Origin,
    ) -> Result<Option<OrderShows>, OrderError> {
        let Some(order) = SalesOrder::of(origin) else { return Ok(None) };
        let Some(changed) = page.orders.get(&order.record) else { return Ok(None) };
        let first = order.shipments(self.context, self.scope).await?.into_iter().next();
        if first.is_none_or(|first| first.id != loaded.shipment.id) {
            return Ok(None);
        }
        let updates = self.updates(JobKind::SYNC_SALES_ORDER, vec![order.target()]).await?.of(order.target());
        let contested = self.is_contested(loaded, EffectTarget::SalesOrderNote);
        Ok(Some(OrderShows { changed: changed.clone(), contested, updates }))
    }

    async fn compared(
        &self,
        odoo: &OdooClient,
        page: &Page,
        loaded: &Loaded,
        origin: &Origin,
        updates: Updates,
    ) -> Result<(Vec<Draft>, &'static [Topic]), OrderError> {
        let (record, shipment) = (origin.record, &loaded.shipment);
        let delivery = page.deliveries.deliveries.iter().find(|delivery| delivery.id == record);
        let unreadable = page.deliveries.unreadable.iter().find(|one| one.id == record);
        let there = match (delivery, unreadable) {
            (Some(delivery), _) => There::Delivery(delivery),
            (None, Some(_)) => There::Unreadable,
            (None, None) => There::Gone,
        };
        let values = orders::status_values(self.context, loaded);
        let changed = page.shown.get(&record).map(|shown| changed_by_others(shown, &values)).unwrap_or_default();
        let both = match page.states.get(&record) {
            Some(shows) => self.both(odoo, &values, shows.clone()).await?,
            None => None,
        };
        let sold = origin.order_record.filter(|_| origin.transfer.order == OrderKind::Sale);
        let invoice = sold.and_then(|order| page.invoices.get(&order)).and_then(Option::as_deref);
        let numbers = delivery.map(orders::numbers_of).unwrap_or_default();
        let order = self.order_shows(page, loaded, origin).await?;
        let side = Side {
            loaded,
            there,
            event_at: event_at(loaded),
            numbers: &numbers,
            booked: page.booked.get(&record).map(Vec::as_slice).unwrap_or_default(),
            changed: &changed,
            was_written: was_written(shipment.written.as_deref(), &values, &changed),
            contested: self.is_contested(loaded, EffectTarget::OrderNote),
            delivery_state: both.as_ref(),
            scheduled: page.scheduled.get(&record).copied().flatten().zip(values.eta),
            order: order.as_ref(),
            invoice,
            updates,
            now: self.context.now(),
        };
        Ok((side.differences(), side.uncompared()))
    }

    /// OCA's field, where Milepost has a value for it.
    async fn both(
        &self,
        odoo: &OdooClient,
        values: &StatusValues,
        shows: Option<String>,
    ) -> Result<Option<Both>, OrderError> {
        let fields = odoo.fields_to_write(RecordKind::Delivery, values, None, self.calls).await?;
        let ours = fields.get(OCA_FIELD).and_then(|value| value.as_str()).map(str::to_owned);
        Ok(ours.map(|ours| Both { shows, ours }))
    }

    fn is_contested(&self, loaded: &Loaded, target: EffectTarget) -> bool {
        let now = self.context.now();
        let recent = loaded.effects.iter().filter(|effect| {
            effect.target == target
                && effect.key.starts_with(SET_BACK)
                && now.duration_since(effect.created_at) < CONTEST
        });
        recent.count() > REPAIRS_MAX
    }

    /// The tickets of shipments.
    async fn tickets(&self, loaded: &[(Loaded, Origin)], look: &mut Look) -> Result<u64, OrderError> {
        let all: Vec<_> = loaded.iter().map(|(one, origin)| (one, Some(origin))).collect();
        self.tickets_of(&all, look).await
    }

    async fn tickets_of(&self, all: &[(&Loaded, Option<&Origin>)], look: &mut Look) -> Result<u64, OrderError> {
        let mut tickets = 0;
        let exceptions = all.iter().flat_map(|(one, _)| one.cases.iter().map(|case| case.exception.to_string()));
        let exceptions = exceptions.collect();
        let updates = self.updates(JobKind::SYNC_CASE, exceptions).await?;
        for (one, origin) in all {
            for case in &one.cases {
                tickets += 1;
                let subject = ticket_subject(case);
                look.subjects.push(subject.clone());
                // what a poll saw and is not known here yet is the case's own job
                if case.is_to_be_looked_at() {
                    let topics = [Topic::TicketOpen, Topic::TicketClosed, Topic::TicketMissing];
                    look.stays.extend(topics.map(|topic| (subject.clone(), topic)));
                    continue;
                }
                let exception = one.exceptions.iter().find(|exception| exception.id == case.exception);
                let differs = compare::ticket(case, exception, updates.of(case.exception), self.context.now());
                let Some((topic, cause, fix)) = differs else { continue };
                let ours = exception.map_or_else(Said::default, |exception| {
                    let over = if exception.closed.is_some() { "over" } else { "open" };
                    let note = Some(over.to_owned());
                    Said { note, ..says(What::Words(exception.reason.label().to_owned())) }
                });
                let draft = Draft { topic, cause, fix, odoo: Said::default(), ours };
                let desk = Said { odd: true, ..ticket_says(case) };
                let Subject { system, record } = subject;
                look.found.push(Found { desk, ..self.found(one, *origin, &system, record, draft) });
            }
        }
        Ok(tickets)
    }

    /// How the jobs of a kind stand for these targets.
    async fn updates(&self, kind: JobKind, targets: Vec<String>) -> Result<Jobs, OrderError> {
        let mut jobs = HashMap::<String, Updates>::new();
        if targets.is_empty() {
            return Ok(Jobs(jobs));
        }
        for (target, status) in self.context.store.reconciliations.updates(self.scope, kind, targets).await? {
            let updates = jobs.entry(target).or_default();
            match status {
                JobStatus::Dead => updates.failed = true,
                JobStatus::Ready | JobStatus::Retrying | JobStatus::Leased => updates.waits = true,
                JobStatus::Done => {}
            }
        }
        Ok(Jobs(jobs))
    }

    fn found(&self, loaded: &Loaded, origin: Option<&Origin>, system: &str, record: String, draft: Draft) -> Found {
        let shipment = &loaded.shipment;
        let number = shipment.numbers.first();
        let name = number.map(|number| number.number.clone()).or_else(|| origin.map(|origin| origin.name.clone()));
        let open = loaded.cases.iter().rev().find(|case| matches!(case.status, CaseStatus::Open | CaseStatus::Pending));
        Found {
            id: DifferenceId(self.context.clock.id()),
            subject: Subject { system: system.to_owned(), record },
            topic: draft.topic,
            shipment: Some(shipment.id),
            name: name.unwrap_or_default(),
            order: origin.and_then(|origin| origin.order.clone().or_else(|| Some(origin.name.clone()))),
            carrier: number.and_then(|number| number.carrier_label.clone()),
            cause: draft.cause,
            fix: draft.fix,
            odoo: draft.odoo,
            ours: draft.ours,
            desk: open.map_or_else(|| says(What::Nothing), ticket_says),
            event_at: event_at(loaded),
        }
    }

    /// Looks at deliveries that there is no shipment of; those that are known by now differ no longer.
    pub(super) async fn missing(&self, system: &str, records: &[i64]) -> Result<Look, OrderError> {
        let (store, scope) = (&self.context.store, self.scope);
        let known = store.shipments.known_records(scope, system, records.to_vec()).await?;
        let odd_ones = store.order_problems.among(scope, system, records.to_vec()).await?;
        let mut look = Look::default();
        for record in records.iter().copied().filter(|record| !known.contains(record)) {
            let subject = Subject { system: system.to_owned(), record: record.to_string() };
            let problem = odd_ones.get(&record);
            let (cause, fix) = match problem {
                Some(_) => (Cause::Unreadable, Fix::Decide),
                None => (Cause::NotImported, Fix::TakeFromOdoo),
            };
            let name = problem.and_then(|problem| problem.name.clone());
            look.subjects.push(subject.clone());
            look.found.push(Found {
                id: DifferenceId(self.context.clock.id()),
                subject,
                topic: Topic::Missing,
                shipment: None,
                name: name.unwrap_or_else(|| format!("Delivery {record}")),
                order: None,
                carrier: None,
                cause,
                fix,
                odoo: says(What::Words("there".into())),
                ours: odd(What::Nothing),
                desk: Said::default(),
                event_at: None,
            });
        }
        Ok(look)
    }

    /// Looks at numbers that no order names, and at their tickets.
    pub(super) async fn unlinked(&self, numbers: &[Unlinked]) -> Result<(Look, u64), OrderError> {
        let mut look = Look::default();
        let mut loaded = Vec::new();
        for number in numbers {
            if let Some(one) = self.context.store.shipments.load(self.scope, number.id, None).await? {
                loaded.push((number, one));
            }
        }
        let all: Vec<_> = loaded.iter().map(|(_, one)| (one, None)).collect();
        let tickets = self.tickets_of(&all, &mut look).await?;
        for (number, one) in &loaded {
            let record = one.shipment.id.to_string();
            look.subjects.push(Subject { system: OWN.to_owned(), record: record.clone() });
            let lately = self.context.now().duration_since(number.created_at) < NO_ORDER_GRACE;
            let gone = one.shipment.merged_into.is_some() || one.shipment.origin.is_some();
            if gone || lately && number.before.is_none() {
                continue;
            }
            let (origin, has) = match &number.before {
                Some((before, origin)) => (Some(origin), self.numbers_of(*before).await?),
                None => (None, Vec::new()),
            };
            look.found.push(self.found(one, origin, OWN, record, number_without_order(one, origin, &has)));
        }
        Ok((look, tickets))
    }

    /// The numbers that a shipment has, as they were last read.
    pub(super) async fn numbers_of(&self, id: ShipmentId) -> Result<Vec<NumberRecord>, OrderError> {
        let shipment = self.context.store.shipments.shipment(self.scope, id).await?;
        Ok(shipment.map(|shipment| shipment.numbers).unwrap_or_default())
    }

    /// Looks at the tickets of one shipment alone.
    pub(super) async fn tickets_alone(&self, id: ShipmentId, wanted: ExceptionId) -> Result<Look, OrderError> {
        let mut look = Look::default();
        let Some(one) = self.context.store.shipments.load(self.scope, id, None).await? else { return Ok(look) };
        let origin = one.shipment.origin.clone();
        self.tickets_of(&[(&one, origin.as_ref())], &mut look).await?;
        let wanted: BTreeSet<String> = [wanted.to_string()].into();
        look.subjects.retain(|subject| wanted.contains(&subject.record));
        look.found.retain(|found| wanted.contains(&found.subject.record));
        Ok(look)
    }
}

/// Numbers as they are written.
pub(super) fn shown_numbers(numbers: &[NumberRecord]) -> What {
    compare::listed(&numbers.iter().map(|number| number.number.as_str()).collect::<Vec<_>>())
}

/// A number without an order; where an order had it before, a person took it out there, and the carrier has reported since:
/// these numbers it has now.
fn number_without_order(loaded: &Loaded, before: Option<&Origin>, has: &[NumberRecord]) -> Draft {
    let state = Said { at: event_at(loaded), ..says(What::State(loaded.shipment.folded.state)) };
    match before {
        Some(origin) => Draft {
            topic: Topic::Number,
            cause: Cause::EditedInOdoo,
            fix: Fix::Decide,
            odoo: Said { note: Some(origin.name.clone()), ..odd(shown_numbers(has)) },
            ours: state,
        },
        None => Draft {
            topic: Topic::NoOrder,
            cause: Cause::NoOrder,
            fix: Fix::LinkOrder,
            odoo: odd(What::Words("no order".into())),
            ours: state,
        },
    }
}

/// Whether the fields that differ were written as they should be.
fn was_written(written: Option<&str>, values: &StatusValues, changed: &[Changed]) -> bool {
    let Some(written) = written.and_then(|written| serde_json::from_str::<StatusValues>(written).ok()) else {
        return false;
    };
    // fields that this Odoo lacks are not among what was written
    let fields = |values: &StatusValues| changed_by_others(&shown_as(changed), values);
    fields(&written).len() == changed.len()
        && fields(values).iter().zip(fields(&written)).all(|(one, other)| *one == other)
}

/// The changed fields, as they are shown.
fn shown_as(changed: &[Changed]) -> Fields {
    changed.iter().map(|one| (one.field.clone(), one.shows.clone().into())).collect()
}
