//! One figure and the rows behind it.

use super::{
    choice::asked,
    figure::{Scale, days, figure_view, labels, tab, trend},
    marks::marks,
};
use crate::views::{Asker, times::Times};
use app::contract::{
    ApiError, ApiResult,
    figures::{Elsewhere, FigureQuery, FigureRow, OneFigureView},
};
use application::{
    caller::Caller,
    kpi::{
        period::{Length, Period},
        read::{self, Figure, Question, Tab},
    },
    words::{csv_cut, csv_line},
};
use jiff::Timestamp;
use kpi::{
    contribution::row::Part,
    definition::{Definition, Formula, Kind, Kpi},
    figure::Value,
};
use std::collections::HashMap;
use storage::{Page, rollups::UnitRow, shipments::ShipmentRow};

/// Rows of a file, at most; the last line says that there are more.
const CSV_ROWS_MAX: usize = 50_000;

pub(super) async fn view(asker: &Asker, caller: &Caller, query: FigureQuery) -> ApiResult<OneFigureView> {
    let (kpi, refused) = (found(&query)?, |error| asker.refused(error));
    let asked = asked(asker, caller, query.figures.clone()).await?;
    let answer = read::figures(&asker.context, caller, &[kpi], &asked.question).await.map_err(refused)?;
    let figure = answer.figures.first().ok_or(ApiError::NotFound)?;
    let periods = asked.course();
    let filter = &asked.question.filter;
    let course = read::course(&asker.context, caller, &[kpi], filter, &periods).await.map_err(refused)?;
    let scale = Scale::of(figure.definition, &figure.value);
    let times = asker.times();
    let mut view = figure_view(figure, &asked.view.compared, answer.counted_until, &times);
    view.trend = trend(&scale, asked.length, &periods, course.first().map_or(&[], Vec::as_slice));
    let shown = tab(&query.tab).filter(|_| view.parts.iter().any(|part| part.code == query.tab));
    let code = if shown.is_some() { Some(query.tab.clone()) } else { view.parts.first().map(|part| part.code.clone()) };
    let page = match code.as_deref().and_then(tab) {
        Some(tab) => page(asker, caller, kpi, &asked.question, (tab, &query.cursor)).await?,
        None => Shown::default(),
    };
    Ok(OneFigureView {
        days: days(figure),
        annotations: marks(asker, caller, &each_day(figure), asked.question.filter.carrier.as_deref()).await?,
        tab: code.unwrap_or_default(),
        rows: page.rows.into_iter().map(|(unit, row)| figure_row(&unit, row, figure.definition, &times)).collect(),
        next: page.next,
        elsewhere: elsewhere(figure.definition),
        figure: view,
        choice: asked.view,
    })
}

/// The points of a chart of its days.
fn each_day(figure: &Figure) -> Vec<Period> {
    figure.days.iter().map(|(day, _)| Period::around(*day, Length::Day)).collect()
}

pub(super) async fn csv(asker: &Asker, caller: &Caller, query: FigureQuery) -> ApiResult<String> {
    let kpi = found(&query)?;
    let asked = asked(asker, caller, query.figures.clone()).await?;
    let rows = tab(&query.tab).ok_or(ApiError::NotFound)?;
    let (times, definition) = (asker.times(), kpi.definition());
    let head =
        ["Day", "Number", "Order", "Carrier", "Destination", "State", "Counts", "Times", "Promised", "Delivered"];
    let mut text = csv_line(&head);
    let (mut cursor, mut written) = (String::new(), 0);
    loop {
        let page = page(asker, caller, kpi, &asked.question, (rows, &cursor)).await?;
        written += page.rows.len();
        for (unit, row) in page.rows {
            text.push_str(&line(&figure_row(&unit, row, definition, &times)));
        }
        match page.next {
            Some(next) if written < CSV_ROWS_MAX => cursor = next,
            Some(_) => {
                text.push_str(&csv_cut(written));
                return Ok(text);
            }
            None => return Ok(text),
        }
    }
}

fn line(row: &FigureRow) -> String {
    let n = row.n.to_string();
    let time = |when: &Option<app::contract::When>| when.as_ref().map(|when| when.iso.clone()).unwrap_or_default();
    let (promised, delivered) = (time(&row.promised), time(&row.delivered));
    let cells = [
        row.day.as_str(),
        &row.number,
        &row.order,
        &row.carrier,
        &row.destination,
        row.state.label(),
        &row.counts,
        &n,
        &promised,
        &delivered,
    ];
    csv_line(&cells)
}

/// The figure of the address.
fn found(query: &FigureQuery) -> ApiResult<Kpi> {
    Kpi::from_id(&query.kpi).ok_or(ApiError::NotFound)
}

/// Units with their shipments.
#[derive(Default)]
struct Shown {
    rows: Vec<(UnitRow, Option<ShipmentRow>)>,
    next: Option<String>,
}

async fn page(
    asker: &Asker,
    caller: &Caller,
    kpi: Kpi,
    question: &Question,
    (tab, cursor): (Tab, &str),
) -> ApiResult<Shown> {
    let cursor = Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty());
    let behind = read::behind(&asker.context, caller, kpi, question, (tab, cursor)).await;
    let Page { rows, next } = behind.map_err(|error| asker.refused(error))?;
    let ids = rows.iter().map(|row| row.shipment).collect();
    let shipments = read::shipments(&asker.context, caller, ids).await.map_err(|error| asker.refused(error))?;
    let mut by_id: HashMap<_, _> = shipments.into_iter().map(|row| (row.id, row)).collect();
    let known = |row: UnitRow| {
        let shipment = by_id.get(&row.shipment).cloned();
        (row, shipment)
    };
    let rows = rows.into_iter().map(known).collect();
    by_id.clear();
    Ok(Shown { rows, next })
}

fn figure_row(unit: &UnitRow, row: Option<ShipmentRow>, definition: &Definition, times: &Times) -> FigureRow {
    let key = &unit.key;
    let place = format!(
        "{}/{}/{}/{}/{}",
        unit.shipment.0,
        key.bucket.day,
        key.part.code(),
        key.bucket.hour.unwrap_or(-1),
        key.bin.unwrap_or_default()
    );
    let hour = key.bucket.hour.map_or_else(String::new, |hour| format!(", {hour:02}:00"));
    let number = row.as_ref().and_then(|row| row.numbers.first());
    let named = |row: &ShipmentRow| row.origin.as_ref().map(|origin| origin.name.clone());
    FigureRow {
        key: place,
        shipment: unit.shipment.to_string(),
        number: number
            .map(|number| number.number.clone())
            .or_else(|| row.as_ref().and_then(named))
            .unwrap_or_else(|| "no number yet".into()),
        carrier: number.and_then(|number| number.carrier_label.clone()).unwrap_or_default(),
        order: row.as_ref().and_then(|row| row.origin.as_ref()?.order.clone()).unwrap_or_default(),
        destination: row.as_ref().and_then(|row| row.destination.clone()).unwrap_or_default(),
        state: row.as_ref().map_or(domain::State::Unknown, |row| row.state),
        day: format!("{}{hour}", key.bucket.day.strftime("%a %-d %b %Y")),
        counts: counts(unit, definition, times),
        n: unit.n,
        promised: row.as_ref().and_then(|row| row.promised_by).map(|at| times.promise(at)),
        delivered: row.as_ref().and_then(|row| row.delivered_at.as_ref()).map(|at| times.event(at)),
    }
}

/// What a unit counts, in words.
fn counts(unit: &UnitRow, definition: &Definition, times: &Times) -> String {
    let part = unit.key.part;
    match (part, unit.key.bin) {
        (Part::Value, Some(bin)) => match definition.value(bin) {
            Some(value) => {
                let of = Value { main: Some(value), lowest: None, upper: None, of: 1 };
                Scale::of(definition, &of).words(value)
            }
            None => String::new(),
        },
        (Part::Open, Some(minute)) => {
            let at = Timestamp::from_second(i64::from(minute) * 60).unwrap_or(Timestamp::MAX);
            let word = if at <= times.now { "open, late since" } else { "open until" };
            format!("{word} {}", times.clock_or_date(at).shown)
        }
        (Part::Open, None) => "open".into(),
        (Part::Maybe, _) => "undecided, counts in time".into(),
        (Part::Yes, _) => labels(definition.kpi).0.into(),
        (Part::No, _) => labels(definition.kpi).1.into(),
        (Part::Base, _) => labels(definition.kpi).2.into(),
        (part, _) => part.label().strip_prefix("outside: ").unwrap_or(part.label()).to_owned(),
    }
}

/// Where the rows are of a figure that has none of its own.
fn elsewhere(definition: &Definition) -> Option<Elsewhere> {
    let said = |why: &str, href: &str, label: &str| {
        Some(Elsewhere { why: why.into(), href: href.into(), label: label.into() })
    };
    if definition.is_listed() && definition.is_counted() && definition.formula != Formula::Learned {
        return None;
    }
    let now = "It is what was known at an hour: shipments go in and out of it. Those of now are in the live list.";
    match definition.kpi {
        Kpi::StatusCurrent => said(now, "/shipments?fresh=outdated", "Shipments without a recent event"),
        Kpi::ExceptionsOpen => said(now, "/exceptions", "Open exceptions"),
        Kpi::SyncFailed | Kpi::OdooLatency | Kpi::CaseLatency => {
            said("Its rows are updates of other systems.", "/sync", "Integrations")
        }
        Kpi::Convergence => said(now, "/reconciliation", "Reconciliation"),
        Kpi::BreachForecast => said("It is of what is due today.", "/sla", "Service levels"),
        Kpi::EventLatency | Kpi::ImpossibleTimes => {
            said("It counts events, not shipments: its rows are messages.", "/sync?view=messages", "Messages")
        }
        Kpi::UnmappedShare => {
            said("It counts events, not shipments: its rows are codes.", "/mappings/unmapped", "Unmapped codes")
        }
        _ if definition.kind == Kind::Snapshot => said(now, "/shipments", "Shipments"),
        _ => None,
    }
}
