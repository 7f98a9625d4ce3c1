//! Maintenance: a connection makes no alerts while a person works on it.

use super::acts::Acts;
use crate::{
    components::{Icon, Time, browser::POP},
    contract::alerts::{MaintenanceRow, SnoozeFor},
};
use leptos::{form::ActionForm, prelude::*};

/// The button with its form.
pub(super) fn button(connections: Memo<Vec<(String, String)>>, acts: Acts) -> impl IntoView {
    let options = move || {
        let option = |(name, label): (String, String)| view! { <option value=name>{label}</option> };
        connections.get().into_iter().map(option).collect_view()
    };
    let spans = SnoozeFor::ALL
        .iter()
        .map(|span| view! { <option value=span.code() selected=*span == SnoozeFor::FourHours>{span.label()}</option> })
        .collect_view();
    view! {
        <details class="pop" name=POP>
            <summary class="btn" data-testid="maintenance"><Icon name="snooze"/>"Maintenance"</summary>
            <div class="pop__in">
                <ActionForm action=acts.maintain attr:class="stack stack--tight">
                    <p class="small muted">"The connection makes no new alerts; open ones stay as they are, without further notices."</p>
                    <label>"Connection "<select class="input" name="form[connection]" required><option value="">"Choose"</option>{options}</select></label>
                    <label>"For "<select class="input" name="form[span]">{spans}</select></label>
                    <label>"or until "<input class="input" type="datetime-local" name="form[until]"/></label>
                    <label>"Why "<input class="input" name="form[why]" maxlength="500" required/></label>
                    <button class="btn btn--s" type="submit" data-testid="begin-maintenance">"Begin maintenance"</button>
                </ActionForm>
            </div>
        </details>
    }
}

/// A connection that is under maintenance.
pub(super) fn note(row: MaintenanceRow, acts: Acts) -> impl IntoView {
    let MaintenanceRow { connection, label, until, why } = row;
    let href = format!("/connections/{connection}");
    view! {
        <div class="note" role="status" data-testid="under-maintenance">
            <Icon name="snooze"/>
            <div><b>"Maintenance of "<a href=href>{label}</a></b>" until "<Time when=until/>": no alerts. "{why}</div>
            <ActionForm action=acts.end attr:class="inline-form"><input type="hidden" name="connection" value=connection/>
                <button class="btn btn--s" type="submit" data-testid="end-maintenance">"End maintenance"</button></ActionForm>
        </div>
    }
}
