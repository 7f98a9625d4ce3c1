//! Saved reports, their mailings, annotations.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{clean, json, stored_count, word},
    jobs, query, rollups,
};
use async_trait::async_trait;
use domain::ids::{AnnotationId, ReportId, ReportRunId};
use jiff::{Timestamp, civil::Date};
use storage::{
    AuditEntry, Result, Scope, Sealed, StoreError,
    jobs::Lane,
    reports::{
        ANNOTATION_ROWS, AnnotationRecord, Mailing, NewRun, REPORTS_MAX, RUNS_KEPT, ReportRecord, ReportRun, Reports,
        RunState, SENDING, TroubleQuery, Troubles,
    },
};

#[async_trait]
impl<E: Engine> Reports for Sql<E> {
    async fn annotations(&self, scope: Scope, from: Date, to: Date) -> Result<Vec<AnnotationRecord>> {
        let sql = query(
            "SELECT * FROM annotation WHERE company_id = ?1 AND last_day >= ?2 AND first_day <= ?3
             ORDER BY last_day DESC, first_day DESC, id LIMIT ?4",
        );
        let sql = sql.bind(scope.company.0).bind(from.to_string()).bind(to.to_string()).bind(ANNOTATION_ROWS);
        self.rows(sql, annotation).await
    }

    async fn annotate(&self, scope: Scope, new: AnnotationRecord, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    annotate(db, scope, &new).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn remove_annotation(&self, scope: Scope, id: AnnotationId, audit: AuditEntry) -> Result<bool> {
        let sql = query("DELETE FROM annotation WHERE company_id = ?1 AND id = ?2");
        self.removed(scope, sql.bind(scope.company.0).bind(id.0), audit).await
    }

    async fn troubles(&self, scope: Scope, query: TroubleQuery) -> Result<Troubles> {
        self.0.read(move |db| Box::pin(async move { rollups::troubles(db, scope, query).await })).await
    }

    async fn all(&self, scope: Scope) -> Result<Vec<ReportRecord>> {
        let sql = query("SELECT * FROM report WHERE company_id = ?1 ORDER BY name, id LIMIT ?2");
        let rows = self.rows(sql.bind(scope.company.0).bind(REPORTS_MAX), readable).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn report(&self, scope: Scope, id: ReportId) -> Result<Option<ReportRecord>> {
        let sql = query("SELECT * FROM report WHERE company_id = ?1 AND id = ?2");
        self.row(sql.bind(scope.company.0).bind(id.0), report).await
    }

    async fn save(&self, scope: Scope, report: ReportRecord, audit: AuditEntry) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let saved = save(db, scope, &report).await?;
                    if saved {
                        audit::append(db, scope, &audit).await?;
                    }
                    Ok(saved)
                })
            })
            .await
    }

    async fn remove(&self, scope: Scope, id: ReportId, audit: AuditEntry) -> Result<bool> {
        let sql = query("DELETE FROM report WHERE company_id = ?1 AND id = ?2");
        self.removed(scope, sql.bind(scope.company.0).bind(id.0), audit).await
    }

    async fn due(&self, scope: Scope, now: Timestamp) -> Result<Vec<ReportRecord>> {
        let sql = query(
            "SELECT * FROM report WHERE company_id = ?1 AND next_at IS NOT NULL AND next_at <= ?2 ORDER BY next_at LIMIT ?3",
        );
        let rows = self.rows(sql.bind(scope.company.0).bind(now).bind(REPORTS_MAX), readable).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn begin(&self, scope: Scope, expected: Timestamp, next: Option<Timestamp>, new: NewRun) -> Result<bool> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    let moved =
                        query("UPDATE report SET next_at = ?1 WHERE company_id = ?2 AND id = ?3 AND next_at = ?4");
                    let moved = moved.bind(next).bind(scope.company.0).bind(new.run.report.0).bind(expected);
                    let moved = moved.execute(db).await? > 0;
                    if moved {
                        begin(db, scope, &new).await?;
                    }
                    Ok(moved)
                })
            })
            .await
    }

    async fn send_now(&self, scope: Scope, new: NewRun, audit: AuditEntry) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    if is_on_its_way(db, scope, &new).await? {
                        return Ok(false);
                    }
                    begin(db, scope, &new).await?;
                    audit::append(db, scope, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn newest_runs(&self, scope: Scope) -> Result<Vec<ReportRun>> {
        let sql = query(
            "SELECT r.* FROM report p JOIN report_run r ON r.id =
                 (SELECT n.id FROM report_run n WHERE n.company_id = p.company_id AND n.report_id = p.id
                  ORDER BY n.due_at DESC, n.id DESC LIMIT 1)
             WHERE p.company_id = ?1 LIMIT ?2",
        );
        self.rows(sql.bind(scope.company.0).bind(REPORTS_MAX), run).await
    }

    async fn runs(&self, scope: Scope, of: ReportId) -> Result<Vec<ReportRun>> {
        let sql = query(
            "SELECT * FROM report_run WHERE company_id = ?1 AND report_id = ?2 ORDER BY due_at DESC, id DESC LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(of.0).bind(RUNS_KEPT), run).await
    }

    async fn run(&self, scope: Scope, id: ReportRunId) -> Result<Option<ReportRun>> {
        let sql = query("SELECT * FROM report_run WHERE company_id = ?1 AND id = ?2");
        self.row(sql.bind(scope.company.0).bind(id.0), run).await
    }

    async fn run_moved(&self, scope: Scope, from: RunState, to: ReportRun) -> Result<bool> {
        let sql = query(
            "UPDATE report_run SET state = ?1, note = ?2, at = ?3 WHERE company_id = ?4 AND id = ?5 AND state = ?6",
        );
        let sql = sql.bind(word(to.state)).bind(clean(&to.note)).bind(to.at);
        let sql = sql.bind(scope.company.0).bind(to.id.0).bind(word(from));
        Ok(self.0.write_one(Lane::RealTime, sql).await? > 0)
    }
}

impl<E: Engine> Sql<E> {
    /// Removes rows; the audit entry commits where there were any.
    async fn removed(&self, scope: Scope, sql: crate::Query, audit: AuditEntry) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let removed = sql.execute(db).await? > 0;
                    if removed {
                        audit::append(db, scope, &audit).await?;
                    }
                    Ok(removed)
                })
            })
            .await
    }
}

async fn annotate(db: &mut dyn Db, scope: Scope, new: &AnnotationRecord) -> Result<()> {
    query(
        "INSERT INTO annotation (id, company_id, kind, first_day, last_day, carrier, text, learning, actor, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(new.id.0)
    .bind(scope.company.0)
    .bind(word(new.kind))
    .bind(new.from.to_string())
    .bind(new.to.to_string())
    .bind(new.carrier.clone())
    .bind(clean(&new.text))
    .bind(word(new.learning))
    .bind(json(&new.by))
    .bind(new.at)
    .execute(db)
    .await
    .map(drop)
}

async fn save(db: &mut dyn Db, scope: Scope, report: &ReportRecord) -> Result<bool> {
    let mailing = report.mailing.as_ref();
    let sql = if report.revision == 0 {
        let kept = query("SELECT count(*) AS number FROM report WHERE company_id = ?1").bind(scope.company.0);
        if kept.one(db).await?.count::<u32>("number")? >= REPORTS_MAX {
            return Err(StoreError::Conflict(format!("there are {REPORTS_MAX} saved reports: delete one first")));
        }
        query(
            "INSERT INTO report (sharing, name, content, rhythm, format, sent_to, next_at, updated_at, company_id, id, owner_id, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 + 1) ON CONFLICT DO NOTHING",
        )
    } else {
        query(
            "UPDATE report SET sharing = ?1, name = ?2, content = ?3, rhythm = ?4, format = ?5, sent_to = ?6, next_at = ?7,
                 updated_at = ?8, owner_id = ?11, revision = ?12 + 1
             WHERE company_id = ?9 AND id = ?10 AND revision = ?12",
        )
    };
    let saved = sql
        .bind(word(report.sharing))
        .bind(clean(&report.name))
        .bind(json(&report.content))
        .bind(mailing.map(|mailing| json(&mailing.rhythm)))
        .bind(mailing.map(|mailing| word(mailing.format)))
        .bind(mailing.map(|mailing| Sealed::packed(&mailing.to)))
        .bind(mailing.and_then(|mailing| mailing.next_at))
        .bind(report.updated_at)
        .bind(scope.company.0)
        .bind(report.id.0)
        .bind(report.owner.map(|owner| owner.0))
        .bind(stored_count(report.revision))
        .execute(db)
        .await?;
    Ok(saved > 0)
}

/// Whether a mailing of the same report that is not older than [`SENDING`] is not sent yet.
async fn is_on_its_way(db: &mut dyn Db, scope: Scope, new: &NewRun) -> Result<bool> {
    // its row is locked from here on: of two that begin at once the second finds the first one's
    let report = query("UPDATE report SET id = id WHERE company_id = ?1 AND id = ?2");
    report.bind(scope.company.0).bind(new.run.report.0).execute(db).await?;
    let since = new.run.at.checked_sub(SENDING).unwrap_or(Timestamp::MIN);
    let waiting = query(
        "SELECT count(*) AS n FROM report_run WHERE company_id = ?1 AND report_id = ?2 AND state IN ('waiting', 'sending') AND at > ?3",
    );
    let waiting = waiting.bind(scope.company.0).bind(new.run.report.0).bind(since).one(db).await?;
    Ok(waiting.count::<u64>("n")? > 0)
}

/// Keeps a mailing with its job; the oldest ones of the report go.
async fn begin(db: &mut dyn Db, scope: Scope, new: &NewRun) -> Result<()> {
    let run = &new.run;
    query("INSERT INTO report_run (id, company_id, report_id, due_at, state, note, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(run.id.0)
        .bind(scope.company.0)
        .bind(run.report.0)
        .bind(run.due_at)
        .bind(word(run.state))
        .bind(clean(&run.note))
        .bind(run.at)
        .execute(db)
        .await?;
    let kept =
        "SELECT id FROM report_run WHERE company_id = ?1 AND report_id = ?2 ORDER BY due_at DESC, id DESC LIMIT ?3";
    query(format!("DELETE FROM report_run WHERE company_id = ?1 AND report_id = ?2 AND id NOT IN ({kept})"))
        .bind(scope.company.0)
        .bind(run.report.0)
        .bind(RUNS_KEPT)
        .execute(db)
        .await?;
    jobs::enqueue_all(db, scope, new.job.as_slice(), run.at).await.map(drop)
}

fn day(row: &Row, column: &str) -> Result<Date> {
    row.str(column)?.parse().map_err(|error| StoreError::Damaged(format!("the day of an annotation: {error}")))
}

fn annotation(row: &Row) -> Result<AnnotationRecord> {
    Ok(AnnotationRecord {
        id: row.id("id")?,
        kind: row.word("kind")?,
        from: day(row, "first_day")?,
        to: day(row, "last_day")?,
        carrier: row.opt_text("carrier")?,
        text: row.text("text")?,
        learning: row.word("learning")?,
        by: row.json("actor")?,
        at: row.at("at")?,
    })
}

/// One that this version can read; of the others another version takes care.
fn readable(row: &Row) -> Result<Option<ReportRecord>> {
    match report(row) {
        Err(StoreError::Damaged(_)) => Ok(None),
        read => read.map(Some),
    }
}

fn report(row: &Row) -> Result<ReportRecord> {
    let mailing = match (row.opt_json("rhythm")?, row.opt_packed("sent_to")?) {
        (Some(rhythm), Some(to)) => {
            let format = row.opt_word("format")?.unwrap_or_default();
            Some(Mailing { rhythm, format, to, next_at: row.opt_at("next_at")? })
        }
        _ => None,
    };
    Ok(ReportRecord {
        id: row.id("id")?,
        owner: row.opt_id("owner_id")?,
        sharing: row.word("sharing")?,
        name: row.text("name")?,
        content: row.json("content")?,
        mailing,
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}

fn run(row: &Row) -> Result<ReportRun> {
    Ok(ReportRun {
        id: row.id("id")?,
        report: row.id("report_id")?,
        due_at: row.at("due_at")?,
        state: row.word("state")?,
        note: row.text("note")?,
        at: row.at("at")?,
    })
}
