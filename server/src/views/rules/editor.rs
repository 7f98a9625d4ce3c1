//! The editor of a rule: a form and the rule that it comes to, a condition's rows and its text, and the steps in it. Nothing here reads
//! or keeps anything.

use super::choices;
use app::contract::rules::{ActionForm, EditorView, ProblemView, RowForm, RuleForm};
use domain::{
    Severity,
    rule::{Action, Content, Limits, QuietHours, Trigger},
    rules::{
        check::Wrong,
        form::{self, Operator, Row, Term},
        forms, schema, words,
    },
};

/// Hours of a trigger, minutes of another one, that a form begins with.
const HOURS: u32 = 4;
const MINUTES: u32 = 60;
/// What a new choice in the text begins with.
const ANY_OF: &str = "(exception.severity == \"CRITICAL\" || shipment.attempts >= 2)";

/// The form of a new rule.
pub fn new_form() -> RuleForm {
    let when = "exception.severity in [\"MAJOR\", \"CRITICAL\"]";
    let content = Content {
        name: String::new(),
        trigger: Trigger::Exception,
        when: when.into(),
        then: Vec::new(),
        severity: None,
        limits: Limits::default(),
    };
    form("", &content)
}

/// The form of a rule.
pub fn form(id: &str, content: &Content) -> RuleForm {
    let (trigger, number) = match content.trigger {
        Trigger::Change => ("change", None),
        Trigger::Event => ("event", None),
        Trigger::Exception => ("exception", None),
        Trigger::OpenFor { hours } => ("open_for", Some(hours)),
        Trigger::Every { minutes } => ("every", Some(minutes)),
    };
    let limits = &content.limits;
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let quiet = limits.quiet.as_ref();
    RuleForm {
        id: id.into(),
        name: content.name.clone(),
        trigger: trigger.into(),
        number: number.map(|number| number.to_string()).unwrap_or_default(),
        when: content.when.clone(),
        was: content.when.clone(),
        rows: rows(&content.when),
        then: content
            .then
            .iter()
            .map(|one| {
                let (kind, fields) = forms::typed(one);
                ActionForm { kind, fields }
            })
            .collect(),
        severity: content.severity.map(|one| one.code().to_owned()).unwrap_or_default(),
        per_minute: limits.per_minute.map(|rate| rate.to_string()).unwrap_or_default(),
        quiet_from: quiet.map(|quiet| clock(quiet.from_minute)).unwrap_or_default(),
        quiet_to: quiet.map(|quiet| clock(quiet.to_minute)).unwrap_or_default(),
        quiet_zone: quiet.map(|quiet| quiet.zone.clone()).unwrap_or_default(),
        group_by: limits.group_by.clone().unwrap_or_default(),
        ..RuleForm::default()
    }
}

/// The rows of a condition; where its text cannot be read word by word it is one row as it is.
fn rows(when: &str) -> Vec<RowForm> {
    match form::terms(when) {
        Ok(terms) => terms.iter().map(row).collect(),
        Err(problem) => vec![RowForm { text: when.to_owned(), line: problem.at.line, ..RowForm::default() }],
    }
}

fn row(term: &Term) -> RowForm {
    match term {
        Term::Text { text, at } => RowForm { text: text.clone(), line: at.line, ..RowForm::default() },
        Term::Row(Row { field, operator, values }) => {
            let coded = schema::field(field).is_some_and(|field| !field.kind.codes().is_empty());
            let typed = if coded {
                String::new()
            } else {
                values.iter().map(|value| label(value)).collect::<Vec<_>>().join(", ")
            };
            RowForm {
                field: field.clone(),
                operator: operator.code().into(),
                values: if coded { values.clone() } else { Vec::new() },
                typed,
                ..RowForm::default()
            }
        }
    }
}

/// A value as people read it: another field by its name.
fn label(value: &str) -> String {
    schema::field(value).map_or_else(|| value.to_owned(), |field| field.label.to_owned())
}

/// A rule that was typed: as far as it can be made of the form, with what keeps it from being kept.
pub struct Typed {
    /// The form, with the rows and the text in step.
    pub form: RuleForm,
    /// What it comes to.
    pub content: Content,
    /// Why that is not what was typed.
    pub blocking: Vec<ProblemView>,
}

/// Takes a step in a form and reads it.
pub fn read(form: RuleForm) -> Typed {
    let mut form = form;
    let mut blocking = Vec::new();
    settle(&mut form, &mut blocking);
    if step(&mut form) {
        blocking.clear();
        settle(&mut form, &mut blocking);
    }
    let trigger = trigger(&form, &mut blocking);
    let then = actions(&form, &mut blocking);
    let limits = limits(&form, &mut blocking);
    let severity = Severity::from_code(&form.severity);
    let content =
        Content { name: form.name.trim().to_owned(), trigger, when: form.when.clone(), then, severity, limits };
    Typed { form, content, blocking }
}

fn about(field: &str, message: impl Into<String>) -> ProblemView {
    ProblemView { field: field.into(), row: None, at: None, message: message.into(), instead: None }
}

/// Brings rows and text in step: the text counts where it was edited, else the rows do.
fn settle(form: &mut RuleForm, blocking: &mut Vec<ProblemView>) {
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    let (when, was) = (lines(&form.when), lines(&form.was));
    if when != was {
        form.when = if when.trim().is_empty() { "true".to_owned() } else { when };
        form.was.clone_from(&form.when);
        form.rows = rows(&form.when);
        return;
    }
    form.rows.iter_mut().for_each(fit);
    let same = |a: &RowForm, b: &RowForm| RowForm { line: 0, ..a.clone() } == RowForm { line: 0, ..b.clone() };
    let before = rows(&was);
    let unchanged = before.len() == form.rows.len() && before.iter().zip(&form.rows).all(|(a, b)| same(a, b));
    if unchanged {
        (form.when, form.was, form.rows) = (was.clone(), was, before);
        return;
    }
    let mut terms = Vec::new();
    for (n, row) in form.rows.iter().enumerate() {
        let term = term(row);
        // an empty text is meant where it is written in CEL; in the form it is not filled in yet
        if is_empty(&term) && !before.iter().any(|kept| same(kept, row)) {
            blocking.push(ProblemView { row: Some(n), ..about("when", "enter a value") });
            continue;
        }
        match form::text(std::slice::from_ref(&term)) {
            Ok(_) => terms.push(term),
            Err(message) => blocking.push(ProblemView { row: Some(n), ..about("when", message) }),
        }
    }
    (form.when, form.was) = (was.clone(), was);
    // a row that is not complete waits: the text stays what it was
    if let (true, Ok(text)) = (blocking.is_empty(), form::text(&terms)) {
        form.rows = rows(&text);
        (form.when, form.was) = (text.clone(), text);
    }
}

/// What was chosen for a field that is another one by now gives way to what fits this one.
fn fit(row: &mut RowForm) {
    let Some(field) = schema::field(&row.field) else { return };
    let fitting = Operator::of(field.kind);
    let operator = Operator::from_code(&row.operator).filter(|one| fitting.contains(one)).unwrap_or(fitting[0]);
    row.operator = operator.code().into();
    let codes = field.kind.codes();
    if codes.is_empty() {
        row.values.clear();
    } else {
        row.typed.clear();
        row.values.retain(|value| codes.iter().any(|(code, _)| code == value));
        if !is_list(operator) {
            row.values.truncate(1);
            if row.values.is_empty() {
                row.values.extend(codes.first().map(|(code, _)| (*code).to_owned()));
            }
        }
    }
    if matches!(operator, Operator::Yes | Operator::No) {
        row.typed.clear();
    }
}

const fn is_list(operator: Operator) -> bool {
    matches!(operator, Operator::OneOf | Operator::NotOneOf)
}

fn term(row: &RowForm) -> Term {
    if row.field.is_empty() {
        return Term::Text { text: row.text.clone(), at: domain::rules::scan::Position::default() };
    }
    let operator = Operator::from_code(&row.operator).unwrap_or(Operator::Is);
    let field = schema::field(&row.field);
    let coded = field.is_some_and(|field| !field.kind.codes().is_empty());
    let typed = row.typed.trim();
    let path = |typed: &str| {
        let named = schema::FIELDS.iter().find(|one| one.kind.is_number() && one.label.eq_ignore_ascii_case(typed));
        named.map_or_else(|| typed.to_owned(), |field| field.path.to_owned())
    };
    let values = match (coded, operator) {
        (_, Operator::Yes | Operator::No) => Vec::new(),
        (true, _) => row.values.clone(),
        (false, operator) if is_list(operator) => {
            typed.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        }
        (false, _) if field.is_some_and(|field| field.kind.is_number()) => vec![path(typed)],
        (false, _) => vec![typed.to_owned()],
    };
    Term::Row(Row { field: row.field.clone(), operator, values })
}

/// Whether a row compares its field with nothing.
fn is_empty(term: &Term) -> bool {
    matches!(term, Term::Row(row) if !matches!(row.operator, Operator::Yes | Operator::No) && row.values.iter().all(String::is_empty))
}

/// Takes the step that the form asks for; whether there was one.
fn step(form: &mut RuleForm) -> bool {
    let (what, with) = form.step.split_once(':').map_or((form.step.as_str(), ""), |(what, with)| (what, with));
    let at = with.parse::<usize>().ok();
    match (what, at) {
        ("add-row", _) => {
            let field = schema::FIELDS[0];
            form.rows.push(RowForm { field: field.path.into(), ..RowForm::default() });
        }
        ("add-any", _) => form.rows.push(RowForm { text: ANY_OF.into(), ..RowForm::default() }),
        ("drop-row", Some(at)) if at < form.rows.len() => drop(form.rows.remove(at)),
        ("replace", _) => replace(form),
        ("add-action", _) => {
            let known = forms::of_code(&form.new_action).or(forms::KINDS.first());
            form.then.extend(known.map(|kind| ActionForm { kind: kind.code.into(), ..ActionForm::default() }));
        }
        ("drop-action", Some(at)) if at < form.then.len() => drop(form.then.remove(at)),
        ("raise-action", Some(at)) if at > 0 && at < form.then.len() => form.then.swap(at - 1, at),
        ("lower-action", Some(at)) if at + 1 < form.then.len() => form.then.swap(at, at + 1),
        _ => return false,
    }
    true
}

/// Writes what the first suggestion says.
fn replace(form: &mut RuleForm) {
    let Err(problems) = domain::rules::condition::Condition::new(&form.when) else { return };
    let Some((at, (wrong, right))) = problems.into_iter().find_map(|one| Some((one.at, one.instead?))) else { return };
    let mut lines: Vec<String> = form.when.lines().map(str::to_owned).collect();
    let Some(line) = lines.get_mut(at.line.saturating_sub(1)) else { return };
    let from = line.char_indices().nth(at.column.saturating_sub(1)).map_or(line.len(), |(byte, _)| byte);
    if let Some(found) = line[from..].find(&wrong) {
        line.replace_range(from + found..from + found + wrong.len(), &right);
        form.when = lines.join("\n");
    }
}

fn trigger(form: &RuleForm, blocking: &mut Vec<ProblemView>) -> Trigger {
    let mut number = |usual: u32, of: &str| match form.number.trim() {
        "" => usual,
        typed => typed.parse().unwrap_or_else(|_| {
            blocking.push(about("trigger", format!("enter a whole number of {of}")));
            usual
        }),
    };
    match form.trigger.as_str() {
        "event" => Trigger::Event,
        "exception" => Trigger::Exception,
        "open_for" => Trigger::OpenFor { hours: number(HOURS, "hours") },
        "every" => Trigger::Every { minutes: number(MINUTES, "minutes") },
        _ => Trigger::Change,
    }
}

fn actions(form: &RuleForm, blocking: &mut Vec<ProblemView>) -> Vec<Action> {
    let mut then = Vec::new();
    for (n, one) in form.then.iter().enumerate() {
        match forms::action(&one.kind, &one.fields) {
            Ok(action) => then.push(action),
            Err(message) => blocking.push(ProblemView { row: Some(n), ..about("then", message) }),
        }
    }
    then
}

fn limits(form: &RuleForm, blocking: &mut Vec<ProblemView>) -> Limits {
    let per_minute = match form.per_minute.trim() {
        "" => None,
        typed => {
            let rate = typed.parse().ok();
            if rate.is_none() {
                blocking.push(about("limits", "enter a whole number of actions a minute, or nothing for no limit"));
            }
            rate
        }
    };
    let quiet = match (form.quiet_from.trim(), form.quiet_to.trim()) {
        ("", "") => None,
        (from, to) => match (minute(from), minute(to)) {
            (Some(from_minute), Some(to_minute)) => {
                let zone = form.quiet_zone.trim();
                let zone = if zone.is_empty() { "UTC" } else { zone };
                Some(QuietHours { from_minute, to_minute, zone: zone.to_owned() })
            }
            _ => {
                blocking
                    .push(about("limits", "enter both ends of the quiet hours as times of the day: 20:00 and 07:00"));
                None
            }
        },
    };
    let group_by = Some(form.group_by.trim()).filter(|path| !path.is_empty()).map(str::to_owned);
    Limits { per_minute, quiet, group_by }
}

/// The minute of the day of a time like `20:00`.
fn minute(typed: &str) -> Option<u16> {
    let (hour, minute) = typed.split_once(':')?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.get(..2)?.parse::<u16>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The editor of what was typed; `kept` is what is kept of it, if it is, `wrong` what is wrong with what it comes to.
pub fn view(typed: &Typed, kept: Option<&Content>, wrong: &[Wrong]) -> EditorView {
    let Typed { form, content, blocking } = typed;
    let mut problems = blocking.clone();
    let said = |field: &str, row: Option<usize>| blocking.iter().any(|one| one.field == field && one.row == row);
    // what was not understood is no empty list
    let empty = |one: &ProblemView| one.field == "then" && one.row.is_none() && form.then.len() != content.then.len();
    let others = wrong.iter().map(|wrong| problem(wrong, form));
    problems.extend(others.filter(|one| !empty(one) && !said(&one.field, one.row)));
    let actions = form.then.iter().map(|one| match forms::action(&one.kind, &one.fields) {
        Ok(action) => words::action(&action),
        Err(_) => (choices::action_label(&one.kind), String::new()),
    });
    let focus = focus(form, &problems);
    EditorView {
        problems,
        actions: actions.collect(),
        looks: words::trigger(content.trigger),
        unsaved: !blocking.is_empty() || kept != Some(content),
        focus,
        form: RuleForm { step: String::new(), ..form.clone() },
    }
}

fn problem(wrong: &Wrong, form: &RuleForm) -> ProblemView {
    // `action 2: the text …`
    let numbered = wrong.message.strip_prefix("action ").and_then(|rest| rest.split_once(": "));
    let numbered = numbered.and_then(|(n, message)| Some((n.parse::<usize>().ok()?.checked_sub(1)?, message)));
    let (row, message) = match (wrong.field, numbered, wrong.at) {
        ("then", Some((n, message)), _) => (Some(n), message.to_owned()),
        (_, _, Some(at)) => {
            (form.rows.iter().rposition(|row| row.field.is_empty() && row.line <= at.line), wrong.message.clone())
        }
        _ => (None, wrong.message.clone()),
    };
    ProblemView {
        field: wrong.field.into(),
        row,
        at: wrong.at.map(|at| (at.line, at.column)),
        message,
        instead: wrong.instead.clone(),
    }
}

/// The element that the last step was about.
fn focus(form: &RuleForm, problems: &[ProblemView]) -> String {
    let (what, with) = form.step.split_once(':').map_or((form.step.as_str(), ""), |(what, with)| (what, with));
    let last = |of: usize| of.saturating_sub(1);
    match what {
        "add-row" => format!("row-{}-field", last(form.rows.len())),
        "drop-row" => "add-row".into(),
        "add-any" | "replace" => "when".into(),
        "add-action" => format!("action-{}", last(form.then.len())),
        "drop-action" => "add-action".into(),
        "raise-action" => format!("action-{}", with.parse::<usize>().map_or(0, last)),
        "lower-action" => {
            format!("action-{}", with.parse::<usize>().map_or(0, |at| (at + 1).min(last(form.then.len()))))
        }
        "save" | "try" | "ask" | "publish" if !problems.is_empty() => "problems".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::rules::check;

    fn typed(step: &str, change: impl Fn(&mut RuleForm)) -> Typed {
        let mut form = RuleForm { step: step.into(), name: "Held".into(), ..new_form() };
        change(&mut form);
        read(form)
    }

    #[test]
    fn every_shipped_rule_comes_back_from_its_form() {
        for (id, content) in domain::rules::shipped() {
            let typed = read(form(id.as_str(), &content));
            assert_eq!((typed.content, typed.blocking.len()), (content.clone(), 0), "{id}");
            let view = view(&read(form(id.as_str(), &content)), Some(&content), &[]);
            assert!(view.problems.is_empty() && !view.unsaved, "{id}: {:?}", view.problems);
        }
    }

    #[test]
    fn rows_and_text_stay_in_step() {
        let added = typed("add-row", |_| {});
        assert_eq!(
            added.content.when,
            "exception.severity in [\"MAJOR\", \"CRITICAL\"]\n&& shipment.status == \"UNKNOWN\""
        );
        assert_eq!(added.form.rows.len(), 2);
        let dropped = typed("drop-row:0", |_| {});
        assert_eq!((dropped.content.when.as_str(), dropped.form.rows.len()), ("true", 0));
        let of_text = typed("check", |form| form.when = "shipment.attempts > 2\r\n&& order.has_promise\r\n".into());
        assert_eq!(of_text.content.when, "shipment.attempts > 2\n&& order.has_promise");
        let rows: Vec<_> = of_text.form.rows.iter().map(|row| (row.field.as_str(), row.operator.as_str())).collect();
        assert_eq!(rows, [("shipment.attempts", "more"), ("order.has_promise", "yes")]);
        let named = typed("", |form| {
            form.rows[0] = RowForm {
                field: "shipment.hours_without_update".into(),
                operator: "more".into(),
                typed: "usual gap between updates".into(),
                ..RowForm::default()
            };
        });
        assert_eq!(named.content.when, "shipment.hours_without_update > lane.usual_gap_hours");
        assert_eq!(named.form.rows[0].typed, "Usual gap between updates");
        let kept = typed("save", |form| form.when = "true // for now".into());
        let again = read(kept.form.clone());
        assert_eq!(again.content.when, "true // for now", "what is not edited stays as it is written");
    }

    #[test]
    fn another_field_gets_what_fits_it() {
        let other = typed("", |form| form.rows[0].field = "shipment.milestones".into());
        assert!(other.content.when.ends_with("in shipment.milestones"), "{}", other.content.when);
        let empty = typed("", |form| {
            form.rows[0].field = "shipment.status".into();
            form.rows[0].values.clear();
        });
        assert_eq!(empty.blocking.len(), 1);
        assert_eq!(empty.blocking[0].row, Some(0));
        assert!(empty.content.when.starts_with("exception.severity"), "the text stays what it was");
    }

    #[test]
    fn a_suggestion_is_taken() {
        let replaced = typed("replace", |form| {
            form.when = "order.is_purchase\n&& order.delivry != \"x\"".into();
        });
        assert_eq!(replaced.content.when, "order.is_purchase\n&& order.delivery != \"x\"");
    }

    #[test]
    fn what_is_wrong_names_its_place() {
        let wrong = typed("check", |form| {
            form.when = "order.is_purchase\n&& order.delivry != \"x\"".into();
            form.number = "soon".into();
            form.trigger = "open_for".into();
            form.quiet_from = "20".into();
            form.per_minute = "many".into();
            form.then = vec![
                ActionForm { kind: "alert".into(), ..ActionForm::default() },
                ActionForm {
                    kind: "schedule_activity".into(),
                    fields: [("due_days".to_owned(), "soon".to_owned())].into(),
                },
            ];
        });
        let view = view(&wrong, None, &check::problems(&wrong.content));
        let found: Vec<_> = view.problems.iter().map(|one| (one.field.as_str(), one.row, one.at)).collect();
        assert_eq!(
            found,
            [
                ("trigger", None, None),
                ("then", Some(1), None),
                ("limits", None, None),
                ("limits", None, None),
                ("when", Some(1), Some((2, 4))),
                ("then", Some(0), None),
            ],
            "{:?}",
            view.problems
        );
        assert_eq!(view.problems[4].instead, Some(("order.delivry".into(), "order.delivery".into())));
    }

    #[test]
    fn actions_are_added_moved_and_taken_away() {
        let added = typed("add-action", |form| form.new_action = "alert".into());
        assert_eq!(added.form.then.len(), 1);
        let two = |step: &str| {
            typed(step, |form| {
                form.then = ["note", "raise_claim"]
                    .map(|kind| ActionForm { kind: kind.into(), ..ActionForm::default() })
                    .to_vec();
            })
        };
        let kinds = |typed: Typed| typed.form.then.into_iter().map(|one| one.kind).collect::<Vec<_>>();
        assert_eq!(kinds(two("lower-action:0")), ["raise_claim", "note"]);
        assert_eq!(kinds(two("raise-action:1")), ["raise_claim", "note"]);
        assert_eq!(kinds(two("drop-action:0")), ["raise_claim"]);
        assert_eq!(kinds(two("drop-action:9")), ["note", "raise_claim"]);
    }
}
