//! The exception queue, for the pages.

use super::{
    Asker, given, id, named,
    shipments::{unknown, what_happened},
    times::{Times, exact_span, span_words},
    words::{question, resolution, route},
};
use app::contract::{
    ApiResult, When,
    exceptions::{
        Act, ActWith, Card, ClaimOffer, ClockView, Due, EventLine, ExceptionPage, HistoryEntry, QueuePage, QueueQuery,
        QueueRow as RowView, QueueTab, Recorded, Tickets,
    },
    shipments::Lateness,
};
use application::{
    cases::{self, routing::NoTicket},
    claims,
    exceptions::{self, CategoryCount, Happened, HistoryLine, OneException, QueueEntry},
};
use async_trait::async_trait;
use domain::{
    ExceptionReason, Severity, access::Permission, claims::ClaimReason, fold::Fact, ids::ExceptionId,
    observation::Location,
};
use jiff::{SignedDuration, Timestamp};
use storage::{
    figures::{Span, WEEK},
    work::{self, CaseFilter, CaseRecord, ExceptionAction, ExceptionRecord, QueueView},
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
            teams: queue.teams,
            next: queue.next,
        })
    }

    async fn one(&self, exception: String) -> ApiResult<ExceptionPage> {
        let caller = self.0.caller(Permission::See)?;
        let context = &self.0.context;
        let one = exceptions::one(context, &caller, id(&exception)?).await.map_err(|e| self.0.refused(e))?;
        let record = one.entry.row.exception.clone();
        let order = one.entry.row.origin.as_ref().and_then(|origin| origin.url.clone());
        let mut view = page_view(one, &self.0.times());
        if record.closed.is_none() {
            view.unknown = unknown::of(&self.0, &caller, record.shipment, order.as_deref()).await?;
        }
        let claims = claims::of_shipment(context, &caller, record.shipment).await.map_err(|e| self.0.refused(e))?;
        view.claim = claim(&record, &claims);
        Ok(view)
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
            Act::Assign => ExceptionAction::Assign { owner: Some(id(&with.owner)?) },
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
        team: given(query.team),
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
        led_by: match no_ticket {
            Some(NoTicket::Led(reason)) => Some(reason.label().to_owned()),
            _ => None,
        },
        case: row.case.and_then(|case| Some((case.number?, case.url))),
        desk,
        closed: exception.closed.map(|(at, how)| (resolution(how, resolved_by), times.ago(at))),
        acknowledged: exception.acknowledged_at.is_some(),
    }
}

/// When what is put off comes back: at the time that was chosen, else after the span that was.
fn until(with: &ActWith, times: &Times) -> ApiResult<Timestamp> {
    let span = SignedDuration::from_hours(with.snooze.hours());
    Ok(times.chosen(&with.until)?.unwrap_or_else(|| times.now.checked_add(span).unwrap_or(times.now)))
}

fn page_view(one: OneException, times: &Times) -> ExceptionPage {
    let OneException { entry, events, problems, people, promised_by, eta, escalates, teams, history } = one;
    let until = entry.row.exception.snoozed_until.filter(|until| *until > times.now);
    let record = &entry.row.exception;
    let mut history: Vec<_> = history.into_iter().map(|line| (line.at, history_view(line, times))).collect();
    history.extend(entry.row.case.as_ref().and_then(|case| ticket(case, record, times)));
    history.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    ExceptionPage {
        why: why(record, promised_by, events.first(), times),
        order: entry.row.origin.as_ref().and_then(|origin| origin.order.clone()),
        transfer: entry.row.origin.as_ref().map(|origin| origin.name.clone()),
        events: events.iter().map(|fact| event_line(fact, times)).collect(),
        problems,
        people: people.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
        promised: promised_by.map(|at| times.promise(at)),
        eta: eta.as_ref().map(|time| times.event(time)),
        clock: clock(&entry.row.exception, escalates, times),
        claim: None,
        unknown: None,
        snoozed_until: until.map(|at| times.dated(at)),
        teams,
        history: history.into_iter().map(|(_, line)| line).collect(),
        row: row_view(entry, times),
    }
}

/// That its ticket was opened; an earlier episode's is no part of what happened to this one.
fn ticket(case: &CaseRecord, of: &ExceptionRecord, times: &Times) -> Option<(Timestamp, HistoryEntry)> {
    let number = case.number.as_deref().filter(|_| case.opened_at >= of.opened_at)?;
    let what = format!("Ticket #{number} opened");
    Some((case.opened_at, HistoryEntry { at: times.dated(case.opened_at), what, who: None, why: None }))
}

/// What is wrong where the clock or the order says so; what a carrier reported is among the events.
fn why(of: &ExceptionRecord, promised: Option<Timestamp>, newest: Option<&Fact>, times: &Times) -> Option<String> {
    use ExceptionReason as R;
    let end = of.closed.map_or(times.now, |(at, _)| at);
    let since = |from: Timestamp| span_words(end.duration_since(from).max(SignedDuration::ZERO));
    let last = newest.and_then(|fact| {
        let at = fact.observation.time.sort_key()?;
        Some((named::title(&fact.observation, &fact.reading), times.event(&fact.observation.time).shown, at))
    });
    let silent = |(title, shown, at): (String, String, Timestamp)| {
        format!("Nothing was reported for {} after “{title}” of {shown}.", since(at))
    };
    match of.reason {
        R::Late => promised.map(|at| {
            let late = if at < end { format!(": {} late", since(at)) } else { String::new() };
            format!("Promised for {}{late}.", times.promise(at).shown)
        }),
        R::Silence | R::PresumedLost | R::CustomsStuck => Some(
            last.map_or_else(|| format!("Nothing was reported since {}.", times.dated(of.opened_at).shown), silent),
        ),
        R::NotShipped => Some(format!(
            "The label was made, and the carrier has not scanned the parcel: open for {}.",
            since(of.opened_at)
        )),
        R::LateToShip => {
            promised.map(|at| format!("Not handed over to the carrier; promised for {}.", times.promise(at).shown))
        }
        R::PredictedLate => promised.map(|at| {
            let at = times.promise(at).shown;
            format!("Promised for {at}. Most shipments that waited as long at the same stage of this lane came later.")
        }),
        R::SlowTransit => Some("Under way for longer than is usual for this carrier, service and lane.".to_owned()),
        R::MilestoneMissing => Some("Later events are there, and one that should come before them is not.".to_owned()),
        R::WrongDestination => {
            Some("The last scan is in a country that is neither the destination’s nor on the way there.".to_owned())
        }
        R::TrackingStopped => Some("The source tracks this number no longer.".to_owned()),
        _ => None,
    }
}

/// An event; a place that came as free text may name people, and is left to the shipment's page.
fn event_line(fact: &Fact, times: &Times) -> EventLine {
    let is_in_parts = fact.observation.location.as_ref().is_some_and(Location::is_in_parts);
    EventLine {
        at: times.event(&fact.observation.time),
        title: named::title(&fact.observation, &fact.reading),
        code: fact.observation.codes.raw.clone(),
        observation: fact.id.to_string(),
        place: named::place(&fact.observation).filter(|_| is_in_parts),
    }
}

/// The clock, and what stops it.
fn clock(exception: &ExceptionRecord, escalates: Option<(Timestamp, Severity)>, times: &Times) -> ClockView {
    let stops = match (exception.closed, exception.is_paused()) {
        (Some(_), _) => "Stopped: the exception is closed.".to_owned(),
        (None, true) => format!(
            "Paused: “{}” stops the clock, since the carrier cannot do anything about it. Look at it by {} all the same.",
            exception.reason.label(),
            times.dated(exception.look_by()).shown
        ),
        (None, false) => {
            "Runs in working hours. Stops when the events say that it is over, or when it is resolved.".to_owned()
        }
    };
    let runs = exception.closed.is_none() && !exception.is_paused();
    ClockView {
        due: runs.then(|| times.dated(exception.due_at)),
        stops,
        escalates: escalates.map(|(at, severity)| (times.dated(at), severity.label().to_lowercase())),
    }
}

/// What can be claimed for an exception, unless a claim for it is there.
fn claim(exception: &ExceptionRecord, claims: &[claims::Listed]) -> Option<ClaimOffer> {
    let reason = ClaimReason::of(exception.reason)?;
    let is_its =
        |one: &&claims::Listed| one.record.exception == Some(exception.id) || one.record.claim.reason == reason;
    Some(match claims.iter().find(is_its) {
        Some(claim) => ClaimOffer::There {
            number: claim.record.number.to_string(),
            status: claim.record.claim.status.label().to_lowercase(),
        },
        None => ClaimOffer::Raise { reason: reason.code().to_owned() },
    })
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
        Happened::Done(action) => what_happened(&action).to_owned(),
    };
    HistoryEntry { at: times.dated(line.at), what, who: line.who, why: line.why }
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
