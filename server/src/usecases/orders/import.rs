//! Deliveries come in from Odoo.

use super::{CUSTOMER, OrderError, repair};
use crate::{
    tower::Tower,
    usecases::{UseCaseError, promises},
};
use connectors::{
    call::CallLog,
    odoo::{Delivery, DeliveryState, OdooClient, Since},
};
use domain::{
    carriers as directory,
    fold::{DeliveryStanding, Plan, PromiseSource},
    ids::{BindingId, CorrelationId, ShipmentId, SubjectId, TrackerId, content_id},
    observation::Location,
    promise::{PromiseRules, Shipped},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::{
    Scope, Sealed, WrappedKey,
    facts::TrackerKey,
    jobs::{Cause, Lane},
    shipments::{Claim, Imported, ImportedShipment, Origin, OriginStanding},
};

/// Deliveries of one page of the import.
const IMPORT_PAGE: u32 = 100;
/// Pages of one job; the next job goes on behind them.
pub const IMPORT_PAGES_MAX: u32 = 200;
/// Odoo's `write_date` is the start of the writing transaction: what a long one commits late is found by looking back.
const IMPORT_OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// The same of our own writes, which are short: else most of what an import reads would be what Milepost wrote itself.
const OWN_OVERLAP: SignedDuration = SignedDuration::from_mins(1);
/// The setting that holds how far the import has come, and where it goes on.
const CURSOR: &str = "odoo.import";
/// Raised when what is made of a delivery changes: every delivery is then read once more.
const IMPORT_VERSION: u32 = 2;

/// Where the next import goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ImportCursor {
    /// What deliveries were read by; where that is another now, all of them are read again.
    basis: String,
    /// What was changed since then, and shortly before, is taken in; none: everything.
    since: Option<Timestamp>,
    /// Deliveries up to this id are taken in.
    after: i64,
    /// The newest change among them: the next import begins there.
    newest: Option<Timestamp>,
}

impl ImportCursor {
    async fn read(tower: &Tower, scope: Scope, promises: &PromiseRules) -> storage::Result<Self> {
        let rules = &tower.config.rules;
        let basis = json(&(IMPORT_VERSION, promises, rules.silence_hours, rules.ship_grace_hours));
        let kept = tower.store.people.setting(scope, CURSOR).await?;
        let kept = kept.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        Ok(kept.filter(|kept| kept.basis == basis).unwrap_or(Self { basis, ..Self::default() }))
    }

    fn since(&self) -> Option<Since> {
        self.since.map(|at| Since {
            anybody: at.checked_sub(OWN_OVERLAP).unwrap_or(at),
            others: at.checked_sub(IMPORT_OVERLAP).unwrap_or(at),
        })
    }

    /// Everything is read: the next import begins at the newest change.
    fn end(&mut self) {
        (self.since, self.after) = (self.newest, 0);
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data serialises")
}

/// Takes in every delivery that Odoo changed since the last import, page by page, by id: the only paging that loses
/// nothing there. Runs again over a small overlap; equal content changes nothing. After so many pages of 100 the next
/// import goes on where this one ended.
///
/// # Errors
/// When Odoo or the store fails; the next import then begins where this one did.
pub async fn import(
    tower: &Tower,
    scope: Scope,
    correlation: CorrelationId,
    pages_max: u32,
    calls: &dyn CallLog,
) -> Result<Imported, OrderError> {
    let Some(odoo) = &tower.odoo else { return Ok(Imported::default()) };
    let promises = promises::rules(tower, scope).await?;
    let begun = ImportCursor::read(tower, scope, &promises).await?;
    // all deliveries are read: what they have is history
    let cause = if begun.since.is_none() { Cause::History } else { Cause::Import };
    let mut cursor = begun.clone();
    let mut total = Imported::default();
    for _ in 0..pages_max {
        let page = odoo.changed_deliveries(cursor.since(), cursor.after, IMPORT_PAGE, calls).await?;
        let more = page.len() >= IMPORT_PAGE as usize;
        if let Some(last) = page.last() {
            cursor.after = last.id;
            cursor.newest = cursor.newest.max(page.iter().map(|d| d.write_date).max());
            repair::compare(tower, scope, odoo, page.iter().map(|d| d.id).collect(), correlation, calls).await?;
            let subjects = page.iter().map(|delivery| customer_of(tower, delivery)).collect();
            let keys = tower.store.people.keys(scope, subjects).await?;
            let taking = Taking { tower, odoo, promises: &promises, keys: &keys, correlation, cause };
            let shipments =
                page.iter().map(|delivery| taking.imported(delivery)).collect::<Result<Vec<_>, OrderError>>()?;
            let done = tower.store.shipments.import(scope, shipments, tower.now()).await?;
            add(&mut total, done);
        }
        if !more {
            cursor.end();
            break;
        }
    }
    if cursor != begun {
        tower.store.people.put_setting(scope, CURSOR, json(&cursor)).await?;
    }
    if !total.to_fold.is_empty() {
        tower.wake.work(Lane::Batch);
    }
    if total.created + total.changed > 0 {
        tower.wake.changed();
    }
    Ok(total)
}

fn add(total: &mut Imported, done: Imported) {
    total.created += done.created;
    total.changed += done.changed;
    total.unchanged += done.unchanged;
    total.to_fold.extend(done.to_fold);
}

/// Whose data the customer of a delivery is.
fn customer_of(tower: &Tower, delivery: &Delivery) -> SubjectId {
    SubjectId(content_id("customer", &[tower.company.0.as_bytes(), b"stock.picking", &delivery.id.to_be_bytes()]))
}

/// What a page of deliveries is taken in with.
struct Taking<'a> {
    tower: &'a Tower,
    odoo: &'a OdooClient,
    promises: &'a PromiseRules,
    keys: &'a BTreeMap<SubjectId, Option<WrappedKey>>,
    correlation: CorrelationId,
    cause: Cause,
}

impl Taking<'_> {
    fn imported(&self, delivery: &Delivery) -> Result<ImportedShipment, OrderError> {
        let &Self { tower, odoo, keys, correlation, cause, .. } = self;
        let origin = Origin {
            system: "odoo".into(),
            model: "stock.picking".into(),
            record: delivery.id,
            name: delivery.name.clone(),
            order: delivery.order_name.clone(),
            order_record: delivery.order_id,
            url: Some(odoo.page(delivery.id)),
        };
        let customer = customer(tower, delivery, keys)?;
        let place = Location {
            city: delivery.customer.city.clone(),
            country: delivery.customer.country.clone(),
            ..Location::default()
        };
        let plan = self.plan(delivery, &place);
        // a later write of a cancelled delivery says nothing new
        let content_plan = Plan { standing_since: None, ..plan.clone() };
        let content = serde_json::to_vec(&(
            &origin,
            &delivery.carrier,
            &delivery.tracking_numbers,
            &content_plan,
            delivery.state.code(),
            &delivery.customer,
        ))
        .expect("plain data serialises");
        // keyed, since the content is personal
        let digest = tower.vault.digest(&content).iter().map(|b| format!("{b:02x}")).collect();
        // keyed: the same after a restore of an older backup, so that what was posted for it is found; another in every other
        // installation, so that what those posted is not taken for ours
        let named = serde_json::to_vec(&(tower.company, &origin.system, &origin.model, origin.record));
        let named = tower.vault.digest(&named.expect("plain data serialises"));
        Ok(ImportedShipment {
            id: ShipmentId(content_id("shipment of", &[&named])),
            claims: claims(tower, delivery),
            digest,
            plan,
            standing: match delivery.state {
                DeliveryState::Done => OriginStanding::Done,
                DeliveryState::Cancelled => OriginStanding::Cancelled,
                DeliveryState::Open => OriginStanding::Open,
            },
            destination: Some(place.label()).filter(|l| !l.is_empty()),
            tokens: customer.tokens,
            customer: customer.sealed,
            key: customer.key,
            correlation,
            cause,
            origin,
        })
    }

    fn plan(&self, delivery: &Delivery, place: &Location) -> Plan {
        let rules = &self.tower.config.rules;
        let several = delivery.tracking_numbers.len() > 1;
        let (promised_by, promise) = self.promise(delivery, place).unzip();
        let standing = match delivery.state {
            DeliveryState::Open => DeliveryStanding::Open,
            DeliveryState::Done => DeliveryStanding::Done,
            DeliveryState::Cancelled => DeliveryStanding::Cancelled,
        };
        Plan {
            pieces: if several {
                delivery.tracking_numbers.iter().filter_map(|n| directory::normalise_number(n).ok()).collect()
            } else {
                Vec::new()
            },
            stops: None,
            promised_by,
            promise,
            ship_by: delivery.ship_by,
            ship_grace_hours: Some(rules.ship_grace_hours),
            standing,
            standing_since: (standing == DeliveryStanding::Cancelled).then_some(delivery.write_date),
            expected_from: delivery.shipped_at,
            silence_after_hours: Some(rules.silence_hours),
        }
    }

    /// What the order promises, else what the rules promise of what has left; often nothing.
    fn promise(&self, delivery: &Delivery, place: &Location) -> Option<(Timestamp, PromiseSource)> {
        if let Some(committed) = delivery.promised_by {
            return Some((committed, PromiseSource::Commitment));
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

/// A customer as it is kept.
#[derive(Default)]
struct Customer {
    sealed: Option<Sealed>,
    key: Option<WrappedKey>,
    tokens: Vec<String>,
}

/// A customer sealed under a key of its own; nothing of one who was erased, whatever Odoo has still.
fn customer(
    tower: &Tower,
    delivery: &Delivery,
    keys: &BTreeMap<SubjectId, Option<WrappedKey>>,
) -> Result<Customer, OrderError> {
    let subject = customer_of(tower, delivery);
    let (key, wrapped) = match keys.get(&subject) {
        Some(Some(kept)) => (tower.vault.unwrap(kept).map_err(|e| UseCaseError::Internal(e.to_string()))?, None),
        Some(None) => return Ok(Customer::default()),
        None => {
            let (key, wrapped) = tower.vault.new_key(subject);
            (key, Some(wrapped))
        }
    };
    let words = [delivery.customer.name.as_deref(), delivery.customer.email.as_deref()];
    let plain = serde_json::to_vec(&delivery.customer).expect("plain data serialises");
    Ok(Customer {
        sealed: Some(key.seal(CUSTOMER, &plain)),
        key: wrapped,
        tokens: words.into_iter().flatten().map(|value| tower.vault.token("customer", value)).collect(),
    })
}

fn claims(tower: &Tower, delivery: &Delivery) -> Vec<Claim> {
    let carrier = delivery.carrier.as_deref().and_then(|word| directory::known("odoo", word));
    let several = delivery.tracking_numbers.len() > 1;
    delivery
        .tracking_numbers
        .iter()
        .filter_map(|raw| {
            let number = directory::normalise_number(raw).ok()?;
            Some(Claim {
                piece: several.then(|| number.clone()),
                tracker: TrackerKey { carrier: carrier.as_ref().map(|c| c.family.clone()), number },
                tracker_id: TrackerId(tower.clock.id()),
                binding_id: BindingId(tower.clock.id()),
                number_raw: raw.clone(),
                carrier_label: delivery.carrier.clone(),
            })
        })
        .collect()
}
