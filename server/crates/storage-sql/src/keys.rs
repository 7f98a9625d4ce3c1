//! The wrapped keys of subjects.

use crate::{Db, codec::micros, query};
use domain::ids::SubjectId;
use jiff::Timestamp;
use storage::{Result, Scope, StoreError, WrappedKey};

/// A subject's key, which lies with the message where that is the subject; none once destroyed.
pub async fn key(db: &mut dyn Db, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>> {
    let row = query(
        "SELECT wrapped FROM vault_key WHERE company_id = ?1 AND subject = ?2 AND wrapped IS NOT NULL
         UNION ALL SELECT wrapped FROM message WHERE company_id = ?1 AND id = ?2 AND wrapped IS NOT NULL",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .optional(db)
    .await?;
    row.map(|row| Ok(WrappedKey { subject, bytes: row.bytes("wrapped")? })).transpose()
}

/// Keeps a subject's key, unless it has one; the one that is kept. After a key was destroyed a new one begins: what was
/// sealed under the old one stays noise.
pub async fn put_key(db: &mut dyn Db, scope: Scope, key: &WrappedKey, at: Timestamp) -> Result<WrappedKey> {
    let put = query(
        "INSERT INTO vault_key (company_id, subject, wrapped, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (company_id, subject) DO UPDATE SET wrapped = excluded.wrapped, created_at = excluded.created_at, destroyed_at = NULL
         WHERE vault_key.wrapped IS NULL",
    )
    .bind(scope.company.0)
    .bind(key.subject.0)
    .bind(&key.bytes)
    .bind(micros(at))
    .execute(db)
    .await?;
    if put == 1 {
        return Ok(key.clone());
    }
    self::key(db, scope, key.subject).await?.ok_or(StoreError::NotFound("key"))
}

/// What was sealed is noise now, and the words under which a customer was found go too.
pub(crate) async fn forget_customer(db: &mut dyn Db, scope: Scope, subject: SubjectId) -> Result<()> {
    query(
        "DELETE FROM shipment_term WHERE kind = 'customer' AND shipment_id IN
             (SELECT id FROM shipment WHERE company_id = ?1 AND customer_subject = ?2)",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .execute(db)
    .await?;
    query(
        "UPDATE shipment SET customer = NULL, customer_subject = NULL WHERE company_id = ?1 AND customer_subject = ?2",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .execute(db)
    .await?;
    Ok(())
}
