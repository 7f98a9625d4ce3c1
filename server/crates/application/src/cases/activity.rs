//! What agents do in a ticket beside its status: replies, notes, whom it is given to, what it is merged into. It is counted and
//! stands on the shipment's timeline; nothing follows from it.

use super::{CaseError, CaseWork, agents};
use crate::audit;
use desks::Activity;
use storage::work::{CaseRecord, ExceptionRecord};

impl CaseWork<'_> {
    /// Takes over what people did in the ticket, each with a line on the timeline; whether anything is new. `before` is the number
    /// that the ticket had.
    pub(super) async fn follow_activity(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
        before: &str,
        activity: Activity,
    ) -> Result<bool, CaseError> {
        let number = case.number.clone().unwrap_or_default();
        let known = &case.ticket;
        let mut lines: Vec<(&'static str, String)> = Vec::new();
        if number != before {
            lines.push(("case.merged", format!("ticket #{before} merged into #{number} at the service desk")));
        }
        if activity.replies > known.replies {
            let text = format!("ticket #{number}: an agent replied to the customer ({})", activity.replies);
            lines.push(("case.replied", text));
        }
        if activity.notes > known.notes {
            lines.push((
                "case.noted",
                format!("ticket #{number}: an agent added an internal note ({})", activity.notes),
            ));
        }
        let assignee = match &activity.assignee {
            Some(name) => agents::name_of(self.context, self.scope, self.desk.manifest().id, name).await?,
            None => None,
        };
        let subject = |sealed: &Option<storage::Sealed>| sealed.as_ref().map(|sealed| sealed.subject);
        let is_read = activity.changed_at.is_some();
        if is_read && (subject(&assignee), &activity.team) != (subject(&known.assignee), &known.team) {
            let team = activity.team.as_ref().map(|team| format!(" of {}", crate::words::foreign(team)));
            let team = team.unwrap_or_default();
            let text = match activity.assignee {
                Some(_) => format!("ticket #{number} given to an agent{team} at the service desk"),
                None => format!("ticket #{number} given to no agent{team} at the service desk"),
            };
            lines.push(("case.assigned", text));
        }
        if !is_read && lines.is_empty() {
            return Ok(false);
        }
        let is_new = activity.changed_at != known.looked_at;
        if is_read {
            let ticket = &mut case.ticket;
            (ticket.replies, ticket.notes) = (activity.replies, activity.notes);
            (ticket.agent_at, ticket.looked_at) = (activity.last_at, activity.changed_at);
            (ticket.assignee, ticket.team) = (assignee, activity.team);
        }
        for (action, why) in &lines {
            let why = audit::reason(self.context, self.scope, why).await?;
            let audit = self.context.audit(action, format!("exception:{}", exception.id)).why(Some(why));
            self.context.store.work.move_case(self.scope, case.clone(), None, audit, Vec::new()).await?;
            case.revision += 1;
        }
        if !lines.is_empty() {
            self.context.notifier.changed();
        }
        Ok(is_new)
    }
}
