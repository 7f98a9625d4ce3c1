//! Bookings, their labels, and numbers that are registered for tracking.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{cursor, json, page, stored_count, word},
    jobs, query,
};
use async_trait::async_trait;
use domain::{
    booking::{Phase, Purchase},
    ids::{BookingId, ShipmentId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use storage::{
    AuditEntry, Page, Result, Scope,
    bookings::{
        BookingOrder, BookingRecord, Bookings, KeptDocument, OF_DELIVERY_ROWS, OrderedLabel, RegistrationRecord,
        WantedLabel,
    },
    jobs::{Lane, NewJob},
    limits::PAGE_ROWS,
};

/// What of a booking no question asks for.
#[derive(Serialize, Deserialize)]
struct Data {
    wanted: WantedLabel,
    purchase: Purchase,
    written: Option<Phase>,
}

#[async_trait]
impl<E: Engine> Bookings for Sql<E> {
    async fn plan(&self, scope: Scope, new: BookingRecord, jobs: Vec<NewJob>) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let planned = plan(db, scope, &new).await?;
                    if planned {
                        jobs::enqueue_all(db, scope, &jobs, new.created_at).await?;
                    }
                    Ok(planned)
                })
            })
            .await
    }

    async fn save(
        &self,
        scope: Scope,
        booking: BookingRecord,
        jobs: Vec<NewJob>,
        audit: Option<AuditEntry>,
    ) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let saved = save(db, scope, &booking).await?;
                    if saved {
                        jobs::enqueue_all(db, scope, &jobs, booking.updated_at).await?;
                        if let Some(audit) = &audit {
                            audit::append(db, scope, audit).await?;
                        }
                    }
                    Ok(saved)
                })
            })
            .await
    }

    async fn booking(&self, scope: Scope, id: BookingId) -> Result<Option<BookingRecord>> {
        let sql = query("SELECT * FROM booking WHERE company_id = ?1 AND id = ?2").bind(scope.company.0).bind(id.0);
        self.row(sql, booking).await
    }

    async fn of_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<BookingRecord>> {
        let most = i64::from(OF_DELIVERY_ROWS) * stored_count(records.len() as u64);
        let sql = query(
            "SELECT * FROM booking WHERE company_id = ?1 AND system = ?2 AND record {in ints ?3}
             ORDER BY created_at DESC, id DESC LIMIT ?4",
        );
        self.rows(sql.bind(scope.company.0).bind(system).bind(records).bind(most), booking).await
    }

    async fn of_shipment(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<BookingRecord>> {
        let sql = query(
            "SELECT * FROM booking WHERE company_id = ?1 AND shipment_id = ?2 ORDER BY created_at DESC, id DESC LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(shipment.0).bind(OF_DELIVERY_ROWS), booking).await
    }

    async fn list(&self, scope: Scope, phase: Option<Phase>, from: Option<String>) -> Result<Page<BookingRecord>> {
        let from: (i64, BookingId) =
            cursor::decode(from.as_deref()).unwrap_or((i64::MAX, BookingId(uuid::Uuid::max())));
        let mut sql = query("SELECT * FROM booking WHERE company_id = ");
        sql.push_bind(scope.company.0);
        if let Some(phase) = phase {
            sql.push(" AND phase = ").push_bind(word(phase));
        }
        sql.push(" AND (created_at, id) < (").push_bind(from.0).push(", ").push_bind(from.1.0);
        sql.push(") ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(PAGE_ROWS) + 1);
        let rows = self.rows(sql, booking).await?;
        Ok(page(rows, |last| cursor::encode(&(crate::codec::micros(last.created_at), last.id))))
    }

    async fn any(&self, scope: Scope) -> Result<bool> {
        let sql = query("SELECT id FROM booking WHERE company_id = ?1 LIMIT 1").bind(scope.company.0);
        Ok(self.row(sql, |_| Ok(())).await?.is_some())
    }

    async fn any_at(&self, scope: Scope, connection: &str) -> Result<bool> {
        let sql = query(
            "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM booking WHERE company_id = ?1 AND connection = ?2)
                 OR EXISTS (SELECT 1 FROM registration WHERE company_id = ?1 AND connection = ?2)",
        );
        Ok(self.row(sql.bind(scope.company.0).bind(connection), |_| Ok(())).await?.is_some())
    }

    async fn keep_documents(&self, scope: Scope, id: BookingId, documents: Vec<KeptDocument>) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| Box::pin(async move { keep_documents(db, scope, id, &documents).await }))
            .await
    }

    async fn documents(&self, scope: Scope, id: BookingId) -> Result<Vec<KeptDocument>> {
        let sql = query("SELECT * FROM booking_document WHERE company_id = ?1 AND booking_id = ?2 ORDER BY place");
        self.rows(sql.bind(scope.company.0).bind(id.0), document).await
    }

    async fn want(&self, scope: Scope, new: RegistrationRecord, jobs: Vec<NewJob>) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let wanted = want(db, scope, &new).await?;
                    if wanted {
                        jobs::enqueue_all(db, scope, &jobs, new.updated_at).await?;
                    }
                    Ok(wanted)
                })
            })
            .await
    }

    async fn save_registration(&self, scope: Scope, new: RegistrationRecord, jobs: Vec<NewJob>) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let saved = save_registration(db, scope, &new).await?;
                    if saved {
                        jobs::enqueue_all(db, scope, &jobs, new.updated_at).await?;
                    }
                    Ok(saved)
                })
            })
            .await
    }

    async fn registration(&self, scope: Scope, connection: &str, number: &str) -> Result<Option<RegistrationRecord>> {
        let sql = query("SELECT * FROM registration WHERE company_id = ?1 AND connection = ?2 AND number = ?3");
        self.row(sql.bind(scope.company.0).bind(connection).bind(number), registration).await
    }

    async fn registrations(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<RegistrationRecord>> {
        let sql = query(
            "SELECT * FROM registration WHERE company_id = ?1 AND shipment_id = ?2 ORDER BY connection, number LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(shipment.0).bind(OF_DELIVERY_ROWS), registration).await
    }

    async fn registrations_due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<RegistrationRecord>> {
        let sql = query(
            "SELECT * FROM registration WHERE company_id = ?1 AND due_at IS NOT NULL AND due_at <= ?2
             ORDER BY due_at LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(now).bind(limit), registration).await
    }

    async fn tracked_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        let sql = query(
            "SELECT DISTINCT s.origin_record AS record FROM shipment s
             JOIN registration r ON r.company_id = s.company_id AND r.shipment_id = s.id
             WHERE s.company_id = ?1 AND s.origin_system = ?2 AND s.origin_record {in ints ?3} AND s.origin IS NOT NULL
                 AND r.tracking NOT IN ('stopped', 'refused')",
        );
        let sql = sql.bind(scope.company.0).bind(system).bind(records);
        Ok(self.rows(sql, |row| row.int("record")).await?.into_iter().collect())
    }

    async fn order(&self, scope: Scope, order: BookingOrder, jobs: Vec<NewJob>, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    keep_order(db, scope, &order).await?;
                    jobs::enqueue_all(db, scope, &jobs, order.ordered_at).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn ordered(&self, scope: Scope, shipment: ShipmentId) -> Result<Option<BookingOrder>> {
        let sql = query("SELECT * FROM booking_order WHERE company_id = ?1 AND shipment_id = ?2");
        self.row(sql.bind(scope.company.0).bind(shipment.0), order).await
    }

    async fn settle_order(&self, scope: Scope, order: BookingOrder) -> Result<()> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { settle_order(db, scope, &order).await })).await
    }
}

async fn plan(db: &mut dyn Db, scope: Scope, new: &BookingRecord) -> Result<bool> {
    let made = query(
        "INSERT INTO booking (id, company_id, booking_key, connection, system, record, shipment_id, phase, data, request,
             created_at, updated_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, 0) ON CONFLICT (company_id, booking_key) DO NOTHING",
    )
    .bind(new.id.0)
    .bind(scope.company.0)
    .bind(&new.key)
    .bind(&new.connection)
    .bind(&new.system)
    .bind(new.record)
    .bind(new.shipment.0)
    .bind(word(new.purchase.phase))
    .bind(data(new))
    .bind(new.request.as_ref().map(storage::Sealed::packed))
    .bind(new.created_at)
    .execute(db)
    .await?;
    if made > 0 && new.wanted.generation > 1 {
        supersede(db, scope, new).await?;
    }
    Ok(made > 0)
}

/// The earlier bookings of the parcel are not its newest any more.
async fn supersede(db: &mut dyn Db, scope: Scope, new: &BookingRecord) -> Result<()> {
    let sql = query("SELECT * FROM booking WHERE company_id = ?1 AND system = ?2 AND record = ?3 AND newest = 1");
    for row in sql.bind(scope.company.0).bind(&new.system).bind(new.record).all(db).await? {
        let one = booking(&row)?;
        if one.wanted.parcel == new.wanted.parcel && one.wanted.generation < new.wanted.generation {
            query("UPDATE booking SET newest = 0 WHERE company_id = ?1 AND id = ?2")
                .bind(scope.company.0)
                .bind(one.id.0)
                .execute(db)
                .await?;
        }
    }
    Ok(())
}

async fn save(db: &mut dyn Db, scope: Scope, new: &BookingRecord) -> Result<bool> {
    let saved = query(
        "UPDATE booking SET phase = ?1, data = ?2, request = ?3, updated_at = ?4, revision = revision + 1
         WHERE company_id = ?5 AND id = ?6 AND revision = ?7",
    )
    .bind(word(new.purchase.phase))
    .bind(data(new))
    .bind(new.request.as_ref().map(storage::Sealed::packed))
    .bind(new.updated_at)
    .bind(scope.company.0)
    .bind(new.id.0)
    .bind(stored_count(new.revision))
    .execute(db)
    .await?;
    Ok(saved > 0)
}

fn data(of: &BookingRecord) -> String {
    json(&Data { wanted: of.wanted.clone(), purchase: of.purchase.clone(), written: of.written })
}

fn booking(row: &Row) -> Result<BookingRecord> {
    let Data { wanted, purchase, written } = row.json("data")?;
    Ok(BookingRecord {
        id: row.id("id")?,
        key: row.text("booking_key")?,
        connection: row.text("connection")?,
        system: row.text("system")?,
        record: row.int("record")?,
        shipment: row.id("shipment_id")?,
        wanted,
        request: row.opt_packed("request")?,
        purchase,
        written,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}

async fn keep_documents(db: &mut dyn Db, scope: Scope, id: BookingId, documents: &[KeptDocument]) -> Result<()> {
    query("DELETE FROM booking_document WHERE company_id = ?1 AND booking_id = ?2")
        .bind(scope.company.0)
        .bind(id.0)
        .execute(db)
        .await?;
    for (place, document) in (0_i64..).zip(documents) {
        query(
            "INSERT INTO booking_document (company_id, booking_id, place, paper, format, digest, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .bind(place)
        .bind(&document.paper)
        .bind(&document.format)
        .bind(&document.digest)
        .bind(document.content.packed())
        .execute(db)
        .await?;
    }
    Ok(())
}

fn document(row: &Row) -> Result<KeptDocument> {
    let sealed = row.opt_packed("content")?;
    Ok(KeptDocument {
        paper: row.text("paper")?,
        format: row.text("format")?,
        digest: row.text("digest")?,
        content: sealed.ok_or_else(|| storage::StoreError::Damaged("a label without content".into()))?,
    })
}

/// An order as it is kept.
#[derive(Serialize, Deserialize)]
struct Ordered {
    with: OrderedLabel,
    #[serde(default)]
    mode: Option<String>,
    refused: Option<String>,
}

impl Ordered {
    fn of(order: &BookingOrder) -> Self {
        Self { with: order.with.clone(), mode: order.mode.clone(), refused: order.refused.clone() }
    }
}

async fn keep_order(db: &mut dyn Db, scope: Scope, order: &BookingOrder) -> Result<()> {
    query(
        "INSERT INTO booking_order (company_id, shipment_id, data, ordered_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (company_id, shipment_id) DO UPDATE SET data = excluded.data, ordered_at = excluded.ordered_at",
    )
    .bind(scope.company.0)
    .bind(order.shipment.0)
    .bind(json(&Ordered::of(order)))
    .bind(order.ordered_at)
    .execute(db)
    .await?;
    Ok(())
}

async fn settle_order(db: &mut dyn Db, scope: Scope, order: &BookingOrder) -> Result<()> {
    let kept = Ordered::of(order);
    let sql = match &kept.refused {
        Some(_) => {
            query("UPDATE booking_order SET data = ?1 WHERE company_id = ?2 AND shipment_id = ?3 AND ordered_at = ?4")
                .bind(json(&kept))
        }
        None => query("DELETE FROM booking_order WHERE company_id = ?1 AND shipment_id = ?2 AND ordered_at = ?3"),
    };
    sql.bind(scope.company.0).bind(order.shipment.0).bind(order.ordered_at).execute(db).await?;
    Ok(())
}

fn order(row: &Row) -> Result<BookingOrder> {
    let Ordered { with, mode, refused } = row.json("data")?;
    Ok(BookingOrder { shipment: row.id("shipment_id")?, with, mode, refused, ordered_at: row.at("ordered_at")? })
}

async fn want(db: &mut dyn Db, scope: Scope, new: &RegistrationRecord) -> Result<bool> {
    let made = query(
        "INSERT INTO registration (company_id, connection, number, shipment_id, tracking, data, updated_at, due_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) ON CONFLICT (company_id, connection, number) DO NOTHING",
    )
    .bind(scope.company.0)
    .bind(&new.connection)
    .bind(&new.number)
    .bind(new.shipment.0)
    .bind(word(new.tracking))
    .bind(json(&new.about))
    .bind(new.updated_at)
    .bind(new.due_at)
    .execute(db)
    .await?;
    Ok(made > 0)
}

async fn save_registration(db: &mut dyn Db, scope: Scope, new: &RegistrationRecord) -> Result<bool> {
    let saved = query(
        "UPDATE registration SET shipment_id = ?1, tracking = ?2, data = ?3, updated_at = ?4, due_at = ?5, revision = revision + 1
         WHERE company_id = ?6 AND connection = ?7 AND number = ?8 AND revision = ?9",
    )
    .bind(new.shipment.0)
    .bind(word(new.tracking))
    .bind(json(&new.about))
    .bind(new.updated_at)
    .bind(new.due_at)
    .bind(scope.company.0)
    .bind(&new.connection)
    .bind(&new.number)
    .bind(stored_count(new.revision))
    .execute(db)
    .await?;
    Ok(saved > 0)
}

fn registration(row: &Row) -> Result<RegistrationRecord> {
    Ok(RegistrationRecord {
        connection: row.text("connection")?,
        number: row.text("number")?,
        shipment: row.id("shipment_id")?,
        tracking: row.word("tracking")?,
        about: row.json("data")?,
        due_at: row.opt_at("due_at")?,
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}
