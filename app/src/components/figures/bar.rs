//! The head of a page of figures, and the bar that changes its period and filters. Links and a plain form: all of it works before
//! the browser's half has come.

use super::address;
use crate::{
    components::{Icon, browser},
    contract::figures::{ChoiceView, Compared, FiguresQuery, Length, Narrowing},
};
use domain::visible::visible;
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// Lengths that a page offers as buttons.
const LENGTHS: [Length; 4] = [Length::Day, Length::Week, Length::Month, Length::Quarter];

/// The name of the page and its period, the lengths, printing.
#[component]
pub fn FigureHead(
    /// The page's name.
    #[prop(into)]
    title: String,
    /// The period, and what narrows it.
    choice: ChoiceView,
    /// The page's path: `/overview`.
    #[prop(into)]
    path: String,
    /// Further parameters of the page that stay: name and value.
    #[prop(optional)]
    keep: Vec<(&'static str, String)>,
    /// The figures of a report of this page, separated by commas; empty: the usual ones.
    #[prop(optional, into)]
    report: String,
) -> impl IntoView {
    let so_far = if choice.unfinished { " so far" } else { "" };
    let said = format!("{}{so_far}, {}, compared with {}", capital(&choice.period), choice.days, choice.compared);
    let lengths = LENGTHS.map(|length| {
        let query = &choice.query;
        // the same time, seen more closely or from farther away; the last period that is over stays that
        let day = match (query.from.is_empty(), length) {
            (true, _) => "",
            (false, Length::Day) => &choice.last,
            (false, _) => &choice.first,
        };
        let href = with(&address(&path, &query.at(length, day)), &keep);
        view! { <a class="btn" href=href aria-current=(query.length == length).then_some("true")>{length.label()}</a> }
    });
    let schedule = with(&address("/reports/new", &choice.query), &[("figures", report)]);
    view! {
        <div class="page__head">
            <div><h1>{title}</h1><p data-testid="period">{said}</p></div>
            <div class="row push no-print">
                <div class="btn-group" role="group" aria-label="Length of the period">{lengths}</div>
                <a class="btn wide-flex" href=schedule data-testid="schedule"><Icon name="mail"/>"Schedule"</a>
                <button class="btn wide-flex after-hydration" type="button" on:click=|_| browser::print()><Icon name="print"/>"Print"</button>
            </div>
        </div>
    }
    .into_any()
}

/// The bar: the period before and after, what it is compared with, any days, and what narrows it.
#[component]
pub fn FilterBar(
    /// The period, and what narrows it.
    choice: ChoiceView,
    /// The page's path: `/overview`.
    #[prop(into)]
    path: String,
    /// Further parameters of the page that stay: name and value.
    #[prop(optional)]
    keep: Vec<(&'static str, String)>,
) -> impl IntoView {
    let ChoiceView { query, earlier, later, period, first, last, compared, .. } = choice.clone();
    let navigate = use_navigate();
    let (asked, at) = (StoredValue::new(query.clone()), StoredValue::new(path.clone()));
    let kept = StoredValue::new(keep.clone());
    let go = Callback::new(move |(name, value): (&'static str, String)| {
        let mut pairs = asked.get_value().pairs();
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        let query =
            FiguresQuery::of(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()));
        navigate(&with(&address(&at.get_value(), &query), &kept.get_value()), NavigateOptions::default());
    });
    let to = |query: &FiguresQuery| with(&address(&path, query), &keep);
    let before = view! { <a class="chip chip--step" href=to(&earlier) rel="prev" aria-label=format!("Period before {period}")><Icon name="left"/></a> };
    let after = later.map(|later| {
        view! { <a class="chip chip--step" href=to(&later) aria-label=format!("Period after {period}")><Icon name="right"/></a> }
    });
    let hidden = query.pairs().into_iter().filter(|(name, _)| ["period", "from", "until"].contains(name));
    let hidden = hidden.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    let more =
        keep.iter().map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> }).collect_view();
    let year = query.compared == Compared::Year;
    let other = if year { "a year earlier".to_owned() } else { compared };
    let clear = query.is_narrowed().then(|| view! {
        <a class="chip chip--on" href=to(&query.of_all()) data-testid="clear-filters">"Clear filters"<Icon name="x"/></a>
    });
    let narrowing = narrowing(&choice, go);
    view! {
        <div class="chips figbar no-print">
            {before}<span class="chip chip--on">"Period "<b>{period}</b></span>{after}
            {days(&path, &query, (first, last), &keep)}
            <form class="chips" method="get" action=path.clone() aria-label="Filters">
                {hidden}{more}
                <select class="chip chip--on" name="compared" aria-label="Compared with" on:change=move |event| go.run(("compared", event_target_value(&event)))>
                    <option value="" selected=!year>{if year { "Compared with the period before".to_owned() } else { format!("Compared with {other}") }}</option>
                    <option value="year" selected=year>"Compared with a year earlier"</option>
                </select>
                {narrowing}
                <button class="btn btn--s before-hydration" type="submit">"Filter"</button>
                {clear}
            </form>
        </div>
    }
    .into_any()
}

/// A choice for each of what figures are narrowed by, where there is something to choose.
fn narrowing(choice: &ChoiceView, go: Callback<(&'static str, String)>) -> AnyView {
    let ChoiceView { query, companies, warehouses, carriers, countries, segments, .. } = choice;
    let all: [(&'static str, &'static str, &String, &Vec<Narrowing>); 5] = [
        ("company", "Company", &query.company, companies),
        ("warehouse", "Warehouse", &query.warehouse, warehouses),
        ("carrier", "Carrier", &query.carrier, carriers),
        ("country", "Country", &query.country, countries),
        ("segment", "Segment", &query.segment, segments),
    ];
    let one = |(name, label, value, options): (&'static str, &'static str, &String, &Vec<Narrowing>)| {
        // with one of them there is nothing to choose
        if options.len() < 2 && value.is_empty() {
            return None;
        }
        // of the address, which anybody can write
        let other = (!value.is_empty() && options.iter().all(|option| option.code != *value)).then(|| {
            view! { <option value=value.clone() selected=true>{format!("{label}: {}", visible(value))}</option> }
        });
        let options: Vec<AnyView> = options
            .iter()
            .map(|option| {
                let selected = option.code == *value;
                view! { <option value=option.code.clone() selected=selected>{format!("{label}: {}", option.label)}</option> }.into_any()
            })
            .collect();
        let class = if value.is_empty() { "chip" } else { "chip chip--on" };
        let shown = view! {
            <select class=class name=name aria-label=label data-testid=format!("by-{name}") on:change=move |event| go.run((name, event_target_value(&event)))>
                <option value="">{label}</option>{other}{options}
            </select>
        };
        Some(shown.into_any())
    };
    let shown: Vec<AnyView> = all.into_iter().filter_map(one).collect();
    shown.into_any()
}

/// Any days: a form of its own.
fn days(path: &str, query: &FiguresQuery, (first, last): (String, String), keep: &[(&'static str, String)]) -> AnyView {
    let pairs = query.pairs();
    let rest = pairs.into_iter().filter(|(name, _)| !["period", "from", "until"].contains(name));
    let rest = rest.chain(keep.iter().cloned());
    let hidden: Vec<AnyView> =
        rest.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any()).collect();
    let class = if query.length == Length::Days { "chip chip--on" } else { "chip" };
    view! {
        <details class="pop">
            <summary class=class>"Days"</summary>
            <form class="pop__in stack stack--tight" method="get" action=path.to_owned()>
                <input type="hidden" name="period" value="days"/>{hidden}
                <label>"First day"<input class="input" type="date" name="from" value=first required/></label>
                <label>"Last day"<input class="input" type="date" name="until" value=last required/></label>
                <button class="btn btn--go" type="submit">"Show"</button>
            </form>
        </details>
    }
    .into_any()
}

/// An address with further parameters.
fn with(address: &str, keep: &[(&'static str, String)]) -> String {
    let mut address = address.to_owned();
    for (name, value) in keep.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(&format!("{name}={}", leptos_router::location::Url::escape(value)));
    }
    address
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
