//! One figure: its definition, its days, what it is made of, and exactly the rows behind each part.

use crate::{
    api,
    components::{
        Frame, Icon, StateMark, Time,
        charts::{Chart, Patterns},
        figures::{Change, Definition, FigureHead, FilterBar, Fresh, Goal, Number, figure_address, query, trend_chart},
        live::followed,
        may,
        parts::{Empty, grouped},
    },
    contract::{
        Record,
        figures::{Elsewhere, FigureQuery, FigureRow, FigureTab, FigureView, OneFigureView, TrendView},
        session::Permission,
    },
};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// A figure's page.
#[component]
pub fn FigurePage() -> impl IntoView {
    let (params, words) = (use_params_map(), use_query_map());
    let asked = Memo::new(move |_| FigureQuery {
        kpi: params.get().get("id").unwrap_or_default(),
        tab: words.get().get("tab").unwrap_or_default(),
        cursor: words.get().get("cursor").unwrap_or_default(),
        figures: query(&words.get()),
    });
    let figure = Resource::new(
        move || asked.get(),
        |asked| async move {
            let view = api::get_figure(asked.clone()).await.map_err(|error| error.of_page(Record::Figure))?;
            Ok((asked, view))
        },
    );
    view! {
        <Frame title="Figure">
            {followed(figure, |view| move || {
                let (asked, view) = view.get();
                page(&asked, view)
            })}
        </Frame>
    }
}

fn page(asked: &FigureQuery, view: OneFigureView) -> AnyView {
    let path = format!("/figures/{}", asked.kpi);
    let figure = view.figure.clone();
    let days = FigureView { trend: view.days.clone(), ..figure.clone() };
    let targets = may(Permission::Operate)
        .then(|| view! { <a href=format!("/targets#figure-{}", figure.id)>"Change the target"</a> });
    let keep = vec![("tab", view.tab.clone())];
    let course = (figure.trend.values.iter().flatten().count() > 1).then(|| {
        let title = format!("{}, {}", figure.title, figure.trend.span);
        view! { <section class="card"><h2>{title}</h2><Chart figure=trend_chart(&figure, &view.annotations).figure()/></section> }
    });
    let in_days = (several(&view.days)).then(|| {
        view! { <section class="card"><h2>{format!("{}, by day", figure.title)}</h2><Chart figure=trend_chart(&days, &[]).figure()/></section> }
    });
    view! {
        <Patterns/>
        <FigureHead title=figure.title.clone() choice=view.choice.clone() path=path.clone() keep=keep.clone() report=figure.id.clone()/>
        <FilterBar choice=view.choice.clone() path=path keep/>
        <section class="card figure-top">
            <div><Number figure=figure.clone() class="fig__n--xl"/><Change change=figure.change.clone()/><Goal target=figure.target.clone()/>
                {(!figure.beside.is_empty()).then(|| view! { <p class="kpi__lead">{figure.beside.clone()}</p> })}</div>
            {definition(&figure)}
            <div class="kfoot"><Definition definition=figure.definition.clone()/>{targets}<Fresh as_of=figure.as_of.clone()/></div>
        </section>
        <div class="cols cols--2 cols--fill">{course}{in_days}</div>
        {behind(asked, &view)}
    }
    .into_any()
}

fn several(trend: &TrendView) -> bool {
    trend.labels.len() > 1
}

/// The definition in full.
fn definition(figure: &FigureView) -> AnyView {
    let of = &figure.definition;
    view! {
        <dl class="facts">
            <dt>"Reads"</dt><dd>{of.reads.clone()}</dd>
            <dt>"Counts"</dt><dd>{of.counts.clone()}</dd>
            <dt>"Lies on"</dt><dd>{of.bucket.clone()}</dd>
        </dl>
    }
    .into_any()
}

/// The tabs and the rows of one of them; or where the rows are.
fn behind(asked: &FigureQuery, view: &OneFigureView) -> AnyView {
    if let Some(Elsewhere { why, href, label }) = view.elsewhere.clone() {
        return view! { <section class="card"><h2>"Rows"</h2><p class="small">{why}</p><p><a class="btn btn--s" href=href>{label}</a></p></section> }.into_any();
    }
    if view.figure.parts.is_empty() {
        return view! { <div class="table-box"><Empty title="No rows in this period">"Nothing counts for this figure in the period and with these filters."</Empty></div> }.into_any();
    }
    let at = |tab: &str, cursor: &str| {
        figure_address(&FigureQuery { tab: tab.into(), cursor: cursor.into(), ..asked.clone() })
    };
    let tab = |part: &FigureTab| {
        let current = (part.code == view.tab).then_some("page");
        let n = view! { <span class="n">{grouped(part.count)}</span> };
        view! { <a href=at(&part.code, "") aria-current=current data-testid="figure-tab" data-count=part.count.to_string()>{capital(&part.label)}" "{n}</a> }
            .into_any()
    };
    let tabs: Vec<AnyView> = view.figure.parts.iter().map(tab).collect();
    let rows: Vec<AnyView> = view.rows.iter().cloned().map(row).collect();
    let next = view.next.as_ref().map(|cursor| {
        view! { <a class="btn btn--s" href=at(&view.tab, cursor) rel="next">"Next"<Icon name="right"/></a> }
    });
    let first =
        (!asked.cursor.is_empty()).then(|| view! { <a class="btn btn--s" href=at(&view.tab, "")>"First page"</a> });
    let export =
        at(&view.tab, "").replacen(&format!("/figures/{}", asked.kpi), &format!("/figures/{}/rows.csv", asked.kpi), 1);
    view! {
        <nav class="tabs" aria-label="Parts of the figure">{tabs}</nav>
        <section class="table-box">
            <table class="table table--list table--lead">
                <caption class="sr">{format!("Rows behind {}", view.figure.title)}</caption>
                <thead><tr><th>"Shipment"</th><th>"Status"</th><th>"Carrier"</th><th class="p2">"Destination"</th><th>"Day"</th><th>"Counts"</th><th class="p3">"Promise"</th><th class="p3">"Delivered"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <nav class="pager" aria-label="Pages">
                <span>{format!("{} rows on this page", view.rows.len())}</span>
                <span class="push row"><a class="btn btn--s" href=export rel="external" download="rows.csv" data-testid="export"><Icon name="csv"/>"Export"</a>{first}{next}</span>
            </nav>
        </section>
    }
    .into_any()
}

fn row(row: FigureRow) -> AnyView {
    let FigureRow { shipment, number, order, carrier, destination, state, day, counts, n, promised, delivered, .. } =
        row;
    let times = (n != 1).then(|| format!(" × {n}"));
    let time = |when: Option<crate::contract::When>| when.map(|when| view! { <Time when/> });
    view! {
        <tr data-testid="figure-row" data-n=n.to_string()>
            <th scope="row" class="two"><a class="id" href=format!("/shipments/{shipment}")>{domain::visible::visible(&number).into_owned()}</a><small class="muted">{order}</small></th>
            <td><StateMark state/></td>
            <td>{carrier}</td>
            <td class="p2">{destination}</td>
            <td class="nowrap">{day}</td>
            <td>{counts}{times}</td>
            <td class="p3 nowrap">{time(promised)}</td>
            <td class="p3 nowrap">{time(delivered)}</td>
        </tr>
    }
    .into_any()
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
