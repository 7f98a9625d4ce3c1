//! What a delivery of Odoo is here: its shipment, plan, claims and sealed customer.

use super::{
    CUSTOMER,
    reference::{Reference, TrackingNumber},
};
use crate::{context::Context, destinations::ODOO, vault::VaultError};
use domain::{
    Direction, carriers as directory,
    fold::{DeliveryStanding, Plan, PromiseSource, Promised},
    ids::{BindingId, CorrelationId, ShipmentId, SubjectId, TrackerId, content_id},
    observation::Location,
    place::{country, zone},
    promise::{Promises, Shipped},
    punctuality::Moment,
};
use jiff::{Timestamp, tz::TimeZone};
use odoo::{Delivery, DeliveryState, OdooClient, UnreadPart};
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    Sealed, WrappedKey,
    jobs::Cause,
    orders::{Claim, ImportedShipment, Kept, OrderKind, Origin, OriginStanding, Transfer},
};

/// Whose data the customer of a delivery is.
pub(super) fn customer_of(context: &Context, system: &str, delivery: &Delivery) -> SubjectId {
    let (company, record) = (context.company.0.as_bytes().as_slice(), delivery.id.to_be_bytes());
    let model = b"stock.picking".as_slice();
    // the first order system had no name
    let parts: &[&[u8]] =
        if system == ODOO { &[company, model, &record] } else { &[company, system.as_bytes(), model, &record] };
    SubjectId(content_id("customer", parts))
}

/// What a page of deliveries is taken in with.
pub(super) struct Taking<'a> {
    pub(super) context: &'a Context,
    pub(super) system: &'a str,
    pub(super) odoo: &'a OdooClient,
    pub(super) promises: &'a Promises,
    pub(super) keys: &'a BTreeMap<SubjectId, Option<WrappedKey>>,
    pub(super) correlation: CorrelationId,
    pub(super) cause: Cause,
}

impl Taking<'_> {
    /// The shipment of a delivery.
    pub(super) fn imported(&self, delivery: &Delivery) -> Result<ImportedShipment, VaultError> {
        let &Self { context, system, odoo, keys, correlation, cause, .. } = self;
        let origin = Origin {
            system: system.to_owned(),
            model: "stock.picking".into(),
            record: delivery.id,
            name: delivery.name.clone(),
            order: delivery.order_name.clone(),
            order_record: delivery.order_id,
            customer_record: delivery.customer_id,
            company: delivery.company.clone(),
            value: delivery.value,
            // tags are words about a person
            segments: match keys.get(&customer_of(context, system, delivery)) {
                Some(None) => BTreeSet::new(),
                _ => delivery.segments.clone(),
            },
            url: Some(odoo.page(delivery.id)),
            transfer: transfer(delivery),
        };
        let customer = customer(context, system, delivery, keys)?;
        let place = Location {
            city: delivery.customer.city.clone(),
            country: delivery.customer.country.clone(),
            ..Location::default()
        };
        let plan = self.plan(delivery, &place);
        // the time alone is nothing new
        let content_plan = Plan { standing_since: None, unread_since: None, promises: Vec::new(), ..plan.clone() };
        let kept = self.kept(delivery);
        let mut content = serde_json::to_vec(&(
            &origin,
            &delivery.carrier,
            &delivery.tracking_numbers,
            &content_plan,
            delivery.state.code(),
            &delivery.customer,
        ))
        .expect("plain data serialises");
        if !kept.is_empty() {
            // what stays depends on the rules for promises too
            content.extend(serde_json::to_vec(&kept).expect("plain data serialises"));
        }
        // keyed, since the content is personal
        let digest = context.vault.digest(&content).iter().map(|b| format!("{b:02x}")).collect();
        // keyed: the same after a restore of an older backup, so that what was posted for it is found; another in every other
        // installation, so that what those posted is not taken for ours
        let named = serde_json::to_vec(&(context.company, &origin.system, &origin.model, origin.record));
        let named = context.vault.digest(&named.expect("plain data serialises"));
        Ok(ImportedShipment {
            id: ShipmentId(content_id("shipment of", &[&named])),
            claims: claims(context, delivery),
            digest,
            plan,
            standing: match delivery.state {
                DeliveryState::Done => OriginStanding::Done,
                DeliveryState::Cancelled => OriginStanding::Cancelled,
                DeliveryState::Open => OriginStanding::Open,
            },
            destination: delivery.stock.clone().or_else(|| Some(place.label()).filter(|label| !label.is_empty())),
            tokens: customer.tokens,
            customer: customer.sealed,
            key: customer.key,
            correlation,
            cause,
            kept,
            origin,
        })
    }

    /// What could not be read, and is left as it is: it was not retracted.
    fn kept(&self, delivery: &Delivery) -> BTreeSet<Kept> {
        let parts = delivery.unread.iter().flat_map(|part| match part {
            UnreadPart::Order => &[Kept::Order][..],
            UnreadPart::Customer => &[Kept::Customer, Kept::RulePromise],
            UnreadPart::Shipping => &[Kept::RulePromise],
            UnreadPart::Dates => &[Kept::Dates, Kept::RulePromise],
        });
        parts.copied().filter(|kept| *kept != Kept::RulePromise || self.promises.rules.on).collect()
    }

    fn plan(&self, delivery: &Delivery, place: &Location) -> Plan {
        let rules = &self.context.config.rules;
        let Reference { numbers, doubts, .. } = Reference::read(delivery);
        let (promised_by, promise) = self.promise(delivery, place).unzip();
        let goes_to_customer = matches!(delivery.direction, Direction::Outbound | Direction::Dropship);
        let standing = match delivery.state {
            DeliveryState::Open => DeliveryStanding::Open,
            DeliveryState::Done => DeliveryStanding::Done,
            DeliveryState::Cancelled => DeliveryStanding::Cancelled,
        };
        Plan {
            pieces: match &numbers[..] {
                [_] => Vec::new(),
                several => several.iter().map(|number| number.tracker.number.clone()).collect(),
            },
            stops: None,
            promises: promised_by.iter().map(|by| self.promised(delivery, place, *by)).collect(),
            promised_by,
            promise,
            ship_by: delivery.ship_by,
            ship_grace_hours: Some(rules.ship_grace_hours),
            standing,
            standing_since: delivery.write_date.filter(|_| standing == DeliveryStanding::Cancelled),
            unread: delivery.problems.clone(),
            unread_since: (!delivery.problems.is_empty() || !doubts.is_empty()).then(|| self.context.now()),
            doubts,
            expected_from: delivery.shipped_at,
            received_at: delivery.received_at,
            silence_after_hours: Some(rules.silence_hours),
            // of what comes in, the address is where it comes from
            to: place.country.as_deref().filter(|_| goes_to_customer).and_then(country).map(str::to_owned),
        }
    }

    /// The promise as it is kept among those that were made. What is new here was made before the delivery left.
    fn promised(&self, delivery: &Delivery, place: &Location, by: Timestamp) -> Promised {
        let zone = match delivery.promised_by {
            Some(_) => Some(self.promises.calendar.zone.as_str()),
            // a rule promises the end of a day at the place of delivery
            None => zone(place),
        };
        let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let now = self.context.now();
        let recorded = delivery.shipped_at.map_or(now, |left| left.min(now));
        Promised { due: Some(Moment::committed(by, &zone)), recorded }
    }

    /// What the order promises, else what the rules promise of what has left for a customer; often nothing.
    fn promise(&self, delivery: &Delivery, place: &Location) -> Option<(Timestamp, PromiseSource)> {
        if let Some(committed) = delivery.promised_by {
            return Some((committed, PromiseSource::Commitment));
        }
        if !delivery.direction.is_outbound() {
            return None;
        }
        let carrier = delivery.carrier.as_deref().and_then(|word| directory::known("odoo", word));
        let shipped = Shipped {
            at: delivery.shipped_at?,
            carrier: carrier.map(|carrier| carrier.family.as_str()),
            service: delivery.carrier.as_deref(),
            place,
        };
        let (by, rule) = self.promises.promise(&shipped)?;
        Some((by, PromiseSource::Rule { name: rule.name.clone() }))
    }
}

/// What kind of transfer it is.
fn transfer(delivery: &Delivery) -> Transfer {
    Transfer {
        direction: delivery.direction,
        order: match delivery.order_kind {
            odoo::OrderKind::Sale => OrderKind::Sale,
            odoo::OrderKind::Purchase => OrderKind::Purchase,
        },
        return_of: delivery.return_of.clone(),
        backorder_of: delivery.backorder_of.clone(),
    }
}

/// A customer as it is kept.
#[derive(Default)]
struct Customer {
    sealed: Option<Sealed>,
    key: Option<WrappedKey>,
    tokens: Vec<String>,
}

/// A customer sealed under a key of its own; nothing of one who was erased, even where Odoo still has it.
fn customer(
    context: &Context,
    system: &str,
    delivery: &Delivery,
    keys: &BTreeMap<SubjectId, Option<WrappedKey>>,
) -> Result<Customer, VaultError> {
    let subject = customer_of(context, system, delivery);
    let (key, wrapped) = match keys.get(&subject) {
        Some(Some(kept)) => (context.vault.unwrap(kept)?, None),
        Some(None) => return Ok(Customer::default()),
        None => {
            let (key, wrapped) = context.vault.new_key(subject);
            (key, Some(wrapped))
        }
    };
    let words = [delivery.customer.name.as_deref(), delivery.customer.email.as_deref()];
    let plain = serde_json::to_vec(&delivery.customer).expect("plain data serialises");
    Ok(Customer {
        sealed: Some(key.seal(CUSTOMER, &plain)),
        key: wrapped,
        tokens: words.into_iter().flatten().map(|value| context.vault.token("customer", value)).collect(),
    })
}

fn claims(context: &Context, delivery: &Delivery) -> Vec<Claim> {
    let Reference { numbers, .. } = Reference::read(delivery);
    let several = numbers.len() > 1;
    numbers
        .into_iter()
        .map(|TrackingNumber { raw, tracker, carrier_label }| Claim {
            piece: several.then(|| tracker.number.clone()),
            tracker,
            tracker_id: TrackerId(context.clock.id()),
            binding_id: BindingId(context.clock.id()),
            number_raw: raw,
            carrier_label,
        })
        .collect()
}
