//! The audit trail: reasons are sealed, the chain is checked, and its head is kept outside of the database ([`anchor`]).

pub mod anchor;

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    keys::{company_key, value_of},
    vault::{DataKey, Vault},
};
use domain::ids::{ShipmentId, SubjectId};
use jiff::Timestamp;
use std::collections::HashMap;
use storage::{AuditEntry, Scope, Sealed, Store, audit::BEGUN_ANEW, people::AuditLine};

/// The place in the vault where a line keeps the reason.
const WHY: &str = "audit.why";

/// Characters of a person's reason.
const REASON_CHARS_MAX: usize = 500;

/// A reason that a person may give; none where it is blank.
///
/// # Errors
/// When it is too long.
pub fn given(why: Option<String>) -> Result<Option<String>> {
    let why = why.filter(|why| !why.trim().is_empty());
    if why.as_ref().is_some_and(|why| why.chars().count() > REASON_CHARS_MAX) {
        let message = format!("Say why in at most {REASON_CHARS_MAX} characters.");
        return Err(UseCaseError::Invalid { field: "why", message });
    }
    Ok(why)
}

/// A person's reason, under the company's audit key.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn reason(context: &Context, scope: Scope, text: &str) -> Result<Sealed> {
    Ok(company_key(context, scope, "audit").await?.seal(WHY, text.as_bytes()))
}

/// A reason that is about a shipment: under its customer's key where there is one, so that an erasure takes it too.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn reason_about(context: &Context, scope: Scope, shipment: ShipmentId, text: &str) -> Result<Sealed> {
    match context.store.shipments.customer(scope, shipment).await? {
        Some((_, Some(wrapped))) => {
            let key = context.vault.unwrap(&wrapped).map_err(|e| UseCaseError::Internal(e.to_string()))?;
            Ok(key.seal(WHY, text.as_bytes()))
        }
        _ => reason(context, scope, text).await,
    }
}

/// The keys of these subjects; those that were destroyed or are damaged are left out.
pub(crate) async fn keys_of(
    context: &Context,
    scope: Scope,
    mut subjects: Vec<SubjectId>,
) -> Result<HashMap<SubjectId, DataKey>> {
    subjects.sort_unstable();
    subjects.dedup();
    let mut keys = HashMap::new();
    if subjects.is_empty() {
        return Ok(keys);
    }
    for (subject, kept) in context.store.people.keys(scope, subjects).await? {
        match kept.map(|kept| context.vault.unwrap(&kept)) {
            Some(Ok(key)) => {
                keys.insert(subject, key);
            }
            Some(Err(error)) => {
                tracing::warn!(subject = %subject.0, "a key of the audit trail cannot be opened: {error}")
            }
            None => {}
        }
    }
    Ok(keys)
}

/// Opens what lines of the audit trail keep sealed. The default one opens nothing.
#[derive(Default)]
pub struct Opened(HashMap<SubjectId, DataKey>);

impl Opened {
    /// With the keys of what these lines keep; those that were destroyed are left out.
    ///
    /// # Errors
    /// When the store fails or the master key is another one.
    pub async fn read<'a>(context: &Context, scope: Scope, lines: impl Iterator<Item = &'a AuditLine>) -> Result<Self> {
        let sealed = lines.flat_map(|line| [&line.before, &line.after, &line.why]).flatten();
        Self::of(context, scope, sealed.map(|sealed| sealed.subject).collect()).await
    }

    /// With the keys of these subjects.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn of(context: &Context, scope: Scope, subjects: Vec<SubjectId>) -> Result<Self> {
        Ok(Self(keys_of(context, scope, subjects).await?))
    }

    /// A reason; none where there is none, or it was erased.
    pub fn why(&self, sealed: Option<&Sealed>) -> Option<String> {
        let sealed = sealed?;
        String::from_utf8(self.0.get(&sealed.subject)?.open(WHY, sealed).ok()?).ok()
    }

    /// A value of a line, likewise.
    pub fn value(&self, sealed: Option<&Sealed>) -> Option<serde_json::Value> {
        let sealed = sealed?;
        value_of(self.0.get(&sealed.subject)?, sealed)
    }
}

/// The line with which the chain begins behind lines of before it, which have no MAC; its own covers them. Only the process that has just
/// brought the tables up to the chain writes it: otherwise it would vouch for lines whose MACs were removed.
///
/// # Errors
/// When the store fails.
pub async fn begin(store: &Store, scope: Scope, vault: &Vault, now: Timestamp) -> Result<()> {
    if !store.chain_is_new {
        return Ok(());
    }
    let newest = store.people.audit_trail(scope, None, 1).await?.pop();
    if newest.is_some_and(|line| line.mac.is_none()) {
        store.people.audit(scope, AuditEntry::new(vault.audit_key(), now, BEGUN_ANEW, "audit")).await?;
    }
    Ok(())
}

impl Context {
    /// An entry for the audit trail, of now.
    pub fn audit(&self, action: &'static str, subject: impl Into<String>) -> AuditEntry {
        AuditEntry::new(self.vault.audit_key(), self.now(), action, subject)
    }
}
