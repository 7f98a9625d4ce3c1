//! A person does what the page offers about a shipment without a current status: only what is offered at that moment.

use super::{
    ask::ASK_TRACKING,
    find::{Remedy, found},
};
use crate::{
    booking::register_by_hand,
    caller::Caller,
    connections,
    context::Context,
    error::{Result, UseCaseError},
    operations::replays,
};
use domain::{
    access::Permission,
    ids::{JobId, MessageId, ShipmentId},
    unknown::Cause as Unknown,
};
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{Cause, JobFilter, JobKind, JobSelection, Lane, NewJob},
    shipments::{Loaded, ShipmentQuery, ShipmentTab},
};

/// What can be done with a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Turn the connection on again.
    Resume,
    /// Read the messages again.
    Reprocess,
    /// Register the numbers at the connection.
    Register,
    /// Ask the connection now.
    Ask,
    /// Send the refused update again.
    Retry,
}

/// Pages of failed jobs that are looked through for those of one shipment.
const FAILED_PAGES_MAX: usize = 10;
/// Messages of one shipment that are read again.
const MESSAGES_MAX: usize = 50;
/// Pages of shipments that are looked at again when a source is resumed; the others follow with their next change.
const RESUMED_PAGES_MAX: usize = 20;

/// Does it; on a connection where the act names one.
///
/// # Errors
/// When the caller may not, there is no such shipment, or it is not offered any more.
pub async fn perform(context: &Context, caller: &Caller, id: ShipmentId, act: Act, on: &str) -> Result<()> {
    caller.require(Permission::Act)?;
    let scope = caller.scope();
    let loaded = context.store.shipments.load(scope, id, None).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let known = found(context, scope, &loaded).await?;
    let offered = known.into_iter().flat_map(|known| known.remedies).any(|remedy| is(&remedy, act, on));
    if !offered {
        return Err(UseCaseError::Conflict("this changed meanwhile: look at the shipment again".into()));
    }
    match act {
        Act::Resume => resume(context, caller, on).await?,
        Act::Reprocess => reprocess(context, caller, id).await?,
        Act::Register => register_by_hand(context, caller, &loaded.shipment, on).await?,
        Act::Ask => asked(context, scope, &loaded, on).await?,
        Act::Retry => retry(context, scope, &loaded).await?,
    }
    context.notifier.all_work();
    context.notifier.changed();
    Ok(())
}

fn is(remedy: &Remedy, act: Act, on: &str) -> bool {
    match (act, remedy) {
        (Act::Resume, Remedy::Resume { connection, .. })
        | (Act::Register, Remedy::Register { connection, .. })
        | (Act::Ask, Remedy::Ask { connection, .. }) => connection == on,
        (Act::Reprocess, Remedy::Reprocess) | (Act::Retry, Remedy::Retry) => true,
        _ => false,
    }
}

/// The source is turned on, and what waited for it is looked at again.
async fn resume(context: &Context, caller: &Caller, connection: &str) -> Result<()> {
    connections::switch(context, caller, connection, true, "").await?;
    let wanted =
        ShipmentQuery { tab: ShipmentTab::All, unknown: Some(Unknown::SourcePaused), ..ShipmentQuery::default() };
    let (mut cursor, mut waiting) = (None, BTreeSet::new());
    for _ in 0..RESUMED_PAGES_MAX {
        let query = ShipmentQuery { cursor: cursor.take(), ..wanted.clone() };
        let page = context.store.shipments.list(caller.scope(), query, context.now()).await?;
        waiting.extend(page.rows.iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let correlation = context.correlation();
    let fold = |id: &ShipmentId| context.job(JobKind::FOLD, *id, Cause::Reconcile, correlation, Some(*id));
    Ok(context.store.jobs.enqueue(caller.scope(), waiting.iter().map(fold).collect()).await?)
}

async fn reprocess(context: &Context, caller: &Caller, id: ShipmentId) -> Result<()> {
    let seen = context.store.shipments.seen_in(caller.scope(), id).await?;
    let messages: BTreeSet<MessageId> = seen.iter().map(|one| one.message).collect();
    // ids are by time, and what is wrong now is in the newest
    for message in messages.into_iter().rev().take(MESSAGES_MAX) {
        match replays::reprocess(context, caller, message).await {
            // one whose body is gone stays as it was read
            Ok(()) | Err(UseCaseError::Invalid { .. } | UseCaseError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn asked(context: &Context, scope: Scope, loaded: &Loaded, connection: &str) -> Result<()> {
    let id = loaded.shipment.id;
    let correlation = context.correlation();
    let registrations = context.store.bookings.registrations(scope, id).await?;
    let of_it = registrations.iter().filter(|known| known.connection == connection);
    let job = |number: &str| {
        context.job(ASK_TRACKING, format!("{connection}/{number}"), Cause::Live, correlation, Some(id)).to(connection)
    };
    let jobs: Vec<NewJob> = of_it.map(|known| job(&known.number)).collect();
    let audit = context.audit("shipment.ask", format!("shipment:{id}"));
    context.store.people.audit(scope, audit).await?;
    Ok(context.store.jobs.enqueue(scope, jobs).await?)
}

/// The updates that failed go again; where none of them is found among the failed ones, a new one goes.
async fn retry(context: &Context, scope: Scope, loaded: &Loaded) -> Result<()> {
    let id = loaded.shipment.id;
    let Some(origin) = &loaded.shipment.origin else {
        return Err(UseCaseError::Conflict("the shipment is of no order: nothing is written".into()));
    };
    let audit = context.audit("shipment.retry", format!("shipment:{id}"));
    let failed = failed(context, scope, id, &origin.system).await?;
    if !failed.is_empty() {
        let which = JobSelection { jobs: failed, ..JobSelection::default() };
        context.store.jobs.retry(scope, which, context.now(), audit).await?;
        return Ok(());
    }
    context.store.people.audit(scope, audit).await?;
    let job = context.job(JobKind::SYNC_ORDER, id, Cause::Live, context.correlation(), Some(id)).to(&origin.system);
    context.store.jobs.enqueue(scope, vec![job]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// The failed updates of a shipment.
async fn failed(context: &Context, scope: Scope, id: ShipmentId, system: &str) -> Result<Vec<JobId>> {
    let which = JobSelection { destination: Some(system.to_owned()), ..JobSelection::default() };
    let (mut cursor, mut found) = (None, Vec::new());
    for _ in 0..FAILED_PAGES_MAX {
        let page = context.store.jobs.list(scope, JobFilter::Failed, which.clone(), cursor.take()).await?;
        let its = page.rows.iter().filter(|row| {
            row.job.shipment == Some(id) && [JobKind::SYNC_ORDER, JobKind::SYNC_SALES_ORDER].contains(&row.job.kind)
        });
        found.extend(its.map(|row| row.job.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}
