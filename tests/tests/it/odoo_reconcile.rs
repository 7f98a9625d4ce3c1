//! Reconciliation on the real Odoo: what people change there behind Milepost's back is found by the command, mended or listed.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{Event, message},
    until,
};

const PICKED_UP: Event = ("InTransit", "InTransit_003", "2026-03-03T01:10:00");
const DELIVERED: Event = ("Delivered", "Delivered_001", "2026-03-04T11:00:00");

/// What the command printed: a line for each difference, and last the run.
fn printed(text: &str) -> Result<(BTreeSet<(String, String)>, Value)> {
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let (run, differences) = lines.split_last().context("the run")?;
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let differences = differences.iter().map(|line| (text(line, "difference"), text(line, "number"))).collect();
    Ok((differences, run.clone()))
}

async fn shows(odoo: &Odoo, delivery: i64, status: &str) -> Result<()> {
    until(&format!("delivery {delivery} to show {status}"), || async {
        let row = odoo.delivery(delivery, &["x_milepost_status"]).await?;
        Ok((row["x_milepost_status"] == status).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_people_change_in_odoo_is_found_mended_or_listed() -> Result<()> {
    let Some(around) = Surroundings::find("what_people_change_in_odoo_is_found_mended_or_listed") else {
        return Ok(());
    };
    let odoo = Odoo::clone_database(&around, "reconcile")?;
    let mut installation = Installation::prepare(&around, odoo.settings())?;
    // the first import alone: what comes after it is found by the comparison
    installation.set("MILEPOST_ODOO_IMPORT_SECONDS", "86400".into());
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platform = Platform::new("aftership", "whole-system-aftership");
    installation.command(&["source", "put", platform.source, "--connector", platform.source], Some(platform.secret))?;
    let run = std::process::id();
    let [edited, delivered, gone, later] = ["EDI", "DEL", "GON", "LAT"].map(|name| format!("{name}{run:08}9"));
    let (edited_order, edited_delivery) = odoo.order(&edited).await?;
    let (_, open_delivery) = odoo.order(&delivered).await?;
    let (_, gone_delivery) = odoo.order(&gone).await?;
    installation.start().await?;
    for (number, delivery, arrived) in
        [(&edited, edited_delivery, false), (&delivered, open_delivery, true), (&gone, gone_delivery, false)]
    {
        until("the delivery to be imported", || async {
            Ok(odoo.delivery(delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
        })
        .await
        .with_context(|| installation.log())?;
        let events = if arrived { &[PICKED_UP, DELIVERED][..] } else { &[PICKED_UP] };
        let body = message((number, "dhl"), events, &Value::Null);
        let status = platform.post(&installation.base(), &body).await?;
        ensure!(status == 202, "{status}");
        shows(&odoo, delivery, if arrived { "DELIVERED" } else { "IN_TRANSIT" })
            .await
            .with_context(|| installation.log())?;
    }
    installation.idle().await?;
    let values = json!({"x_milepost_status": "FAILED"});
    odoo.call("sale.order", "write", json!({"ids": [edited_order], "vals": values})).await?;
    let later_delivery = edited_by_hand(&odoo, edited_delivery, gone_delivery, &later).await?;
    // a dry run mends nothing
    let (found, dry) = printed(&installation.command(&["reconcile", "--dry-run", "--json"], None)?)?;
    let expected = |topic: &str, number: &str| (topic.to_owned(), number.to_owned());
    for difference in [
        expected("status", &edited),
        expected("exception", &edited),
        expected("order_fields", &edited),
        expected("transfer", &delivered),
        expected("gone", &gone),
        expected("missing", &format!("Delivery {later_delivery}")),
    ] {
        ensure!(found.contains(&difference), "{difference:?} is not among {found:?}\n{}", installation.log());
    }
    ensure!(dry["fixes"] == 0 && dry["differing"] == 4, "{dry}");
    let row = odoo.delivery(edited_delivery, &["x_milepost_status"]).await?;
    ensure!(row["x_milepost_status"] == "DELIVERED", "a dry run writes nothing: {row}");
    // the next one mends what is safe
    let (_, run) = printed(&installation.command(&["reconcile", "--json"], None)?)?;
    ensure!(run["fixes"].as_u64().is_some_and(|fixes| fixes >= 5), "{run}");
    shows(&odoo, edited_delivery, "IN_TRANSIT").await.with_context(|| installation.log())?;
    until("the delivery that was missing to be imported", || async {
        Ok(odoo.delivery(later_delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
    })
    .await
    .with_context(|| installation.log())?;
    set_back_on_the_order(&odoo, edited_order).await.with_context(|| installation.log())?;
    let notes = odoo.notes(edited_delivery).await?;
    let said = notes.iter().filter(|note| note.contains("changed by hand")).count();
    ensure!(said == 1, "one note says what was set back: {notes:?}");
    installation.idle().await?;
    // what is left is for a person
    let left = until("what was mended to be gone", || async {
        let (found, run) = printed(&installation.command(&["reconcile", "--since", "1d", "--json"], None)?)?;
        Ok((found.len() == 2).then_some((found, run)))
    })
    .await
    .with_context(|| installation.log())?;
    let expected: BTreeSet<_> = [expected("transfer", &delivered), expected("gone", &gone)].into();
    ensure!(left.0 == expected, "{left:?}");
    ensure!(
        left.1["differing"] == 2 && left.1["compared"].as_u64().is_some_and(|compared| compared >= 4),
        "{}",
        left.1
    );
    validated(&odoo, &installation, open_delivery).await
}

/// What people change behind Milepost's back: fields of one delivery, another is deleted, a third is made; its id.
async fn edited_by_hand(odoo: &Odoo, edited: i64, gone: i64, later: &str) -> Result<i64> {
    let values = json!({"x_milepost_status": "DELIVERED", "x_milepost_exception": "all is well"});
    odoo.call("stock.picking", "write", json!({"ids": [edited], "vals": values})).await?;
    odoo.call("stock.picking", "action_cancel", json!({"ids": [gone]})).await?;
    odoo.call("stock.picking", "unlink", json!({"ids": [gone]})).await?;
    Ok(odoo.order(later).await?.1)
}

/// What was changed by hand on the sales order is as it was, and one note there says so.
async fn set_back_on_the_order(odoo: &Odoo, order: i64) -> Result<()> {
    until("the order to show its status again", || async {
        let read = json!({"ids": [order], "fields": ["x_milepost_status"]});
        let row = odoo.call("sale.order", "read", read).await?[0].clone();
        Ok((row["x_milepost_status"] == "IN_TRANSIT").then_some(()))
    })
    .await?;
    let notes = until("the note on the order", || async {
        let notes = odoo.notes_on("sale.order", order).await?;
        Ok((!notes.is_empty()).then_some(notes))
    })
    .await?;
    ensure!(notes.len() == 1 && notes[0].contains("changed by hand to"), "{notes:?}");
    Ok(())
}

/// A person validates the transfer in Odoo: it differs no longer.
async fn validated(odoo: &Odoo, installation: &Installation, delivery: i64) -> Result<()> {
    let skip = json!({"skip_backorder": true, "skip_sms": true});
    let done = odoo.call("stock.picking", "button_validate", json!({"ids": [delivery], "context": skip})).await?;
    ensure!(done == json!(true), "{done}");
    let (found, _) = printed(&installation.command(&["reconcile", "--json"], None)?)?;
    ensure!(!found.iter().any(|(topic, _)| topic == "transfer"), "{found:?}");
    Ok(())
}
