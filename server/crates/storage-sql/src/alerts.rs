//! Operational alerts.

use crate::{
    Db, Dialect, Engine, Row, Sql, audit,
    codec::{clean, from_json, from_word, id_list, json, stored_count, word},
    jobs, query,
};
use async_trait::async_trait;
use domain::{
    Severity,
    alerts::{
        AlertKind,
        machine::{Notice, Standing},
    },
    ids::{AlertId, NoticeId, ShipmentId},
};
use jiff::Timestamp;
use storage::{
    Result, Scope, StoreError,
    alerts::{
        AlertChange, AlertCounts, AlertEvent, AlertRecord, Alerts, DUE_ROWS, DueJobs, EVENT_ROWS, HELD_ROWS, KEPT,
        NOTICE_ROWS, NewNotice, NoticeRecord, NoticeState, OPEN_ROWS, PRUNED_ROWS, RESOLVED_ROWS, Resolved,
    },
    jobs::{INSIDE, Lane},
    shipments::LastEvent,
};

#[async_trait]
impl<E: Engine> Alerts for Sql<E> {
    async fn open(&self, scope: Scope) -> Result<Vec<AlertRecord>> {
        let open = query(
            "SELECT * FROM alert WHERE company_id = ?1 AND resolved_at IS NULL
             ORDER BY CASE severity WHEN 'CRITICAL' THEN 0 WHEN 'MAJOR' THEN 1 WHEN 'MINOR' THEN 2 ELSE 3 END, opened_at DESC, id LIMIT ?2",
        );
        let rows = self.rows(open.bind(scope.company.0).bind(OPEN_ROWS), known).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn open_of(&self, scope: Scope, kind: AlertKind, subject: &str) -> Result<Option<AlertRecord>> {
        let one =
            query("SELECT * FROM alert WHERE company_id = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL");
        self.row(one.bind(scope.company.0).bind(kind.code()).bind(clean(subject)), record).await
    }

    async fn one(&self, scope: Scope, id: AlertId) -> Result<Option<AlertRecord>> {
        let one = query("SELECT * FROM alert WHERE company_id = ?1 AND id = ?2");
        self.row(one.bind(scope.company.0).bind(id.0), record).await
    }

    async fn resolved(&self, scope: Scope, since: Timestamp) -> Result<Vec<AlertRecord>> {
        let ended = query(
            "SELECT * FROM alert WHERE company_id = ?1 AND resolved_at IS NOT NULL AND resolved_at >= ?2
             ORDER BY resolved_at DESC, id DESC LIMIT ?3",
        );
        let rows = self.rows(ended.bind(scope.company.0).bind(since).bind(RESOLVED_ROWS), known).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn change(&self, scope: Scope, change: AlertChange) -> Result<bool> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { keep(db, scope, &change).await })).await
    }

    async fn events(&self, scope: Scope, of: Vec<AlertId>) -> Result<Vec<(AlertId, AlertEvent)>> {
        let some = query(
            "SELECT e.* FROM alert_event e JOIN alert a ON a.id = e.alert_id
             WHERE a.company_id = ?1 AND e.alert_id {in ids ?2} AND e.seq > a.revision - ?3 ORDER BY e.alert_id, e.seq DESC",
        );
        let some = some.bind(scope.company.0).bind(id_list(of.into_iter().map(|id| id.0))).bind(EVENT_ROWS);
        self.rows(some, event).await
    }

    async fn notices(&self, scope: Scope, of: Vec<AlertId>) -> Result<Vec<NoticeRecord>> {
        let some = query(
            "SELECT * FROM alert_notice WHERE company_id = ?1 AND alert_id {in ids ?2} ORDER BY round, channel LIMIT ?3",
        );
        let some = some.bind(scope.company.0).bind(id_list(of.into_iter().map(|id| id.0))).bind(NOTICE_ROWS);
        self.rows(some, notice).await
    }

    async fn notice(&self, scope: Scope, id: NoticeId) -> Result<Option<NoticeRecord>> {
        let one = query("SELECT * FROM alert_notice WHERE company_id = ?1 AND id = ?2");
        self.row(one.bind(scope.company.0).bind(id.0), notice).await
    }

    async fn notice_moved(
        &self,
        scope: Scope,
        id: NoticeId,
        from: NoticeState,
        to: NoticeState,
        at: Timestamp,
    ) -> Result<bool> {
        let moved =
            query("UPDATE alert_notice SET state = ?1, ended_at = ?2 WHERE company_id = ?3 AND id = ?4 AND state = ?5");
        let moved = moved.bind(word(to)).bind(at).bind(scope.company.0).bind(id.0).bind(word(from));
        Ok(self.0.write_one(Lane::RealTime, moved).await? > 0)
    }

    async fn counts(&self, scope: Scope, now: Timestamp) -> Result<AlertCounts> {
        let open = query(
            "SELECT coalesce(sum(CASE WHEN snoozed_until > ?2 THEN 1 ELSE 0 END), 0) AS snoozed,
                    coalesce(sum(CASE WHEN acknowledged_at IS NOT NULL AND (snoozed_until IS NULL OR snoozed_until <= ?2) THEN 1 ELSE 0 END), 0) AS acknowledged,
                    count(*) AS n
             FROM (SELECT snoozed_until, acknowledged_at FROM alert WHERE company_id = ?1 AND resolved_at IS NULL LIMIT ?3) AS open",
        );
        let counted = self
            .row(open.bind(scope.company.0).bind(now).bind(OPEN_ROWS), |row| {
                let (snoozed, acknowledged, all) =
                    (row.count::<u64>("snoozed")?, row.count::<u64>("acknowledged")?, row.count::<u64>("n")?);
                Ok(AlertCounts { snoozed, acknowledged, unacknowledged: all.saturating_sub(snoozed + acknowledged) })
            })
            .await?;
        Ok(counted.unwrap_or_default())
    }

    async fn fired(&self, scope: Scope, since: Timestamp) -> Result<Vec<(AlertKind, u64)>> {
        let fired = query(
            "SELECT kind, count(*) AS n FROM alert WHERE company_id = ?1 AND opened_at >= ?2 GROUP BY kind ORDER BY kind",
        );
        let rows =
            self.rows(fired.bind(scope.company.0).bind(since), |row| Ok((row.text("kind")?, row.count("n")?))).await?;
        // a newer version has others
        Ok(rows.into_iter().filter_map(|(kind, n)| Some((AlertKind::from_code(&kind)?, n))).collect())
    }

    async fn due_jobs(&self, scope: Scope, now: Timestamp) -> Result<Vec<DueJobs>> {
        self.0.read(move |db| Box::pin(async move { due_jobs(db, scope, now).await })).await
    }

    async fn held(&self, scope: Scope) -> Result<Vec<(ShipmentId, Option<LastEvent>)>> {
        let held = query(
            "SELECT DISTINCT s.id, s.last_event FROM (SELECT shipment_id FROM exception
                 WHERE company_id = ?1 AND closed_at IS NULL AND category = 'HOLD' LIMIT ?2) AS e
             JOIN shipment s ON s.id = e.shipment_id WHERE s.company_id = ?1",
        );
        self.rows(held.bind(scope.company.0).bind(HELD_ROWS), |row| {
            let last = row.opt_str("last_event")?.map(from_json).transpose()?;
            Ok((row.id("id")?, last))
        })
        .await
    }

    async fn engine(&self) -> Result<storage::alerts::Engine> {
        self.0.read(move |db| Box::pin(async move { engine(db).await })).await
    }
}

async fn due_jobs(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<Vec<DueJobs>> {
    let mut due = Vec::new();
    for lane in [Lane::RealTime, Lane::Batch] {
        let rows = query(
            "SELECT coalesce(destination, ?4) AS name, count(*) AS n, min(run_at) AS oldest
             FROM (SELECT destination, run_at FROM job WHERE company_id = ?1 AND lane = ?2 AND status IN ('ready', 'retrying') AND run_at <= ?3
                   ORDER BY run_at LIMIT ?5) AS due GROUP BY destination",
        )
        .bind(scope.company.0)
        .bind(word(lane))
        .bind(now)
        .bind(INSIDE)
        .bind(DUE_ROWS)
        .all(db)
        .await?;
        for row in &rows {
            let (destination, number, oldest) = (row.text("name")?, row.count("n")?, row.at("oldest")?);
            due.push(DueJobs { lane, destination, number, oldest });
        }
    }
    Ok(due)
}

async fn engine(db: &mut dyn Db) -> Result<storage::alerts::Engine> {
    let (size, has_clock) = match db.dialect() {
        Dialect::Sqlite => (
            "SELECT p.page_count * s.page_size AS bytes, 0 AS clock FROM pragma_page_count p, pragma_page_size s",
            false,
        ),
        Dialect::Postgres => (
            "SELECT pg_database_size(current_database())::bigint AS bytes, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock",
            true,
        ),
    };
    let row = query(size).one(db).await?;
    let clock = if has_clock { Some(row.at("clock")?) } else { None };
    Ok(storage::alerts::Engine { bytes: row.count("bytes")?, clock })
}

/// Keeps a change, unless the alert is another one by now.
async fn keep(db: &mut dyn Db, scope: Scope, change: &AlertChange) -> Result<bool> {
    let revision = change.expected.unwrap_or(0);
    let events = change.events.len() as u64;
    let after = AlertRecord {
        // each entry of the history has the number that the revision was then
        revision: revision + events.max(1),
        notices: change.after.notices + u32::from(!change.notices.is_empty()),
        ..change.after.clone()
    };
    let written = match change.expected {
        None => insert(db, scope, &after).await?,
        Some(expected) => update(db, scope, &after, expected).await?,
    };
    if !written {
        return Ok(false);
    }
    for (seq, event) in (revision + 1..).zip(&change.events) {
        query("INSERT INTO alert_event (alert_id, seq, at, what, actor, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(after.id.0)
            .bind(stored_count(seq))
            .bind(event.at)
            .bind(word(event.what))
            .bind(json(&event.by))
            .bind(clean(&event.detail))
            .execute(db)
            .await?;
    }
    if change.drops_waiting {
        query("UPDATE alert_notice SET state = 'dropped', ended_at = ?1 WHERE alert_id = ?2 AND state = 'waiting'")
            .bind(change.at)
            .bind(after.id.0)
            .execute(db)
            .await?;
    }
    for new in &change.notices {
        put_notice(db, scope, &after, new).await?;
    }
    jobs::enqueue_all(db, scope, &change.jobs, change.at).await?;
    if let Some(audit) = &change.audit {
        audit::append(db, scope, audit).await?;
    }
    if change.expected.is_none() {
        prune(db, scope, change.at).await?;
    }
    Ok(true)
}

/// What ended long ago goes.
async fn prune(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<()> {
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    let old = "SELECT id FROM alert WHERE company_id = ?1 AND resolved_at IS NOT NULL AND resolved_at < ?2 ORDER BY resolved_at, id LIMIT ?3";
    for table in ["alert_event", "alert_notice"] {
        let sql = format!("DELETE FROM {table} WHERE alert_id IN ({old})");
        query(sql).bind(scope.company.0).bind(before).bind(PRUNED_ROWS).execute(db).await?;
    }
    query(format!("DELETE FROM alert WHERE id IN ({old})"))
        .bind(scope.company.0)
        .bind(before)
        .bind(PRUNED_ROWS)
        .execute(db)
        .await
        .map(drop)
}

async fn put_notice(db: &mut dyn Db, scope: Scope, alert: &AlertRecord, new: &NewNotice) -> Result<()> {
    query(
        "INSERT INTO alert_notice (id, company_id, alert_id, round, notice, channel, due_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting') ON CONFLICT DO NOTHING",
    )
    .bind(new.id.0)
    .bind(scope.company.0)
    .bind(alert.id.0)
    .bind(alert.notices)
    .bind(new.notice.code())
    .bind(&new.channel)
    .bind(new.due_at)
    .execute(db)
    .await
    .map(drop)
}

/// The columns behind `id`, `company_id`, `kind` and `subject`, in the order of [`bound`].
const COLUMNS: &[&str] = &[
    "severity",
    "title",
    "detail",
    "affects",
    "unit",
    "link",
    "channels",
    "opened_at",
    "seen_at",
    "clear_since",
    "raised_at",
    "escalated",
    "acknowledged_at",
    "acknowledged_by",
    "snoozed_until",
    "snoozed_by",
    "snooze_why",
    "owner_id",
    "resolved_at",
    "resolved_by",
    "resolution",
    "notices",
    "revision",
];

fn bound(sql: crate::Query, alert: &AlertRecord) -> crate::Query {
    let (standing, resolved) = (&alert.standing, alert.resolved.as_ref());
    sql.bind(standing.severity.code())
        .bind(clean(&alert.title))
        .bind(clean(&alert.detail))
        .bind(stored_count(standing.affects))
        .bind(&alert.unit)
        .bind(clean(&alert.link))
        .bind(json(&alert.channels))
        .bind(standing.opened_at)
        .bind(standing.seen_at)
        .bind(standing.clear_since)
        .bind(standing.raised_at)
        .bind(standing.escalated)
        .bind(standing.acknowledged_at)
        .bind(alert.acknowledged_by.map(|by| json(&by)))
        .bind(standing.snoozed_until)
        .bind(alert.snoozed.as_ref().map(|(by, _)| json(by)))
        .bind(alert.snoozed.as_ref().map_or_else(String::new, |(_, why)| clean(why).into_owned()))
        .bind(alert.owner.map(|owner| owner.0))
        .bind(resolved.map(|resolved| resolved.at))
        .bind(resolved.map(|resolved| json(&resolved.by)))
        .bind(resolved.map_or_else(String::new, |resolved| clean(&resolved.why).into_owned()))
        .bind(alert.notices)
        .bind(stored_count(alert.revision))
}

/// Whether it is new: another one of its kind and subject may be open.
async fn insert(db: &mut dyn Db, scope: Scope, alert: &AlertRecord) -> Result<bool> {
    let places = vec!["?"; COLUMNS.len() + 4].join(", ");
    let sql = format!(
        "INSERT INTO alert (id, company_id, kind, subject, {}) VALUES ({places})
         ON CONFLICT (company_id, kind, subject) WHERE resolved_at IS NULL DO NOTHING",
        COLUMNS.join(", ")
    );
    let new = query(sql).bind(alert.id.0).bind(scope.company.0).bind(alert.kind.code()).bind(clean(&alert.subject));
    Ok(bound(new, alert).execute(db).await? > 0)
}

async fn update(db: &mut dyn Db, scope: Scope, alert: &AlertRecord, expected: u64) -> Result<bool> {
    let set: Vec<_> = COLUMNS.iter().map(|column| format!("{column} = ?")).collect();
    let sql = format!("UPDATE alert SET {} WHERE company_id = ? AND id = ? AND revision = ?", set.join(", "));
    let changed = bound(query(sql), alert).bind(scope.company.0).bind(alert.id.0).bind(stored_count(expected));
    Ok(changed.execute(db).await? > 0)
}

/// An alert of a kind that this version has; of the others another version takes care.
fn known(row: &Row) -> Result<Option<AlertRecord>> {
    AlertKind::from_code(row.str("kind")?).map(|_| record(row)).transpose()
}

fn record(row: &Row) -> Result<AlertRecord> {
    let odd = |what: &str| StoreError::Damaged(format!("alert.{what}"));
    let actor = |column: &str| row.opt_str(column)?.map(from_json).transpose();
    let (snoozed_by, resolved_by) = (actor("snoozed_by")?, actor("resolved_by")?);
    let (why, resolution) = (row.text("snooze_why")?, row.text("resolution")?);
    let resolved = match (row.opt_at("resolved_at")?, resolved_by) {
        (Some(at), Some(by)) => Some(Resolved { at, by, why: resolution }),
        _ => None,
    };
    Ok(AlertRecord {
        id: row.id("id")?,
        kind: AlertKind::from_code(row.str("kind")?).ok_or_else(|| odd("kind"))?,
        subject: row.text("subject")?,
        standing: Standing {
            severity: Severity::from_code(row.str("severity")?).ok_or_else(|| odd("severity"))?,
            affects: row.count("affects")?,
            opened_at: row.at("opened_at")?,
            seen_at: row.at("seen_at")?,
            clear_since: row.opt_at("clear_since")?,
            escalated: row.count("escalated")?,
            raised_at: row.at("raised_at")?,
            acknowledged_at: row.opt_at("acknowledged_at")?,
            snoozed_until: row.opt_at("snoozed_until")?,
        },
        title: row.text("title")?,
        detail: row.text("detail")?,
        unit: row.text("unit")?,
        link: row.text("link")?,
        channels: row.json("channels")?,
        owner: row.opt_id("owner_id")?,
        acknowledged_by: actor("acknowledged_by")?,
        snoozed: snoozed_by.map(|by| (by, why)),
        resolved,
        notices: row.count("notices")?,
        revision: row.count("revision")?,
    })
}

fn event(row: &Row) -> Result<(AlertId, AlertEvent)> {
    let event = AlertEvent {
        at: row.at("at")?,
        what: from_word(row.str("what")?)?,
        by: row.json("actor")?,
        detail: row.text("detail")?,
    };
    Ok((row.id("alert_id")?, event))
}

fn notice(row: &Row) -> Result<NoticeRecord> {
    let notice = Notice::from_code(row.str("notice")?);
    Ok(NoticeRecord {
        id: row.id("id")?,
        alert: row.id("alert_id")?,
        notice: notice.ok_or_else(|| StoreError::Damaged("alert_notice.notice".into()))?,
        channel: row.text("channel")?,
        due_at: row.at("due_at")?,
        state: from_word(row.str("state")?)?,
        ended_at: row.opt_at("ended_at")?,
    })
}
