//! Raises claims: what is claimed against whom, and until when it can be filed.

use super::{
    common::{checked_note, job, not_possible, today, zone_there},
    deadlines, sealing,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    odoo::number_of,
};
use domain::{
    State,
    access::Permission,
    carriers,
    claims::{Claim, ClaimNumber, ClaimReason, Moments},
    fold::{self, Folded},
    ids::{ClaimId, ExceptionId, ShipmentId},
    money::Money,
    progress,
    punctuality::Moment,
};
use jiff::Timestamp;
use storage::{
    Actor, Scope,
    claims::{ClaimAbout, ClaimRecord, DeadlineSaid, Raised},
    shipments::Loaded,
    work::ExceptionRecord,
};

/// A claim that a person raises.
#[derive(Clone, Debug)]
pub struct NewByHand {
    /// The shipment.
    pub shipment: ShipmentId,
    /// What for.
    pub reason: ClaimReason,
    /// The amount; none: what the order system says of the value, once that is read.
    pub amount: Option<Money>,
    /// What the person writes about it.
    pub note: String,
}

/// Raises a claim for a rule, unless one is open for the same shipment and reason; the number of the one that is open then.
/// Called twice, it gives the same one.
///
/// # Errors
/// When there is no such shipment, or the store fails.
pub async fn raise(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
    exception: Option<ExceptionId>,
    reason: ClaimReason,
) -> Result<ClaimNumber> {
    let of_rule = Of { exception, reason, amount: None, note: String::new(), raised_by: Some("rule".into()) };
    match keep(context, scope, shipment, of_rule).await? {
        Raised::New(number) | Raised::Open(number) => Ok(number),
    }
}

/// Raises a claim for a person, who looks after it from then on.
///
/// # Errors
/// `Conflict` where one is open for the same shipment and reason; when the caller may not, or something is not right.
pub async fn raise_by_hand(context: &Context, caller: &Caller, new: NewByHand) -> Result<ClaimNumber> {
    caller.require(Permission::Act)?;
    let NewByHand { shipment, reason, amount, note } = new;
    let by_hand = Of { exception: None, reason, amount, note: checked_note(&note)?, raised_by: None };
    match keep(context, caller.scope(), shipment, by_hand).await? {
        Raised::New(number) => Ok(number),
        Raised::Open(number) => {
            Err(UseCaseError::Conflict(format!("{number} is open for this shipment and reason: go on with that one")))
        }
    }
}

/// What a claim is raised of.
struct Of {
    exception: Option<ExceptionId>,
    reason: ClaimReason,
    amount: Option<Money>,
    note: String,
    raised_by: Option<String>,
}

async fn keep(context: &Context, scope: Scope, shipment: ShipmentId, of: Of) -> Result<Raised> {
    let shipments = &context.store.shipments;
    let missing = || UseCaseError::NotFound("shipment");
    let mut loaded = shipments.load(scope, shipment, None).await?.ok_or_else(missing)?;
    if let Some(target) = loaded.shipment.merged_into {
        loaded = shipments.load(scope, target, None).await?.ok_or_else(missing)?;
    }
    let folded = fold::fold(&loaded.input, context.now());
    let exception = exception_of(&loaded, of.exception, of.reason);
    let mut about = about(&loaded, exception, of.raised_by);
    let rules = deadlines::kept(context, scope).await?;
    let family = loaded.shipment.numbers.iter().find(|n| Some(&n.number) == about.tracking.as_ref());
    let family = family.and_then(|number| number.carrier.as_deref());
    let rule = rules.rule(about.brand.as_deref(), family, of.reason);
    let file_by = rule.map(|rule| rule.last_day(moments(&loaded, &folded, exception, context.now())));
    about.rule = rule.map(|rule| DeadlineSaid {
        words: rule.words(),
        source: rule.source.clone(),
        check_contract: rule.check_contract,
        answer_days: rule.answer_days,
    });
    let mut claim = Claim::new(of.reason, file_by);
    if let Some(amount) = of.amount {
        claim = claim.claiming(amount).map_err(not_possible)?;
    }
    let id = ClaimId(context.clock.id());
    let note = match of.note.is_empty() {
        true => None,
        false => {
            let key = sealing::key(context, scope, loaded.shipment.id).await?;
            Some(key.seal(sealing::NOTE, of.note.as_bytes()))
        }
    };
    let (now, today) = (context.now(), today(context.now()));
    let record = ClaimRecord {
        id,
        number: ClaimNumber(0),
        shipment: loaded.shipment.id,
        exception: exception.map(|exception| exception.id),
        missed: claim.missed(today),
        remind_on: claim.remind_after(None),
        claim,
        about,
        note,
        owner: match scope.actor {
            Actor::User(user) => Some(user),
            Actor::Operator | Actor::System => exception.and_then(|exception| exception.owner),
        },
        created_at: now,
        updated_at: now,
        revision: 0,
    };
    let jobs = vec![job(context, &record, loaded.shipment.origin.as_ref().map(|origin| origin.system.as_str()))];
    let audit = context.audit("claim.raise", format!("claim:{id}"));
    let raised = context.store.claims.raise(scope, record, jobs, audit).await?;
    context.notifier.all_work();
    Ok(raised)
}

/// The exception that a claim is about: the one that was named, else the last of its reason.
fn exception_of(loaded: &Loaded, named: Option<ExceptionId>, reason: ClaimReason) -> Option<&ExceptionRecord> {
    let exceptions = &loaded.exceptions;
    let named = exceptions.iter().find(|exception| Some(exception.id) == named);
    let is_of = |exception: &&ExceptionRecord| ClaimReason::of(exception.reason) == Some(reason);
    named.or_else(|| exceptions.iter().filter(is_of).max_by_key(|exception| exception.opened_at))
}

fn about(loaded: &Loaded, exception: Option<&ExceptionRecord>, raised_by: Option<String>) -> ClaimAbout {
    let (piece, evidence) = exception.map(|e| (e.piece.as_deref(), &e.evidence[..])).unwrap_or_default();
    let number = number_of(loaded, piece, evidence).or_else(|| loaded.shipment.numbers.first());
    let carrier = number.and_then(|number| number.carrier_label.clone().or_else(|| number.carrier.clone()));
    ClaimAbout {
        tracking: number.map(|number| number.number.clone()),
        brand: carrier.as_deref().and_then(|word| carriers::known("odoo", word)).map(|entry| entry.code.clone()),
        carrier,
        raised_by,
        ..ClaimAbout::default()
    }
}

/// The days that rules for deadlines count from, as the calendar showed them there.
fn moments(loaded: &Loaded, folded: &Folded, exception: Option<&ExceptionRecord>, now: Timestamp) -> Moments {
    let steps = progress::steps(folded, &loaded.input);
    let left = |state: State| state != State::Registered && state != State::Delivered;
    let shipped = steps.iter().filter(|step| left(step.state)).find_map(|step| step.at.as_ref()?.wall_clock());
    let there = zone_there(loaded);
    let day = |at: Timestamp| at.to_zoned(there.clone()).date();
    let promised = loaded.input.plan.promised_by.map(|at| Moment::promised(at, &there).day(&there));
    Moments {
        shipped: shipped.map(|wall| wall.date()),
        delivered: folded.delivered_at.as_ref().and_then(|time| Some(time.wall_clock()?.date())),
        promised,
        event: day(exception.map_or(now, |exception| exception.opened_at)),
    }
}
