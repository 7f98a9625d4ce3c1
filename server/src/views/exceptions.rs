//! The exception queue, for the pages.

use super::{
    Asker, given, id,
    times::{Times, exact_span, span_words},
    words::{question, resolution, route},
};
use app::contract::{
    ApiResult, When,
    exceptions::{Act, Card, Due, QueuePage, QueueQuery, QueueRow as RowView, QueueTab, Recorded, Tickets},
    shipments::Lateness,
};
use application::{
    cases::{self, routing::NoTicket},
    exceptions::{self, CategoryCount, QueueEntry},
};
use async_trait::async_trait;
use domain::{access::Permission, ids::ExceptionId};
use jiff::{SignedDuration, Timestamp};
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

    async fn act(&self, exception: String, act: Act, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Act)?);
        let (exception, why): (ExceptionId, _) = (id(&exception)?, given(why));
        let action = match act {
            Act::Ticket => {
                let asked = cases::ask_for_ticket(context, &caller, exception, why).await;
                return asked.map_err(|e| self.0.refused(e));
            }
            Act::Acknowledge => ExceptionAction::Acknowledge,
            Act::Take => ExceptionAction::Assign { owner: caller.user() },
            Act::Release => ExceptionAction::Assign { owner: None },
            Act::Snooze => ExceptionAction::Snooze { until: exceptions::snoozed_until(context.now()) },
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
    let QueueEntry { row, agent, mine, resolved_by, no_ticket, desk } = entry;
    let exception = row.exception;
    let left = exception.due_at.duration_since(times.now);
    let clock = match (&exception.closed, left) {
        (Some(_), _) => (Lateness::OnTime, "Closed".to_owned()),
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
