//! Reminds of deadlines: an alert before the last day for filing, and one when it is over.

use super::common::{job_of, today};
use crate::{
    alerts::{self, Count, Raised},
    context::Context,
    error::Result,
};
use domain::{Severity, alerts::AlertKind};
use jiff::civil::Date;
use storage::{Scope, claims::ClaimRecord};

/// Pages of claims of one look; what is left comes with the next one.
const PAGES_MAX: usize = 20;

/// Sends the reminders that are due; how many. One that is sent is not sent again.
///
/// # Errors
/// When the store fails; the next look goes on.
pub async fn remind(context: &Context, scope: Scope) -> Result<u64> {
    let today = today(context.now());
    let mut sent = 0;
    for _ in 0..PAGES_MAX {
        let due = context.store.claims.to_remind(scope, today).await?;
        if due.is_empty() {
            break;
        }
        for claim in due {
            // the alert first: a stop in between sends the same one, which is one alert
            alert(context, scope, &claim, today).await?;
            sent += u64::from(reminded(context, scope, claim, today).await?);
        }
    }
    Ok(sent)
}

async fn alert(context: &Context, scope: Scope, of: &ClaimRecord, today: Date) -> Result<()> {
    let Some(by) = of.claim.file_by else { return Ok(()) };
    let carrier = of.about.carrier.as_deref().unwrap_or("the carrier");
    let number = of.number;
    let (severity, title) = if today > by {
        (Severity::Critical, format!("{number}: the deadline for filing with {carrier} has passed"))
    } else {
        let days = (by - today).get_days();
        let left = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        (Severity::Major, format!("{number}: {left} left to file with {carrier}"))
    };
    let amount = of.claim.claimed.map(|amount| format!(", {amount}")).unwrap_or_default();
    let raised = Raised {
        kind: AlertKind::ClaimDeadline,
        subject: number.to_string(),
        severity: Some(severity),
        title,
        detail: format!("{}{amount}; the last day is {by}", of.claim.reason.label()),
        count: Count::Total(1),
        unit: "claim".into(),
        link: format!("/claims/{number}"),
        channels: Vec::new(),
    };
    alerts::raise(context, scope, raised).await.map(drop)
}

/// Keeps that a reminder went out; whether it did. Somebody else may have changed the claim meanwhile: the next look sees.
async fn reminded(context: &Context, scope: Scope, of: ClaimRecord, today: Date) -> Result<bool> {
    let missed = of.claim.missed(today);
    let newly_missed = missed && !of.missed;
    let next = ClaimRecord { missed, remind_on: of.claim.remind_after(Some(today)), updated_at: context.now(), ..of };
    let audit = newly_missed.then(|| context.audit("claim.deadline_missed", format!("claim:{}", next.id)));
    // what is there by now may be more than when it was raised
    let jobs = vec![job_of(context, scope, &next).await?];
    Ok(context.store.claims.save(scope, next, jobs, audit).await?)
}
