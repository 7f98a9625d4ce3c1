//! The exception queue, for the pages.

use super::{
    Asker, cursor, id, refused,
    times::{Times, exact_span, span_words},
    words::{question, resolution, resolver, route},
};
use app::contract::{
    ApiError, ApiResult, When,
    exceptions::{Act, Card, QueuePage, QueueQuery, QueueRow as RowView},
    shipments::Lateness,
};
use application::cases::agents::Names;
use async_trait::async_trait;
use domain::access::Permission;
use domain::{
    Category, Severity,
    fold::Resolution,
    ids::{ExceptionId, UserId},
};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use storage::{
    figures::{AGES, Span, WEEK},
    people::AuditRecord,
    work::{CaseFilter, Due, ExceptionAction, ExceptionRecord, QueueRow, QueueView},
};

/// A snoozed exception comes back after this time.
const SNOOZE: SignedDuration = SignedDuration::from_hours(24);
/// A clock that ends within this time is shown as a warning.
const SOON: SignedDuration = SignedDuration::from_hours(2);

/// Characters of a reason at most.
const WHY_CHARS_MAX: usize = 500;

/// The queue.
pub struct ExceptionsPort(pub Asker);

#[async_trait]
impl app::contract::exceptions::ExceptionsPort for ExceptionsPort {
    async fn queue(&self, query: QueueQuery) -> ApiResult<QueuePage> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let times = self.0.times();
        let now = times.now;
        let question = storage::work::QueueQuery {
            view: view(&query.view),
            category: Category::from_code(&query.category),
            severity: Severity::from_code(&query.severity),
            due: match query.due.as_str() {
                "over" => Some(Due::Over),
                "within" => Some(Due::Within),
                _ => None,
            },
            opened: AGES.iter().find(|hours| hours.to_string() == query.age).map(|hours| Span::age(*hours, now)),
            recorded: (query.recorded == "7d").then(|| Span::last(WEEK, now)),
            case: match query.ticket.as_str() {
                "opened" => Some(false),
                "resolved" => Some(true),
                _ => None,
            }
            .map(|self_resolved| CaseFilter { opened: Span::last(WEEK, now), self_resolved }),
            cursor: cursor(query.cursor),
        };
        let page = context.store.work.queue(scope, question, now).await.map_err(|e| refused(context, e))?;
        let counts = context.store.work.queue_counts(scope, now).await.map_err(|e| refused(context, e))?;
        let me = self.0.user.as_ref().map(|u| u.id);
        let by_person = |row: &&QueueRow| matches!(row.exception.closed, Some((_, Resolution::Person)));
        let resolved = page.rows.iter().filter(by_person).map(|row| row.exception.id).collect();
        let lines = context.store.people.audit_of_exceptions(scope, resolved).await.map_err(|e| refused(context, e))?;
        let cases = page.rows.iter().filter_map(|row| row.case.as_ref());
        let named = lines.iter().map(|(line, _)| &line.entry);
        let agents = self.0.agents(cases, named).await.map_err(|e| refused(context, e))?;
        Ok(QueuePage {
            open: counts.iter().map(|(_, _, n)| n).sum(),
            cards: cards(&counts),
            rows: page.rows.into_iter().map(|row| row_view(row, me, (&agents, &lines), &times)).collect(),
            next: page.next,
        })
    }

    async fn act(&self, exception: String, act: Act, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        let exception: ExceptionId = id(&exception)?;
        let me = self.0.user.as_ref().map(|u| u.id);
        let now = context.now();
        if why.chars().count() > WHY_CHARS_MAX {
            let message = format!("Say why in at most {WHY_CHARS_MAX} characters.");
            return Err(ApiError::Invalid { field: "why".into(), message });
        }
        let why = Some(why).filter(|w| !w.trim().is_empty());
        let action = match act {
            Act::Ticket => {
                let asked = application::cases::ask_for_ticket(context, &caller, exception, why).await;
                return asked.map_err(|e| refused(context, e));
            }
            Act::Acknowledge => ExceptionAction::Acknowledge,
            Act::Take => ExceptionAction::Assign { owner: me },
            Act::Release => ExceptionAction::Assign { owner: None },
            Act::Snooze => ExceptionAction::Snooze { until: now.checked_add(SNOOZE).unwrap_or(now) },
            Act::Resolve => ExceptionAction::Resolve,
            Act::Reopen => ExceptionAction::Reopen,
        };
        application::exceptions::act(context, &caller, exception, action, why).await.map_err(|e| refused(context, e))
    }
}

fn view(text: &str) -> QueueView {
    match text {
        "mine" => QueueView::Mine,
        "unassigned" => QueueView::Unassigned,
        "snoozed" => QueueView::Snoozed,
        "closed" => QueueView::Closed,
        "all" => QueueView::All,
        _ => QueueView::Open,
    }
}

fn cards(counts: &[(Category, Severity, u64)]) -> Vec<Card> {
    let mut by_category: BTreeMap<Category, (u64, Severity, u64)> = BTreeMap::new();
    for (category, severity, n) in counts.iter().filter(|(.., n)| *n > 0) {
        let card = by_category.entry(*category).or_insert((0, *severity, 0));
        card.0 += n;
        match severity.cmp(&card.1) {
            std::cmp::Ordering::Greater => (card.1, card.2) = (*severity, *n),
            std::cmp::Ordering::Equal => card.2 += n,
            std::cmp::Ordering::Less => {}
        }
    }
    let mut cards: Vec<_> = by_category.into_iter().collect();
    cards.sort_by_key(|(_, (n, worst, _))| std::cmp::Reverse((*worst, *n)));
    let card = |(category, (count, worst, of_worst)): (Category, (u64, Severity, u64))| Card {
        code: category.code().into(),
        label: category.label().into(),
        count,
        worst,
        of_worst,
    };
    cards.into_iter().map(card).collect()
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

fn row_view(
    row: QueueRow,
    me: Option<UserId>,
    (agents, lines): (&Names, &[(AuditRecord, Option<String>)]),
    times: &Times,
) -> RowView {
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
        mine: exception.owner.is_some() && exception.owner == me,
        owner: row.owner_name,
        responsible: format!("Responsible: {}", exception.responsible.label().to_lowercase()),
        question: row.case.as_ref().filter(|_| exception.closed.is_none()).and_then(|case| question(case, agents)),
        case: row.case.and_then(|case| Some((case.number?, case.url))),
        closed: exception
            .closed
            .map(|(at, how)| (resolution(how, resolver(lines, exception.id, agents)), times.ago(at))),
        acknowledged: exception.acknowledged_at.is_some(),
    }
}
