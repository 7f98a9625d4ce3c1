//! Transfers beside the deliveries of sales orders: receipts, dropships, returns, backorders; and packages.

use super::{Data, Row, SandboxOdoo, admin, datetime, warehouse};
use crate::journey::Place;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What kind of transfer is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a vendor into stock, of a purchase order.
    Receipt,
    /// From a vendor straight to the customer of a sales order.
    Dropship,
    /// Back from the customer of this delivery.
    Return(i64),
    /// What this transfer left for later.
    Backorder(i64),
}

/// A transfer to be put in.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// What kind.
    pub way: Way,
    /// `WH/IN/00007`.
    pub name: String,
    /// The name of its purchase order; of a return or a backorder it is that of the first transfer.
    pub order: String,
    /// The vendor, or the customer of a return.
    pub partner: String,
    /// Where that is.
    pub place: Place,
    /// The shipping method.
    pub carrier: &'static str,
    /// The tracking reference, as typed in.
    pub tracking: Option<String>,
    /// When it is planned to arrive.
    pub planned: Timestamp,
    /// When it was validated, if it was.
    pub done: Option<Timestamp>,
    /// When it was last written.
    pub written: Timestamp,
}

impl SandboxOdoo {
    /// Puts a transfer in with its order; its id.
    pub fn add_transfer(&self, new: &NewTransfer) -> i64 {
        let mut data = self.inner.lock();
        let written = json!(datetime(new.written));
        let partner = data.partner(&new.partner, new.place, &written);
        let (user, company) = (data.clerk(), data.company());
        let earlier = |data: &Data, id: i64, field: &str| {
            data.tables.get("stock.picking").and_then(|t| t.get(&id)).and_then(|row| row.get(field)).cloned()
        };
        let no = || json!(false);
        let kept = |data: &Data, id, field| earlier(data, id, field).unwrap_or_else(no);
        let named = |data: &Data, id: i64| json!([id, kept(data, id, "name")]);
        let code = match new.way {
            Way::Receipt | Way::Return(_) => json!("incoming"),
            Way::Dropship => json!("dropship"),
            Way::Backorder(of) => kept(&data, of, "picking_type_code"),
        };
        let purchase = match new.way {
            Way::Receipt | Way::Dropship => {
                let order = json!({"name": new.order, "state": "purchase", "date_planned": datetime(new.planned),
                    "partner_id": partner, "user_id": user, "company_id": company, "write_date": written});
                json!([data.insert("purchase.order", order), new.order])
            }
            Way::Return(of) | Way::Backorder(of) => kept(&data, of, "purchase_id"),
        };
        let sale = match new.way {
            Way::Receipt => no(),
            Way::Dropship => {
                let customer = data.partner(&format!("{} GmbH", new.place.city), new.place, &written);
                let name = new.order.replacen('P', "S", 1);
                let order = json!({"name": name, "state": "sale", "commitment_date": datetime(new.planned), "partner_id": customer,
                    "partner_shipping_id": customer, "user_id": user, "write_date": written});
                json!([data.insert("sale.order", order), name])
            }
            Way::Return(of) | Way::Backorder(of) => kept(&data, of, "sale_id"),
        };
        let partner = match new.way {
            Way::Return(of) | Way::Backorder(of) => kept(&data, of, "partner_id"),
            Way::Receipt | Way::Dropship => partner,
        };
        let picking = json!({
            "name": new.name, "state": if new.done.is_some() { "done" } else { "assigned" }, "origin": new.order,
            "picking_type_code": code, "sale_id": sale, "purchase_id": purchase, "is_dropship": new.way == Way::Dropship,
            "return_id": if let Way::Return(of) = new.way { named(&data, of) } else { no() },
            "backorder_id": if let Way::Backorder(of) = new.way { named(&data, of) } else { no() },
            "location_dest_id": if code == json!("incoming") { json!([5, "WH/Stock"]) } else { json!([2, "Customers"]) },
            "partner_id": partner, "user_id": false, "company_id": company, "carrier_id": [1, new.carrier],
            "carrier_tracking_ref": new.tracking.as_deref().map_or_else(no, |tracking| json!(tracking)),
            "scheduled_date": datetime(new.planned), "date_deadline": datetime(new.planned),
            "date_done": new.done.map_or_else(no, |at| json!(datetime(at))), "write_date": written, "create_date": written,
            "write_uid": user,
        });
        data.insert("stock.picking", picking)
    }

    /// A person validates the transfer of this name.
    pub(crate) fn validate_by_hand(&self, name: &str) {
        let Some(picking) = self.picking(name) else { return };
        self.edit(picking, "date_done", json!(self.inner.now()));
        self.edit(picking, "state", json!("done"));
    }

    /// Somebody puts the goods of a delivery into a package of this name. Odoo does not write the delivery then.
    pub fn pack(&self, picking: i64, package: &str) -> i64 {
        let now = self.inner.now();
        let mut data = self.inner.lock();
        let clerk = data.clerk();
        let row = json!({"name": package, "parcel_tracking": false, "write_date": now, "write_uid": clerk});
        let model = package_model(&data);
        let id = data.insert(model, row);
        let line = json!({"picking_id": [picking, false], "result_package_id": [id, package], "create_date": now});
        data.insert("stock.move.line", line);
        id
    }

    /// What somebody types into any record.
    pub fn edit_record(&self, model: &str, id: i64, field: &str, value: Value) {
        let now = self.inner.now();
        let mut data = self.inner.lock();
        let clerk = data.clerk();
        if let Some(row) = data.tables.get_mut(model).and_then(|table| table.get_mut(&id)) {
            row.insert(field.to_owned(), value);
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), clerk);
        }
        admin::touched(&mut data, model, id, [field].into_iter());
        drop(data);
        admin::send(&self.inner);
    }
}

impl SandboxOdoo {
    /// A person tags the company of a delivery's customer, which the customer is an address of.
    pub fn tag_customer(&self, picking: i64, tag: &str) {
        let mut data = self.inner.lock();
        let tag = data.insert("res.partner.category", json!({"name": tag}));
        let company = data.insert("res.partner", json!({"name": "Company", "category_id": [tag]}));
        drop(data);
        self.edit_linked(picking, "partner_id", "commercial_partner_id", json!([company, "Company"]));
    }
}

impl Data {
    fn partner(&mut self, name: &str, place: Place, written: &Value) -> Value {
        let row = json!({
            "name": name, "street": "Musterstraße 1", "city": place.city, "zip": place.zip, "country_code": place.country,
            "lang": "en_US", "tz": place.zone, "email": "contact@vendor.sandbox.test", "write_date": written,
        });
        json!([self.insert("res.partner", row), name])
    }
}

/// What packages are called.
const fn package_model(data: &Data) -> &'static str {
    if data.major.0 < 19 { "stock.quant.package" } else { "stock.package" }
}

/// The model that a field leads to.
pub(super) fn model_of(data: &Data, link: &str) -> &'static str {
    match link {
        "sale_id" => "sale.order",
        "purchase_id" => "purchase.order",
        "result_package_id" => package_model(data),
        "return_id" | "backorder_id" | "picking_id" => "stock.picking",
        _ => "res.partner",
    }
}

/// What a path of fields leads to, where that may be read: nothing, or several values behind the lines of a transfer.
pub(super) fn follow<'a>(data: &'a Data, row: &'a Row, path: &str) -> Vec<&'a Value> {
    let Some((link, rest)) = path.split_once('.') else { return row.get(path).into_iter().collect() };
    let may = |model: &str, id: i64| !data.refused.contains(&(model.to_owned(), id));
    let at = |model: &str, id: i64| data.tables.get(model).and_then(|table| table.get(&id)).filter(|_| may(model, id));
    if link == "move_line_ids" {
        let lines = data.tables.get("stock.move.line").into_iter().flat_map(|lines| lines.values());
        let own = lines.filter(|line| line.get("picking_id").and_then(|picking| picking.get(0)) == row.get("id"));
        return own.flat_map(|line| follow(data, line, rest)).collect();
    }
    let id = row.get(link).and_then(|pair| pair.get(0)).and_then(Value::as_i64);
    id.and_then(|id| at(model_of(data, link), id)).map_or_else(Vec::new, |row| follow(data, row, rest))
}

/// What is asked of the fields of models that hang on transfers; none for any other model.
pub(super) fn fields_get(data: &Data, model: &str, body: &Value) -> Option<Value> {
    let asked: Vec<&str> = body["allfields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if model == "sale.order" {
        let fields = data.tables.get("ir.model.fields").into_iter().flat_map(|table| table.values());
        let own = fields.filter(|row| row.get("model").is_some_and(|of| of == model));
        let named =
            own.filter_map(|row| Some((row.get("name")?.as_str()?.to_owned(), json!({"type": row.get("ttype")}))));
        return Some(Value::Object(
            named.filter(|(name, _)| asked.is_empty() || asked.contains(&name.as_str())).collect(),
        ));
    }
    let package = package_model(data);
    let there: &[(&str, Value)] = match model {
        "stock.move.line" => &[
            ("result_package_id", json!({"type": "many2one", "relation": package})),
            ("product_id", json!({"type": "many2one", "relation": "product.product"})),
            ("quantity_product_uom", json!({"type": "float"})),
        ],
        "stock.package" | "stock.quant.package" => {
            &[("name", json!({"type": "char"})), ("parcel_tracking", json!({"type": "char"}))]
        }
        _ => return warehouse::fields_get(model, body),
    };
    let wanted = there.iter().filter(|(name, _)| asked.is_empty() || asked.contains(name));
    Some(Value::Object(wanted.map(|(name, about)| ((*name).to_owned(), about.clone())).collect::<Map<_, _>>()))
}
