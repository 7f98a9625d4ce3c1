//! The real Odoo goes away in the middle of a burst and comes back a minute later: nothing is lost, and nothing comes twice.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::Duration;
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{self, Event},
    chaos::proxy::{Fault, Proxy},
    until,
};

const SCANNED: Event = ("InTransit", "InTransit_002", "2026-03-02T10:00:00");
/// Deliveries; of half of them Odoo is away when their carrier reports.
const DELIVERIES: usize = 16;
/// How long it is away.
const AWAY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odoo_that_stops_for_a_minute_in_a_burst_loses_nothing() -> Result<()> {
    let Some(around) = Surroundings::find("an_odoo_that_stops_for_a_minute_in_a_burst_loses_nothing") else {
        return Ok(());
    };
    let odoo = Odoo::clone_database(&around, "odoo_away")?;
    let settings = odoo.settings();
    let url = settings.iter().find(|(name, _)| *name == "MILEPOST_ODOO_URL").context("its address")?.1.clone();
    let proxy = Proxy::start(&url).await?;
    let mut installation = Installation::prepare(&around, settings)?;
    installation.set("MILEPOST_ODOO_URL", proxy.url());
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platform = Platform::new("aftership", "whole-system-aftership");
    installation.command(&["source", "put", "aftership", "--connector", "aftership"], Some(platform.secret))?;
    installation.start().await?;
    let number = |n: usize| format!("0034043{:09}{n:03}", std::process::id());
    let mut deliveries = Vec::new();
    for n in 0..DELIVERIES {
        let (_, delivery) = odoo.order(&number(n)).await?;
        deliveries.push(delivery);
    }
    let shows = async |delivery: i64, field: &str| {
        Ok::<_, anyhow::Error>(odoo.delivery(delivery, &[field]).await?[field].clone())
    };
    for delivery in &deliveries {
        until("a delivery to be imported", || async {
            Ok(shows(*delivery, "x_milepost_url").await?.as_str().map(drop))
        })
        .await
        .with_context(|| installation.log())?;
    }
    for n in 0..DELIVERIES {
        if n == DELIVERIES / 2 {
            proxy.set(Some(Fault::Refused));
        }
        let body = aftership::message((&number(n), "dhl"), &[SCANNED], &json!(null));
        ensure!(platform.post(&installation.base(), &body).await? == 202, "{}", installation.log());
    }
    // meanwhile people work in Odoo
    for delivery in &deliveries {
        let body = json!({"ids": [delivery], "vals": {"note": "<p>edited meanwhile</p>"}});
        odoo.call("stock.picking", "write", body).await?;
    }
    tokio::time::sleep(AWAY).await;
    proxy.set(None);
    installation.idle().await.with_context(|| installation.log())?;
    for (n, delivery) in deliveries.iter().enumerate() {
        let status = shows(*delivery, "x_milepost_status").await?;
        ensure!(status == "PICKED_UP", "delivery {n} is {status}\n{}", installation.log());
        let notes = odoo.notes(*delivery).await?;
        ensure!(notes.len() == 1, "delivery {n}: {notes:?}\n{}", installation.log());
        ensure!(shows(*delivery, "note").await?.as_str().is_some_and(|note| note.contains("edited meanwhile")));
    }
    Ok(())
}
