//! A saved report: what it shows, when and to whom it goes out, and its mails so far.

use super::list::{button, files, no_channel, run_mark};
use crate::{
    api::{self, ActOnReport, SaveReport},
    components::{Failed, Frame, Icon, Time, action, figures, live::followed},
    contract::{
        ApiError, Record,
        figures::Narrowing,
        is_id,
        reports::{ReportForm, ReportQuery, ReportRow, ReportView},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map, use_query_map},
};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A new one; the address may say with which figures, period and filters it begins.
#[component]
pub fn NewReportPage() -> impl IntoView {
    view! { <Frame title="New report"><New/></Frame> }
}

#[component]
fn New() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| {
        params.with(|params| ReportQuery {
            id: String::new(),
            figures: params.get("figures").unwrap_or_default(),
            from: figures::query(params),
        })
    });
    let save = action::<SaveReport>();
    let asked = Resource::new(move || query.get(), api::get_report);
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(Ok(id)) = save.value().get() {
            navigate(&format!("/reports/{id}"), NavigateOptions::default());
        }
    });
    let failed = move || save.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <nav class="crumbs" aria-label="Where"><a href="/reports">"Reports"</a><Icon name="right"/><span>"New report"</span></nav>
        <div class="page__head"><div><h1>"New report"</h1><p>"The period moves with the day on which the report is made."</p></div></div>
        {failed}
        {followed(asked, move |asked| move || form(&asked.get(), save))}
    }
    .into_any()
}

/// One of them.
#[component]
pub fn ReportPage() -> impl IntoView {
    view! { <Frame title="Report"><One/></Frame> }
}

#[component]
fn One() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let (save, act) = (action::<SaveReport>(), action::<ActOnReport>());
    let asked = Resource::new(
        move || (id.get(), save.version().get(), act.version().get()),
        |(id, ..)| async move {
            if !is_id(&id) {
                return Err(ApiError::Missing { what: Record::Report });
            }
            let query = ReportQuery { id, ..ReportQuery::default() };
            api::get_report(query).await.map_err(|error| error.of_page(Record::Report))
        },
    );
    let navigate = use_navigate();
    Effect::new(move |_| {
        let deleted = act.input().with_untracked(|input| input.as_ref().is_some_and(|input| input.act == "delete"));
        if matches!(act.value().get(), Some(Ok(()))) && deleted {
            navigate("/reports", NavigateOptions::default());
        }
    });
    let failed = move || {
        let error = save.value().get().and_then(Result::err).or(act.value().get().and_then(Result::err));
        error.map(|error| view! { <Failed error/> })
    };
    view! {
        {failed}
        {followed(asked, move |asked| move || page(asked.get(), save, act))}
    }
    .into_any()
}

fn page(view: ReportView, save: ServerAction<SaveReport>, act: ServerAction<ActOnReport>) -> AnyView {
    let Some(row) = view.row.clone() else { return ().into_any() };
    let none = (!view.mail && row.rhythm.is_some()).then(no_channel);
    let shown = if row.may_change { form(&view, save) } else { summary(&row) };
    view! {
        <nav class="crumbs" aria-label="Where"><a href="/reports">"Reports"</a><Icon name="right"/><span>{row.name.clone()}</span></nav>
        <div class="page__head"><div><h1>{row.name.clone()}</h1><p>{row.shows.clone()}</p></div>
            <div class="row push">{files(&row.id)}{acts(&row, act)}</div></div>
        {none}
        {shown}
        {mails(&view)}
    }
    .into_any()
}

fn acts(row: &ReportRow, act: ServerAction<ActOnReport>) -> AnyView {
    if !row.may_change {
        return ().into_any();
    }
    let mailed = row.rhythm.is_some().then(|| {
        let (what, words) = if row.paused { ("resume", "Resume mails") } else { ("pause", "Pause mails") };
        view! { {button(act, &row.id, "send", "Send now")}{button(act, &row.id, what, words)} }
    });
    view! { {mailed}{button(act, &row.id, "delete", "Delete")} }.into_any()
}

/// For who may not change it.
fn summary(row: &ReportRow) -> AnyView {
    view! {
        <section class="panel"><div class="in"><dl class="facts">
            <dt>"Owner"</dt><dd>{row.owner.clone()}</dd>
            <dt>"Mail"</dt><dd>{row.rhythm.clone().unwrap_or_else(|| "Not sent".into())}</dd>
            <dt>"Recipients"</dt><dd>{row.recipients.to_string()}</dd>
        </dl></div></section>
    }
    .into_any()
}

fn mails(view: &ReportView) -> AnyView {
    if view.runs.is_empty() {
        return ().into_any();
    }
    let line = |run: &crate::contract::reports::RunView| {
        let due = run.due.clone();
        view! { <tr><th scope="row" class="c11"><Time when=due/></th><td class="two c21">{run_mark(run)}</td></tr> }
            .into_any()
    };
    let lines: Vec<AnyView> = view.runs.iter().map(line).collect();
    view! {
        <section class="table-box" data-testid="runs">
            <table class="table table--list"><caption class="sr">"Mails of this report"</caption>
                <thead><tr><th>"Due"</th><th>"Mail"</th></tr></thead><tbody>{lines}</tbody></table>
        </section>
    }
    .into_any()
}

fn form(view: &ReportView, save: ServerAction<SaveReport>) -> AnyView {
    let entered = view.form.clone();
    let ReportForm { id, revision, name, sharing, figures: chosen, .. } = entered.clone();
    let boxes: Vec<AnyView> = view
        .figures
        .iter()
        .map(|one| {
            let (code, on) = (one.code.clone(), chosen.contains(&one.code));
            view! { <label><input type="checkbox" name="form[figures][]" value=code checked=on/>{one.label.clone()}</label> }.into_any()
        })
        .collect();
    let team = sharing == "team";
    let choices = vec![
        choose("period", "Period", &view.periods, &entered.period, None),
        choose("split", "Split by", &view.splits, &entered.split, Some("Not split")),
        choose("company", "Company", &view.companies, &entered.company, Some("All companies")),
        choose("warehouse", "Warehouse", &view.warehouses, &entered.warehouse, Some("All warehouses")),
        choose("carrier", "Carrier", &view.carriers, &entered.carrier, Some("All carriers")),
        choose("country", "Country", &view.countries, &entered.country, Some("All countries")),
        choose("segment", "Customer segment", &view.segments, &entered.segment, Some("All segments")),
    ];
    let mailing = mailing(view, &entered);
    view! {
        <ActionForm action=save attr:class="report-form" attr:data-testid="report-form">
            <input type="hidden" name="form[id]" value=id/><input type="hidden" name="form[revision]" value=revision.to_string()/>
            <section class="panel"><header><h2>"What it shows"</h2></header><div class="in stack">
                <label class="field"><span>"Name"</span><input class="input" name="form[name]" value=name required maxlength="80"/></label>
                <fieldset class="field"><legend>"Figures, 12 at most"</legend><div class="ticks">{boxes}</div></fieldset>
                <div class="report-form__row">{choices}
                </div>
                <fieldset class="field"><legend>"Who sees it"</legend><div class="ticks">
                    <label><input type="radio" name="form[sharing]" value="" checked=!team/>"Only I"</label>
                    <label><input type="radio" name="form[sharing]" value="team" checked=team/>"All who see figures"</label>
                </div></fieldset>
            </div></section>
            {mailing}
            <div class="row"><button class="btn btn--go" type="submit" data-testid="save-report">"Save report"</button><a class="btn" href="/reports">"Cancel"</a></div>
        </ActionForm>
    }
    .into_any()
}

fn mailing(view: &ReportView, entered: &ReportForm) -> AnyView {
    let named = |pairs: &[(&str, &str)]| -> Vec<Narrowing> {
        pairs.iter().map(|(code, label)| Narrowing { code: (*code).into(), label: (*label).into() }).collect()
    };
    let every = named(&[("day", "Each day"), ("week", "Each week"), ("month", "Each month")]);
    let weekdays: Vec<Narrowing> =
        WEEKDAYS.iter().zip(1..).map(|(label, n)| Narrowing { code: n.to_string(), label: (*label).into() }).collect();
    let day =
        |n: i32| Narrowing { code: n.to_string(), label: if n == 31 { "Last day".into() } else { n.to_string() } };
    let days: Vec<Narrowing> = (1..=31).map(day).collect();
    let hours: Vec<Narrowing> =
        (0..24).map(|n| Narrowing { code: n.to_string(), label: format!("{n:02}:00") }).collect();
    let formats = named(&[
        ("html", "In the mail, ready for print"),
        ("xlsx", "With a workbook (XLSX)"),
        ("csv", "With a CSV file"),
    ]);
    view! {
        <section class="panel"><header><h2>"By mail"</h2><span class="push small muted">{format!("Hours are {}", view.zone)}</span></header><div class="in stack">
            <div class="report-form__row">
                {choose("every", "How often", &every, &entered.every, Some("Not sent"))}
                {choose("weekday", "Day of the week, if weekly", &weekdays, &entered.weekday, None)}
                {choose("day", "Day of the month, if monthly", &days, &entered.day, None)}
                {choose("hour", "Hour", &hours, &entered.hour, None)}
                {choose("format", "As", &formats, &entered.format, None)}
            </div>
            <label class="field"><span>"To"</span><input class="input" name="form[to]" value=entered.to.clone() maxlength="2000" placeholder="ines@example.com, omar@example.com" autocomplete="off"/>
                <span class="hint">"Up to 20 addresses, separated by commas. They get figures, and no personal data."</span></label>
        </div></section>
    }
    .into_any()
}

/// One of several; where none has to be chosen, with what that means.
fn choose(
    name: &'static str,
    label: &'static str,
    options: &[Narrowing],
    chosen: &str,
    none: Option<&'static str>,
) -> AnyView {
    // with nothing to choose from there is no question
    if options.is_empty() && chosen.is_empty() {
        return ().into_any();
    }
    let known = options.iter().any(|one| one.code == chosen) || chosen.is_empty();
    let other = (!known).then(|| view! { <option value=chosen.to_owned() selected=true>{chosen.to_owned()}</option> });
    let options: Vec<AnyView> = options
        .iter()
        .map(|one| {
            let selected = one.code == chosen;
            view! { <option value=one.code.clone() selected=selected>{one.label.clone()}</option> }.into_any()
        })
        .collect();
    view! {
        <label class="field"><span>{label}</span><select class="input" name=format!("form[{name}]")>
            {none.map(|none| view! { <option value="">{none}</option> })}{other}{options}</select></label>
    }
    .into_any()
}
