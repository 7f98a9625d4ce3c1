//! The booking rules, for their page.

use super::{Asker, given, times::Times};
use app::contract::{
    ApiError, ApiResult,
    booking_rules::{BookingRulesQuery, BookingRulesView, RuleForm, RuleRow, TrialView},
    session::Permission,
};
use application::{
    booking::{
        rules::{self, Change},
        trial::{self, Trial},
    },
    connections::Snapshot,
    error::UseCaseError,
};
use async_trait::async_trait;
use carriers::api_template;
use domain::booking::{Action, BookingRule, Choice, Misfit, When};
use odoo::Readiness;
use outbound::template::Family;

/// Digits of a weight behind the point, in kg.
const KG_DIGITS: usize = 3;
/// Days to delivery that can be asked for.
const DAYS_MAX: u16 = 365;
/// The longest side of a parcel.
const SIDE_MM_MAX: u32 = 9_999;

/// The booking rules.
pub struct BookingRulesPort(pub Asker);

#[async_trait]
impl app::contract::booking_rules::BookingRulesPort for BookingRulesPort {
    async fn view(&self, query: BookingRulesQuery) -> ApiResult<BookingRulesView> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let listed = rules::list(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let connections = context.connections.now();
        let edited = listed.rules.iter().find(|rule| rule.name == query.edit);
        let blank = RuleForm { does: "book".into(), ..RuleForm::default() };
        let form = edited.map(form).or_else(|| (query.add == "1").then_some(blank));
        let (trial, trial_problem) = match given(query.delivery.trim().to_owned()) {
            None => (None, None),
            Some(delivery) => match trial::on(context, &caller, &delivery).await {
                Ok(trial) => (Some(trial_view(trial)), None),
                Err(UseCaseError::Invalid { message, .. } | UseCaseError::Unavailable(message)) => {
                    (None, Some(message))
                }
                Err(error) => return Err(self.0.refused(error)),
            },
        };
        Ok(BookingRulesView {
            form: form.map(|form| RuleForm { version: listed.version.clone(), ..form }),
            version: listed.version,
            rules: listed.rules.iter().map(|rule| row(rule, &connections, &self.0.times())).collect(),
            books: platforms(&connections, |api| api.booking.is_some()),
            registers: platforms(&connections, |api| api.registering.is_some()),
            trial,
            trial_problem,
        })
    }

    async fn save(&self, typed: RuleForm) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let (version, of) = (typed.version.clone(), typed.of.clone());
        let rule = rule(typed)?;
        let change = if of.is_empty() { Change::Add(rule) } else { Change::Replace(of, rule) };
        rules::change(context, &caller, &version, change).await.map_err(|e| self.0.refused(e))
    }

    async fn change(&self, version: String, name: String, act: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let change = match act.as_str() {
            "raise" => Change::Raise(name),
            "lower" => Change::Lower(name),
            "remove" => Change::Remove(name),
            _ => return Err(ApiError::Invalid { field: "act".into(), message: "Choose what to do.".into() }),
        };
        rules::change(context, &caller, &version, change).await.map_err(|e| self.0.refused(e))
    }
}

fn platforms(connections: &Snapshot, does: fn(&carriers::api::ApiManifest) -> bool) -> Vec<(String, String)> {
    let fits = |connector: &str| api_template::manifest(connector).is_some_and(does);
    let of = connections.in_use(Family::Shipping).filter(|one| fits(&one.record.connector));
    of.map(|one| (one.record.name.clone(), connections.label(&one.record.name))).collect()
}

fn row(rule: &BookingRule, connections: &Snapshot, times: &Times) -> RuleRow {
    let connection = match &rule.action {
        Action::Book { connection, .. } | Action::Register { connection } => Some(connection),
        Action::Nothing => None,
    };
    let gone = connection.filter(|name| connections.get(name).is_none());
    RuleRow {
        name: rule.name.clone(),
        when: which(rule),
        then: then(&rule.action, connections),
        since: rule.since.filter(|_| matches!(rule.action, Action::Book { .. })).map(|at| times.dated(at)),
        problem: gone.map(|name| format!("The connection {name} is not there: nothing is booked by this rule.")),
    }
}

/// Which deliveries a rule fits, in words.
fn which(rule: &BookingRule) -> String {
    let weight = match (rule.from_g, rule.below_g) {
        (Some(from), Some(below)) => Some(format!("{} to below {} kg", kg(from), kg(below))),
        (Some(from), None) => Some(format!("from {} kg", kg(from))),
        (None, Some(below)) => Some(format!("below {} kg", kg(below))),
        (None, None) => None,
    };
    let parts: Vec<String> = [
        rule.method.as_ref().map(|word| format!("shipping method has “{word}”")),
        rule.warehouse.as_ref().map(|name| format!("warehouse {name}")),
        (!rule.countries.is_empty()).then(|| format!("to {}", rule.countries.join(", "))),
        weight,
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "Every delivery".to_owned() } else { capital(&parts.join(" · ")) }
}

fn then(action: &Action, connections: &Snapshot) -> String {
    match action {
        Action::Nothing => "Book and register nothing".to_owned(),
        Action::Register { connection } => format!("Register its numbers at {}", connections.label(connection)),
        Action::Book { connection, choice, format, when, .. } => {
            let offer = if choice.fastest { "the fastest" } else { "the cheapest" };
            let of: Vec<&str> =
                [&choice.carrier, &choice.account, &choice.service].into_iter().flatten().map(String::as_str).collect();
            let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(" ")) };
            let days = choice.days.map(|days| format!(", at most {days} d")).unwrap_or_default();
            let when = if *when == When::Done { ", once it is validated" } else { "" };
            format!("Book at {}: {offer}{of}{days}, {}{when}", connections.label(connection), format.to_uppercase())
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn form(rule: &BookingRule) -> RuleForm {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let weight = |grams: Option<u32>| grams.map(kg).unwrap_or_default();
    let base = RuleForm {
        of: rule.name.clone(),
        name: rule.name.clone(),
        method: text(&rule.method),
        warehouse: text(&rule.warehouse),
        countries: rule.countries.join(", "),
        from_kg: weight(rule.from_g),
        below_kg: weight(rule.below_g),
        ..RuleForm::default()
    };
    match &rule.action {
        Action::Nothing => RuleForm { does: "nothing".into(), ..base },
        Action::Register { connection } => {
            RuleForm { does: "register".into(), registers_at: connection.clone(), ..base }
        }
        Action::Book { connection, choice, format, when, size_mm } => {
            let [length, width, height] = size_mm.map(|sides| sides.map(|side| side.to_string())).unwrap_or_default();
            RuleForm {
                does: "book".into(),
                books_at: connection.clone(),
                carrier: text(&choice.carrier),
                account: text(&choice.account),
                service: text(&choice.service),
                days: choice.days.map(|days| days.to_string()).unwrap_or_default(),
                offer: if choice.fastest { "fastest" } else { "cheapest" }.into(),
                format: format.clone(),
                when: if *when == When::Done { "done" } else { "ready" }.into(),
                length,
                width,
                height,
                ..base
            }
        }
    }
}

/// A rule as it was typed.
fn rule(typed: RuleForm) -> Result<BookingRule, ApiError> {
    let invalid = |field: &str, message: &str| ApiError::Invalid { field: field.into(), message: message.into() };
    let word = |text: &str| given(text.trim().to_owned());
    let grams = |text: &str, field: &str| match text.trim() {
        "" => Ok(None),
        text => grams(text).map(Some).ok_or_else(|| invalid(field, "Enter a weight in kg, like 2 or 0.5.")),
    };
    let countries = typed.countries.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    let action = match typed.does.as_str() {
        "nothing" => Action::Nothing,
        "register" => Action::Register { connection: typed.registers_at.clone() },
        "book" => Action::Book {
            connection: typed.books_at.clone(),
            choice: choice(&typed)?,
            format: word(&typed.format).unwrap_or_else(|| "pdf".to_owned()),
            when: if typed.when == "done" { When::Done } else { When::Ready },
            size_mm: size([&typed.length, &typed.width, &typed.height])?,
        },
        _ => return Err(invalid("does", "Choose what the rule does.")),
    };
    Ok(BookingRule {
        name: typed.name.trim().to_owned(),
        method: word(&typed.method),
        warehouse: word(&typed.warehouse),
        countries: countries.filter(|word| !word.is_empty()).map(str::to_uppercase).collect(),
        from_g: grams(&typed.from_kg, "from_kg")?,
        below_g: grams(&typed.below_kg, "below_kg")?,
        action,
        since: None,
    })
}

fn choice(typed: &RuleForm) -> Result<Choice, ApiError> {
    let word = |text: &str| given(text.trim().to_owned());
    Ok(Choice {
        carrier: word(&typed.carrier),
        account: word(&typed.account),
        service: word(&typed.service),
        days: days(&typed.days)?,
        fastest: typed.offer == "fastest",
    })
}

/// Days to delivery as they were typed.
///
/// # Errors
/// Where they are no number of days.
pub(super) fn days(typed: &str) -> Result<Option<u16>, ApiError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let days = typed.parse::<u16>().ok().filter(|days| *days <= DAYS_MAX);
    let message = format!("Enter days as a whole number, 0 to {DAYS_MAX}.");
    days.map(Some).ok_or(ApiError::Invalid { field: "days".into(), message })
}

/// Length, width and height in millimetres as they were typed; none where none is.
///
/// # Errors
/// Where one is missing or no length.
pub(super) fn size(typed: [&String; 3]) -> Result<Option<[u32; 3]>, ApiError> {
    if typed.iter().all(|side| side.trim().is_empty()) {
        return Ok(None);
    }
    let side = |text: &String| text.trim().parse::<u32>().ok().filter(|side| (1..=SIDE_MM_MAX).contains(side));
    match typed.map(side) {
        [Some(length), Some(width), Some(height)] => Ok(Some([length, width, height])),
        _ => {
            let message =
                format!("Enter length, width and height in millimetres, each 1 to {SIDE_MM_MAX}, or none of them.");
            Err(ApiError::Invalid { field: "size".into(), message })
        }
    }
}

fn kg(grams: u32) -> String {
    let (whole, rest) = (grams / 1_000, grams % 1_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}

fn grams(typed: &str) -> Option<u32> {
    let typed = typed.replace(',', ".");
    let (whole, fraction) = typed.split_once('.').unwrap_or((&typed, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > KG_DIGITS || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
    let fraction = format!("{fraction:0<KG_DIGITS$}").parse::<u32>().ok()?;
    whole.checked_mul(1_000)?.checked_add(fraction)
}

fn trial_view(trial: Trial) -> TrialView {
    let deciding = trial.deciding().map(|rule| rule.name.clone());
    let outcome = match (trial.settled(), &deciding) {
        (Some(why), _) => format!("Nothing: {why}."),
        (None, Some(rule)) => format!("The rule “{rule}” decides."),
        (None, None) => match trial.too_late() {
            Some(rule) => {
                format!("Nothing: the rule “{}” is for it, and it was ready before. Book it by hand.", rule.name)
            }
            None => "Nothing: no rule fits.".to_owned(),
        },
    };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    let stands = match trial.readiness {
        Readiness::Waiting => "waiting for goods",
        Readiness::Ready => "ready",
        Readiness::Done => "done",
        Readiness::Cancelled => "cancelled",
    };
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let facts = vec![
        fact("Status in Odoo", stands.to_owned()),
        fact("Shipping method", or_none(trial.method.clone())),
        fact("Warehouse", or_none(trial.warehouse.clone())),
        fact("Destination", or_none(trial.country.clone())),
        fact("Weight", or_none(trial.weight_g.map(|grams| format!("{} kg", kg(grams))))),
        fact("Parcels", trial.parcels.to_string()),
        fact("Tracking number", trial.number.clone().unwrap_or_else(|| "none".to_owned())),
    ];
    let line = |(rule, misfits): (BookingRule, Vec<Misfit>)| {
        let decides = deciding.as_ref() == Some(&rule.name);
        (rule.name, decides, misfits.into_iter().map(|misfit| misfit.label().to_owned()).collect())
    };
    TrialView {
        delivery: trial.delivery,
        shipment: trial.shipment.to_string(),
        facts,
        outcome,
        rules: trial.rules.into_iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_typed_and_shown_in_kilograms() {
        for (typed, wanted) in [
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            ("0,25", Some(250)),
            (".125", Some(125)),
            ("20.", Some(20_000)),
            ("0", Some(0)),
            ("1.2345", None),
            ("-1", None),
            (".", None),
            ("two", None),
            ("4294968", None),
        ] {
            assert_eq!(grams(typed), wanted, "{typed}");
        }
        for grams_of in [0, 1, 500, 1_000, 1_250, 20_000, 4_294_967_295] {
            assert_eq!(grams(&kg(grams_of)), Some(grams_of));
        }
    }

    #[test]
    fn what_is_typed_again_is_the_same_rule() {
        let book = |choice, when, size_mm| Action::Book {
            connection: "easypost-live".into(),
            choice,
            format: "zpl".into(),
            when,
            size_mm,
        };
        let choice = Choice {
            carrier: Some("UPS".into()),
            account: Some("ca_1".into()),
            service: Some("Ground".into()),
            days: Some(4),
            fastest: true,
        };
        for action in [
            Action::Nothing,
            Action::Register { connection: "aftership-live".into() },
            book(Choice::default(), When::Ready, None),
            book(choice, When::Done, Some([400, 300, 200])),
        ] {
            let kept = BookingRule {
                name: "EU up to 20 kg".into(),
                method: Some("express".into()),
                warehouse: Some("WH".into()),
                countries: vec!["CH".into(), "EU".into()],
                from_g: Some(500),
                below_g: Some(20_000),
                action,
                since: None,
            };
            assert_eq!(rule(form(&kept)), Ok(kept));
        }
    }

    #[test]
    fn what_cannot_be_a_rule_names_its_field() {
        let typed = |change: fn(&mut RuleForm)| {
            let mut form = RuleForm { name: "x".into(), does: "book".into(), ..RuleForm::default() };
            change(&mut form);
            match rule(form) {
                Err(ApiError::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(typed(|form| form.does = "explode".into()), "does");
        assert_eq!(typed(|form| form.days = "soon".into()), "days");
        assert_eq!(typed(|form| form.days = "366".into()), "days");
        assert_eq!(typed(|form| form.length = "100".into()), "size");
        assert_eq!(typed(|form| form.from_kg = "heavy".into()), "from_kg");
        assert_eq!(typed(|form| form.below_kg = "1.2345".into()), "below_kg");
    }
}
