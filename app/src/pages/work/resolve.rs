//! What a person may do about an exception, each a form of its own.

use crate::{
    api::ActOnException,
    contract::exceptions::{ExceptionPage, SnoozeFor},
};
use domain::{Category, ExceptionReason, visible::visible};
use leptos::{form::ActionForm, prelude::*};

/// Reasons for resolving that fit every exception.
const ANY: &[&str] = &["Customer informed", "Not a problem", "Other"];

/// Reasons for resolving that fit a category, the most frequent first.
const fn fitting(category: Category) -> &'static [&'static str] {
    use Category as C;
    match category {
        C::Damage | C::Loss => &["Replacement sent", "Refunded", "Claim filed", "Parcel found"],
        C::Address => &["Address corrected", "Sent again", "Returned"],
        C::Customs | C::Regulatory | C::Payment => &["Documents sent", "Duties paid", "Released"],
        C::Consignee | C::Pickup => &["New date agreed", "Collected", "Returned"],
        C::Delay | C::ForceMajeure | C::Routing | C::Hold => {
            &["Carrier gave a new date", "Carrier confirmed the delivery"]
        }
        C::Visibility => &["Carrier confirmed the delivery", "Number registered again"],
        C::Data | C::Integration => &["Data corrected", "Settings corrected"],
        C::Cancel => &["Parcel recalled", "Cancelled on purpose"],
        C::Unspecified => &["Carrier explained it"],
    }
}

/// How an exception stands for the viewer: what its forms are made of.
#[derive(Clone, PartialEq)]
pub struct Stand {
    id: String,
    reason: Option<ExceptionReason>,
    open: bool,
    mine: bool,
    acknowledged: bool,
    snoozed: bool,
    teams: Vec<String>,
    team: Option<String>,
    people: Vec<(String, String)>,
}

impl Stand {
    /// That of an exception.
    pub fn of(page: &ExceptionPage) -> Self {
        Self {
            id: page.row.id.clone(),
            reason: ExceptionReason::from_code(&page.row.code),
            open: page.row.closed.is_none(),
            mine: page.row.mine,
            acknowledged: page.row.acknowledged,
            snoozed: page.snoozed_until.is_some(),
            teams: page.teams.clone(),
            team: page.row.team.clone(),
            people: page.people.clone(),
        }
    }
}

/// The forms.
pub fn forms(stand: Stand, act: ServerAction<ActOnException>) -> AnyView {
    let id = stand.id.clone();
    let simple = move |what, label| plain(id.clone(), what, label, act);
    if !stand.open {
        return view! { <section class="panel"><header><h2>"Work on it"</h2></header><div class="in row">{simple("reopen", "Reopen")}</div></section> }.into_any();
    }
    let assign = if stand.mine { simple("release", "Unassign") } else { simple("take", "Assign to me") };
    let acknowledge = (!stand.acknowledged).then(|| simple("acknowledge", "Acknowledge"));
    let later = stand.snoozed.then(|| simple("unsnooze", "Back in the queue"));
    view! {
        <section class="panel" id="resolve"><header><h2>"Work on it"</h2></header><div class="in stack">
            <div class="row">{assign}{acknowledge}{later}</div>
            {settle(&stand, act)}
            {put_off(&stand, act)}
            {give(&stand, act)}
        </div></section>
    }
    .into_any()
}

fn settle(stand: &Stand, act: ServerAction<ActOnException>) -> impl IntoView + use<> {
    let id = stand.id.clone();
    let fit = stand.reason.map_or(&[][..], |reason| fitting(reason.category()));
    let reasons = fit.iter().chain(ANY).map(|reason| view! { <option value=*reason>{*reason}</option> }).collect_view();
    view! {
        <ActionForm action=act attr:class="stack stack--tight">
            <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="resolve"/>
            <label class="field"><span>"Reason"</span><select class="input" name="why" required><option value="">"Choose"</option>{reasons}</select></label>
            <label class="field"><span>"In your words"</span><input class="input" name="with[note]" maxlength="400"/></label>
            <button class="btn btn--go" type="submit">"Resolve"</button>
        </ActionForm>
    }
}

fn put_off(stand: &Stand, act: ServerAction<ActOnException>) -> impl IntoView + use<> {
    let id = stand.id.clone();
    let lengths = [SnoozeFor::Hours, SnoozeFor::Day, SnoozeFor::Days, SnoozeFor::Week].map(|length| {
        view! { <option value=length.code() selected=length == SnoozeFor::Day>{length.label()}</option> }
    });
    view! {
        <ActionForm action=act attr:class="stack stack--tight">
            <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="snooze"/>
            <label class="field"><span>"Snooze for"</span><select class="input" name="with[snooze]">{lengths}</select></label>
            <label class="field"><span>"or until"</span><input class="input" type="datetime-local" name="with[until]"/></label>
            <button class="btn" type="submit">"Snooze"</button>
        </ActionForm>
    }
}

/// To another person, or to a team.
fn give(stand: &Stand, act: ServerAction<ActOnException>) -> impl IntoView + use<> {
    let (to_one, to_many) = (stand.id.clone(), stand.id.clone());
    let people = stand
        .people
        .iter()
        .map(|(id, name)| view! { <option value=id.clone()>{visible(name).into_owned()}</option> })
        .collect_view();
    let to_person = (!stand.people.is_empty()).then(|| {
        view! {
            <ActionForm action=act attr:class="give">
                <input type="hidden" name="id" value=to_one/><input type="hidden" name="act" value="assign"/>
                <label class="field"><span>"Assign to"</span><select class="input" name="with[owner]" required><option value="">"Choose"</option>{people}</select></label>
                <button class="btn" type="submit">"Assign"</button>
            </ActionForm>
        }
    });
    let teams = stand
        .teams
        .iter()
        .map(|name| {
            let selected = stand.team.as_ref() == Some(name);
            view! { <option value=name.clone() selected=selected>{visible(name).into_owned()}</option> }
        })
        .collect_view();
    let to_team = (!stand.teams.is_empty()).then(|| {
        view! {
            <ActionForm action=act attr:class="give">
                <input type="hidden" name="id" value=to_many/><input type="hidden" name="act" value="team"/>
                <label class="field"><span>"Team"</span><select class="input" name="with[team]"><option value="">"No team"</option>{teams}</select></label>
                <button class="btn" type="submit">"Give"</button>
            </ActionForm>
        }
    });
    view! { {to_person}{to_team} }
}

fn plain(id: String, what: &'static str, label: &'static str, act: ServerAction<ActOnException>) -> impl IntoView {
    view! {
        <ActionForm action=act attr:class="inline-form">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="act" value=what/>
            <button class="btn btn--s" type="submit">{label}</button>
        </ActionForm>
    }
}
