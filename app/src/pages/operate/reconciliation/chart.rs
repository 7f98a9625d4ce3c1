//! The share that agrees by day, as a line and as a table.

use crate::{components::parts::grouped, contract::reconciliation::DayView};
use leptos::prelude::*;

/// Where the chart begins, below its uppermost line.
const TOP: f64 = 12.0;
/// Where it ends.
const FLOOR: f64 = 234.0;
/// All of it, in hundredths of a percent.
const WHOLE: u64 = 10_000;

struct Measures {
    class: &'static str,
    width: f64,
    right: f64,
    /// So many days apart the days are named.
    named: usize,
}

const LEFT: f64 = 46.0;

/// The least value that is drawn: a round one below all of them.
fn least(days: &[DayView], target: u64) -> u64 {
    let lowest = days.iter().map(|day| day.basis_points).min().unwrap_or(WHOLE).min(target);
    let step = step(WHOLE - lowest.min(WHOLE));
    (lowest / step * step).min(WHOLE - step)
}

/// The distance of the lines of the grid: four of them or so.
fn step(range: u64) -> u64 {
    [50, 100, 250, 500, 1_000].into_iter().find(|step| range <= step * 4).unwrap_or(2_500)
}

fn percent(basis_points: u64) -> String {
    match (basis_points / 100, basis_points % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}").trim_end_matches('0').to_owned(),
    }
}

/// The charts, wide and narrow, with the same figures as a table. One day makes no line: it is said in words.
pub(super) fn chart(days: Vec<DayView>, target: u64) -> impl IntoView {
    if let [day] = &days[..] {
        return view! { <p class="small muted" data-testid="first-day">{first_day(day)}</p> }.into_any();
    }
    let wide = Measures { class: "chart chart--wide", width: 640.0, right: 574.0, named: 3 };
    let narrow = Measures { class: "chart chart--narrow", width: 344.0, right: 282.0, named: 4 };
    let rows = days
        .iter()
        .rev()
        .map(|day| {
            let (percent, compared, differing) = (format!("{} %", day.percent), day.compared, day.differing);
            view! { <tr><th scope="row">{day.day.clone()}</th><td class="num">{percent}</td><td class="num">{grouped(compared)}</td><td class="num">{grouped(differing)}</td></tr> }
        })
        .collect_view();
    view! {
        {line(&days, target, &wide)}{line(&days, target, &narrow)}
        <details class="small" data-testid="days"><summary>"Show as a table"</summary>
            <table class="table"><caption class="sr">"Share in agreement by day"</caption>
                <thead><tr><th>"Day"</th><th class="num">"In agreement"</th><th class="num">"Compared"</th><th class="num">"Differ"</th></tr></thead>
                <tbody>{rows}</tbody></table></details>
    }
    .into_any()
}

/// The only day, in words.
fn first_day(day: &DayView) -> String {
    let agreeing = day.compared.saturating_sub(day.differing);
    format!(
        "{} % on {}: {} of {} agreed. The chart begins with the second day.",
        day.percent,
        day.day,
        grouped(agreeing),
        grouped(day.compared)
    )
}

#[expect(clippy::cast_precision_loss, reason = "shares are at most 10,000, days at most 14")]
fn line(days: &[DayView], target: u64, m: &Measures) -> impl IntoView + use<> {
    let floor = least(days, target);
    let step = step(WHOLE - floor);
    let y = |value: u64| FLOOR - (value.max(floor) - floor) as f64 / (WHOLE - floor) as f64 * (FLOOR - TOP);
    let place = (m.right - LEFT) / days.len().saturating_sub(1).max(1) as f64;
    let x = |i: usize| LEFT + place * i as f64;
    let grid = (0..=(WHOLE - floor) / step)
        .map(|n| {
            let (at, value) = (y(floor + n * step), floor + n * step);
            let unit = if value == WHOLE { " %" } else { "" };
            view! {
                <path class="grid" d=format!("M{LEFT} {at:.1}H{}", m.right)></path>
                <text x="38" y=format!("{:.1}", at + 4.0) text-anchor="end">{format!("{}{unit}", percent(value))}</text>
            }
        })
        .collect_view();
    let points: Vec<String> =
        days.iter().enumerate().map(|(i, day)| format!("{:.1},{:.1}", x(i), y(day.basis_points))).collect();
    let path = format!("M{}", points.join("L"));
    let area = format!("{path}L{:.1},{FLOOR}L{:.1},{FLOOR}z", x(days.len().saturating_sub(1)), x(0));
    let named = days
        .iter()
        .enumerate()
        .filter(|(i, _)| (days.len() - 1 - i).is_multiple_of(m.named))
        .map(|(i, day)| view! { <text x=format!("{:.1}", x(i)) y="251" text-anchor="middle">{day.day.clone()}</text> })
        .collect_view();
    let last = days.last().map(|day| {
        let (x, y) = (x(days.len() - 1), y(day.basis_points));
        view! {
            <circle class="dot" cx=format!("{x:.1}") cy=format!("{y:.1}") r="4"></circle>
            <text x=format!("{:.1}", x + 9.0) y=format!("{:.1}", y + 4.0) class="v">{format!("{} %", day.percent)}</text>
        }
    });
    let of = |day: Option<&DayView>| day.map_or_else(String::new, |day| format!("{} % on {}", day.percent, day.day));
    let title = format!(
        "Share in agreement by day: from {} to {}; target {} %.",
        of(days.first()),
        of(days.last()),
        percent(target)
    );
    let goal = y(target);
    view! {
        <svg class=m.class viewBox=format!("0 0 {} 258", m.width) role="img" aria-label=title>
            {grid}
            <path class="target" d=format!("M{LEFT} {goal:.1}H{}", m.right)></path>
            <path class="a1" d=area></path><path class="l1" d=path></path>{last}
            <text x="51" y=format!("{:.1}", goal - 5.0) class="tg">{format!("target {} %", percent(target))}</text>
            <path class="axis" d=format!("M{LEFT} {FLOOR}H{}", m.right)></path>{named}
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(basis_points: u64) -> DayView {
        DayView { day: String::new(), basis_points, percent: String::new(), compared: 0, differing: 0 }
    }

    #[test]
    fn one_day_is_said_in_words() {
        let day = DayView {
            day: "23 Nov".into(),
            basis_points: 9_927,
            percent: "99.27".into(),
            compared: 5_218,
            differing: 38,
        };
        let (agreeing, all) = (grouped(5_180), grouped(5_218));
        let expected = format!("99.27 % on 23 Nov: {agreeing} of {all} agreed. The chart begins with the second day.");
        assert_eq!(first_day(&day), expected);
    }

    #[test]
    fn the_scale_has_round_lines_and_holds_every_value_and_the_target() {
        for (values, target, wanted, lines) in [
            (vec![9_861, 9_927], 9_950, 9_850, 50),
            (vec![10_000], 9_950, 9_950, 50),
            (vec![9_500, 9_990], 9_950, 9_500, 250),
            (vec![0], 9_950, 0, 2_500),
            (vec![10_000], 10_000, 9_950, 50),
        ] {
            let days: Vec<_> = values.iter().map(|value| day(*value)).collect();
            let least = least(&days, target);
            assert_eq!((least, step(WHOLE - least)), (wanted, lines), "{values:?}");
            assert!((WHOLE - least) / step(WHOLE - least) <= 4);
        }
        assert_eq!([percent(9_950), percent(10_000), percent(9_825)], ["99.5", "100", "98.25"]);
    }
}
