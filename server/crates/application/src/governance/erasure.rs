//! Erasure: the key of a customer, or of an agent of the service desk, is destroyed, and what was sealed under it is noise
//! wherever copies of it lie. What was received and answered about a customer's shipment is erased with it ([`rewriting`]). A backup has the key still, so every erasure is written to a list outside of the database and
//! its backups first (the tombstones), and the list is applied again at each start and after each restore.

use super::{list, persons::Person, rewriting, tombstones};
use crate::caller::Caller;
pub use crate::governance::rewriting::Left;
use crate::{
    audit,
    cases::agents,
    claims,
    context::Context,
    error::{Result, UseCaseError},
    odoo::CUSTOMER,
};
use domain::access::Permission;
use domain::{
    fold,
    ids::{ShipmentId, SubjectId},
};
use jiff::{SignedDuration, Timestamp};
use odoo::Customer;
use std::collections::BTreeSet;
use storage::{
    Scope, StoreError,
    erasure::{ERASED, Own},
};

/// What was being recorded while a shipment was erased is recorded as of before, but not longer before.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// The setting that erased texts may still be in the log beside the database.
const UNSETTLED: &str = "erasures.unsettled";

/// Erases the customer of a shipment: name, address, mail, language, and the words under which they were found; and the texts
/// that were received and answered about it. Done again, it erases what came since. Returns what is left for [`follow`].
///
/// # Errors
/// When there is no such shipment, or the list or the store cannot be written; then nothing, or everything after the next
/// start, is erased.
pub async fn erase_customer(context: &Context, caller: &Caller, shipment: ShipmentId, why: String) -> Result<Left> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    context.store.shipments.shipment(scope, shipment).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let customer = context.store.shipments.customer(scope, shipment).await?.map(|(sealed, _)| sealed.subject);
    // the list first: a crash in between leads to the erasure at the next start, never to a forgotten one
    append(context, customer.unwrap_or(SubjectId(shipment.0)), Some(shipment)).await?;
    if context.store.people.setting(scope, &until(shipment)).await?.is_none() {
        // nodes that have not the list go by the database
        context.store.people.put_setting(scope, &until(shipment), Timestamp::UNIX_EPOCH.to_string()).await?;
    }
    let begun = context.now();
    let left = texts_of(context, scope, own(context, scope, shipment).await?, Timestamp::UNIX_EPOCH).await?;
    claims::erase(context, scope, shipment).await?;
    let why = audit::reason(context, scope, &why).await?;
    let audit = context.audit("customer.erase", format!("shipment:{shipment}")).why(Some(why));
    // last: until then it is known whom to look for
    match customer {
        Some(subject) => context.store.people.destroy_key(scope, subject, audit).await?,
        None => context.store.people.audit(scope, audit).await?,
    }
    done(context, shipment, begun, &left).await?;
    Ok(Left { is_in_log: !settle(context).await?, ..left })
}

/// What of its numbers' statements is the shipment's: where others have a number too, not what is of another use of it.
async fn own(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<Own> {
    let shared: BTreeSet<_> = context.store.erasure.shared(scope, shipment).await?.into_iter().collect();
    if shared.is_empty() {
        return Ok(shipment.into());
    }
    let Some(loaded) = context.store.shipments.load(scope, shipment, None).await? else { return Ok(shipment.into()) };
    let of_others: BTreeSet<_> = fold::of_other_uses(&loaded.input).into_iter().collect();
    let facts = loaded.input.facts.iter().filter(|fact| shared.contains(&fact.tracker) && of_others.contains(&fact.id));
    Ok(Own { shipment, except: facts.map(|fact| fact.id).collect() })
}

/// Erases the texts about a shipment that were recorded since then.
async fn texts_of(context: &Context, scope: Scope, own: Own, since: Timestamp) -> Result<Left> {
    let customer = context.store.shipments.customer(scope, own.shipment).await?;
    let opened = customer.and_then(|(sealed, key)| {
        let plain = context.vault.unwrap(&key?).ok()?.open(CUSTOMER, &sealed).ok()?;
        serde_json::from_slice::<Customer>(&plain).ok()
    });
    let person = opened.map_or_else(Person::default, |customer| Person::of(&customer));
    rewriting::erase_texts(context, scope, own, person, since).await
}

/// Keeps until when everything that was recorded is erased, and returns what cannot be.
async fn done(context: &Context, shipment: ShipmentId, begun: Timestamp, left: &Left) -> Result<()> {
    let (unfinished, unopened) = (left.unfinished, left.unopened);
    if unfinished > 0 {
        tracing::info!(%shipment, unfinished, "messages that are still to be read are erased later");
    }
    if unopened > 0 {
        tracing::warn!(%shipment, unopened, "messages that the master key does not open are left as they are");
    }
    let all = left.since.map_or(begun, |since| since.min(begun));
    Ok(context.store.people.put_setting(context.scope(), &until(shipment), all.to_string()).await?)
}

/// Clears the files; whether nothing is left in them. What is left is remembered.
async fn settle(context: &Context) -> Result<bool> {
    let (people, scope) = (&context.store.people, context.scope());
    people.put_setting(scope, UNSETTLED, context.now().to_string()).await?;
    let is_settled = context.store.erasure.settle().await?;
    if is_settled {
        people.take_setting(scope, UNSETTLED).await?;
    } else {
        tracing::warn!(
            "erased texts are still in the log beside the database, since somebody reads: it is cut off later"
        );
    }
    Ok(is_settled)
}

/// The setting with the time until which a shipment's texts are erased. A backup of before has none, or an earlier one.
fn until(shipment: ShipmentId) -> String {
    format!("{ERASED}{shipment}")
}

/// Erases what was recorded of erased shipments since they were erased, or since the backup that is restored: of those in the
/// list, and of those that the database knows of, where another node has the list.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn follow(context: &Context) -> Result<()> {
    let scope = context.scope();
    let listed = list::lines(&context.config.tombstones, &context.vault)?;
    let listed: BTreeSet<ShipmentId> = listed.iter().filter_map(|line| list::shipment_of(line)).collect();
    let mut any = false;
    for shipment in &listed {
        any |= follow_one(context, scope, *shipment).await?;
    }
    let mut after = None;
    loop {
        let known = context.store.erasure.erased(scope, after).await?;
        let Some(last) = known.last() else { break };
        after = Some(*last);
        for shipment in known.iter().filter(|shipment| !listed.contains(*shipment)) {
            any |= follow_one(context, scope, *shipment).await?;
        }
    }
    if any || context.store.people.setting(scope, UNSETTLED).await?.is_some() {
        settle(context).await?;
    }
    Ok(())
}

/// Erases what was recorded of one erased shipment since; whether there was anything.
async fn follow_one(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<bool> {
    let (erasure, begun) = (&context.store.erasure, context.now());
    if !context.store.claims.of_shipment(scope, shipment).await?.is_empty() {
        claims::erase(context, scope, shipment).await?;
    }
    let kept = context.store.people.setting(scope, &until(shipment)).await?.and_then(|until| until.parse().ok());
    let since = kept.unwrap_or(Timestamp::UNIX_EPOCH);
    let since = since.checked_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH);
    let is_first = since == Timestamp::UNIX_EPOCH;
    let is_left = async |own: &Own| -> Result<bool> {
        if !erasure.texts_about(scope, own.clone(), None).await?.is_empty() {
            return Ok(true);
        }
        let about = erasure.about(scope, own.clone(), since, None).await?;
        Ok(about.iter().any(|message| !message.unfinished))
    };
    // which shipment they belong to, where others have the number too, matters only where there is something
    if !is_first && !is_left(&shipment.into()).await? {
        return Ok(false);
    }
    let own = own(context, scope, shipment).await?;
    if !is_first && !is_left(&own).await? {
        return Ok(false);
    }
    let left = texts_of(context, scope, own, since).await?;
    done(context, shipment, begun, &left).await?;
    Ok(true)
}

/// Erases an agent of the service desk: the name in cases and in lines of the audit trail, and for good, whatever that agent does
/// later.
///
/// # Errors
/// When no agent of this name is known, or the list or the store cannot be written; then nothing, or everything after the next
/// start, is erased.
pub async fn erase_agent(context: &Context, caller: &Caller, name: &str, why: String) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let keys = context.store.people.keys(scope, agents::subjects(context, name)).await?;
    let kept: Vec<SubjectId> = keys.into_iter().filter_map(|(subject, key)| key.map(|_| subject)).collect();
    if kept.is_empty() {
        return Err(UseCaseError::NotFound("agent"));
    }
    for subject in kept {
        append(context, subject, None).await?;
        let why = audit::reason(context, scope, &why).await?;
        let audit = context.audit("agent.erase", format!("subject:{subject}")).why(Some(why));
        context.store.people.destroy_key(scope, subject, audit).await?;
    }
    Ok(())
}

/// Erases again what the list names; how many were there again.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn reapply(context: &Context) -> Result<u64> {
    let mut again = 0;
    // first, while the keys to the person's data are there
    follow(context).await?;
    for subject in list::read(&context.config.tombstones, &context.vault)? {
        let audit = context.audit("subject.erase_again", format!("subject:{subject}"));
        match context.store.people.destroy_key(context.scope(), subject, audit).await {
            Ok(()) => again += 1,
            // what the backup does not know comes with the next import or poll, unless it is known to be erased
            Err(StoreError::NotFound(_)) => {
                context.store.people.tombstone_key(context.scope(), subject, context.now()).await?
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(again)
}

async fn append(context: &Context, subject: SubjectId, shipment: Option<ShipmentId>) -> Result<()> {
    tombstones::require(context).await?;
    list::append(&context.config.tombstones, &context.vault, context.now(), subject, shipment)?;
    tombstones::remember(context).await
}
