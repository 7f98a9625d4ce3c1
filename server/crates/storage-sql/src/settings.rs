//! Values that outlive restarts.

use crate::{Db, Engine, Sql, audit, query};
use async_trait::async_trait;
use storage::{
    AuditEntry, Result, Scope, StoreError,
    jobs::Lane,
    settings::{SettingChange, Settings},
};

#[async_trait]
impl<E: Engine> Settings for Sql<E> {
    async fn setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let found = query("SELECT value FROM setting WHERE company_id = ? AND name = ?");
        self.row(found.bind(scope.company.0).bind(name), |row| row.text("value")).await
    }

    async fn put_setting(&self, scope: Scope, name: &str, value: String) -> Result<()> {
        let put = query(
            "INSERT INTO setting (company_id, name, value) VALUES (?, ?, ?) ON CONFLICT (company_id, name) DO UPDATE SET value = excluded.value",
        );
        self.0.write_one(Lane::RealTime, put.bind(scope.company.0).bind(name).bind(value)).await.map(drop)
    }

    async fn change_setting(&self, scope: Scope, change: SettingChange, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    change_setting(db, scope, &change).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn swap_setting(&self, scope: Scope, change: SettingChange) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    match change_setting(db, scope, &change).await {
                        Ok(()) => Ok(true),
                        Err(StoreError::Conflict(_)) => Ok(false),
                        Err(error) => Err(error),
                    }
                })
            })
            .await
    }

    async fn take_setting(&self, scope: Scope, name: &str) -> Result<Option<String>> {
        let take = query("DELETE FROM setting WHERE company_id = ? AND name = ? RETURNING value");
        let take = take.bind(scope.company.0).bind(name);
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move { take.optional(db).await?.map(|row| row.text("value")).transpose() })
            })
            .await
    }
}

/// Of two who read the same value the later one waits here for the other, and then finds another value.
async fn change_setting(db: &mut dyn Db, scope: Scope, change: &SettingChange) -> Result<()> {
    let changed = match &change.from {
        Some(from) => {
            query("UPDATE setting SET value = ?3 WHERE company_id = ?1 AND name = ?2 AND value = ?4")
                .bind(scope.company.0)
                .bind(&*change.name)
                .bind(&change.to)
                .bind(from)
                .execute(db)
                .await?
        }
        None => {
            query("INSERT INTO setting (company_id, name, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
                .bind(scope.company.0)
                .bind(&*change.name)
                .bind(&change.to)
                .execute(db)
                .await?
        }
    };
    if changed == 0 {
        return Err(StoreError::Conflict("it was changed by somebody else meanwhile".into()));
    }
    Ok(())
}
