//! What of a delivery goes into which parcel, and what that weighs and is worth: customs are declared parcel by parcel.

use super::{
    super::{
        OdooClient,
        records::{Fields, linked},
        rows::Row,
        transfers::{INTO, LINE},
        wire::short_text,
    },
    Goods, LINES_MAX, Packed, Parcel,
};
use domain::{
    booking::ParcelOf,
    money::{Currency, Money},
};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PRODUCT: &str = "product.product";
const MOVE: &str = "stock.move";
const ORDER_LINE: &str = "sale.order.line";
const GRAMS_OF_KG: f64 = 1_000.0;
const GRAMS_OF_LB: f64 = 453.592_37;
const MM_OF_INCH: f64 = 25.4;
const MM_OF_FOOT: f64 = 304.8;
/// How many of a product a line has, in the product's own unit: the first that this Odoo has (17 and later; 16).
const COUNTS: &[&str] = &["quantity_product_uom", "reserved_qty", "qty_done"];

/// How many of each product, by its id.
type Counts = BTreeMap<i64, f64>;

/// What a product is worth, and weighs.
struct Product {
    row: Fields,
    origin: Option<String>,
    price: Money,
}

impl OdooClient {
    /// The packages of a delivery, each with its goods, and what is in none as a further parcel; where no goods are in packages, all of
    /// it is one parcel.
    pub(super) async fn parcels(&self, record: i64, row: &Fields, log: &dyn CallLog) -> Result<Vec<Packed>, CallError> {
        let grams = match row.get("weight_uom_name").and_then(Value::as_str) {
            Some(unit) if unit.to_ascii_lowercase().starts_with("lb") => GRAMS_OF_LB,
            _ => GRAMS_OF_KG,
        };
        let (demanded, prices) = self.demanded(record, log).await?;
        let packed = self.by_package(record, log).await?;
        let all: BTreeSet<i64> = demanded.keys().chain(packed.values().flat_map(Counts::keys)).copied().collect();
        let products = self.products(&all, row, &prices, log).await?;
        let goods = |counts: &Counts| goods_of(counts, &products, grams);
        if packed.keys().all(Option::is_none) {
            let number = |name: &str| row.get(name).and_then(Value::as_f64).unwrap_or_default();
            // what is reserved so far may weigh less than all of it
            let weight_g = whole(number("shipping_weight").max(number("weight")) * grams);
            let parcel = Parcel { weight_g, size_mm: None };
            return Ok(vec![Packed { of: ParcelOf::Whole, parcel, goods: goods(&demanded) }]);
        }
        let mut parcels = self.packages(&packed, grams, log).await?;
        for (package, counts) in &packed {
            let goods = goods(counts);
            let weight_g = goods.iter().fold(0_u32, |sum, one| sum.saturating_add(one.weight_g));
            match package.and_then(|id| parcels.iter_mut().find(|known| known.of == ParcelOf::Package(id))) {
                Some(of) => {
                    of.goods = goods;
                    if of.parcel.weight_g == 0 {
                        of.parcel.weight_g = weight_g;
                    }
                }
                None if counts.values().any(|count| *count > 0.0) => {
                    let parcel = Parcel { weight_g, size_mm: None };
                    parcels.push(Packed { of: ParcelOf::Rest, parcel, goods });
                }
                None => {}
            }
        }
        Ok(parcels)
    }

    /// How many of each product are to go, and what each costs the customer, where its order says it.
    async fn demanded(&self, record: i64, log: &dyn CallLog) -> Result<(Counts, BTreeMap<i64, Money>), CallError> {
        let there = self.known(MOVE, &["product_id", "product_qty", "product_uom_qty", "sale_line_id"], log).await?;
        let domain = json!([["picking_id", "=", record], ["state", "!=", "cancel"]]);
        let body = json!({"domain": domain, "fields": there, "order": "id", "limit": LINES_MAX});
        let moves: Vec<Value> = self.ask_explained(MOVE, "search_read", body, log).await?;
        let mut counts = Counts::new();
        // by order line: the product, and how many of the line's unit are one of the product's
        let mut sold: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
        for of in moves.iter().filter_map(Value::as_object) {
            let Some(product) = linked(of, "product_id") else { continue };
            let number = |name: &str| of.get(name).and_then(Value::as_f64);
            let ordered = number("product_uom_qty").unwrap_or_default();
            let count = number("product_qty").unwrap_or(ordered);
            *counts.entry(product).or_default() += count;
            if let Some(line) = linked(of, "sale_line_id").filter(|_| count > 0.0) {
                sold.insert(line, (product, ordered / count));
            }
        }
        Ok((counts, self.prices(&sold, log).await?))
    }

    /// What products cost by their order lines: after discount, without tax. A kit has a price there, its parts have none.
    async fn prices(
        &self,
        sold: &BTreeMap<i64, (i64, f64)>,
        log: &dyn CallLog,
    ) -> Result<BTreeMap<i64, Money>, CallError> {
        if sold.is_empty() {
            return Ok(BTreeMap::new());
        }
        let fields = ["product_id", "price_reduce_taxexcl", "currency_id"];
        let ids: Vec<i64> = sold.keys().copied().collect();
        let read = self.ask_explained(ORDER_LINE, "read", json!({"ids": ids, "fields": fields}), log).await;
        let lines: Vec<Value> = match read {
            Ok(lines) => lines,
            // a key may be without rights to orders: the list price counts
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::MissingRight) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut prices = BTreeMap::new();
        for line in lines.iter().filter_map(Value::as_object) {
            let id = line.get("id").and_then(Value::as_i64);
            let Some((product, units)) = id.and_then(|id| sold.get(&id)) else { continue };
            let currency = Row::new(line, "").link("currency_id").and_then(|(_, name)| name);
            let currency = currency.and_then(|name| name.parse::<Currency>().ok());
            let price = line.get("price_reduce_taxexcl").and_then(Value::as_f64).filter(|price| *price > 0.0);
            if linked(line, "product_id") == Some(*product)
                && let (Some(currency), Some(price)) = (currency, price)
            {
                prices.insert(*product, money(price * units, currency));
            }
        }
        Ok(prices)
    }

    /// How many of each product are in each package; under none what is in none.
    async fn by_package(&self, record: i64, log: &dyn CallLog) -> Result<BTreeMap<Option<i64>, Counts>, CallError> {
        if self.shape(log).await?.packages.is_none() {
            return Ok(BTreeMap::new());
        }
        let asked: Vec<&str> = [INTO, "product_id"].into_iter().chain(COUNTS.iter().copied()).collect();
        let there = self.known(LINE, &asked, log).await?;
        let count = COUNTS.iter().find(|field| there.contains(*field));
        let domain = json!([["picking_id", "=", record], ["state", "!=", "cancel"]]);
        let body = json!({"domain": domain, "fields": there, "order": "id", "limit": LINES_MAX});
        let lines: Vec<Value> = self.ask_explained(LINE, "search_read", body, log).await?;
        let mut packed: BTreeMap<Option<i64>, Counts> = BTreeMap::new();
        for line in lines.iter().filter_map(Value::as_object) {
            let counts = packed.entry(linked(line, INTO)).or_default();
            if let Some(product) = linked(line, "product_id") {
                let count = count.and_then(|field| line.get(*field)).and_then(Value::as_f64).unwrap_or_default();
                *counts.entry(product).or_default() += count;
            }
        }
        Ok(packed)
    }

    /// The packages with what they weigh, without their goods.
    async fn packages(
        &self,
        packed: &BTreeMap<Option<i64>, Counts>,
        grams: f64,
        log: &dyn CallLog,
    ) -> Result<Vec<Packed>, CallError> {
        let shape = self.shape(log).await?;
        let Some((model, _)) = &shape.packages else { return Ok(Vec::new()) };
        let there = self.known(model, &["shipping_weight", "weight", "package_type_id"], log).await?;
        let ids: Vec<i64> = packed.keys().copied().flatten().collect();
        let rows: Vec<Value> = self.ask_explained(model, "read", json!({"ids": ids, "fields": there}), log).await?;
        let mut parcels = Vec::new();
        for row in rows.iter().filter_map(Value::as_object) {
            let number = |name: &str| row.get(name).and_then(Value::as_f64).filter(|n| *n > 0.0);
            let weight = number("shipping_weight").or_else(|| number("weight")).unwrap_or_default();
            let size_mm = match linked(row, "package_type_id") {
                Some(of) => self.package_size(of, log).await?,
                None => None,
            };
            let parcel = Parcel { weight_g: whole(weight * grams), size_mm };
            let of = row.get("id").and_then(Value::as_i64).map_or(ParcelOf::Rest, ParcelOf::Package);
            parcels.push(Packed { of, parcel, goods: Vec::new() });
        }
        Ok(parcels)
    }

    async fn package_size(&self, id: i64, log: &dyn CallLog) -> Result<Option<[u32; 3]>, CallError> {
        let fields = ["packaging_length", "width", "height", "length_uom_name"];
        let there = self.known("stock.package.type", &fields, log).await?;
        let Some(row) = self.one("stock.package.type", id, &there, log).await? else { return Ok(None) };
        let unit = match row.get("length_uom_name").and_then(Value::as_str).unwrap_or("mm") {
            "in" => MM_OF_INCH,
            "ft" => MM_OF_FOOT,
            "cm" => 10.0,
            _ => 1.0,
        };
        let side = |name: &str| row.get(name).and_then(Value::as_f64).map(|n| whole(n * unit)).filter(|n| *n > 0);
        let sides = side("packaging_length").zip(side("width")).zip(side("height"));
        Ok(sides.map(|((length, width), height)| [length, width, height]))
    }

    /// What is known of products: each with its price in its order, else its list price in the company's currency.
    async fn products(
        &self,
        ids: &BTreeSet<i64>,
        picking: &Fields,
        prices: &BTreeMap<i64, Money>,
        log: &dyn CallLog,
    ) -> Result<BTreeMap<i64, Product>, CallError> {
        let mut products = BTreeMap::new();
        let Some(company) = linked(picking, "company_id").filter(|_| !ids.is_empty()) else { return Ok(products) };
        let Some(currency) = self.currency(company, log).await? else { return Ok(products) };
        let fields = ["name", "default_code", "weight", "lst_price", "hs_code", "country_of_origin"];
        let there = self.known(PRODUCT, &fields, log).await?;
        let rows: Vec<Value> = self.ask_explained(PRODUCT, "read", json!({"ids": ids, "fields": there}), log).await?;
        let mut countries: BTreeMap<i64, Option<String>> = BTreeMap::new();
        for row in rows.iter().filter_map(Value::as_object) {
            let Some(id) = row.get("id").and_then(Value::as_i64) else { continue };
            let made_in = linked(row, "country_of_origin");
            if let Some(country) = made_in.filter(|country| !countries.contains_key(country)) {
                let found = self.one("res.country", country, &["code"], log).await?;
                countries.insert(country, found.and_then(|row| row.get("code")?.as_str().and_then(short_text)));
            }
            let origin = made_in.and_then(|country| countries.get(&country).cloned().flatten());
            let listed = money(row.get("lst_price").and_then(Value::as_f64).unwrap_or_default(), currency);
            let price = prices.get(&id).copied().unwrap_or(listed);
            products.insert(id, Product { row: row.clone(), origin, price });
        }
        Ok(products)
    }
}

fn goods_of(counts: &Counts, products: &BTreeMap<i64, Product>, grams: f64) -> Vec<Goods> {
    let counted = counts.iter().filter(|(_, count)| **count > 0.0);
    let goods = counted.filter_map(|(id, count)| {
        let Product { row, origin, price } = products.get(id)?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).and_then(short_text);
        let weight = row.get("weight").and_then(Value::as_f64).unwrap_or_default();
        Some(Goods {
            name: text("name").unwrap_or_default(),
            sku: text("default_code"),
            quantity: whole(*count),
            weight_g: whole(weight * grams * count),
            value: *price,
            hs_code: text("hs_code"),
            origin: origin.clone(),
        })
    });
    goods.collect()
}

fn money(amount: f64, currency: Currency) -> Money {
    let minor = amount * 10_f64.powi(i32::try_from(currency.decimals()).unwrap_or(2));
    Money { minor: i64::from(whole(minor)), currency }
}

/// Rounded up, within what fits.
fn whole(number: f64) -> u32 {
    let up = (number - 1e-6).ceil().clamp(0.0, f64::from(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and within what fits")]
    let up = up as u32;
    up
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_never_less_than_they_are() {
        assert_eq!([0.0, 0.5, 1.0, 1.000_000_1, 1.2, -3.0].map(whole), [0, 1, 1, 1, 2, 0]);
        assert_eq!(whole(0.1 * GRAMS_OF_KG), 100);
        assert_eq!(whole(2.0 * GRAMS_OF_LB), 908);
    }

    #[test]
    fn amounts_are_in_the_units_of_their_currency() {
        let of = |amount, currency: &str| money(amount, currency.parse().unwrap()).to_string();
        assert_eq!([of(9.99, "EUR"), of(0.1 + 0.2, "EUR"), of(900.0, "JPY")], ["9.99 EUR", "0.30 EUR", "900 JPY"]);
    }
}
