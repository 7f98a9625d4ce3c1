//! The set-up of the real Odoo: what it makes is there and shown, changes are reported and taken in at once, and all of it goes
//! again.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Installation, Odoo, Surroundings, until};

/// A change is taken in within this time though the next import is a day away.
const SOON: Duration = Duration::from_secs(20);

fn setup(installation: &Installation, odoo: &Odoo, more: &[&str]) -> Result<String> {
    let key = odoo.admin_key_file.display().to_string();
    installation.command(&[&["odoo", "setup", "--admin-key-file", &key], more].concat(), None)
}

async fn count(odoo: &Odoo, model: &str, field: &str, like: &str) -> Result<i64> {
    let body = json!({"domain": [[field, "=like", like]], "context": {"active_test": false}});
    odoo.call(model, "search_count", body).await?.as_i64().context("a number")
}

/// How many of fields, views, rules and actions are Milepost's.
async fn made(odoo: &Odoo) -> Result<[i64; 4]> {
    Ok([
        count(odoo, "ir.model.fields", "name", "x_milepost_%").await?,
        count(odoo, "ir.ui.view", "name", "milepost.%").await?,
        count(odoo, "base.automation", "name", "Milepost: %").await?,
        count(odoo, "ir.actions.server", "name", "Milepost: %").await?,
    ])
}

/// What Odoo's own pages are made of.
async fn shown(odoo: &Odoo, model: &str) -> Result<[String; 3]> {
    let views = json!({"views": [[false, "form"], [false, "list"], [false, "search"]]});
    let views = odoo.call(model, "get_views", views).await?;
    let arch = |kind: &str| views["views"][kind]["arch"].as_str().map(str::to_owned).context(kind.to_owned());
    Ok([arch("form")?, arch("list")?, arch("search")?])
}

async fn taken_in(odoo: &Odoo, delivery: i64) -> Result<Value> {
    until("the delivery to be taken in", || async {
        let row = odoo.delivery(delivery, &["x_milepost_url", "x_milepost_status"]).await?;
        Ok(row["x_milepost_url"].is_string().then_some(row))
    })
    .await
}

#[tokio::test]
async fn odoo_is_set_up_reports_changes_and_is_left_as_it_was() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_is_set_up_reports_changes_and_is_left_as_it_was") else {
        return Ok(());
    };
    let odoo = Odoo::clone_database(&around, "setup")?;
    let mut installation = Installation::prepare(&around, odoo.settings())?;
    // what comes in after the first import comes by a report
    installation.set("MILEPOST_ODOO_IMPORT_SECONDS", "86400".into());
    installation.start().await?;
    let before = made(&odoo).await?;
    let preview = setup(&installation, &odoo, &["--dry-run", "--user"])?;
    ensure!(preview.contains("would") && preview.contains("nothing was changed"), "{preview}");
    ensure!(made(&odoo).await? == before && before[1..] == [0, 0, 0], "{before:?}");
    let done = setup(&installation, &odoo, &["--user"])?;
    ensure!(done.contains("done       Report changes of transfers") && !done.contains("REFUSED"), "{done}");
    let again = setup(&installation, &odoo, &["--user"])?;
    ensure!(again.contains("nothing to do"), "{again}");
    let [fields, views, rules, actions] = made(&odoo).await?;
    ensure!((fields, views) == (19, 6) && rules >= 2 && actions >= 2, "{fields} {views} {rules} {actions}");
    for model in ["stock.picking", "sale.order"] {
        let [form, list, search] = shown(&odoo, model).await?;
        for (arch, has) in [
            (&form, "widget=\"statusbar\" statusbar_visible"),
            (&form, "oe_stat_button\" icon=\"fa-truck\""),
            (&form, "name=\"x_milepost_case_url\""),
            (&list, "name=\"x_milepost_eta\" optional=\"show\""),
            (&search, "name=\"x_milepost_late\""),
            (&search, "'group_by': 'x_milepost_status'"),
        ] {
            ensure!(arch.contains(has), "{model}: {has} in {arch}");
        }
    }
    let user = json!({"domain": [["login", "=", "milepost"]], "fields": ["group_ids"]});
    let user = odoo.call("res.users", "search_read", user).await?;
    ensure!(user[0]["group_ids"].as_array().is_some_and(|groups| groups.len() == 4), "{user}");
    // a change that nobody asked for comes in by itself, and is written back
    installation.idle().await?;
    let begin = Instant::now();
    let (_, delivery) = odoo.order(&format!("HINT{:08}", std::process::id())).await?;
    taken_in(&odoo, delivery).await.with_context(|| installation.log())?;
    ensure!(begin.elapsed() < SOON, "it took {:?}", begin.elapsed());
    ensure!(!installation.log().contains("/hooks/odoo/odoo/"), "the address is a secret: {}", installation.log());
    let taken = installation.metric("milepost_hints_total", &["connection=\"odoo\"", "end=\"taken\""]).await?;
    ensure!(taken >= 1.0, "{taken}");
    // the button leads to the page that the record names
    let button = json!({"domain": [["name", "=", "Milepost: shipment of a transfer"]]});
    let button = odoo.call("ir.actions.server", "search", button).await?;
    let context = json!({"active_model": "stock.picking", "active_id": delivery, "active_ids": [delivery]});
    let opened = odoo.call("ir.actions.server", "run", json!({"ids": button, "context": context})).await?;
    let page = odoo.delivery(delivery, &["x_milepost_url"]).await?["x_milepost_url"].clone();
    ensure!(opened["type"] == "ir.actions.act_url" && opened["url"] == page, "{opened}");
    // all of it goes, data last and only when that is said
    let kept = setup(&installation, &odoo, &["--remove"])?;
    ensure!(kept.contains("stay, with the values of") && made(&odoo).await? == [19, 0, 0, 0], "{kept}");
    let gone = setup(&installation, &odoo, &["--remove", "--delete-data"])?;
    ensure!(gone.contains("are lost") && made(&odoo).await? == [0, 0, 0, 0], "{gone}");
    ensure!(setup(&installation, &odoo, &["--remove", "--delete-data"])?.contains("nothing to do"));
    let [form, ..] = shown(&odoo, "stock.picking").await?;
    ensure!(!form.contains("x_milepost"), "{form}");
    let name = odoo.delivery(delivery, &["name", "carrier_tracking_ref"]).await?;
    ensure!(name["carrier_tracking_ref"].is_string(), "what is Odoo's stays: {name}");
    Ok(())
}
