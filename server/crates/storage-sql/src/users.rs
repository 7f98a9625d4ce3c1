//! The company and the people who sign in.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{json, micros},
    lock, query,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, UserId};
use jiff::Timestamp;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::Lane,
    users::{UserRecord, Users, changed_meanwhile, last_admin},
};

#[async_trait]
impl<E: Engine> Users for Sql<E> {
    async fn company(&self, id: CompanyId, name: &str, at: Timestamp) -> Result<CompanyId> {
        let name = name.to_owned();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    lock::company(db).await?;
                    query("INSERT INTO company (id, name, created_at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM company)")
                        .bind(id.0)
                        .bind(name)
                        .bind(at)
                        .execute(db)
                        .await?;
                    query("SELECT id FROM company ORDER BY created_at, id LIMIT 1").one(db).await?.id("id")
                })
            })
            .await
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>> {
        self.row(query("SELECT * FROM \"user\" WHERE login = ?").bind(login), user).await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>> {
        self.row(query("SELECT * FROM \"user\" WHERE id = ?").bind(id.0), user).await
    }

    async fn users(&self, scope: Scope) -> Result<Vec<UserRecord>> {
        let users = query("SELECT * FROM \"user\" WHERE company_id = ? ORDER BY login").bind(scope.company.0);
        self.rows(users, user).await
    }

    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    // of two admins who disable each other at once, one is left
                    lock::company(db).await?;
                    put_user(db, scope, None, &user).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn change_user(&self, scope: Scope, read: UserRecord, user: UserRecord, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    lock::company(db).await?;
                    put_user(db, scope, Some(&read), &user).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }
}

async fn put_user(db: &mut dyn Db, scope: Scope, read: Option<&UserRecord>, user: &UserRecord) -> Result<()> {
    let taken = query("SELECT 1 FROM \"user\" WHERE login = ?1 AND id <> ?2")
        .bind(&user.login)
        .bind(user.id.0)
        .optional(db)
        .await?;
    if taken.is_some() {
        return Err(StoreError::Conflict(format!("there is another user {}", user.login)));
    }
    let before = query("SELECT * FROM \"user\" WHERE id = ?1 AND company_id = ?2")
        .bind(user.id.0)
        .bind(scope.company.0)
        .optional(db)
        .await?;
    let before = before.as_ref().map(self::user).transpose()?;
    if read.is_some() && before.as_ref() != read {
        return Err(StoreError::Conflict(changed_meanwhile(&user.login)));
    }
    if let Some(before) = before {
        follow_change(db, scope, &before, user).await?;
    }
    let put = query(
        "INSERT INTO \"user\" (id, company_id, login, name, password, roles, enabled, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET
             login = excluded.login, name = excluded.name, password = excluded.password, roles = excluded.roles, enabled = excluded.enabled
         WHERE \"user\".company_id = excluded.company_id",
    )
    .bind(user.id.0)
    .bind(scope.company.0)
    .bind(&user.login)
    .bind(&user.name)
    .bind(&user.password)
    .bind(json(&user.roles))
    .bind(user.enabled)
    .bind(micros(user.created_at))
    .execute(db)
    .await?;
    if put == 0 { Err(StoreError::NotFound("user")) } else { Ok(()) }
}

/// What follows when a user becomes another: somebody stays who runs the installation, and sessions end.
async fn follow_change(db: &mut dyn Db, scope: Scope, before: &UserRecord, user: &UserRecord) -> Result<()> {
    if before.is_admin() && !user.is_admin() {
        let other = query(
            "SELECT 1 FROM \"user\" WHERE company_id = ?1 AND id <> ?2 AND enabled AND roles LIKE '%\"admin\"%' LIMIT 1",
        )
        .bind(scope.company.0)
        .bind(user.id.0)
        .optional(db)
        .await?;
        if other.is_none() {
            return Err(StoreError::Conflict(last_admin(&before.login)));
        }
    }
    if !user.keeps_sessions_of(before) {
        query("DELETE FROM session WHERE user_id = ?1").bind(user.id.0).execute(db).await?;
    }
    Ok(())
}

fn user(row: &Row) -> Result<UserRecord> {
    Ok(UserRecord {
        id: row.id("id")?,
        company: row.id("company_id")?,
        login: row.text("login")?,
        name: row.text("name")?,
        password: row.text("password")?,
        roles: row.json("roles")?,
        enabled: row.flag("enabled")?,
        created_at: row.at("created_at")?,
    })
}
