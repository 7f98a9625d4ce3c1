//! Reminds of deadlines: an alert before the last day for filing, and one when it is over.

use super::common::{job_of, today};
use crate::{
    alerts::{self, Count, Raised},
    context::Context,
    error::Result,
};
use domain::{
    Severity,
    alerts::AlertKind,
    claims::{ClaimNumber, Reminder},
};
use jiff::civil::Date;
use std::collections::BTreeSet;
use storage::{Scope, alerts::AlertRecord, claims::ClaimRecord};

/// Pages of claims of one look; what is left comes with the next one.
const PAGES_MAX: usize = 20;

/// Sends the reminders that are due, and ends the alerts that nothing is behind any more; how many were sent. A reminder that is sent is
/// not sent again. A claim whose alert cannot be raised stops no other; the next look tries it again.
///
/// # Errors
/// When the store fails; the next look goes on.
pub async fn remind(context: &Context, scope: Scope) -> Result<u64> {
    let today = today(context.now());
    let (mut sent, mut failed) = (0, BTreeSet::new());
    for _ in 0..PAGES_MAX {
        let mut due = context.store.claims.to_remind(scope, today).await?;
        due.retain(|claim| !failed.contains(&claim.number));
        if due.is_empty() {
            break;
        }
        for claim in due {
            let number = claim.number;
            match send(context, scope, claim, today).await {
                Ok(is_kept) => sent += u64::from(is_kept),
                Err(error) => {
                    tracing::warn!(%number, "a reminder of a claim is not sent yet: {error}");
                    failed.insert(number);
                }
            }
        }
    }
    settle(context, scope, today).await?;
    Ok(sent)
}

/// The alert first: a stop in between sends the same one, which is one alert.
async fn send(context: &Context, scope: Scope, of: ClaimRecord, today: Date) -> Result<bool> {
    alert(context, scope, &of, today).await?;
    reminded(context, scope, of, today).await
}

/// Each reminder is an alert of its own, so that each goes out.
fn subject(number: ClaimNumber, reminder: Reminder) -> String {
    match reminder {
        Reminder::Before(days) => format!("{number}/{days}"),
        Reminder::Missed => format!("{number}/missed"),
    }
}

/// The open alerts about claims, with the claim's number; none where that cannot be read.
async fn alerts_of_claims(context: &Context, scope: Scope) -> Result<Vec<(AlertRecord, Option<ClaimNumber>)>> {
    let open = context.store.alerts.open(scope).await?.into_iter().filter(|open| open.kind == AlertKind::ClaimDeadline);
    let number = |open: &AlertRecord| open.subject.split('/').next()?.parse().ok();
    let numbered = |open: AlertRecord| {
        let number = number(&open);
        (open, number)
    };
    Ok(open.map(numbered).collect())
}

/// A claim is filed or closed: there is nothing to remind of.
pub(super) async fn over(context: &Context, scope: Scope, of: ClaimNumber) -> Result<()> {
    for (open, number) in alerts_of_claims(context, scope).await? {
        if number == Some(of) {
            alerts::clear(context, scope, open.kind, &open.subject).await?;
        }
    }
    Ok(())
}

/// Ends the alerts of claims that are filed, closed or gone, and those whose place a later reminder took.
async fn settle(context: &Context, scope: Scope, today: Date) -> Result<()> {
    for (open, number) in alerts_of_claims(context, scope).await? {
        let claim = match number {
            Some(number) => context.store.claims.numbered(scope, number).await?,
            None => None,
        };
        let reminder = claim.as_ref().and_then(|of| Some((of, subject(of.number, of.claim.reminder(today)?))));
        match reminder {
            None => alerts::clear(context, scope, open.kind, &open.subject).await?,
            // the later one went out
            Some((of, now)) if now != open.subject && of.remind_on.is_none_or(|day| day > today) => {
                alerts::give_way(context, scope, open, "a later reminder took its place").await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn alert(context: &Context, scope: Scope, of: &ClaimRecord, today: Date) -> Result<()> {
    let (Some(by), Some(reminder)) = (of.claim.file_by, of.claim.reminder(today)) else { return Ok(()) };
    let carrier = of.about.carrier.as_deref().unwrap_or("the carrier");
    let number = of.number;
    let (severity, title) = match reminder {
        Reminder::Missed => {
            (Severity::Critical, format!("{number}: the deadline for filing with {carrier} has passed"))
        }
        Reminder::Before(_) => {
            let days = (by - today).get_days();
            let left = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
            (Severity::Major, format!("{number}: {left} left to file with {carrier}"))
        }
    };
    let amount = of.claim.claimed.map(|amount| format!(", {amount}")).unwrap_or_default();
    let raised = Raised {
        kind: AlertKind::ClaimDeadline,
        subject: subject(number, reminder),
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

/// Keeps that a reminder went out; whether it did. Someone else may have changed the claim meanwhile: the next look sees.
async fn reminded(context: &Context, scope: Scope, of: ClaimRecord, today: Date) -> Result<bool> {
    let missed = of.claim.missed(today);
    let newly_missed = missed && !of.missed;
    let next = ClaimRecord { missed, remind_on: of.claim.remind_after(Some(today)), updated_at: context.now(), ..of };
    let audit = newly_missed.then(|| context.audit("claim.deadline_missed", format!("claim:{}", next.id)));
    // what is there by now may be more than when it was raised
    let jobs = vec![job_of(context, scope, &next).await?];
    Ok(context.store.claims.save(scope, next, jobs, audit).await?)
}
