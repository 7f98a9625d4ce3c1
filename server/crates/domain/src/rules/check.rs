//! What is wrong with a rule, before it is kept.

use super::{
    condition::Condition,
    letter,
    scan::{Position, Problem},
    schema, text,
};
use crate::rule::{self, Action, Content, QuietHours, Trigger};
use jiff::tz::TimeZone;

/// Characters of a name, a login, a subject, the value of a field.
pub const WORD_CHARS_MAX: usize = 100;
/// Actions of one rule.
pub const ACTIONS_MAX: usize = 10;
/// Hours that an exception may be open before a rule looks.
const OPEN_HOURS_MAX: u32 = 720;
/// Minutes between two looks.
const EVERY_MINUTES: std::ops::RangeInclusive<u32> = 5..=1440;
/// Minutes of grace.
const GRACE_MINUTES_MAX: u32 = 30 * 24 * 60;
/// Tags that one action adds.
const TAGS_MAX: usize = 10;
/// Days until an activity is due.
const DUE_DAYS_MAX: u32 = 60;
/// Actions in a minute.
const PER_MINUTE: std::ops::RangeInclusive<u32> = 1..=600;
/// Fields that Milepost writes itself.
const OWN_FIELDS: &str = "x_milepost_";
const DAY_MINUTES: u16 = 24 * 60;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field: `name`, `when`, `then`, `limits`.
    pub field: &'static str,
    /// The place in the condition, where it is about that.
    pub at: Option<Position>,
    /// What, and what to do.
    pub message: String,
    /// What stands there and what should, where that is known.
    pub instead: Option<(String, String)>,
}

impl Wrong {
    fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, at: None, message: message.into(), instead: None }
    }

    /// Of the action at this place.
    pub fn of_action(place: usize, message: &str) -> Self {
        Self::new("then", format!("action {}: {message}", place + 1))
    }

    fn of_condition(problem: Problem) -> Self {
        Self { field: "when", at: Some(problem.at), message: problem.message, instead: problem.instead }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}: line {}, column {}: {}", self.field, at.line, at.column, self.message),
            None => write!(f, "{}: {}", self.field, self.message),
        }
    }
}

/// All that is wrong with a rule.
pub fn problems(content: &Content) -> Vec<Wrong> {
    let mut all = Vec::new();
    if let Err(message) = word(&content.name) {
        all.push(Wrong::new("name", format!("the name {message}")));
    }
    if let Err(problems) = Condition::new(&content.when) {
        all.extend(problems.into_iter().map(Wrong::of_condition));
    }
    match content.trigger {
        Trigger::OpenFor { hours } if !(1..=OPEN_HOURS_MAX).contains(&hours) => {
            all.push(Wrong::new("trigger", format!("choose 1 to {OPEN_HOURS_MAX} hours")));
        }
        Trigger::Every { minutes } if !EVERY_MINUTES.contains(&minutes) => {
            let (least, most) = (EVERY_MINUTES.start(), EVERY_MINUTES.end());
            all.push(Wrong::new("trigger", format!("choose {least} to {most} minutes")));
        }
        Trigger::Change | Trigger::Event | Trigger::Exception | Trigger::OpenFor { .. } | Trigger::Every { .. } => {}
    }
    if content.then.is_empty() || content.then.len() > ACTIONS_MAX {
        all.push(Wrong::new("then", format!("a rule has 1 to {ACTIONS_MAX} actions")));
    }
    let of_exceptions = matches!(content.trigger, Trigger::Exception | Trigger::OpenFor { .. });
    let messages = content.then.iter().any(|action| matches!(action, Action::MessageCustomer { .. }));
    if messages && content.trigger == Trigger::Event {
        all.push(Wrong::new("then", "a customer is not mailed for each event: choose another time to look"));
    }
    if content.then.contains(&Action::RaiseClaim) && !of_exceptions {
        all.push(Wrong::new("then", "a claim is raised for an exception: let the rule look when one opens"));
    }
    for (n, action) in content.then.iter().enumerate() {
        all.extend(wrong_action(action).map(|message| Wrong::of_action(n, &message)));
    }
    if content.limits.per_minute.is_some_and(|rate| !PER_MINUTE.contains(&rate)) {
        let (least, most) = (PER_MINUTE.start(), PER_MINUTE.end());
        all.push(Wrong::new("limits", format!("choose {least} to {most} a minute")));
    }
    all.extend(content.limits.quiet.as_ref().and_then(wrong_hours).map(|message| Wrong::new("limits", message)));
    if let Some(path) = content.limits.group_by.as_deref().filter(|path| schema::field(path).is_none()) {
        all.push(Wrong::new("limits", format!("{path} is no field to group by, such as event.place")));
    }
    all
}

fn word(text: &str) -> Result<(), String> {
    let right = (1..=WORD_CHARS_MAX).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control);
    right.then_some(()).ok_or_else(|| format!("has 1 to {WORD_CHARS_MAX} characters"))
}

fn wrong_hours(quiet: &QuietHours) -> Option<String> {
    if quiet.from_minute >= DAY_MINUTES || quiet.to_minute >= DAY_MINUTES || quiet.from_minute == quiet.to_minute {
        return Some("quiet hours go from one time of the day to another one: 20:00 to 07:00".into());
    }
    TimeZone::get(&quiet.zone).is_err().then(|| format!("{} is no time zone, such as Europe/Berlin", quiet.zone))
}

fn wrong_action(action: &Action) -> Option<String> {
    match action {
        Action::NoteMilestones
        | Action::NoteCorrections
        | Action::UpdateOrder
        | Action::ValidateDelivery
        | Action::AttachProof
        | Action::Invoice { .. }
        | Action::CreateReturn
        | Action::RaiseClaim => None,
        Action::ScheduleActivity { summary, login, due_days } => {
            if due_days.is_some_and(|days| days > DUE_DAYS_MAX) {
                return Some(format!("an activity is due within {DUE_DAYS_MAX} days"));
            }
            let login = login.as_deref().and_then(|login| word(login).err()).map(|why| format!("the login {why}"));
            login.or_else(|| summary.as_deref().and_then(wrong_text))
        }
        Action::OpenCase { desk, queue, grace_minutes } => {
            if grace_minutes.is_some_and(|minutes| minutes > GRACE_MINUTES_MAX) {
                return Some("the grace is at most 30 days".into());
            }
            if queue.is_some() && desk.is_none() {
                return Some("a queue is one of a desk: choose the desk too".into());
            }
            let wrong = |name: &Option<String>, what: &str| {
                name.as_deref().and_then(|name| word(name).err()).map(|why| format!("{what} {why}"))
            };
            wrong(desk, "the desk's name").or_else(|| wrong(queue, "the queue's name"))
        }
        Action::UpdateCase { note: None, tags: None, priority: None } => {
            Some("choose what is added to the case: a note, tags or a priority".into())
        }
        Action::UpdateCase { note, tags, .. } => {
            let tags = tags.as_deref().map(rule::tags);
            if tags.as_ref().is_some_and(|tags| tags.is_empty() || tags.len() > TAGS_MAX) {
                return Some(format!("choose 1 to {TAGS_MAX} tags, separated by commas"));
            }
            let tag = tags.iter().flatten().find_map(|tag| word(tag).err()).map(|why| format!("a tag {why}"));
            tag.or_else(|| note.as_deref().and_then(wrong_text))
        }
        Action::CloseCase { note } => note.as_deref().and_then(wrong_text),
        Action::MessageCustomer { subject, text, translations, channel } => channel
            .as_deref()
            .and_then(|name| word(name).err())
            .map(|why| format!("the channel's name {why}"))
            .or_else(|| letter::letters(subject, text, translations.as_deref()).err()),
        Action::Note { text } => wrong_text(text),
        Action::WriteField { field, value } => wrong_field(field)
            .or_else(|| word(value).err().map(|why| format!("the value {why}")))
            .or_else(|| wrong_text(value)),
        Action::Alert { channel, text } => channel
            .as_deref()
            .and_then(|name| word(name).err())
            .map(|why| format!("the channel's name {why}"))
            .or_else(|| wrong_text(text)),
    }
}

fn wrong_field(field: &str) -> Option<String> {
    let plain = field.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !field.starts_with("x_") || !plain || field.len() > WORD_CHARS_MAX {
        return Some(format!("{field} cannot be written: only fields of your own, whose names begin with x_"));
    }
    field.starts_with(OWN_FIELDS).then(|| format!("{field} is written by Milepost itself"))
}

fn wrong_text(said: &str) -> Option<String> {
    let count = said.trim().chars().count();
    if count == 0 || count > text::CHARS_MAX {
        return Some(format!("a text has 1 to {} characters", text::CHARS_MAX));
    }
    text::unknown(said).map(|word| {
        let known: Vec<_> = text::WORDS.iter().map(|(word, _)| format!("{{{word}}}")).collect();
        format!("{word} stands for nothing: there are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Limits;

    fn content(then: Vec<Action>) -> Content {
        Content {
            name: "Held at the hub".into(),
            trigger: Trigger::Exception,
            when: "exception.category == \"HOLD\"".into(),
            then,
            severity: None,
            limits: Limits::default(),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        let alert = || vec![Action::Alert { channel: None, text: "{number} is held at {place}".into() }];
        assert_eq!(problems(&content(alert())), Vec::new());
        let said = |content: Content| problems(&content).iter().map(ToString::to_string).collect::<Vec<_>>();
        for (content, begins) in [
            (Content { name: " ".into(), ..content(alert()) }, "name: the name has"),
            (
                Content { when: "exception.categry == \"HOLD\"".into(), ..content(alert()) },
                "when: line 1, column 1: unknown field",
            ),
            (content(Vec::new()), "then: a rule has"),
            (
                content(vec![Action::WriteField { field: "name".into(), value: "x".into() }]),
                "then: action 1: name cannot be written",
            ),
            (
                content(vec![Action::WriteField { field: "x_milepost_status".into(), value: "x".into() }]),
                "then: action 1: x_milepost_status is written by",
            ),
            (content(vec![Action::Note { text: "{ordr}".into() }]), "then: action 1: {ordr} stands for nothing"),
            (Content { trigger: Trigger::Every { minutes: 1 }, ..content(alert()) }, "trigger: choose 5"),
            (Content { trigger: Trigger::OpenFor { hours: 0 }, ..content(alert()) }, "trigger: choose 1"),
            (
                Content { limits: Limits { per_minute: Some(0), ..Limits::default() }, ..content(alert()) },
                "limits: choose 1",
            ),
            (
                Content {
                    limits: Limits { group_by: Some("event.plac".into()), ..Limits::default() },
                    ..content(alert())
                },
                "limits: event.plac is no field",
            ),
        ] {
            let all = said(content);
            assert!(all.len() == 1 && all[0].starts_with(begins), "{begins}: {all:?}");
        }
        let zone = |zone: &str| QuietHours { from_minute: 1200, to_minute: 420, zone: zone.into() };
        assert_eq!(wrong_hours(&zone("Europe/Berlin")), None);
        assert!(wrong_hours(&zone("Europe/Nowhere")).is_some());
    }
}
