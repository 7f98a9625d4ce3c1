//! Exceptions of a period, service impact and sync health, for the pages.

use super::{
    Asker,
    figures::{
        choice::{Asked, asked, carrier_name},
        figure::figures,
        live,
        marks::marks,
    },
    times::{Times, span_words},
};
use app::contract::{
    ApiResult,
    analytics::{
        AnalyticsQuery, AnalyticsTab, AnalyticsView, CountedView, CustomerView, TroubleRowsView, TroubleView,
        TroublesQuery, TroublesView,
    },
    session::Permission,
};
use application::{
    caller::Caller,
    kpi::{
        analysis::{self, REPEATED, SHIPMENTS_MAX, Troubles, counted, hours_to_end, percentiles},
        period::{Length, Period},
        read::Question,
    },
    operations::overview,
    tracking::read::customer_of,
};
use async_trait::async_trait;
use domain::{Category, ExceptionReason, Party};
use jiff::SignedDuration;
use kpi::definition::Kpi;
use std::collections::BTreeSet;
use storage::reports::TroubleRow;

/// Rows of each list beside a chart.
const LISTED: usize = 8;
/// Kinds of reasons that a chart shows by themselves; the others are one.
const KINDS: usize = 5;
/// Rows of a page of exceptions.
const PAGE: usize = 50;
/// All other kinds.
const OTHERS: &str = "others";
/// The edges of the bars of how long exceptions took, in hours.
const EDGES: [f64; 7] = [0.0, 1.0, 4.0, 8.0, 24.0, 48.0, 96.0];
const EDGE_WORDS: [&str; 8] = ["0", "1 h", "4 h", "8 h", "1 d", "2 d", "4 d", "more"];
/// What joins the two ends of a lane.
const LANE: &str = " > ";

/// Analysis.
pub struct AnalyticsPort(pub Asker);

#[async_trait]
impl app::contract::analytics::AnalyticsPort for AnalyticsPort {
    async fn view(&self, query: AnalyticsQuery) -> ApiResult<AnalyticsView> {
        let caller = self.0.caller(Permission::Figures)?;
        let asked = asked(&self.0, &caller, query.figures).await?;
        let kpis = match query.tab {
            AnalyticsTab::Exceptions => {
                &[Kpi::ExceptionRate, Kpi::ExceptionTime, Kpi::Deflection, Kpi::ExceptionsOpen][..]
            }
            AnalyticsTab::Impact => &[
                Kpi::CasesOpened,
                Kpi::CaseFirstAction,
                Kpi::CaseResolution,
                Kpi::Deflection,
                Kpi::CaseLatency,
                Kpi::NotificationReach,
                Kpi::TimeSaved,
                Kpi::CaseCost,
            ],
            AnalyticsTab::Sync => &[
                Kpi::SyncFailed,
                Kpi::Convergence,
                Kpi::OdooLatency,
                Kpi::CaseLatency,
                Kpi::EventLatency,
                Kpi::UnmappedShare,
                Kpi::ImpossibleTimes,
                Kpi::MilestonesComplete,
            ],
        };
        let carrier = asked.question.filter.carrier.clone();
        Ok(AnalyticsView {
            tab: query.tab,
            tiles: figures(&self.0, &caller, &asked, kpis).await?,
            annotations: marks(&self.0, &caller, &asked.course(), carrier.as_deref()).await?,
            troubles: match query.tab {
                AnalyticsTab::Exceptions => Some(troubles(&self.0, &caller, &asked).await?),
                AnalyticsTab::Impact | AnalyticsTab::Sync => None,
            },
            choice: asked.view,
        })
    }

    async fn rows(&self, query: TroublesQuery) -> ApiResult<TroubleRowsView> {
        let caller = self.0.caller(Permission::Figures)?;
        let asked = asked(&self.0, &caller, query.figures.clone()).await?;
        let read = analysis::troubles(&self.0.context, &caller, &asked.question).await;
        let all = read.map_err(|error| self.0.refused(error))?;
        let found: Vec<&TroubleRow> = all.rows.iter().filter(|row| is_asked(&all, row, &query)).collect();
        let from = query.cursor.parse::<usize>().unwrap_or_default();
        let times = Times { zone: all.zone.clone(), ..self.0.times() };
        let rows = found.iter().skip(from).take(PAGE).map(|row| trouble(row, &times)).collect();
        Ok(TroubleRowsView {
            narrowed: words(&query),
            total: found.len() as u64,
            rows,
            next: (found.len() > from + PAGE).then(|| (from + PAGE).to_string()),
            cut: all.cut,
            choice: asked.view,
        })
    }
}

/// Everything about exceptions, from one reading of the whole trend.
async fn troubles(asker: &Asker, caller: &Caller, asked: &Asked) -> ApiResult<TroublesView> {
    let refused = |error| asker.refused(error);
    let points = asked.course();
    let first = points.first().map_or(asked.question.period.from, |first| first.from);
    let whole = Question {
        period: Period { from: first.min(asked.question.compared.from), until: asked.question.period.until },
        ..asked.question.clone()
    };
    let all = analysis::troubles(&asker.context, caller, &whole).await.map_err(refused)?;
    let before = asked.question.of_compared(asked.today).period;
    let sorted = Sorted { points: &points, period: asked.question.period, before, all: &all };
    let now: Vec<&TroubleRow> = sorted.of(sorted.period).collect();
    let period = Troubles { rows: now.iter().map(|row| (*row).clone()).collect(), ..all.clone() };
    let took: Vec<f64> = period.durations();
    let overview = overview::overview(&asker.context, caller, &asker.zone).await.map_err(refused)?;
    let (customers, repeated) = customers(asker, caller, &all).await?;
    let country = |row: &TroubleRow| row.dims.country.clone().unwrap_or_default();
    Ok(TroublesView {
        opened: now.len() as u64,
        ended: now.iter().filter(|row| row.exception.closed.is_some()).count() as u64,
        before: sorted.of(before).count() as u64,
        cut: all.cut,
        limit: u64::from(SHIPMENTS_MAX),
        of: match asked.length {
            Length::Day => "Day",
            Length::Week => "Week",
            Length::Month => "Month",
            Length::Quarter => "Quarter",
            Length::Days => "Period",
        }
        .to_owned(),
        labels: points.iter().map(|point| short_name(*point, asked.length)).collect(),
        kinds: kinds(&sorted),
        reasons: sorted.by(usize::MAX, |row| row.exception.reason.code().to_owned(), reason_label),
        parties: sorted.by(usize::MAX, |row| row.exception.responsible.code().to_owned(), party_label),
        hours: two_hours(&period.hours()),
        markers: markers(took.clone()),
        took: bars(&took),
        edges: EDGE_WORDS.map(str::to_owned).to_vec(),
        carriers: sorted.by(
            LISTED,
            |row| row.dims.carrier.clone().unwrap_or_default(),
            |code| named(code, carrier_name),
        ),
        countries: sorted.by(LISTED, country, |code| named(code, str::to_owned)),
        lanes: sorted.by(LISTED, lane, str::to_owned),
        customers,
        repeated,
        masked: !caller.may(Permission::ReadPersonal),
        ageing: live::view(overview, &asker.times()).ageing,
    })
}

/// The exceptions of a trend, and the two periods of it that are compared.
struct Sorted<'a> {
    points: &'a [Period],
    period: Period,
    before: Period,
    all: &'a Troubles,
}

impl Sorted<'_> {
    fn of(&self, period: Period) -> impl Iterator<Item = &TroubleRow> {
        self.all.rows.iter().filter(move |row| period.contains(self.all.day(row)))
    }

    /// The most frequent of the period, with what they were before and over the trend.
    fn by(
        &self,
        most: usize,
        code_of: impl Fn(&TroubleRow) -> String,
        label: impl Fn(&str) -> String,
    ) -> Vec<CountedView> {
        let counts = counted(self.of(self.period).map(&code_of));
        let one = |(code, count): (String, u64)| {
            let same = |row: &&TroubleRow| code_of(row) == code;
            let rows: Vec<&TroubleRow> = self.all.rows.iter().filter(same).collect();
            let within = |period: Period| rows.iter().filter(|row| period.contains(self.all.day(row))).count() as u64;
            let here = rows.iter().filter(|row| self.period.contains(self.all.day(row)));
            CountedView {
                label: label(&code),
                count,
                before: within(self.before),
                course: self.points.iter().map(|point| within(*point)).collect(),
                mostly: mostly(here.copied()),
                code,
            }
        };
        counts.into_iter().take(most).map(one).collect()
    }
}

fn mostly<'a>(rows: impl Iterator<Item = &'a TroubleRow>) -> String {
    let reasons = counted(rows.map(|row| row.exception.reason));
    reasons.first().map(|(reason, _)| reason.label().to_owned()).unwrap_or_default()
}

/// The kinds of reasons over the trend; those that are rare are one.
fn kinds(sorted: &Sorted<'_>) -> Vec<CountedView> {
    let of_all = counted(sorted.all.rows.iter().map(|row| row.exception.reason.category()));
    let by_themselves: Vec<Category> = of_all.iter().take(KINDS).map(|(kind, _)| *kind).collect();
    let code = |row: &TroubleRow| {
        let kind = row.exception.reason.category();
        if by_themselves.contains(&kind) { kind.code() } else { OTHERS }.to_owned()
    };
    let label = |code: &str| Category::from_code(code).map_or("Others", Category::label).to_owned();
    let mut kinds: Vec<CountedView> = Vec::new();
    for code_of in by_themselves.iter().map(|kind| kind.code()).chain((of_all.len() > KINDS).then_some(OTHERS)) {
        let of_kind = sorted.by(usize::MAX, code, label).into_iter().find(|kind| kind.code == code_of);
        let course = || {
            let within = |point: &Period| sorted.of(*point).filter(|row| code(row) == code_of).count() as u64;
            sorted.points.iter().map(within).collect()
        };
        // a kind that the period lacks is in the trend all the same
        kinds.push(of_kind.unwrap_or_else(|| CountedView {
            code: code_of.to_owned(),
            label: label(code_of),
            course: course(),
            ..CountedView::default()
        }));
    }
    kinds
}

fn reason_label(code: &str) -> String {
    ExceptionReason::from_code(code).map_or_else(|| code.to_owned(), |reason| reason.label().to_owned())
}

fn party_label(code: &str) -> String {
    match Party::from_code(code) {
        Some(Party::Nobody) => "Force majeure".to_owned(),
        Some(party) => party.label().to_owned(),
        None => code.to_owned(),
    }
}

fn named(code: &str, name: impl Fn(&str) -> String) -> String {
    if code.is_empty() { "Not known".to_owned() } else { name(code) }
}

fn lane(row: &TroubleRow) -> String {
    let or = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".into());
    format!("{}{LANE}{}", or(&row.dims.warehouse), or(&row.dims.country))
}

/// `W47` under a chart; else as the period is called.
fn short_name(period: Period, length: Length) -> String {
    match length {
        Length::Week => format!("W{}", period.from.iso_week_date().week()),
        Length::Month => period.from.strftime("%b").to_string(),
        _ => period.name(length),
    }
}

fn two_hours(hours: &[[u64; 24]; 7]) -> Vec<Vec<u64>> {
    hours.iter().map(|day| day.chunks(2).map(|two| two.iter().sum()).collect()).collect()
}

/// In which bar a number of hours is.
fn bar(hours: f64) -> usize {
    EDGES.partition_point(|edge| *edge <= hours).saturating_sub(1)
}

fn bars(took: &[f64]) -> Vec<u64> {
    let mut bars = vec![0; EDGES.len()];
    for hours in took {
        bars[bar(*hours)] += 1;
    }
    bars
}

/// The median and P90, in words and as a place between the edges.
fn markers(took: Vec<f64>) -> Vec<(String, f64)> {
    let (p50, p90) = percentiles(took);
    let place = |hours: f64| {
        let at = bar(hours);
        let (from, until) = (EDGES[at], EDGES.get(at + 1).copied().unwrap_or(EDGES[at] * 2.0));
        at as f64 + ((hours - from) / (until - from)).clamp(0.0, 1.0)
    };
    let marker = |name: &str, hours: Option<f64>| {
        let hours = hours?;
        Some((format!("{name} {}", span_words(SignedDuration::from_secs((hours * 3_600.0) as i64))), place(hours)))
    };
    [marker("P50", p50), marker("P90", p90)].into_iter().flatten().collect()
}

/// Customers with repeated exceptions, the most frequent first, and how many those are in all.
async fn customers(asker: &Asker, caller: &Caller, all: &Troubles) -> ApiResult<(Vec<CustomerView>, u64)> {
    let keys = all.rows.iter().filter_map(|row| row.customer.clone());
    let repeated: Vec<_> = counted(keys).into_iter().filter(|(_, times)| *times >= REPEATED).collect();
    let number = repeated.len() as u64;
    let mut customers = Vec::new();
    for (key, times) in repeated.into_iter().take(LISTED) {
        let rows: Vec<&TroubleRow> = all.rows.iter().filter(|row| row.customer.as_ref() == Some(&key)).collect();
        let Some(newest) = rows.first() else { continue };
        let known = customer_of(&asker.context, caller, newest.exception.shipment).await;
        let known = known.map_err(|error| asker.refused(error))?;
        let place = known.as_ref().map(|known| [known.city.clone(), known.country.clone()]);
        let place = place.into_iter().flatten().flatten().collect::<Vec<_>>().join(", ");
        let reasons = counted(rows.iter().map(|row| row.exception.reason));
        let mostly = reasons.first().map(|(reason, _)| *reason);
        customers.push(CustomerView {
            code: customer_code(&key),
            name: known.and_then(|known| known.name),
            place,
            times,
            shipments: rows.iter().map(|row| row.exception.shipment).collect::<BTreeSet<_>>().len() as u64,
            mostly: mostly.map(|reason| reason.label().to_owned()).unwrap_or_default(),
            helps: mostly.map(helps).unwrap_or_default().to_owned(),
        });
    }
    Ok((customers, number))
}

fn customer_code((system, record): &(String, i64)) -> String {
    format!("{system}/{record}")
}

/// What would help a customer against a kind of trouble.
const fn helps(reason: ExceptionReason) -> &'static str {
    match reason.category() {
        Category::Address => "Correct the address in Odoo, or add a delivery note",
        Category::Consignee => "Agree on a day, or offer a pick-up point",
        Category::Customs => "Send customs papers with the order",
        Category::Damage => "Pack more strongly",
        _ => "",
    }
}

/// Whether an exception is one of those that are asked for.
fn is_asked(all: &Troubles, row: &TroubleRow, query: &TroublesQuery) -> bool {
    let (exception, is) = (&row.exception, |asked: &str, value: &str| asked.is_empty() || asked == value);
    let hours = || {
        let local = all.zone.to_datetime(exception.opened_at);
        format!("{}-{}", local.weekday().to_monday_zero_offset(), local.hour() / 2 * 2)
    };
    let took = || hours_to_end(row).map_or_else(|| "open".to_owned(), |hours| bar(hours).to_string());
    let customer = || row.customer.as_ref().map(customer_code).unwrap_or_default();
    is(&query.kind, exception.reason.category().code())
        && is(&query.reason, exception.reason.code())
        && is(&query.party, exception.responsible.code())
        && (query.lane.is_empty() || query.lane == lane(row))
        && (query.hours.is_empty() || query.hours == hours())
        && (query.took.is_empty() || query.took == took() || query.took == "ended" && exception.closed.is_some())
        && (query.customer.is_empty() || query.customer == customer())
}

/// What narrows a list, in words.
fn words(query: &TroublesQuery) -> Vec<String> {
    let hours = || {
        let (day, hour) = query.hours.split_once('-')?;
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].get(day.parse::<usize>().ok()?)?;
        let hour = hour.parse::<u8>().ok().filter(|hour| *hour < 24)?;
        Some(format!("{day}, {hour:02}:00 to {:02}:00", hour + 2))
    };
    let took = || match query.took.as_str() {
        "open" => Some("Not ended".to_owned()),
        "ended" => Some("Ended".to_owned()),
        text => {
            let at = text.parse::<usize>().ok().filter(|at| *at + 1 < EDGE_WORDS.len())?;
            Some(format!("Took {} to {}", EDGE_WORDS[at], EDGE_WORDS[at + 1]))
        }
    };
    let known = [
        Category::from_code(&query.kind).map(|kind| kind.label().to_owned()),
        ExceptionReason::from_code(&query.reason).map(|reason| reason.label().to_owned()),
        Party::from_code(&query.party).map(|party| format!("Responsible: {}", party_label(party.code()))),
        Some(query.lane.clone()).filter(|lane| lane.contains(LANE)),
        hours(),
        took(),
        (!query.customer.is_empty()).then(|| "One customer".to_owned()),
    ];
    known.into_iter().flatten().collect()
}

fn trouble(row: &TroubleRow, times: &Times) -> TroubleView {
    let exception = &row.exception;
    let took = hours_to_end(row).map(|hours| span_words(SignedDuration::from_secs((hours * 3_600.0) as i64)));
    TroubleView {
        id: exception.id.to_string(),
        shipment: exception.shipment.to_string(),
        reason: exception.reason.label().to_owned(),
        severity: exception.severity,
        party: party_label(exception.responsible.code()),
        carrier: row.dims.carrier.as_deref().map(carrier_name).unwrap_or_default(),
        country: row.dims.country.clone().unwrap_or_default(),
        opened: times.dated(exception.opened_at),
        took: took.unwrap_or_else(|| "open".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_one_bar_and_its_marker_in_that_bar() {
        for (hours, at) in [(0.0, 0), (0.99, 0), (1.0, 1), (7.9, 2), (24.0, 4), (95.9, 5), (96.0, 6), (9_000.0, 6)] {
            assert_eq!(bar(hours), at, "{hours}");
            let (_, place) = markers(vec![hours]).remove(0);
            assert!(place >= at as f64 && place <= at as f64 + 1.0, "{hours}: {place}");
        }
        assert_eq!(bars(&[0.5, 2.0, 3.0, 200.0]), [1, 2, 0, 0, 0, 0, 1]);
        assert!(markers(Vec::new()).is_empty());
    }

    #[test]
    fn what_narrows_a_list_is_said_and_nonsense_is_not() {
        let of = |query: TroublesQuery| words(&query);
        assert_eq!(of(TroublesQuery { hours: "4-16".into(), ..Default::default() }), ["Fri, 16:00 to 18:00"]);
        assert_eq!(of(TroublesQuery { took: "4".into(), ..Default::default() }), ["Took 1 d to 2 d"]);
        assert_eq!(of(TroublesQuery { party: "NOBODY".into(), ..Default::default() }), ["Responsible: Force majeure"]);
        for odd in ["9-99", "x", "4", "4-255"] {
            assert!(
                of(TroublesQuery { hours: odd.into(), took: "99".into(), ..Default::default() }).is_empty(),
                "{odd}"
            );
        }
    }
}
