//! What is read of a delivery, its order and its customer.

use super::{
    records::{Fields, Read},
    rows::{NUMBERS_CHARS_MAX, Row},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// A part of a delivery that could not be read, be it that Odoo refuses it for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadPart {
    /// Which order it is of, or what that promises.
    Order,
    /// Whom it goes to.
    Customer,
    /// How or where to it goes: the shipping method, the city, the country.
    Shipping,
    /// When it should leave, or when it left.
    Dates,
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
    /// The company whose delivery it is.
    pub company: Option<String>,
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
    pub write_date: Option<Timestamp>,
    /// Whom it goes to, by id (`res.partner`).
    pub customer_id: Option<i64>,
    /// Whom it goes to.
    pub customer: Customer,
    /// What could not be read of it, its order or its customer, for people; it is taken in without that.
    pub problems: Vec<String>,
    /// Which parts that concerns: what is known of them already is no older than what could be read.
    pub unread: BTreeSet<UnreadPart>,
}

impl Delivery {
    fn read_order(&mut self, fields: Option<&Fields>, refused: Option<&String>) {
        let Some(fields) = fields else {
            self.problems.push(unread("order", refused));
            self.unread.insert(UnreadPart::Order);
            return;
        };
        let mut row = Row::new(fields, "order: ");
        self.promised_by = row.moment("commitment_date");
        if row.is_odd(&["commitment_date"]) {
            self.unread.insert(UnreadPart::Order);
        }
        self.problems.append(&mut row.problems);
    }

    fn read_customer(&mut self, fields: Option<&Fields>, refused: Option<&String>) {
        let Some(fields) = fields else {
            self.problems.push(unread("customer", refused));
            self.unread.insert(UnreadPart::Customer);
            return;
        };
        let mut row = Row::new(fields, "customer: ");
        self.customer = customer(&mut row);
        if row.is_odd(&["city", "country_code"]) {
            self.unread.insert(UnreadPart::Shipping);
        }
        self.problems.append(&mut row.problems);
    }
}

fn unread(what: &str, refused: Option<&String>) -> String {
    format!("{what}: {}", refused.map_or("Odoo does not give it", String::as_str))
}

fn customer(row: &mut Row<'_>) -> Customer {
    Customer {
        name: row.text("name"),
        street: row.text("street"),
        zip: row.text("zip"),
        city: row.text("city"),
        country: row.text("country_code"),
        language: row.text("lang"),
        zone: row.text("tz"),
        email: row.text("email"),
    }
}

/// The numbers in a tracking reference. Odoo has one field; people and carriers' modules put several into it, with
/// commas, semicolons, lines or blanks between them, or `+` and `/`, which can also stand inside one number.
pub(super) fn split_numbers(text: &str) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    for part in text.split([',', ';', '|', '\n', '\r', '\t']).map(str::trim).filter(|p| !p.is_empty()) {
        let words: Vec<_> = part.split_whitespace().collect();
        let several = words.iter().all(|w| w.chars().count() >= NUMBER_CHARS_MIN);
        let found = if several { words.iter().map(|w| (*w).to_owned()).collect() } else { vec![part.to_owned()] };
        for number in found.iter().flat_map(|field| domain::numbers::split(field)).map(str::to_owned) {
            if !numbers.contains(&number) && numbers.len() < NUMBERS_MAX {
                numbers.push(number);
            }
        }
    }
    numbers
}

/// A delivery of what could be read; what it cannot be without being right is an error: where it stands, and its numbers,
/// which would be taken from the shipment.
pub(super) fn delivery(id: i64, fields: &Fields, orders: &Read, partners: &Read) -> Result<Delivery, String> {
    let mut row = Row::new(fields, "");
    let state = match row.required_text("state", NUMBERS_CHARS_MAX)?.as_deref() {
        Some("done") => DeliveryState::Done,
        Some("cancel") => DeliveryState::Cancelled,
        Some(_) => DeliveryState::Open,
        None => return Err("state: it is empty".into()),
    };
    let numbers = row.required_text("carrier_tracking_ref", NUMBERS_CHARS_MAX)?;
    let name = row.text("name").unwrap_or_else(|| {
        row.say("name: it is empty or cannot be read".into());
        format!("delivery {id}")
    });
    let (order, partner, carrier) = (row.link("sale_id"), row.link("partner_id"), row.link("carrier_id"));
    let company = row.link("company_id").and_then(|(_, name)| name);
    let (deadline, scheduled, done) =
        (row.moment("date_deadline"), row.moment("scheduled_date"), row.moment("date_done"));
    let odd = [
        (UnreadPart::Order, row.is_odd(&["sale_id"])),
        // with its id alone the customer is read all the same
        (UnreadPart::Customer, partner.is_none() && row.is_odd(&["partner_id"])),
        (UnreadPart::Shipping, row.is_odd(&["carrier_id"])),
        (UnreadPart::Dates, row.is_odd(&["date_deadline", "scheduled_date", "date_done"])),
    ];
    let mut delivery = Delivery {
        id,
        name,
        state,
        company,
        origin: row.text("origin"),
        order_id: order.as_ref().map(|(id, _)| *id),
        order_name: order.as_ref().and_then(|(_, name)| name.clone()),
        carrier: carrier.and_then(|(_, name)| name),
        tracking_numbers: numbers.as_deref().map(split_numbers).unwrap_or_default(),
        ship_by: deadline.or(scheduled),
        promised_by: None,
        shipped_at: done,
        write_date: row.moment("write_date"),
        customer_id: partner.as_ref().map(|(id, _)| *id),
        customer: Customer::default(),
        problems: row.problems,
        unread: odd.into_iter().filter_map(|(part, odd)| odd.then_some(part)).collect(),
    };
    if let Some((id, _)) = order {
        delivery.read_order(orders.rows.get(&id), orders.refused.get(&id));
    }
    if let Some((id, _)) = partner {
        delivery.read_customer(partners.rows.get(&id), partners.refused.get(&id));
    }
    Ok(delivery)
}
