//! What is read of a delivery, its order and its customer.

use super::{
    numbers::split_numbers,
    records::{Fields, Packed, Read, Tags, linked},
    rows::{NUMBERS_CHARS_MAX, Row},
};
use domain::{Direction, money::Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

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
    /// Odoo's blacklist has the address: it gets no mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuses_mail: bool,
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

/// What the order of a delivery is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderKind {
    /// A customer's (`sale.order`).
    #[default]
    Sale,
    /// The company's own at a vendor (`purchase.order`).
    Purchase,
}

/// A transfer that leaves the house, comes to it, or goes from a vendor to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id (`stock.picking`).
    pub id: i64,
    /// `WH/OUT/00042`.
    pub name: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Where it stands.
    pub state: DeliveryState,
    /// The company whose delivery it is.
    pub company: Option<String>,
    /// What it was made from, as written.
    pub origin: Option<String>,
    /// The transfer whose goods it brings back, by name.
    pub return_of: Option<String>,
    /// The transfer that left its goods for later, by name.
    pub backorder_of: Option<String>,
    /// What its order is.
    pub order_kind: OrderKind,
    /// The order's id.
    pub order_id: Option<i64>,
    /// The order's name.
    pub order_name: Option<String>,
    /// What the order is worth, with taxes.
    pub value: Option<Money>,
    /// The tags of the customer and of the company that the customer belongs to, by name.
    pub segments: BTreeSet<String>,
    /// The carrier (shipping method) as Odoo names it.
    pub carrier: Option<String>,
    /// The numbers in the field for the tracking reference and of its packages, each as written.
    pub tracking_numbers: Vec<String>,
    /// When it should leave: its deadline, which Odoo counts back from the order's promise or on from its confirmation, else
    /// when it is planned to. None for what does not leave the company's own stock.
    pub ship_by: Option<Timestamp>,
    /// What was promised: the sales order's commitment date, of what comes from a vendor the purchase's planned date. Odoo's
    /// deadline of a delivery is no promise.
    pub promised_by: Option<Timestamp>,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// When it was received into the company's own stock.
    pub received_at: Option<Timestamp>,
    /// Where in the company's own stock it comes to, as Odoo names it; none for what goes to someone else.
    pub stock: Option<String>,
    /// Start of the transaction that last wrote it; whole seconds.
    pub write_date: Option<Timestamp>,
    /// Whom it goes to, or comes from, by id (`res.partner`).
    pub customer_id: Option<i64>,
    /// Whom it goes to, or comes from.
    pub customer: Customer,
    /// It is of an order, a carrier or a return; one that is not any more is only of interest where it is known.
    pub wanted: bool,
    /// What could not be read of it, its order or its customer, for people; it is taken in without that.
    pub problems: Vec<String>,
    /// Which parts that concerns: what is known of them already is no older than what could be read.
    pub unread: BTreeSet<UnreadPart>,
}

/// What was read with deliveries.
pub(super) struct Around {
    pub(super) orders: Read,
    pub(super) purchases: Read,
    pub(super) partners: Read,
    pub(super) packed: Packed,
    pub(super) tags: Tags,
}

impl Around {
    /// The records that a transfer leads to, with what is known of each.
    fn linked<'a>(&'a self, row: &Fields) -> [(Option<i64>, &'a Read); 3] {
        let partner = whom(row, &self.orders);
        [
            (linked(row, "sale_id"), &self.orders),
            (linked(row, "purchase_id"), &self.purchases),
            (partner, &self.partners),
        ]
    }

    /// The records that were read.
    pub(super) fn of<'a>(&'a self, row: &Fields) -> Vec<&'a Fields> {
        self.linked(row).into_iter().filter_map(|(id, read)| read.rows.get(&id?)).collect()
    }

    /// Whether one of them was not read yet.
    pub(super) fn waits(&self, row: &Fields) -> bool {
        self.linked(row).into_iter().any(|(id, read)| id.is_some_and(|id| read.waiting.contains(&id)))
    }
}

/// What a transfer is, by its type and by what it is linked with.
#[derive(Clone, Copy)]
struct Kind {
    direction: Direction,
    /// Into the company's own stock.
    arrives: bool,
    order: OrderKind,
}

impl Kind {
    fn of(row: &Fields) -> Self {
        let is = |field: &'static str| linked(row, field).is_some();
        let (sale, purchase, back) = (is("sale_id"), is("purchase_id"), is("return_id"));
        let code = row.get("picking_type_code").and_then(Value::as_str).unwrap_or("outgoing");
        // before the type of its own there were receipts that go to customers
        let dropship = code == "dropship" || row.get("is_dropship") == Some(&Value::Bool(true));
        let arrives = code == "incoming" && !dropship;
        let direction = match (back, dropship, arrives) {
            (true, ..) => Direction::Return,
            (_, true, _) => Direction::Dropship,
            (_, _, true) if sale && !purchase => Direction::Return,
            (_, _, true) => Direction::Inbound,
            (..) if purchase && !sale => Direction::Return,
            _ => Direction::Outbound,
        };
        let order = match direction {
            Direction::Inbound => OrderKind::Purchase,
            _ if purchase && !sale => OrderKind::Purchase,
            _ => OrderKind::Sale,
        };
        Self { direction, arrives, order }
    }
}

/// Whom a transfer goes to, or comes from. A dropship names the vendor; it goes to whom the order is shipped to.
pub(super) fn whom(row: &Fields, orders: &Read) -> Option<i64> {
    let partner = linked(row, "partner_id");
    if Kind::of(row).direction != Direction::Dropship {
        return partner;
    }
    let shipping = |order| orders.rows.get(&order).and_then(|order| linked(order, "partner_shipping_id"));
    linked(row, "sale_id").and_then(shipping).or(partner)
}

impl Delivery {
    /// What its orders promise.
    fn read_orders(&mut self, row: &Fields, around: &Around) {
        let promises = [
            ("sale_id", "order", "order: ", "commitment_date", &around.orders),
            ("purchase_id", "purchase", "purchase: ", "date_planned", &around.purchases),
        ];
        let mut promised = [None, None];
        for ((link, what, prefix, field, read), promised) in promises.into_iter().zip(&mut promised) {
            let Some(id) = linked(row, link) else { continue };
            let Some(fields) = read.rows.get(&id) else {
                self.problems.push(unread(what, read.refused.get(&id)));
                self.unread.insert(UnreadPart::Order);
                continue;
            };
            let mut row = Row::new(fields, prefix);
            *promised = row.moment(field);
            let of_order = if link == "sale_id" { OrderKind::Sale } else { OrderKind::Purchase };
            // the ids of two models may be equal
            if self.order_id == Some(id) && self.order_kind == of_order {
                self.value = value(&mut row);
            }
            if row.is_odd(&[field]) {
                self.unread.insert(UnreadPart::Order);
            }
            self.problems.append(&mut row.problems);
        }
        let [sale, purchase] = promised;
        self.promised_by = match self.direction {
            Direction::Outbound => sale,
            Direction::Inbound => purchase.or(self.promised_by),
            Direction::Dropship => sale.or(purchase),
            // nobody was promised when it comes back
            Direction::Return => None,
        };
    }

    fn read_customer(&mut self, fields: Option<&Fields>, refused: Option<&String>) {
        let what =
            if self.direction == Direction::Inbound { ("vendor", "vendor: ") } else { ("customer", "customer: ") };
        let Some(fields) = fields else {
            self.problems.push(unread(what.0, refused));
            self.unread.insert(UnreadPart::Customer);
            return;
        };
        let mut row = Row::new(fields, what.1);
        self.customer = customer(&mut row);
        if row.is_odd(&["city", "country_code"]) {
            self.unread.insert(UnreadPart::Shipping);
        }
        self.problems.append(&mut row.problems);
    }
}

/// What an order is worth, with taxes.
fn value(row: &mut Row<'_>) -> Option<Money> {
    let (amount, (_, currency)) = (row.number("amount_total")?, row.link("currency_id")?);
    Money::read(&amount, &currency?).ok()
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
        refuses_mail: row.flag("is_blacklisted"),
    }
}

/// The numbers of a transfer and of its packages; an error where one of them cannot be read.
fn numbers(id: i64, row: &Row<'_>, packed: &Packed) -> Result<Vec<String>, String> {
    let mut numbers =
        row.required_text("carrier_tracking_ref", NUMBERS_CHARS_MAX)?.as_deref().map(split_numbers).unwrap_or_default();
    if packed.unread.contains(&id) {
        return Err("package: Odoo does not give it".into());
    }
    for number in packed.numbers.get(&id).into_iter().flatten() {
        if !numbers.contains(number) {
            numbers.push(number.clone());
        }
    }
    Ok(numbers)
}

/// A delivery of what could be read; what it cannot be without being right is an error: where it stands, and its numbers,
/// which would be taken from the shipment.
pub(super) fn delivery(id: i64, fields: &Fields, around: &Around) -> Result<Delivery, String> {
    let mut row = Row::new(fields, "");
    let state = match row.required_text("state", NUMBERS_CHARS_MAX)?.as_deref() {
        Some("done") => DeliveryState::Done,
        Some("cancel") => DeliveryState::Cancelled,
        Some(_) => DeliveryState::Open,
        None => return Err("state: it is empty".into()),
    };
    // what it is decides nearly all of the rest
    row.required_text("picking_type_code", NUMBERS_CHARS_MAX)?;
    let tracking_numbers = numbers(id, &row, &around.packed)?;
    let name = row.text("name").unwrap_or_else(|| {
        row.say("name: it is empty or cannot be read".into());
        format!("delivery {id}")
    });
    let kind = Kind::of(fields);
    let order_link = if kind.order == OrderKind::Purchase { "purchase_id" } else { "sale_id" };
    let (order, carrier) = (row.link(order_link), row.link("carrier_id"));
    let mut named = |field| row.link(field).and_then(|(_, name)| name);
    let (company, return_of, backorder_of) = (named("company_id"), named("return_id"), named("backorder_id"));
    let stock = named("location_dest_id");
    let partner = row.link("partner_id").is_some();
    let dates = [row.moment("date_deadline"), row.moment("scheduled_date"), row.moment("date_done")];
    let [deadline, scheduled, done] = dates;
    let odd = [
        (UnreadPart::Order, row.is_odd(&[order_link])),
        // with its id alone the customer is read all the same
        (UnreadPart::Customer, !partner && row.is_odd(&["partner_id"])),
        (UnreadPart::Shipping, row.is_odd(&["carrier_id"])),
        (UnreadPart::Dates, row.is_odd(&["date_deadline", "scheduled_date", "date_done"])),
    ];
    let leaves_here = !kind.arrives && kind.direction != Direction::Dropship;
    let customer_id = whom(fields, &around.orders);
    let mut delivery = Delivery {
        id,
        name,
        direction: kind.direction,
        state,
        company,
        origin: row.text("origin"),
        return_of,
        backorder_of,
        order_kind: kind.order,
        order_id: order.as_ref().map(|(id, _)| *id),
        order_name: order.and_then(|(_, name)| name),
        value: None,
        segments: customer_id.and_then(|id| around.tags.0.get(&id)).cloned().unwrap_or_default(),
        carrier: carrier.and_then(|(_, name)| name),
        tracking_numbers,
        ship_by: deadline.or(scheduled).filter(|_| leaves_here),
        promised_by: deadline.or(scheduled),
        shipped_at: done.filter(|_| !kind.arrives),
        received_at: done.filter(|_| kind.arrives && state == DeliveryState::Done),
        stock: stock.filter(|_| kind.arrives),
        write_date: row.moment("write_date"),
        customer_id,
        customer: Customer::default(),
        wanted: true,
        problems: row.problems,
        unread: odd.into_iter().filter_map(|(part, odd)| odd.then_some(part)).collect(),
    };
    delivery.read_orders(fields, around);
    if let Some(id) = customer_id {
        delivery.read_customer(around.partners.rows.get(&id), around.partners.refused.get(&id));
    }
    Ok(delivery)
}
