//! What becomes of a difference: people take it over, let the other system's value stand, or have it mended; a job carries that out
//! and looks again.

use super::{
    compare::same_numbers,
    look::{Looker, shown_numbers},
};
use crate::{
    caller::Caller,
    cases,
    context::Context,
    error::UseCaseError,
    keys::sealed_audit,
    odoo::{self as orders, Comparing, OrderError, SalesOrder},
};
use ::odoo::{Fields, Invoice, Invoiced, OCA_FIELD, RecordKind};
use domain::{
    access::Permission,
    carriers as directory,
    effects::Invoicing,
    ids::{CorrelationId, DifferenceId, ExceptionId, ShipmentId, UserId},
    numbers,
    reconcile::{Cause as Why, Choice, Fix, Group, Topic},
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, ErrorClass, template::Family};
use std::str::FromStr;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    reconciliations::{Decided, Decision, Difference, OWN, Unlinked, What},
};

/// Differences that are chosen at once.
const CHOSEN_MAX: usize = 500;
/// So long an update may take before it is looked whether it mended something.
const SETTLE: SignedDuration = SignedDuration::from_secs(15);
/// For so long it is looked again while the update is on its way.
const LOOKS: SignedDuration = SignedDuration::from_mins(10);

/// What a fix of some differences would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Updates in the order system.
    pub updates: u64,
    /// Deliveries that are read again.
    pub taken: u64,
    /// Tickets.
    pub tickets: u64,
    /// Left out: closed by now, being fixed, or in need of a decision.
    pub skipped: u64,
}

impl Planned {
    /// How many are mended.
    pub const fn fixes(&self) -> u64 {
        self.updates + self.taken + self.tickets
    }
}

/// The job that mends a difference, and looks again. It calls the order system that the difference is of; none where that is
/// another one.
pub(super) fn job(context: &Context, difference: &Difference, lane: Lane, correlation: CorrelationId) -> NewJob {
    let system = &difference.found.subject.system;
    let connections = context.connections.now();
    let of_orders = connections.get(system).is_some_and(|one| one.family == Some(Family::Orders));
    let job = context.job(
        JobKind::FIX_DIFFERENCE,
        difference.found.id,
        Cause::Reconcile,
        correlation,
        difference.found.shipment,
    );
    NewJob { lane, destination: of_orders.then(|| system.clone()), ..job }
}

/// Whether it can be mended now, without a decision.
fn is_ready(difference: &Difference) -> bool {
    difference.closed.is_none() && difference.requested.is_none() && difference.found.fix.group() == Group::Safe
}

async fn chosen(context: &Context, scope: Scope, ids: &[DifferenceId]) -> crate::Result<Vec<Difference>> {
    if ids.is_empty() || ids.len() > CHOSEN_MAX {
        let message = format!("choose 1 to {CHOSEN_MAX} differences");
        return Err(UseCaseError::Invalid { field: "ids", message });
    }
    Ok(context.store.reconciliations.differences(scope, ids.to_vec()).await?)
}

/// What a fix of these would come to.
///
/// # Errors
/// When the caller may not, none or too many are chosen, or the store fails.
pub async fn plan(context: &Context, caller: &Caller, ids: &[DifferenceId]) -> crate::Result<Planned> {
    caller.require(Permission::Operate)?;
    let found = chosen(context, caller.scope(), ids).await?;
    let mut planned = Planned::default();
    for one in &found {
        match one.found.fix {
            _ if !is_ready(one) => planned.skipped += 1,
            Fix::TakeFromOdoo => planned.taken += 1,
            Fix::UpdateTicket => planned.tickets += 1,
            _ => planned.updates += 1,
        }
    }
    planned.skipped += (ids.len() - found.len()) as u64;
    Ok(planned)
}

/// A person has differences mended; what was started and left out.
///
/// # Errors
/// When the caller may not, none or too many are chosen, or the store fails.
pub async fn fix(context: &Context, caller: &Caller, ids: &[DifferenceId]) -> crate::Result<Planned> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let found = chosen(context, scope, ids).await?;
    let mut done = Planned { skipped: (ids.len() - found.len()) as u64, ..Planned::default() };
    for one in &found {
        // a person's word counts more than the limit of set-backs
        let decided = Decided::Request(Some(Choice::Write));
        if !is_ready(one) || !decided_of(context, caller, one, decided, "difference.fix", true).await? {
            done.skipped += 1;
            continue;
        }
        match one.found.fix {
            Fix::TakeFromOdoo => done.taken += 1,
            Fix::UpdateTicket => done.tickets += 1,
            _ => done.updates += 1,
        }
    }
    context.notifier.all_work();
    context.notifier.changed();
    Ok(done)
}

/// A person decides whose value counts.
///
/// # Errors
/// When the caller may not, there is no such difference, it is closed or another one by now, Milepost cannot write it, or the store
/// fails.
pub async fn decide(
    context: &Context,
    caller: &Caller,
    id: DifferenceId,
    revision: u64,
    choice: Choice,
) -> crate::Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let found = context.store.reconciliations.differences(scope, vec![id]).await?.pop();
    let difference = found.ok_or(UseCaseError::NotFound("difference"))?;
    let seen = Difference { revision, ..difference };
    let done = match choice {
        Choice::Keep => decided_of(context, caller, &seen, Decided::Keep, "difference.keep", false).await?,
        Choice::Write if !seen.found.topic.is_written() => {
            let message = "Milepost does not write this: a person changes it in Odoo".into();
            return Err(UseCaseError::Invalid { field: "choice", message });
        }
        Choice::Write => {
            let decided = Decided::Request(Some(Choice::Write));
            decided_of(context, caller, &seen, decided, "difference.write", true).await?
        }
    };
    if !done {
        return Err(UseCaseError::Conflict("the difference changed meanwhile: look at it again".into()));
    }
    context.notifier.all_work();
    context.notifier.changed();
    Ok(())
}

/// A person looks after a difference, or no longer does.
///
/// # Errors
/// When the caller may not, there is no such difference, it is closed or another one by now, or the store fails.
pub async fn assign(context: &Context, caller: &Caller, id: DifferenceId, owner: Option<UserId>) -> crate::Result<()> {
    caller.require(Permission::Operate)?;
    let found = context.store.reconciliations.differences(caller.scope(), vec![id]).await?.pop();
    let difference = found.ok_or(UseCaseError::NotFound("difference"))?;
    if !decided_of(context, caller, &difference, Decided::Assign(owner), "difference.assign", false).await? {
        return Err(UseCaseError::Conflict("the difference changed meanwhile: look at it again".into()));
    }
    context.notifier.changed();
    Ok(())
}

/// Decides as one step with its audit line and, where something is to be carried out, its job.
async fn decided_of(
    context: &Context,
    caller: &Caller,
    difference: &Difference,
    decided: Decided,
    action: &'static str,
    carried_out: bool,
) -> crate::Result<bool> {
    let scope = caller.scope();
    let found = &difference.found;
    let value = serde_json::json!({
        "topic": found.topic, "record": found.subject.record, "system": found.subject.system,
        "odoo": found.odoo.what, "milepost": found.ours.what,
        "owner": match &decided { Decided::Assign(owner) => *owner, _ => None },
    });
    let audit =
        context.audit(action, format!("difference:{}", found.id)).after(sealed_audit(context, scope, &value).await?);
    let jobs: Vec<NewJob> = if carried_out {
        let mut job = job(context, difference, Lane::RealTime, context.correlation());
        if found.subject.system == OWN && found.topic == Topic::Number {
            let store = &context.store.reconciliations;
            let id = found.shipment.ok_or(UseCaseError::NotFound("shipment"))?;
            job.destination = store.before(scope, id).await?.map(|(_, origin)| origin.system);
        }
        vec![job]
    } else {
        Vec::new()
    };
    let store = &context.store.reconciliations;
    let decision =
        Decision { id: found.id, revision: difference.revision, decided, jobs, audit: Some(audit), at: context.now() };
    Ok(store.decide(scope, decision).await?)
}

/// How the work on a difference goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixing {
    /// Nothing is left to do.
    Over,
    /// It is looked again at this time.
    LookAt(Timestamp),
}

/// Carries out what was requested of a difference; at the next call, looks whether it is mended.
///
/// # Errors
/// When the order system is not in use, refuses or does not answer, or the store fails.
pub async fn work(
    context: &Context,
    scope: Scope,
    id: DifferenceId,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<Fixing, OrderError> {
    let store = &context.store.reconciliations;
    let Some(difference) = still_open(store.differences(scope, vec![id]).await?) else { return Ok(Fixing::Over) };
    let Some(requested) = difference.requested else { return Ok(Fixing::Over) };
    let later = |wait: SignedDuration| Fixing::LookAt(context.now().checked_add(wait).unwrap_or(Timestamp::MAX));
    let fixer = Fixer { context, scope, correlation, calls };
    if !requested.applied {
        fixer.apply(&difference, requested.choice).await?;
        let applied = Decision {
            id,
            revision: difference.revision,
            decided: Decided::Applied,
            jobs: Vec::new(),
            audit: None,
            at: context.now(),
        };
        store.decide(scope, applied).await?;
        context.notifier.all_work();
        return Ok(later(SETTLE));
    }
    let compared = fixer.look(&difference).await?;
    context.notifier.changed();
    let Some(left) = still_open(store.differences(scope, vec![id]).await?) else { return Ok(Fixing::Over) };
    let on_its_way = left.found.cause == Why::Queued || compared == Compared::Later;
    if on_its_way && context.now().duration_since(requested.at) < LOOKS {
        return Ok(later(SETTLE));
    }
    if left.requested.is_some() {
        // whatever it is: a person may ask for it again
        withdraw(context, scope, id).await?;
    }
    Ok(Fixing::Over)
}

/// Whether a look compared what a difference is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// It did.
    Now,
    /// The record was changed a moment ago, or could not be read in time: the next look does.
    Later,
}

/// Takes back what was requested of a difference, where the fix failed for good: it is in the list of failed jobs, and may be
/// requested again.
///
/// # Errors
/// When the store fails.
pub async fn withdraw(context: &Context, scope: Scope, id: DifferenceId) -> crate::Result<()> {
    let store = &context.store.reconciliations;
    let Some(difference) = still_open(store.differences(scope, vec![id]).await?) else { return Ok(()) };
    let withdrawn = Decision {
        id,
        revision: difference.revision,
        decided: Decided::Withdrawn,
        jobs: Vec::new(),
        audit: None,
        at: context.now(),
    };
    store.decide(scope, withdrawn).await?;
    context.notifier.changed();
    Ok(())
}

fn still_open(mut found: Vec<Difference>) -> Option<Difference> {
    found.pop().filter(|one| one.closed.is_none())
}

struct Fixer<'a> {
    context: &'a Context,
    scope: Scope,
    correlation: CorrelationId,
    calls: &'a dyn CallLog,
}

fn record<T: FromStr>(difference: &Difference) -> Result<T, UseCaseError> {
    difference.found.subject.record.parse().map_err(|_| UseCaseError::NotFound("record"))
}

fn shipment(difference: &Difference) -> Result<ShipmentId, UseCaseError> {
    difference.found.shipment.ok_or(UseCaseError::NotFound("shipment"))
}

fn gone(delivery: i64) -> CallError {
    CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {delivery} any more"))
}

/// The numbers of a delivery with this one, which takes the place of those that took its own.
fn with_number(written: Vec<String>, instead: &[String], number: &str) -> Vec<String> {
    let mut numbers: Vec<String> = written.into_iter().filter(|one| !instead.contains(one)).collect();
    if !numbers.iter().any(|one| one == number) {
        numbers.push(number.to_owned());
    }
    numbers
}

impl Fixer<'_> {
    async fn apply(&self, difference: &Difference, choice: Option<Choice>) -> Result<(), OrderError> {
        let found = &difference.found;
        match (found.fix, found.topic) {
            (Fix::UpdateTicket, _) => self.update_ticket(difference).await,
            (Fix::TakeFromOdoo, _) => self.read_again(&found.subject.system, record(difference)?).await,
            (Fix::UpdateOdoo, Topic::DeliveryState) => self.write_state(difference).await,
            (Fix::UpdateOdoo, Topic::OrderFields) => self.update_order(difference, choice).await,
            (Fix::UpdateOdoo, _) => self.update_odoo(difference, choice).await,
            (_, Topic::TicketClosed) => Ok(self.reopen_ticket(difference).await?),
            (_, Topic::DeliveryState) => self.write_state(difference).await,
            (_, Topic::Number) => self.write_number(difference).await,
            (_, Topic::Scheduled) => self.write_scheduled(difference).await,
            (_, Topic::Carrier) => self.write_carrier(difference).await,
            (_, Topic::Transfer) => self.validate(difference).await,
            (_, Topic::Invoice) => self.invoice(difference).await,
            _ => Ok(()),
        }
    }

    /// Milepost's fields are written again. What was changed by hand is set back with a note, within its limit; a person's
    /// word is beyond it.
    async fn update_odoo(&self, difference: &Difference, choice: Option<Choice>) -> Result<(), OrderError> {
        let Self { context, scope, correlation, calls } = self;
        let (system, id) = (&difference.found.subject.system, shipment(difference)?);
        if difference.found.cause == Why::EditedInOdoo {
            let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
            let comparing =
                Comparing { context, scope: *scope, system, odoo: &odoo, correlation: *correlation, calls: *calls };
            let set_back = comparing.deliveries(vec![record(difference)?]).await?;
            if set_back > 0 || choice.is_none() {
                return Ok(());
            }
        }
        let (shipments, now) = (&context.store.shipments, context.now());
        // what it shows is not known: every field is written
        shipments.written(*scope, id, None, now).await?;
        let job = context.job(JobKind::SYNC_ORDER, id, Cause::Reconcile, *correlation, Some(id)).to(system);
        Ok(context.store.jobs.enqueue(*scope, vec![job]).await?)
    }

    /// The same of the fields of the sales order.
    async fn update_order(&self, difference: &Difference, choice: Option<Choice>) -> Result<(), OrderError> {
        let Self { context, scope, correlation, calls } = self;
        let (system, id) = (&difference.found.subject.system, shipment(difference)?);
        let shipments = &context.store.shipments;
        let origin = shipments.shipment(*scope, id).await?.and_then(|shipment| shipment.origin);
        let Some(order) = origin.as_ref().and_then(SalesOrder::of) else { return Ok(()) };
        let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
        let comparing =
            Comparing { context, scope: *scope, system, odoo: &odoo, correlation: *correlation, calls: *calls };
        let set_back = comparing.orders(&[(order.record, order.name.to_owned())].into()).await?;
        if set_back > 0 || choice.is_none() {
            return Ok(());
        }
        shipments.keep_order_fields(*scope, system, order.record, None, context.now()).await?;
        let kind = JobKind::SYNC_SALES_ORDER;
        let job = context.job(kind, order.target(), Cause::Reconcile, *correlation, Some(id)).to(system);
        Ok(context.store.jobs.enqueue(*scope, vec![job]).await?)
    }

    async fn update_ticket(&self, difference: &Difference) -> Result<(), OrderError> {
        let (id, exception) = (shipment(difference)?, record::<ExceptionId>(difference)?);
        let desk = &difference.found.subject.system;
        let job = self.context.job(JobKind::SYNC_CASE, exception, Cause::Live, self.correlation, Some(id)).to(desk);
        Ok(self.context.store.jobs.enqueue(self.scope, vec![job]).await?)
    }

    async fn reopen_ticket(&self, difference: &Difference) -> Result<(), UseCaseError> {
        let exception = record::<ExceptionId>(difference)?;
        let caller = Caller::trusted(self.scope);
        match cases::ask_for_ticket(self.context, &caller, exception, None).await {
            // it is over, or the ticket is open again: nothing is left to reopen
            Err(UseCaseError::Invalid { .. }) => Ok(()),
            other => other,
        }
    }

    async fn write_state(&self, difference: &Difference) -> Result<(), OrderError> {
        let Some(loaded) = self.context.store.shipments.load(self.scope, shipment(difference)?, None).await? else {
            return Ok(());
        };
        let odoo = self.context.odoo(&difference.found.subject.system).ok_or(OrderError::NotInUse)?;
        let values = orders::status_values(self.context, &loaded);
        let fields = odoo.fields_to_write(RecordKind::Delivery, &values, None, self.calls).await?;
        let fields: Fields = fields.into_iter().filter(|(name, _)| name == OCA_FIELD).collect();
        self.write(&odoo, record(difference)?, fields).await
    }

    /// The number under which the carrier reports is written back into the delivery that had it, beside the others that it
    /// has: it replaces only what took its place. Not where the delivery has other numbers by now than the person saw.
    async fn write_number(&self, difference: &Difference) -> Result<(), OrderError> {
        let Self { context, scope, calls, .. } = self;
        let (store, found, id) = (&context.store.reconciliations, &difference.found, shipment(difference)?);
        let Some((before, origin)) = store.before(*scope, id).await? else { return Ok(()) };
        let odoo = context.odoo(&origin.system).ok_or(OrderError::NotInUse)?;
        let Some(delivery) = odoo.delivery(origin.record, *calls).await? else {
            return Err(gone(origin.record).into());
        };
        let instead = store.in_place_of(*scope, id, before).await?;
        let written = odoo.tracking_reference_of(origin.record, *calls).await?;
        let numbers = with_number(written.clone(), &instead, &found.name);
        if numbers == written {
            // an earlier try wrote it
            return self.read_again(&origin.system, origin.record).await;
        }
        let looker = Looker { context, scope: *scope, calls: *calls };
        let known = looker.numbers_of(before).await?;
        if shown_numbers(&known) != found.odoo.what || !same_numbers(&orders::numbers_of(&delivery), &known) {
            let text = format!("the tracking numbers of {} changed since they were compared", origin.name);
            let advice = "look at the difference again and decide anew";
            return Err(CallError::new(ErrorClass::Rejected, text).advising(advice).into());
        }
        let fields = Fields::from_iter([("carrier_tracking_ref".to_owned(), numbers.join(", ").into())]);
        self.write(&odoo, origin.record, fields).await?;
        self.read_again(&origin.system, origin.record).await
    }

    /// The carrier's date becomes the receipt's, and is read from there.
    async fn write_scheduled(&self, difference: &Difference) -> Result<(), OrderError> {
        let (system, delivery) = (&difference.found.subject.system, record(difference)?);
        let What::At(eta) = difference.found.ours.what else { return Ok(()) };
        let odoo = self.context.odoo(system).ok_or(OrderError::NotInUse)?;
        if !odoo.schedule(delivery, eta, self.calls).await? {
            return Err(gone(delivery).into());
        }
        self.read_again(system, delivery).await
    }

    /// The shipping method of the carrier that the number shows, where Odoo has exactly one.
    async fn write_carrier(&self, difference: &Difference) -> Result<(), OrderError> {
        let (found, system) = (&difference.found, &difference.found.subject.system);
        let odoo = self.context.odoo(system).ok_or(OrderError::NotInUse)?;
        let Some(maker) = numbers::only_maker(&found.name) else { return Ok(()) };
        let methods = odoo.carriers(self.calls).await?;
        let of_maker = |name: &str| directory::known("odoo", name).is_some_and(|known| known.family.as_str() == maker);
        let matching: Vec<i64> = methods.iter().filter(|(_, name)| of_maker(name)).map(|(id, _)| *id).collect();
        let [carrier] = matching[..] else {
            let name = directory::family_name(maker).unwrap_or(maker);
            let text = format!(
                "Odoo has {} shipping methods for {name}: choose the right one in the delivery itself",
                matching.len()
            );
            return Err(CallError::new(ErrorClass::Rejected, text).into());
        };
        let fields = Fields::from_iter([("carrier_id".to_owned(), carrier.into())]);
        let delivery = record(difference)?;
        self.write(&odoo, delivery, fields).await?;
        self.read_again(system, delivery).await
    }

    /// The delivery is validated as on a first scan, whatever the connection's setting: a person asked for it.
    async fn validate(&self, difference: &Difference) -> Result<(), OrderError> {
        let (system, delivery) = (&difference.found.subject.system, record(difference)?);
        let odoo = self.context.odoo(system).ok_or(OrderError::NotInUse)?;
        odoo.validate(delivery, self.calls).await?;
        self.read_again(system, delivery).await
    }

    /// What is delivered is invoiced as the step does it, once: posted where the connection says so, else as a draft. The
    /// step itself then finds that invoice.
    async fn invoice(&self, difference: &Difference) -> Result<(), OrderError> {
        let (system, delivery, id) = (&difference.found.subject.system, record(difference)?, shipment(difference)?);
        let odoo = self.context.odoo(system).ok_or(OrderError::NotInUse)?;
        let shipment = self.context.store.shipments.shipment(self.scope, id).await?;
        let Some(order) = shipment.and_then(|one| one.origin?.sales_order()) else { return Ok(()) };
        let connections = self.context.connections.now();
        let settings = connections.get(system).and_then(|one| one.orders.as_deref());
        let posts = settings.is_some_and(|settings| settings.invoice == Invoicing::Post);
        let invoice = if posts { Invoice::Posted(difference.opened_at) } else { Invoice::Draft };
        let of = settings.map(|settings| settings.invoice_for).unwrap_or_default();
        if let Invoiced::Waits(name) = odoo.invoice((order, delivery), invoice, of, self.calls).await? {
            let text = format!("{name} is not validated in Odoo: what it has cannot be invoiced");
            return Err(CallError::new(ErrorClass::Rejected, text).advising("validate it first, then retry").into());
        }
        let (context, correlation) = (self.context, self.correlation);
        let job = context.job(JobKind::SYNC_ORDER, id, Cause::Reconcile, correlation, Some(id)).to(system);
        Ok(context.store.jobs.enqueue(self.scope, vec![job]).await?)
    }

    /// What was done to a delivery comes in at once.
    async fn read_again(&self, system: &str, delivery: i64) -> Result<(), OrderError> {
        let Self { context, scope, correlation, calls } = self;
        orders::import_these(context, *scope, system, &[delivery], *correlation, *calls).await.map(drop)
    }

    async fn write(&self, odoo: &::odoo::OdooClient, delivery: i64, fields: Fields) -> Result<(), OrderError> {
        let missing = odoo.write_fields_of(RecordKind::Delivery, &[delivery], &fields, self.calls).await?;
        match missing.is_empty() {
            true => Ok(()),
            false => Err(gone(delivery).into()),
        }
    }

    /// Looks at the record of a difference again, and keeps what was found.
    async fn look(&self, difference: &Difference) -> Result<Compared, OrderError> {
        let Self { context, scope, calls, .. } = self;
        let looker = Looker { context, scope: *scope, calls: *calls };
        let found = &difference.found;
        let look = match (found.topic, found.shipment) {
            (Topic::Missing, _) => {
                let records = [record(difference)?];
                let mut look = looker.missing(&found.subject.system, &records).await?;
                look.subjects.push(found.subject.clone());
                look
            }
            (Topic::TicketOpen | Topic::TicketClosed | Topic::TicketMissing, Some(id)) => {
                looker.tickets_alone(id, record(difference)?).await?
            }
            (_, Some(id)) if found.subject.system == OWN => {
                let store = &context.store.reconciliations;
                let Some(shipment) = context.store.shipments.shipment(*scope, id).await? else {
                    return Ok(Compared::Now);
                };
                let before = store.before(*scope, id).await?;
                let cursor = (0, 0, id);
                let number = Unlinked { id, created_at: shipment.created_at, before, cursor };
                looker.unlinked(&[number]).await?.0
            }
            (_, Some(id)) => looker.shipments(&found.subject.system, &[id]).await?.0,
            (_, None) => return Ok(Compared::Now),
        };
        let stays = look.stays.contains(&(found.subject.clone(), found.topic)) || look.unread.contains(&found.subject);
        context.store.reconciliations.look(*scope, look, context.now()).await?;
        Ok(if stays { Compared::Later } else { Compared::Now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_written_back_takes_the_place_of_what_took_its_own() {
        for (written, instead, expected) in [
            (vec![], vec![], vec!["B"]),
            (vec!["A"], vec![], vec!["A", "B"]),
            (vec!["C"], vec!["C"], vec!["B"]),
            (vec!["A", "C"], vec!["C"], vec!["A", "B"]),
            (vec!["A", "C", "D"], vec!["C"], vec!["A", "D", "B"]),
            (vec!["A", "B"], vec![], vec!["A", "B"]),
        ] {
            let own = |numbers: &[&str]| numbers.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
            assert_eq!(with_number(own(&written), &own(&instead), "B"), own(&expected), "{written:?} {instead:?}");
        }
    }
}
