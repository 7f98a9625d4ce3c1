//! What people wrote and uploaded about a claim may name a person: it is sealed under the key of the shipment's customer, else
//! under the shipment's own, and an erasure reaches it.

use super::common::shipment_of;
use crate::{
    booking::key_of,
    context::Context,
    error::{Result, UseCaseError},
    vault::DataKey,
};
use domain::ids::{ShipmentId, SubjectId};
use storage::{Scope, Sealed};

/// Where notes, names of files and files lie in the vault.
pub(super) const NOTE: &str = "claim.note";
pub(super) const FILE_NAME: &str = "claim.file_name";
pub(super) const FILE: &str = "claim.file";

/// Whose key it is where the shipment has no customer.
pub(super) const fn own_subject(shipment: ShipmentId) -> SubjectId {
    SubjectId(shipment.0)
}

/// The key that something about a shipment is sealed under.
pub(super) async fn key(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<DataKey> {
    let shipment = shipment_of(context, scope, shipment).await?.map_or(shipment, |found| found.id);
    if let Some(key) = key_of(context, scope, shipment).await? {
        return Ok(key);
    }
    let subject = own_subject(shipment);
    let people = &context.store.people;
    let kept = match people.key(scope, subject).await? {
        Some(kept) => kept,
        None => people.put_key(scope, context.vault.new_key(subject).1, context.now()).await?,
    };
    context.vault.unwrap(&kept).map_err(|error| UseCaseError::Internal(error.to_string()))
}

/// What was sealed; none where its key was destroyed.
pub(super) async fn opened(
    context: &Context,
    scope: Scope,
    place: &'static str,
    sealed: &Sealed,
) -> Result<Option<Vec<u8>>> {
    let Some(wrapped) = context.store.people.key(scope, sealed.subject).await? else { return Ok(None) };
    let internal = |error: crate::vault::VaultError| UseCaseError::Internal(format!("{place}: {error}"));
    let key = context.vault.unwrap(&wrapped).map_err(internal)?;
    key.open(place, sealed).map(Some).map_err(internal)
}

/// The same as text.
pub(super) async fn opened_text(
    context: &Context,
    scope: Scope,
    place: &'static str,
    sealed: &Sealed,
) -> Result<Option<String>> {
    let bytes = opened(context, scope, place, sealed).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
