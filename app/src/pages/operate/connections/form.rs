//! The guided form of a connection: its fields come from the connector's schema. It is a plain form, so that it works before the
//! browser's half has come; what was wrong is shown beside the field, and what was typed stays.

use crate::{
    api::PutConnection,
    components::{Failed, Icon, browser},
    contract::{
        ApiError,
        connections::{ConnectionForm, FieldKind, FieldView, FormFault, FormView},
    },
};
use domain::Severity;
use leptos::{form::ActionForm, prelude::*};

/// The id of the form's heading.
pub const TITLE: &str = "settings-title";

/// What the form's actions are under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A new connection, or one that is not turned on yet: it is saved and tested.
    Guide,
    /// A change of one that is there.
    Change,
}

/// What is wrong, by field: of the last answer, else of what the page came with.
#[derive(Clone, Copy)]
struct Faults {
    put: ServerAction<PutConnection>,
    first: StoredValue<Option<FormFault>>,
    inputs: StoredValue<Vec<String>>,
}

impl Faults {
    fn now(self) -> Option<FormFault> {
        if self.put.version().get() == 0
            && let Some(first) = self.first.get_value()
        {
            return Some(first);
        }
        match self.put.value().get() {
            Some(Err(ApiError::Invalid { field, message })) => Some(FormFault { field, message }),
            _ => None,
        }
    }

    /// What is wrong with this field.
    fn of(self, name: &str) -> Option<String> {
        self.now().filter(|fault| fault.field == name).map(|fault| fault.message)
    }

    /// What is wrong with none of the fields.
    fn elsewhere(self) -> Option<ApiError> {
        if let Some(FormFault { field, message }) = self.now() {
            let shown = self.inputs.with_value(|inputs| inputs.contains(&field));
            return (!shown).then_some(ApiError::Invalid { field, message });
        }
        self.put.value().get().and_then(Result::err).filter(|error| !matches!(error, ApiError::Invalid { .. }))
    }
}

/// The names that inputs have for everything that no schema has.
const COMMON: &[&str] =
    &["name", "label", "owner", "purpose", "runbook", "data_classes", "companies", "warehouses", "carriers", "secret"];

/// The form.
#[component]
pub fn SettingsForm(
    /// What it shows.
    form: FormView,
    /// What keeps it.
    put: ServerAction<PutConnection>,
    /// What it is used for.
    used: Use,
) -> impl IntoView {
    let inputs = form.fields.iter().map(|field| field.name.clone()).chain(COMMON.iter().map(|name| (*name).to_owned()));
    let faults =
        Faults { put, first: StoredValue::new(form.fault.clone()), inputs: StoredValue::new(inputs.collect()) };
    focus_on_fault(faults);
    let (name, first) = (form.typed.name.clone(), form.version);
    // after a save the next one changes what was saved, and the secret that was typed is gone from the page
    let version = Memo::new(move |before: Option<&u64>| {
        let kept = put.value().with(|kept| match kept {
            Some(Ok(kept)) if kept.name == name => Some(kept.version),
            _ => None,
        });
        kept.unwrap_or_else(|| before.copied().unwrap_or(first))
    });
    Effect::watch(move || version.get(), |_, _, _| browser::clear("c-secret"), false);
    let (main, more): (Vec<_>, Vec<_>) =
        form.fields.iter().cloned().partition(|field| field.upfront || field.name == "scheme");
    let main = main.into_iter().map(|field| setting(field, faults)).collect_view();
    let further = further(more, &form.typed, faults);
    let routing = (form.family == "desk").then(|| routing(&form.typed, faults));
    let title = format!("Settings for {}", form.connector_label);
    let number = (used == Use::Guide).then(|| view! { <span class="stepno">"2 "</span> });
    let buttons = match used {
        Use::Guide => view! {
            <button class="btn btn--go" type="submit" name="connection[then]" value="test" data-testid="save-and-test"><Icon name="test"/>"Save and test"</button>
            <button class="btn" type="submit" name="connection[then]" value="show" data-testid="save">"Save as draft"</button>
        }
        .into_any(),
        Use::Change => view! {
            <button class="btn btn--go" type="submit" name="connection[then]" value="show" data-testid="save">"Save"</button>
            <button class="btn" type="submit" name="connection[then]" value="test" data-testid="save-and-test">"Save and test"</button>
        }
        .into_any(),
    };
    let pending =
        move || put.pending().get().then(|| view! { <span class="small muted" role="status">"Saving …"</span> });
    view! {
        <section class="panel" id="settings">
            <header><h2 id=TITLE tabindex="-1">{number}{title}</h2><span class="push">{format!("from schema {} v{}", form.connector, form.schema)}</span></header>
            <div class="in form-fault" role="alert">{move || faults.elsewhere().map(|error| view! { <Failed error/> })}</div>
            <ActionForm action=put attr:id="connection-form" attr:novalidate=true>
                <input type="hidden" name="connection[connector]" value=form.connector.clone()/>
                <input type="hidden" name="connection[version]" value=move || version.get().to_string()/>
                {names(&form, version, faults)}
                {environment(form.typed.sandbox)}
                {main}
                {moved(&form, used)}
                {secret(&form, version, faults)}
                {routing}
                {further}
                <div class="ask ask--do"><div class="row">{buttons}{pending}</div></div>
            </ActionForm>
        </section>
    }
}

/// The first wrong field has the focus, and what it is folded into is open.
fn focus_on_fault(faults: Faults) {
    Effect::new(move |_| {
        if let Some(fault) = faults.now() {
            browser::focus_on(&format!("c-{}", fault.field));
        }
    });
}

/// A field with its label, what is wrong with it, and what it is for.
fn ask<V: IntoView>(name: &str, label: String, help: String, faults: Faults, input: V) -> impl IntoView + use<V> {
    let (id, wrong, hint) = ids(name);
    let name = name.to_owned();
    view! {
        <div class="ask">
            <div class="field">
                <label for=id>{label}</label>
                {input}
                <span id=wrong class="wrong" role="alert">{move || faults.of(&name).map(fault)}</span>
            </div>
            <p class="ask__help" id=hint>{help}</p>
        </div>
    }
}

fn fault(message: String) -> impl IntoView {
    view! { <span class="hint bad row row--tight keep" data-testid="fault"><Icon name="critical"/><span>{message}</span></span> }
}

/// The ids of an input, of what is wrong with it, and of what it is for.
fn ids(name: &str) -> (String, String, String) {
    (format!("c-{name}"), format!("c-{name}-wrong"), format!("c-{name}-help"))
}

/// An input of one line.
fn line(
    name: &str,
    sent_as: String,
    kind: &'static str,
    value: String,
    required: bool,
    faults: Faults,
) -> impl IntoView + use<> {
    let (id, wrong, hint) = ids(name);
    let name = name.to_owned();
    let invalid = move || faults.of(&name).is_some().then_some("true");
    view! {
        <input class="input" id=id name=sent_as type=kind value=value required=required autocomplete="off" spellcheck="false"
            aria-invalid=invalid aria-describedby=format!("{wrong} {hint}")/>
    }
}

fn common(name: &'static str, label: &str, help: &str, value: &str, faults: Faults) -> impl IntoView + use<> {
    let input = line(name, format!("connection[{name}]"), "text", value.to_owned(), false, faults);
    ask(name, label.to_owned(), help.to_owned(), faults, input)
}

/// What people call it, and its name in addresses, which stays.
fn names(form: &FormView, version: Memo<u64>, faults: Faults) -> impl IntoView + use<> {
    let name = form.typed.name.clone();
    let by_version = move || {
        if version.get() > 0 {
            let hidden = view! { <input type="hidden" name="connection[name]" value=name.clone()/> };
            return view! { {hidden} }.into_any();
        }
        let input = line("name", "connection[name]".into(), "text", name.clone(), true, faults);
        let help = "In addresses and on the command line: lower case letters, digits and hyphens. It is never changed.";
        ask("name", "Short name".into(), help.into(), faults, input).into_any()
    };
    view! {
        {common("label", "Name", "Shown in lists, alerts and the audit trail.", &form.typed.label, faults)}
        {by_version}
    }
}

fn environment(sandbox: bool) -> impl IntoView {
    view! {
        <fieldset class="ask">
            <div><legend>"Environment"</legend><div class="ask__opts">
                <label><input type="radio" name="connection[sandbox]" value="false" checked=!sandbox/>"Production"</label>
                <label><input type="radio" name="connection[sandbox]" value="true" checked=sandbox/>"Sandbox"</label>
            </div></div>
            <p class="ask__help">"Sandbox marks a system for tests, here and in lists."</p>
        </fieldset>
    }
}

/// A setting of the connector, by what it takes.
fn setting(field: FieldView, faults: Faults) -> impl IntoView {
    let FieldView { name, label, kind, required, help, value, .. } = field;
    let sent_as = format!("connection[fields][{name}]");
    let (id, wrong, hint) = ids(&name);
    let described = format!("{wrong} {hint}");
    let invalid = {
        let name = name.clone();
        move || faults.of(&name).is_some().then_some("true")
    };
    let input = match kind {
        FieldKind::Flag => {
            let (on, name) = (matches!(value.as_str(), "on" | "true" | "1" | "yes"), name.clone());
            return view! {
                <fieldset class="ask">
                    <div><legend class="sr">{label.clone()}</legend><div class="ask__opts">
                        <label><input type="checkbox" id=id name=sent_as value="on" checked=on aria-invalid=invalid aria-describedby=described/>{label}</label>
                        <span id=wrong role="alert">{move || faults.of(&name).map(fault)}</span>
                    </div></div>
                    <p class="ask__help ask__help--flag" id=hint>{help}</p>
                </fieldset>
            }
            .into_any();
        }
        FieldKind::Choice(options) => {
            let none = (!required && options.iter().all(|(option, _)| *option != value)).then(|| view! { <option value="">"–"</option> });
            let options = options
                .into_iter()
                .map(|(option, label)| view! { <option value=option.clone() selected=option == value>{label}</option> })
                .collect_view();
            view! { <select class="input" id=id name=sent_as aria-invalid=invalid aria-describedby=described>{none}{options}</select> }.into_any()
        }
        FieldKind::Json => view! {
            <textarea class="input mono" id=id name=sent_as rows="8" spellcheck="false" aria-invalid=invalid aria-describedby=described>{value}</textarea>
        }
        .into_any(),
        FieldKind::Number { least, most } => view! {
            <input class="input" id=id name=sent_as type="number" inputmode="numeric" min=least.to_string() max=most.to_string() value=value required=required
                aria-invalid=invalid aria-describedby=described/>
        }
        .into_any(),
        FieldKind::Url => line(&name, sent_as, "url", value, required, faults).into_any(),
        FieldKind::Text | FieldKind::List | FieldKind::Zone => line(&name, sent_as, "text", value, required, faults).into_any(),
    };
    ask(&name, label, help, faults, input).into_any()
}

/// A system that has moved keeps its records: another address is another system otherwise.
fn moved(form: &FormView, used: Use) -> impl IntoView + use<> {
    let on = form.typed.moved;
    (form.family != "carrier" && used == Use::Change).then(|| {
        view! {
            <fieldset class="ask">
                <div><legend class="sr">"Move"</legend><div class="ask__opts">
                    <label><input type="checkbox" name="connection[moved]" value="true" checked=on/>"The same system under a new address"</label>
                </div></div>
                <p class="ask__help ask__help--flag">"Tick it when the address or database changed and the records are the same. The secret is needed again."</p>
            </fieldset>
        }
    })
}

/// The secret: it is sent to Milepost and never back.
fn secret(form: &FormView, version: Memo<u64>, faults: Faults) -> impl IntoView + use<> {
    let (label, help, needed, many) =
        (form.secret_label.clone(), form.secret_help.clone(), form.secret_needed, form.family == "carrier");
    let kept = form.secrets > 0;
    let input = move || {
        let (id, wrong, hint) = ids("secret");
        let kept = kept || version.get() > 0;
        let invalid = move || faults.of("secret").is_some().then_some("true");
        let placeholder = if kept { "Stored; type to replace it" } else { "" };
        let described = format!("{wrong} {hint}");
        if many {
            // keys have several lines
            view! {
                <textarea class="input secret-area" id=id name="connection[secret]" rows="2" autocomplete="off" spellcheck="false" placeholder=placeholder
                    aria-invalid=invalid aria-describedby=described></textarea>
            }
            .into_any()
        } else {
            view! {
                <input class="input" id=id name="connection[secret]" type="password" autocomplete="new-password" spellcheck="false" placeholder=placeholder
                    required=needed && !kept aria-invalid=invalid aria-describedby=described/>
            }
            .into_any()
        }
    };
    let input = view! { {input}<span class="hint">"Stored encrypted, never shown again."</span> };
    ask("secret", label, help, faults, input)
}

/// Which exceptions a desk takes.
fn routing(typed: &ConnectionForm, faults: Faults) -> impl IntoView + use<> {
    let list = |name: &'static str, value: &str| {
        line(name, format!("connection[{name}]"), "text", value.to_owned(), false, faults)
    };
    let companies = ask(
        "companies",
        "Companies".into(),
        "This desk takes exceptions of these, as Odoo names them, one a line. Empty: of any.".into(),
        faults,
        view! {
            <textarea class="input" id="c-companies" name="connection[companies]" rows="2" spellcheck="false"
                aria-invalid=move || faults.of("companies").is_some().then_some("true") aria-describedby="c-companies-wrong c-companies-help">{typed.companies.clone()}</textarea>
        },
    );
    let warehouses = ask(
        "warehouses",
        "Warehouses".into(),
        "Of these, as deliveries begin with them: WH of WH/OUT/00042. Empty: of any.".into(),
        faults,
        list("warehouses", &typed.warehouses),
    );
    let carriers = ask(
        "carriers",
        "Carriers".into(),
        "Of these carriers, by commas, like dhl, ups. Empty: of any.".into(),
        faults,
        list("carriers", &typed.carriers),
    );
    let severities = Severity::ALL
        .iter()
        .map(|severity| {
            let on = typed.severities.iter().any(|code| code == severity.code());
            view! { <label><input type="checkbox" name="connection[severities][]" value=severity.code() checked=on/>{severity.label()}</label> }
        })
        .collect_view();
    view! {
        <h3 class="ask-head" id="c-takes">"Which exceptions this desk takes"</h3>
        {companies}{warehouses}{carriers}
        <fieldset class="ask">
            <div><legend>"Severities"</legend><div class="ask__opts ask__opts--across">{severities}</div></div>
            <p class="ask__help">"None ticked: of any severity. Of several desks that take an exception, the one with the most conditions gets it."</p>
        </fieldset>
    }
}

/// What is rarely set, folded away; open where something is set or wrong.
fn further(fields: Vec<FieldView>, typed: &ConnectionForm, faults: Faults) -> impl IntoView + use<> {
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let count = fields.len() + 4;
    let wrong = move || {
        faults.now().is_some_and(|fault| {
            names.contains(&fault.field)
                || ["owner", "purpose", "runbook", "data_classes"].contains(&fault.field.as_str())
        })
    };
    let fields = fields.into_iter().map(|field| setting(field, faults)).collect_view();
    view! {
        <details class="more-asks" open=wrong>
            <summary><Icon name="right"/>{format!("Owner, purpose and further settings ({count})")}</summary>
            {common("owner", "Owner", "Who looks after it.", &typed.owner, faults)}
            {common("purpose", "Purpose", "What it is for.", &typed.purpose, faults)}
            {common("runbook", "Runbook", "A link to what to do when it fails.", &typed.runbook, faults)}
            {common("data_classes", "Data classes", "Kinds of data that go over it, by commas, like addresses, names.", &typed.data_classes, faults)}
            {fields}
        </details>
    }
}
