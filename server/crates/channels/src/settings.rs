//! What a channel is set to.

use domain::{
    Severity,
    alerts::{
        AlertKind,
        route::{Quiet, Route, Stage},
    },
};
use outbound::schema::{Field, FieldKind};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Encrypted after `STARTTLS`; nothing is sent where the server does not offer it.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// From which severity on a channel is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Least {
    /// Critical alone.
    Critical,
    /// Critical and major.
    #[default]
    Major,
    /// Minor too.
    Minor,
}

/// What a channel is set to, beside its secret. Fields that a connector does not have are not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of a webhook.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The mail server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Its port; none: the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the way there is protected.
    #[serde(default)]
    pub security: Security,
    /// The user's name at the mail server; empty where it asks for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub login: String,
    /// The sender of mails.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Who gets mails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// From which severity on it is used.
    #[serde(default)]
    pub severity: Least,
    /// Of these kinds of alerts alone, by their codes; empty: of every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// At which stage.
    #[serde(default)]
    pub stage: Stage,
    /// The quiet hours, like `20:00-07:00`; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quiet: String,
    /// Their time zone; empty: UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Jobs at once, in each lane and process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls a second at most, in each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<NonZeroU32>,
}

impl Settings {
    /// What the channel takes.
    ///
    /// # Errors
    /// Says which setting is wrong.
    pub fn route(&self) -> Result<Route, String> {
        let least = match self.severity {
            Least::Critical => Severity::Critical,
            Least::Major => Severity::Major,
            Least::Minor => Severity::Minor,
        };
        let kind = |code: &String| {
            AlertKind::from_code(code).ok_or_else(|| {
                let known: Vec<_> = AlertKind::ALL.iter().map(|kind| kind.code()).collect();
                format!("there is no kind of alert {code}: there are {}", known.join(", "))
            })
        };
        let quiet = match self.quiet.trim() {
            "" => None,
            hours => Some(Quiet::read(hours, if self.zone.is_empty() { "UTC" } else { &self.zone })?),
        };
        Ok(Route { least, kinds: self.kinds.iter().map(kind).collect::<Result<_, _>>()?, stage: self.stage, quiet })
    }
}

/// The fields of every channel: which alerts it takes, and when.
pub(crate) fn of_every_channel() -> [Field; 6] {
    let severities =
        vec![("critical", "Critical only"), ("major", "Critical and major"), ("minor", "Critical, major and minor")];
    let stages = vec![
        ("at_once", "At once"),
        ("unacknowledged", "When an alert is not acknowledged in time"),
        ("still_unacknowledged", "When it is still not acknowledged after that"),
    ];
    [
        Field::new("severity", "Alerts", FieldKind::Choice(severities), "From which severity on this channel is used.")
            .or("major")
            .upfront(),
        Field::new(
            "stage",
            "When",
            FieldKind::Choice(stages),
            "Critical alerts wait 5 minutes for each step, major ones an hour.",
        )
        .or("at_once"),
        Field::new(
            "kinds",
            "Only these kinds",
            FieldKind::List,
            "Codes of alert kinds, as `milepost alert rules` lists them; empty: every kind.",
        ),
        Field::new(
            "quiet",
            "Quiet hours",
            FieldKind::Text,
            "Like 20:00-07:00: what is not critical comes at their end.",
        ),
        Field::new("zone", "Time zone of the quiet hours", FieldKind::Zone, "UTC if empty."),
        Field::calls_per_second(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_route_is_read_out_of_settings_and_faults_are_named() {
        let of = |settings| serde_json::from_value::<Settings>(settings).unwrap().route();
        let route = of(json!({"severity": "minor", "kinds": ["disk_space"], "stage": "unacknowledged",
            "quiet": "20:00-07:00", "zone": "Europe/Berlin"}))
        .unwrap();
        assert_eq!(
            (route.least, route.kinds, route.stage),
            (Severity::Minor, vec![AlertKind::DiskSpace], Stage::Unacknowledged)
        );
        assert!(route.quiet.is_some());
        assert_eq!(of(json!({})).unwrap().least, Severity::Major);
        for (settings, said) in [
            (json!({"kinds": ["disc"]}), "there is no kind of alert disc"),
            (json!({"quiet": "evenings"}), "quiet hours"),
            (json!({"quiet": "20:00-07:00", "zone": "Berlin"}), "time zone"),
        ] {
            let error = of(settings).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
