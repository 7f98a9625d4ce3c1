//! The board of service levels.

use super::{
    choice::{Asked, asked, carrier_name},
    decisions::{due_and_late, grouped_by},
    figure::{Scale, change, figures},
    overview::{due_view, of_today},
};
use crate::views::{
    Asker,
    times::{Times, exact_span},
};
use app::{
    components::charts::number,
    contract::{
        ApiResult,
        figures::{AtRiskRow, BoardGroup, BoardRow, FiguresQuery, SlaView},
    },
};
use application::{
    caller::Caller,
    kpi::{
        due::{self, AtRisk, Due, Risk},
        read::{self, Cell},
    },
};
use kpi::{contribution::row::Dims, definition::Kpi, figure::Tally};
use std::collections::{BTreeMap, HashMap};
use storage::shipments::ShipmentRow;

/// Rows of a group, at most.
const ROWS_MAX: usize = 12;
/// Shipments at risk that the page lists.
const AT_RISK_MAX: usize = 20;

/// The cells of the period, of the one that it is compared with, and of today.
struct Cells {
    now: Vec<Cell>,
    before: Vec<Cell>,
    today: Vec<Cell>,
}

pub(super) async fn view(asker: &Asker, caller: &Caller, query: FiguresQuery) -> ApiResult<SlaView> {
    let refused = |error| asker.refused(error);
    let (context, times) = (&asker.context, asker.times());
    let asked = asked(asker, caller, query).await?;
    let on_time = figures(asker, caller, &asked, &[Kpi::OnTime]).await?.into_iter().next().unwrap_or_default();
    let cells = async |question| read::cells(context, caller, &[Kpi::OnTime], question).await.map_err(refused);
    let cells = Cells {
        now: cells(&asked.question).await?,
        before: cells(&asked.question.of_compared(asked.today)).await?,
        today: cells(&asked.of_today()).await?,
    };
    let due = due::today(context, caller, &asked.question.filter).await.map_err(refused)?;
    let target = on_time.target.as_ref().map(|target| target.value);
    let board = Board { asked: &asked, cells: &cells, target };
    let groups = board.groups();
    Ok(SlaView {
        at_risk_in_all: due.at_risk.len() as u64,
        at_risk: at_risk(asker, caller, &due, &times).await?,
        due: due_view(&due, of_today(&asked), target, &times),
        groups,
        on_time,
        choice: asked.view,
    })
}

/// The shipments that need a person today, the shortest time left first; those that are over after them.
async fn at_risk(asker: &Asker, caller: &Caller, due: &Due, times: &Times) -> ApiResult<Vec<AtRiskRow>> {
    let (over, left): (Vec<&AtRisk>, Vec<&AtRisk>) = due.at_risk.iter().partition(|one| one.risk == Risk::Over);
    let shown: Vec<&AtRisk> = left.into_iter().chain(over).take(AT_RISK_MAX).collect();
    let ids = shown.iter().map(|one| one.shipment).collect();
    let rows = read::shipments(&asker.context, caller, ids).await.map_err(|error| asker.refused(error))?;
    let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(shown.into_iter().filter_map(|one| Some(risk_row(one, rows.get(&one.shipment)?, times))).collect())
}

fn risk_row(one: &AtRisk, row: &ShipmentRow, times: &Times) -> AtRiskRow {
    let number = row.numbers.first();
    let named = || row.origin.as_ref().map(|origin| origin.name.clone());
    let carrier = number.and_then(|number| number.carrier_label.clone());
    let route = [carrier, row.destination.clone()].into_iter().flatten().collect::<Vec<_>>().join(" → ");
    let left = one.left(times.now);
    AtRiskRow {
        id: row.id.to_string(),
        number: number.map(|number| number.number.clone()).or_else(named).unwrap_or_else(|| "no number yet".into()),
        route,
        state: row.state,
        promised: row.promised_by.map(|at| times.promise(at)).unwrap_or_default(),
        left: left.map_or_else(|| "over".to_owned(), exact_span),
        breached: one.risk == Risk::Over,
        why: match one.risk {
            Risk::Exception(reason) => reason.label().to_owned(),
            Risk::EstimatedLate => "Carrier’s estimate is after the promise".to_owned(),
            Risk::Over => row.exception.map_or_else(
                || "Open past the promise".to_owned(),
                |(reason, _)| format!("Open past the promise: {}", reason.label().to_lowercase()),
            ),
        },
        eta: row.eta.as_ref().map(|eta| times.event(eta)),
    }
}

/// What a row of the board is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    shown: String,
    carrier: Option<String>,
    warehouse: Option<String>,
    country: Option<String>,
    segment: Option<String>,
}

impl Name {
    fn shown(shown: String) -> Self {
        Self { shown, carrier: None, warehouse: None, country: None, segment: None }
    }

    fn segments(dims: &Dims) -> Vec<Self> {
        if dims.segments.is_empty() {
            return vec![Self::shown("No segment".into())];
        }
        let name = |segment: &String| Self { segment: Some(segment.clone()), ..Self::shown(segment.clone()) };
        dims.segments.iter().map(name).collect()
    }

    fn carriers(dims: &Dims) -> Vec<Self> {
        let shown = dims.carrier.as_deref().map_or_else(|| "Unknown carrier".into(), carrier_name);
        vec![Self { carrier: dims.carrier.clone(), ..Self::shown(shown) }]
    }

    fn lanes(dims: &Dims) -> Vec<Self> {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "not known".into());
        let shown = format!("{} → {}", part(&dims.warehouse), part(&dims.country));
        vec![Self { warehouse: dims.warehouse.clone(), country: dims.country.clone(), ..Self::shown(shown) }]
    }

    /// The question about it alone; none where the address has no word for it.
    fn query(&self, query: &FiguresQuery) -> Option<FiguresQuery> {
        let known =
            self.carrier.is_some() || self.segment.is_some() || self.warehouse.is_some() && self.country.is_some();
        let or = |own: &Option<String>, other: &String| own.clone().unwrap_or_else(|| other.clone());
        known.then(|| FiguresQuery {
            carrier: or(&self.carrier, &query.carrier),
            warehouse: or(&self.warehouse, &query.warehouse),
            country: or(&self.country, &query.country),
            segment: or(&self.segment, &query.segment),
            ..query.clone()
        })
    }
}

struct Board<'a> {
    asked: &'a Asked,
    cells: &'a Cells,
    target: Option<f64>,
}

impl Board<'_> {
    fn groups(&self) -> Vec<BoardGroup> {
        let of = |title: &str, names: fn(&Dims) -> Vec<Name>| self.group(title, names);
        let groups = [of("Customer segment", Name::segments), of("Carrier", Name::carriers), of("Lane", Name::lanes)];
        // what has one row without a name is no group
        let is_split = |group: &BoardGroup| group.rows.len() > 1 || group.rows.iter().any(|row| row.query.is_some());
        groups.into_iter().filter(is_split).collect()
    }

    fn group(&self, title: &str, names: fn(&Dims) -> Vec<Name>) -> BoardGroup {
        let [now, before, today] =
            [&self.cells.now, &self.cells.before, &self.cells.today].map(|cells| grouped_by(cells, names));
        let mut all: Vec<&Name> = now.keys().chain(today.keys()).collect();
        all.sort();
        all.dedup();
        let none = Tally::default();
        let of = |tallies: &BTreeMap<Name, Tally>, name: &Name| tallies.get(name).unwrap_or(&none).clone();
        let mut rows: Vec<(f64, BoardRow)> = all
            .into_iter()
            .map(|name| self.row(name, &of(&now, name), &of(&before, name), &of(&today, name)))
            .collect();
        // of what was neither due nor is today there is nothing to say
        rows.retain(|(_, row)| row.due + row.today.0 + row.today.1 + row.today.2 > 0);
        // what misses by most shipments comes first
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let more = rows.len().saturating_sub(ROWS_MAX) as u64;
        let rows = rows.into_iter().take(ROWS_MAX).map(|(_, row)| row).collect();
        BoardGroup { title: title.to_owned(), rows, more }
    }

    /// A row, and how many shipments more are late than the target allows.
    fn row(&self, name: &Name, now: &Tally, before: &Tally, today: &Tally) -> (f64, BoardRow) {
        let definition = Kpi::OnTime.definition();
        let (value, was) = (now.value(definition), before.value(definition));
        let (due, late) = due_and_late(now);
        let target = self.target.unwrap_or_default();
        let over = late as f64 - due as f64 * (100.0 - target) / 100.0;
        let (scale, count) = (Scale::of(definition, &value), |n: i64| u64::try_from(n).unwrap_or_default());
        let judged = value.main.filter(|_| !value.is_of_few()).zip(self.target);
        let row = BoardRow {
            name: name.shown.clone(),
            query: name.query(&self.asked.view.query),
            on_time: value.main.map_or_else(|| "No data".to_owned(), |main| scale.words(main)),
            value: value.main,
            due: count(due),
            late: count(late),
            few: value.is_of_few(),
            gap: judged.map(|(main, target)| signed(main - target)).unwrap_or_default(),
            met: judged.map(|(main, target)| main >= target),
            change: change(definition, &scale, &value, &was, &self.asked.view.compared),
            today: (count(today.yes + today.maybe), count(today.pending), count(today.no + today.overdue)),
        };
        (over, row)
    }
}

/// `+0.5`, `−1.1`.
fn signed(by: f64) -> String {
    let by = (by * 10.0).round() / 10.0;
    let shown = number(by);
    if by > 0.0 && shown != "0" { format!("+{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leads_to_itself_alone() {
        let query = FiguresQuery { company: "A".into(), country: "FR".into(), ..FiguresQuery::default() };
        let dims = Dims {
            carrier: Some("gls".into()),
            warehouse: Some("WH".into()),
            country: Some("DE".into()),
            ..Dims::default()
        };
        let of = |names: fn(&Dims) -> Vec<Name>| names(&dims).remove(0);
        let carrier = of(Name::carriers).query(&query).unwrap();
        assert_eq!((carrier.carrier.as_str(), carrier.country.as_str(), carrier.company.as_str()), ("gls", "FR", "A"));
        let lane = of(Name::lanes);
        assert_eq!(lane.shown, "WH → DE");
        assert_eq!(lane.query(&query).unwrap().country, "DE");
        assert_eq!(of(Name::segments).query(&query), None, "no segment is no word");
        assert_eq!((signed(0.5), signed(-1.14), signed(0.001)), ("+0.5".into(), "−1.1".into(), "0".into()));
    }
}
