//! Which service desk an exception goes to. Where none takes it, nothing is lost: it stays in the queue, the pages say so, and a
//! desk that is connected later, or takes others than before, gets what is recent of it.

use super::wanted::{self, Wanted};
use crate::{
    connections::live::Snapshot,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{ExceptionReason, Severity, exceptions::lead::leader, ids::CorrelationId, routing::Subject};
use jiff::{SignedDuration, Timestamp};
use outbound::template::Family;
use serde::{Deserialize, Serialize};
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    orders::Origin,
    trackers::NumberRecord,
    work::{CaseRecord, CaseStatus, ExceptionRecord, QueueQuery, QueueRow, QueueView},
};

/// Pages of open exceptions that one poll of a desk looks through; the next one goes on behind them.
const PAGES_MAX: u32 = 50;

/// The open exceptions are looked through again after so long: a node folds by the connections that it knows, and a desk that cannot
/// be used today may be used tomorrow without a change.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// What a desk is chosen by, of a shipment and its exception.
pub fn subject(origin: Option<&Origin>, numbers: &[NumberRecord], severity: Option<Severity>) -> Subject {
    Subject {
        company: origin.and_then(|origin| origin.company.clone()),
        warehouse: origin.and_then(Origin::warehouse).map(str::to_owned),
        carriers: numbers.iter().filter_map(|number| number.carrier.clone()).collect(),
        severity,
    }
}

/// The desk that has the ticket that is asked for again: that of the case, else, for a new one, the desk that takes it now.
pub(super) async fn desk_again(
    context: &Context,
    scope: Scope,
    exception: &ExceptionRecord,
    case: &CaseRecord,
) -> Result<String> {
    if context.desk(&case.desk).is_some() {
        return Ok(case.desk.clone());
    }
    let connections = context.connections.now();
    let label = connections.label(&case.desk);
    let shipment = context.store.shipments.shipment(scope, exception.shipment).await?;
    let taken = shipment.filter(|_| case.status != CaseStatus::Resolved).and_then(|shipment| {
        let subject = subject(shipment.origin.as_ref(), &shipment.numbers, Some(exception.severity));
        connections.desk_for(&subject).map(str::to_owned)
    });
    taken.ok_or_else(|| {
        let message = match case.status {
            CaseStatus::Resolved => {
                format!("{label}, which has the ticket, is not in use: enable the connection first")
            }
            _ => format!("{label} is not in use, and no other desk takes the exception: enable a connection first"),
        };
        UseCaseError::Invalid { field: "ticket", message }
    })
}

/// Why an exception that should have a ticket gets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTicket {
    /// No desk is in use.
    NoDesk,
    /// None of the desks takes it.
    NotTaken,
    /// Another exception of the shipment is worked on, of this reason.
    Led(ExceptionReason),
}

/// Why an exception without a ticket gets none that the rules want; none where a desk takes it.
pub(crate) fn no_ticket(
    context: &Context,
    wanted: &Wanted,
    exception: &ExceptionRecord,
    (origin, numbers, others): (Option<&Origin>, &[NumberRecord], &[ExceptionReason]),
) -> Option<NoTicket> {
    if let Some(reason) = leader(exception.reason, others.iter().copied()) {
        return Some(NoTicket::Led(reason));
    }
    let connections = context.connections.now();
    if origin.is_none() || wanted.desk.is_some() {
        return None;
    }
    if connections.in_use(Family::Desk).next().is_none() {
        return Some(NoTicket::NoDesk);
    }
    let taken = connections.desk_for(&subject(origin, numbers, Some(exception.severity)));
    taken.is_none().then_some(NoTicket::NotTaken)
}

/// How far the open exceptions were looked through for a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Looked {
    /// The version of the connections then.
    version: u64,
    /// When it began.
    begun: Timestamp,
    /// What is looked through; none: all of it was.
    view: Option<QueueView>,
    /// Where it goes on.
    cursor: Option<String>,
}

/// After each change of a connection, and once an hour, the open exceptions are looked through: those without a ticket that the
/// desk takes now, and that were recorded within the last days, get a job, also where one waits for a desk that is no longer in
/// use. Returns how many.
///
/// # Errors
/// When the store fails; the next poll then begins where this one did.
pub async fn catch_up(context: &Context, scope: Scope, desk: &str, correlation: CorrelationId) -> Result<usize> {
    let connections = context.connections.now();
    let (setting, version, now) = (format!("desk.routed.{desk}"), connections.version(), context.now());
    let kept = context.store.people.setting(scope, &setting).await?;
    let kept = kept.and_then(|text| serde_json::from_str::<Looked>(&text).ok());
    let fresh = |begun: Timestamp| begun <= now && now.duration_since(begun) < AGAIN;
    let mut looked = match kept.filter(|kept| kept.version == version && fresh(kept.begun)) {
        Some(Looked { view: None, .. }) => return Ok(0),
        Some(kept) => kept,
        None => Looked { version, begun: now, view: Some(QueueView::Open), cursor: None },
    };
    let mut found = 0;
    for _ in 0..PAGES_MAX {
        let Some(view) = looked.view else { break };
        let query = QueueQuery { view, cursor: looked.cursor.take(), ..QueueQuery::default() };
        let page = context.store.work.queue(scope, query, context.now()).await?;
        let mut jobs = Vec::new();
        for row in &page.rows {
            jobs.extend(job(context, scope, &connections, row, desk, correlation).await?);
        }
        if !jobs.is_empty() {
            found += jobs.len();
            context.store.jobs.enqueue(scope, jobs).await?;
        }
        looked.cursor = page.next;
        if looked.cursor.is_none() {
            looked.view = (view == QueueView::Open).then_some(QueueView::Snoozed);
        }
    }
    let text = serde_json::to_string(&looked).expect("plain data serialises");
    context.store.people.put_setting(scope, &setting, text).await?;
    if found > 0 {
        context.notifier.work(Lane::Batch);
    }
    Ok(found)
}

/// The job for an exception without a ticket, where the rules want one and this desk takes it.
async fn job(
    context: &Context,
    scope: Scope,
    connections: &Snapshot,
    row: &QueueRow,
    desk: &str,
    correlation: CorrelationId,
) -> Result<Option<NewJob>> {
    let exception = &row.exception;
    let days = SignedDuration::from_hours(i64::from(context.config.rules.news_days) * 24);
    let recent = context.now().duration_since(exception.recorded_at) <= days;
    if row.case.is_some() || row.origin.is_none() || !recent {
        return Ok(None);
    }
    let Some(loaded) = context.store.shipments.load(scope, exception.shipment, None).await? else { return Ok(None) };
    let Some(wanted) = wanted::wanted(context, scope, &loaded, exception).await? else { return Ok(None) };
    let subject = subject(row.origin.as_ref(), &row.numbers, Some(exception.severity));
    if wanted.desk.as_deref().or_else(|| connections.desk_for(&subject)) != Some(desk) {
        return Ok(None);
    }
    let shipment = Some(exception.shipment);
    let job = context.job(JobKind::SYNC_CASE, exception.id, Cause::Reconcile, correlation, shipment).to(desk);
    Ok(Some(NewJob { lane: Lane::Batch, run_at: wanted.due(exception).max(context.now()), ..job }))
}
