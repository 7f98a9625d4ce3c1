//! *Why don't we know?*: the cause for a shipment without a current status, and what can be done about it.

use serde::{Deserialize, Serialize};

/// Why nothing current is known of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownView {
    /// The cause.
    pub cause: String,
    /// Who looks after it.
    pub owner: String,
    /// What is known beside: where the number is registered, or who can do something about it.
    pub note: String,
    /// What the viewer can do, the most useful first.
    pub remedies: Vec<RemedyView>,
}

/// Something that can be done about a shipment without a current status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RemedyView {
    /// A page on which it is done.
    Page {
        /// What it says.
        label: String,
        /// The address.
        href: String,
    },
    /// A page of the order system.
    Outside {
        /// What it says.
        label: String,
        /// The address.
        href: String,
    },
    /// A code that is mapped.
    Map {
        /// Its list.
        #[serde(with = "super::verbatim")]
        list: String,
        /// The code.
        #[serde(with = "super::verbatim")]
        code: String,
    },
    /// A button that does it.
    Act {
        /// What it says.
        label: String,
        /// What it does.
        act: RemedyAct,
        /// On which connection; empty where on none.
        on: String,
    },
    /// A number that is corrected.
    Correct {
        /// As it is written.
        #[serde(with = "super::verbatim")]
        number: String,
        /// What its check digit suggests.
        suggestion: Option<String>,
    },
}

/// What a button does about a shipment without a current status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemedyAct {
    /// The connection is turned on again.
    Resume,
    /// The messages are read again.
    Reprocess,
    /// The numbers are registered.
    Register,
    /// The platform is asked.
    Ask,
    /// The refused update is sent again.
    Retry,
}

/// What was done about a shipment without a current status, as the address of its page says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedied {
    /// A button was pressed.
    Act(RemedyAct),
    /// The number was corrected.
    Corrected,
}

impl Remedied {
    const ALL: [Self; 6] = [
        Self::Act(RemedyAct::Resume),
        Self::Act(RemedyAct::Reprocess),
        Self::Act(RemedyAct::Register),
        Self::Act(RemedyAct::Ask),
        Self::Act(RemedyAct::Retry),
        Self::Corrected,
    ];

    /// Its word in an address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Act(RemedyAct::Resume) => "resume",
            Self::Act(RemedyAct::Reprocess) => "reprocess",
            Self::Act(RemedyAct::Register) => "register",
            Self::Act(RemedyAct::Ask) => "ask",
            Self::Act(RemedyAct::Retry) => "retry",
            Self::Corrected => "correct",
        }
    }

    /// What this word of an address means.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.code() == code)
    }

    /// What a person reads.
    pub const fn said(self) -> &'static str {
        match self {
            Self::Act(RemedyAct::Resume) => {
                "The source is in use again. Shipments that waited for it are looked at again."
            }
            Self::Act(RemedyAct::Reprocess) => "The messages of this shipment are being reprocessed.",
            Self::Act(RemedyAct::Register) => {
                "The number is being registered. The platform reports what it knows of it."
            }
            Self::Act(RemedyAct::Ask) => "The platform is being asked. What it answers appears in the timeline.",
            Self::Act(RemedyAct::Retry) => "The update is being sent to Odoo again.",
            Self::Corrected => "The number is corrected in Odoo. The delivery has been read again.",
        }
    }
}
