//! Which deliveries are booked where: the list of rules, one rule's form, and what the rules would do with a delivery. Forms and links
//! only, so that it works before the browser's half has come.

use crate::{
    api::{self, ChangeBookingRule, SaveBookingRule},
    components::{
        Failed, Frame, Icon, Time, action,
        live::{followed, part},
        parts::Empty,
    },
    contract::booking_rules::{BookingRulesQuery, BookingRulesView, RuleForm, RuleRow, TrialView},
};
use domain::visible::visible;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

/// Where the page is.
pub const HREF: &str = "/booking-rules";

fn question(params: &ParamsMap) -> BookingRulesQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    BookingRulesQuery { edit: text("edit"), add: text("add"), delivery: text("delivery") }
}

fn edit(name: &str) -> String {
    let mut params = ParamsMap::new();
    params.insert("edit", name.to_owned());
    format!("{HREF}{}#rule", params.to_query_string())
}

/// The page.
#[component]
pub fn BookingRulesPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let (save, change) = (action::<SaveBookingRule>(), action::<ChangeBookingRule>());
    let done = move || save.version().get() + change.version().get();
    let page = Resource::new(
        move || (query.get(), done()),
        |(query, _)| async move { api::get_booking_rules(query.clone()).await.map(|view| (query, view)) },
    );
    let failed = move || {
        [save.value().get().and_then(Result::err), change.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .map(|error| view! { <Failed error/> })
            .collect_view()
    };
    view! {
        <Frame title="Booking rules">
            {failed}
            {followed(page, move |page| view! { <Whole page save change/> })}
        </Frame>
    }
}

#[component]
fn Whole(
    page: Signal<(BookingRulesQuery, BookingRulesView)>,
    save: ServerAction<SaveBookingRule>,
    change: ServerAction<ChangeBookingRule>,
) -> impl IntoView {
    let rules = part(page, |(_, view)| (view.version.clone(), view.rules.clone(), view.books.is_empty()));
    let form = part(page, |(_, view)| view.form.clone().map(|form| (form, view.books.clone(), view.registers.clone())));
    let trial = part(page, |(query, view)| (query.delivery.clone(), view.trial.clone(), view.trial_problem.clone()));
    view! {
        <div class="page__head">
            <div><h1>"Booking rules"</h1><p>"The first rule that fits a delivery decides; without rules nothing is booked"</p></div>
            <div class="row push"><a class="btn btn--go" href=format!("{HREF}?add=1#rule") data-testid="add-rule"><Icon name="plus"/>"Add rule"</a></div>
        </div>
        {move || rules.with(|(version, rules, unconnected)| list(version, rules, *unconnected, change))}
        {move || form.get().map(|(form, books, registers)| view! { <Form form books registers save/> })}
        {move || trial.with(|(delivery, trial, problem)| tried(delivery, trial.clone(), problem.clone()))}
    }
}

fn list(
    version: &str,
    rules: &[RuleRow],
    unconnected: bool,
    change: ServerAction<ChangeBookingRule>,
) -> impl IntoView + use<> {
    if rules.is_empty() {
        let advice = if unconnected {
            view! { "Connect a platform’s API first, EasyPost say: "<a href="/connections/new">"add connection"</a> }
                .into_any()
        } else {
            view! { <a class="btn btn--s" href=format!("{HREF}?add=1#rule")>"Add rule"</a> }.into_any()
        };
        return view! { <section class="table-box"><Empty title="No booking rules yet">{advice}</Empty></section> }
            .into_any();
    }
    let last = rules.len() - 1;
    let rows = rules
        .iter()
        .enumerate()
        .map(|(place, rule)| {
            let act = |what: &'static str, label: String, icon: &'static str, off: bool| {
                let (version, name) = (version.to_owned(), rule.name.clone());
                view! {
                    <ActionForm action=change attr:class="inline-form">
                        <input type="hidden" name="version" value=version/>
                        <input type="hidden" name="name" value=name/>
                        <button class="btn btn--s btn--icon" type="submit" name="act" value=what disabled=off aria-label=label><Icon name=icon/></button>
                    </ActionForm>
                }
            };
            let name = visible(&rule.name).into_owned();
            view! {
                <tr data-testid="booking-rule">
                    <td class="num hide-s">{place + 1}</td>
                    <td><a href=edit(&rule.name)>{name.clone()}</a></td>
                    <td>{rule.when.clone()}</td>
                    <td>{rule.then.clone()}{rule.since.clone().map(|since| view! {
                        <p class="small muted">"Books what became ready since "<Time when=since/>"; earlier deliveries are booked by hand."</p>
                    })}{rule.problem.clone().map(|problem| view! { <p class="small late">{problem}</p> })}</td>
                    <td><div class="row row--tight rule-acts">
                        {act("raise", format!("Move up: {name}"), "up", place == 0)}
                        {act("lower", format!("Move down: {name}"), "down", place == last)}
                        {act("remove", format!("Remove: {name}"), "x", false)}
                    </div></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="table-box">
            <table class="table table--list">
                <caption class="sr">"Booking rules in their order"</caption>
                <thead><tr><th class="num hide-s">"Order"</th><th>"Rule"</th><th>"Deliveries"</th><th>"What is done"</th><th><span class="sr">"Change"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

type Connections = Vec<(String, String)>;

#[component]
fn Form(
    form: RuleForm,
    books: Connections,
    registers: Connections,
    save: ServerAction<SaveBookingRule>,
) -> impl IntoView {
    let title = if form.of.is_empty() { "Add rule".to_owned() } else { format!("Rule “{}”", visible(&form.of)) };
    let text = |name: &'static str, label: &'static str, value: &str, hint: &'static str| {
        view! {
            <label class="field"><span>{label}</span>
                <input class="input" name=format!("rule[{name}]") value=value.to_owned() maxlength="200"/>
                {(!hint.is_empty()).then(|| view! { <span class="hint small muted">{hint}</span> })}
            </label>
        }
    };
    view! {
        <section class="panel" id="rule" aria-labelledby="rule-title">
            <header><h2 id="rule-title">{title}</h2></header>
            <ActionForm action=save attr:class="in stack booking-form">
                <input type="hidden" name="rule[version]" value=form.version.clone()/>
                <input type="hidden" name="rule[of]" value=form.of.clone()/>
                {text("name", "Name", &form.name, "")}
                <fieldset class="rule-form"><legend>"Which deliveries"</legend>
                    {text("method", "Shipping method has the word", &form.method, "express, say; empty: any")}
                    {text("warehouse", "Warehouse", &form.warehouse, "its short name in Odoo, like WH; empty: any")}
                    {text("countries", "Countries of destination", &form.countries, "two letters each, or EU: CH, NO, EU; empty: any")}
                    {text("from_kg", "From this weight on, kg", &form.from_kg, "")}
                    {text("below_kg", "Below this weight, kg", &form.below_kg, "")}
                </fieldset>
                <fieldset class="rule-form"><legend>"What is done"</legend>
                    {select("does", "Action", &form.does, &[("book", "Book a label"), ("register", "Register the number that is there"), ("nothing", "Nothing")])}
                    <div class="only-book">{connection("books_at", "Book at", &form.books_at, &books, "No connection books labels")}</div>
                    <div class="only-register">{connection("registers_at", "Register at", &form.registers_at, &registers, "No connection tracks numbers")}</div>
                </fieldset>
                <fieldset class="rule-form only-book"><legend>"Which label, where one is booked"</legend>
                    {select("offer", "Offer", &form.offer, &[("cheapest", "The cheapest"), ("fastest", "The fastest")])}
                    {text("carrier", "Only this carrier", &form.carrier, "as the platform calls it; empty: any")}
                    {text("service", "Only this service", &form.service, "")}
                    {text("account", "Only this carrier account", &form.account, "")}
                    {text("days", "Days to delivery, at most", &form.days, "")}
                    {select("format", "Label", &form.format, &[("pdf", "PDF"), ("png", "PNG"), ("zpl", "ZPL")])}
                    {select("when", "When", &form.when, &[("ready", "As soon as the goods are reserved"), ("done", "Once it is validated")])}
                    {text("length", "Length, mm", &form.length, "of parcels whose package type has no size")}
                    {text("width", "Width, mm", &form.width, "")}
                    {text("height", "Height, mm", &form.height, "")}
                </fieldset>
                <div class="row"><button class="btn btn--go" type="submit" data-testid="save-rule">"Save rule"</button><a class="btn" href=HREF>"Cancel"</a></div>
            </ActionForm>
        </section>
    }
}

fn select(
    name: &'static str,
    label: &'static str,
    value: &str,
    options: &[(&'static str, &'static str)],
) -> impl IntoView + use<> {
    let value = value.to_owned();
    let options = options
        .iter()
        .map(|(code, words)| view! { <option value=*code selected=*code == value>{*words}</option> })
        .collect_view();
    view! { <label class="field"><span>{label}</span><select class="input" name=format!("rule[{name}]")>{options}</select></label> }
}

fn connection(
    name: &'static str,
    label: &'static str,
    value: &str,
    known: &Connections,
    none: &'static str,
) -> impl IntoView + use<> {
    let value = value.to_owned();
    let is_known = known.iter().any(|(name, _)| *name == value);
    // one that was removed stays to be seen
    let gone = (!value.is_empty() && !is_known)
        .then(|| view! { <option value=value.clone() selected=true>{format!("{value} (not there)")}</option> });
    let empty = known.is_empty().then(|| view! { <option value="">{none}</option> });
    let options = known
        .iter()
        .map(|(name, label)| view! { <option value=name.clone() selected=*name == value>{label.clone()}</option> })
        .collect_view();
    view! { <label class="field"><span>{label}</span><select class="input" name=format!("rule[{name}]")>{empty}{gone}{options}</select></label> }
}

fn tried(delivery: &str, trial: Option<TrialView>, problem: Option<String>) -> impl IntoView + use<> {
    let delivery = delivery.to_owned();
    let rows = |trial: TrialView| {
        let facts = trial
            .facts
            .into_iter()
            .map(|(label, value)| view! { <dt>{label}</dt><dd>{visible(&value).into_owned()}</dd> })
            .collect_view();
        let decided = trial.rules.iter().any(|(_, decides, _)| *decides);
        let lines = trial
            .rules
            .into_iter()
            .map(|(name, decides, why)| {
                let result = match (decides, why.is_empty()) {
                    (true, _) => view! { <b>"Decides"</b> }.into_any(),
                    (false, true) if decided => view! { <span class="muted">"Fits, but a rule above it decides"</span> }.into_any(),
                    (false, true) => view! { <span class="muted">"Fits"</span> }.into_any(),
                    (false, false) => view! { <span>"Does not fit: "{why.join("; ")}</span> }.into_any(),
                };
                view! { <tr data-testid="tried-rule"><th scope="row">{visible(&name).into_owned()}</th><td>{result}</td></tr> }
            })
            .collect_view();
        view! {
            <p data-testid="trial-outcome"><a href=format!("/shipments/{}", trial.shipment)>{visible(&trial.delivery).into_owned()}</a>": "<b>{trial.outcome}</b></p>
            <dl class="facts">{facts}</dl>
            <table class="table"><caption class="sr">"What each rule says"</caption><thead><tr><th>"Rule"</th><th>"Result"</th></tr></thead><tbody>{lines}</tbody></table>
        }
    };
    view! {
        <section class="panel" id="try">
            <header><h2>"Try on a delivery"</h2></header>
            <div class="in stack stack--tight">
                <form method="get" action=HREF class="row try-form">
                    <label class="field"><span>"Delivery, or a number of it"</span><input class="input" name="delivery" value=delivery required maxlength="100" placeholder="WH/OUT/00042"/></label>
                    <button class="btn" type="submit" data-testid="try-rules">"Try the rules"</button>
                </form>
                <p class="small muted">"The delivery is read from Odoo as it is now; nothing is booked."</p>
                {problem.map(|problem| view! { <p class="late" role="alert">{problem}</p> })}
                {trial.map(rows)}
            </div>
        </section>
    }
}
