//! Which transfers are taken in, by which fields of theirs, and what of them counts as a change.

use super::wire::datetime;
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, ErrorClass};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The model of transfers.
pub(super) const PICKING: &str = "stock.picking";
/// Deliveries that left longer ago are not read again because their order or customer changed.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(90 * 24);
/// After so many readings from the first id on it is asked again what modules have added.
const READINGS: u32 = 60;
/// What every Odoo has of a transfer.
const FIELDS: &[&str] = &[
    "name",
    "state",
    "origin",
    "picking_type_code",
    "scheduled_date",
    "date_deadline",
    "date_done",
    "write_date",
    "partner_id",
    "company_id",
    "location_dest_id",
    "backorder_id",
];
/// What modules add, or older versions lack.
pub(super) const ADDED: &[&str] =
    &["sale_id", "purchase_id", "return_id", "is_dropship", "carrier_id", "carrier_tracking_ref"];
/// The lines of a transfer, and the package that one goes into.
pub(super) const LINE: &str = "stock.move.line";
pub(super) const INTO: &str = "result_package_id";
/// Fields of a package that modules keep its tracking number in (OCA's `base_delivery_carrier_label` the first).
pub(super) const PACKAGE_NUMBERS: &[&str] = &["parcel_tracking", "carrier_tracking_ref"];

/// What is read with them.
pub(super) const ORDER: &str = "sale.order";
pub(super) const ORDER_FIELDS: &[&str] =
    &["commitment_date", "partner_shipping_id", "amount_total", "currency_id", "write_date"];
pub(super) const PURCHASE: &str = "purchase.order";
pub(super) const PURCHASE_FIELDS: &[&str] = &["date_planned", "amount_total", "currency_id", "write_date"];
pub(super) const PARTNER: &str = "res.partner";
pub(super) const PARTNER_FIELDS: &[&str] = &[
    "name",
    "street",
    "city",
    "zip",
    "country_code",
    "lang",
    "tz",
    "email",
    "is_blacklisted",
    "category_id",
    "commercial_partner_id",
    "write_date",
];
/// The tags of customers.
pub(super) const TAG: &str = "res.partner.category";

/// The kinds of transfers that are wanted, each with one of these fields.
const KINDS: &[(&str, &[&str])] = &[
    ("outgoing", &["sale_id", "carrier_id", "carrier_tracking_ref", "return_id"]),
    ("incoming", &["sale_id", "purchase_id", "carrier_tracking_ref", "return_id"]),
    ("dropship", &[]),
];

/// What is read of transfers beside their ids: models with their fields, with every module.
pub const READ_FIELDS: &[(&str, &[&str])] = &[
    (PICKING, FIELDS),
    (PICKING, ADDED),
    (ORDER, ORDER_FIELDS),
    (PURCHASE, PURCHASE_FIELDS),
    (PARTNER, PARTNER_FIELDS),
];

/// From when on writes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Who wrote.
    pub anybody: Timestamp,
    /// Who wrote that is not the user of this client's key; earlier.
    pub others: Timestamp,
}

/// What this Odoo has of transfers.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Fields of transfers that modules add.
    pub(super) added: BTreeSet<&'static str>,
    /// The model of packages, named otherwise before 19, and its fields with numbers.
    pub(super) packages: Option<(String, Vec<&'static str>)>,
}

impl Shape {
    /// Whether transfers have a field that a module adds.
    pub(super) fn has(&self, field: &str) -> bool {
        self.added.contains(field)
    }

    /// The fields that are read of a transfer.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        FIELDS.iter().chain(&self.added).copied().collect()
    }

    /// Transfers with ids above this one that are wanted: what goes to customers, comes from vendors, goes from these to
    /// those, or comes back. Without an order only what has a carrier or a number; no drafts, and nothing that stays inside.
    pub(super) fn wanted(&self, after_id: i64) -> Vec<Value> {
        let of = |(code, fields): &(&str, &[&str])| {
            let code = json!(["picking_type_code", "=", code]);
            let there = fields.iter().filter(|field| self.has(field));
            let terms: Vec<Value> = there.map(|field| json!([field, "!=", false])).collect();
            if terms.is_empty() { vec![code] } else { [vec![json!("&"), code], any_of(terms)].concat() }
        };
        let mut wanted = not_drafts(after_id);
        wanted.extend(std::iter::repeat_n(json!("|"), KINDS.len() - 1));
        wanted.extend(KINDS.iter().flat_map(of));
        wanted
    }

    /// The same whatever they are linked with: one that is known here may have lost what made it wanted.
    pub(super) fn of_any_order(after_id: i64) -> Vec<Value> {
        let codes: Vec<&str> = KINDS.iter().map(|(code, _)| *code).collect();
        [not_drafts(after_id), vec![json!(["picking_type_code", "in", codes])]].concat()
    }

    /// Whether a transfer is wanted.
    pub(super) fn wants(&self, row: &Map<String, Value>) -> bool {
        let is_set = |field: &&str| self.has(field) && row.get(*field).is_some_and(|value| *value != json!(false));
        let code = row.get("picking_type_code").and_then(Value::as_str);
        // what cannot be read is looked at
        let Some((_, fields)) = KINDS.iter().find(|(kind, _)| code.is_none_or(|code| code == *kind)) else {
            return false;
        };
        !fields.iter().any(|field| self.has(field)) || fields.iter().any(is_set)
    }

    /// Transfers that somebody changed since then, or of which something that is read with them was changed.
    pub(super) fn changed(&self, since: Since, user: i64, related: Related) -> Vec<Value> {
        let (anybody, others) = (datetime(since.anybody), datetime(since.others));
        let by_others = [json!("&"), json!(["write_date", ">=", others]), json!(["write_uid", "!=", user])];
        let mut changed = vec![json!("|"), json!(["write_date", ">=", anybody])];
        if related == Related::Left {
            changed.extend(by_others);
            return changed;
        }
        changed.push(json!("|"));
        changed.extend(by_others);
        let left = datetime(since.others.checked_sub(FOLLOWED).unwrap_or(since.others));
        changed.extend([json!("&"), json!("|"), json!(["date_done", "=", false]), json!(["date_done", ">=", left])]);
        // people change these one by one, in short transactions
        let mut links = vec!["partner_id".to_owned()];
        links.extend(["sale_id", "purchase_id"].into_iter().filter(|link| self.has(link)).map(str::to_owned));
        if self.has("sale_id") && self.has("is_dropship") {
            links.push("sale_id.partner_shipping_id".into());
        }
        if self.packages.is_some() {
            links.push(format!("move_line_ids.{INTO}"));
        }
        changed.extend(std::iter::repeat_n(json!("|"), links.len() - 1));
        for link in links {
            changed.extend([
                json!("&"),
                json!([format!("{link}.write_date"), ">=", anybody]),
                json!([format!("{link}.write_uid"), "!=", user]),
            ]);
        }
        changed
    }
}

fn not_drafts(after_id: i64) -> Vec<Value> {
    vec![json!(["state", "!=", "draft"]), json!(["id", ">", after_id])]
}

/// One of several terms.
fn any_of(terms: Vec<Value>) -> Vec<Value> {
    let more = terms.len().saturating_sub(1);
    std::iter::repeat_n(json!("|"), more).chain(terms).collect()
}

/// Whether changes of orders, customers and packages are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Related {
    Followed,
    Left,
}

/// What was last known of this Odoo's transfers.
#[derive(Debug, Default)]
pub(super) struct KnownShape {
    shape: RwLock<Option<Arc<Shape>>>,
    readings: AtomicU32,
}

impl KnownShape {
    pub(super) fn get(&self) -> Option<Arc<Shape>> {
        self.shape.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn put(&self, shape: Option<Arc<Shape>>) {
        *self.shape.write().unwrap_or_else(PoisonError::into_inner) = shape;
    }

    /// A reading begins at the first id: after some of them it is asked again.
    pub(super) fn begin(&self) {
        if self.readings.fetch_add(1, Ordering::Relaxed) % READINGS == READINGS - 1 {
            self.put(None);
        }
    }

    /// After an error that a module which was removed may be the cause of.
    pub(super) fn doubt(&self, error: &CallError) {
        if error.class == ErrorClass::Misconfigured {
            self.put(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many terms a domain leaves when each operator has taken its own; one domain without an operator missing or too much
    /// leaves what stands side by side.
    fn terms_left(domain: &[Value]) -> usize {
        domain.iter().rev().fold(0_usize, |left, term| if term.is_string() { left.saturating_sub(1) } else { left + 1 })
    }

    #[test]
    fn a_domain_is_whole_whatever_modules_there_are() {
        let since =
            Since { anybody: "2026-03-01T10:00:00Z".parse().unwrap(), others: "2026-03-01T09:00:00Z".parse().unwrap() };
        for count in 0..=ADDED.len() {
            for packages in [None, Some(("stock.package".to_owned(), vec![]))] {
                let shape = Shape { added: ADDED[..count].iter().copied().collect(), packages };
                assert_eq!(terms_left(&shape.wanted(0)), 3, "state, id and kind stand side by side");
                for related in [Related::Followed, Related::Left] {
                    assert_eq!(terms_left(&shape.changed(since, 7, related)), 1, "{count}");
                }
                assert_eq!(terms_left(&Shape::of_any_order(0)), 3);
                let text = json!([shape.wanted(0), shape.changed(since, 7, Related::Followed)]).to_string();
                for missing in &ADDED[count..] {
                    assert!(!text.contains(&format!("\"{missing}")), "{missing} is not there: {text}");
                }
            }
        }
    }
}
