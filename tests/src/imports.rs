//! Imports from a real Odoo inside this process: what they take in, and at what rate beside Odoo's own search.

use crate::Odoo;
use anyhow::{Context as _, Result, ensure};
use application::{
    clock::{Clock, SystemClock},
    config::{CallLimits, OdooSettings},
    context::Context,
    odoo::{self, IMPORT_PAGES_MAX},
};
use outbound::Discard;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use storage::orders::Imported;
use storage_sqlite::{Options, SqliteStore};

/// An import gets at least so many percent of what Odoo's own search gives.
pub const RATE_PERCENT: f64 = 60.0;
/// Deliveries that are made by one call.
const TOGETHER: usize = 100;
/// Measurements of each; the best one counts, since others use the machine too.
const ROUNDS: usize = 3;

/// An installation inside this process, on a file of its own.
pub struct Here {
    context: Arc<Context>,
    /// Its database.
    pub file: PathBuf,
}

impl Here {
    /// A new one that works with this Odoo.
    ///
    /// # Errors
    /// When it cannot be assembled.
    pub async fn new(odoo: &Odoo, folder: &Path, name: &str) -> Result<Self> {
        Self::with_clock(odoo, folder, name, Arc::new(SystemClock)).await
    }

    /// The same by this clock.
    ///
    /// # Errors
    /// When it cannot be assembled.
    pub async fn with_clock(odoo: &Odoo, folder: &Path, name: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let file = folder.join(name);
        let settings: BTreeMap<_, _> = odoo.settings().into_iter().collect();
        let mut config = server::config::Settings::default().resolve()?;
        config.system.odoo = Some(OdooSettings {
            url: settings["MILEPOST_ODOO_URL"].clone(),
            database: settings["MILEPOST_ODOO_DATABASE"].clone(),
            key: std::fs::read_to_string(&odoo.key_file)?.trim().to_owned().into(),
            login: None,
            import_seconds: 1_000_000_000,
            limits: CallLimits::default(),
        });
        let store = SqliteStore::open(&file, Options::test()).await?;
        let context = server::bootstrap::assemble(config, clock, store, &[7; 32]).await?;
        application::connections::seed(&context).await?;
        Ok(Self { context, file })
    }

    /// What use cases work with.
    pub const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Imports what Odoo changed.
    ///
    /// # Errors
    /// When the import fails.
    pub async fn import(&self) -> Result<Imported> {
        let context = &*self.context;
        let done =
            odoo::import(context, context.scope(), "odoo", context.correlation(), IMPORT_PAGES_MAX, &Discard).await;
        done.context("an import")
    }
}

/// Makes deliveries and receipts with numbers in Odoo; their ids.
///
/// # Errors
/// With Odoo's own message.
pub async fn make(odoo: &Odoo, count: usize) -> Result<Vec<i64>> {
    let one = async |model: &str, domain: Value| -> Result<i64> {
        let found = odoo.call(model, "search", json!({"domain": domain, "limit": 1})).await?;
        found[0].as_i64().with_context(|| format!("a {model}"))
    };
    let types = json!({"domain": [], "fields": ["lot_stock_id", "out_type_id", "in_type_id"], "limit": 1});
    let warehouse = odoo.call("stock.warehouse", "search_read", types).await?[0].clone();
    let stock = warehouse["lot_stock_id"][0].clone();
    let customers = one("stock.location", json!([["usage", "=", "customer"]])).await?;
    let vendors = one("stock.location", json!([["usage", "=", "supplier"]])).await?;
    let product = one("product.product", json!([["is_storable", "=", true]])).await?;
    let partner = |n| json!({"name": format!("Customer {n}"), "city": format!("City {n}"), "country_id": false});
    let partners: Vec<Value> = (0..TOGETHER).map(partner).collect();
    let partners = odoo.call("res.partner", "create", json!({"vals_list": partners})).await?;
    let mut made = Vec::new();
    for begin in (0..count).step_by(TOGETHER) {
        let values = (begin..count.min(begin + TOGETHER)).map(|n| {
            let (kind, from, to) = if n % 6 == 5 { ("in_type_id", json!(vendors), stock.clone()) } else { ("out_type_id", stock.clone(), json!(customers)) };
            json!({"partner_id": partners[n % TOGETHER], "picking_type_id": warehouse[kind][0], "location_id": from, "location_dest_id": to,
                "carrier_tracking_ref": format!("FIRST{n:07}"), "origin": format!("made {n}"),
                "move_ids": [[0, 0, {"product_id": product, "product_uom_qty": 1, "location_id": from, "location_dest_id": to}]]})
        });
        let values = values.collect::<Vec<_>>();
        let ids = odoo.call("stock.picking", "create", json!({"vals_list": values})).await?;
        odoo.call("stock.picking", "action_confirm", json!({"ids": ids})).await?;
        made.extend(ids.as_array().context("ids")?.iter().filter_map(Value::as_i64));
    }
    Ok(made)
}

/// The rate of an import beside that of Odoo's own search for the same fields, in the same pages.
///
/// # Errors
/// When Odoo does not answer, or not all of them come in.
pub async fn rate(odoo: &Odoo, folder: &Path, count: usize) -> Result<Rate> {
    let picking =
        ::odoo::READ_FIELDS.iter().filter(|(model, _)| *model == "stock.picking").flat_map(|(_, fields)| *fields);
    let there = odoo.call("stock.picking", "fields_get", json!({"allfields": [], "attributes": ["type"]})).await?;
    let fields: Vec<&str> = picking.copied().filter(|field| there.get(*field).is_some()).collect();
    let (mut best_search, mut best_import) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let start = Instant::now();
        let (mut after, mut read) = (0, 0);
        loop {
            let domain = json!([["state", "!=", "draft"], ["carrier_tracking_ref", "!=", false], ["id", ">", after]]);
            let body = json!({"domain": domain, "fields": fields, "order": "id", "limit": ::odoo::PAGE_MAX});
            let page = odoo.call("stock.picking", "search_read", body).await?;
            let page = page.as_array().context("a page")?;
            read += page.len();
            match page.last() {
                Some(last) if page.len() >= ::odoo::PAGE_MAX as usize => {
                    after = last["id"].as_i64().context("an id")?
                }
                _ => break,
            }
        }
        best_search = best_search.min(start.elapsed());
        ensure!(read >= count, "{read} of {count}");
        let here = Here::new(odoo, folder, &format!("rate{round}.db")).await?;
        let start = Instant::now();
        let done = here.import().await?;
        best_import = best_import.min(start.elapsed());
        ensure!(done.created as usize >= count, "{} of {count}", done.created);
    }
    Ok(Rate { deliveries: count, search: best_search, import: best_import })
}

/// How long each took at best.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Deliveries, at least.
    pub deliveries: usize,
    /// Odoo's own `search_read` of their fields.
    pub search: Duration,
    /// An import.
    pub import: Duration,
}

impl Rate {
    /// What an import gets of what Odoo's own search gives, in percent.
    pub fn percent(&self) -> f64 {
        100.0 * self.search.as_secs_f64() / self.import.as_secs_f64()
    }
}
