//! What a rule is: when it looks, under which condition, what it does then, and within which limits. Plain data, kept as versions
//! that never change.

use crate::{
    Severity,
    invoicing::{InvoiceFor, InvoiceOn, Invoicing},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Characters of the id of a rule.
const ID_CHARS_MAX: usize = 60;

/// The id of a rule: small letters, digits and dashes, as in `no-updates`. It is part of the keys of what the rule did, so it never
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

impl RuleId {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One made from the name of a rule; none where the name has no letter or digit for it.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut id = String::new();
        for c in name.to_lowercase().chars() {
            match c {
                'a'..='z' | '0'..='9' => id.push(c),
                _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
                _ => {}
            }
        }
        id.truncate(ID_CHARS_MAX);
        let id = match id.trim_end_matches('-') {
            // the address of the page where rules are made
            "new" => "new-rule",
            id => id,
        };
        id.parse().ok()
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > ID_CHARS_MAX || !text.chars().all(plain) {
            return Err(format!(
                "{:?} is no id of a rule: small letters, digits and dashes, at most {ID_CHARS_MAX}",
                text.chars().take(ID_CHARS_MAX).collect::<String>()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RuleId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.0
    }
}

/// The version of a rule: 0 is built in, those that people publish count from 1.
pub type RuleVersion = u32;

/// One version of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What people call it.
    pub name: String,
    /// When it looks.
    pub trigger: Trigger,
    /// The condition, in CEL.
    pub when: String,
    /// What it does, in this order.
    pub then: Vec<Action>,
    /// How much a person is needed for the exceptions that it is about; none: as the reason has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}

/// When a rule looks, and so how often it acts on one shipment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Trigger {
    /// Whenever a shipment changes; its own actions happen once for each shipment.
    #[default]
    Change,
    /// On the newest event; once for each event.
    Event,
    /// When an exception opens; once for each exception.
    Exception,
    /// When an exception has been open for so long; once for each exception.
    OpenFor {
        /// Hours since it was recorded.
        hours: u32,
    },
    /// By the clock, for shipments that are under way; once for each shipment.
    Every {
        /// Minutes between two looks.
        minutes: u32,
    },
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A note in the order system for each milestone.
    NoteMilestones,
    /// A note in the order system where a milestone is retracted.
    NoteCorrections,
    /// The order system shows the status.
    UpdateOrder,
    /// An activity for a person in the order system.
    ScheduleActivity {
        /// What it says; none: severity and reason of the exception.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// The login of who is asked; none: as the connection says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// Days until it is due; none: as the severity says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_days: Option<u32>,
    },
    /// A ticket at the desk for an exception that lasts; it is updated and closed with the exception.
    OpenCase {
        /// The connection; none: the desk that takes such shipments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        desk: Option<String>,
        /// The queue, group or team of that desk; none: that of the connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
        /// Minutes for which it may heal by itself; none: as the severity says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_minutes: Option<u32>,
    },
    /// The case of the exception is added to; of a shipment each case that it has.
    UpdateCase {
        /// An internal note; see [`crate::rules::text`] for the words in braces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Tags to add, separated by commas.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tags: Option<String>,
        /// The priority is that of this severity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<Severity>,
    },
    /// The case of the exception is closed, though the exception is open; of a shipment each case that it has.
    CloseCase {
        /// What is noted with it; none: which rule did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The customer gets a mail.
    MessageCustomer {
        /// The subject.
        subject: String,
        /// The text; see [`crate::rules::letter`] for the words in braces.
        text: String,
        /// Both in other languages; see [`crate::rules::letter`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        translations: Option<String>,
        /// The connection of the mail channel; none: the only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
    },
    /// The order system validates the delivery when the carrier first scans the goods.
    ValidateDelivery,
    /// What the carrier gave as proof of delivery is attached to the delivery.
    AttachProof,
    /// The order is invoiced when its goods have arrived.
    Invoice {
        /// On which terms; none: as the connection says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Terms>,
    },
    /// A return is made for goods that come back.
    CreateReturn,
    /// A note in the order system.
    Note {
        /// What it says; see [`crate::rules::text`] for the words in braces.
        text: String,
    },
    /// A field of the delivery in the order system.
    WriteField {
        /// Its name there: `x_priority`.
        field: String,
        /// What is written.
        value: String,
    },
    /// A team is alerted.
    Alert {
        /// The connection of the channel; none: as the severity says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// What it says.
        text: String,
    },
    /// A claim is raised against the carrier.
    RaiseClaim,
}

impl Action {
    /// Its stable code: that of the data.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoteMilestones => "note_milestones",
            Self::NoteCorrections => "note_corrections",
            Self::UpdateOrder => "update_order",
            Self::ScheduleActivity { .. } => "schedule_activity",
            Self::OpenCase { .. } => "open_case",
            Self::UpdateCase { .. } => "update_case",
            Self::CloseCase { .. } => "close_case",
            Self::MessageCustomer { .. } => "message_customer",
            Self::ValidateDelivery => "validate_delivery",
            Self::AttachProof => "attach_proof",
            Self::Invoice { .. } => "invoice",
            Self::CreateReturn => "create_return",
            Self::Note { .. } => "note",
            Self::WriteField { .. } => "write_field",
            Self::Alert { .. } => "alert",
            Self::RaiseClaim => "raise_claim",
        }
    }
}

/// The tags of a list that is separated by commas.
pub fn tags(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// On which terms an order is invoiced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// What is made.
    pub how: Invoicing,
    /// When.
    pub on: InvoiceOn,
    /// For what.
    pub of: InvoiceFor,
}

/// The limits of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How often it may act in a minute; what comes above that acts in a later minute, if it is still so then. None: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// When its alerts and messages to customers wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// The field whose value puts alerts together: `event.place`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
}

/// Hours of the day in which nothing is sent to people, in their time zone. They may go over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this minute of the day.
    pub from_minute: u16,
    /// To this one.
    pub to_minute: u16,
    /// The time zone: `Europe/Berlin`.
    pub zone: String,
}

/// What the connection to an order system says of the steps there; rules read it as fields of `order`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Deliveries are validated at the first scan.
    pub validates_at_first_scan: bool,
    /// Proofs of delivery are attached.
    pub attaches_proofs: bool,
    /// On which terms orders are invoiced; none: they are not.
    pub invoicing: Option<Terms>,
    /// Returns are made.
    pub makes_returns: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_has_the_code_of_its_data() {
        let text = || "x".to_owned();
        for action in [
            Action::OpenCase { desk: None, queue: None, grace_minutes: None },
            Action::UpdateCase { note: None, tags: None, priority: None },
            Action::CloseCase { note: None },
            Action::MessageCustomer { subject: text(), text: text(), translations: None, channel: None },
            Action::Note { text: text() },
            Action::WriteField { field: text(), value: text() },
            Action::Alert { channel: None, text: text() },
            Action::Invoice { terms: None },
            Action::ScheduleActivity { summary: None, login: None, due_days: None },
            Action::NoteMilestones,
            Action::NoteCorrections,
            Action::UpdateOrder,
            Action::ValidateDelivery,
            Action::AttachProof,
            Action::CreateReturn,
            Action::RaiseClaim,
        ] {
            assert_eq!(serde_json::to_value(&action).unwrap()["do"], action.code());
        }
        assert_eq!(tags(" vip, , at risk"), ["vip", "at risk"]);
    }

    #[test]
    fn what_a_rule_does_not_have_is_refused() {
        let rule =
            r#"{"name":"x","trigger":{"on":"change"},"when":"true","then":[{"do":"note","text":"x"}],"limits":{}}"#;
        assert!(serde_json::from_str::<Content>(rule).is_ok());
        for (right, wrong) in [
            (r#""name""#, r#""nme":1,"name""#),
            (r#""text""#, r#""txt":1,"text""#),
            (r#""limits":{}"#, r#""limits":{"per_minut":5}"#),
        ] {
            let why = serde_json::from_str::<Content>(&rule.replace(right, wrong)).unwrap_err().to_string();
            assert!(why.contains("unknown field"), "{wrong}: {why}");
        }
    }

    #[test]
    fn an_id_is_made_from_a_name() {
        for (name, id) in [
            ("No updates for longer than usual", Some("no-updates-for-longer-than-usual")),
            ("  Größe: 3 % ", Some("gr-e-3")),
            ("***", None),
            ("New", Some("new-rule")),
        ] {
            assert_eq!(RuleId::from_name(name).map(|id| id.to_string()).as_deref(), id, "{name}");
        }
        for bad in ["", "A", "a b", "ä"] {
            assert!(bad.parse::<RuleId>().is_err(), "{bad}");
        }
    }
}
