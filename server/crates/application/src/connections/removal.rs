//! A connection is removed: its secrets are forgotten, and what it brought ends. What came in stays, for the history.

use super::{
    catalogue, checks,
    opened::{self, named, sealed},
    refresh::announce,
};
use crate::{
    audit,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{access::Permission, ids::ReconciliationId};
use outbound::template::Family;
use storage::{
    Scope,
    connections::ConnectionRecord,
    orders::{Amended, Amendment},
};

/// Deliveries that end in one step.
const STEP: u32 = 500;

/// Removes a connection that is disabled: its secrets are forgotten, its waiting work and its open differences end, and deliveries of an
/// order system that are not over count as deleted there. The same name may be given again.
///
/// # Errors
/// `Invalid` where it is in use, or a platform at which labels are booked; else where there is none, or the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let known = named(context, scope, name).await?;
    checks::is_kept(&known)?;
    if known.record.enabled {
        return Err(checks::invalid("name", format!("{name} is in use: disable it first")));
    }
    if catalogue::family(&known.record.connector) == Some(Family::Shipping) {
        let message = format!("{name} has labels that were booked there, which can still be voided: it stays disabled");
        return Err(checks::invalid("name", message));
    }
    let (secrets, key) = sealed(context, known.record.id, Some(&known), &[]);
    let why = why.trim();
    let why = if why.is_empty() { None } else { Some(audit::reason(context, scope, why).await?) };
    let audit = context.audit("connection.remove", format!("connection:{}", known.record.id)).why(why);
    let record = ConnectionRecord { secrets, tested: None, ..known.record };
    context.store.connections.put(scope, record, key, audit).await?;
    announce(context).await?;
    end(context, scope, name).await
}

/// Ends what is left of connections that were removed: a step of it, and what came up since.
///
/// # Errors
/// When the store fails.
pub(crate) async fn end_removed(context: &Context) -> Result<()> {
    let scope = context.scope();
    for removed in opened::all(context, scope).await?.into_iter().filter(opened::Opened::is_removed) {
        if catalogue::family(&removed.record.connector) != Some(Family::Carrier) {
            end(context, scope, &removed.record.name).await?;
        }
    }
    Ok(())
}

async fn end(context: &Context, scope: Scope, name: &str) -> Result<()> {
    let store = &context.store;
    let (now, correlation) = (context.now(), context.correlation());
    store.connections.end_work(scope, name).await?;
    // no run is of this id: every open difference of it ends
    let none = ReconciliationId(context.clock.id());
    store.reconciliations.close_unseen(scope, none, vec![name.to_owned()], now, now).await?;
    for record in store.shipments.open_records(scope, name, 0, STEP).await? {
        let amended = Amended { system: name.to_owned(), record, amendment: Amendment::Deleted, correlation };
        store.shipments.amend(scope, amended, now).await.map_err(UseCaseError::from)?;
    }
    context.notifier.all_work();
    context.notifier.changed();
    Ok(())
}
