//! A report as comma-separated values: one row for each number, so that a program can read it.

use super::build::{Built, Of, places};
use crate::words::csv_line;

const HEAD: [&str; 13] = [
    "Figure",
    "Definition",
    "Part",
    "Name",
    "From",
    "To",
    "Value",
    "Unit",
    "Lowest",
    "Upper percentile",
    "Of",
    "Period before",
    "Target",
];

pub(super) fn text(built: &Built) -> String {
    let mut text = csv_line(&HEAD);
    let last = built.period.last();
    for line in &built.lines {
        let of = line.of;
        let number = |value: Option<f64>| value.map(|value| format!("{value:.*}", places(of.unit))).unwrap_or_default();
        let split = built.split.map_or("part", |split| split.code());
        let (part, name, from, to) = match &line.what {
            Of::Total => ("total", String::new(), built.period.from, last),
            Of::Part(name) => (split, name.clone().unwrap_or_else(|| "Not known".into()), built.period.from, last),
            Of::Day(day) => ("day", String::new(), *day, *day),
        };
        text += &csv_line(&[
            of.title.to_owned(),
            format!("{} v{}", of.kpi.id(), of.version),
            part.to_owned(),
            name,
            from.to_string(),
            to.to_string(),
            number(line.value.main),
            of.unit.sign().to_owned(),
            number(line.value.lowest),
            number(line.value.upper),
            line.value.of.to_string(),
            number(line.before.and_then(|value| value.main)),
            number(line.target),
        ]);
    }
    text
}
