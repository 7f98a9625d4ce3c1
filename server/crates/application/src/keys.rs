//! Keys of the company for one purpose each, and the values of the audit trail that are sealed under one.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    vault::DataKey,
};
use domain::ids::{SubjectId, content_id};
use storage::{Scope, Sealed};

/// Where an audit value lies in the vault.
const AUDIT_VALUE: &str = "audit.value";

/// An audit value: it may hold personal data, so it is sealed under the company's audit key.
///
/// # Errors
/// When the store fails.
pub async fn sealed_audit(context: &Context, scope: Scope, value: &serde_json::Value) -> Result<Sealed> {
    Ok(sealed_value(&company_key(context, scope, "audit").await?, value))
}

/// An audit value under the key of the person that it names.
pub(crate) fn sealed_value(key: &DataKey, value: &serde_json::Value) -> Sealed {
    key.seal(AUDIT_VALUE, value.to_string().as_bytes())
}

/// An audit value, opened.
pub(crate) fn value_of(key: &DataKey, sealed: &Sealed) -> Option<serde_json::Value> {
    serde_json::from_slice(&key.open(AUDIT_VALUE, sealed).ok()?).ok()
}

/// A key of the company for one purpose, made on first use.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn company_key(context: &Context, scope: Scope, purpose: &str) -> Result<DataKey> {
    let subject = SubjectId(content_id("company key", &[scope.company.0.as_bytes(), purpose.as_bytes()]));
    let kept = match context.store.people.key(scope, subject).await? {
        Some(kept) => kept,
        None => {
            let (_, wrapped) = context.vault.new_key(subject);
            context.store.people.put_key(scope, wrapped, context.now()).await?
        }
    };
    context.vault.unwrap(&kept).map_err(|e| UseCaseError::Internal(e.to_string()))
}
