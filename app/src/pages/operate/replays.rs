//! Bulk retries: how far each is, and the button that stops it.

use crate::{
    api::StopReplay,
    components::{Time, live::rows, parts::grouped},
    contract::sync::ReplayView,
};
use leptos::{form::ActionForm, prelude::*};

/// Ended ones that are still shown.
const REPLAYS_ENDED: usize = 3;

/// Those that run, and the last that ended.
pub(super) fn shown(replays: &[ReplayView]) -> Vec<ReplayView> {
    let running = replays.iter().filter(|replay| replay.running).count();
    replays.iter().take(REPLAYS_ENDED + running).cloned().collect()
}

fn row(replay: ReplayView, stop: ServerAction<StopReplay>) -> impl IntoView {
    let percent = replay.done.saturating_mul(100).checked_div(replay.planned).unwrap_or(100).min(100);
    let counts = format!("{} of {}", grouped(replay.done), grouped(replay.planned));
    let label = format!("{counts} retried");
    let button = replay.running.then(|| view! {
                <ActionForm action=stop attr:class="inline-form"><input type="hidden" name="replay" value=replay.id.clone()/>
                    <button class="btn btn--s" type="submit" data-testid="stop-replay">"Stop"</button></ActionForm>
            });
    view! {
        <tr data-testid="replay-row">
            <td class="two nowrap c11"><Time when=replay.started/><small>"by "{replay.by}</small></td>
            <td class="c2">{replay.what}</td>
            <td class="two c3"><progress max="100" value=percent.to_string() aria-label=label></progress>
                <small>{counts}{(replay.skipped > 0).then(|| format!(", {} skipped", grouped(replay.skipped)))}</small></td>
            <td class="hide-s"><span class="tag" data-testid="replay-state">{replay.state}</span></td>
            <td class="right c12">{button}</td>
        </tr>
    }
}

/// The table of bulk retries; nothing where there is none.
pub(super) fn table(replays: Memo<Vec<ReplayView>>, stop: ServerAction<StopReplay>) -> impl IntoView {
    let any = Memo::new(move |_| replays.with(|replays| !replays.is_empty()));
    let table = move || {
        view! {
            <section class="table-box">
                <table class="table table--list">
                    <caption class="sr">"Bulk retries"</caption>
                    <thead><tr><th>"Bulk retry"</th><th>"Job"</th><th>"Progress"</th><th>"Status"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                    <tbody>{rows(replays, |replay| replay.id.clone(), move |replay| row(replay, stop))}</tbody>
                </table>
            </section>
        }
    };
    move || any.get().then(table)
}
