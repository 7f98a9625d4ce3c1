//! The company's only warehouse with its address, and what deliveries are packed by. Its records have ids of their own, high above
//! those of the orders.

use super::{Data, SandboxOdoo};
use serde_json::{Map, Value, json};

/// The address of the company and its warehouse.
const PARTNER: i64 = 900_001;
const WAREHOUSE: i64 = 900_002;
const DELIVERIES: i64 = 900_003;
/// What every delivery weighs, in kilogrammes.
const WEIGHT_KG: f64 = 1.25;

/// What is asked of models that labels are booked with.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "res.partner",
        &[
            "name",
            "is_company",
            "is_blacklisted",
            "commercial_company_name",
            "street",
            "street2",
            "city",
            "zip",
            "state_id",
            "country_code",
            "phone",
            "email",
        ],
    ),
    ("product.product", &["name", "default_code", "weight", "lst_price", "hs_code", "country_of_origin"]),
    ("stock.move", &["product_id", "product_qty", "product_uom_qty", "sale_line_id"]),
];

/// Goods of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct NewGoods<'a> {
    /// What they are.
    pub name: &'a str,
    /// The article's number.
    pub sku: &'a str,
    /// The tariff number.
    pub hs_code: &'a str,
    /// Where they were made: two letters.
    pub origin: &'a str,
    /// Of one of them.
    pub weight_kg: f64,
    /// The list price of one of them, in the company's currency.
    pub price: f64,
    /// What one of them was sold for, with the currency.
    pub sold: Option<(f64, &'a str)>,
    /// How many, each with the package that they are in.
    pub packed: &'a [(f64, Option<i64>)],
}

impl SandboxOdoo {
    /// A person puts goods into a delivery.
    pub fn add_goods(&self, picking: i64, goods: &NewGoods<'_>) {
        let now = self.inner.now();
        put_goods(&mut self.inner.lock(), picking, goods, &now);
    }
}

/// Puts goods into a delivery.
pub(super) fn put_goods(data: &mut Data, picking: i64, goods: &NewGoods<'_>, now: &str) {
    let country = data.insert("res.country", json!({"code": goods.origin, "name": goods.origin}));
    let product = json!({
        "name": goods.name, "default_code": goods.sku, "weight": goods.weight_kg, "lst_price": goods.price,
        "hs_code": goods.hs_code, "country_of_origin": [country, goods.origin],
    });
    let product = json!([data.insert("product.product", product), goods.name]);
    let line = goods.sold.map(|(price, currency)| {
        let row = json!({"product_id": product, "price_reduce_taxexcl": price, "currency_id": [1, currency]});
        json!([data.insert("sale.order.line", row), goods.name])
    });
    let all: f64 = goods.packed.iter().map(|(count, _)| count).sum();
    let of = json!({
        "picking_id": [picking, false], "state": "assigned", "product_id": product, "product_qty": all, "product_uom_qty": all,
        "sale_line_id": line.unwrap_or(json!(false)),
    });
    data.insert("stock.move", of);
    for (count, package) in goods.packed {
        let into = package.map_or(json!(false), |id| json!([id, format!("PACK{id}")]));
        let row = json!({
            "picking_id": [picking, false], "state": "assigned", "product_id": product, "quantity_product_uom": count,
            "result_package_id": into, "create_date": now,
        });
        data.insert("stock.move.line", row);
    }
}

/// Puts them in.
pub(super) fn install(data: &mut Data, company: &str) {
    let mut put = |table: &str, id: i64, row: Value| {
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.insert("id".into(), json!(id));
        data.tables.entry(table.to_owned()).or_default().insert(id, row);
    };
    put(
        "res.partner",
        PARTNER,
        json!({
            "name": company, "is_company": true, "street": "Hafenstraße 12", "city": "Bremerhaven", "zip": "27568", "country_code": "DE",
            "phone": "+49 471 000000", "email": "warehouse@sandbox.test",
        }),
    );
    put("stock.warehouse", WAREHOUSE, json!({"name": company, "code": "WH", "partner_id": [PARTNER, company]}));
    put("stock.picking.type", DELIVERIES, json!({"name": "Delivery Orders", "warehouse_id": [WAREHOUSE, company]}));
    if let Some(row) = data.tables.get_mut("res.company").and_then(|table| table.values_mut().next()) {
        row.insert("partner_id".into(), json!([PARTNER, company]));
        row.insert("currency_id".into(), json!([1, "EUR"]));
    }
}

/// What a delivery of an order is packed by.
pub(super) fn packed(picking: &mut Value) {
    picking["picking_type_id"] = json!([DELIVERIES, "WH: Delivery Orders"]);
    picking["weight"] = json!(WEIGHT_KG);
    picking["weight_uom_name"] = json!("kg");
}

/// What is asked of the fields of these models; none for any other.
pub(super) fn fields_get(model: &str, body: &Value) -> Option<Value> {
    let (_, fields) = FIELDS.iter().find(|(name, _)| *name == model)?;
    let asked: Vec<&str> = body["allfields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let there = fields.iter().filter(|field| asked.contains(field));
    Some(Value::Object(there.map(|field| ((*field).to_owned(), json!({"type": "char"}))).collect::<Map<_, _>>()))
}
