//! Deliveries come in from Odoo.

use super::{
    OrderError,
    reference::{Reference, TRACKING},
    repair::Comparing,
    same_database,
    taking::{Taking, customer_of},
};
use crate::{booking::wanted, caller::Caller, context::Context, error::UseCaseError, rules::promises};
use domain::{access::Permission, ids::CorrelationId, promise::Promises};
use jiff::{SignedDuration, Timestamp};
use odoo::{DeliveryPage, NO_ACCESS, OdooClient, OrderKind, PAGE_MAX, REFUSES, Since, Unreadable, WAITS};
use outbound::{CallLog, Decision, ErrorClass, template::Family};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    Scope, StoreError,
    jobs::{Cause, JobKind, Lane, NewJob},
    order_problems::{Extent, NewOrderProblem},
    orders::{Amended, Amendment, Imported, ImportedShipment},
};

/// Deliveries of one page of the import: what is read with them costs Odoo nearly as much for few as for many.
const READ_PAGE: u32 = PAGE_MAX;
/// Deliveries that are taken in together, so that other work need not wait long for the store.
const TAKEN_TOGETHER: usize = 100;
/// Deliveries that are read because they were named or missed, at once.
const IMPORT_PAGE: u32 = 100;
/// Pages of one job; the next job goes on behind them.
pub const IMPORT_PAGES_MAX: u32 = 40;
/// Deliveries that are tried again by one import.
const TRIED_AGAIN: u32 = 50;
/// Deliveries that one import compares with those that are known.
const COMPARED: u32 = 500;
/// Deliveries that one import looks for, should they be deleted.
const LOOKED_FOR: u32 = 200;
/// Odoo's `write_date` is the start of the writing transaction: what a long one commits late is found by looking back.
const IMPORT_OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// The same of our own writes, which are short: else most of what an import reads would be what Milepost wrote itself.
const OWN_OVERLAP: SignedDuration = SignedDuration::from_mins(1);
/// Clocks of two systems differ by no more.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(1);
/// The next import begins so long before this one did: what Odoo's clock may be behind ours.
const BEGUN_MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// The problem of a delivery whose customer's data cannot be sealed again.
const KEY_UNUSABLE: &str = "customer: its key cannot be used";
/// The record that problems of deliveries without an id are kept under.
const NO_RECORD: i64 = 0;

/// The setting that holds how far the import from an order system has come, and where it goes on.
fn cursor_of(system: &str) -> String {
    format!("{system}.import")
}

/// Raised when what is made of a delivery changes: every delivery is then read once more.
const IMPORT_VERSION: u32 = 7;

/// Where the next import goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ImportCursor {
    /// What deliveries were read by; where that is another now, all of them are read again.
    basis: String,
    /// What was changed since then, and shortly before, is taken in; none: everything.
    since: Option<Timestamp>,
    /// Deliveries up to this id are taken in.
    after: i64,
    /// The newest change among them: the next import begins there.
    newest: Option<Timestamp>,
    /// When the reading from the first id on began, by our clock: what changed since may have been read before it did.
    #[serde(default)]
    begun: Option<Timestamp>,
    /// A delivery came without an id since all of them were looked at.
    #[serde(default)]
    nameless: bool,
    /// Deliveries up to this id were looked for, should they be deleted.
    #[serde(default)]
    checked: i64,
    /// Deliveries up to this id are known, whenever they were written.
    #[serde(default)]
    compared: i64,
}

impl ImportCursor {
    async fn read(
        context: &Context,
        scope: Scope,
        (system, odoo): (&str, &OdooClient),
        promises: &Promises,
    ) -> storage::Result<Self> {
        let rules = &context.config.rules;
        // what is read at another place says nothing of what was read at this one
        let place = odoo.place();
        let basis = json(&(IMPORT_VERSION, promises, rules.silence_hours, rules.ship_grace_hours, place));
        let kept = context.store.people.setting(scope, &cursor_of(system)).await?;
        let kept = kept.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        Ok(kept.filter(|kept| kept.basis == basis).unwrap_or(Self { basis, ..Self::default() }))
    }

    fn since(&self) -> Option<Since> {
        self.since.map(|at| Since {
            anybody: at.checked_sub(OWN_OVERLAP).unwrap_or(at),
            others: at.checked_sub(IMPORT_OVERLAP).unwrap_or(at),
        })
    }

    /// Everything is read: the next import begins at the newest change, but not behind the begin of this reading, for what
    /// was changed during it may have been read before. Where Odoo gives no usable time, at that begin.
    fn end(&mut self) {
        let begun = self.begun.take().map(|at| at.checked_sub(BEGUN_MARGIN).unwrap_or(at));
        self.since = [self.newest, begun].into_iter().flatten().min();
        self.after = 0;
    }
}

/// The furthest that another clock may be ahead of ours.
fn ahead(now: Timestamp) -> Timestamp {
    now.checked_add(CLOCKS_APART).unwrap_or(now)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data serialises")
}

/// Takes in every delivery that Odoo changed since the last import, page by page, by id: the only paging that loses
/// nothing there. Runs again over a small overlap; equal content changes nothing. After so many pages of 500 the next
/// import goes on where this one ended. What cannot be read is remembered and tried again; it holds up no other delivery.
/// Then a few of the deliveries known here are looked for, since a deletion leaves nothing in Odoo.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails; the next import then begins where this one did.
pub async fn import(
    context: &Context,
    scope: Scope,
    system: &str,
    correlation: CorrelationId,
    pages_max: u32,
    calls: &dyn CallLog,
) -> Result<Imported, OrderError> {
    let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
    let odoo = &*odoo;
    same_database::refuse_second(context, scope, system, odoo, calls).await?;
    let promises = promises::promises(context, scope).await?;
    let total = Imported::default();
    let mut import =
        Import { context, scope, system, odoo, calls, correlation, promises: &promises, nameless: false, total };
    let begun = ImportCursor::read(context, scope, (system, odoo), &promises).await?;
    // all deliveries are read: what they have is history
    let cause = if begun.since.is_none() { Cause::History } else { Cause::Import };
    let mut cursor = begun.clone();
    if cursor.after == 0 {
        cursor.begun = Some(context.now());
    }
    // what the pages meet once more is put off by that
    let due = context.store.order_problems.due(scope, system, context.now(), TRIED_AGAIN).await?;
    import.walk(&mut cursor, cause, pages_max).await?;
    import.try_again(due).await?;
    cursor.checked = import.look_for_deleted(cursor.checked).await?;
    if cursor.after == 0 {
        cursor.compared = import.compare(cursor.compared).await?;
    }
    cursor.nameless |= import.nameless;
    // all were looked at: the problem remains for those that are left
    if (cursor.after, cursor.compared) == (0, 0) && !std::mem::take(&mut cursor.nameless) {
        import.remember(Vec::new(), &BTreeSet::new(), vec![NO_RECORD]).await?;
    }
    if cursor != begun {
        context.store.people.put_setting(scope, &cursor_of(system), json(&cursor)).await?;
    }
    let total = import.total;
    announce(context, &total);
    Ok(total)
}

/// Takes in exactly these deliveries as Odoo has them now, whatever made somebody ask: a hint is believed only so far. Those
/// that are none of ours (internal transfers, drafts) are left out, and of those that are known here it is noticed when they
/// are gone. The next import reads them once more; equal content changes nothing.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails.
pub async fn import_these(
    context: &Context,
    scope: Scope,
    system: &str,
    ids: &[i64],
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<Imported, OrderError> {
    let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
    let odoo = &*odoo;
    same_database::refuse_second(context, scope, system, odoo, calls).await?;
    let promises = promises::promises(context, scope).await?;
    let cursor = ImportCursor::read(context, scope, (system, odoo), &promises).await?;
    // what no import has read yet is history, as it would be for the import
    let cause = if cursor.since.is_none() { Cause::History } else { Cause::Import };
    let total = Imported::default();
    let mut import =
        Import { context, scope, system, odoo, calls, correlation, promises: &promises, nameless: false, total };
    for ids in ids.chunks(IMPORT_PAGE as usize) {
        import.these(ids, cause).await?;
    }
    let total = import.total;
    announce(context, &total);
    Ok(total)
}

/// The workers and the pages are notified of what an import changed.
fn announce(context: &Context, total: &Imported) {
    if !total.to_fold.is_empty() {
        context.notifier.work(Lane::Batch);
    }
    if total.created + total.changed > 0 {
        context.notifier.changed();
    }
}

/// A person wants deliveries read again that could not be read: now, with an import.
///
/// # Errors
/// When the store fails.
pub async fn reimport(context: &Context, caller: &Caller) -> Result<(), UseCaseError> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    context.store.order_problems.hurry(scope, context.now()).await?;
    let connections = context.connections.now();
    let job = |name: &str| {
        let job = context.job(JobKind::IMPORT_ORDERS, name, Cause::Import, context.correlation(), None).to(name);
        NewJob { lane: Lane::Batch, ..job }
    };
    let jobs = connections.in_use(Family::Orders).map(|odoo| job(&odoo.record.name)).collect();
    context.store.jobs.enqueue(scope, jobs).await?;
    context.notifier.work(Lane::Batch);
    Ok(())
}

/// What a person can do about a delivery that could not be read.
pub fn what_to_do(problem: &str) -> &'static str {
    if problem.starts_with(TRACKING) {
        "Put the carrier's number, as it is on the label, into the delivery's tracking reference in Odoo; it is read again by \
         itself."
    } else if problem == WAITS {
        "Nothing to do: it is tried again by itself."
    } else if problem.starts_with(KEY_UNUSABLE) {
        "Its customer's key cannot be used with this master key: nothing is wrong in Odoo. Start Milepost with the master \
         key that made it, or restore the database from a backup; it is tried again by itself."
    } else if problem.contains(NO_ACCESS) {
        "Give the integration user the right to read it in Odoo (company, record rules); it is tried again by itself."
    } else if problem.contains(REFUSES) {
        "The calls of the import job on the Integrations page show Odoo's reason. Correct the record in Odoo; it is tried \
         again by itself."
    } else {
        "Correct the record in Odoo; it is tried again by itself."
    }
}

/// An import at work.
struct Import<'a> {
    context: &'a Context,
    scope: Scope,
    /// The name of the connection.
    system: &'a str,
    odoo: &'a OdooClient,
    calls: &'a dyn CallLog,
    correlation: CorrelationId,
    promises: &'a Promises,
    /// A delivery came without an id.
    nameless: bool,
    total: Imported,
}

impl Import<'_> {
    /// Reads page by page what was changed, and takes it in while Odoo reads the next page.
    async fn walk(&mut self, cursor: &mut ImportCursor, cause: Cause, pages_max: u32) -> Result<(), OrderError> {
        let (context, odoo, calls) = (self.context, self.odoo, self.calls);
        let since = cursor.since();
        let read = |after| odoo.changed_deliveries(since, after, READ_PAGE, calls);
        let mut incredible = 0_usize;
        let mut next = if pages_max > 0 { Some(read(cursor.after).await?) } else { None };
        let mut left = pages_max.saturating_sub(1);
        while let Some(page) = next.take() {
            cursor.after = page.last.map_or(cursor.after, |last| last.max(cursor.after));
            // an odd one must not hide all that comes until then
            let latest = ahead(context.now());
            let credible = page.written.iter().copied().filter(|at| *at <= latest);
            cursor.newest = cursor.newest.max(credible.max());
            incredible += page.written.iter().filter(|at| **at > latest).count();
            let more = page.more;
            let (after, goes_on) = (cursor.after, more && left > 0);
            let reading = async { if goes_on { Some(read(after).await) } else { None } };
            let (taken, behind) = futures::join!(self.take_page(page, cause), reading);
            taken?;
            next = behind.transpose()?;
            left = left.saturating_sub(1);
            if !more {
                cursor.end();
            }
        }
        if incredible > 0 {
            tracing::warn!(
                incredible,
                "Odoo's clock is ahead of ours: these times of changes are left out; set its clock right"
            );
        }
        Ok(())
    }

    /// Compares what the deliveries of a page show, and takes them in, some at once.
    async fn take_page(&mut self, mut page: DeliveryPage, cause: Cause) -> Result<(), OrderError> {
        let (context, scope, system) = (self.context, self.scope, self.system);
        let lost: Vec<i64> = page.deliveries.iter().filter(|one| !one.wanted).map(|one| one.id).collect();
        if !lost.is_empty() {
            let known = context.store.shipments.known_records(scope, system, lost).await?;
            page.deliveries.retain(|delivery| delivery.wanted || known.contains(&delivery.id));
        }
        match self.compare_shown(&page).await {
            // one that cannot be compared holds up no import
            Err(OrderError::Call(error))
                if matches!(error.class.decision(), Decision::Fail | Decision::AwaitSetup)
                    || error.class == ErrorClass::BadAnswer =>
            {
                // without Odoo's own words, which may name people
                tracing::warn!(class = error.class.code(), "what deliveries show is not compared");
            }
            compared => compared?,
        }
        while page.deliveries.len() > TAKEN_TOGETHER {
            let rest = page.deliveries.split_off(TAKEN_TOGETHER);
            let deliveries = std::mem::replace(&mut page.deliveries, rest);
            self.take(DeliveryPage { deliveries, ..DeliveryPage::default() }, cause).await?;
        }
        self.take(page, cause).await
    }

    /// Compares what these deliveries and their orders show with what was written there.
    async fn compare_shown(&self, page: &DeliveryPage) -> Result<(), OrderError> {
        let &Self { context, scope, system, odoo, calls, correlation, .. } = self;
        let comparing = Comparing { context, scope, system, odoo, correlation, calls };
        comparing.deliveries(page.deliveries.iter().map(|delivery| delivery.id).collect()).await?;
        let sold = page.deliveries.iter().filter(|delivery| delivery.order_kind == OrderKind::Sale);
        let orders = sold.filter_map(|delivery| Some((delivery.order_id?, delivery.order_name.clone()?))).collect();
        comparing.orders(&orders).await.map(drop)
    }

    /// Takes in what was read, and remembers what could not be.
    async fn take(&mut self, mut page: DeliveryPage, cause: Cause) -> Result<(), OrderError> {
        let (context, scope) = (self.context, self.scope);
        for delivery in &mut page.deliveries {
            let problems = Reference::read(delivery).problems;
            delivery.problems.extend(problems);
        }
        let subjects = page.deliveries.iter().map(|delivery| customer_of(context, self.system, delivery)).collect();
        let keys = context.store.people.keys(scope, subjects).await?;
        let (system, odoo, promises, correlation) = (self.system, self.odoo, self.promises, self.correlation);
        let taking = Taking { context, system, odoo, promises, keys: &keys, correlation, cause };
        let (mut shipments, mut problems, mut well) = (Vec::new(), Vec::new(), Vec::new());
        let mut keyless = Vec::new();
        for delivery in &page.deliveries {
            let (record, name) = (delivery.id, Some(delivery.name.clone()));
            match taking.imported(delivery) {
                Ok(shipment) => shipments.push(shipment),
                Err(error) => {
                    let problem = format!("{KEY_UNUSABLE}: {error}");
                    keyless.push(NewOrderProblem { record, name, problem, extent: Extent::Whole });
                    continue;
                }
            }
            if delivery.problems.is_empty() {
                well.push(record);
            } else {
                let problem = delivery.problems.join("; ");
                problems.push(NewOrderProblem { record, name, problem, extent: Extent::Part });
            }
        }
        if shipments.is_empty() {
            self.fail_without_keys(&keyless).await?;
        }
        problems.extend(keyless);
        self.nameless |= page.unreadable.iter().any(|unreadable| unreadable.id == NO_RECORD);
        let waiting: BTreeSet<i64> = page.unreadable.iter().filter(|one| one.waits).map(|one| one.id).collect();
        problems.extend(page.unreadable.into_iter().map(|Unreadable { id, name, problem, .. }| NewOrderProblem {
            record: id,
            name,
            problem,
            extent: Extent::Whole,
        }));
        let kept = self.keep(shipments).await?;
        wanted::look_at(context, scope, system, &page.deliveries, correlation).await?;
        for refused in kept {
            well.retain(|record| *record != refused.record);
            problems.retain(|problem| problem.record != refused.record);
            problems.push(refused);
        }
        self.remember(problems, &waiting, well).await
    }

    /// Where the keys of several deliveries and of no other one cannot be used, it is not about one of them. Those of which
    /// it is known do not stop all others again.
    async fn fail_without_keys(&self, keyless: &[NewOrderProblem]) -> Result<(), OrderError> {
        let [first, _, ..] = keyless else { return Ok(()) };
        let records = keyless.iter().map(|problem| problem.record).collect();
        let known = self.context.store.order_problems.among(self.scope, self.system, records).await?;
        if known.is_empty() {
            return Err(UseCaseError::Internal(first.problem.clone()).into());
        }
        Ok(())
    }

    /// Together; where the store refuses one, each by itself. Those that it refused.
    async fn keep(&mut self, shipments: Vec<ImportedShipment>) -> Result<Vec<NewOrderProblem>, OrderError> {
        let (context, scope) = (self.context, self.scope);
        let mut refused = Vec::new();
        if shipments.is_empty() {
            return Ok(refused);
        }
        match context.store.shipments.import(scope, shipments.clone(), context.now()).await {
            Ok(done) => add(&mut self.total, done),
            Err(error) if is_about_a_row(&error) => {
                for shipment in shipments {
                    let (record, name) = (shipment.origin.record, Some(shipment.origin.name.clone()));
                    match context.store.shipments.import(scope, vec![shipment], context.now()).await {
                        Ok(done) => add(&mut self.total, done),
                        Err(error) if is_about_a_row(&error) => {
                            let problem = error.to_string();
                            refused.push(NewOrderProblem { record, name, problem, extent: Extent::Whole });
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(refused)
    }

    /// Keeps problems for the next attempt, and shows them on the shipments that are there, unless those only wait for their
    /// turn: of these an earlier problem stays. Forgets those that are over.
    async fn remember(
        &mut self,
        mut problems: Vec<NewOrderProblem>,
        waiting: &BTreeSet<i64>,
        well: Vec<i64>,
    ) -> Result<(), OrderError> {
        let context = self.context;
        let said = problems.iter().filter(|one| one.extent == Extent::Whole && !waiting.contains(&one.record));
        for problem in said {
            let unread = Amendment::Unread(vec![problem.problem.clone()]);
            self.amend(problem.record, unread).await?;
        }
        if !problems.is_empty() {
            tracing::info!(problems = problems.len(), "deliveries that could not be read whole");
        }
        let asked: Vec<i64> = waiting.iter().chain(&well).copied().collect();
        let mut known = BTreeMap::new();
        if !asked.is_empty() {
            known = context.store.order_problems.among(self.scope, self.system, asked).await?;
        }
        for problem in problems.iter_mut().filter(|problem| waiting.contains(&problem.record)) {
            if let Some(earlier) = known.remove(&problem.record) {
                *problem = earlier;
            }
        }
        let well: Vec<i64> = well.into_iter().filter(|record| known.contains_key(record)).collect();
        if !problems.is_empty() || !well.is_empty() {
            context.store.order_problems.note(self.scope, self.system, problems, well, context.now()).await?;
        }
        Ok(())
    }

    async fn amend(&mut self, record: i64, amendment: Amendment) -> Result<(), OrderError> {
        let amended = Amended { system: self.system.to_owned(), record, amendment, correlation: self.correlation };
        if let Some(id) = self.context.store.shipments.amend(self.scope, amended, self.context.now()).await? {
            self.total.changed += 1;
            self.total.to_fold.push(id);
        }
        Ok(())
    }

    /// Deliveries that could not be read, whose next try has come; what was read meanwhile is left out.
    async fn try_again(&mut self, due: Vec<i64>) -> Result<(), OrderError> {
        let due: Vec<i64> =
            self.context.store.order_problems.among(self.scope, self.system, due).await?.into_keys().collect();
        if due.is_empty() {
            return Ok(());
        }
        let page = self.odoo.deliveries(&due, self.calls).await?;
        let there = |id: &i64| {
            page.deliveries.iter().any(|d| d.id == *id) || page.unreadable.iter().any(|unreadable| unreadable.id == *id)
        };
        let gone: Vec<i64> = due.iter().copied().filter(|id| !there(id)).collect();
        self.take(page, Cause::Import).await?;
        self.remember(Vec::new(), &BTreeSet::new(), gone).await
    }

    /// Takes in those of these deliveries that are wanted or known, and notices which of the known ones are gone.
    async fn these(&mut self, ids: &[i64], cause: Cause) -> Result<(), OrderError> {
        let known = self.context.store.shipments.known_records(self.scope, self.system, ids.to_vec()).await?;
        let wanted = self.odoo.wanted_among(ids, self.calls).await?;
        let read: BTreeSet<i64> = known.iter().chain(&wanted).copied().collect();
        let page = self.odoo.deliveries(&read.iter().copied().collect::<Vec<_>>(), self.calls).await?;
        let given = page.deliveries.iter().map(|delivery| delivery.id);
        let given: BTreeSet<i64> = given.chain(page.unreadable.iter().map(|unreadable| unreadable.id)).collect();
        self.take(page, cause).await?;
        let missing: Vec<i64> = known.iter().copied().filter(|id| !given.contains(id)).collect();
        if !missing.is_empty() {
            for record in self.odoo.deleted(&missing, self.calls).await? {
                self.amend(record, Amendment::Deleted).await?;
            }
        }
        Ok(())
    }

    /// Takes in deliveries that no change has shown: the right to see them came later than they did. Up to which one it
    /// looked.
    async fn compare(&mut self, after: i64) -> Result<i64, OrderError> {
        let found = self.odoo.delivery_ids(after, COMPARED, self.calls).await?;
        let ids: Vec<i64> = found.iter().copied().flatten().collect();
        self.nameless |= ids.len() < found.len();
        let known = self.context.store.shipments.known_records(self.scope, self.system, ids.clone()).await?;
        // those have their next try
        let odd = self.context.store.order_problems.among(self.scope, self.system, ids.clone()).await?;
        let unknown = ids.iter().copied().filter(|id| !known.contains(id) && !odd.contains_key(id));
        let unknown: Vec<i64> = unknown.take(IMPORT_PAGE as usize).collect();
        let last = if unknown.len() < IMPORT_PAGE as usize { ids.last() } else { unknown.last() }.copied();
        if !unknown.is_empty() {
            let page = self.odoo.deliveries(&unknown, self.calls).await?;
            self.take(page, Cause::Import).await?;
        }
        let more = found.len() >= COMPARED as usize || unknown.len() >= IMPORT_PAGE as usize;
        Ok(last.filter(|_| more).unwrap_or(0))
    }

    /// Looks whether the next deliveries that are not over are still there; up to which one.
    async fn look_for_deleted(&mut self, after: i64) -> Result<i64, OrderError> {
        let open = self.context.store.shipments.open_records(self.scope, self.system, after, LOOKED_FOR).await?;
        if open.is_empty() {
            return Ok(0);
        }
        for record in self.odoo.deleted(&open, self.calls).await? {
            self.amend(record, Amendment::Deleted).await?;
        }
        let more = open.len() >= LOOKED_FOR as usize;
        Ok(open.last().copied().filter(|_| more).unwrap_or(0))
    }
}

/// Whether the store refuses what one row holds, and would take another one.
fn is_about_a_row(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_) | StoreError::Damaged(_) | StoreError::NotFound(_))
}

fn add(total: &mut Imported, done: Imported) {
    total.created += done.created;
    total.changed += done.changed;
    total.unchanged += done.unchanged;
    total.to_fold.extend(done.to_fold);
}
