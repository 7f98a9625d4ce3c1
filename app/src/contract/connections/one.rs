//! One connection with everything about it.

use super::form::{FormView, SavedView};
use super::list::ConnectionRow;
use super::setup::SetupView;
use crate::contract::When;
use serde::{Deserialize, Serialize};

/// Jobs or messages of one class of error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// The class.
    pub class: String,
    /// What it means, and what to do.
    pub meaning: String,
    /// How many.
    pub n: u64,
    /// Whether they wait for a person; else they are tried again.
    pub failed: bool,
}

/// A call that Milepost made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// Its id.
    pub id: String,
    /// When.
    pub at: When,
    /// What the job does.
    pub what: String,
    /// What was called.
    pub operation: String,
    /// The shipment concerned.
    pub shipment: Option<String>,
    /// How it went, in words.
    pub result: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took.
    pub took: String,
    /// The job.
    pub job: String,
    /// The correlation id.
    pub correlation: String,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its id.
    pub id: String,
    /// When it came.
    pub at: When,
    /// What became of it.
    pub result: String,
    /// Whether it could be read.
    pub ok: bool,
    /// Its size in bytes.
    pub size: u64,
    /// The correlation id.
    pub correlation: String,
}

/// A line of the change log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Its place in the audit trail.
    pub seq: u64,
    /// The icon.
    pub icon: String,
    /// What was done.
    pub what: String,
    /// Values that changed: what, before, after.
    pub values: Vec<(String, String, String)>,
    /// Who, and why.
    pub who: String,
    /// When.
    pub at: When,
}

/// What a removal would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemovalView {
    /// Why it cannot be done, and what to do; none where it can.
    pub blocked: Option<String>,
    /// What ends, a sentence each.
    pub ends: Vec<String>,
    /// What stays, a sentence each.
    pub stays: Vec<String>,
}

/// A connection with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// As in the list.
    pub row: ConnectionRow,
    /// How it stands, in a sentence.
    pub why: String,
    /// What it is for.
    pub purpose: String,
    /// A link to what to do when it fails; empty for none.
    pub runbook: String,
    /// Kinds of data that go over it.
    pub data_classes: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Jobs that are tried again.
    pub retrying: u64,
    /// Jobs or messages that wait for a person.
    pub dead: u64,
    /// What the hours cover: `Sun 15:00 to Mon 14:32`.
    pub span: String,
    /// As of when.
    pub as_of: When,
    /// Errors by class.
    pub errors: Vec<ErrorRow>,
    /// The newest calls of what Milepost calls.
    pub calls: Vec<CallRow>,
    /// The newest messages of a source.
    pub messages: Vec<MessageRow>,
    /// The newest changes.
    pub changes: Vec<ChangeView>,
    /// When the newest secret was set.
    pub secret_set: When,
    /// Which exceptions a desk takes: what, and the values; none for others.
    pub routing: Option<Vec<(String, String)>>,
    /// The settings for people: what, and the value.
    pub settings: Vec<(String, String)>,
    /// What its removal would do.
    pub removal: RemovalView,
    /// The form that changes it; none where this version has no such connector.
    pub form: Option<FormView>,
    /// The set-up of an Odoo; none of others.
    pub setup: Option<SetupView>,
    /// What is known of its test and its turning on.
    pub saved: SavedView,
}
