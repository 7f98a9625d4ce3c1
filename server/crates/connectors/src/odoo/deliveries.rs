//! Deliveries come in.

use super::{
    OdooClient,
    wire::{Order, Partner, Picking, datetime, instant, moment, text},
};
use crate::call::{CallError, CallLog, ErrorClass};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Deliveries of one page at most.
pub const PAGE_MAX: u32 = 500;
/// Numbers of one delivery at most; more is a text, not a list of numbers.
const NUMBERS_MAX: usize = 50;
/// Numbers with blanks between them are several only if each has so many characters; shorter groups are one number
/// written for people (`1Z 999 AA1 01 2345 6784`).
const NUMBER_CHARS_MIN: usize = 8;

/// Where a delivery stands in Odoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting or ready.
    Open,
    /// Validated: it left the house.
    Done,
    /// Cancelled.
    Cancelled,
}

impl DeliveryState {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whom a delivery goes to: personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the parts of an address, named as such")]
pub struct Customer {
    pub name: Option<String>,
    pub street: Option<String>,
    pub zip: Option<String>,
    pub city: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// `de_DE`.
    pub language: Option<String>,
    /// IANA.
    pub zone: Option<String>,
    pub email: Option<String>,
}

/// A delivery of a confirmed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id (`stock.picking`).
    pub id: i64,
    /// `WH/OUT/00042`.
    pub name: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// What it was made from, as written.
    pub origin: Option<String>,
    /// The order's id.
    pub order_id: Option<i64>,
    /// The order's name.
    pub order_name: Option<String>,
    /// The carrier (shipping method) as Odoo names it.
    pub carrier: Option<String>,
    /// The numbers in the field for the tracking reference, each as written.
    pub tracking_numbers: Vec<String>,
    /// When it should leave: its deadline, which Odoo counts back from the order's promise or on from its confirmation, else
    /// when it is planned to.
    pub ship_by: Option<Timestamp>,
    /// What was promised: the order's commitment date. Odoo's deadline of a delivery is no promise.
    pub promised_by: Option<Timestamp>,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// Start of the transaction that last wrote it; whole seconds.
    pub write_date: Timestamp,
    /// Whom it goes to.
    pub customer: Customer,
}

/// From when on writes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Whoever wrote.
    pub anybody: Timestamp,
    /// Whoever wrote that is not the user of this client's key; earlier.
    pub others: Timestamp,
}

impl OdooClient {
    /// A page of deliveries of orders that were last written since then (all of them without it), with ids above
    /// `after_id`, by id.
    ///
    /// This is the paging that loses nothing: `write_date` has whole seconds here, many rows share one, and it is the
    /// *start* of the writing transaction. So ask with an overlap, page by id until a page is not full, and only then
    /// move the watermark on. One's own writes come back too: compare contents. They need less of an overlap than those of
    /// others, since they are short; and what another wrote before is never hidden behind one, for it was there to be seen
    /// when that began.
    ///
    /// Cancelled deliveries, also of cancelled orders, are among them, since somebody has to hear of it; drafts are not.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn changed_deliveries(
        &self,
        since: Option<Since>,
        after_id: i64,
        limit: u32,
        log: &dyn CallLog,
    ) -> Result<Vec<Delivery>, CallError> {
        let mut domain = vec![
            json!(["picking_type_code", "=", "outgoing"]),
            json!(["sale_id", "!=", false]),
            json!(["state", "!=", "draft"]),
            json!(["id", ">", after_id]),
        ];
        if let Some(since) = since {
            let user = self.user(log).await?;
            domain.extend([
                json!("|"),
                json!(["write_date", ">=", datetime(since.anybody)]),
                json!("&"),
                json!(["write_date", ">=", datetime(since.others)]),
                json!(["write_uid", "!=", user]),
            ]);
        }
        self.search(domain, limit.clamp(1, PAGE_MAX), log).await
    }

    /// One delivery again; none where it is gone.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn delivery(&self, id: i64, log: &dyn CallLog) -> Result<Option<Delivery>, CallError> {
        Ok(self.search(vec![json!(["id", "=", id])], 1, log).await?.pop())
    }

    async fn search(&self, domain: Vec<Value>, limit: u32, log: &dyn CallLog) -> Result<Vec<Delivery>, CallError> {
        let fields = [
            "name",
            "state",
            "origin",
            "sale_id",
            "carrier_id",
            "carrier_tracking_ref",
            "scheduled_date",
            "date_deadline",
            "date_done",
            "write_date",
            "partner_id",
        ];
        let body = json!({"domain": domain, "fields": fields, "order": "id", "limit": limit});
        let pickings: Vec<Picking> = self.ask("stock.picking", "search_read", body, log).await?;
        let orders = pickings.iter().filter_map(|p| p.sale_id.0.as_ref().map(|o| o.0));
        let orders: HashMap<i64, Order> = self.by_id("sale.order", orders, &["commitment_date"], log).await?;
        let partners = pickings.iter().filter_map(|p| p.partner_id.0.as_ref().map(|o| o.0));
        let fields = ["name", "street", "city", "zip", "country_code", "lang", "tz", "email"];
        let mut partners: HashMap<i64, Partner> = self.by_id("res.partner", partners, &fields, log).await?;
        let shared = partners.drain().map(|(id, partner)| (id, customer(partner))).collect();
        pickings.into_iter().map(|picking| delivery(picking, &orders, &shared)).collect()
    }

    /// Reads records at once. Not `web_search_read`, which nests: that one is the web client's own and may change.
    async fn by_id<T: DeserializeOwned>(
        &self,
        model: &str,
        ids: impl Iterator<Item = i64>,
        fields: &[&str],
        log: &dyn CallLog,
    ) -> Result<HashMap<i64, T>, CallError> {
        #[derive(Deserialize)]
        struct Row<T> {
            id: i64,
            #[serde(flatten)]
            rest: T,
        }
        let ids: BTreeSet<i64> = ids.collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<Row<T>> = self.ask(model, "read", json!({"ids": ids, "fields": fields}), log).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.rest)).collect())
    }
}

fn delivery(
    picking: Picking,
    orders: &HashMap<i64, Order>,
    customers: &HashMap<i64, Customer>,
) -> Result<Delivery, CallError> {
    let write_date = instant(&picking.write_date).ok_or_else(|| {
        CallError::new(ErrorClass::BadAnswer, format!("delivery {}: write_date is no time", picking.id))
    })?;
    let order = picking.sale_id.0;
    let commitment = order.as_ref().and_then(|o| orders.get(&o.0)).and_then(|o| moment(&o.commitment_date));
    Ok(Delivery {
        id: picking.id,
        name: picking.name,
        state: match picking.state.as_str() {
            "done" => DeliveryState::Done,
            "cancel" => DeliveryState::Cancelled,
            _ => DeliveryState::Open,
        },
        origin: text(picking.origin),
        order_id: order.as_ref().map(|o| o.0),
        order_name: order.map(|o| o.1),
        carrier: picking.carrier_id.0.map(|c| c.1),
        tracking_numbers: picking.carrier_tracking_ref.0.as_deref().map(split_numbers).unwrap_or_default(),
        ship_by: moment(&picking.date_deadline).or_else(|| moment(&picking.scheduled_date)),
        promised_by: commitment,
        shipped_at: moment(&picking.date_done),
        write_date,
        customer: picking.partner_id.0.and_then(|p| customers.get(&p.0)).cloned().unwrap_or_default(),
    })
}

fn customer(partner: Partner) -> Customer {
    Customer {
        name: text(partner.name),
        street: text(partner.street),
        zip: text(partner.zip),
        city: text(partner.city),
        country: text(partner.country_code),
        language: text(partner.lang),
        zone: text(partner.tz),
        email: text(partner.email),
    }
}

/// The numbers in a tracking reference. Odoo has one field; people and carriers' modules put several into it, with
/// commas, semicolons, lines or blanks between them.
pub(super) fn split_numbers(text: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for part in text.split([',', ';', '|', '\n', '\r', '\t']).map(str::trim).filter(|p| !p.is_empty()) {
        let words: Vec<_> = part.split_whitespace().collect();
        let several = words.iter().all(|w| w.chars().count() >= NUMBER_CHARS_MIN);
        let found = if several { words.iter().map(|w| (*w).to_owned()).collect() } else { vec![part.to_owned()] };
        for number in found {
            if !numbers.contains(&number) && numbers.len() < NUMBERS_MAX {
                numbers.push(number);
            }
        }
    }
    numbers
}
