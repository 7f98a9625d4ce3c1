//! The editor of a rule: one form, in which every button is a step or keeps what is typed.

use super::{
    actions,
    acts::Acts,
    check::{CHECK, Check},
    parts::{options, problems, wrong},
    rows, text, trial,
};
use crate::{
    components::{Icon, browser, live::part},
    contract::rules::{ChoicesView, Edited, EditorView, ProblemView, RuleView},
};
use leptos::{form::ActionForm, prelude::*};

/// The form.
pub(super) fn form(view: Signal<RuleView>, acts: Acts) -> impl IntoView {
    let first = view.with_untracked(|view| (view.editor.clone(), view.choices.clone(), view.may_edit));
    let (editor, choices, may_edit) = (RwSignal::new(first.0), StoredValue::new(first.1), first.2);
    let typed = RwSignal::new(editor.with_untracked(|editor| editor.form.when.clone()));
    follow(view, editor, typed, acts);
    let check = Check::new(acts);
    let id = move || editor.with(|editor| editor.form.id.clone());
    let was = move || editor.with(|editor| editor.form.was.clone());
    let basis = move || editor.with(|editor| editor.form.basis.clone());
    let looks = Memo::new(move |_| editor.with(|editor| editor.looks.clone()));
    view! {
        <ActionForm action=acts.edit attr:id="rule-form" attr:novalidate=true attr:class="editor">
            // the first button is the one that Enter presses
            <button class="sr" type="submit" id=CHECK name="rule[step]" value="check" tabindex="-1" aria-hidden="true">"Check"</button>
            <input type="hidden" name="rule[id]" value=id/>
            <input type="hidden" name="rule[was]" value=was/>
            <input type="hidden" name="rule[basis]" value=basis/>
            <fieldset class="editor__all" disabled=!may_edit on:change=move |_| check.soon()>
                <legend class="sr">"Rule"</legend>
                <section class="panel" id="when-panel">
                    <header><h2>"When"</h2><span class="push">{move || looks.get()}</span></header>
                    {head(editor, choices).into_any()}
                    <div class="beside beside--rule">
                        {rows::side(editor, choices, may_edit).into_any()}
                        {text::side(editor, typed, choices, may_edit.then_some(check)).into_any()}
                    </div>
                    <div class="in in--wrong">{wrong(whole_condition(editor))}</div>
                </section>
                <div class="cols cols--2">
                    <div class="stack">{actions::panel(editor, choices, may_edit).into_any()}{limits(view, editor, choices).into_any()}</div>
                    {trial::panel(view, may_edit).into_any()}
                </div>
                {may_edit.then(|| publish_bar(view, editor, acts).into_any())}
            </fieldset>
        </ActionForm>
    }
}

/// What is wrong with the condition as a whole.
fn whole_condition(editor: RwSignal<EditorView>) -> Memo<Vec<ProblemView>> {
    let is = |one: &&ProblemView| one.field == "when" && one.row.is_none() && one.at.is_none();
    Memo::new(move |_| editor.with(|editor| editor.problems.iter().filter(is).cloned().collect()))
}

/// The editor follows what is kept, and what the last step came to. What was typed meanwhile stays.
fn follow(view: Signal<RuleView>, editor: RwSignal<EditorView>, typed: RwSignal<String>, acts: Acts) {
    let kept = part(view, |view| view.editor.clone());
    let put = move |new: EditorView| {
        let focused = browser::focused();
        let focus = if new.focus.is_empty() { focused } else { new.focus.clone() };
        editor.set(new);
        if !focus.is_empty() && focus != CHECK {
            browser::focus_later(focus);
        }
    };
    let acted = StoredValue::new(acts.act.version().get_untracked());
    Effect::watch(
        move || kept.get(),
        move |new, _, _| {
            // what is typed and not kept stays, unless the person threw it away or rolled back
            let version = acts.act.version().get_untracked();
            let by_act =
                acted.try_update_value(|acted| std::mem::replace(acted, version)).is_some_and(|was| was != version);
            let is_kept = editor
                .with_untracked(|editor| !editor.unsaved && typed.with_untracked(|typed| *typed == editor.form.when));
            if by_act || is_kept {
                typed.set(new.form.when.clone());
                put(new.clone());
            }
        },
        false,
    );
    // the text as it was when the form was sent
    let sent = StoredValue::new(String::new());
    Effect::watch(
        move || acts.edit.pending().get(),
        move |pending, _, _| {
            if *pending {
                sent.set_value(typed.get_untracked());
            }
        },
        false,
    );
    Effect::watch(
        move || acts.edit.value().get(),
        move |value, _, _| {
            let Some(Ok(Edited { editor: new, .. })) = value else { return };
            let same = |a: &str, b: &str| a.trim_end() == b.trim_end();
            let before = sent.get_value();
            // what was typed since is sent with the next step; blanks at the end are no other text
            if typed.with_untracked(|typed| *typed == before) && !same(&before, &new.form.when) {
                typed.set(new.form.when.clone());
            }
            put(new.clone());
        },
        false,
    );
}

/// Its name and when it looks.
fn head(editor: RwSignal<EditorView>, choices: StoredValue<ChoicesView>) -> impl IntoView {
    let name = Memo::new(move |_| editor.with(|editor| editor.form.name.clone()));
    let trigger = Memo::new(move |_| editor.with(|editor| editor.form.trigger.clone()));
    let number = Memo::new(move |_| editor.with(|editor| editor.form.number.clone()));
    let triggers: Vec<(String, String)> =
        choices.with_value(|all| all.triggers.iter().map(|(code, label, _)| (code.clone(), label.clone())).collect());
    let unit = move || {
        let code = trigger.get();
        choices.with_value(|all| all.triggers.iter().find(|(one, ..)| *one == code).map(|(.., unit)| unit.clone()))
    };
    let counted = move || {
        let unit = unit().filter(|unit| !unit.is_empty())?;
        Some(view! {
            <div class="field field--n"><label for="rule-number">{unit.clone()}</label>
                <input class="input" id="rule-number" name="rule[number]" inputmode="numeric" maxlength="6" prop:value=move || number.get() value=number.get_untracked()/></div>
        })
    };
    view! {
        <div class="in fields fields--rule">
            <div class="field"><label for="rule-name">"Name"</label>
                <input class="input" id="rule-name" name="rule[name]" maxlength="100" required autocomplete="off" prop:value=move || name.get() value=name.get_untracked()/>
                {wrong(problems(editor, "name", None))}</div>
            <div class="field"><label for="rule-trigger">"Checked"</label>
                <select class="input" id="rule-trigger" name="rule[trigger]">{move || options(&triggers, &trigger.get())}</select>
                {wrong(problems(editor, "trigger", None))}</div>
            {counted}
        </div>
    }
}

/// Severity, owner and limits.
fn limits(view: Signal<RuleView>, editor: RwSignal<EditorView>, choices: StoredValue<ChoicesView>) -> impl IntoView {
    let value = move |of: fn(&EditorView) -> &String| Memo::new(move |_| editor.with(|editor| of(editor).clone()));
    let severity = value(|editor| &editor.form.severity);
    let group = value(|editor| &editor.form.group_by);
    let (rate, zone) = (value(|editor| &editor.form.per_minute), value(|editor| &editor.form.quiet_zone));
    let (from, to) = (value(|editor| &editor.form.quiet_from), value(|editor| &editor.form.quiet_to));
    let none = |label: &str| (String::new(), label.to_owned());
    let severities: Vec<_> =
        [none("As the reason has it")].into_iter().chain(choices.with_value(|all| all.severities.clone())).collect();
    let groups: Vec<_> = choices.with_value(|all| {
        let fields = all.fields.iter().filter(|field| matches!(field.kind.as_str(), "text" | "code"));
        [none("None")].into_iter().chain(fields.map(|field| (field.path.clone(), field.label.clone()))).collect()
    });
    let owner = part(view, |view| (view.row.id.clone(), view.owner.clone(), view.people.clone()));
    view! {
        <section class="panel" id="limits">
            <header><h2>"Severity and limits"</h2></header>
            <div class="in fields">
                <div class="field"><label for="rule-severity">"Severity"</label>
                    <select class="input" id="rule-severity" name="rule[severity]">{move || options(&severities, &severity.get())}</select>
                    <span class="hint">"Of the exceptions that it is about"</span></div>
                <div class="field"><label for="rule-rate">"Rate limit"</label>
                    <input class="input" id="rule-rate" name="rule[per_minute]" inputmode="numeric" maxlength="6" placeholder="No limit" prop:value=move || rate.get() value=rate.get_untracked() aria-describedby="rule-rate-hint"/>
                    <span class="hint" id="rule-rate-hint">"Actions a minute; what is above acts later, nothing is lost"</span></div>
                <fieldset class="field"><legend>"Quiet hours"</legend>
                    <div class="pair"><input class="input" type="time" name="rule[quiet_from]" aria-label="Quiet from" prop:value=move || from.get() value=from.get_untracked()/>
                        <input class="input" type="time" name="rule[quiet_to]" aria-label="Quiet until" prop:value=move || to.get() value=to.get_untracked()/></div>
                    <span class="hint">"Alerts and messages to customers wait; cases open as usual. Empty: none"</span></fieldset>
                <div class="field"><label for="rule-zone">"Time zone of the quiet hours"</label>
                    <input class="input" id="rule-zone" name="rule[quiet_zone]" maxlength="64" placeholder="Europe/Berlin" spellcheck="false" prop:value=move || zone.get() value=zone.get_untracked()/></div>
                <div class="field"><label for="rule-group">"Group alerts by"</label>
                    <select class="input" id="rule-group" name="rule[group_by]">{move || options(&groups, &group.get())}</select>
                    <span class="hint">"One alert for all shipments with one value"</span></div>
                {move || owner.with(|(id, owner, people)| owned(id, owner, people).into_any())}
            </div>
            <div class="in in--wrong">{wrong(problems(editor, "limits", None))}</div>
        </section>
    }
}

/// Who looks after it: no part of a version, so that it has a form of its own ([`super::one`]).
fn owned(id: &str, owner: &str, people: &[(String, String)]) -> impl IntoView + use<> {
    let people: Vec<_> = [(String::new(), "No owner".to_owned())].into_iter().chain(people.iter().cloned()).collect();
    (!id.is_empty()).then(|| {
        view! {
            <div class="field"><label for="rule-owner">"Owner"</label>
                <div class="pair pair--do"><select class="input" id="rule-owner" name="with" form="owner-form">{options(&people, owner)}</select>
                    <button class="btn" type="submit" form="owner-form" data-testid="set-owner">"Set"</button></div></div>
        }
    })
}

/// What is done with the draft.
fn publish_bar(view: Signal<RuleView>, editor: RwSignal<EditorView>, acts: Acts) -> impl IntoView {
    let state =
        part(view, |view| (view.row.state.clone(), view.needs_second.clone(), view.four_eyes, view.row.id.is_empty()));
    let count = Memo::new(move |_| editor.with(|editor| editor.problems.len()));
    let unsaved = Memo::new(move |_| editor.with(|editor| editor.unsaved));
    let next = Memo::new(move |_| {
        state.with(|(state, ..)| state.draft.unwrap_or_else(|| state.version.map_or(1, |now| now + 1)))
    });
    let stands = move || {
        let (problems, unsaved) = (count.get(), unsaved.get());
        let has_draft = state.with(|(state, ..)| state.draft.is_some());
        match (problems, unsaved, has_draft) {
            (0, true, _) => view! { <span class="muted">"Not saved."</span> }.into_any(),
            (0, false, true) => view! { <span class="muted">"Saved, runs nowhere yet."</span> }.into_any(),
            (0, false, false) => {
                view! { <span class="muted">"No changes: what is shown runs already."</span> }.into_any()
            }
            (1, ..) => view! { <span class="bad">"1 error to fix, then publish."</span> }.into_any(),
            (n, ..) => view! { <span class="bad">{format!("{n} errors to fix, then publish.")}</span> }.into_any(),
        }
    };
    let second =
        move || state.with(|(_, why, ..)| why.clone().map(|why| view! { <span class="muted">" "{why}</span> }));
    let asked = move || {
        state.with(|(state, _, four_eyes, _)| {
            let tag = if state.asked {
                view! { <span class="tag tag--info" data-testid="asked"><Icon name="clock"/>"asked for approval"</span> }.into_any()
            } else {
                view! { <span class="tag"><Icon name="clock"/>"not asked"</span> }.into_any()
            };
            (*four_eyes && state.draft.is_some()).then_some(tag)
        })
    };
    let discard = move || {
        state.with(|(state, ..)| state.draft.is_some()).then(|| {
            view! { <button class="btn btn--bare" type="submit" form="discard-form" data-testid="discard">"Discard draft"</button> }
        })
    };
    let ask = move || {
        state.with(|(_, _, four_eyes, _)| *four_eyes).then(|| {
            view! { <button class="btn" type="submit" name="rule[step]" value="ask" data-testid="ask">"Ask for approval"</button> }
        })
    };
    // what runs already is no new version
    let same = move || !unsaved.get() && state.with(|(state, ..)| state.draft.is_none());
    let held = move || count.get() > 0 || same() || state.with(|(_, why, ..)| why.is_some());
    let icon = move || {
        if held() { view! { <Icon name="lock"/> }.into_any() } else { view! { <Icon name="check"/> }.into_any() }
    };
    let pending =
        move || acts.edit.pending().get().then(|| view! { <span class="sr" role="status">"Working …"</span> });
    view! {
        <div class="pubbar" role="region" aria-label="Publish">
            <span class="pubbar__w" id="problems" tabindex="-1" data-testid="stands">{move || (!same()).then(|| view! { <b>{format!("Draft v{}", next.get())}</b>" " })}{stands}{second}</span>
            {asked}{pending}
            <span class="row keep push">
                {discard}
                <button class="btn" type="submit" name="rule[step]" value="save" data-testid="save">"Save draft"</button>
                {ask}
                <button class="btn" class:btn--go=move || !held() type="submit" name="rule[step]" value="publish" data-testid="publish" aria-disabled=move || held().then_some("true") aria-describedby="problems">
                    {icon}{move || format!("Publish v{}", next.get())}</button>
            </span>
        </div>
    }
}
