//! Who read what carriers wrote: bodies of messages, free text, addresses and who signed name people, so that reading them is in
//! the audit trail.

use crate::{context::Context, error::Result};
use domain::ids::{MessageId, ShipmentId};
use jiff::SignedDuration;
use storage::Scope;

/// What is in the audit trail of a person who reads.
const READ: &str = "message.read";
const SIGNATORY_READ: &str = "shipment.signatory.read";
const PLACES_READ: &str = "shipment.places.read";
/// What a person reads again within this time is not noted again.
const NOTED_FOR: SignedDuration = SignedDuration::from_mins(15);
/// Lines of the audit trail that are looked through for it.
const LINES: u32 = 100;

/// A person reads a message's body or its free text. It is noted before it is shown.
///
/// # Errors
/// When the store fails: then nothing is shown.
pub async fn note_read(context: &Context, scope: Scope, message: MessageId) -> Result<()> {
    note(context, scope, READ, format!("message:{message}")).await
}

/// A person reads who signed for a shipment. It is not among what happened to the shipment, so that it has a subject of its own.
///
/// # Errors
/// As [`note_read`].
pub async fn note_signatory_read(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<()> {
    note(context, scope, SIGNATORY_READ, format!("signatory:{shipment}")).await
}

/// A person reads places of a shipment's events that are kept sealed, since they may be addresses: likewise.
///
/// # Errors
/// As [`note_read`].
pub async fn note_places_read(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<()> {
    note(context, scope, PLACES_READ, format!("places:{shipment}")).await
}

/// A person reads the words of several messages, as samples of codes.
///
/// # Errors
/// As [`note_read`].
pub async fn note_words_read(context: &Context, scope: Scope) -> Result<()> {
    note(context, scope, READ, "samples:unmapped".into()).await
}

async fn note(context: &Context, scope: Scope, action: &'static str, subject: String) -> Result<()> {
    let people = &context.store.people;
    let since = context.now().checked_sub(NOTED_FOR).unwrap_or_default();
    let lines = people.audit_trail(scope, Some(subject.clone()), LINES).await?;
    let is_noted =
        lines.iter().any(|line| line.actor == scope.actor && line.entry.action == action && line.entry.at > since);
    if is_noted {
        return Ok(());
    }
    Ok(people.audit(scope, context.audit(action, subject)).await?)
}
