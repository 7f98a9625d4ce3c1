//! The exception queue, for the pages.

use super::{
    Asker, given, id,
    times::{Times, exact_span, span_words},
    words::{question, resolution, route},
};
use app::contract::{
    ApiError, ApiResult, When,
    exceptions::{
        Act, ActWith, Card, Due, ExceptionPage, HistoryEntry, QueuePage, QueueQuery, QueueRow as RowView, QueueTab,
        Recorded, Tickets,
    },
    shipments::Lateness,
};
use application::{
    cases::{self, routing::NoTicket},
    exceptions::{self, CategoryCount, Happened, HistoryLine, OneException, QueueEntry},
};
use async_trait::async_trait;
use domain::{access::Permission, ids::ExceptionId};
use jiff::{SignedDuration, Timestamp, civil::DateTime};
use storage::{
    figures::{Span, WEEK},
    work::{self, CaseFilter, ExceptionAction, ExceptionRecord, QueueView},
};

/// A clock that ends within this time is shown as a warning.
const SOON: SignedDuration = SignedDuration::from_hours(2);

/// The queue.
pub struct ExceptionsPort(pub Asker);

#[async_trait]
impl app::contract::exceptions::ExceptionsPort for ExceptionsPort {
    async fn queue(&self, query: QueueQuery) -> ApiResult<QueuePage> {
        let caller = self.0.caller(Permission::See)?;
        let times = self.0.times();
        let queue = exceptions::queue(&self.0.context, &caller, question_of(query, times.now)).await;
        let queue = queue.map_err(|e| self.0.refused(e))?;
        Ok(QueuePage {
            open: queue.open,
            cards: queue.categories.into_iter().map(card).collect(),
            rows: queue.rows.into_iter().map(|entry| row_view(entry, &times)).collect(),
            next: queue.next,
        })
    }

    async fn one(&self, exception: String) -> ApiResult<ExceptionPage> {
        let caller = self.0.caller(Permission::See)?;
        let one = exceptions::one(&self.0.context, &caller, id(&exception)?).await;
        Ok(page_view(one.map_err(|e| self.0.refused(e))?, &self.0.times()))
    }

    async fn act(&self, exception: String, act: Act, with: ActWith) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Act)?);
        let exception: ExceptionId = id(&exception)?;
        let until = until(&with, &self.0.times())?;
        let why = [with.why, with.note].into_iter().filter(|part| !part.trim().is_empty());
        let why = given(why.collect::<Vec<_>>().join(": "));
        let action = match act {
            Act::Ticket => {
                let asked = cases::ask_for_ticket(context, &caller, exception, why).await;
                return asked.map_err(|e| self.0.refused(e));
            }
            Act::Acknowledge => ExceptionAction::Acknowledge,
            Act::Take => ExceptionAction::Assign { owner: caller.user() },
            Act::Release => ExceptionAction::Assign { owner: None },
            Act::Snooze => ExceptionAction::Snooze { until },
            Act::Unsnooze => ExceptionAction::Unsnooze,
            Act::Team => ExceptionAction::Team { team: given(with.team) },
            Act::Resolve => ExceptionAction::Resolve,
            Act::Reopen => ExceptionAction::Reopen,
        };
        exceptions::act(context, &caller, exception, action, why).await.map_err(|e| self.0.refused(e))
    }
}

fn question_of(query: QueueQuery, now: Timestamp) -> work::QueueQuery {
    let ticket = |self_resolved| CaseFilter { opened: Span::last(WEEK, now), self_resolved };
    work::QueueQuery {
        view: match query.view {
            QueueTab::Open => QueueView::Open,
            QueueTab::Mine => QueueView::Mine,
            QueueTab::Unassigned => QueueView::Unassigned,
            QueueTab::Snoozed => QueueView::Snoozed,
            QueueTab::Closed => QueueView::Closed,
            QueueTab::All => QueueView::All,
        },
        category: query.category,
        severity: query.severity,
        due: match query.due {
            Due::Any => None,
            Due::Over => Some(work::Due::Over),
            Due::Within => Some(work::Due::Within),
        },
        opened: query.age.hours().map(|hours| Span::age(hours, now)),
        recorded: match query.recorded {
            Recorded::Any => None,
            Recorded::Week => Some(Span::last(WEEK, now)),
        },
        case: match query.ticket {
            Tickets::Any => None,
            Tickets::Opened => Some(ticket(false)),
            Tickets::Resolved => Some(ticket(true)),
        },
        id: None,
        cursor: given(query.cursor),
    }
}

fn card(of: CategoryCount) -> Card {
    Card { category: of.category, count: of.count, worst: of.worst, of_worst: of.of_worst }
}

/// For how long it is open; of a closed one when it was opened.
fn age(exception: &ExceptionRecord, times: &Times) -> When {
    let opened = times.ago(exception.opened_at);
    let shown = match exception.closed {
        Some(_) => format!("opened {}", opened.shown),
        None => format!("open {}", span_words(times.now.duration_since(exception.opened_at).max(SignedDuration::ZERO))),
    };
    When { shown, ..opened }
}

fn row_view(entry: QueueEntry, times: &Times) -> RowView {
    let QueueEntry { row, agent, mine, resolved_by, no_ticket, next_step, desk } = entry;
    let exception = row.exception;
    let left = exception.due_at.duration_since(times.now);
    let clock = match (&exception.closed, left) {
        (Some(_), _) => (Lateness::OnTime, "Closed".to_owned()),
        (None, _) if exception.is_paused() => (Lateness::None, "paused".to_owned()),
        (None, left) if left.is_negative() => (Lateness::Bad, format!("overdue by {}", exact_span(left.abs()))),
        (None, left) => {
            (if left < SOON { Lateness::Warn } else { Lateness::OnTime }, format!("due in {}", exact_span(left)))
        }
    };
    let number = row.numbers.first();
    RowView {
        id: exception.id.to_string(),
        shipment: exception.shipment.to_string(),
        severity: exception.severity,
        label: exception.reason.label().into(),
        code: exception.reason.code().into(),
        number: number.map_or_else(
            || row.origin.as_ref().map_or_else(|| "no number".into(), |o| o.name.clone()),
            |n| n.number.clone(),
        ),
        route: route(number.and_then(|n| n.carrier_label.as_deref()), row.destination.as_deref()),
        state: row.state,
        clock,
        age: age(&exception, times),
        mine,
        owner: row.owner_name,
        team: exception.team.clone(),
        next_step,
        responsible: format!("Responsible: {}", exception.responsible.label().to_lowercase()),
        question: row
            .case
            .as_ref()
            .filter(|_| exception.closed.is_none())
            .and_then(|case| question(case, agent.as_deref())),
        not_taken: no_ticket == Some(NoTicket::NotTaken),
        case: row.case.and_then(|case| Some((case.number?, case.url))),
        desk,
        closed: exception.closed.map(|(at, how)| (resolution(how, resolved_by), times.ago(at))),
        acknowledged: exception.acknowledged_at.is_some(),
    }
}

/// When what is put off comes back: at the time that was chosen, else after the span that was.
fn until(with: &ActWith, times: &Times) -> ApiResult<Timestamp> {
    let chosen = with.until.trim();
    if chosen.is_empty() {
        return Ok(times.now.checked_add(SignedDuration::from_hours(with.snooze.hours())).unwrap_or(times.now));
    }
    let local = chosen.parse::<DateTime>().ok().and_then(|local| times.zone.to_timestamp(local).ok());
    local.ok_or_else(|| ApiError::Invalid {
        field: "until".into(),
        message: format!("{chosen} is no time: e.g. 2026-12-01T09:00"),
    })
}

fn page_view(one: OneException, times: &Times) -> ExceptionPage {
    let OneException { entry, promised_by, eta, teams, history } = one;
    let until = entry.row.exception.snoozed_until.filter(|until| *until > times.now);
    ExceptionPage {
        order: entry.row.origin.as_ref().map(|origin| origin.name.clone()),
        promised: promised_by.map(|at| times.promise(at)),
        eta: eta.as_ref().map(|time| times.event(time)),
        snoozed_until: until.map(|at| times.dated(at)),
        teams,
        history: history.into_iter().rev().map(|line| history_view(line, times)).collect(),
        row: row_view(entry, times),
    }
}

fn history_view(line: HistoryLine, times: &Times) -> HistoryEntry {
    let what = match line.what {
        Happened::Opened => "Opened".to_owned(),
        Happened::Escalated(severity) => format!("Escalated to {} by its age", severity.label().to_lowercase()),
        Happened::Assigned(Some(name)) => format!("Assigned to {name}"),
        Happened::Assigned(None) => "Unassigned, or assigned to a former user".to_owned(),
        Happened::Team(Some(team)) => format!("Given to team {team}"),
        Happened::Team(None) => "Taken from its team".to_owned(),
        Happened::Snoozed(until) => format!("Snoozed until {}", times.dated(until).shown),
        Happened::Closed(how) => resolution(how, None),
        Happened::Done(action) => done(&action).to_owned(),
    };
    HistoryEntry { at: times.dated(line.at), what, who: line.who, why: line.why }
}

/// What the audit trail's word for an act means.
fn done(action: &str) -> &str {
    match action {
        "exception.acknowledge" => "Acknowledged",
        "exception.unsnooze" => "Back in the queue",
        "exception.resolve" => "Resolved",
        "exception.reopen" => "Reopened",
        "case.resolved" => "Ticket resolved at the service desk",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use app::contract::exceptions::Age;
    use storage::figures::AGES;

    #[test]
    fn the_ages_are_those_of_the_figures() {
        let hours: Vec<_> = Age::ALL.iter().filter_map(|age| age.hours()).collect();
        assert_eq!(hours, AGES);
        assert!(AGES.iter().all(|hours| Age::of_hours(*hours).hours() == Some(*hours)));
    }
}
