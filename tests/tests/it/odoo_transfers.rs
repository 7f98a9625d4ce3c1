//! Receipts, dropships and packages on a real Odoo with the apps for them: status, ETA and exceptions are written back, and the
//! right person is asked.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{Event, message},
    until,
};

/// What Odoo needs for them.
const APPS: &str = "purchase_stock,stock_dropshipping";
const SCANNED: Event = ("InTransit", "InTransit_003", "2026-03-02T10:00:00");
const DAMAGED: Event = ("Exception", "Exception_012", "2026-03-03T10:00:00");
const DELIVERED: Event = ("Delivered", "Delivered_001", "2026-03-04T11:00:00");
/// Numbers of UPS with right check digits.
const PARCELS: [&str; 2] = ["1Z999AA10123456784", "1Z999AA10123456793"];
const PLANNED: &str = "2099-01-05 12:00:00";
const PROMISED: &str = "2099-02-01 12:00:00";
const ETA: &str = "2099-01-07";

/// An Odoo with an installation that imports from it every second, and a carrier's platform.
struct Walk {
    odoo: Odoo,
    installation: Installation,
    platform: Platform,
    run: String,
}

impl Walk {
    async fn begin(around: &Surroundings) -> Result<Self> {
        let odoo = Odoo::clone_database(around, "transfers")?;
        odoo.install(APPS)?;
        let mut installation = Installation::prepare(around, odoo.settings())?;
        installation
            .command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
        let platform = Platform::new("aftership", "whole-system-aftership");
        let put = ["source", "put", platform.source, "--connector", platform.source];
        installation.command(&put, Some(platform.secret))?;
        installation.start().await?;
        Ok(Self { odoo, installation, platform, run: format!("{:09}", std::process::id()) })
    }

    async fn make(&self, model: &str, values: Value) -> Result<i64> {
        let made = self.odoo.call(model, "create", json!({"vals_list": [values]})).await?;
        made[0].as_i64().with_context(|| format!("a {model}"))
    }

    async fn found(&self, model: &str, domain: Value, fields: &[&str]) -> Result<Vec<Value>> {
        let body = json!({"domain": domain, "fields": fields, "order": "id"});
        Ok(self.odoo.call(model, "search_read", body).await?.as_array().cloned().unwrap_or_default())
    }

    async fn only(&self, model: &str, domain: Value) -> Result<i64> {
        let found = self.found(model, domain, &["id"]).await?;
        let [one] = &found[..] else { anyhow::bail!("{} of {model}", found.len()) };
        one["id"].as_i64().context("an id")
    }

    async fn numbered(&self, transfer: i64, number: &str) -> Result<()> {
        let body = json!({"ids": [transfer], "vals": {"carrier_tracking_ref": number}});
        self.odoo.call("stock.picking", "write", body).await.map(drop)
    }

    async fn says(&self, parcel: (&str, &str), events: &[Event], further: Value) -> Result<()> {
        let status = self.platform.post(&self.installation.base(), &message(parcel, events, &further)).await?;
        ensure!(status == 202, "{status}: {}", self.installation.log());
        Ok(())
    }

    /// Waits until fields of a transfer show this.
    async fn shows(&self, transfer: i64, expected: Value) -> Result<()> {
        let fields: Vec<&str> = expected.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let what = format!("transfer {transfer} to show {expected}");
        let end = until(&what, || async {
            let row = self.odoo.delivery(transfer, &fields).await?;
            Ok(fields.iter().all(|field| row[field] == expected[field]).then_some(()))
        });
        if let Err(error) = end.await {
            let shown = self.odoo.delivery(transfer, &fields).await?;
            return Err(error.context(format!("it shows {shown}\n{}", self.installation.log())));
        }
        Ok(())
    }

    async fn imported(&self, transfer: i64) -> Result<()> {
        until("the transfer to be imported", || async {
            Ok(self.odoo.delivery(transfer, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
        })
        .await
        .with_context(|| self.installation.log())
    }

    /// A receipt of a purchase: promised when it is planned; the buyer is asked; received, it has arrived.
    async fn receipt(&self) -> Result<()> {
        let vendor = self.make("res.partner", json!({"name": "Vendor One", "city": "Hamburg"})).await?;
        let buyer = json!({"name": "Buyer", "login": format!("buyer{}", self.run)});
        let buyer = self.make("res.users", buyer).await?;
        let groups = ["purchase.group_purchase_user", "stock.group_stock_user"];
        for group in groups {
            let (module, name) = group.split_once('.').context("a group")?;
            let group =
                self.found("ir.model.data", json!([["module", "=", module], ["name", "=", name]]), &["res_id"]).await?;
            let link = json!({"group_ids": [[4, group[0]["res_id"]]]});
            self.odoo.call("res.users", "write", json!({"ids": [buyer], "vals": link})).await?;
        }
        let product = self.make("product.product", json!({"name": "Bought", "is_storable": true})).await?;
        let line = json!([0, 0, {"product_id": product, "product_qty": 2, "price_unit": 5, "date_planned": PLANNED}]);
        let order = json!({"partner_id": vendor, "user_id": buyer, "order_line": [line]});
        let order = self.make("purchase.order", order).await?;
        self.odoo.call("purchase.order", "button_confirm", json!({"ids": [order]})).await?;
        let receipt = self.only("stock.picking", json!([["purchase_id", "=", order]])).await?;
        let number = format!("RCP{}", self.run);
        self.numbered(receipt, &number).await?;
        self.imported(receipt).await?;
        self.says((&number, "dhl"), &[SCANNED], json!({"expected_delivery": ETA})).await?;
        let expected =
            json!({"x_milepost_status": "IN_TRANSIT", "x_milepost_promised": PLANNED, "x_milepost_exception": false});
        self.shows(receipt, expected).await?;
        let row = self.odoo.delivery(receipt, &["x_milepost_eta"]).await?;
        ensure!(row["x_milepost_eta"].as_str().is_some_and(|eta| eta.starts_with(ETA)), "{row}");
        self.says((&number, "dhl"), &[SCANNED, DAMAGED], Value::Null).await?;
        self.shows(receipt, json!({"x_milepost_exception": "Damaged"})).await?;
        let on_receipt =
            json!([["res_model", "=", "stock.picking"], ["res_id", "=", receipt], ["note", "like", "milepost"]]);
        let asked = until("the buyer to be asked", || async {
            let asked = self.found("mail.activity", on_receipt.clone(), &["user_id", "summary"]).await?;
            Ok((!asked.is_empty()).then_some(asked))
        })
        .await
        .with_context(|| self.installation.log())?;
        ensure!(asked.len() == 1 && asked[0]["user_id"][0] == json!(buyer), "{asked:?}");
        let skip = json!({"skip_backorder": true, "skip_sms": true});
        let done =
            self.odoo.call("stock.picking", "button_validate", json!({"ids": [receipt], "context": skip})).await?;
        ensure!(done == json!(true), "{done}");
        self.shows(receipt, json!({"x_milepost_status": "DELIVERED"})).await
    }

    /// A dropship of a sales order: promised as the order is; both show where it stands.
    async fn dropship(&self) -> Result<()> {
        let vendor = self.make("res.partner", json!({"name": "Vendor Two", "city": "Gdansk"})).await?;
        let customer = self.make("res.partner", json!({"name": "Customer", "city": "Lyon"})).await?;
        let route = self.only("stock.route", json!([["name", "=", "Dropship"]])).await?;
        let product = json!({"name": "Dropped", "is_storable": true, "list_price": 10, "route_ids": [[6, 0, [route]]],
            "seller_ids": [[0, 0, {"partner_id": vendor, "price": 4}]]});
        let product = self.make("product.product", product).await?;
        let line = json!([0, 0, {"product_id": product, "product_uom_qty": 1}]);
        let order = json!({"partner_id": customer, "commitment_date": PROMISED, "order_line": [line]});
        let order = self.make("sale.order", order).await?;
        self.odoo.call("sale.order", "action_confirm", json!({"ids": [order]})).await?;
        let purchase = self.only("purchase.order", json!([["order_line.product_id", "=", product]])).await?;
        self.odoo.call("purchase.order", "button_confirm", json!({"ids": [purchase]})).await?;
        let dropship = self.only("stock.picking", json!([["sale_id", "=", order]])).await?;
        let number = format!("DRP{}", self.run);
        self.numbered(dropship, &number).await?;
        self.imported(dropship).await?;
        self.says((&number, "dhl"), &[SCANNED], Value::Null).await?;
        self.shows(dropship, json!({"x_milepost_status": "IN_TRANSIT", "x_milepost_promised": PROMISED})).await?;
        self.says((&number, "dhl"), &[SCANNED, DELIVERED], Value::Null).await?;
        self.shows(dropship, json!({"x_milepost_status": "DELIVERED"})).await?;
        until("the sales order to show the delivery", || async {
            let read = json!({"ids": [order], "fields": ["x_milepost_status"]});
            let row = self.odoo.call("sale.order", "read", read).await?[0].clone();
            Ok((row["x_milepost_status"] == "DELIVERED").then_some(()))
        })
        .await
        .with_context(|| self.installation.log())
    }

    /// A delivery in two packages that are named by their numbers: it has arrived when both have.
    async fn packages(&self) -> Result<()> {
        let customer = self.make("res.partner", json!({"name": "Two parcels", "city": "Lyon"})).await?;
        let stocked = self
            .found("product.product", json!([["is_storable", "=", true], ["qty_available", ">", 5]]), &["id"])
            .await?;
        ensure!(stocked.len() >= 2, "two products: {stocked:?}");
        let lines: Vec<Value> =
            stocked[..2].iter().map(|one| json!([0, 0, {"product_id": one["id"], "product_uom_qty": 1}])).collect();
        let order = self.make("sale.order", json!({"partner_id": customer, "order_line": lines})).await?;
        self.odoo.call("sale.order", "action_confirm", json!({"ids": [order]})).await?;
        let delivery = self.only("stock.picking", json!([["sale_id", "=", order]])).await?;
        let lines = self.found("stock.move.line", json!([["picking_id", "=", delivery]]), &["id"]).await?;
        ensure!(lines.len() == PARCELS.len(), "a line for each package: {lines:?}");
        for (line, parcel) in lines.iter().zip(PARCELS) {
            let package = self.make("stock.package", json!({"name": parcel})).await?;
            let body = json!({"ids": [line["id"]], "vals": {"result_package_id": package}});
            self.odoo.call("stock.move.line", "write", body).await?;
        }
        self.imported(delivery).await?;
        self.says((PARCELS[0], "ups"), &[SCANNED, DELIVERED], Value::Null).await?;
        self.shows(delivery, json!({"x_milepost_status": "PARTIALLY_DELIVERED"})).await?;
        self.says((PARCELS[1], "ups"), &[SCANNED, DELIVERED], Value::Null).await?;
        self.shows(delivery, json!({"x_milepost_status": "DELIVERED"})).await
    }
}

#[tokio::test]
async fn receipts_dropships_and_packages_are_followed() -> Result<()> {
    let Some(around) = Surroundings::find("receipts_dropships_and_packages_are_followed") else { return Ok(()) };
    let walk = Walk::begin(&around).await?;
    walk.receipt().await.context("the receipt")?;
    walk.dropship().await.context("the dropship")?;
    walk.packages().await.context("the packages")?;
    walk.installation.idle().await
}
