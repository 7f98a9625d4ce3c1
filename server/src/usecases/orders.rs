//! The order system, Odoo: deliveries come in, status, notes and activities go out.

use super::{UseCaseError, fold::EffectBody};
use crate::{config::Config, tower::Tower, words};
use connectors::{
    call::{CallError, CallLog, Decision},
    odoo::{Delivery, DeliveryState, OdooClient, Since, StatusValues},
};
use domain::{
    Severity, State, Visibility, carriers as directory,
    event_time::EventTime,
    fold::Plan,
    ids::{BindingId, CorrelationId, ExceptionId, ShipmentId, SubjectId, TrackerId, content_id},
    observation::Location,
};
use futures::future::join;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write as _};
use storage::{
    Scope, Sealed, WrappedKey,
    facts::TrackerKey,
    jobs::Lane,
    shipments::{
        Claim, EffectKind, EffectRecord, Imported, ImportedShipment, Loaded, Origin, OriginStanding, ShipmentRecord,
    },
    work::ExceptionRecord,
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
/// The place of a customer's data in the vault.
pub const CUSTOMER: &str = "shipment.customer";

/// Why a call to the order system did not end well.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Odoo.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for OrderError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// The page of a shipment, for people.
pub fn page_of(config: &Config, shipment: ShipmentId) -> String {
    format!("{}/shipments/{shipment}", config.public_url)
}

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

/// Brings a shipment's state, notes and activities to its delivery. Writes only what differs from what was written
/// before, and after `tries` whose end nobody may have seen every field; each note and activity under its own id, so that
/// none comes twice.
///
/// # Errors
/// When Odoo or the store fails; what was done stays done and is not done again.
pub async fn sync(
    tower: &Tower,
    scope: Scope,
    id: ShipmentId,
    tries: u32,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let Some(odoo) = &tower.odoo else { return Ok(()) };
    // an effect that comes after this moment has a job of its own
    let Some(loaded) = tower.store.shipments.load(scope, id, None).await? else { return Ok(()) };
    let shipment = &loaded.shipment;
    let Some(origin) = shipment.origin.as_ref().filter(|o| o.system == "odoo") else { return Ok(()) };
    let values = status_values(tower, &loaded);
    let text = serde_json::to_string(&values).expect("plain data serialises");
    let shipments = &tower.store.shipments;
    let known = shipment.written.as_deref().filter(|_| tries == 0);
    let writes = known != Some(text.as_str());
    if writes {
        let before = known.and_then(|w| serde_json::from_str(w).ok());
        if let Err(error) = odoo.write_status(origin.record, &values, before.as_ref(), calls).await {
            // what the delivery shows now is not known
            shipments.written(scope, id, None, tower.now()).await?;
            return Err(error.into());
        }
    }
    let kept = async { if writes { shipments.written(scope, id, Some(text), tower.now()).await } else { Ok(()) } };
    let posting = Posting { tower, scope, odoo, calls, origin, shipment, exceptions: &loaded.exceptions };
    let (kept, refused) = join(kept, posting.post_all(&loaded.effects)).await;
    kept?;
    let refused = refused?;
    complete_activities(tower, scope, odoo, &loaded, calls).await?;
    refused.map_or(Ok(()), Err)
}

/// What the delivery shows.
fn status_values(tower: &Tower, loaded: &Loaded) -> StatusValues {
    let folded = &loaded.shipment.folded;
    let worst = loaded.exceptions.iter().filter(|e| e.closed.is_none()).max_by_key(|e| (e.severity, e.opened_at));
    let last = loaded.input.facts.iter().find(|f| Some(f.id) == folded.last_event);
    let last_event = last.map(|fact| {
        let place = fact.observation.location.as_ref().map(Location::label).filter(|l| !l.is_empty());
        let place = place.map(|p| format!(", {p}")).unwrap_or_default();
        format!("{}{place}, {}", fact.reading.milestone.label(), words::event_time(&fact.observation.time))
    });
    StatusValues {
        status: folded.state.code().to_owned(),
        last_event,
        eta: folded.eta.as_ref().and_then(honest_instant).filter(|_| !folded.state.is_terminal()),
        delivered_at: folded
            .delivered_at
            .as_ref()
            .filter(|_| folded.state == State::Delivered)
            .and_then(honest_instant),
        exception: worst.map(|e| e.reason.label().to_owned()),
        url: Some(page_of(&tower.config, loaded.shipment.id)),
        delivery_state: oca_delivery_state(folded.state, folded.visibility, worst).map(str::to_owned),
    }
}

/// A Datetime field needs an instant. A local time is written as its place's zone has it, or as if it were UTC where no
/// zone is known, rather than left out: the date is right and the last event's text says "local time". A mere day is
/// written at noon UTC, which is that day nearly everywhere.
fn honest_instant(time: &EventTime) -> Option<Timestamp> {
    use domain::event_time::Precision;
    match time.precision {
        Precision::None => None,
        Precision::Date => TimeZone::UTC.to_timestamp(time.wall_clock()?.date().at(12, 0, 0, 0)).ok(),
        Precision::Minute | Precision::Second => time.sort_key(),
    }
}

/// OCA's `delivery_state`: an open major or critical exception is an incident, a feed that stopped is `no_update`.
fn oca_delivery_state(state: State, visibility: Visibility, worst: Option<&ExceptionRecord>) -> Option<&'static str> {
    let ended = matches!(state, State::Delivered | State::Cancelled);
    if !ended && worst.is_some_and(|e| e.severity >= Severity::Major) {
        return Some("incident");
    }
    if !state.is_terminal() && visibility == Visibility::Stopped {
        return Some("no_update");
    }
    state.oca_delivery_state()
}

struct Posting<'a> {
    tower: &'a Tower,
    scope: Scope,
    odoo: &'a OdooClient,
    calls: &'a dyn CallLog,
    origin: &'a Origin,
    shipment: &'a ShipmentRecord,
    exceptions: &'a [ExceptionRecord],
}

impl Posting<'_> {
    /// Posts what is not posted yet. One that is refused for good holds up none of the others; the first such refusal.
    async fn post_all(&self, effects: &[EffectRecord]) -> Result<Option<OrderError>, OrderError> {
        let mut refused = None;
        for effect in effects.iter().filter(|e| e.done.is_none()) {
            match self.post(effect).await {
                Ok(external) => {
                    let shipments = &self.tower.store.shipments;
                    shipments.effect_done(self.scope, effect.id, external, self.tower.now()).await?;
                }
                Err(OrderError::Call(error)) if error.class.decision() == Decision::Fail => {
                    refused.get_or_insert(error.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Posts one effect; its id at the target.
    async fn post(&self, effect: &EffectRecord) -> Result<String, OrderError> {
        let body: EffectBody = serde_json::from_str(&effect.body)
            .map_err(|e| UseCaseError::Internal(format!("effect {}: {e}", effect.id)))?;
        let marker = format!("milepost-{}", effect.id);
        match effect.kind {
            EffectKind::OrderNote => {
                let html = self.note(&body);
                Ok(self.odoo.post_note(self.origin.record, &marker, &html, self.calls).await?)
            }
            EffectKind::OrderActivity => {
                let EffectBody::Exception { id } = body else {
                    return Err(UseCaseError::Internal(format!("effect {} is no exception", effect.id)).into());
                };
                match self.exception(id) {
                    Some(exception) if exception.closed.is_none() => {
                        let (summary, note) = (
                            format!("{}: {}", exception.severity.label(), exception.reason.label()),
                            self.activity(exception),
                        );
                        let deadline = exception.due_at.to_zoned(TimeZone::UTC).date();
                        Ok(self
                            .odoo
                            .schedule_activity(self.origin.record, &marker, &summary, &note, deadline, self.calls)
                            .await?)
                    }
                    Some(_) => Ok("not needed".into()), // settled before anybody could be asked
                    None => Err(UseCaseError::Internal(format!("effect {} is of no exception", effect.id)).into()),
                }
            }
        }
    }

    fn exception(&self, id: ExceptionId) -> Option<&ExceptionRecord> {
        self.exceptions.iter().find(|e| e.id == id)
    }

    fn note(&self, body: &EffectBody) -> String {
        let page = page_of(&self.tower.config, self.shipment.id);
        let mut html = String::from("<p>");
        match body {
            EffectBody::Milestone { announcement } => {
                let _ = write!(html, "<b>{}</b>", escape(&words::announcement(announcement)));
                if let Some(number) = self.shipment.numbers.first() {
                    let _ = write!(html, ", {}", escape(&number.number));
                }
            }
            EffectBody::Correction { from, to } => {
                let _ = write!(
                    html,
                    "<b>Correction by the carrier:</b> no longer {}, now {}",
                    from.label().to_lowercase(),
                    to.label().to_lowercase()
                );
            }
            EffectBody::Exception { id } => {
                let label = self.exception(*id).map_or("Exception", |e| e.reason.label());
                let _ = write!(html, "<b>{}</b>", escape(label));
            }
        }
        let _ = write!(html, " · <a href=\"{}\">timeline</a></p>", escape(&page));
        html
    }

    fn activity(&self, exception: &ExceptionRecord) -> String {
        let page = page_of(&self.tower.config, self.shipment.id);
        format!(
            "<p>{} since {}. Answerable: {}. <a href=\"{}\">Timeline and reasons</a></p>",
            escape(exception.reason.label()),
            words::instant(exception.opened_at),
            exception.responsible.label(),
            escape(&page)
        )
    }
}

/// An exception that is over needs nobody's activity any more.
async fn complete_activities(
    tower: &Tower,
    scope: Scope,
    odoo: &OdooClient,
    loaded: &Loaded,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let Some(origin) = &loaded.shipment.origin else { return Ok(()) };
    for effect in loaded.effects.iter().filter(|e| e.kind == EffectKind::OrderActivity) {
        let Ok(EffectBody::Exception { id }) = serde_json::from_str(&effect.body) else { continue };
        let over = loaded.exceptions.iter().any(|e| e.id == id && e.closed.is_some());
        let scheduled = effect.done.as_ref().is_some_and(|(_, external)| external.parse::<i64>().is_ok());
        if over && scheduled {
            odoo.complete_activity(origin.record, &format!("milepost-{}", effect.id), calls).await?;
            tower.store.shipments.effect_done(scope, effect.id, "completed".into(), tower.now()).await?;
        }
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        out
    })
}
