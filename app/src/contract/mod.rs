//! What crosses the wire: view types, errors, and one port for each area. The server implements the ports.

pub mod alerts;
pub mod analytics;
pub mod booking_rules;
pub mod bookings;
pub mod calibration;
pub mod carriers;
mod choice;
pub mod claims;
pub mod connections;
pub mod exceptions;
pub mod figures;
pub mod mappings;
pub mod playbooks;
pub mod reconciliation;
pub mod reports;
pub mod rules;
pub mod session;
pub mod shipments;
pub mod start;
pub mod sync;
pub mod unknown;
pub mod verbatim;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Why a page cannot show or do what was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ApiError {
    /// Nobody is signed in.
    Unauthenticated,
    /// The person may not.
    Forbidden,
    /// Nobody may, as things are.
    Refused {
        /// Why.
        message: String,
    },
    /// There is no such thing.
    NotFound,
    /// There is no record for this page.
    Missing {
        /// Which kind.
        what: Record,
    },
    /// Somebody else was faster.
    Conflict {
        /// What happened.
        message: String,
    },
    /// The input is wrong.
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Too many tries.
    TooMany {
        /// When the next one is taken.
        seconds: u64,
    },
    /// Try again later.
    Unavailable {
        /// Why.
        message: String,
    },
    /// Our fault; the logs have its correlation id.
    Internal {
        /// The correlation id.
        correlation: String,
    },
}

/// A kind of record that has a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A shipment.
    Shipment,
    /// A job.
    Job,
    /// A message.
    Message,
    /// A connection.
    Connection,
    /// An exception.
    Exception,
    /// A claim.
    Claim,
    /// A rule.
    Rule,
    /// A figure.
    Figure,
    /// A carrier.
    Carrier,
    /// A saved report.
    Report,
}

impl Record {
    /// Where the others are, and what the link to them says.
    pub const fn list(self) -> (&'static str, &'static str) {
        match self {
            Self::Shipment => ("/shipments", "Back to shipments"),
            Self::Job => ("/sync", "Back to integrations"),
            Self::Message => ("/sync?view=messages", "Back to messages"),
            Self::Connection => ("/connections", "Back to connections"),
            Self::Exception => ("/exceptions", "Back to exceptions"),
            Self::Claim => ("/claims", "Back to claims"),
            Self::Rule => ("/rules", "Back to rules"),
            Self::Figure => ("/overview", "Back to the overview"),
            Self::Carrier => ("/carriers", "Back to carriers"),
            Self::Report => ("/reports", "Back to reports"),
        }
    }
}

impl ApiError {
    /// This error on the page of such a record: what is not found is the record.
    #[must_use]
    pub fn of_page(self, what: Record) -> Self {
        if self == Self::NotFound { Self::Missing { what } } else { self }
    }

    /// The HTTP status of an answer that refuses for this reason.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::Refused { .. } => 403,
            Self::NotFound | Self::Missing { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Invalid { .. } => 422,
            Self::TooMany { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("Please sign in."),
            Self::Forbidden => f.write_str("Your role does not allow this. An admin can change it."),
            Self::NotFound => f.write_str("This does not exist."),
            Self::Missing { what: Record::Shipment } => f.write_str("This shipment does not exist."),
            Self::Missing { what: Record::Job } => f.write_str("This job does not exist."),
            Self::Missing { what: Record::Message } => f.write_str("This message does not exist."),
            Self::Missing { what: Record::Exception } => f.write_str("This exception does not exist."),
            Self::Missing { what: Record::Connection } => f.write_str("This connection does not exist."),
            Self::Missing { what: Record::Claim } => f.write_str("This claim does not exist."),
            Self::Missing { what: Record::Rule } => f.write_str("This rule does not exist."),
            Self::Missing { what: Record::Figure } => f.write_str("This figure does not exist."),
            Self::Missing { what: Record::Report } => {
                f.write_str("This report does not exist, or is another person’s.")
            }
            Self::Missing { what: Record::Carrier } => f.write_str("No shipments of this carrier were ever counted."),
            Self::Refused { message }
            | Self::Conflict { message }
            | Self::Invalid { message, .. }
            | Self::Unavailable { message } => f.write_str(message),
            Self::TooMany { seconds } => write!(f, "Too many tries. Wait {seconds} seconds, then try again."),
            Self::Internal { correlation } if correlation.is_empty() => f.write_str(
                "Something went wrong on our side. Try again; if it happens again, contact your administrator.",
            ),
            Self::Internal { correlation } => {
                write!(f, "Something went wrong on our side. Quote {correlation} when you ask for help.")
            }
        }
    }
}

impl std::error::Error for ApiError {}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let unavailable = |message: &str| Self::Unavailable { message: message.into() };
        match value {
            E::Request(_) => unavailable("The server cannot be reached. Check the connection and try again."),
            E::Args(e) | E::MissingArg(e) => Self::Invalid { field: String::new(), message: e },
            E::Deserialization(_) => Self::Invalid {
                field: String::new(),
                message: "What was sent cannot be read. Load the page again.".into(),
            },
            _ if cfg!(feature = "ssr") => Self::Internal { correlation: String::new() },
            _ => unavailable("This did not reach the server. Load the page again."),
        }
    }
}

/// What errors of one server function and field say where only their code is known.
const KNOWN: &[(&str, &str, &str)] = &[
    ("/api/sign-in", "password", "Incorrect email or password."),
    ("/api/set-up", "login", "The login has 2 to 100 letters, digits or @ . _ - +."),
    ("/api/set-up", "password", "Choose another password: 12 characters or more."),
    (
        "/api/exceptions/act",
        "ticket",
        "The exception is over, or its ticket is not closed: there is nothing to reopen.",
    ),
    ("/api/exceptions/act", "until", "Choose a time between now and in 90 days."),
    ("/api/exceptions/act", "owner", "This person cannot look after exceptions: choose another one."),
    ("/api/exceptions/act", "team", "There is no such team any more: choose another one."),
    (
        "/api/shipments/correct",
        "number",
        "This is no carrier’s number, or its check digit is wrong: enter it as it is on the label.",
    ),
    (
        "/api/shipments/book",
        "connection",
        "Choose a connection that books labels, and a form of label that its platform makes.",
    ),
    ("/api/shipments/book", "confirmed", "The connection makes live labels, which are paid: confirm that."),
    ("/api/shipments/book", "days", "Enter days as a whole number, 0 to 365."),
    ("/api/shipments/book", "size", "Enter length, width and height in millimetres, each 1 to 9999, or none of them."),
    (
        "/api/booking-rules/save",
        "rules",
        "The rule needs a name of its own, countries of two letters or EU, a weight range with something in it, and a connection \
         that does what the rule does.",
    ),
    ("/api/booking-rules/save", "days", "Enter days as a whole number, 0 to 365."),
    (
        "/api/booking-rules/save",
        "size",
        "Enter length, width and height in millimetres, each 1 to 9999, or none of them.",
    ),
    ("/api/booking-rules/save", "from_kg", "Enter a weight in kg, like 2 or 0.5."),
    ("/api/booking-rules/save", "below_kg", "Enter a weight in kg, like 2 or 0.5."),
    ("/api/mappings/publish", "milestone", "Choose a milestone."),
    ("/api/start/company", "name", "Enter the company's name, 1 to 100 characters."),
    ("/api/sync/start-replay", "ids", "Choose at least one row, or all."),
    ("/api/sync/start-replay", "selection", "Nothing is left to retry."),
    ("/api/sync/stop-replay", "replay", "It has ended already."),
    ("/api/sync/replay", "message", "Its body is no longer kept, so it cannot be reprocessed."),
    (
        "/api/connections/rotate",
        "secret",
        "This secret cannot be used: it is empty, or too weak for the verification of this connection.",
    ),
    ("/api/reconciliation/fix", "ids", "Choose at least one difference, and 500 at most."),
    ("/api/alerts/rule", "threshold", "Enter a whole number within the limits of this rule."),
    ("/api/playbooks/step", "text", "A next step has 500 characters at most and no control characters."),
    ("/api/playbooks/team", "name", "The name of a team has 1 to 60 characters."),
    ("/api/playbooks/team", "members", "A team has 200 members at most, and all of them are users."),
    ("/api/playbooks/team", "carriers", "Choose carriers of the list."),
    ("/api/playbooks/team", "reasons", "Choose reasons of the list."),
    ("/api/playbooks/calendar", "country", "Enter the country as two letters, like DE, or none."),
    ("/api/playbooks/calendar", "zone", "Enter the time zone by its IANA name, like Europe/Berlin."),
    ("/api/playbooks/calendar", "opens", "Enter times as 08:00."),
    ("/api/playbooks/calendar", "cut_off", "Enter the cut-off as 15:00."),
    ("/api/playbooks/calendar", "closes", "Work ends after it begins: like 08:00 to 18:00."),
    (
        "/api/playbooks/day",
        "days",
        "Enter the country as two letters, like DE, or none; a calendar has 500 own days at most.",
    ),
    ("/api/alerts/snooze", "until", "An alert is snoozed for 30 days at most."),
    ("/api/alerts/maintain", "until", "Maintenance ends within 7 days."),
    ("/api/alerts/maintain", "connection", "Choose a connection."),
    ("/api/alerts/test", "channel", "No channel is in use: connect one under Connections first."),
    ("/api/reconciliation/stop", "run", "The run has ended already."),
    ("/api/reconciliation/start", "connection", "No order system is connected: connect Odoo under Connections first."),
    (
        "/api/connections/retire",
        "secret",
        "The old secret stays: the newest one is not accepted yet, or there is no other.",
    ),
    (
        "/api/claims/raise",
        "shipment",
        "No single shipment has this number: enter its tracking number, order or transfer.",
    ),
    ("/api/claims/raise", "reason", "Choose what the claim is for."),
    ("/api/claims/raise", "currency", "Enter the currency of the amount: the order’s is not known."),
    ("/api/claims/step", "reference", "The carrier’s claim number is one line of 60 characters at most."),
    ("/api/claims/step", "step", "Choose what happened."),
    ("/api/claims/edit", "what", "Choose what to change."),
    ("/api/claims/put-deadlines", "rules", "These rules cannot be used: compare them with the ones that are there."),
    ("/api/reports/save", "name", "The name of a report has 1 to 80 characters in one line."),
    ("/api/reports/save", "figures", "Choose 1 to 12 figures of the list."),
    ("/api/reports/save", "rhythm", "Choose how often, on which day and at which hour the report goes out."),
    ("/api/reports/save", "to", "Enter 1 to 20 mail addresses, separated by commas."),
    ("/api/reports/act", "to", "This report has no recipients: enter when and to whom it goes out."),
    ("/api/targets/set", "target", "Enter a number of 0 or more, in the figure’s unit."),
    ("/api/targets/annotate", "kind", "Choose what the remark is about."),
    ("/api/targets/annotate", "first", "Enter the first day as 2026-11-30."),
    ("/api/targets/annotate", "to", "The last day is the first one or comes after it, 120 days in all at most."),
    ("/api/targets/annotate", "text", "The words are one line of 80 characters at most."),
    ("/api/rules/edit", "days", "Enter days as a whole number, 1 to 90."),
    ("/api/rules/act", "until", "Enter a day and a time to come."),
    ("/api/rules/act", "version", "Choose a version."),
    ("/api/rules/act", "then", "An action of this version names a connection that is not there any more."),
    ("/api/rules/edit", "when", "The rule has errors: they stand beside what they are about."),
    ("/api/rules/edit", "then", "An action has an error: it stands beside the action."),
    ("/api/rules/edit", "limits", "A limit of the rule has an error: it stands beside the limit."),
    ("/api/rules/edit", "trigger", "Enter a whole number within the limits of when the rule looks."),
    ("/api/rules/edit", "name", "The name of a rule has 1 to 100 characters, some of them letters or digits."),
    ("", "note", "A note has 4000 characters at most and no control characters."),
    ("", "amount", "Enter an amount of more than 0, like 1140.50, in the currency of the claim."),
    ("", "day", "Enter the day as 2026-11-30."),
    ("", "why", "Say why, in 1 to 500 characters."),
];
/// What an error without such a sentence says.
const SOMETHING_WRONG: &str = "Something in the form is missing or wrong.";
/// The longest wait that is shown.
const WAIT_SECONDS_MAX: u64 = 24 * 60 * 60;

impl ApiError {
    /// What is known of an error of this server function that came with an address: its code, in our own words. The words that are
    /// written there can be anybody's.
    #[must_use]
    pub fn known(self, function: &str) -> Self {
        match self {
            Self::Unauthenticated | Self::Forbidden | Self::NotFound | Self::Missing { .. } => self,
            Self::Refused { .. } => Self::Refused { message: "This is not allowed, or not any more.".into() },
            Self::Conflict { .. } => {
                Self::Conflict { message: "Somebody else changed this meanwhile. Look again.".into() }
            }
            Self::Invalid { field, .. } => {
                let known = KNOWN.iter().find(|(of, name, _)| (of.is_empty() || *of == function) && *name == field);
                let (field, message) = known.map_or(("", SOMETHING_WRONG), |(_, field, message)| (*field, *message));
                Self::Invalid { field: field.into(), message: message.into() }
            }
            Self::TooMany { seconds } => Self::TooMany { seconds: seconds.min(WAIT_SECONDS_MAX) },
            Self::Unavailable { .. } => {
                Self::Unavailable { message: "Not available at the moment. Try again in a moment.".into() }
            }
            Self::Internal { correlation } => {
                Self::Internal { correlation: if is_id(&correlation) { correlation } else { String::new() } }
            }
        }
    }
}

/// Whether this has the form of an id.
pub fn is_id(text: &str) -> bool {
    (32..=36).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The address of a page elsewhere, if a browser opens nothing but a page there.
pub fn web_address(address: &str) -> Option<&str> {
    let schemed = |scheme: &str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let plain = address.chars().all(|c| !c.is_control() && !c.is_whitespace());
    (plain && (schemed("https://") || schemed("http://"))).then_some(address)
}

/// What a port gives.
pub type ApiResult<T> = Result<T, ApiError>;

/// The ports, for one request of one viewer.
#[derive(Clone)]
pub struct Ports {
    /// Signing in and out.
    pub session: Arc<dyn session::SessionPort>,
    /// Shipments.
    pub shipments: Arc<dyn shipments::ShipmentsPort>,
    /// The exception queue.
    pub exceptions: Arc<dyn exceptions::ExceptionsPort>,
    /// Figures.
    pub figures: Arc<dyn figures::FiguresPort>,
    /// How well our estimates held.
    pub calibration: Arc<dyn calibration::CalibrationPort>,
    /// Carriers, compared.
    pub carriers: Arc<dyn carriers::CarriersPort>,
    /// The first steps.
    pub start: Arc<dyn start::StartPort>,
    /// Which deliveries are booked where.
    pub booking_rules: Arc<dyn booking_rules::BookingRulesPort>,
    /// What codes mean.
    pub mappings: Arc<dyn mappings::MappingsPort>,
    /// Next steps, teams and the calendar.
    pub playbooks: Arc<dyn playbooks::PlaybooksPort>,
    /// Operational alerts.
    pub alerts: Arc<dyn alerts::AlertsPort>,
    /// What Milepost does by itself.
    pub rules: Arc<dyn rules::RulesPort>,
    /// Claims against carriers.
    pub claims: Arc<dyn claims::ClaimsPort>,
    /// Saved reports, targets, remarks.
    pub reports: Arc<dyn reports::ReportsPort>,
    /// Analysis of exceptions.
    pub analytics: Arc<dyn analytics::AnalyticsPort>,
    /// Connections to other systems.
    pub connections: Arc<dyn connections::ConnectionsPort>,
    /// Where the systems differ.
    pub reconciliation: Arc<dyn reconciliation::ReconciliationPort>,
    /// Calls to other systems.
    pub sync: Arc<dyn sync::SyncPort>,
}

/// A time as shown, in the viewer's zone: the server makes the words, so that both halves of a page agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// For `datetime`.
    pub iso: String,
    /// Short: `3 h ago`, `Wed 25 Nov`.
    pub shown: String,
    /// In full, with the zone or the word that there is none.
    pub full: String,
    /// The event's own clock, where it differs from the viewer's.
    #[serde(default)]
    pub own: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Record, web_address};

    #[test]
    fn every_error_has_the_status_that_it_means() {
        let message = || "why".to_owned();
        for (error, status) in [
            (ApiError::Unauthenticated, 401),
            (ApiError::Forbidden, 403),
            (ApiError::Refused { message: message() }, 403),
            (ApiError::NotFound, 404),
            (ApiError::NotFound.of_page(Record::Job), 404),
            (ApiError::Forbidden.of_page(Record::Job), 403),
            (ApiError::Conflict { message: message() }, 409),
            (ApiError::Invalid { field: "field".into(), message: message() }, 422),
            (ApiError::TooMany { seconds: 7 }, 429),
            (ApiError::Internal { correlation: "id".into() }, 500),
            (ApiError::Unavailable { message: message() }, 503),
        ] {
            assert_eq!(error.status(), status, "{error:?}");
        }
    }

    #[test]
    fn of_an_error_in_an_address_only_the_code_counts() {
        let evil = || "Call +1 900 555 now".to_owned();
        for error in [
            ApiError::Refused { message: evil() },
            ApiError::Conflict { message: evil() },
            ApiError::Invalid { field: "password".into(), message: evil() },
            ApiError::Invalid { field: evil(), message: evil() },
            ApiError::TooMany { seconds: u64::MAX },
            ApiError::Unavailable { message: evil() },
            ApiError::Internal { correlation: evil() },
        ] {
            let known = error.clone().known("/api/sign-in");
            assert_eq!(known.status(), error.status());
            let shown = format!("{known} {known:?}");
            assert!(!shown.contains("900") && !shown.contains("18446744073709551615"), "{shown}");
        }
        let wrong = ApiError::Invalid { field: "password".into(), message: evil() };
        assert_eq!(wrong.known("/api/sign-in").to_string(), "Incorrect email or password.");
    }

    #[test]
    fn only_pages_are_linked_to() {
        for (address, is) in [
            ("https://odoo.test/web#id=1", true),
            ("HTTP://odoo.test", true),
            ("javascript:alert(1)//https://", false),
            (" https://a.test", false),
            ("java\nscript:alert(1)", false),
            ("https://a.test/\u{0}", false),
            ("data:text/html,x", false),
            ("//evil.test", false),
            ("/path", false),
            ("", false),
        ] {
            assert_eq!(web_address(address).is_some(), is, "{address:?}");
        }
    }
}
