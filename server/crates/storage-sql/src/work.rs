//! What people look after: exceptions, cases, figures.

use crate::{
    Engine, Sql, audit, cases,
    exceptions::{act, exception},
    figures, jobs,
    queue::{queue, queue_counts},
};
use async_trait::async_trait;
use domain::ids::{CaseId, ExceptionId};
use jiff::{Timestamp, tz::TimeZone};
use storage::{
    AuditEntry, Page, Result, Scope,
    figures::Figures,
    jobs::{Lane, NewJob},
    work::{
        CaseContext, CaseRecord, CaseStatus, ExceptionAction, ExceptionRecord, QueueCounts, QueueQuery, QueueRow, Work,
    },
};

#[async_trait]
impl<E: Engine> Work for Sql<E> {
    async fn queue(&self, scope: Scope, query: QueueQuery, now: Timestamp) -> Result<Page<QueueRow>> {
        self.0.read(move |db| Box::pin(async move { queue(db, scope, &query, now).await })).await
    }

    async fn queue_counts(&self, scope: Scope, now: Timestamp) -> Result<QueueCounts> {
        self.0.read(move |db| Box::pin(async move { queue_counts(db, scope, now).await })).await
    }

    async fn exception(&self, scope: Scope, id: ExceptionId) -> Result<Option<ExceptionRecord>> {
        self.0.read(move |db| Box::pin(async move { exception(db, scope, id).await })).await
    }

    async fn act(
        &self,
        scope: Scope,
        id: ExceptionId,
        action: ExceptionAction,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    act(db, scope, id, &action, audit.at).await?;
                    audit::append(db, scope, &audit).await?;
                    jobs::enqueue_all(db, scope, &jobs, audit.at).await.map(drop)
                })
            })
            .await
    }

    async fn case_context(&self, scope: Scope, id: ExceptionId) -> Result<Option<CaseContext>> {
        self.0.read(move |db| Box::pin(async move { cases::case_context(db, scope, id).await })).await
    }

    async fn put_case(&self, scope: Scope, case: CaseRecord) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { cases::put_case(db, scope, &case).await })).await
    }

    async fn move_case(
        &self,
        scope: Scope,
        case: CaseRecord,
        action: Option<ExceptionAction>,
        audit: AuditEntry,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    cases::put_case(db, scope, &case).await?;
                    if let Some(action) = &action {
                        act(db, scope, case.exception, action, audit.at).await?;
                    }
                    audit::append(db, scope, &audit).await?;
                    jobs::enqueue_all(db, scope, &jobs, audit.at).await.map(drop)
                })
            })
            .await
    }

    async fn cases_by_number(&self, scope: Scope, desk: String, numbers: Vec<String>) -> Result<Vec<CaseRecord>> {
        self.0.read(move |db| Box::pin(async move { cases::by_number(db, scope, &desk, numbers).await })).await
    }

    async fn cases_to_poll(&self, scope: Scope, desk: String, limit: u32) -> Result<Vec<CaseRecord>> {
        self.0.read(move |db| Box::pin(async move { cases::to_poll(db, scope, &desk, limit).await })).await
    }

    async fn polled(
        &self,
        scope: Scope,
        seen: Vec<(CaseId, Option<CaseStatus>)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    cases::polled(db, scope, &seen, at).await?;
                    jobs::enqueue_all(db, scope, &jobs, at).await.map(drop)
                })
            })
            .await
    }

    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures> {
        let zone = zone.clone();
        self.0.read(move |db| Box::pin(async move { figures::figures(db, scope, now, &zone).await })).await
    }
}
