//! The company's working days and hours: by them exceptions are due and silence is counted.

use super::acts::Acts;
use crate::{
    components::{Icon, Time},
    contract::playbooks::{CalendarForm, CalendarView, DayChange, OwnDay},
};
use leptos::{form::ActionForm, prelude::*};

/// Hours and place, own days, public holidays.
pub(super) fn page(view: CalendarView, acts: Acts) -> impl IntoView {
    let CalendarView { form, countries, week, due, days, holidays_of, holidays } = view;
    let due = due.into_iter().map(|(severity, when)| view! { <dt>{severity}</dt><dd><Time when/></dd> }).collect_view();
    let codes: Vec<String> = countries.into_iter().map(|(code, ..)| code).collect();
    view! {
        <div class="cols cols--side">
            <div class="stack">
                {hours(form, &codes, week, acts)}
                {own_days(days, acts)}
            </div>
            <aside class="stack" aria-label="What follows">
                <section class="panel"><header><h2>"Due"</h2></header>
                    <div class="in stack stack--tight"><dl class="facts" data-testid="due">{due}</dl>
                        <p class="small muted">"An exception that opens now, while its clock runs. Changes count for what is due from now on."</p></div></section>
                {public(&codes, holidays_of, holidays)}
            </aside>
        </div>
    }
}

fn hours(form: CalendarForm, codes: &[String], week: String, acts: Acts) -> impl IntoView + use<> {
    let list = codes.iter().map(|code| view! { <option value=code.clone()></option> }).collect_view();
    let time = |name: &'static str, label: &'static str, value: String| {
        view! { <label class="field"><span>{label}</span><input class="input" type="time" name=format!("form[{name}]") value=value required/></label> }
    };
    view! {
        <section class="panel" data-testid="hours"><header><h2>"Working days and hours"</h2><span class="push">{week}</span></header>
            <ActionForm action=acts.calendar attr:class="in stack">
                <div class="rule-form">
                    <label class="field"><span>"Country"</span><input class="input" name="form[country]" value=form.country maxlength="2" list="countries" placeholder="DE" autocomplete="off"/>
                        <span class="hint small muted">"two letters: its weekend and public holidays; empty: no public holidays"</span></label>
                    <label class="field"><span>"Time zone"</span><input class="input" name="form[zone]" value=form.zone required maxlength="60" placeholder="Europe/Berlin"/></label>
                    {time("opens", "Work begins", form.opens)}
                    {time("closes", "Work ends", form.closes)}
                    {time("cut_off", "Cut-off", form.cut_off)}
                </div>
                <datalist id="countries">{list}</datalist>
                <p class="small muted">"What is handed over after the cut-off counts from the next working day."</p>
                <div class="row"><button class="btn btn--go" type="submit" data-testid="save-calendar">"Save"</button></div>
            </ActionForm>
        </section>
    }
}

fn own_days(days: Vec<OwnDay>, acts: Acts) -> impl IntoView {
    let rows = match days.is_empty() {
        true => view! { <p class="in small muted">"No days of your own: weekends and public holidays are off."</p> }
            .into_any(),
        false => {
            let rows = days.into_iter().map(|day| own_day(day, acts)).collect_view();
            view! { <ul class="lines lines--s">{rows}</ul> }.into_any()
        }
    };
    view! {
        <section class="panel" data-testid="own-days"><header><h2>"Own days"</h2></header>
            {rows}
            <ActionForm action=acts.day attr:class="in row try-form">
                <label class="field"><span>"Day"</span><input class="input" type="date" name="day" required/></label>
                <label class="field"><span>"Is"</span><select class="input" name="change"><option value=DayChange::Closed.code()>"a day off"</option><option value=DayChange::Working.code()>"a working day"</option></select></label>
                <label class="field"><span>"Country (empty: the company alone)"</span><input class="input" name="place" maxlength="2" list="countries" autocomplete="off"/></label>
                <button class="btn" type="submit" data-testid="add-day"><Icon name="plus"/>"Day"</button>
            </ActionForm>
        </section>
    }
}

fn own_day(day: OwnDay, acts: Acts) -> impl IntoView {
    let (icon, word) = if day.works { ("check", "working day") } else { ("x", "day off") };
    let remove = format!("Remove {}", day.shown);
    view! {
        <li data-testid="own-day"><Icon name=icon/>
            <span>{day.shown}<br/><span class="small muted">{format!("{word}, {}", day.place_label)}</span></span>
            <ActionForm action=acts.day attr:class="inline-form">
                <input type="hidden" name="day" value=day.day/><input type="hidden" name="place" value=day.place/>
                <input type="hidden" name="change" value=DayChange::Usual.code()/>
                <button class="btn btn--s btn--icon" type="submit" aria-label=remove><Icon name="x"/></button>
            </ActionForm></li>
    }
}

fn public(codes: &[String], of: String, holidays: Vec<String>) -> impl IntoView + use<> {
    let chosen = of.clone();
    let options = codes
        .iter()
        .map(|code| view! { <option value=code.clone() selected=*code == chosen>{code.clone()}</option> })
        .collect_view();
    let none = of.is_empty() || holidays.is_empty();
    let lines = holidays.into_iter().map(|day| view! { <li>{day}</li> }).collect_view();
    view! {
        <section class="panel" data-testid="holidays"><header><h2>"Public holidays"</h2><span class="push">{of}</span></header>
            <div class="in stack stack--tight">
                <form class="row" method="get" action="/playbooks">
                    <input type="hidden" name="tab" value="calendar"/>
                    <label class="sr" for="holidays-of">"Country"</label>
                    <select class="input" id="holidays-of" name="country"><option value="">"The company’s"</option>{options}</select>
                    <button class="btn btn--s" type="submit">"Show"</button>
                </form>
                {none.then(|| view! { <p class="small muted">"No country is set: there are no public holidays."</p> })}
                <ul class="small stack stack--tight">{lines}</ul>
            </div>
        </section>
    }
}
