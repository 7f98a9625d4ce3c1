//! The board of service levels: what is due today and at risk, and the period by customer segment, carrier and lane.

use super::overview::due_bar;
use crate::{
    api,
    components::{
        Count, Frame, Icon, StateMark, Time, browser,
        charts::{Chart, Hatch, Part, Patterns, Stack, Strip, Tone},
        figures::{Change, Definition, FigureHead, FilterBar, Fresh, Goal, Number, address, query, rows, trend_chart},
        live::followed,
        parts::{Empty, grouped},
    },
    contract::figures::{AtRiskRow, BoardGroup, BoardRow, DueView, FigureView, FiguresQuery, SlaView, Way},
};
use domain::visible::visible;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const PATH: &str = "/sla";

/// The page.
#[component]
pub fn SlaPage() -> impl IntoView {
    let params = use_query_map();
    let asked = Memo::new(move |_| query(&params.get()));
    let board = Resource::new(move || asked.get(), api::get_sla);
    browser::regularly(move || board.refetch());
    view! {
        <Frame title="Service levels">
            {followed(board, |view| move || page(view.get()))}
        </Frame>
    }
}

fn page(view: SlaView) -> AnyView {
    let choice = view.choice.clone();
    view! {
        <Patterns/>
        <FigureHead title="Service levels" choice=choice.clone() path=PATH/>
        <FilterBar choice=choice.clone() path=PATH/>
        <div class="cols cols--2 cols--fill slatop">{today(&view.due)}{period(&view.on_time, &choice.query)}</div>
        {at_risk(&view.at_risk, view.at_risk_in_all)}
        {board(&view.groups, &view.on_time)}
    }
    .into_any()
}

fn today(due: &DueView) -> AnyView {
    let shown = if due.due == 0 {
        view! { <p class="small muted">"Nothing is promised for today."</p> }.into_any()
    } else {
        due_bar(due)
    };
    let goal = match due.met {
        Some(true) => Some(("goal", "check", "The target is reached whatever becomes of those at risk")),
        Some(false) => Some(("goal goal--miss", "major", "The target cannot be reached today")),
        None => None,
    };
    let goal = goal
        .filter(|_| due.due > 0)
        .map(|(class, icon, words)| view! { <p class=class><Icon name=icon/><span>{words}</span></p> });
    view! {
        <section class="card" data-testid="due-today">
            <div class="card__head"><h2>"Due today"</h2><span class="push">{format!("{} shipments", grouped(due.due))}</span></div>
            {shown}{goal}
            <div class="kfoot"><a href=rows("on_time", "", &due.query)>"Rows"</a><Fresh as_of=due.as_of.clone()/></div>
        </section>
    }
    .into_any()
}

fn period(figure: &FigureView, query: &FiguresQuery) -> AnyView {
    let href = rows(&figure.id, "", query);
    view! {
        <section class="card">
            <div class="kpi__top"><div><h2><a href=href>{figure.title.clone()}</a></h2><Number figure=figure.clone()/><Change change=figure.change.clone()/></div><Goal target=figure.target.clone()/></div>
            <Chart figure=trend_chart(figure, &[]).figure()/>
            <div class="kfoot"><Definition definition=figure.definition.clone()/><Fresh as_of=figure.as_of.clone()/></div>
        </section>
    }
    .into_any()
}

fn at_risk(list: &[AtRiskRow], all: u64) -> AnyView {
    if list.is_empty() {
        return view! { <div class="table-box"><Empty title="Nothing due today is at risk">"Open shipments with a serious exception or a late estimate appear here."</Empty></div> }.into_any();
    }
    let row = |row: &AtRiskRow| {
        let row = row.clone();
        let class = if row.breached { "late late--bad" } else { "late late--warn" };
        let eta = row.eta.map(|eta| view! { <small>"ETA "<Time when=eta/></small> });
        view! {
            <tr data-testid="at-risk-row">
                <td class="nowrap"><span class=class>{row.left}</span></td>
                <th scope="row" class="two"><a class="id" href=format!("/shipments/{}", row.id)>{visible(&row.number).into_owned()}</a><small>{row.route}</small></th>
                <td><StateMark state=row.state/></td>
                <td class="two nowrap"><Time when=row.promised/>{eta}</td>
                <td>{row.why}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = list.iter().map(row).collect();
    view! {
        <section class="table-box">
            <div class="boxhead"><h2>"At risk, shortest time first"</h2><span class="push">{format!("{} of {} at risk, or open past the promise", list.len(), grouped(all))}</span></div>
            <table class="table table--list">
                <caption class="sr">"Shipments that are due today and at risk"</caption>
                <thead><tr><th>"Time left"</th><th>"Shipment"</th><th>"Status"</th><th>"Promise"</th><th>"Why"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn board(groups: &[BoardGroup], on_time: &FigureView) -> AnyView {
    if groups.is_empty() {
        return view! { <div class="table-box"><Empty title="Nothing was due in this period">"Choose another period, or fewer filters."</Empty></div> }.into_any();
    }
    let target = on_time.target.as_ref().map(|target| target.shown.clone()).unwrap_or_default();
    let group = |group: &BoardGroup| {
        let rows: Vec<AnyView> = group.rows.iter().map(line).collect();
        let more = (group.more > 0).then(|| {
            view! { <tr><td colspan="9" class="small muted">{format!("and {} more with fewer late shipments", grouped(group.more))}</td></tr> }
        });
        view! { <tbody><tr class="group"><th colspan="9" scope="rowgroup">{group.title.clone()}</th></tr>{rows}{more}</tbody> }.into_any()
    };
    let bodies: Vec<AnyView> = groups.iter().map(group).collect();
    view! {
        <section class="table-box">
            <div class="boxhead"><h2>"Board"</h2><span class="push">{format!("target {target}; those that miss it by most shipments first")}</span></div>
            <table class="table board">
                <caption class="sr">"On time by customer segment, carrier and lane"</caption>
                <thead><tr><th>"Name"</th><th class="num">"Due"</th><th class="num">"Late"</th><th class="num">"On time"</th><th class="num p2">"Change"</th><th class="num">"Gap, pt"</th><th class="num p3">"Due today"</th><th class="p3">"Today"</th><th class="num p3">"Too late today"</th></tr></thead>
                {bodies}
            </table>
        </section>
    }
    .into_any()
}

fn line(row: &BoardRow) -> AnyView {
    let row = row.clone();
    let name = visible(&row.name).into_owned();
    let shown = match &row.query {
        Some(own) => view! { <a href=address(PATH, own)>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    let of = row.query.clone();
    let count = |n: u64, code: &str| match &of {
        Some(own) => view! { <Count n=n href=rows("on_time", code, own)/> }.into_any(),
        None => grouped(n).into_any(),
    };
    let class = match row.met {
        _ if row.few => "fcv few",
        Some(false) => "fcv fcv--miss",
        _ => "fcv",
    };
    let icon = row.met.map(|met| view! { <Icon name=if met { "check" } else { "major" }/> });
    let change = row.change.clone().map(|change| {
        let (class, icon) = (
            match change.better {
                Some(true) => "delta ok",
                Some(false) => "delta bad",
                None => "delta",
            },
            match change.way {
                Way::Up => Some("up2"),
                Way::Down => Some("down2"),
                Way::Same => None,
            },
        );
        view! { <span class=class>{icon.map(|name| view! { <Icon name=name/> })}{change.shown}</span> }
    });
    let (delivered, open, late) = row.today;
    let part =
        |words: &str, count: u64, tone: Tone, hatch: Option<Hatch>| Part { words: words.into(), count, tone, hatch };
    let stack = Stack {
        name: format!("{}, due today", row.name),
        parts: vec![
            part("delivered", delivered, Tone::Light, None),
            part("open", open, Tone::Dark, None),
            part("too late", late, Tone::Bad, Some(Hatch::Cross)),
        ],
    };
    let all = delivered + open + late;
    view! {
        <tr data-testid="board-row">
            <th scope="row">{shown}</th>
            <td class="num">{grouped(row.due)}</td>
            <td class="num">{count(row.late, "against")}</td>
            <td class="num"><span class=class>{icon}{row.on_time}</span></td>
            <td class="num p2">{change}</td>
            <td class="num">{row.gap}</td>
            <td class="num p3">{grouped(all)}</td>
            <td class="p3">{(all > 0).then(|| view! { <Strip stack/> })}</td>
            <td class="num p3">{grouped(late)}</td>
        </tr>
    }
    .into_any()
}
