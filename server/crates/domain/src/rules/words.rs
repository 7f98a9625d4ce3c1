//! Rules in words, for lists.

use super::{
    form::{self, Operator, Row, Term},
    schema,
};
use crate::{
    invoicing::Invoicing,
    rule::{Action, Content, Trigger},
};

/// When a rule looks.
pub fn trigger(trigger: Trigger) -> String {
    match trigger {
        Trigger::Change => "When a shipment changes".into(),
        Trigger::Event => "On every new event".into(),
        Trigger::Exception => "When an exception opens".into(),
        Trigger::OpenFor { hours } => format!("When an exception has been open for {hours} h"),
        Trigger::Every { minutes } => format!("Every {minutes} minutes, while the shipment is under way"),
    }
}

/// The condition.
pub fn when(content: &Content) -> String {
    match form::terms(&content.when) {
        Ok(terms) if terms.is_empty() => "Always".into(),
        Ok(terms) => terms.iter().map(term).collect::<Vec<_>>().join(" and "),
        Err(_) => content.when.clone(),
    }
}

fn term(term: &Term) -> String {
    match term {
        Term::Text { text, .. } => text.clone(),
        Term::Row(row) => row_in_words(row),
    }
}

fn row_in_words(row: &Row) -> String {
    let Some(field) = schema::field(&row.field) else { return row.field.clone() };
    let codes = field.kind.codes();
    let value = |value: &String| {
        let code = codes.iter().find(|(code, _)| code == value).map(|(_, label)| (*label).to_owned());
        code.or_else(|| schema::field(value).map(|other| other.label.to_lowercase())).unwrap_or_else(|| value.clone())
    };
    let values = row.values.iter().map(value).collect::<Vec<_>>().join(", ");
    match row.operator {
        Operator::Yes => field.label.to_owned(),
        Operator::No => format!("not: {}", field.label),
        Operator::Has | Operator::HasNot => format!("{values} {}", row.operator.label()),
        operator => format!("{} {} {values}", field.label, operator.label()),
    }
}

/// What a rule does.
pub fn then(content: &Content) -> String {
    let all: Vec<String> = content.then.iter().map(|one| action(one).0).collect();
    all.join(", ")
}

/// An action: what it does, and how.
pub fn action(action: &Action) -> (String, String) {
    let (what, how): (&str, String) = match action {
        Action::NoteMilestones => ("Note each milestone in Odoo", "On the delivery".into()),
        Action::NoteCorrections => ("Note corrections in Odoo", "Where the carrier takes back a milestone".into()),
        Action::UpdateOrder => ("Write the status to Odoo", "Status, ETA, last event and link".into()),
        Action::ScheduleActivity { summary, login, due_days } => {
            let who = login.as_ref().map_or("For the salesperson of the order".into(), |login| format!("For {login}"));
            let due = due_days.map_or("due by severity".into(), |days| format!("due in {days} days"));
            let what = summary.as_ref().map(|summary| format!(": {summary}")).unwrap_or_default();
            ("Schedule an activity in Odoo", format!("{who}, {due}{what}"))
        }
        Action::OpenCase { desk, queue, grace_minutes } => {
            let at = |desk: &String| match queue {
                Some(queue) => format!("At {desk}, {queue}"),
                None => format!("At {desk}"),
            };
            let desk = desk.as_ref().map_or("At the desk that takes the shipment".into(), at);
            let grace =
                grace_minutes.map_or("grace by severity".into(), |minutes| format!("grace {}", duration(minutes)));
            ("Open a case", format!("{desk}, {grace}; closed when the exception is over"))
        }
        Action::UpdateCase { note, tags, priority } => {
            let priority = priority.map(|severity| format!("priority of {}", severity.label().to_lowercase()));
            let tags = tags.as_ref().map(|tags| format!("tags {tags}"));
            let note = note.as_ref().map(|note| format!("note: {note}"));
            let all: Vec<String> = [priority, tags, note].into_iter().flatten().collect();
            ("Update the case", all.join(", "))
        }
        Action::CloseCase { note } => {
            ("Close the case", note.clone().unwrap_or_else(|| "Though the exception may be open".into()))
        }
        Action::MessageCustomer { subject, .. } => ("Message the customer", subject.clone()),
        Action::ValidateDelivery => ("Validate the delivery in Odoo", "At the carrier's first scan".into()),
        Action::AttachProof => ("Attach the proof of delivery", "To the delivery in Odoo".into()),
        Action::Invoice { terms } => (
            "Release the invoice in Odoo",
            match terms.map(|terms| terms.how) {
                None => "As the connection says".into(),
                Some(Invoicing::Never) => "Never".into(),
                Some(Invoicing::Release) => "Accounting is asked".into(),
                Some(Invoicing::Draft) => "As a draft".into(),
                Some(Invoicing::Post) => "Posted".into(),
            },
        ),
        Action::CreateReturn => ("Start a return in Odoo", "When goods come back".into()),
        Action::Note { text } => ("Note in Odoo", text.clone()),
        Action::WriteField { field, value } => ("Write a field in Odoo", format!("{field} = {value}")),
        Action::Alert { channel, text } => {
            let channel = channel.as_deref().unwrap_or("the channels of its severity");
            ("Alert a team", format!("On {channel}: {text}"))
        }
        Action::RaiseClaim => ("Raise a claim", "Against the carrier, once for each exception".into()),
    };
    (what.to_owned(), how)
}

/// A number of minutes: `90 min`, `4 h`, `2 d`.
pub fn duration(minutes: u32) -> String {
    match minutes {
        0 => "none".into(),
        n if n % 1440 == 0 => format!("{} d", n / 1440),
        n if n % 60 == 0 => format!("{} h", n / 60),
        n => format!("{n} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    #[test]
    fn a_rule_is_said_in_words() {
        let rules = shipped();
        let cases = &rules.iter().find(|(id, _)| id.as_str() == "cases").unwrap().1;
        assert_eq!(when(cases), "Severity is one of Minor, Major, Critical");
        assert_eq!(then(cases), "Open a case");
        let changed = Content {
            when: "shipment.hours_without_update > lane.usual_gap_hours && !(\"RETURNED\" in shipment.milestones)"
                .into(),
            ..cases.clone()
        };
        assert_eq!(
            when(&changed),
            "Hours without an update more than usual gap between updates and Returned did not happen"
        );
    }
}
