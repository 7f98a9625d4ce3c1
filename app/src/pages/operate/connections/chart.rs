//! Messages or calls by hour, as bars: what failed is on top, hatched.

use crate::{components::parts::grouped, contract::connections::HourView};
use leptos::prelude::*;

/// Measures of one drawing.
struct Measures {
    width: f64,
    floor: f64,
    left: f64,
    /// The hour of every so many bars is named.
    named: usize,
    class: &'static str,
}

const WIDE: Measures = Measures { width: 560.0, floor: 186.0, left: 42.0, named: 4, class: "chart chart--wide" };
const NARROW: Measures = Measures { width: 344.0, floor: 166.0, left: 42.0, named: 6, class: "chart chart--narrow" };
/// Room above the highest bar, for what it says.
const TOP: f64 = 20.0;
/// Lines of the grid at most.
const LINES_MAX: u64 = 4;
/// What failed is seen beside thousands that did not.
const FAILED_LEAST: f64 = 2.0;

/// The step between two lines of the grid: 1, 2 or 5 with zeros.
fn step(most: u64) -> u64 {
    let mut ten = 1_u64;
    loop {
        for step in [ten, ten.saturating_mul(2), ten.saturating_mul(5)] {
            if most <= step.saturating_mul(LINES_MAX) {
                return step;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

/// The chart in both widths; the style shows the one that fits.
#[component]
pub fn Hours(
    /// The hours, oldest first.
    hours: Vec<HourView>,
    /// What is counted: `Calls to Odoo`.
    what: String,
) -> impl IntoView {
    let ok: u64 = hours.iter().map(|hour| hour.ok).sum();
    let failed: u64 = hours.iter().map(|hour| hour.failed).sum();
    let title = format!("{what} by hour, 24 hours: {} succeeded, {} failed.", grouped(ok), grouped(failed));
    let narrow = drawing(&hours, title.clone(), &NARROW);
    view! {
        <svg class="chart-defs" width="0" height="0" aria-hidden="true" focusable="false"><defs>
            <pattern id="p-diag" width="6" height="6" patternUnits="userSpaceOnUse"><path class="pt" d="M-1 7L7-1M-1 1L1-1M5 7L7 5"></path></pattern>
        </defs></svg>
        {drawing(&hours, title, &WIDE)}{narrow}
    }
}

#[expect(clippy::cast_precision_loss, reason = "messages of an hour are far below 2^52")]
fn drawing(hours: &[HourView], title: String, m: &Measures) -> impl IntoView + use<> {
    let most = hours.iter().map(|hour| hour.ok + hour.failed).max().unwrap_or_default().max(1);
    let step = step(most);
    let top = step * most.div_ceil(step);
    let scale = |n: u64| n as f64 / top as f64 * (m.floor - TOP);
    let (floor, left, right) = (m.floor, m.left, m.width - 6.0);
    let lines = (1..=top / step)
        .map(|line| {
            let y = floor - scale(line * step);
            view! {
                <path class="grid" d=format!("M{left} {y:.1}H{right}")></path>
                <text x=(left - 8.0).to_string() y=format!("{:.1}", y + 4.0) text-anchor="end">{grouped(line * step)}</text>
            }
        })
        .collect_view();
    let place = (right - left) / hours.len().max(1) as f64;
    let bar_width = format!("{:.1}", place * 0.8);
    let bars = hours
        .iter()
        .enumerate()
        .map(|(i, hour)| {
            let x = left + place * i as f64 + place * 0.1;
            let middle = format!("{:.1}", x + place * 0.4);
            let x = format!("{x:.1}");
            let ok = scale(hour.ok);
            let failed = if hour.failed > 0 { scale(hour.failed).max(FAILED_LEAST) } else { 0.0 };
            let named = ((hours.len() - 1 - i).is_multiple_of(m.named)).then(|| {
                view! { <text x=middle.clone() y=(floor + 17.0).to_string() text-anchor="middle">{hour.hour.trim_end_matches(":00").to_owned()}</text> }
            });
            let well = (hour.ok > 0).then(|| view! {
                <rect class="b2" x=x.clone() y=format!("{:.1}", floor - ok) width=bar_width.clone() height=format!("{ok:.1}")>
                    <title>{format!("{}: {} succeeded", hour.hour, grouped(hour.ok))}</title>
                </rect>
            });
            let badly = (hour.failed > 0).then(|| {
                let y = format!("{:.1}", floor - ok - failed);
                view! {
                    <rect class="bbad" x=x.clone() y=y.clone() width=bar_width.clone() height=format!("{failed:.1}")>
                        <title>{format!("{}: {} failed", hour.hour, grouped(hour.failed))}</title>
                    </rect>
                    <rect class="over" fill="url(#p-diag)" x=x.clone() y=y width=bar_width.clone() height=format!("{failed:.1}")></rect>
                    <text x=middle.clone() y=format!("{:.1}", floor - ok - failed - 5.0) text-anchor="middle">{grouped(hour.failed)}</text>
                }
            });
            view! { {well}{badly}{named} }
        })
        .collect_view();
    let view_box = format!("0 0 {} {}", m.width, floor + 24.0);
    view! {
        <svg class=m.class viewBox=view_box role="img" aria-label=title>
            {lines}{bars}<path class="axis" d=format!("M{left} {floor}H{right}")></path>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn lines_of_the_grid_are_round() {
        for (most, wanted) in [(1, 1), (4, 1), (5, 2), (9, 5), (21, 10), (2_110, 1_000), (18_402, 5_000)] {
            assert_eq!(step(most), wanted, "{most}");
            assert!(most.div_ceil(step(most)) <= 4);
        }
    }
}
