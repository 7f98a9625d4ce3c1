//! The page: three tabs, of which the first has the exceptions of the period.

use super::{
    charts::{busiest, hours, kinds, ranked, rows_of, took},
    troubles_address,
};
use crate::{
    api,
    components::{
        Frame, Icon,
        charts::{Chart, Patterns, Spark, Sparkline},
        figures::{FigureHead, FigureTile, FilterBar, address, query},
        live::followed,
        may,
        parts::grouped,
    },
    contract::{
        analytics::{
            AnalyticsQuery, AnalyticsTab, AnalyticsView, CountedView, CustomerView, TroublesQuery, TroublesView,
        },
        exceptions::QueueQuery,
        figures::FiguresQuery,
        session::Permission,
    },
    pages::work::exceptions,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const PATH: &str = "/analytics";

/// The page.
#[component]
pub fn AnalyticsPage() -> impl IntoView {
    let params = use_query_map();
    let asked = Memo::new(move |_| {
        params.with(|params| AnalyticsQuery {
            tab: AnalyticsTab::of(&params.get("show").unwrap_or_default()),
            figures: query(params),
        })
    });
    let view = Resource::new(move || asked.get(), api::get_analytics);
    view! {
        <Frame title="Exception analysis">
            {followed(view, |view| move || page(view.get()))}
        </Frame>
    }
}

/// The address of a tab with the same period and filters.
fn tab_address(tab: AnalyticsTab, figures: &FiguresQuery) -> String {
    let plain = address(PATH, figures);
    if tab.code().is_empty() {
        return plain;
    }
    let sign = if plain.contains('?') { '&' } else { '?' };
    format!("{plain}{sign}show={}", tab.code())
}

fn page(view: AnalyticsView) -> AnyView {
    let AnalyticsView { choice, tab, tiles, annotations, troubles } = view;
    let figures = choice.query.clone();
    let keep: Vec<(&'static str, String)> = vec![("show", tab.code().to_owned())];
    let tabs: Vec<AnyView> = AnalyticsTab::ALL
        .iter()
        .map(|one| {
            let current = (*one == tab).then_some("page");
            view! { <a href=tab_address(*one, &figures) aria-current=current>{one.label()}</a> }.into_any()
        })
        .collect();
    let shown: Vec<AnyView> =
        tiles.into_iter().map(|figure| view! { <FigureTile figure query=figures.clone()/> }.into_any()).collect();
    let body = match &troubles {
        Some(troubles) => exceptions_of(troubles, &figures, |of| chart(kinds(of, &annotations).figure())),
        None => leads(tab),
    };
    view! {
        <Patterns/>
        <FigureHead title="Exception analysis" choice=choice.clone() path=PATH keep=keep.clone() report=report_of(tab)/>
        <nav class="tabs no-print" aria-label="What is shown">{tabs}</nav>
        <FilterBar choice=choice path=PATH keep=keep/>
        <div class="cols cols--4 cols--fill kpis">{shown}</div>
        {body}
    }
    .into_any()
}

/// The figures of a report of a tab.
const fn report_of(tab: AnalyticsTab) -> &'static str {
    match tab {
        AnalyticsTab::Exceptions => "exception_rate,exception_time,deflection",
        AnalyticsTab::Impact => "cases_opened,case_first_action,case_resolution,deflection",
        AnalyticsTab::Sync => "event_latency,unmapped_share,impossible_times,milestones_complete",
    }
}

/// Where the rows of the other tabs are.
fn leads(tab: AnalyticsTab) -> AnyView {
    match tab {
        AnalyticsTab::Sync if may(Permission::Operate) => view! {
            <p class="small muted">"Failed updates, one by one: "<a href="/sync?view=failed">"Integrations"</a>". Differences between the systems: "<a href="/reconciliation">"Reconciliation"</a>". Codes without a mapping: "<a href="/mappings/unmapped">"Mappings"</a>"."</p>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

fn chart(figure: crate::components::charts::Figure) -> AnyView {
    view! { <Chart figure=figure/> }.into_any()
}

fn exceptions_of(of: &TroublesView, figures: &FiguresQuery, over_time: impl Fn(&TroublesView) -> AnyView) -> AnyView {
    let rows = |change: &dyn Fn(&mut TroublesQuery)| {
        let mut query = rows_of(figures);
        change(&mut query);
        query
    };
    let all = troubles_address(&rows(&|_| ()));
    let open = troubles_address(&rows(&|query| query.took = "open".into()));
    let ended = troubles_address(&rows(&|query| query.took = "ended".into()));
    let cut = of.cut.then(|| view! {
        <p class="note note--warn" data-testid="cut"><Icon name="alert"/><span>{format!("Counted from {} shipments; there are more. Choose a shorter period or a filter for all of them.", grouped(of.limit))}</span></p>
    });
    let change = i64::try_from(of.opened).unwrap_or_default() - i64::try_from(of.before).unwrap_or_default();
    let parties =
        ranked("Who is responsible", "Responsible", &of.parties, |code| rows(&|query| query.party = code.into()));
    let reasons = ranked("Reasons", "Reason", &of.reasons[..of.reasons.len().min(12)], |code| {
        rows(&|query| query.reason = code.into())
    });
    let busy: Vec<AnyView> = busiest(of)
        .into_iter()
        .map(|(code, words, n)| {
            let href = troubles_address(&rows(&|query| query.hours = code.clone()));
            view! { <a class="count" href=href data-count=n.to_string()>{format!("{words}: {}", grouped(n))}</a> }
                .into_any()
        })
        .collect();
    let bars: Vec<AnyView> = of
        .took
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(at, n)| {
            let href = troubles_address(&rows(&|query| query.took = at.to_string()));
            view! { <a class="count" href=href data-count=n.to_string()>{format!("{} to {}: {}", of.edges[at], of.edges[at + 1], grouped(*n))}</a> }.into_any()
        })
        .collect();
    if of.opened == 0 && of.before == 0 {
        return view! {
            {cut}
            <div class="table-box"><div class="empty" data-testid="no-exceptions"><h2>"No exceptions began in this period"</h2><p>"Choose another period, or clear the filters."</p></div></div>
        }
        .into_any();
    }
    view! {
        {cut}
        <div class="cols cols--wide2">
            <section class="card"><div class="card__head"><h2>"Kinds over time"</h2><span class="push">
                <a class="count" href=all data-testid="opened" data-count=of.opened.to_string()>{format!("{} began", grouped(of.opened))}</a>{format!(" ({change:+} on the period before) · ")}
                <a class="count" href=ended data-count=of.ended.to_string()>{format!("{} ended", grouped(of.ended))}</a>" · "
                <a class="count" href=open data-count=(of.opened - of.ended).to_string()>{format!("{} open", grouped(of.opened - of.ended))}</a></span></div>
                {over_time(of)}</section>
            <section class="card"><div class="card__head"><h2>"Responsible"</h2></div>{chart(parties.figure())}</section>
        </div>
        <div class="cols cols--wide2">
            <section class="card"><div class="card__head"><h2>"When they begin"</h2><span class="push">"exceptions in two hours, the company’s time"</span></div>
                {chart(hours(of).figure())}<p class="kpi__parts">"Busiest: "{busy}</p></section>
            <section class="card"><div class="card__head"><h2>"Time to resolve"</h2><span class="push">{format!("{} ended", grouped(of.ended))}</span></div>
                {chart(took(of).figure())}<p class="kpi__parts">{bars}</p></section>
        </div>
        <div class="cols cols--wide2">
            <section class="card"><div class="card__head"><h2>"Reasons"</h2></div>{chart(reasons.figure())}</section>
            {ageing(of)}
        </div>
        <div class="cols cols--2">
            {places("Carrier", &of.carriers, &|code| troubles_address(&rows(&|query| query.figures.carrier = code.into())))}
            {places("Country", &of.countries, &|code| troubles_address(&rows(&|query| query.figures.country = code.into())))}
            {places("Lane", &of.lanes, &|code| troubles_address(&rows(&|query| query.lane = code.into())))}
            {customers(of, &|code| troubles_address(&rows(&|query| query.customer = code.into())))}
        </div>
    }
    .into_any()
}

/// Those that are open now, by age.
fn ageing(of: &TroublesView) -> AnyView {
    let lines: Vec<AnyView> = of
        .ageing
        .iter()
        .map(|bucket| {
            let n = bucket.within + bucket.over;
            let href = exceptions::address(&QueueQuery { age: bucket.age, ..QueueQuery::default() });
            view! { <tr><th scope="row" class="c11"><a href=href>{bucket.label.clone()}</a></th><td class="num c12">{grouped(n)}</td><td class="num c22">{grouped(bucket.over)}</td></tr> }.into_any()
        })
        .collect();
    view! {
        <section class="table-box"><table class="table table--list"><caption class="sr">"Open now, by age"</caption>
            <thead><tr><th>"Open now, by age"</th><th class="num">"Open"</th><th class="num">"Overdue"</th></tr></thead><tbody>{lines}</tbody></table></section>
    }
    .into_any()
}

fn places(what: &'static str, counted: &[CountedView], href: &dyn Fn(&str) -> String) -> AnyView {
    let line = |one: &CountedView| {
        let change = i64::try_from(one.count).unwrap_or_default() - i64::try_from(one.before).unwrap_or_default();
        let class = if change > 0 { "delta bad" } else { "delta ok" };
        let spark = Sparkline {
            name: format!("{}: exceptions", one.label),
            unit: String::new(),
            values: one.course.iter().map(|n| Some(*n as f64)).collect(),
            target: None,
        };
        // what is not known cannot be asked for
        let name = if one.code.is_empty() {
            view! { {one.label.clone()} }.into_any()
        } else {
            view! { <a href=href(&one.code)>{one.label.clone()}</a> }.into_any()
        };
        view! {
            <tr data-testid="place"><th scope="row" class="c11 two">{name}<small>{one.mostly.clone()}</small></th>
                <td class="num c12"><b>{grouped(one.count)}</b></td><td class="num c22"><span class=class>{format!("{change:+}")}</span></td>
                <td class="hide-s"><Spark line=spark/></td></tr>
        }
        .into_any()
    };
    let lines: Vec<AnyView> = counted.iter().map(line).collect();
    view! {
        <section class="table-box"><table class="table table--list"><caption class="sr">{format!("Exceptions by {}", what.to_lowercase())}</caption>
            <thead><tr><th>{what}</th><th class="num">"Began"</th><th class="num">"Change"</th><th class="hide-s">"Trend"</th></tr></thead><tbody>{lines}</tbody></table></section>
    }
    .into_any()
}

fn customers(of: &TroublesView, href: &dyn Fn(&str) -> String) -> AnyView {
    let line = |one: &CustomerView| {
        let name = one.name.clone().unwrap_or_else(|| "Customer without a name".into());
        view! {
            <tr data-testid="customer"><th scope="row" class="c11 two"><a href=href(&one.code)>{name}</a><small>{one.place.clone()}</small></th>
                <td class="num c12"><b>{grouped(one.times)}</b></td><td class="num hide-s">{grouped(one.shipments)}</td>
                <td class="two c2">{one.mostly.clone()}<small>{one.helps.clone()}</small></td></tr>
        }
        .into_any()
    };
    let lines: Vec<AnyView> = of.customers.iter().map(line).collect();
    let masked = of.masked.then(|| view! { " "<span class="tag"><Icon name="mask"/>"masked"</span> });
    view! {
        <section class="table-box"><table class="table table--list"><caption class="sr">"Customers with repeated exceptions"</caption>
            <thead><tr><th>"Repeat customers"{masked}</th><th class="num">"Times"</th><th class="num hide-s">"Shipments"</th><th>"Mostly, and what would help"</th></tr></thead><tbody>{lines}</tbody></table>
            <p class="pager"><span>{format!("3 or more exceptions over the trend: {} customers. The list of one is of this period.", grouped(of.repeated))}</span></p></section>
    }
    .into_any()
}
