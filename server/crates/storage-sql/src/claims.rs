//! Claims, their numbers, figures and files.

use crate::{
    Db, Engine, Row, Sql, audit,
    codec::{PAGE_AND_ONE, cursor, json, page, stored_count, word},
    counter, jobs, query,
};
use async_trait::async_trait;
use domain::{
    claims::{Claim, ClaimNumber, Stage, Totals},
    ids::{ClaimFileId, ClaimId, ShipmentId},
    money::{Currency, Money},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError,
    claims::{
        ClaimAbout, ClaimFigures, ClaimFile, ClaimQuery, ClaimRecord, Claims, FILES_MAX, OF_SHIPMENT_ROWS, Raised,
        SOON_ROWS,
    },
    jobs::{Lane, NewJob},
    limits::PAGE_ROWS,
};

/// What of a claim no question asks for.
#[derive(Serialize, Deserialize)]
struct Data {
    claim: Claim,
    about: ClaimAbout,
}

#[async_trait]
impl<E: Engine> Claims for Sql<E> {
    async fn raise(&self, scope: Scope, new: ClaimRecord, jobs: Vec<NewJob>, audit: AuditEntry) -> Result<Raised> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let raised = raise(db, scope, &new).await?;
                    if matches!(raised, Raised::New(_)) {
                        jobs::enqueue_all(db, scope, &jobs, new.created_at).await?;
                        audit::append(db, scope, &audit).await?;
                    }
                    Ok(raised)
                })
            })
            .await
    }

    async fn save(
        &self,
        scope: Scope,
        claim: ClaimRecord,
        jobs: Vec<NewJob>,
        audit: Option<AuditEntry>,
    ) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let saved = save(db, scope, &claim).await?;
                    if saved {
                        jobs::enqueue_all(db, scope, &jobs, claim.updated_at).await?;
                        if let Some(audit) = &audit {
                            audit::append(db, scope, audit).await?;
                        }
                    }
                    Ok(saved)
                })
            })
            .await
    }

    async fn numbered(&self, scope: Scope, number: ClaimNumber) -> Result<Option<ClaimRecord>> {
        let sql = query("SELECT * FROM claim WHERE company_id = ?1 AND number = ?2");
        self.row(sql.bind(scope.company.0).bind(i64::from(number.0)), claim).await
    }

    async fn claim(&self, scope: Scope, id: ClaimId) -> Result<Option<ClaimRecord>> {
        let sql = query("SELECT * FROM claim WHERE company_id = ?1 AND id = ?2");
        self.row(sql.bind(scope.company.0).bind(id.0), claim).await
    }

    async fn of_shipment(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<ClaimRecord>> {
        let sql = query(
            "SELECT c.* FROM claim c WHERE c.company_id = ?1 AND c.shipment_id IN
                 (SELECT s.id FROM shipment s WHERE s.company_id = ?1 AND (s.id = ?2 OR s.merged_into = ?2)
                  UNION SELECT ?2)
             ORDER BY c.number DESC LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(shipment.0).bind(OF_SHIPMENT_ROWS), claim).await
    }

    async fn list(&self, scope: Scope, asked: ClaimQuery) -> Result<Page<ClaimRecord>> {
        let from: (String, i64) = cursor::decode(asked.cursor.as_deref()).unwrap_or_default();
        let mut sql = query("SELECT * FROM claim WHERE company_id = ");
        sql.push_bind(scope.company.0);
        if let Some(stage) = asked.stage {
            sql.push(" AND stage = ").push_bind(word(stage));
        }
        sql.push(" AND (rank, number) > (").push_bind(from.0).push(", ").push_bind(from.1);
        sql.push(") ORDER BY rank, number LIMIT ").push_bind(PAGE_AND_ONE);
        let rows = self.rows(sql, claim).await?;
        Ok(page(rows, |last| cursor::encode(&(last.claim.rank(last.number), i64::from(last.number.0)))))
    }

    async fn open(&self, scope: Scope) -> Result<u64> {
        let counts = self.0.read(move |db| Box::pin(async move { counter::read(db, scope, "claim").await })).await?;
        let is_open = |code: &str| Stage::from_code(code).is_some_and(Stage::is_open);
        Ok(counts.iter().filter(|(stage, _)| is_open(stage)).map(|(_, number)| number).sum())
    }

    async fn figures(&self, scope: Scope, today: Date, soon: Date) -> Result<ClaimFigures> {
        self.0.read(move |db| Box::pin(async move { figures(db, scope, today, soon).await })).await
    }

    async fn to_remind(&self, scope: Scope, today: Date) -> Result<Vec<ClaimRecord>> {
        let sql = query(
            "SELECT * FROM claim WHERE company_id = ?1 AND remind_on IS NOT NULL AND remind_on <= ?2
             ORDER BY remind_on, number LIMIT ?3",
        );
        self.rows(sql.bind(scope.company.0).bind(today.to_string()).bind(PAGE_ROWS), claim).await
    }

    async fn keep_file(
        &self,
        scope: Scope,
        of: ClaimId,
        file: ClaimFile,
        content: Sealed,
        audit: AuditEntry,
    ) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    keep_file(db, scope, of, &file, &content).await?;
                    audit::append(db, scope, &audit).await
                })
            })
            .await
    }

    async fn files(&self, scope: Scope, of: ClaimId) -> Result<Vec<ClaimFile>> {
        let sql = query(
            "SELECT id, kind, format, size, digest, name, added_at FROM claim_file
             WHERE company_id = ?1 AND claim_id = ?2 ORDER BY added_at, id",
        );
        self.rows(sql.bind(scope.company.0).bind(of.0), file).await
    }

    async fn file(&self, scope: Scope, of: ClaimId, id: ClaimFileId) -> Result<Option<(ClaimFile, Sealed)>> {
        let sql = query("SELECT * FROM claim_file WHERE company_id = ?1 AND claim_id = ?2 AND id = ?3");
        let whole = |row: &Row| Ok((file(row)?, sealed(row, "content")?));
        self.row(sql.bind(scope.company.0).bind(of.0).bind(id.0), whole).await
    }

    async fn remove_file(&self, scope: Scope, of: ClaimId, id: ClaimFileId, audit: AuditEntry) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let sql = query("DELETE FROM claim_file WHERE company_id = ?1 AND claim_id = ?2 AND id = ?3");
                    let removed = sql.bind(scope.company.0).bind(of.0).bind(id.0).execute(db).await? > 0;
                    if removed {
                        audit::append(db, scope, &audit).await?;
                    }
                    Ok(removed)
                })
            })
            .await
    }

    async fn erase(&self, scope: Scope, shipment: ShipmentId) -> Result<u64> {
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { erase(db, scope, shipment).await })).await
    }
}

/// The columns that questions ask for, beside the claim itself.
struct Columns {
    stage: String,
    rank: String,
    currency: Option<String>,
    claimed: Option<i64>,
    paid: Option<i64>,
    paid_year: Option<i64>,
    missed_year: Option<i64>,
}

fn columns(of: &ClaimRecord, number: ClaimNumber) -> Columns {
    let claim = &of.claim;
    let year = |day: Date| i64::from(day.year());
    Columns {
        stage: word(claim.status.stage()),
        rank: claim.rank(number),
        currency: claim.claimed.or(claim.paid).map(|money| money.currency.code().to_owned()),
        claimed: claim.claimed.map(|money| money.minor),
        paid: claim.paid.map(|money| money.minor),
        paid_year: claim.ended_on.filter(|_| claim.paid.is_some()).map(year),
        missed_year: claim.file_by.filter(|_| of.missed).map(year),
    }
}

async fn raise(db: &mut dyn Db, scope: Scope, new: &ClaimRecord) -> Result<Raised> {
    if let Some(number) = open_one(db, scope, new).await? {
        return Ok(Raised::Open(number));
    }
    // its row is locked from here on: of two that raise at once the second waits, and then finds the first one's claim
    let next = query(
        "INSERT INTO claim_number AS n (company_id, last) VALUES (?1, 1)
         ON CONFLICT (company_id) DO UPDATE SET last = n.last + 1 RETURNING last",
    );
    let number: u32 = next.bind(scope.company.0).one(db).await?.count("last")?;
    let number = ClaimNumber(number);
    let Columns { stage, rank, currency, claimed, paid, paid_year, missed_year } = columns(new, number);
    let made = query(
        "INSERT INTO claim (id, company_id, number, shipment_id, exception_id, reason, status, stage, rank, remind_on, currency,
             claimed, paid, paid_year, missed_year, data, note, owner_id, created_at, updated_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?19, 0)
         ON CONFLICT DO NOTHING",
    )
    .bind(new.id.0)
    .bind(scope.company.0)
    .bind(i64::from(number.0))
    .bind(new.shipment.0)
    .bind(new.exception.map(|exception| exception.0))
    .bind(word(new.claim.reason))
    .bind(word(new.claim.status))
    .bind(stage)
    .bind(rank)
    .bind(new.remind_on.map(|day| day.to_string()))
    .bind(currency)
    .bind(claimed)
    .bind(paid)
    .bind(paid_year)
    .bind(missed_year)
    .bind(data(new))
    .bind(new.note.as_ref().map(Sealed::packed))
    .bind(new.owner.map(|owner| owner.0))
    .bind(new.created_at)
    .execute(db)
    .await?;
    if made > 0 {
        return Ok(Raised::New(number));
    }
    let open = open_one(db, scope, new).await?;
    open.map(Raised::Open).ok_or_else(|| StoreError::Conflict("there is a claim of this id".into()))
}

/// The open claim of the same shipment and reason.
async fn open_one(db: &mut dyn Db, scope: Scope, new: &ClaimRecord) -> Result<Option<ClaimNumber>> {
    let sql = query(
        "SELECT number FROM claim WHERE company_id = ?1 AND shipment_id = ?2 AND reason = ?3 AND stage IN ('to_file', 'waiting')",
    );
    let found = sql.bind(scope.company.0).bind(new.shipment.0).bind(word(new.claim.reason)).optional(db).await?;
    found.map(|row| row.count("number").map(ClaimNumber)).transpose()
}

async fn save(db: &mut dyn Db, scope: Scope, new: &ClaimRecord) -> Result<bool> {
    if new.claim.status.is_open()
        && let Some(other) = open_one(db, scope, new).await?.filter(|other| *other != new.number)
    {
        return Err(StoreError::Conflict(format!("{other} is open for the same shipment and reason")));
    }
    let Columns { stage, rank, currency, claimed, paid, paid_year, missed_year } = columns(new, new.number);
    let saved = query(
        "UPDATE claim SET status = ?1, stage = ?2, rank = ?3, remind_on = ?4, currency = ?5, claimed = ?6, paid = ?7, paid_year = ?8,
             missed_year = ?9, data = ?10, note = ?11, owner_id = ?12, updated_at = ?13, revision = revision + 1
         WHERE company_id = ?14 AND id = ?15 AND revision = ?16",
    )
    .bind(word(new.claim.status))
    .bind(stage)
    .bind(rank)
    .bind(new.remind_on.map(|day| day.to_string()))
    .bind(currency)
    .bind(claimed)
    .bind(paid)
    .bind(paid_year)
    .bind(missed_year)
    .bind(data(new))
    .bind(new.note.as_ref().map(Sealed::packed))
    .bind(new.owner.map(|owner| owner.0))
    .bind(new.updated_at)
    .bind(scope.company.0)
    .bind(new.id.0)
    .bind(stored_count(new.revision))
    .execute(db)
    .await?;
    Ok(saved > 0)
}

fn data(of: &ClaimRecord) -> String {
    json(&Data { claim: of.claim.clone(), about: of.about.clone() })
}

fn claim(row: &Row) -> Result<ClaimRecord> {
    let Data { claim, about } = row.json("data")?;
    let remind_on = row.opt_str("remind_on")?.map(str::parse).transpose();
    Ok(ClaimRecord {
        id: row.id("id")?,
        number: ClaimNumber(row.count("number")?),
        shipment: row.id("shipment_id")?,
        exception: row.opt_id("exception_id")?,
        claim,
        missed: row.opt_int("missed_year")?.is_some(),
        remind_on: remind_on.map_err(|error| StoreError::Damaged(format!("the day of a reminder: {error}")))?,
        about,
        note: row.opt_packed("note")?,
        owner: row.opt_id("owner_id")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        revision: row.count("revision")?,
    })
}

async fn figures(db: &mut dyn Db, scope: Scope, today: Date, soon: Date) -> Result<ClaimFigures> {
    let year = i64::from(today.year());
    let mut counts = Vec::new();
    for (stage, number) in counter::read(db, scope, "claim").await? {
        counts.push((stage_of(&stage)?, number));
    }
    let mut claimed = Vec::new();
    for (key, sum) in counter::read(db, scope, "claim_claimed").await? {
        let (stage, currency) = key.split_once('/').unwrap_or_default();
        claimed.push((stage_of(stage)?, money(currency, sum)?));
    }
    let near = query(
        "SELECT rank, currency, claimed FROM claim WHERE company_id = ?1 AND stage = 'to_file' AND rank >= ?2 AND rank <= ?3
         ORDER BY rank LIMIT ?4",
    )
    .bind(scope.company.0)
    .bind(format!("0:{today}"))
    .bind(format!("0:{soon}"))
    .bind(SOON_ROWS)
    .all(db)
    .await?;
    let mut soon_of = Totals::default();
    for row in &near {
        if let (Some(currency), Some(minor)) = (row.opt_str("currency")?, row.opt_int("claimed")?) {
            soon_of.add(Money { minor, currency: parsed(currency)? });
        }
    }
    let first = near.first().map(|row| row.text("rank")).transpose()?;
    Ok(ClaimFigures {
        counts,
        claimed,
        paid: totals(db, scope, "claim_paid", year).await?,
        paid_of: totals(db, scope, "claim_paid_of", year).await?,
        missed: counter::total_since(db, scope, "claim_missed", year).await?,
        missed_of: totals(db, scope, "claim_missed_of", year).await?,
        soon: near.len() as u64,
        soon_first: first.and_then(|rank| rank.strip_prefix("0:")?.parse().ok()),
        soon_of,
    })
}

async fn totals(db: &mut dyn Db, scope: Scope, measure: &str, year: i64) -> Result<Totals> {
    let sums = counter::since(db, scope, measure, year).await?;
    sums.into_iter().map(|(currency, sum)| money(&currency, sum)).collect()
}

fn money(currency: &str, minor: u64) -> Result<Money> {
    Ok(Money { minor: i64::try_from(minor).unwrap_or(i64::MAX), currency: parsed(currency)? })
}

fn parsed(currency: &str) -> Result<Currency> {
    currency.parse().map_err(|error| StoreError::Damaged(format!("the currency of a claim: {error}")))
}

fn stage_of(code: &str) -> Result<Stage> {
    Stage::from_code(code).ok_or_else(|| StoreError::Damaged("the list of a claim is another word".into()))
}

async fn keep_file(db: &mut dyn Db, scope: Scope, of: ClaimId, new: &ClaimFile, content: &Sealed) -> Result<()> {
    // its row is locked from here on: of two that add at once the second counts the first one's file
    let claim = query("UPDATE claim SET id = id WHERE company_id = ?1 AND id = ?2");
    claim.bind(scope.company.0).bind(of.0).execute(db).await?;
    let kept: u64 = query("SELECT COUNT(*) AS number FROM claim_file WHERE company_id = ?1 AND claim_id = ?2")
        .bind(scope.company.0)
        .bind(of.0)
        .one(db)
        .await?
        .count("number")?;
    if kept >= FILES_MAX as u64 {
        return Err(StoreError::Conflict(format!("a claim has at most {FILES_MAX} files: remove one first")));
    }
    query(
        "INSERT INTO claim_file (company_id, claim_id, id, kind, format, size, digest, name, content, added_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(scope.company.0)
    .bind(of.0)
    .bind(new.id.0)
    .bind(word(new.kind))
    .bind(word(new.format))
    .bind(stored_count(new.size))
    .bind(&new.digest)
    .bind(new.name.packed())
    .bind(content.packed())
    .bind(new.added_at)
    .execute(db)
    .await
    .map(drop)
}

fn file(row: &Row) -> Result<ClaimFile> {
    Ok(ClaimFile {
        id: row.id("id")?,
        kind: row.word("kind")?,
        format: row.word("format")?,
        size: row.count("size")?,
        digest: row.text("digest")?,
        name: sealed(row, "name")?,
        added_at: row.at("added_at")?,
    })
}

fn sealed(row: &Row, column: &str) -> Result<Sealed> {
    row.opt_packed(column)?.ok_or_else(|| StoreError::Damaged("a claim's file is empty".into()))
}

async fn erase(db: &mut dyn Db, scope: Scope, shipment: ShipmentId) -> Result<u64> {
    let of = "(SELECT c.id FROM claim c WHERE c.company_id = ?1 AND c.shipment_id IN
         (SELECT s.id FROM shipment s WHERE s.company_id = ?1 AND (s.id = ?2 OR s.merged_into = ?2) UNION SELECT ?2))";
    let notes = format!("UPDATE claim SET note = NULL WHERE company_id = ?1 AND note IS NOT NULL AND id IN {of}");
    query(notes).bind(scope.company.0).bind(shipment.0).execute(db).await?;
    let files = format!("DELETE FROM claim_file WHERE company_id = ?1 AND claim_id IN {of}");
    query(files).bind(scope.company.0).bind(shipment.0).execute(db).await
}
