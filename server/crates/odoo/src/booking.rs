//! What a label is booked with is read of a delivery: where it goes and comes from, its parcels with their goods for customs (`packed`);
//! the number and the price are written back, and taken back when the label is void.

mod packed;

use super::{
    OdooClient,
    deliveries::PICKING,
    records::{Fields, linked},
    rows::Row,
    setup::BOOKING,
    transfers::LINE,
    wire::short_text,
};
use domain::{
    booking::ParcelOf,
    money::{Currency, Money},
};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// Parcels of one delivery at most; one of more is for a person.
pub const PARCELS_MAX: usize = 50;
/// Lines and goods of one delivery that are read.
const LINES_MAX: u32 = 1_000;
/// A list shows no more of a Char field.
const WORDS_CHARS_MAX: usize = 250;
/// What of a delivery some versions or modules lack.
const FIELDS: &[&str] = &[
    "name",
    "state",
    "create_date",
    "date_done",
    "origin",
    "sale_id",
    "partner_id",
    "company_id",
    "picking_type_code",
    "picking_type_id",
    "return_id",
    "carrier_id",
    "carrier_tracking_ref",
    "weight",
    "shipping_weight",
    "weight_uom_name",
];
const PARTNER_FIELDS: &[&str] = &[
    "name",
    "is_company",
    "commercial_company_name",
    "street",
    "street2",
    "city",
    "zip",
    "state_id",
    "country_code",
    "phone",
    "email",
];

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Its goods are not reserved yet.
    Waiting,
    /// It can be packed.
    Ready,
    /// It was validated.
    Done,
    /// It was cancelled.
    Cancelled,
}

/// A sender or recipient: personal data.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the parts of an address, named as such")]
pub struct Party {
    pub name: Option<String>,
    pub company: Option<String>,
    pub street: Option<String>,
    pub street2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub zip: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Party({:?}, …)", self.country)
    }
}

/// A parcel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Its weight in grams; 0 where Odoo has none.
    pub weight_g: u32,
    /// Length, width and height, where its package type has them.
    pub size_mm: Option<[u32; 3]>,
}

/// Goods, as customs ask for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// What they are.
    pub name: String,
    /// The article's number.
    pub sku: Option<String>,
    /// How many.
    pub quantity: u32,
    /// Of all of them together, in grams.
    pub weight_g: u32,
    /// Of one of them.
    pub value: Money,
    /// The tariff number.
    pub hs_code: Option<String>,
    /// Where they were made: two letters.
    pub origin: Option<String>,
}

/// A parcel with what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Which parcel it is.
    pub of: ParcelOf,
    /// What it weighs and measures.
    pub parcel: Parcel,
    /// What is in it.
    pub goods: Vec<Goods>,
}

/// A delivery as it is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBook {
    /// Its name.
    pub name: String,
    /// The order's name.
    pub order: Option<String>,
    /// How far it is.
    pub readiness: Readiness,
    /// When its goods were reserved, as far as its lines say it; none where they are not.
    pub ready_at: Option<Timestamp>,
    /// When it was validated.
    pub done_at: Option<Timestamp>,
    /// Whether it goes from the company's own stock to a customer.
    pub is_delivery: bool,
    /// The shipping method.
    pub method: Option<String>,
    /// The tracking reference as it is.
    pub number: Option<String>,
    /// The warehouse's short name.
    pub warehouse: Option<String>,
    /// The recipient.
    pub to: Party,
    /// The sender: the warehouse's address, else the company's.
    pub from: Party,
    /// The parcels: its packages, and what is in none; else all of it.
    pub parcels: Vec<Packed>,
}

/// What became of writing a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbered {
    /// The delivery has it.
    Written,
    /// The delivery has another one, which stays.
    Other(String),
}

impl OdooClient {
    /// A delivery as it is booked; none where it is gone.
    ///
    /// # Errors
    /// When Odoo does not answer as it should, or refuses a part of it.
    pub async fn to_book(&self, record: i64, log: &dyn CallLog) -> Result<Option<ToBook>, CallError> {
        let there = self.known(PICKING, FIELDS, log).await?;
        let Some(row) = self.one(PICKING, record, &there, log).await? else { return Ok(None) };
        let mut read = Row::new(&row, "");
        let text = |name: &str| row.get(name).and_then(Value::as_str).and_then(short_text);
        let state = text("state").unwrap_or_default();
        let readiness = match state.as_str() {
            "assigned" => Readiness::Ready,
            "done" => Readiness::Done,
            "cancel" => Readiness::Cancelled,
            _ => Readiness::Waiting,
        };
        let (warehouse, sender) = self.sender(&row, log).await?;
        let to = match linked(&row, "partner_id") {
            Some(partner) => self.party(partner, log).await?,
            None => Party::default(),
        };
        let from = match sender {
            Some(partner) => self.party(partner, log).await?,
            None => Party::default(),
        };
        let parcels = self.parcels(record, &row, log).await?;
        let ready_at = match readiness {
            Readiness::Waiting | Readiness::Cancelled => None,
            Readiness::Ready | Readiness::Done => self.reserved_at(record, &row, log).await?,
        };
        Ok(Some(ToBook {
            name: read.text("name").unwrap_or_else(|| format!("#{record}")),
            order: read.link("sale_id").and_then(|(_, name)| name),
            readiness,
            ready_at,
            done_at: read.moment("date_done").filter(|_| readiness == Readiness::Done),
            is_delivery: text("picking_type_code").as_deref() == Some("outgoing")
                && linked(&row, "return_id").is_none(),
            method: read.link("carrier_id").and_then(|(_, name)| name),
            number: text("carrier_tracking_ref"),
            warehouse,
            to,
            from,
            parcels,
        }))
    }

    /// Writes the numbers of labels, none where the text is empty, unless the delivery has a number that is not one of `ours`; and their
    /// price, where that is in the company's currency. Writing the same twice does no harm.
    ///
    /// # Errors
    /// `not_found` where the delivery is gone; else when Odoo refuses or does not answer.
    pub async fn write_number(
        &self,
        record: i64,
        (number, ours): (&str, &[&str]),
        price: Option<Money>,
        log: &dyn CallLog,
    ) -> Result<Numbered, CallError> {
        let there = self.known(PICKING, &["carrier_tracking_ref", "carrier_price", "company_id"], log).await?;
        if !there.contains(&"carrier_tracking_ref") {
            let text = "this Odoo has no tracking reference on deliveries";
            return Err(CallError::new(ErrorClass::Misconfigured, text)
                .advising("Install Odoo's app for shipping (stock_delivery)."));
        }
        let row = self.one(PICKING, record, &there, log).await?.ok_or_else(|| gone(record))?;
        let has = row.get("carrier_tracking_ref").and_then(Value::as_str).and_then(short_text).unwrap_or_default();
        let foreign = |part: &str| !part.is_empty() && !ours.contains(&part);
        if has != number && has.split(',').map(str::trim).any(foreign) {
            return Ok(Numbered::Other(has));
        }
        let mut vals = Map::new();
        if has != number {
            let value = if number.is_empty() { Value::Bool(false) } else { json!(number) };
            vals.insert("carrier_tracking_ref".into(), value);
        }
        if there.contains(&"carrier_price")
            && let Some(price) = price
            && let Some(company) = linked(&row, "company_id")
            && self.currency(company, log).await? == Some(price.currency)
        {
            vals.insert("carrier_price".into(), json!(amount(price)));
        }
        if !vals.is_empty() {
            self.change::<Value>(PICKING, "write", json!({"ids": [record], "vals": vals}), log).await?;
        }
        Ok(Numbered::Written)
    }

    /// Writes in words what became of the labels of a delivery; does nothing where the field was not set up.
    ///
    /// # Errors
    /// When Odoo refuses or does not answer.
    pub async fn write_booking(&self, record: i64, words: &str, log: &dyn CallLog) -> Result<(), CallError> {
        if self.known(PICKING, &[BOOKING], log).await?.is_empty() {
            return Ok(());
        }
        let Some(row) = self.one(PICKING, record, &[BOOKING], log).await? else { return Ok(()) };
        let words: String = words.chars().take(WORDS_CHARS_MAX).collect();
        if row.get(BOOKING).and_then(Value::as_str).unwrap_or_default() != words {
            let body = json!({"ids": [record], "vals": {BOOKING: words}});
            self.change::<Value>(PICKING, "write", body, log).await?;
        }
        Ok(())
    }

    /// When the goods of a delivery were reserved: Odoo keeps no time of that, but makes a line for each thing that it reserves, the newest
    /// with the highest id. Without lines it counts from when it was made.
    async fn reserved_at(&self, record: i64, row: &Fields, log: &dyn CallLog) -> Result<Option<Timestamp>, CallError> {
        let domain = json!([["picking_id", "=", record]]);
        let body = json!({"domain": domain, "fields": ["create_date"], "order": "id desc", "limit": 1});
        let lines: Vec<Value> = self.ask_explained(LINE, "search_read", body, log).await?;
        let made = |row: &Fields| Row::new(row, "").moment("create_date");
        Ok(lines.iter().filter_map(Value::as_object).filter_map(made).chain(made(row)).max())
    }

    /// Those of these fields that a model has.
    async fn known<'a>(&self, model: &str, fields: &[&'a str], log: &dyn CallLog) -> Result<Vec<&'a str>, CallError> {
        let body = json!({"allfields": fields, "attributes": ["type"]});
        let there: Map<String, Value> = self.ask(model, "fields_get", body, log).await?;
        Ok(fields.iter().copied().filter(|field| there.contains_key(*field)).collect())
    }

    /// Whether a partner's address is on the blacklist now; of one that is gone, or of an Odoo without one, it is not.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn refuses_mail(&self, partner: i64, log: &dyn CallLog) -> Result<bool, CallError> {
        let there = self.known("res.partner", &["is_blacklisted"], log).await?;
        if there.is_empty() {
            return Ok(false);
        }
        let row = self.one("res.partner", partner, &there, log).await?;
        Ok(row.is_some_and(|row| row.get("is_blacklisted") == Some(&json!(true))))
    }

    /// A record's fields; none where it is gone.
    pub(super) async fn one(
        &self,
        model: &str,
        id: i64,
        fields: &[&str],
        log: &dyn CallLog,
    ) -> Result<Option<Fields>, CallError> {
        let body = json!({"ids": [id], "fields": fields});
        let found: Vec<Value> = self.ask_explained(model, "read", body, log).await?;
        Ok(found.into_iter().next().and_then(|row| row.as_object().cloned()))
    }

    /// The warehouse's short name, and the partner with its address.
    async fn sender(&self, row: &Fields, log: &dyn CallLog) -> Result<(Option<String>, Option<i64>), CallError> {
        let mut warehouse = None;
        if let Some(kind) = linked(row, "picking_type_id")
            && let Some(kind) = self.one("stock.picking.type", kind, &["warehouse_id"], log).await?
            && let Some(id) = linked(&kind, "warehouse_id")
        {
            warehouse = self.one("stock.warehouse", id, &["code", "partner_id"], log).await?;
        }
        let code = warehouse.as_ref().and_then(|row| row.get("code")?.as_str().and_then(short_text));
        if let Some(partner) = warehouse.as_ref().and_then(|row| linked(row, "partner_id")) {
            return Ok((code, Some(partner)));
        }
        let company = match linked(row, "company_id") {
            Some(company) => self.one("res.company", company, &["partner_id"], log).await?,
            None => None,
        };
        Ok((code, company.and_then(|row| linked(&row, "partner_id"))))
    }

    async fn party(&self, id: i64, log: &dyn CallLog) -> Result<Party, CallError> {
        let there = self.known("res.partner", PARTNER_FIELDS, log).await?;
        let Some(row) = self.one("res.partner", id, &there, log).await? else { return Ok(Party::default()) };
        let text = |name: &str| row.get(name).and_then(Value::as_str).and_then(short_text);
        let state = match linked(&row, "state_id") {
            Some(state) => self.one("res.country.state", state, &["code"], log).await?,
            None => None,
        };
        let is_company = row.get("is_company") == Some(&json!(true));
        Ok(Party {
            name: text("name").filter(|_| !is_company),
            company: if is_company { text("name") } else { text("commercial_company_name") },
            street: text("street"),
            street2: text("street2"),
            city: text("city"),
            state: state.and_then(|row| row.get("code")?.as_str().and_then(short_text)),
            zip: text("zip"),
            country: text("country_code").map(|code| code.to_ascii_uppercase()),
            phone: text("phone"),
            email: text("email"),
        })
    }

    /// The currency of a company.
    async fn currency(&self, company: i64, log: &dyn CallLog) -> Result<Option<Currency>, CallError> {
        let row = self.one("res.company", company, &["currency_id"], log).await?;
        let name = row.and_then(|row| Row::new(&row, "").link("currency_id").and_then(|(_, name)| name));
        Ok(name.and_then(|name| name.parse().ok()))
    }
}

fn gone(record: i64) -> CallError {
    CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {record} any more"))
}

/// An amount as Odoo takes it.
fn amount(price: Money) -> Value {
    let text = price.to_string();
    let number = text.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
    json!(number.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_without_its_currency() {
        assert_eq!(amount(Money::read("7.58", "USD").unwrap()), json!(7.58));
        assert_eq!(amount(Money::read("900", "JPY").unwrap()), json!(900.0));
    }
}
