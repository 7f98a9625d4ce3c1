//! A real Odoo whose clock is 90 seconds apart, and one that is connected twice.

use anyhow::{Context as _, Result, ensure};
use application::{
    caller::Caller,
    clock::{Clock, SystemClock},
    connections::{self, NewConnection},
    error::UseCaseError,
};
use jiff::{SignedDuration, Timestamp};
use outbound::check::CheckOutcome;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use tests::{
    Odoo, Surroundings,
    imports::{Here, make},
};

/// Deliveries of each installation.
const DELIVERIES: usize = 40;

/// The machine's clock, set wrong.
struct Apart(SignedDuration);

impl Clock for Apart {
    fn now(&self) -> Timestamp {
        SystemClock.now().checked_add(self.0).unwrap_or(Timestamp::MAX)
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemClock.fill(bytes);
    }
}

#[tokio::test]
async fn clocks_that_are_90_seconds_apart_lose_no_change_and_are_said() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_clocks") else { return Ok(()) };
    let odoo = Odoo::clone_database(&around, "clocks")?;
    let folder = tempfile::tempdir()?;
    let ids = make(&odoo, DELIVERIES).await?;
    for seconds in [90_i64, -90] {
        let clock = Arc::new(Apart(SignedDuration::from_secs(seconds)));
        let here = Here::with_clock(&odoo, folder.path(), &format!("apart{seconds}.db"), clock).await?;
        let first = here.import().await?;
        ensure!(first.created as usize >= DELIVERIES, "{seconds}: {} came in", first.created);
        here.import().await?;
        // changed between two imports, and right after one
        for (n, id) in ids.iter().enumerate() {
            let number = format!("APART{seconds}N{n:04}");
            let vals = json!({"ids": [id], "vals": {"carrier_tracking_ref": number}});
            odoo.call("stock.picking", "write", vals).await?;
            if n == ids.len() / 2 {
                here.import().await?;
            }
        }
        here.import().await?;
        let (context, scope) = (here.context(), here.context().scope());
        for n in 0..ids.len() {
            let number = format!("APART{seconds}N{n:04}");
            let found = context.store.shipments.find(scope, &number).await?;
            ensure!(found.len() == 1, "{seconds}: {number} is in {} shipments", found.len());
        }
        let report = connections::test(context, &Caller::trusted(scope), "odoo").await?;
        let apart = report.clock_apart_s.context("its clock was looked at")?;
        ensure!((apart - seconds).abs() <= 5, "ours is {seconds} s ahead, it says {apart} s: {report:?}");
        let warned =
            report.checks.iter().any(|check| check.outcome == CheckOutcome::Warning && check.found().contains("clock"));
        ensure!(warned, "{report:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_database_is_recognised_under_another_name_of_its_host() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_twice") else { return Ok(()) };
    let (odoo, other) = (Odoo::clone_database(&around, "twice")?, Odoo::clone_database(&around, "once")?);
    let folder = tempfile::tempdir()?;
    let here = Here::new(&odoo, folder.path(), "twice.db").await?;
    here.import().await?;
    let (context, caller) = (here.context(), Caller::trusted(here.context().scope()));
    let connection = |of: &Odoo, name: &str, is_copy: bool| -> Result<NewConnection> {
        let settings: BTreeMap<_, _> = of.settings().into_iter().collect();
        let url = settings["MILEPOST_ODOO_URL"].replace("127.0.0.1", "localhost");
        let mut fields: BTreeMap<String, String> =
            [("url".into(), url), ("database".into(), settings["MILEPOST_ODOO_DATABASE"].clone())].into();
        if is_copy {
            fields.insert("is_copy".into(), "on".into());
        }
        let secret = std::fs::read_to_string(&of.key_file)?.trim().to_owned();
        let (name, connector, secret) = (name.to_owned(), "odoo".to_owned(), Some(secret.into()));
        Ok(NewConnection { name, connector, fields, secret, enabled: Some(true), ..NewConnection::default() })
    };
    match connections::put(context, &caller, connection(&odoo, "odoo-2", false)?).await {
        Err(UseCaseError::Invalid { field: "url", message }) => {
            ensure!(message.contains("the connection odoo "), "{message}");
        }
        other => anyhow::bail!("{other:?}"),
    }
    // another database of the same server, made at the same moment, is another one
    connections::put(context, &caller, connection(&other, "odoo-3", false)?).await?;
    connections::put(context, &caller, connection(&odoo, "odoo-2", true)?).await?;
    Ok(())
}
