//! A connection is removed: its secrets are forgotten, and what it brought ends. What came in stays, for the history.

use super::{
    catalogue, checks,
    opened::{self, named, sealed},
    refresh::announce,
};
use crate::{
    audit,
    booking::rules,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{access::Permission, booking::Action, ids::ReconciliationId};
use outbound::template::Family;
use storage::{
    Scope,
    connections::ConnectionRecord,
    orders::{Amended, Amendment},
};

/// Deliveries that end in one step.
const STEP: u32 = 500;
/// So many deliveries are counted at most before a removal.
pub const DELIVERIES_COUNTED: u32 = 1_000;

/// What would end with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Why it cannot be removed; none where it can.
    pub blocked: Option<String>,
    /// Its deliveries that are not over, at most [`DELIVERIES_COUNTED`].
    pub deliveries: usize,
}

/// What would end if a connection was removed.
///
/// # Errors
/// When the caller may not, there is no such connection, or the store fails.
pub async fn removal(context: &Context, caller: &Caller, name: &str) -> Result<Removal> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let record = named(context, scope, name).await?.record;
    let deliveries = context.store.shipments.open_records(scope, name, 0, DELIVERIES_COUNTED).await?.len();
    Ok(Removal { blocked: blocked(context, scope, &record).await?, deliveries })
}

/// Why a connection cannot be removed; none where it can.
async fn blocked(context: &Context, scope: Scope, record: &ConnectionRecord) -> Result<Option<String>> {
    let name = &record.name;
    if record.enabled {
        return Ok(Some(format!("{name} is in use: disable it first")));
    }
    if catalogue::family(&record.connector) != Some(Family::Shipping) {
        return Ok(None);
    }
    if context.store.bookings.any_at(scope, name).await? {
        let why =
            "labels were booked or numbers registered there, which can still be voided or ended: it stays disabled";
        return Ok(Some(format!("{name} cannot be removed: {why}")));
    }
    let names_it = |action: &Action| match action {
        Action::Book { connection, .. } | Action::Register { connection } => connection == name,
        Action::Nothing => false,
    };
    let rule = rules::rules(context, scope).await?.into_iter().find(|rule| names_it(&rule.action));
    Ok(rule.map(|rule| format!("the booking rule {} names {name}: change or remove the rule first", rule.name)))
}

/// Removes a connection that is disabled: its secrets are forgotten, its waiting work and its open differences end, and deliveries of an
/// order system that are not over count as deleted there. The same name may be given again.
///
/// # Errors
/// `Invalid` where it is in use, or a platform at which labels were booked or that a booking rule names; else where there is none, or
/// the store fails.
pub async fn remove(context: &Context, caller: &Caller, name: &str, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let known = named(context, scope, name).await?;
    checks::is_kept(&known)?;
    if let Some(why) = blocked(context, scope, &known.record).await? {
        return Err(checks::invalid("name", why));
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
