//! Beside the list: the channels with their test, and the rules with their switches and numbers.

use super::acts::Acts;
use crate::{
    components::{Icon, Time, live::rows as keyed},
    contract::{
        When,
        alerts::{ChannelRow, RuleRow},
    },
};
use leptos::{form::ActionForm, prelude::*};

/// The channels.
pub(super) fn channels(rows: Vec<ChannelRow>, tested: Option<When>, hours: String, acts: Acts) -> impl IntoView {
    let any = rows.iter().any(|row| row.state != "off");
    let tested = tested.map(|at| view! { <span class="push">"tested "<Time when=at/></span> });
    let body = if rows.is_empty() {
        view! { <p class="in small muted">"No channel is connected: alerts are on this page alone."</p> }.into_any()
    } else {
        let rows = rows.into_iter().map(channel).collect_view();
        view! { <ul class="lines lines--s">{rows}</ul> }.into_any()
    };
    let test = any.then(|| {
        view! {
            <ActionForm action=acts.test attr:class="inline-form"><input type="hidden" name="channel" value=""/>
                <button class="btn btn--s" type="submit" data-testid="test-channels">"Send a test"</button></ActionForm>
        }
    });
    view! {
        <section class="panel" id="channels" data-testid="channels">
            <header><h2>"Channels"</h2>{tested}</header>
            {body}
            <div class="pager"><span>{hours}</span><span class="row row--tight push">{test}<a class="btn btn--s" href="/connections/new"><Icon name="plus"/>"Channel"</a></span></div>
        </section>
    }
}

fn channel(row: ChannelRow) -> impl IntoView {
    let (class, icon) = match row.works {
        Some(true) => ("tag tag--ok", "check"),
        Some(false) => ("tag tag--bad", "x"),
        None => ("tag", "clock"),
    };
    view! {
        <li data-testid="channel"><Icon name=row.icon/>
            <span><a href=format!("/connections/{}", row.name)>{row.label}</a><br/><span class="small muted">{row.takes}</span></span>
            <span class=class><Icon name=icon/>{row.state}</span></li>
    }
}

/// The rules.
pub(super) fn rules(rows: Memo<Vec<RuleRow>>, acts: Acts) -> impl IntoView {
    let on = move || rows.with(|rows| format!("{} of {} on", rows.iter().filter(|row| row.on).count(), rows.len()));
    let lines = keyed(rows, |row| row.kind.clone(), move |row| rule(row, acts));
    view! {
        <section class="panel" id="rules" data-testid="rules">
            <header><h2>"Alert rules"</h2><span class="push">{on}" · fired: in 7 days"</span></header>
            <ul class="switches">{lines}</ul>
            <p class="pager"><span>"Alerts of your own conditions are rules."</span><a class="btn btn--s push" href="/rules/new" data-testid="new-rule"><Icon name="plus"/>"Rule"</a></p>
        </section>
    }
}

fn rule(row: RuleRow, acts: Acts) -> impl IntoView {
    let (kind, of_number) = (row.kind.clone(), row.kind.clone());
    let (to, words) = if row.on { ("off", "On") } else { ("on", "Off") };
    let label = format!("{}: switch {to}", row.label);
    let (least, most, unit) = row.limits;
    let number = row.threshold.map(|threshold| {
        let label = format!("{}: number ({unit})", row.label);
        view! {
            <details class="grouped"><summary>"Change"<Icon name="down"/></summary>
                <ActionForm action=acts.rule attr:class="row row--tight">
                    <input type="hidden" name="kind" value=of_number/><input type="hidden" name="on" value=""/>
                    <input class="input input--n" type="number" name="threshold" value=threshold.to_string() min=least.to_string() max=most.to_string() aria-label=label/>
                    <span class="small muted">{unit}</span>
                    <button class="btn btn--s" type="submit" data-testid="set-threshold">"Save"</button>
                </ActionForm></details>
        }
    });
    view! {
        <li data-testid="rule" data-kind=row.kind>
            <span>{row.label}<br/><span class="small muted">{row.about}</span>{number}</span>
            <ActionForm action=acts.rule attr:class="inline-form">
                <input type="hidden" name="kind" value=kind/><input type="hidden" name="on" value=to/><input type="hidden" name="threshold" value=""/>
                <button class="switch" class:switch--on=row.on type="submit" role="switch" aria-checked=row.on.to_string() aria-label=label title=words></button>
            </ActionForm>
        </li>
    }
}
