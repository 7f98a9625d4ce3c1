//! The overview.

use super::{
    choice::{Asked, asked, carrier_name},
    decisions::{at_risk, due_and_late, failing, grouped_by, overdue, worst_way},
    figure::figures,
    live,
    marks::marks,
};
use crate::views::{Asker, times::Times};
use app::contract::ApiResult;
use app::{
    components::charts::number,
    contract::figures::{DueView, FigureView, FiguresQuery, Length, OverviewView, Standing, WithoutView},
};
use application::{
    caller::Caller,
    kpi::{
        due::{self, Due},
        period::{self, Period},
        read::{self, Cell, Question},
    },
    operations::overview,
};
use jiff::ToSpan as _;
use kpi::{
    definition::Kpi,
    figure::{FEW, Value},
};
use storage::rollups::Filter;

/// What happened in the period.
const FLOW: &[Kpi] = &[Kpi::CasesOpened, Kpi::TransitTime, Kpi::InvoiceDelay, Kpi::FirstAttempt];
/// What was known at its end, or is known now.
const KNOWN: &[Kpi] = &[Kpi::StatusCurrent, Kpi::ExceptionsOpen, Kpi::SyncFailed];
/// Tiles of the page.
const TILES: usize = 6;

pub(super) async fn view(asker: &Asker, caller: &Caller, query: FiguresQuery) -> ApiResult<OverviewView> {
    let refused = |error| asker.refused(error);
    let (context, times) = (&asker.context, asker.times());
    let asked = asked(asker, caller, query).await?;
    let kpis: Vec<Kpi> = [Kpi::OnTime].iter().chain(FLOW).copied().collect();
    let mut flow = figures(asker, caller, &asked, &kpis).await?.into_iter();
    let on_time = flow.next().unwrap_or_default();
    let known = figures(asker, caller, &of_now(&asked), KNOWN).await?;
    let cells = read::cells(context, caller, &[Kpi::OnTime], &asked.question).await.map_err(refused)?;
    let without = without(asker, caller, &asked, &on_time, &cells).await?;
    let due = due::today(context, caller, &asked.question.filter).await.map_err(refused)?;
    let live = overview::overview(context, caller, &asker.zone).await.map_err(refused)?;
    let target = on_time.target.as_ref().map(|target| target.value);
    let today = of_today(&asked);
    let worst = target.and_then(|target| worst_way(&cells, &asked.view.query, target));
    let decisions =
        [at_risk(&due, &today, times.now), worst, failing(&live.failing, live.operates), overdue(live.figures.overdue)];
    // what is not counted gives its place to what is
    let shown = |figure: &FigureView| figure.standing != Standing::NotCounted || figure.id == Kpi::SyncFailed.id();
    Ok(OverviewView {
        due: due_view(&due, today, target, &times),
        tiles: known.into_iter().chain(flow).filter(shown).take(TILES).collect(),
        annotations: marks(asker, caller, &asked.course(), asked.question.filter.carrier.as_deref()).await?,
        decisions: decisions.into_iter().flatten().collect(),
        live: live::view(live, &times),
        on_time,
        without,
        choice: asked.view,
    })
}

/// The same question about now, of what is known at an hour: unless the page looks back.
fn of_now(asked: &Asked) -> Asked {
    let Asked { question, length, today, view } = asked;
    let (mut question, mut view, mut length) = (question.clone(), view.clone(), *length);
    if view.query.from.is_empty() && view.query.until.is_empty() {
        let until = today.saturating_add(1.day());
        question = Question::of(Period { from: until.saturating_sub(7.days()), until }, question.filter);
        "a week ago".clone_into(&mut view.compared);
        length = period::Length::Days;
    }
    Asked { question, length, today: *today, view }
}

/// The question about today alone, as the page's links have it.
pub(super) fn of_today(asked: &Asked) -> FiguresQuery {
    asked.view.query.at(Length::Day, asked.today.to_string())
}

/// What is promised for today.
pub(super) fn due_view(due: &Due, query: FiguresQuery, target: Option<f64>, times: &Times) -> DueView {
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let share = |n: i64| (due.all() > 0).then(|| 100.0 * n as f64 / due.all() as f64);
    let (least, most) =
        (share(due.delivered() + due.on_track()), share(due.delivered() + due.on_track() + due.risky()));
    DueView {
        query,
        due: count(due.all()),
        delivered: count(due.delivered()),
        on_track: count(due.on_track()),
        at_risk: count(due.risky()),
        breached: count(due.breached()),
        looked_at: due.looked_at.map(u64::from),
        expected: None,
        least: least.map(number),
        most: most.map(number),
        // open while it depends on what is at risk
        met: match (target, least, most) {
            (Some(target), Some(least), _) if least >= target => Some(true),
            (Some(target), _, Some(most)) if most < target => Some(false),
            _ => None,
        },
        target: target.map(|target| format!("{} %", number(target))).unwrap_or_default(),
        as_of: times.clock(times.now),
    }
}

/// The carrier without which on-time would be best; none where no carrier makes it better, or one of them is chosen.
async fn without(
    asker: &Asker,
    caller: &Caller,
    asked: &Asked,
    on_time: &FigureView,
    cells: &[Cell],
) -> ApiResult<Option<WithoutView>> {
    if asked.question.filter.carrier.is_some() || on_time.standing != Standing::Known {
        return Ok(None);
    }
    let carriers = grouped_by(cells, |dims| dims.carrier.iter().cloned().collect());
    let (all, late) = cells
        .iter()
        .flat_map(|cell| &cell.tallies)
        .map(due_and_late)
        .fold((0, 0), |(due, late), one| (due + one.0, late + one.1));
    let rest = |(due, of): (i64, i64)| {
        let due = all - due;
        (due >= FEW).then(|| 100.0 * (due - (late - of)) as f64 / due as f64)
    };
    let shares = carriers.iter().filter_map(|(carrier, tally)| {
        let counted = due_and_late(tally);
        Some((carrier, counted, rest(counted)?))
    });
    let Some((carrier, (_, of_carrier), share)) = shares.max_by(|a, b| a.2.total_cmp(&b.2)) else { return Ok(None) };
    let value = on_time.value.unwrap_or_default();
    if share <= value {
        return Ok(None);
    }
    let filter = Filter { carrier: Some(carrier.clone()), ..asked.question.filter.clone() };
    let course = async |filter: &Filter| {
        let read = read::course(&asker.context, caller, &[Kpi::OnTime], filter, &asked.course()).await;
        read.map(|mut all| all.pop().unwrap_or_default()).map_err(|error| asker.refused(error))
    };
    let (of_all, of_one) = (course(&asked.question.filter).await?, course(&filter).await?);
    let target = on_time.target.as_ref().map(|target| target.value);
    Ok(Some(WithoutView {
        carrier: carrier_name(carrier),
        query: FiguresQuery { carrier: carrier.clone(), ..asked.view.query.clone() },
        late: u64::try_from(of_carrier).unwrap_or_default(),
        shown: number(share),
        makes_the_difference: target.is_some_and(|target| value < target && share >= target),
        values: of_all.iter().zip(&of_one).map(|(all, one)| minus(all, one)).collect(),
    }))
}

/// A share without some of its units; none where nothing is left.
fn minus(all: &Value, one: &Value) -> Option<f64> {
    let counted = |value: &Value| value.main.map_or(0.0, |main| (main * value.of as f64 / 100.0).round());
    let of = all.of - one.of;
    (of > 0).then(|| 100.0 * (counted(all) - counted(one)) / of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi::figure::Tally;

    fn times() -> Times {
        Times { now: "2026-03-05T12:00:00Z".parse().unwrap(), zone: jiff::tz::TimeZone::UTC }
    }

    #[test]
    fn what_is_left_without_a_carrier() {
        let value = |main: f64, of: i64| Value { main: Some(main), lowest: None, upper: None, of };
        assert_eq!(minus(&value(90.0, 100), &value(50.0, 20)), Some(100.0));
        assert_eq!(minus(&value(90.0, 100), &value(90.0, 100)), None);
        let none = Value { main: None, lowest: None, upper: None, of: 0 };
        assert_eq!(minus(&value(90.0, 100), &none), Some(90.0));
    }

    #[test]
    fn today_is_open_while_it_depends_on_what_is_at_risk() {
        let of = |pending: i64, late: i64, target: f64| {
            let due = Due { tally: Tally { yes: 90, no: late, pending, ..Tally::default() }, ..Due::default() };
            let view = due_view(&due, FiguresQuery::default(), Some(target), &times());
            (view.least.unwrap(), view.most.unwrap(), view.met)
        };
        assert_eq!(of(5, 5, 95.0), ("95".into(), "95".into(), Some(true)));
        assert_eq!(of(0, 10, 95.0), ("90".into(), "90".into(), Some(false)));
        let none = due_view(&Due::default(), FiguresQuery::default(), Some(95.0), &times());
        assert_eq!((none.due, none.least, none.met), (0, None, None), "nothing is due");
    }
}
