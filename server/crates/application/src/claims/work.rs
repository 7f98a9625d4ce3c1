//! What people do with claims: each change with its line in the audit trail, which is the claim's history.

use super::{
    common::{checked_note, job_of, not_possible, today},
    remind, sealing,
};
use crate::{
    audit,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    access::Permission,
    claims::{ClaimNumber, ClaimStatus, Step, StepKind},
    ids::UserId,
    money::Money,
};
use jiff::{ToSpan, civil::Date};
use storage::{Scope, claims::ClaimRecord};

/// Characters of a carrier's number for a claim.
const REFERENCE_CHARS_MAX: usize = 60;

/// A change of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It goes on.
    Step {
        /// How.
        step: Step,
        /// Why, in a person's words.
        why: Option<String>,
    },
    /// Another amount is claimed.
    Amount(Money),
    /// What is written about it.
    Note(String),
    /// Who looks after it.
    Owner(Option<UserId>),
    /// Collect what other systems know of it once more.
    Refresh,
}

impl Change {
    const fn action(&self) -> &'static str {
        match self {
            Self::Step { step, .. } => match step.kind() {
                StepKind::File => "claim.file",
                StepKind::Offer => "claim.offer",
                StepKind::Accept => "claim.accept",
                StepKind::Pay => "claim.pay",
                StepKind::Reject => "claim.reject",
                StepKind::Contest => "claim.contest",
                StepKind::Close => "claim.close",
                StepKind::Reopen => "claim.reopen",
            },
            Self::Amount(_) => "claim.amount",
            Self::Note(_) => "claim.note",
            Self::Owner(_) => "claim.assign",
            Self::Refresh => "claim.refresh",
        }
    }
}

/// Changes a claim from the revision that the caller saw; none: whatever it is now.
///
/// # Errors
/// `Conflict` where it changed meanwhile; when the caller may not, there is no such claim, or the change is not
/// possible.
pub async fn change(
    context: &Context,
    caller: &Caller,
    number: ClaimNumber,
    revision: Option<u64>,
    change: Change,
) -> Result<ClaimRecord> {
    caller.require(Permission::Act)?;
    let scope = caller.scope();
    let found = context.store.claims.numbered(scope, number).await?.ok_or(UseCaseError::NotFound("claim"))?;
    if revision.is_some_and(|seen| seen != found.revision) {
        return Err(changed(number));
    }
    let mut audit = context.audit(change.action(), format!("claim:{}", found.id));
    if let Change::Step { why, .. } = &change
        && let Some(why) = audit::given(why.clone())?
    {
        audit = audit.why(Some(audit::reason_about(context, scope, found.shipment, &why).await?));
    }
    let refresh = change == Change::Refresh;
    let next = applied(context, scope, &found, change).await?;
    let jobs = if refresh { vec![job_of(context, scope, &next).await?] } else { Vec::new() };
    if !context.store.claims.save(scope, next.clone(), jobs, Some(audit)).await? {
        return Err(changed(number));
    }
    if refresh {
        context.notifier.all_work();
    }
    if found.claim.status == ClaimStatus::Draft && next.claim.status != ClaimStatus::Draft {
        // the change is kept; the next look at deadlines makes good what fails here
        if let Err(error) = remind::over(context, scope, number).await {
            tracing::warn!(%number, "the alert of a claim does not end yet: {error}");
        }
    }
    Ok(ClaimRecord { revision: next.revision + 1, ..next })
}

fn changed(number: ClaimNumber) -> UseCaseError {
    UseCaseError::Conflict(format!("{number} changed meanwhile: look again"))
}

async fn applied(context: &Context, scope: Scope, found: &ClaimRecord, change: Change) -> Result<ClaimRecord> {
    let (now, today) = (context.now(), today(context.now()));
    let mut next = ClaimRecord { updated_at: now, ..found.clone() };
    match change {
        Change::Step { step, .. } => {
            let step = completed(found, step, today)?;
            next.claim = found.claim.after(&step, today).map_err(not_possible)?;
            next.missed = next.claim.missed(today);
            next.remind_on = next.claim.remind_after(Some(today));
        }
        Change::Amount(amount) => next.claim = found.claim.claiming(amount).map_err(not_possible)?,
        Change::Note(note) => {
            let note = checked_note(&note)?;
            next.note = if note.is_empty() {
                None
            } else {
                let key = sealing::key(context, scope, found.shipment).await?;
                Some(key.seal(sealing::NOTE, note.as_bytes()))
            };
        }
        Change::Owner(None) => next.owner = None,
        Change::Owner(Some(owner)) => {
            let people = context.store.people.users(scope).await?;
            let known = people.iter().any(|user| user.id == owner && user.enabled);
            next.owner = Some(owner).filter(|_| known);
            if !known {
                return Err(UseCaseError::NotFound("user"));
            }
        }
        Change::Refresh => {}
    }
    Ok(next)
}

/// A step with what is known beside what the person entered: when the carrier usually answers.
fn completed(found: &ClaimRecord, step: Step, today: Date) -> Result<Step> {
    let usual = found.about.rule.as_ref().and_then(|rule| rule.answer_days);
    let usual = usual.map(|days| today.saturating_add(i64::from(days).days()));
    Ok(match step {
        Step::File { reference, answer_by } => {
            let reference = reference.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if reference.as_ref().is_some_and(|text| text.chars().count() > REFERENCE_CHARS_MAX) {
                let message = format!("The carrier's claim number has at most {REFERENCE_CHARS_MAX} characters.");
                return Err(UseCaseError::Invalid { field: "reference", message });
            }
            Step::File { reference, answer_by: answer_by.or(usual) }
        }
        Step::Contest { answer_by } => Step::Contest { answer_by: answer_by.or(usual) },
        other => other,
    })
}

/// How many claims are open, for the frame of the pages.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn open_count(context: &Context, caller: &Caller) -> Result<u64> {
    caller.require(Permission::See)?;
    Ok(context.store.claims.open(caller.scope()).await?)
}
