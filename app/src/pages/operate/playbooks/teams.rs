//! Teams: their members, and which new exceptions they get by themselves.

use super::acts::{Acts, address};
use crate::{
    components::{Count, Icon, parts::Empty},
    contract::{
        exceptions::QueueQuery,
        playbooks::{NEW_TEAM, Options, PlaybookTab, PlaybooksQuery, TeamEdit, TeamRow},
    },
    pages::work::exceptions,
};
use domain::visible::visible;
use leptos::{form::ActionForm, prelude::*};

fn edit(name: &str) -> String {
    let query = PlaybooksQuery { tab: PlaybookTab::Teams, team: name.to_owned(), ..PlaybooksQuery::default() };
    format!("{}#team", address(&query))
}

/// The teams, and the form of the one that is edited.
pub(super) fn list(rows: Vec<TeamRow>, edited: Option<TeamEdit>, acts: Acts) -> impl IntoView {
    let new = edited.is_none().then(|| {
        view! { <div class="row"><a class="btn btn--go push" href=edit(NEW_TEAM) data-testid="add-team"><Icon name="plus"/>"Team"</a></div> }
    });
    let body = match rows.is_empty() {
        true => view! { <Empty title="No teams yet">"A team gets exceptions by carrier and reason, or by hand; its queue is a filter of the exceptions."</Empty> }.into_any(),
        false => {
            let rows = rows.into_iter().map(|team| row(team, acts)).collect_view();
            view! {
                <table class="table table--list table--lead">
                    <caption class="sr">"Teams"</caption>
                    <thead><tr><th>"Team"</th><th>"Members"</th><th>"Gets by itself"</th><th class="num">"Open"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            }.into_any()
        }
    };
    view! {
        {new}
        {edited.map(|team| form(team, acts))}
        <section class="table-box">{body}</section>
    }
}

fn row(team: TeamRow, acts: Acts) -> impl IntoView {
    let name = visible(&team.name).into_owned();
    let queue = exceptions::address(&QueueQuery { team: team.name.clone(), ..QueueQuery::default() });
    let members = match team.members.as_slice() {
        [] => "none".to_owned(),
        members => members.join(", "),
    };
    let gets = if team.gets.is_empty() { "Only what people give it".to_owned() } else { team.gets };
    let (change, remove) = (format!("Edit {name}"), format!("Remove {name}"));
    view! {
        <tr data-testid="team">
            <th scope="row" class="c11">{name}</th>
            <td class="c2">{members}</td>
            <td class="c3 small">{gets}</td>
            <td class="num nowrap c12"><Count n=team.open href=queue/></td>
            <td class="num wide-s"><span class="row row--tight keep"><a class="btn btn--s" href=edit(&team.name) aria-label=change data-testid="edit-team">"Edit"</a>
                <ActionForm action=acts.remove attr:class="inline-form"><input type="hidden" name="name" value=team.name/>
                    <button class="btn btn--s btn--icon" type="submit" aria-label=remove><Icon name="x"/></button></ActionForm></span></td>
        </tr>
    }
}

fn form(team: TeamEdit, acts: Acts) -> impl IntoView {
    let is_new = team.name.is_empty();
    let title = if is_new { "New team".to_owned() } else { format!("Team “{}”", visible(&team.name)) };
    let name = match is_new {
        true => view! { <label class="field"><span>"Name"</span><input class="input" name="team[name]" required maxlength="60"/></label> }.into_any(),
        false => view! { <input type="hidden" name="team[name]" value=team.name/> }.into_any(),
    };
    view! {
        <section class="panel" id="team" aria-labelledby="team-title">
            <header><h2 id="team-title">{title}</h2></header>
            <ActionForm action=acts.team attr:class="in stack">
                <input type="hidden" name="team[mark]" value=team.mark/>
                {name}
                <div class="rule-form">
                    {choose("members", "Members", team.people, "none chosen: no members")}
                    {choose("carriers", "Gets exceptions of these carriers", team.carriers, "none chosen: of any carrier")}
                    {choose("reasons", "Gets exceptions for these reasons", team.reasons, "none chosen: for any reason")}
                </div>
                <p class="small muted">"With neither carriers nor reasons a team gets only what people give it. Of several that fit, the one with both goes first."</p>
                <div class="row"><button class="btn btn--go" type="submit" data-testid="save-team">"Save team"</button>
                    <a class="btn" href=address(&PlaybooksQuery { tab: PlaybookTab::Teams, ..PlaybooksQuery::default() })>"Cancel"</a></div>
            </ActionForm>
        </section>
    }
}

/// A list of which several can be chosen; a ticked box each, so that it can be used with keys and fingers alike.
fn choose(name: &'static str, label: &'static str, options: Options, hint: &'static str) -> impl IntoView {
    let boxes = options
        .into_iter()
        .map(|(value, label, chosen)| {
            view! { <label><input type="checkbox" name=format!("team[{name}][]") value=value checked=chosen/>{label}</label> }
        })
        .collect_view();
    view! {
        <fieldset class="field"><legend>{label}</legend>
            <div class="ticks">{boxes}</div>
            <span class="hint small muted">{hint}</span>
        </fieldset>
    }
}
