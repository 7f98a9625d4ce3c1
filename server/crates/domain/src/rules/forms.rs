//! The actions as forms: which fields each kind has, for people who write no JSON. One table; an action is made of what was typed by
//! the names that its fields have as data.

use super::schema::Codes;
use crate::{Severity, rule::Action};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is typed into a field of an action.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// One line.
    Line,
    /// A text with words in braces ([`super::text::WORDS`]).
    Text,
    /// A whole number.
    Number,
    /// A length of time, kept in minutes: `90 min`, `4 h`, `2 d`.
    Minutes,
    /// A connection to a desk; none: the desk that takes the shipment.
    Desk,
    /// A connection to a channel; none: by severity.
    Channel,
    /// One of these codes; none: as it is set elsewhere.
    Choice(Codes),
}

/// A field of an action.
#[derive(Clone, Copy, Debug)]
pub struct ActionField {
    /// Its name as data; what lies within another one has a dot.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What is typed.
    pub input: Input,
    /// Whether it has to be there.
    pub required: bool,
    /// What is to be known of it.
    pub hint: &'static str,
}

/// A kind of action.
#[derive(Clone, Copy, Debug)]
pub struct ActionKind {
    /// Its code as data.
    pub code: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its fields.
    pub fields: &'static [ActionField],
}

const fn kind(
    code: &'static str,
    label: &'static str,
    icon: &'static str,
    fields: &'static [ActionField],
) -> ActionKind {
    ActionKind { code, label, icon, fields }
}

const fn field(name: &'static str, label: &'static str, input: Input, hint: &'static str) -> ActionField {
    ActionField { name, label, input, required: false, hint }
}

const fn needed(name: &'static str, label: &'static str, input: Input, hint: &'static str) -> ActionField {
    ActionField { name, label, input, required: true, hint }
}

fn severities() -> Vec<(&'static str, &'static str)> {
    Severity::ALL.iter().map(|one| (one.code(), one.label())).collect()
}

fn invoicing() -> Vec<(&'static str, &'static str)> {
    vec![
        ("release", "Accounting is asked"),
        ("draft", "A draft invoice"),
        ("post", "A posted invoice"),
        ("never", "Never"),
    ]
}

fn invoice_on() -> Vec<(&'static str, &'static str)> {
    vec![("delivered", "When it is delivered"), ("pod", "When there is a proof of delivery")]
}

fn invoice_for() -> Vec<(&'static str, &'static str)> {
    vec![("order", "The whole order"), ("delivery", "Each delivery")]
}

/// Every kind, those that people add most first.
pub const KINDS: &[ActionKind] = &[
    kind(
        "open_case",
        "Open a case",
        "chat",
        &[
            field("desk", "Desk", Input::Desk, "Empty: the desk that takes the shipment"),
            field("queue", "Queue", Input::Line, "Queue, group or team of that desk; empty: as the connection says"),
            field("grace_minutes", "Grace period", Input::Minutes, "Like 4 h or 90 min; empty: by severity"),
        ],
    ),
    kind(
        "update_case",
        "Update the case",
        "chat",
        &[
            field("note", "Internal note", Input::Text, ""),
            field("tags", "Tags", Input::Line, "Separated by commas"),
            field("priority", "Priority", Input::Choice(severities), "That of this severity"),
        ],
    ),
    kind("close_case", "Close the case", "chat", &[field("note", "Internal note", Input::Text, "")]),
    kind(
        "message_customer",
        "Message the customer",
        "chat",
        &[
            needed("subject", "Subject", Input::Line, ""),
            needed("text", "Text", Input::Text, "With {order}, {delivery}, {number}, {place} and {eta}"),
            field("translations", "Other languages", Input::Text, "A line like [de] and the subject begins each"),
            field("channel", "Channel", Input::Channel, "One for mail; empty: the first"),
        ],
    ),
    kind(
        "alert",
        "Alert a team",
        "bolt",
        &[
            needed("text", "Text", Input::Text, ""),
            field("channel", "Channel", Input::Channel, "Empty: the channels of its severity"),
        ],
    ),
    kind(
        "schedule_activity",
        "Schedule an activity in Odoo",
        "cube",
        &[
            field("summary", "Summary", Input::Text, "Empty: severity and reason"),
            field("login", "For", Input::Line, "Login in Odoo; empty: the salesperson of the order"),
            field("due_days", "Due in days", Input::Number, "Empty: by severity"),
        ],
    ),
    kind("note", "Note in Odoo", "doc", &[needed("text", "Text", Input::Text, "")]),
    kind(
        "write_field",
        "Write a field in Odoo",
        "cube",
        &[
            needed("field", "Field of the delivery", Input::Line, "One of your own: x_priority"),
            needed("value", "Value", Input::Text, ""),
        ],
    ),
    kind("raise_claim", "Raise a claim", "claim", &[]),
    kind(
        "invoice",
        "Release the invoice in Odoo",
        "bill",
        &[
            field("terms.how", "Invoice", Input::Choice(invoicing), "Empty: as the connection says"),
            field("terms.on", "When", Input::Choice(invoice_on), ""),
            field("terms.of", "For", Input::Choice(invoice_for), ""),
        ],
    ),
    kind("create_return", "Start a return in Odoo", "left", &[]),
    kind("validate_delivery", "Validate the delivery in Odoo", "check", &[]),
    kind("attach_proof", "Attach the proof of delivery", "doc", &[]),
    kind("update_order", "Write the status to Odoo", "cube", &[]),
    kind("note_milestones", "Note each milestone in Odoo", "doc", &[]),
    kind("note_corrections", "Note corrections in Odoo", "doc", &[]),
];

/// The kind of this code.
pub fn of_code(code: &str) -> Option<&'static ActionKind> {
    KINDS.iter().find(|kind| kind.code == code)
}

/// An action as it is typed: the code of its kind, and its fields by name.
pub fn typed(action: &Action) -> (String, BTreeMap<String, String>) {
    let data = serde_json::to_value(action).unwrap_or_default();
    let mut values = BTreeMap::new();
    flatten("", &data, &mut values);
    let code = values.remove("do").unwrap_or_default();
    for field in of_code(&code).map(|kind| kind.fields).unwrap_or_default() {
        if let (Input::Minutes, Some(minutes)) = (field.input, values.get_mut(field.name)) {
            *minutes = minutes.parse().map_or_else(|_| minutes.clone(), duration);
        }
    }
    (code, values)
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, into);
            }
        }
        Value::Null => {}
        Value::String(text) => drop(into.insert(path.to_owned(), text.clone())),
        other => drop(into.insert(path.to_owned(), other.to_string())),
    }
}

/// The action that was typed. A text that is missing is kept empty, so that a draft can be kept before it is complete.
///
/// # Errors
/// In a sentence, where it is none: a number that is none, for one.
pub fn action(code: &str, values: &BTreeMap<String, String>) -> Result<Action, String> {
    let kind = of_code(code).ok_or("choose what is done")?;
    let mut data = Map::from_iter([("do".to_owned(), Value::from(kind.code))]);
    for field in kind.fields {
        let given = values.get(field.name).map(|value| value.trim()).unwrap_or_default();
        if given.is_empty() && !field.required {
            continue;
        }
        let value = value(field, given)?;
        match field.name.split_once('.') {
            // what lies within another one is there with the first of its fields alone
            Some((outer, inner)) => {
                let first = kind.fields.iter().find(|one| one.name.starts_with(&format!("{outer}.")));
                if first.is_some_and(|first| values.get(first.name).is_none_or(|value| value.trim().is_empty())) {
                    continue;
                }
                let within = data.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                if let Some(within) = within.as_object_mut() {
                    within.insert(inner.to_owned(), value);
                }
            }
            None => drop(data.insert(field.name.to_owned(), value)),
        }
    }
    serde_json::from_value(Value::Object(data)).map_err(|_| format!("{}: something is missing", kind.label))
}

fn value(field: &ActionField, given: &str) -> Result<Value, String> {
    match field.input {
        Input::Number => given
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| format!("{}: enter a whole number, such as 2", field.label)),
        Input::Minutes => minutes(given)
            .map(Value::from)
            .ok_or_else(|| format!("{}: enter a time, such as 4 h or 90 min", field.label)),
        Input::Choice(codes) if !codes().iter().any(|(code, _)| *code == given) => {
            Err(format!("{}: choose one of the list", field.label))
        }
        Input::Line | Input::Text | Input::Desk | Input::Channel | Input::Choice(_) => Ok(Value::from(given)),
    }
}

/// A number of minutes as it is typed: `90 min`, `4 h`, `2 d`.
pub fn duration(minutes: u32) -> String {
    match minutes {
        0 => "0 min".into(),
        n => super::words::duration(n),
    }
}

/// The minutes of a typed length of time; a number alone is minutes.
pub fn minutes(typed: &str) -> Option<u32> {
    let typed = typed.trim().to_lowercase();
    let end = typed.find(|c: char| !c.is_ascii_digit()).unwrap_or(typed.len());
    let number: u32 = typed[..end].parse().ok()?;
    let factor = match typed[end..].trim() {
        "" | "m" | "min" | "minutes" => 1,
        "h" | "hour" | "hours" => 60,
        "d" | "day" | "days" => 24 * 60,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    fn example(field: &ActionField) -> String {
        match field.input {
            Input::Number => "3".into(),
            Input::Minutes => "4 h".into(),
            Input::Choice(codes) => codes()[0].0.into(),
            Input::Line | Input::Text | Input::Desk | Input::Channel => "x_word".into(),
        }
    }

    #[test]
    fn what_is_typed_is_an_action_and_comes_back() {
        for kind in KINDS {
            let full: BTreeMap<_, _> = kind.fields.iter().map(|one| (one.name.to_owned(), example(one))).collect();
            let made = action(kind.code, &full).unwrap_or_else(|why| panic!("{}: {why}", kind.code));
            assert_eq!(typed(&made), (kind.code.to_owned(), full), "{}", kind.code);
            let empty = action(kind.code, &BTreeMap::new()).unwrap_or_else(|why| panic!("{}: {why}", kind.code));
            let kept = typed(&empty).1;
            assert!(kept.values().all(String::is_empty), "{}: {kept:?}", kind.code);
        }
        for (id, content) in shipped() {
            for one in &content.then {
                let (code, values) = typed(one);
                assert_eq!(action(&code, &values).as_ref(), Ok(one), "{id}");
            }
        }
    }

    #[test]
    fn the_document_and_the_table_have_the_same_actions() {
        let document = include_str!("../../../../../docs/RULES.md");
        let table =
            document.split("## What it does").nth(1).and_then(|rest| rest.split("\n`severity`").next()).unwrap();
        let first = |row: &'static str| row.split('|').nth(1).unwrap_or_default();
        let codes: Vec<&str> = table
            .lines()
            .filter(|row| row.starts_with("| `"))
            .flat_map(|row| first(row).split('`').skip(1).step_by(2))
            .collect();
        for kind in KINDS {
            assert!(codes.contains(&kind.code), "docs/RULES.md lacks {}", kind.code);
        }
        for code in codes {
            assert!(of_code(code).is_some(), "the pages have no form for {code}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_with_the_field() {
        let with = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        for (code, values, begins) in [
            ("explode", BTreeMap::new(), "choose what is done"),
            ("schedule_activity", with("due_days", "soon"), "Due in days: enter"),
            ("open_case", with("grace_minutes", "a while"), "Grace period: enter"),
            ("invoice", with("terms.how", "gift"), "Invoice: choose"),
        ] {
            let why = action(code, &values).unwrap_err();
            assert!(why.starts_with(begins), "{code}: {why}");
        }
    }

    #[test]
    fn times_are_typed_as_people_say_them() {
        for (typed, wanted) in [
            ("90", Some(90)),
            ("90 min", Some(90)),
            ("4h", Some(240)),
            (" 2 D ", Some(2880)),
            ("0", Some(0)),
            ("", None),
            ("4 weeks", None),
            ("-1 h", None),
            ("99999999999 d", None),
            ("4000000 d", None),
        ] {
            assert_eq!(minutes(typed), wanted, "{typed}");
        }
        for number in [0, 1, 60, 90, 1440] {
            assert_eq!(minutes(&duration(number)), Some(number));
        }
    }
}
