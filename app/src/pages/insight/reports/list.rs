//! The saved reports: what each shows, when and to how many it goes out, how its last mail went, and files of now.

use crate::{
    api::{self, ActOnReport},
    components::{Failed, Frame, Icon, Time, action, live::followed},
    contract::reports::{ReportRow, ReportsView, RunView},
};
use leptos::{form::ActionForm, prelude::*};

/// The page.
#[component]
pub fn ReportsPage() -> impl IntoView {
    let act = action::<ActOnReport>();
    let asked = Resource::new(move || act.version().get(), |_| api::get_reports());
    let failed = move || act.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Reports">
            <div class="page__head"><div><h1>"Reports"</h1><p>"Figures under a name: as a file at any time, or by mail on a schedule."</p></div>
                <div class="row push"><a class="btn" href="/targets">"Targets and remarks"</a><a class="btn btn--go" href="/reports/new" data-testid="new-report"><Icon name="plus"/>"New report"</a></div></div>
            {failed}
            {followed(asked, move |asked| move || page(asked.get(), act))}
        </Frame>
    }
}

fn page(view: ReportsView, act: ServerAction<ActOnReport>) -> AnyView {
    let ReportsView { rows, mail, zone } = view;
    let mailed = rows.iter().any(|row| row.rhythm.is_some());
    let none = (!mail && mailed).then(no_channel);
    if rows.is_empty() {
        return view! {
            <div class="table-box"><div class="empty" data-testid="no-reports"><h2>"No saved reports"</h2>
                <p>"Save the figures that you look at each week, and have them sent to whom they concern."</p>
                <a class="btn btn--go" href="/reports/new">"New report"</a></div></div>
        }
        .into_any();
    }
    let lines: Vec<AnyView> = rows.into_iter().map(|row| line(row, act)).collect();
    view! {
        {none}
        <section class="table-box">
            <table class="table table--list">
                <caption class="sr">"Saved reports"</caption>
                <thead><tr><th>"Report"</th><th>"Mail"</th><th class="p3">"Next"</th><th>"Last mail"</th><th>"Files of now"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{lines}</tbody>
            </table>
            <p class="pager"><span>{format!("Hours are {zone}.")}</span></p>
        </section>
    }
    .into_any()
}

/// No mail goes out as things are.
pub(super) fn no_channel() -> AnyView {
    view! {
        <p class="note note--warn" data-testid="no-channel"><Icon name="alert"/><span>"No mail channel is connected: reports are not sent. "<a href="/connections/new?family=channel">"Connect one"</a></span></p>
    }
    .into_any()
}

fn line(row: ReportRow, act: ServerAction<ActOnReport>) -> AnyView {
    let href = format!("/reports/{}", row.id);
    let shared = if row.team { "Team" } else { "Private" };
    let mail = match (&row.rhythm, row.recipients) {
        (None, _) => view! { <span class="muted">"Not sent"</span> }.into_any(),
        (Some(rhythm), n) => {
            let to = if n == 1 { "1 recipient".to_owned() } else { format!("{n} recipients") };
            let paused = row.paused.then(|| view! { <span class="tag"><Icon name="pause"/>"Paused"</span> });
            view! { {rhythm.clone()}<small>{to}</small>{paused} }.into_any()
        }
    };
    let last = row.last.clone().map(|run| run_mark(&run));
    let buttons = (row.may_change && row.rhythm.is_some()).then(|| {
        let (what, words) = if row.paused { ("resume", "Resume") } else { ("pause", "Pause") };
        view! { {button(act, &row.id, "send", "Send now")}{button(act, &row.id, what, words)} }
    });
    view! {
        <tr data-testid="report">
            <th scope="row" class="c11 two"><a href=href>{row.name.clone()}</a><small>{row.shows.clone()}</small><small>{format!("{shared} · {}", row.owner)}</small></th>
            <td class="two c21">{mail}</td>
            <td class="hide-s p3 nowrap">{row.next.clone().map(|when| view! { <Time when/> })}</td>
            <td class="two c22">{last}</td>
            <td class="nowrap hide-s">{files(&row.id)}</td>
            <td class="c31"><div class="row row--tight">{buttons}</div></td>
        </tr>
    }
    .into_any()
}

/// The report as files, of now.
pub(super) fn files(id: &str) -> AnyView {
    let to = |format: &str| format!("/reports/{id}/report.{format}");
    view! {
        <span class="row row--tight"><a href=to("html") rel="external" target="_blank" data-testid="as-html">"Print view"</a>
        <a href=to("xlsx") rel="external" download="" data-testid="as-xlsx">"XLSX"</a>
        <a href=to("csv") rel="external" download="" data-testid="as-csv">"CSV"</a></span>
    }
    .into_any()
}

/// How a mailing went.
pub(super) fn run_mark(run: &RunView) -> AnyView {
    let (class, icon) = if run.bad { ("tag tag--bad", "x") } else { ("tag tag--ok", "check") };
    let waits = !run.bad && run.state != "Sent";
    let (class, icon) = if waits { ("tag", "clock") } else { (class, icon) };
    view! {
        <span class=class data-testid="run"><Icon name=icon/>{run.state.clone()}</span>
        <small><Time when=run.when.clone()/>{(!run.note.is_empty()).then(|| format!(" · {}", run.note))}</small>
    }
    .into_any()
}

/// A button that does something with a report.
pub(super) fn button(act: ServerAction<ActOnReport>, id: &str, what: &'static str, words: &'static str) -> AnyView {
    let id = id.to_owned();
    view! {
        <ActionForm action=act>
            <input type="hidden" name="id" value=id/><input type="hidden" name="act" value=what/>
            <button class="btn btn--s" type="submit" data-testid=format!("{what}-report")>{words}</button>
        </ActionForm>
    }
    .into_any()
}
