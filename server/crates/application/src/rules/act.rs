//! What rules do outside of order systems and desks: alerts, claims and messages to customers, each once.

use super::{
    message, regard,
    turn::{Turn, turn},
    values::values,
};
use crate::{
    alerts::{self, Count, Raised},
    claims,
    context::Context,
    error::{Result, UseCaseError},
    words,
};
use domain::{
    alerts::AlertKind,
    claims::ClaimReason,
    effects::{EffectBody, EffectOutcome, EffectTarget},
    ids::{ExceptionId, ShipmentId},
    rule::{Action, RuleId},
    rules::{Moment, schema, text},
};
use jiff::Timestamp;
use storage::{
    Scope,
    shipments::{EffectRecord, Loaded},
    work::ExceptionRecord,
};

/// What is kept as done of an alert.
const RAISED: &str = "raised";

/// When the rest of a shipment's actions may be done; none where all are done.
///
/// # Errors
/// When the store fails; what was done stays done and is not done again.
pub async fn act(context: &Context, scope: Scope, id: ShipmentId) -> Result<Option<Timestamp>> {
    let Some(loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(None) };
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    let mut later: Option<Timestamp> = None;
    let pending = |effect: &&EffectRecord| {
        let is_done_here = matches!(effect.target, EffectTarget::Alert | EffectTarget::Claim | EffectTarget::Customer);
        effect.outcome == EffectOutcome::Pending && is_done_here
    };
    let mut failed = None;
    for effect in loaded.effects.iter().filter(pending) {
        let (rule, exception, action) = match serde_json::from_str(&effect.body) {
            Ok(EffectBody::ByRule { rule, exception, action, .. }) => (rule, exception, action),
            Ok(_) => continue,
            // it stops none of those behind it
            Err(error) => {
                failed = failed.or(Some(UseCaseError::Internal(format!("effect {}: {error}", effect.id))));
                continue;
            }
        };
        let content = match turn(&book, &rule, &effect.target, context.now()) {
            Turn::Now(content) => content,
            Turn::At(until) => {
                later = later.into_iter().chain([until]).min();
                continue;
            }
            Turn::Never(why) => {
                let outcome = EffectOutcome::not_possible(why);
                context.store.shipments.effect_done(scope, effect.id, outcome, context.now()).await?;
                continue;
            }
        };
        let group_by = content.limits.group_by.as_deref();
        let one = One { rule: &rule, name: &content.name, exception, group_by };
        let done = match &action {
            Action::Alert { channel, text } => {
                one.alert(context, scope, &loaded, (channel.as_deref(), text)).await.map(Some)
            }
            Action::RaiseClaim => one.claim(context, scope, &loaded).await.map(Some),
            Action::MessageCustomer { channel, .. } => {
                message::begin(context, scope, (&loaded, effect.id), channel.as_deref()).await
            }
            _ => Ok(Some(EffectOutcome::NotNeeded)),
        };
        match done {
            Ok(None) => {}
            Ok(Some(outcome)) => {
                context.store.shipments.effect_done(scope, effect.id, outcome, context.now()).await?;
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(later), Err)
}

/// One action.
struct One<'a> {
    rule: &'a RuleId,
    /// What people call the rule.
    name: &'a str,
    exception: Option<ExceptionId>,
    group_by: Option<&'a str>,
}

impl One<'_> {
    fn exception<'a>(&self, loaded: &'a Loaded) -> Option<&'a ExceptionRecord> {
        self.exception.and_then(|id| loaded.exceptions.iter().find(|one| one.id == id))
    }

    async fn alert(
        &self,
        context: &Context,
        scope: Scope,
        loaded: &Loaded,
        (channel, said): (Option<&str>, &str),
    ) -> Result<EffectOutcome> {
        let exception = self.exception(loaded);
        if exception.is_some_and(|exception| exception.closed.is_some()) {
            return Ok(EffectOutcome::NotNeeded);
        }
        let group = self.group(context, loaded, exception);
        let subject = match &group {
            Some(group) => format!("{}/{group}", self.rule),
            None => self.rule.to_string(),
        };
        let about = group.map(|group| format!(", {group}")).unwrap_or_default();
        let raised = Raised {
            kind: AlertKind::RuleAlert,
            subject,
            severity: exception.map(|exception| exception.severity),
            title: format!("{}{about}", self.name),
            detail: text::fill(said, &values(context, loaded, exception)),
            count: Count::More(1),
            unit: "shipments".into(),
            link: page_of(self.rule),
            channels: channel.map(str::to_owned).into_iter().collect(),
        };
        alerts::raise(context, scope, raised).await?;
        Ok(EffectOutcome::Posted(RAISED.into()))
    }

    async fn claim(&self, context: &Context, scope: Scope, loaded: &Loaded) -> Result<EffectOutcome> {
        let exception = self.exception(loaded);
        let Some((exception, reason)) = exception.and_then(|one| Some((one, ClaimReason::of(one.reason)?))) else {
            return Ok(EffectOutcome::NotNeeded);
        };
        let number = claims::raise(context, scope, loaded.shipment.id, Some(exception.id), reason).await?;
        Ok(EffectOutcome::Posted(number.to_string()))
    }

    /// The value by which the rule puts alerts together.
    fn group(&self, context: &Context, loaded: &Loaded, exception: Option<&ExceptionRecord>) -> Option<String> {
        let field = schema::field(self.group_by?)?;
        let committed: Vec<_> = loaded.exceptions.iter().map(ExceptionRecord::committed).collect();
        let about = regard::about(loaded, regard::steps(context, loaded));
        let change = regard::standing(loaded, &about, &committed, context.now());
        let regarded = exception.map(regard::regarded);
        field.text(&Moment { change: &change, exception: regarded.as_ref() }).map(|value| words::foreign(&value))
    }
}

/// The page of a rule, to which its alerts lead.
fn page_of(rule: &RuleId) -> String {
    format!("/rules/{rule}")
}

/// An operational alert that a rule was stopped.
pub(super) async fn alarm(context: &Context, scope: Scope, rule: &RuleId, why: &str) {
    let raised = Raised {
        kind: AlertKind::RuleStopped,
        subject: rule.to_string(),
        severity: None,
        title: format!("Rule {rule} is stopped"),
        detail: why.to_owned(),
        count: Count::Total(1),
        unit: "rules".into(),
        link: page_of(rule),
        channels: Vec::new(),
    };
    if let Err(error) = alerts::raise(context, scope, raised).await {
        tracing::warn!(%rule, "that the rule is stopped is shown on its page, and no alert is raised: {error}");
    }
}

/// A rule runs again.
pub(super) async fn all_clear(context: &Context, scope: Scope, rule: &RuleId) {
    if let Err(error) = alerts::clear(context, scope, AlertKind::RuleStopped, rule.as_str()).await {
        tracing::warn!(%rule, "the alert that the rule was stopped is not cleared: {error}");
    }
}
