//! Shows what was drawn: the drawing for the room there is, the legend, the value at the keyboard's place, the table.

use super::{
    drawing::{Anchor, Drawing, Drawn, Figure, Hatch, Key, Sample, Shape, Stop, Table, places},
    small::{Sparkline, Stack},
};
use leptos::{ev::KeyboardEvent, prelude::*};
use std::sync::Arc;

/// The point that the keyboard is at.
#[derive(Clone, Copy)]
struct Cursor(RwSignal<Option<usize>>);

impl Cursor {
    /// Goes to another point, or leaves them; whether the key was one for that.
    fn press(self, key: &str, points: usize) -> bool {
        let Some(next) = pressed(key, self.0.get_untracked(), points) else { return false };
        self.0.set(next);
        true
    }
}

/// The point that a key leads to, or that it leads to none; nothing where the key is not one for that.
fn pressed(key: &str, at: Option<usize>, points: usize) -> Option<Option<usize>> {
    let last = points.checked_sub(1)?;
    match key {
        "ArrowRight" | "ArrowDown" => Some(Some(at.map_or(0, |at| (at + 1).min(last)))),
        "ArrowLeft" | "ArrowUp" => Some(Some(at.map_or(last, |at| at.saturating_sub(1)))),
        "Home" => Some(Some(0)),
        "End" => Some(Some(last)),
        "Escape" => Some(None),
        _ => None,
    }
}

/// A chart with its legend and, behind a switch, the same figures as a table. The arrow keys read its points one by one.
#[component]
pub fn Chart(
    /// The chart.
    figure: Figure,
) -> impl IntoView {
    let Figure { title, wide, narrow, legend, table } = figure;
    let cursor = Cursor(RwSignal::new(None));
    let words: Arc<[String]> = wide.stops.iter().map(|stop| stop.words.clone()).collect();
    let read = {
        let words = words.clone();
        move || cursor.0.get().and_then(|at| words.get(at).cloned())
    };
    let once = wide == narrow;
    let narrow = (!once).then(|| drawing(narrow, &title, cursor));
    // what has no points has nothing to read
    let tabled = (!words.is_empty()).then(|| as_table(table, &title));
    let keys = (!words.is_empty() && !legend.is_empty()).then(|| legend_of(legend));
    let readout = (!words.is_empty()).then(|| view! { <p class="plot__read" aria-live="polite">{read}</p> });
    view! {
        <figure class="plot">
            {drawing(wide, &title, cursor)}{narrow}
            {readout}{keys}{tabled}
        </figure>
    }
    .into_any()
}

fn drawing(drawing: Drawing, title: &str, cursor: Cursor) -> AnyView {
    let Drawing { width, height, class, marks, stops } = drawing;
    let points = stops.len();
    // what leads somewhere has to be reached: an image has no parts
    let role = if marks.iter().any(|mark| mark.href.is_some()) { "group" } else { "img" };
    let marks: Vec<AnyView> = marks.into_iter().map(mark).collect();
    let stops: Arc<[Stop]> = stops.into();
    let here = move || cursor.0.get().and_then(|at| stops.get(at).map(outline));
    let on_key = move |event: KeyboardEvent| {
        if cursor.press(&event.key(), points) {
            event.prevent_default();
        }
    };
    view! {
        <svg class=class viewBox=format!("0 0 {} {}", places(width), places(height)) role=role aria-label=title.to_owned()
            tabindex=(points > 0).then_some("0") on:keydown=on_key on:blur=move |_| cursor.0.set(None)>
            {marks}{here}
        </svg>
    }
    .into_any()
}

/// Around the point that the keyboard is at.
fn outline(stop: &Stop) -> AnyView {
    let (x, y) = (places(stop.x - 2.0), places(stop.y - 2.0));
    let (width, height) = (places(stop.width + 4.0), places(stop.height + 4.0));
    view! { <rect class="cursor" x=x y=y width=width height=height></rect> }.into_any()
}

fn mark(drawn: Drawn) -> AnyView {
    let Drawn { shape, class, hatch, tip, href } = drawn;
    let title = (!tip.is_empty()).then(|| tip.clone());
    let shown = match shape {
        Shape::Path(d) => view! { <path class=class d=d></path> }.into_any(),
        Shape::Text { x, y, anchor, words } => {
            let anchor = match anchor {
                Anchor::Start => None,
                Anchor::Middle => Some("middle"),
                Anchor::End => Some("end"),
            };
            let class = Some(class).filter(|class| !class.is_empty());
            view! { <text x=places(x) y=places(y) class=class text-anchor=anchor>{words}</text> }.into_any()
        }
        Shape::Circle { x, y, radius } => {
            let circle = view! { <circle class=class cx=places(x) cy=places(y) r=places(radius)></circle> };
            with_title(title, circle)
        }
        Shape::Rect { x, y, width, height } => {
            let [x, y, width, height] = [x, y, width, height].map(places);
            let over = hatch.map(|hatch| {
                let (x, y, width, height) = (x.clone(), y.clone(), width.clone(), height.clone());
                let fill = format!("url(#{})", hatch.id());
                view! { <rect class="over" fill=fill x=x y=y width=width height=height></rect> }
            });
            let rect = view! { <rect class=class x=x y=y width=width height=height></rect>{over} };
            with_title(title, rect)
        }
    };
    match href {
        Some(href) => view! { <g><a href=href aria-label=tip>{shown}</a></g> }.into_any(),
        None => shown,
    }
}

/// What a pointer that rests on it is shown.
fn with_title(title: Option<String>, shown: impl IntoView + 'static) -> AnyView {
    match title {
        Some(title) => view! { <g><title>{title}</title>{shown.into_any()}</g> }.into_any(),
        None => shown.into_any(),
    }
}

fn legend_of(keys: Vec<Key>) -> AnyView {
    let one = |key: Key| {
        let swatch = match key.sample {
            Sample::Line => {
                view! { <svg class="sw sw--l" viewBox="0 0 24 12" aria-hidden="true"><path class=key.class d="M0 6h24"></path></svg> }
                    .into_any()
            }
            Sample::Area => {
                let over = key.hatch.map(|hatch| {
                    let fill = format!("url(#{})", hatch.id());
                    view! { <rect class="over" fill=fill x="0.5" y="0.5" width="11" height="11"></rect> }
                });
                view! {
                    <svg class="sw" viewBox="0 0 12 12" aria-hidden="true">
                        <rect class=key.class x="0.5" y="0.5" width="11" height="11"></rect>{over}
                    </svg>
                }
                .into_any()
            }
        };
        view! { <span>{swatch}{key.words}</span> }.into_any()
    };
    let keys: Vec<AnyView> = keys.into_iter().map(one).collect();
    view! { <p class="legend">{keys}</p> }.into_any()
}

fn as_table(table: Table, title: &str) -> AnyView {
    let heads: Vec<AnyView> =
        table.heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }.into_any()).collect();
    let row = |cells: Vec<String>| {
        let mut cells = cells.into_iter();
        let name = cells.next().unwrap_or_default();
        let cells: Vec<AnyView> = cells.map(|cell| view! { <td class="num">{cell}</td> }.into_any()).collect();
        view! { <tr><th scope="row">{name}</th>{cells}</tr> }.into_any()
    };
    let rows: Vec<AnyView> = table.rows.into_iter().map(row).collect();
    view! {
        <details class="plot__table">
            <summary>"Table"</summary>
            <div class="plot__scroll" tabindex="0" role="region" aria-label="Table">
                <table class="tiny">
                    <caption class="sr">{title.to_owned()}</caption>
                    <thead><tr>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

/// The hatches by which series differ without colour. A page that has charts has them once.
#[component]
pub fn Patterns() -> impl IntoView {
    let pattern = |hatch: Hatch| {
        let (size, d, class) = hatch.tile();
        let size = size.to_string();
        view! {
            <pattern id=hatch.id() width=size.clone() height=size patternUnits="userSpaceOnUse"><path class=class d=d></path></pattern>
        }
        .into_any()
    };
    let patterns: Vec<AnyView> = Hatch::ALL.into_iter().map(pattern).collect();
    view! {
        <svg class="chart-defs" width="0" height="0" aria-hidden="true" focusable="false"><defs>{patterns}</defs></svg>
    }
    .into_any()
}

/// A course in a card or a row.
#[component]
pub fn Spark(
    /// The course.
    line: Sparkline,
) -> impl IntoView {
    image(line.draw(), line.title(), None)
}

/// The parts of a whole in a card or a row.
#[component]
pub fn Strip(
    /// The whole.
    stack: Stack,
) -> impl IntoView {
    // it takes the width of its cell
    image(stack.draw(), stack.title(), Some("none"))
}

fn image(drawing: Drawing, title: String, aspect: Option<&'static str>) -> AnyView {
    let marks: Vec<AnyView> = drawing.marks.into_iter().map(mark).collect();
    let view_box = format!("0 0 {} {}", places(drawing.width), places(drawing.height));
    view! {
        <svg class=drawing.class viewBox=view_box preserveAspectRatio=aspect role="img" aria-label=title>{marks}</svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::pressed;

    #[test]
    fn the_arrow_keys_go_through_the_points() {
        for (key, at, next) in [
            ("ArrowRight", None, Some(Some(0))),
            ("ArrowRight", Some(1), Some(Some(2))),
            ("ArrowDown", Some(2), Some(Some(2))),
            ("ArrowLeft", None, Some(Some(2))),
            ("ArrowUp", Some(0), Some(Some(0))),
            ("Home", Some(2), Some(Some(0))),
            ("End", None, Some(Some(2))),
            ("Escape", Some(1), Some(None)),
            ("Tab", Some(1), None),
        ] {
            assert_eq!(pressed(key, at, 3), next, "{key} at {at:?}");
        }
        assert_eq!(pressed("Home", None, 0), None);
    }
}
