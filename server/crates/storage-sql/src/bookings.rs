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
use serde::{Deserialize, Serialize};
use storage::{
    AuditEntry, Page, Result, Scope,
    bookings::{BookingRecord, Bookings, KeptDocument, OF_DELIVERY_ROWS, RegistrationRecord, WantedLabel},
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
    Ok(made > 0)
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

async fn want(db: &mut dyn Db, scope: Scope, new: &RegistrationRecord) -> Result<bool> {
    let made = query(
        "INSERT INTO registration (company_id, connection, number, shipment_id, tracking, data, updated_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT (company_id, connection, number) DO NOTHING",
    )
    .bind(scope.company.0)
    .bind(&new.connection)
    .bind(&new.number)
    .bind(new.shipment.0)
    .bind(word(new.tracking))
    .bind(json(&new.about))
    .bind(new.updated_at)
    .execute(db)
    .await?;
    Ok(made > 0)
}

async fn save_registration(db: &mut dyn Db, scope: Scope, new: &RegistrationRecord) -> Result<bool> {
    let saved = query(
        "UPDATE registration SET shipment_id = ?1, tracking = ?2, data = ?3, updated_at = ?4, revision = revision + 1
         WHERE company_id = ?5 AND connection = ?6 AND number = ?7 AND revision = ?8",
    )
    .bind(new.shipment.0)
    .bind(word(new.tracking))
    .bind(json(&new.about))
    .bind(new.updated_at)
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
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}
