//! Deliveries come in from Odoo.

use super::{CUSTOMER, OrderError};
use crate::{tower::Tower, usecases::UseCaseError};
use connectors::{
    call::CallLog,
    odoo::{Delivery, DeliveryState, OdooClient, Since},
};
use domain::{
    carriers as directory,
    fold::Plan,
    ids::{BindingId, CorrelationId, ShipmentId, SubjectId, TrackerId, content_id},
    observation::Location,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::{
    Scope, Sealed, WrappedKey,
    facts::TrackerKey,
    jobs::Lane,
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
/// The setting that holds how far the import has come.
const WATERMARK: &str = "odoo.watermark";
/// The setting that holds where an import of many pages goes on.
const PLACE: &str = "odoo.import_place";

/// Where an import goes on that has more pages than one job takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// What was changed since then, and shortly before, is taken in; none: everything.
    since: Option<Timestamp>,
    /// Deliveries up to this id are taken in.
    after: i64,
    /// The newest change among them: the next import begins there.
    newest: Option<Timestamp>,
}

impl Place {
    async fn read(tower: &Tower, scope: Scope) -> storage::Result<Self> {
        let kept = tower.store.people.setting(scope, PLACE).await?;
        if let Some(place) = kept.and_then(|text| serde_json::from_str(&text).ok()) {
            return Ok(place);
        }
        let watermark = tower.store.people.setting(scope, WATERMARK).await?.and_then(|text| text.parse().ok());
        Ok(Self { since: watermark, after: 0, newest: watermark })
    }

    fn since(&self) -> Option<Since> {
        self.since.map(|at| Since {
            anybody: at.checked_sub(OWN_OVERLAP).unwrap_or(at),
            others: at.checked_sub(IMPORT_OVERLAP).unwrap_or(at),
        })
    }

    /// Kept where the import goes on; else the next one begins at the newest change.
    async fn keep(&self, tower: &Tower, scope: Scope, more: bool) -> storage::Result<()> {
        let people = &tower.store.people;
        if more {
            let text = serde_json::to_string(self).expect("plain data serialises");
            return people.put_setting(scope, PLACE, text).await;
        }
        if let Some(newest) = self.newest {
            people.put_setting(scope, WATERMARK, newest.to_string()).await?;
        }
        people.put_setting(scope, PLACE, String::new()).await
    }
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
    let begun = Place::read(tower, scope).await?;
    let mut place = begun.clone();
    let (mut total, mut more) = (Imported::default(), true);
    for _ in 0..pages_max {
        let page = odoo.changed_deliveries(place.since(), place.after, IMPORT_PAGE, calls).await?;
        more = page.len() >= IMPORT_PAGE as usize;
        let Some(last) = page.last() else { break };
        place.after = last.id;
        place.newest = place.newest.max(page.iter().map(|d| d.write_date).max());
        let subjects = page.iter().map(|delivery| customer_of(tower, delivery)).collect();
        let keys = tower.store.people.keys(scope, subjects).await?;
        let shipments = page
            .iter()
            .map(|delivery| imported(tower, odoo, delivery, &keys, correlation))
            .collect::<Result<Vec<_>, OrderError>>()?;
        let done = tower.store.shipments.import(scope, shipments, tower.now()).await?;
        add(&mut total, done);
        if !more {
            break;
        }
    }
    if more || begun.after > 0 || place.newest != begun.newest {
        place.keep(tower, scope, more).await?;
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

fn imported(
    tower: &Tower,
    odoo: &OdooClient,
    delivery: &Delivery,
    keys: &BTreeMap<SubjectId, Option<WrappedKey>>,
    correlation: CorrelationId,
) -> Result<ImportedShipment, OrderError> {
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
    let plan = plan(tower, delivery);
    let content = serde_json::to_vec(&(
        &origin,
        &delivery.carrier,
        &delivery.tracking_numbers,
        &plan,
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
        origin,
    })
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

fn plan(tower: &Tower, delivery: &Delivery) -> Plan {
    let several = delivery.tracking_numbers.len() > 1;
    Plan {
        pieces: if several {
            delivery.tracking_numbers.iter().filter_map(|n| directory::normalise_number(n).ok()).collect()
        } else {
            Vec::new()
        },
        stops: None,
        promised_by: delivery.promised_by,
        expected_from: delivery.shipped_at,
        silence_after_hours: Some(tower.config.rules.silence_hours),
    }
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
