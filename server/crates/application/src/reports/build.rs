//! Makes a report: its figures in all, of each part that it is split into, and day by day.

use super::{dimension, filter, question};
use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    exceptions::calendar,
    installation,
    kpi::{
        annotations,
        read::{self, Figure, Period},
    },
};
use domain::{access::Permission, carriers::family_name, visible::visible_line};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use kpi::{
    definition::{Definition, Kpi, Unit},
    figure::Value,
    report::{Narrowed, Split},
};
use storage::reports::ReportRecord;

/// Parts that a report is split into, the largest first.
const PARTS_MAX: usize = 200;

/// A report that is made.
#[derive(Clone, Debug)]
pub struct Built {
    /// What it is called.
    pub name: String,
    /// The company.
    pub company: String,
    /// Its days.
    pub period: Period,
    /// Those that it is compared with.
    pub before: Period,
    /// What narrows it, in words: label and value.
    pub narrowed: Vec<(&'static str, String)>,
    /// By what it is split.
    pub split: Option<Split>,
    /// Its figures, as they were asked for.
    pub figures: Vec<&'static Definition>,
    /// Its numbers: for each figure the total, then the parts, then the days.
    pub lines: Vec<Line>,
    /// What was unlike other days: the days, and the words.
    pub annotations: Vec<(String, String)>,
    /// Up to when the figures are counted, in the company's zone.
    pub counted_until: Zoned,
    /// When it was made, in the company's zone.
    pub made_at: Zoned,
}

/// Of what a number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// Of everything.
    Total,
    /// Of one part; none: not known.
    Part(Option<String>),
    /// Of one day.
    Day(Date),
}

/// A number of a report.
#[derive(Clone, Debug)]
pub struct Line {
    /// Of which figure.
    pub of: &'static Definition,
    /// Of what.
    pub what: Of,
    /// The number.
    pub value: Value,
    /// The one of the period before; none of a day.
    pub before: Option<Value>,
    /// The value to reach.
    pub target: Option<f64>,
}

impl Built {
    /// Without an ending, for a file.
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = self.name.chars().map(plain).collect();
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        let name = if words.is_empty() { "report".to_owned() } else { words.join("-") };
        format!("{name}-{}", self.period.from)
    }

    /// The lines of some part of it.
    pub fn lines_of(&self, wanted: impl Fn(&Of) -> bool) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| wanted(&line.what))
    }
}

/// Makes a report as it is seen from a time: at a mailing from when it was due, however late it goes out.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn build(context: &Context, caller: &Caller, report: &ReportRecord, seen_from: Timestamp) -> Result<Built> {
    caller.require(Permission::Figures)?;
    let zone = calendar::company(context, caller.scope()).await?.zone.clone();
    let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
    let question = question(report, zone.to_datetime(seen_from).date());
    let content = &report.content;
    let (counted, not_counted): (Vec<Kpi>, Vec<Kpi>) =
        content.figures.iter().copied().partition(|kpi| kpi.definition().is_counted());
    let answer = read::figures(context, caller, &counted, &question).await?;
    let mut lines: Vec<Line> = answer.figures.iter().map(total).collect();
    if let Some(split) = content.split {
        lines.extend(parts(context, caller, &counted, &question, split, &answer.figures).await?);
    }
    lines.extend(answer.figures.iter().flat_map(days));
    let Period { from, until } = question.period;
    let last = until.yesterday().unwrap_or(until);
    let carrier = filter(&content.narrowed).carrier;
    let annotations = annotations::list(context, caller, (from, last), carrier.as_deref()).await?;
    Ok(Built {
        name: visible_line(&report.name).into_owned(),
        company: installation::company(context).await?.name,
        period: question.period,
        before: question.compared,
        narrowed: narrowed(&content.narrowed),
        split: content.split,
        figures: answer.figures.iter().map(|figure| figure.definition).collect(),
        lines,
        annotations: annotations.iter().map(|one| remark(&one.record)).chain(missing(&not_counted)).collect(),
        counted_until: answer.counted_until.to_zoned(zone.clone()),
        made_at: context.now().to_zoned(zone),
    })
}

fn total(figure: &Figure) -> Line {
    let Figure { definition, value, before, target, .. } = figure;
    Line { of: definition, what: Of::Total, value: *value, before: Some(*before), target: *target }
}

fn days(figure: &Figure) -> impl Iterator<Item = Line> {
    let of = figure.definition;
    figure.days.iter().map(move |(day, value)| Line {
        of,
        what: Of::Day(*day),
        value: *value,
        before: None,
        target: figure.target,
    })
}

async fn parts(
    context: &Context,
    caller: &Caller,
    kpis: &[Kpi],
    question: &read::Question,
    split: Split,
    figures: &[Figure],
) -> Result<Vec<Line>> {
    let mut slices = read::by(context, caller, kpis, question, dimension(split)).await?;
    let size = |slice: &read::Slice| slice.figures.iter().map(|(value, _)| value.of).max().unwrap_or_default();
    slices.sort_by_key(|slice| std::cmp::Reverse(size(slice)));
    slices.truncate(PARTS_MAX);
    let mut lines = Vec::new();
    for slice in slices {
        let name = slice.name.map(|name| part_name(split, &name));
        for (figure, (value, before)) in figures.iter().zip(slice.figures) {
            let what = Of::Part(name.clone());
            lines.push(Line { of: figure.definition, what, value, before: Some(before), target: figure.target });
        }
    }
    Ok(lines)
}

/// A part as a person reads it.
fn part_name(split: Split, name: &str) -> String {
    let carrier = (split == Split::Carrier).then(|| family_name(name)).flatten();
    carrier.map_or_else(|| visible_line(name).into_owned(), str::to_owned)
}

fn narrowed(of: &Narrowed) -> Vec<(&'static str, String)> {
    let all = [
        (Split::Company, &of.company),
        (Split::Warehouse, &of.warehouse),
        (Split::Carrier, &of.carrier),
        (Split::Country, &of.country),
        (Split::Segment, &of.segment),
    ];
    all.into_iter().filter_map(|(by, value)| Some((by.label(), part_name(by, value.as_deref()?)))).collect()
}

fn remark(of: &storage::reports::AnnotationRecord) -> (String, String) {
    let days = if of.from == of.to { of.from.to_string() } else { format!("{} to {}", of.from, of.to) };
    let carrier = of.carrier.as_deref().map(|code| part_name(Split::Carrier, code));
    let words = annotations::words(of);
    (days, carrier.map_or(words.clone(), |carrier| format!("{words} ({carrier})")))
}

/// What an older report asks for and nothing counts.
fn missing(not_counted: &[Kpi]) -> Option<(String, String)> {
    let titles: Vec<&str> = not_counted.iter().map(|kpi| kpi.definition().title).collect();
    (!titles.is_empty()).then(|| ("Not counted yet".to_owned(), titles.join(", ")))
}

/// How many decimal places a number of this unit is shown with.
pub(super) const fn places(unit: Unit) -> usize {
    match unit {
        Unit::Count => 0,
        Unit::Money => 2,
        Unit::Percent | Unit::PerThousand | Unit::Hours | Unit::Minutes | Unit::Seconds => 1,
    }
}
