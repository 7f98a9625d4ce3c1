//! A report as tables: totals, parts, days. The workbook and the document have the same ones.

use super::build::{Built, Line, Of, places};
use kpi::{
    definition::{Definition, Direction},
    figure::Value,
};
use std::collections::HashMap;

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Words.
    Text(String),
    /// A number with its decimal places.
    Number(f64, usize),
    /// Nothing measured.
    NoData,
    /// Nothing.
    Empty,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// What it is called.
    pub(super) title: String,
    /// Its columns.
    pub(super) head: Vec<String>,
    /// Its rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// All of them.
pub(super) fn tables(built: &Built) -> Vec<Table> {
    let mut tables = vec![totals(built)];
    if let Some(split) = built.split {
        let of_part = |what: &Of| match what {
            Of::Part(name) => Some(name.clone().unwrap_or_else(|| "Not known".into())),
            Of::Total | Of::Day(_) => None,
        };
        tables.push(pivot(built, format!("By {}", split.label().to_lowercase()), split.label(), of_part));
    }
    let of_day = |what: &Of| match what {
        Of::Day(day) => Some(day.to_string()),
        Of::Total | Of::Part(_) => None,
    };
    tables.push(pivot(built, "By day".into(), "Day", of_day));
    tables
}

fn totals(built: &Built) -> Table {
    let head = ["Figure", "Value", "Upper percentile", "Unit", "Of", "Period before", "Change", "Target", "Target met"];
    let rows = built.lines_of(|what| *what == Of::Total).map(|line| {
        let of = line.of;
        let before = line.before.and_then(|value| value.main);
        let change = line.value.main.zip(before).filter(|_| !is_of_few(line)).map(|(now, before)| now - before);
        vec![
            Cell::Text(of.title.to_owned()),
            measured(of, line.value.main),
            optional(of, line.value.upper),
            Cell::Text(of.unit.sign().to_owned()),
            Cell::Number(line.value.of as f64, 0),
            optional(of, before),
            optional(of, change),
            optional(of, line.target),
            met(line).map_or(Cell::Empty, |met| Cell::Text(if met { "yes" } else { "no" }.into())),
        ]
    });
    let rows = rows.collect();
    Table { title: "Figures".into(), head: head.map(str::to_owned).to_vec(), rows }
}

/// Figures side by side, a row for each name.
fn pivot(built: &Built, title: String, first: &str, name_of: impl Fn(&Of) -> Option<String>) -> Table {
    let column = |of: &Definition| match of.unit.sign() {
        "" => of.title.to_owned(),
        sign => format!("{}, {sign}", of.title),
    };
    let head = std::iter::once(first.to_owned()).chain(built.figures.iter().map(|of| column(of))).collect();
    let (mut rows, mut places): (Vec<Vec<Cell>>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for line in &built.lines {
        let Some(name) = name_of(&line.what) else { continue };
        let at = *places.entry(name).or_insert_with_key(|name| {
            let blank = vec![Cell::Empty; built.figures.len()];
            rows.push(std::iter::once(Cell::Text(name.clone())).chain(blank).collect());
            rows.len() - 1
        });
        if let Some(figure) = built.figures.iter().position(|of| of.kpi == line.of.kpi) {
            rows[at][figure + 1] = measured(line.of, line.value.main);
        }
    }
    Table { title, head, rows }
}

fn measured(of: &Definition, value: Option<f64>) -> Cell {
    value.map_or(Cell::NoData, |value| Cell::Number(value, places(of.unit)))
}

fn optional(of: &Definition, value: Option<f64>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Number(value, places(of.unit)))
}

/// Whether it, or what it is compared with, is of too few for a comparison.
fn is_of_few(line: &Line) -> bool {
    line.value.is_of_few() || line.before.as_ref().is_none_or(Value::is_of_few)
}

/// Whether the target is reached; none without one, without a number, or of too few.
pub(super) fn met(line: &Line) -> Option<bool> {
    let value = match line.of.target.is_some_and(|target| target.is_of_upper()) {
        true => line.value.upper,
        false => line.value.main,
    };
    let (value, target) = (value.filter(|_| !line.value.is_of_few())?, line.target?);
    match line.of.direction {
        Direction::Up => Some(value >= target),
        Direction::Down => Some(value <= target),
        Direction::Near => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi::definition::{DEFINITIONS, Formula};

    /// A median that meets its target beside a P90 that is far off, and the other way round.
    #[test]
    fn a_target_is_judged_by_the_number_that_it_is_of() {
        let mut judged = 0;
        for of in DEFINITIONS.iter().filter(|of| of.formula == Formula::Percentiles) {
            let Some(target) = of.target else { continue };
            let line = |main: f64, upper: f64, n: i64| Line {
                of,
                what: Of::Total,
                value: Value { main: Some(main), lowest: None, upper: Some(upper), of: n },
                before: None,
                target: Some(target.value),
            };
            let (good, bad) = (target.value / 2.0, target.value * 2.0);
            assert_eq!(met(&line(good, bad, 500)), Some(!target.of.contains("P9")), "{}", of.kpi.id());
            assert_eq!(met(&line(bad, good, 500)), Some(target.of.contains("P9")), "{}", of.kpi.id());
            assert_eq!(met(&line(good, good, 3)), None, "too few");
            judged += 1;
        }
        assert!(judged >= 4, "{judged}");
    }
}
