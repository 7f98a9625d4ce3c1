//! One shipment, now or as it was known at a past moment: its state with the reasons, what carriers reported, what was called,
//! what people did.

use super::list::Row;
use crate::{
    audit::Opened,
    caller::Caller,
    cases::{
        agents::{Names, Ticket},
        routing::{self, NoTicket},
        tickets, wanted,
    },
    context::Context,
    error::{Result, UseCaseError},
    exceptions::{Resolver, calendar, watch},
    governance::messages,
    learned::expect::{self, Ours},
    mask::Mask,
    odoo::{CUSTOMER, number_of},
    people::PeopleNames,
    rules::book::Book,
    tracking::{places::Places, proof},
};
use ::odoo::Customer;
use domain::{
    Severity,
    access::Permission,
    effects::{EffectOutcome, EffectTarget},
    event_time::EventTime,
    fold::{self, Fact, Folded},
    ids::{CorrelationId, EffectId, ExceptionId, ObservationId, ShipmentId},
    observation::Location,
    progress::{self, Step},
};
use jiff::{Timestamp, tz::TimeZone};
use outbound::template::Family;
use std::collections::{BTreeMap, HashMap};
use storage::{
    Actor, Scope,
    jobs::AttemptRecord,
    people::AuditRecord,
    shipments::{EffectRecord, LastEvent, Loaded, SameNumber, ShipmentRecord, ShipmentRow},
    work::{CaseRecord, CaseStatus, ExceptionAction, ExceptionRecord},
};

/// Moments that are offered to look back to.
const MOMENTS_MAX: usize = 50;

/// A shipment with all that its page shows, as a caller may read it.
#[derive(Clone, Debug)]
pub struct ShownShipment {
    /// As in the list.
    pub row: Row,
    /// The shipment as it is stored.
    pub record: ShipmentRecord,
    /// Its state, with a verdict on every event.
    pub folded: Folded,
    /// Its events.
    pub facts: Vec<Fact>,
    /// The steps of its way.
    pub steps: Vec<Step>,
    /// Whether it is in trouble where it is.
    pub in_trouble: bool,
    /// Its exceptions.
    pub exceptions: Vec<ShownException>,
    /// Its tickets at service desks.
    pub tickets: Vec<Ticket>,
    /// Where an event was seen first.
    pub seen: HashMap<ObservationId, FirstSeen>,
    /// The calls to other systems.
    pub calls: Vec<ShownCall>,
    /// The steps that were taken for it in the order system.
    pub taken: Vec<TakenStep>,
    /// What people did, and what happened to its tickets.
    pub deeds: Vec<Deed>,
    /// The customer; none where there is none, or it was erased or damaged.
    pub customer: Option<ShownCustomer>,
    /// Who signed for what.
    pub proofs: Vec<ShownProof>,
    /// Deliveries, beyond a limit, of which nobody looked who signed.
    pub unread_deliveries: usize,
    /// Shipments under the same numbers of other carriers; none as of a past moment, since they may be linked by now.
    pub same_number: Vec<SameNumber>,
    /// What we expect of it; none as of a past moment, and where too little is known of its like.
    pub ours: Option<Ours>,
    /// The moment that it is shown as of; none now.
    pub as_of: Option<Timestamp>,
    /// The moments that it can be shown as of, the newest first.
    pub moments: Vec<Moment>,
}

/// A step that was taken, or is not any more: in the order system a delivery validated, a proof attached, an order invoiced, a
/// return made; a message to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenStep {
    /// The effect.
    pub id: EffectId,
    /// What was done.
    pub target: EffectTarget,
    /// What people call the record that was made or changed; none where what it waited for did not come in time.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: EffectOutcome,
    /// When.
    pub at: Timestamp,
}

impl TakenStep {
    /// The step of an effect; none where it is none, or it was not taken.
    fn of(effect: &EffectRecord) -> Option<Self> {
        use EffectTarget::{Customer, OrderInvoice, OrderProof, OrderReturn, OrderValidation};
        let outcome = effect.outcome.clone();
        if effect.target == Customer {
            let is_line =
                matches!(outcome, EffectOutcome::Posted(_) | EffectOutcome::Uncertain | EffectOutcome::NotPossible(_));
            let at = effect.done_at.filter(|_| is_line)?;
            return Some(Self { id: effect.id, target: effect.target, name: None, outcome, at });
        }
        let is_step = matches!(effect.target, OrderValidation | OrderProof | OrderInvoice | OrderReturn);
        let name = effect.outcome.name().map(str::to_owned);
        let is_line = name.is_some() || effect.outcome == EffectOutcome::Expired;
        let at = effect.done_at.filter(|_| is_step && is_line)?;
        Some(Self { id: effect.id, target: effect.target, name, outcome, at })
    }
}

/// An exception.
#[derive(Clone, Debug)]
pub struct ShownException {
    /// The exception.
    pub record: ExceptionRecord,
    /// The name of who looks after it.
    pub owner: Option<String>,
    /// Who resolved it, where a person did.
    pub resolved_by: Option<Resolver>,
    /// Why it has no ticket, where it should have one; none as of a past moment.
    pub no_ticket: Option<NoTicket>,
}

/// Where an event was seen first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstSeen {
    /// The source, as people call it.
    pub source: String,
    /// The correlation id of the message.
    pub correlation: CorrelationId,
}

/// A call to another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCall {
    /// The call.
    pub record: AttemptRecord,
    /// What people call the system that was called.
    pub system: String,
    /// The number of the ticket that it made.
    pub ticket: Option<String>,
}

/// To whom an exception was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// To nobody.
    Nobody,
    /// To the person of this name.
    Person(String),
    /// To a person who is no user any more.
    Former,
}

/// Something that a person, an agent of the desk or the system did, by the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Its place in the trail.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What: `exception.assign`.
    pub action: String,
    /// The name of who did it, as far as it may be read.
    pub who: Option<String>,
    /// Whether it was done at the service desk.
    pub at_desk: bool,
    /// The reason, where it may be read.
    pub why: Option<String>,
    /// Of an assignment: to whom; none where that was erased.
    pub assigned: Option<Assigned>,
}

/// The customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCustomer {
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The language.
    pub language: Option<String>,
    /// The time zone.
    pub zone: Option<String>,
    /// Whether name and address are masked.
    pub masked: bool,
}

/// Who signed for a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownProof {
    /// The name.
    pub signed_by: String,
    /// Whether it is masked.
    pub masked: bool,
    /// When that was.
    pub time: EventTime,
    /// The number that was delivered, where there are several.
    pub number: Option<String>,
}

/// A second in which something was recorded, by its last moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    /// The event that was recorded then for the first time; of several the newest, what happened before what is expected.
    pub first: Option<Fact>,
}

/// One shipment, now or as it was known at a past moment, with days as in this zone. Who reads who signed, or a
/// place that is kept sealed, leaves a line in the audit trail.
///
/// # Errors
/// When the caller may not, there is no such shipment, or the store fails.
pub async fn shipment(
    context: &Context,
    caller: &Caller,
    id: ShipmentId,
    as_of: Option<Timestamp>,
    zone: &TimeZone,
) -> Result<ShownShipment> {
    caller.require(Permission::See)?;
    let (store, scope, mask, now) = (&context.store, caller.scope(), Mask::of(caller), context.now());
    let (mut loaded, moments) = load(context, scope, id, as_of, mask).await?;
    if as_of.is_none() {
        loaded.input.watch = watch::of(context, scope, &loaded).await?;
    }
    let id = loaded.shipment.id;
    // read anew, so that the page says why even as of a past moment
    let folded = fold::fold(&loaded.input, as_of.unwrap_or(now));
    let ours = ours(context, scope, (&loaded, &folded), as_of).await?;
    let until = as_of.unwrap_or(Timestamp::MAX);
    let people = PeopleNames::read(context, scope).await?;
    let audit = store.people.audit_of(scope, id).await?;
    let (proofs, unread_deliveries) = proofs(context, scope, &loaded, &folded, mask).await?;
    if !mask.hides() && !proofs.is_empty() {
        messages::note_signatory_read(context, scope, id).await?;
    }
    let calls = calls(context, scope, &loaded).await?;
    let places = Places::read(context, scope, mask, loaded.input.facts.iter()).await?;
    if places.any_opened() {
        messages::note_places_read(context, scope, id).await?;
    }
    let seen = seen(context, scope, id).await?;
    let names = Names::read(context, caller, loaded.cases.iter(), audit.iter().map(|(line, _)| &line.entry)).await?;
    let book = context.rules.book(store, scope, now).await?;
    let exceptions = exceptions(context, (&loaded, &book), as_of, (&audit, &names, &people));
    let deeds = deeds(context, scope, audit, (&names, &people), mask).await?;
    let customer = customer(context, scope, id, mask).await?;
    let same_number = match as_of {
        None => store.shipments.same_number(scope, id).await?,
        Some(_) => Vec::new(),
    };
    let then = loaded.cases.into_iter().filter(|case| case.opened_at <= until);
    let connections = context.connections.now();
    let tickets: Vec<_> = then.map(|case| names.ticket(as_it_was(case, as_of), &connections)).collect();
    let steps = progress::steps(&folded, &loaded.input);
    let taken = loaded.effects.iter().filter_map(TakenStep::of).filter(|step| step.at <= until).collect();
    let case = tickets.iter().find_map(|ticket| ticket.case.number.clone());
    let row = in_list(&loaded.shipment, &folded, &loaded.input.facts, case);
    let mut facts = loaded.input.facts;
    for fact in &mut facts {
        fact.observation.location = places.of(fact).cloned();
    }
    mask_all(&mut facts, mask);
    Ok(ShownShipment {
        row: Row::of(row, mask, now, zone),
        steps,
        in_trouble: is_in_trouble(&folded),
        exceptions,
        tickets,
        seen,
        taken,
        calls: calls.into_iter().filter(|call| call.record.started_at <= until).collect(),
        deeds: deeds.into_iter().filter(|deed| deed.at <= until).collect(),
        customer,
        proofs,
        unread_deliveries,
        same_number,
        ours,
        as_of,
        moments,
        record: loaded.shipment,
        folded,
        facts,
    })
}

/// What we expect of it now.
async fn ours(
    context: &Context,
    scope: Scope,
    (loaded, folded): (&Loaded, &Folded),
    as_of: Option<Timestamp>,
) -> Result<Option<Ours>> {
    if as_of.is_some() {
        return Ok(None);
    }
    let company = calendar::company(context, scope).await?;
    expect::ours(context, scope, loaded, folded, &company).await
}

/// The shipment, or the one that took it over; with the moments to look back to, which stay the same while a past one is shown.
async fn load(
    context: &Context,
    scope: Scope,
    id: ShipmentId,
    as_of: Option<Timestamp>,
    mask: Mask,
) -> Result<(Loaded, Vec<Moment>)> {
    let shipments = &context.store.shipments;
    let missing = || UseCaseError::NotFound("shipment");
    let mut loaded = shipments.load(scope, id, as_of).await?.ok_or_else(missing)?;
    if let Some(target) = loaded.shipment.merged_into {
        loaded = shipments.load(scope, target, as_of).await?.ok_or_else(missing)?;
    }
    let whole = match as_of {
        Some(_) => shipments.load(scope, loaded.shipment.id, None).await?,
        None => None,
    };
    let moments = moments(&whole.as_ref().unwrap_or(&loaded).input.facts, mask);
    Ok((loaded, moments))
}

/// The calls to other systems, with the tickets that they made.
async fn calls(context: &Context, scope: Scope, loaded: &Loaded) -> Result<Vec<ShownCall>> {
    let attempts = context.store.jobs.attempts_of(scope, loaded.shipment.id).await?;
    let mut made = tickets::created(context, scope, &loaded.cases, &attempts).await?;
    let connections = context.connections.now();
    // what became of a label stands with its booking
    let of_platform = |record: &AttemptRecord| {
        connections.get(&record.destination).is_some_and(|one| one.family == Some(Family::Shipping))
    };
    let call = |record: AttemptRecord| ShownCall {
        system: connections.label(&record.destination),
        ticket: made.remove(&record.id),
        record,
    };
    Ok(attempts.into_iter().filter(|record| !of_platform(record)).map(call).collect())
}

async fn seen(context: &Context, scope: Scope, id: ShipmentId) -> Result<HashMap<ObservationId, FirstSeen>> {
    let connections = context.connections.now();
    let seen = context.store.shipments.seen_in(scope, id).await?;
    let first = |seen: storage::shipments::SeenIn| {
        let source = connections.label(&seen.source_name);
        (seen.observation, FirstSeen { source, correlation: seen.correlation })
    };
    Ok(seen.into_iter().map(first).collect())
}

fn exceptions(
    context: &Context,
    (loaded, book): (&Loaded, &Book),
    as_of: Option<Timestamp>,
    (audit, names, people): (&[(AuditRecord, Option<String>)], &Names, &PeopleNames),
) -> Vec<ShownException> {
    let (origin, numbers) = (loaded.shipment.origin.as_ref(), &loaded.shipment.numbers);
    let has_ticket = |exception: ExceptionId| loaded.cases.iter().any(|case| case.exception == exception);
    let shown = |record: &ExceptionRecord| {
        let others = loaded.exceptions.iter().filter(|other| other.id != record.id && other.closed.is_none());
        let others: Vec<_> = others.map(|other| other.reason).collect();
        ShownException {
            owner: record.owner.and_then(|owner| people.of(owner)),
            resolved_by: Resolver::of(audit, record.id, names),
            no_ticket: wanted::by_rules(context, book, loaded, record)
                .filter(|_| as_of.is_none() && !has_ticket(record.id))
                .and_then(|wanted| routing::no_ticket(context, &wanted, record, (origin, numbers, &others))),
            record: record.clone(),
        }
    };
    loaded.exceptions.iter().map(shown).collect()
}

fn mask_all<'a>(facts: impl IntoIterator<Item = &'a mut Fact>, mask: Mask) {
    for fact in facts.into_iter().filter(|_| mask.hides()) {
        fact.observation = mask.statement(&fact.observation);
    }
}

fn is_in_trouble(folded: &Folded) -> bool {
    let severe = folded.exceptions.iter().any(|e| e.closed.is_none() && e.severity >= Severity::Major);
    severe || folded.state.is_off_the_way()
}

/// The shipment as the list would show it in this state.
fn in_list(shipment: &ShipmentRecord, folded: &Folded, facts: &[Fact], case: Option<String>) -> ShipmentRow {
    let open = folded.exceptions.iter().filter(|e| e.closed.is_none()).max_by_key(|e| e.severity);
    let last = facts.iter().find(|fact| Some(fact.id) == folded.last_event);
    ShipmentRow {
        id: shipment.id,
        revision: shipment.revision,
        origin: shipment.origin.clone(),
        numbers: shipment.numbers.clone(),
        destination: shipment.destination.clone(),
        state: folded.state,
        visibility: folded.visibility,
        exception: open.map(|e| (e.reason, e.severity)),
        eta: folded.eta.clone(),
        promised_by: shipment.plan.promised_by,
        delivered_at: folded.delivered_at.clone(),
        last_event: last.map(|fact| LastEvent {
            milestone: fact.reading.milestone,
            exception: fact.reading.exception,
            code: fact.reading.unmapped.then(|| fact.observation.codes.raw.clone()),
            place: fact.observation.location.as_ref().map(Location::label),
            place_in_parts: fact.observation.location.as_ref().is_some_and(Location::is_in_parts),
            at: fact.observation.time.sort_key(),
            time: Some(fact.observation.time.clone()),
        }),
        heard_at: folded.heard_at,
        case,
    }
}

/// The case as it stood at a past moment. Of a ticket the record has one status, and since when: a ticket that was closed later
/// was open then.
fn as_it_was(case: CaseRecord, as_of: Option<Timestamp>) -> CaseRecord {
    let closed = !matches!(case.status, CaseStatus::Pending | CaseStatus::Open);
    match as_of {
        Some(at) if closed && case.resolved_at.is_none_or(|since| since > at) => {
            CaseRecord { status: CaseStatus::Open, closed_by: None, resolved_at: None, ..case }
        }
        _ => case,
    }
}

async fn deeds(
    context: &Context,
    scope: Scope,
    audit: Vec<(AuditRecord, Option<String>)>,
    (names, people): (&Names, &PeopleNames),
    mask: Mask,
) -> Result<Vec<Deed>> {
    let opened = Opened::read(context, scope, audit.iter().map(|(line, _)| &line.entry)).await?;
    let deed = |(line, who): (AuditRecord, Option<String>)| {
        let entry = line.entry;
        // a person's words may name somebody, and the reason for an erasure names who asked for it
        let is_read = (!mask.hides() || line.actor == Actor::System) && entry.action != "customer.erase";
        let why = opened.why(entry.why.as_ref()).filter(|_| is_read);
        // what is known of a ticket without a name is an agent's doing too
        let at_desk = who.is_none() && entry.action.starts_with("case.");
        let who = who.or_else(|| names.of_line(&entry));
        let after = || serde_json::from_value(opened.value(entry.after.as_ref())?).ok();
        let assigned = match (entry.action == "exception.assign").then(after).flatten() {
            Some(ExceptionAction::Assign { owner: None }) => Some(Assigned::Nobody),
            Some(ExceptionAction::Assign { owner: Some(owner) }) => {
                Some(people.of(owner).map_or(Assigned::Former, Assigned::Person))
            }
            _ => None,
        };
        Deed { seq: line.seq, at: entry.at, action: entry.action, who, at_desk, why, assigned }
    };
    Ok(audit.into_iter().map(deed).collect())
}

/// The customer of a shipment, masked for who may not read names; none where there is none, or it was erased.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn customer_of(context: &Context, caller: &Caller, shipment: ShipmentId) -> Result<Option<ShownCustomer>> {
    caller.require(Permission::See)?;
    customer(context, caller.scope(), shipment, Mask::of(caller)).await
}

async fn customer(context: &Context, scope: Scope, shipment: ShipmentId, mask: Mask) -> Result<Option<ShownCustomer>> {
    let Some((sealed, Some(key))) = context.store.shipments.customer(scope, shipment).await? else { return Ok(None) };
    let opened = context.vault.unwrap(&key).and_then(|key| key.open(CUSTOMER, &sealed)).ok();
    let Some(customer) = opened.and_then(|plain| serde_json::from_slice::<Customer>(&plain).ok()) else {
        tracing::warn!(%shipment, "the customer of a shipment cannot be opened");
        return Ok(None);
    };
    let Customer { name, email, city, country, language, zone, .. } = customer;
    let (name, email) = (name.map(|name| mask.name(name)), email.map(|email| mask.name(email)));
    Ok(Some(ShownCustomer { name, email, city, country, language, zone, masked: mask.hides() }))
}

/// Who signed, and how many deliveries were not looked at.
async fn proofs(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    folded: &Folded,
    mask: Mask,
) -> Result<(Vec<ShownProof>, usize)> {
    let several = loaded.shipment.numbers.len() > 1;
    let shown = |proof: proof::Proof| {
        let fact = loaded.input.facts.iter().find(|fact| fact.id == proof.fact)?;
        let number = number_of(loaded, fact.piece.as_deref(), &[fact.id]).filter(|_| several);
        Some(ShownProof {
            signed_by: mask.name(proof.signed_by),
            masked: mask.hides(),
            time: fact.observation.time.clone(),
            number: number.map(|number| number.number.clone()),
        })
    };
    let proofs = proof::of(context, scope, loaded, folded).await?;
    Ok((proofs.named.into_iter().filter_map(shown).collect(), proofs.unread))
}

/// When something was recorded. Seconds are kept apart, so that there is one choice for each.
fn moments(facts: &[Fact], mask: Mask) -> Vec<Moment> {
    let mut seconds: BTreeMap<i64, (Timestamp, Option<&Fact>)> = BTreeMap::new();
    for fact in facts {
        let first = fact.sightings.iter().map(|s| s.recorded_at).min();
        for at in fact.sightings.iter().map(|s| s.recorded_at) {
            let (last, named) = seconds.entry(at.as_second()).or_insert((at, None));
            *last = at.max(*last);
            let weight = |fact: &Fact| (fact.observation.classifier, fact.observation.time.sort_key());
            if first == Some(at) && named.is_none_or(|other| weight(fact) > weight(other)) {
                *named = Some(fact);
            }
        }
    }
    let moment = |(at, fact): (Timestamp, Option<&Fact>)| Moment { at, first: fact.cloned() };
    let mut moments: Vec<_> = seconds.into_values().rev().take(MOMENTS_MAX).map(moment).collect();
    mask_all(moments.iter_mut().filter_map(|moment| moment.first.as_mut()), mask);
    moments
}
