//! Deliveries come in from the real Odoo: all of them, of every kind, while twelve people edit them; and at what rate.

use anyhow::{Result, ensure};
use domain::fold::{DeliveryStanding, Plan};
use futures::future::try_join_all;
use serde_json::{Value, json};
use sqlx::{Row, postgres::PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use storage::orders::Origin;
use tests::{
    Odoo, Surroundings,
    imports::{Here, RATE_PERCENT, make, rate},
};

/// Deliveries, unless `MILEPOST_TEST_IMPORT_DELIVERIES` says how many.
const DELIVERIES: usize = 300;
/// From so many on the rate is measured well enough to be judged.
const JUDGED: usize = 1_000;
/// Who edits them at the same time.
const WRITERS: usize = 12;
/// Edits of each, at least.
const EDITS_MIN: usize = 25;

fn wanted() -> usize {
    std::env::var("MILEPOST_TEST_IMPORT_DELIVERIES").ok().and_then(|text| text.parse().ok()).unwrap_or(DELIVERIES)
}

/// What a delivery is, wherever it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: String,
    standing: &'static str,
    numbers: BTreeSet<String>,
    destination: Option<String>,
}

/// Somebody edits deliveries, one after the other, until he has had his share of them and the first import is over.
async fn edit(odoo: &Odoo, writer: usize, ids: &[i64], imported: &AtomicBool, edits: &AtomicUsize) -> Result<()> {
    let write =
        async |model: &str, id: i64, vals: Value| odoo.call(model, "write", json!({"ids": [id], "vals": vals})).await;
    let mut mine = 0;
    for round in 0.. {
        for (n, id) in ids.iter().enumerate().skip(writer).step_by(WRITERS) {
            let done = match (n / WRITERS + round) % 8 {
                0 => odoo.call("stock.picking", "action_cancel", json!({"ids": [id]})).await,
                1 if round == 0 => match odoo.call("stock.picking", "action_cancel", json!({"ids": [id]})).await {
                    Ok(_) => odoo.call("stock.picking", "unlink", json!({"ids": [id]})).await,
                    refused => refused,
                },
                2 => write("stock.picking", *id, json!({"carrier_tracking_ref": false})).await,
                3 => {
                    let two = format!("W{writer}R{round}N{n:06}A, W{writer}R{round}N{n:06}B");
                    write("stock.picking", *id, json!({"carrier_tracking_ref": two})).await
                }
                4 => {
                    let row = odoo.delivery(*id, &["partner_id"]).await.unwrap_or_default();
                    match row["partner_id"][0].as_i64() {
                        Some(partner) => {
                            write("res.partner", partner, json!({"city": format!("Town {writer} {round} {n}")})).await
                        }
                        None => Ok(Value::Null),
                    }
                }
                _ => {
                    let number = format!("W{writer}R{round}N{n:06}");
                    write("stock.picking", *id, json!({"carrier_tracking_ref": number})).await
                }
            };
            // two who write one record at once, or one that is gone: Odoo refuses it, and nothing is changed
            edits.fetch_add(usize::from(done.is_ok()), Ordering::Relaxed);
            mine += 1;
            if imported.load(Ordering::Relaxed) && mine >= EDITS_MIN {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What Odoo has.
async fn in_odoo(sql: &PgPool, ids: &[i64]) -> Result<BTreeMap<i64, Seen>> {
    let rows = sqlx::query(
        "SELECT p.id, p.name, p.state, p.carrier_tracking_ref, r.city, t.code FROM stock_picking p
         JOIN stock_picking_type t ON t.id = p.picking_type_id LEFT JOIN res_partner r ON r.id = p.partner_id
         WHERE p.state <> 'draft' AND p.id = ANY ($1)",
    )
    .bind(ids.iter().map(|id| i32::try_from(*id)).collect::<Result<Vec<i32>, _>>()?)
    .fetch_all(sql)
    .await?;
    let seen = |row: &sqlx::postgres::PgRow| -> Result<(i64, Seen)> {
        let (number, incoming): (Option<String>, bool) =
            (row.try_get("carrier_tracking_ref")?, row.try_get::<String, _>("code")? == "incoming");
        let seen = Seen {
            name: row.try_get("name")?,
            standing: match row.try_get::<&str, _>("state")? {
                "cancel" => "cancelled",
                "done" => "done",
                _ => "open",
            },
            numbers: number.unwrap_or_default().split(", ").filter(|n| !n.is_empty()).map(str::to_owned).collect(),
            destination: if incoming { Some("WH/Stock".into()) } else { row.try_get("city")? },
        };
        Ok((row.try_get::<i32, _>("id")?.into(), seen))
    };
    rows.iter().map(seen).collect()
}

/// What came in, and what is known to be deleted.
fn here(file: &Path) -> Result<(BTreeMap<i64, Seen>, BTreeSet<i64>)> {
    let database = rusqlite::Connection::open(file)?;
    let mut numbers = database.prepare(
        "SELECT b.number_raw FROM binding b WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )?;
    let mut shipments = database.prepare(
        "SELECT id, origin_record, origin, plan, standing, destination FROM shipment WHERE origin IS NOT NULL",
    )?;
    let (mut all, mut deleted) = (BTreeMap::new(), BTreeSet::new());
    let mut rows = shipments.query([])?;
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get("id")?;
        let (record, origin): (i64, Origin) =
            (row.get("origin_record")?, serde_json::from_str(&row.get::<_, String>("origin")?)?);
        let plan: Plan = serde_json::from_str(&row.get::<_, String>("plan")?)?;
        if plan.standing == DeliveryStanding::Deleted {
            deleted.insert(record);
            continue;
        }
        let bound: Vec<String> = numbers.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let seen = Seen {
            name: origin.name,
            standing: match row.get::<_, String>("standing")?.as_str() {
                "cancelled" => "cancelled",
                "done" => "done",
                _ => "open",
            },
            numbers: bound.iter().cloned().collect(),
            destination: row.get("destination")?,
        };
        ensure!(seen.numbers.len() == bound.len(), "{}: a number twice", seen.name);
        ensure!(all.insert(record, seen).is_none(), "record {record} is there twice");
    }
    Ok((all, deleted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_are_edited_while_they_come_in_are_the_same_in_the_end() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_import") else { return Ok(()) };
    let odoo = Odoo::clone_database(&around, "import")?;
    let (folder, count) = (tempfile::tempdir()?, wanted());
    let ids = make(&odoo, count).await?;
    let rate = rate(&odoo, folder.path(), count).await?;
    let percent = rate.percent();
    println!("{count} deliveries: search_read {:?}, import {:?}: {percent:.0} %", rate.search, rate.import);
    // without optimisation it is our part that is slow
    let judged = count >= JUDGED && !cfg!(debug_assertions);
    ensure!(!judged || percent >= RATE_PERCENT, "an import has {percent:.0} % of the rate of search_read");
    let installation = Here::new(&odoo, folder.path(), "edited.db").await?;
    let (imported, edits) = (AtomicBool::new(false), AtomicUsize::new(0));
    let writers = try_join_all((0..WRITERS).map(|writer| edit(&odoo, writer, &ids, &imported, &edits)));
    let importing = async {
        // the writers are in the middle of it
        tokio::time::sleep(Duration::from_millis(500)).await;
        installation.import().await?;
        imported.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    let (edited, first) = tokio::join!(writers, importing);
    edited?;
    first?;
    println!("{} edits", edits.load(Ordering::Relaxed));
    // what was deleted is looked for some at a time; what could not be read while it was edited is read again
    let context = installation.context();
    for _ in 0..count / 200 + 3 {
        context.store.order_problems.hurry(context.scope(), context.now()).await?;
        installation.import().await?;
    }
    let sql = PgPool::connect(&odoo.sql()?).await?;
    let mut expected = in_odoo(&sql, &ids).await?;
    sql.close().await;
    let (mut found, deleted) = here(&installation.file)?;
    found.retain(|record, _| ids.contains(record));
    for id in ids.iter().filter(|id| !expected.contains_key(id)) {
        // one that was deleted before it was read was never here
        ensure!(!found.contains_key(id), "delivery {id} was deleted in Odoo: {:?}", found[id]);
    }
    // one that lost its number before it was read, and has no order, is nothing to track
    expected.retain(|id, seen| found.contains_key(id) || !seen.numbers.is_empty());
    let missing: Vec<i64> = expected.keys().filter(|id| !found.contains_key(id)).copied().collect();
    ensure!(missing.is_empty(), "{} of {} did not come in: {missing:?}", missing.len(), expected.len());
    for (id, seen) in &expected {
        ensure!(!deleted.contains(id), "delivery {id} is there");
        let came = &found[id];
        ensure!(came == seen, "{id}: Odoo has {seen:?}, came in as {came:?}");
    }
    ensure!(expected.len() > count / 2 && found.len() == expected.len(), "{} of {}", found.len(), expected.len());
    Ok(())
}
