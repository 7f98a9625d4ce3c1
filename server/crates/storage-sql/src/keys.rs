//! The wrapped keys of subjects.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{id_list, micros},
    query,
};
use async_trait::async_trait;
use domain::ids::SubjectId;
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{AuditEntry, Result, Scope, StoreError, WrappedKey, jobs::Lane, keys::Keys};

#[async_trait]
impl<E: Engine> Keys for Sql<E> {
    async fn key(&self, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>> {
        self.0.read(move |db| Box::pin(async move { key(db, scope, subject).await })).await
    }

    async fn put_key(&self, scope: Scope, key: WrappedKey, at: Timestamp) -> Result<WrappedKey> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { put_key(db, scope, &key, at).await })).await
    }

    async fn keys(&self, scope: Scope, subjects: Vec<SubjectId>) -> Result<BTreeMap<SubjectId, Option<WrappedKey>>> {
        let sql = "SELECT subject, wrapped FROM vault_key WHERE company_id = ?1 AND subject {in ids ?2}";
        let question = query(sql).bind(scope.company.0).bind(id_list(subjects.iter().map(|subject| subject.0)));
        let key = |row: &Row| {
            let subject = row.id("subject")?;
            Ok((subject, row.opt_bytes("wrapped")?.map(|bytes| WrappedKey { subject, bytes })))
        };
        self.0.look_up(move |db| Box::pin(async move { question.all(db).await?.iter().map(key).collect() })).await
    }

    async fn tombstone_key(&self, scope: Scope, subject: SubjectId, at: Timestamp) -> Result<()> {
        let tombstone = query(
            "INSERT INTO vault_key (company_id, subject, wrapped, created_at, destroyed_at) VALUES (?1, ?2, NULL, ?3, ?3) ON CONFLICT DO NOTHING",
        );
        let tombstone = tombstone.bind(scope.company.0).bind(subject.0).bind(at);
        self.0.write_one(Lane::RealTime, tombstone).await.map(drop)
    }

    async fn destroy_key(&self, scope: Scope, subject: SubjectId, audit: AuditEntry) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| {
            Box::pin(async move {
                let destroyed = query("UPDATE vault_key SET wrapped = NULL, destroyed_at = ?1 WHERE company_id = ?2 AND subject = ?3 AND wrapped IS NOT NULL")
                    .bind(micros(audit.at))
                    .bind(scope.company.0)
                    .bind(subject.0)
                    .execute(db)
                    .await?;
                let of_message = query("UPDATE message SET wrapped = NULL WHERE company_id = ?1 AND id = ?2 AND wrapped IS NOT NULL")
                    .bind(scope.company.0)
                    .bind(subject.0)
                    .execute(db)
                    .await?;
                if destroyed + of_message == 0 {
                    return Err(StoreError::NotFound("key"));
                }
                forget_customer(db, scope, subject).await?;
                audit::append(db, scope, &audit).await
            })
        })
        .await
    }
}

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
async fn forget_customer(db: &mut dyn Db, scope: Scope, subject: SubjectId) -> Result<()> {
    query(
        "DELETE FROM shipment_term WHERE kind = 'customer' AND shipment_id IN
             (SELECT id FROM shipment WHERE company_id = ?1 AND customer_subject = ?2)",
    )
    .bind(scope.company.0)
    .bind(subject.0)
    .execute(db)
    .await?;
    // the tags of a person are words about them
    let origin = db.dialect().pick("json_remove(origin, '$.segments')", "(origin::jsonb - 'segments')::text");
    query(format!(
        "UPDATE shipment SET customer = NULL, customer_subject = NULL, origin = {origin}
         WHERE company_id = ?1 AND customer_subject = ?2"
    ))
    .bind(scope.company.0)
    .bind(subject.0)
    .execute(db)
    .await?;
    Ok(())
}
