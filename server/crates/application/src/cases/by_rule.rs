//! What rules do with a case that is there: notes, tags, priority, and closing it, each once. The priority follows the severity of
//! the exception by itself.

use super::{CaseError, CaseWork};
use crate::{
    audit,
    rules::{
        turn::{Turn, runs},
        values::values,
    },
    words,
};
use desks::Labels;
use domain::{
    effects::{EffectBody, EffectOutcome, EffectTarget},
    ids::ExceptionId,
    rule::{Action, RuleId, tags},
    rules::text,
};
use jiff::Timestamp;
use storage::{
    shipments::EffectRecord,
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

impl CaseWork<'_> {
    /// What rules want done with the case of an exception, and is not done.
    pub(super) fn wanted_changes(&self, id: ExceptionId) -> impl Iterator<Item = (&EffectRecord, RuleId, Action)> {
        let pending =
            |effect: &&EffectRecord| effect.target == EffectTarget::Case && effect.outcome == EffectOutcome::Pending;
        self.effects.iter().filter(pending).filter_map(move |effect| match serde_json::from_str(&effect.body).ok()? {
            EffectBody::ByRule { rule, exception, action, .. } if exception == Some(id) => Some((effect, rule, action)),
            _ => None,
        })
    }

    /// Whether the ticket's priority is of another severity than the exception has.
    pub(super) fn is_to_be_ranked(&self, exception: &ExceptionRecord, case: &CaseRecord) -> bool {
        exception.closed.is_none()
            && case.status == CaseStatus::Open
            && case.ticket.severity != Some(exception.severity)
    }

    /// The ticket gets the priority of the exception's severity, once for each.
    pub(super) async fn rank(&self, exception: &ExceptionRecord, case: &mut CaseRecord) -> Result<(), CaseError> {
        let Some(number) = case.number.clone().filter(|_| self.is_to_be_ranked(exception, case)) else { return Ok(()) };
        // of a ticket from before severities were kept an agent may have set the priority: the next change counts
        if case.ticket.severity.is_some() {
            let labels = Labels { severity: Some(exception.severity), tags: Vec::new() };
            self.desk.label(&number, &labels, self.calls).await?;
        }
        case.ticket.severity = Some(exception.severity);
        self.keep(case).await
    }

    /// Does what rules want done with the ticket; when it is looked at again what a paused one wants. What is said in it is found
    /// there after a crash, and not said again.
    pub(super) async fn follow_rules(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
    ) -> Result<Option<Timestamp>, CaseError> {
        let Some(number) = case.number.clone() else { return Ok(None) };
        let context = self.context;
        let mut later: Option<Timestamp> = None;
        for (effect, rule, action) in self.wanted_changes(exception.id) {
            let book = context.rules.book(&context.store, self.scope, context.now()).await?;
            match runs(&book, &rule, context.now()) {
                Turn::Now(_) => {}
                Turn::At(at) => {
                    later = later.into_iter().chain([at]).min();
                    continue;
                }
                Turn::Never(why) => {
                    self.settle(effect, EffectOutcome::not_possible(why)).await?;
                    continue;
                }
            }
            let is_open = case.status == CaseStatus::Open;
            let said = |said: &str| {
                let values = values(self.context, self.loaded, Some(exception));
                words::foreign(&text::fill(said, &values))
            };
            match action {
                Action::UpdateCase { note, tags: list, priority } if is_open => {
                    if let Some(note) = &note {
                        self.desk.note(&number, &effect.key, &said(note), self.calls).await?;
                    }
                    let labels = Labels { severity: priority, tags: list.as_deref().map(tags).unwrap_or_default() };
                    if labels != Labels::default() {
                        self.desk.label(&number, &labels, self.calls).await?;
                    }
                }
                Action::CloseCase { note } if is_open && exception.closed.is_none() => {
                    let body = note.map_or_else(|| format!("Closed by the rule {rule}."), |note| said(&note));
                    self.desk.resolve(&number, &effect.key, &body, self.calls).await?;
                    self.closed_by_rule(exception, case, rule).await?;
                }
                _ => {
                    self.settle(effect, EffectOutcome::NotNeeded).await?;
                    continue;
                }
            }
            self.settle(effect, EffectOutcome::Posted(format!("ticket {number}"))).await?;
        }
        Ok(later)
    }

    /// The rule's word holds until a person or a new episode changes it, as an agent's does.
    async fn closed_by_rule(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
        rule: RuleId,
    ) -> Result<(), CaseError> {
        let number = case.number.as_deref().unwrap_or_default();
        let why = format!("ticket #{number} closed by the rule {rule}; the exception is still open");
        let why = audit::reason(self.context, self.scope, &why).await?;
        let audit = self.context.audit("case.closed", format!("exception:{}", exception.id)).why(Some(why));
        case.status = CaseStatus::Resolved;
        case.resolved_at = Some(self.context.now());
        case.ticket.closed_by_rule = Some(rule);
        self.context.store.work.move_case(self.scope, case.clone(), None, audit, Vec::new()).await?;
        case.revision += 1;
        self.context.notifier.changed();
        Ok(())
    }

    /// There is no ticket that rules could change, and none is coming: they need do nothing.
    pub(super) async fn no_change_needed(&self, id: ExceptionId) -> Result<(), CaseError> {
        for (effect, ..) in self.wanted_changes(id) {
            self.settle(effect, EffectOutcome::NotNeeded).await?;
        }
        Ok(())
    }

    async fn settle(&self, effect: &EffectRecord, outcome: EffectOutcome) -> Result<(), CaseError> {
        let shipments = &self.context.store.shipments;
        Ok(shipments.effect_done(self.scope, effect.id, outcome, self.context.now()).await?)
    }
}
