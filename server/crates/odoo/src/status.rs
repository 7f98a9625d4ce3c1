//! Status goes out: fields on the delivery.

use super::{OdooClient, wire::datetime};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Deliveries of one write at most.
pub const WRITE_MAX: usize = 200;
/// A Char field takes more, but a list shows no more.
const CHARS_MAX: usize = 250;
/// The field of OCA's module `delivery_state` (OCA/delivery-carrier).
const OCA_FIELD: &str = "delivery_state";

/// Fields of a delivery and their values, as Odoo takes them.
pub type Fields = Map<String, Value>;

/// What a delivery shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusValues {
    /// The state's code: `x_milepost_status`.
    pub status: String,
    /// What last happened, where and when, as text: `x_milepost_last_event`.
    pub last_event: Option<String>,
    /// When it is expected: `x_milepost_eta`.
    pub eta: Option<Timestamp>,
    /// When it was delivered: `x_milepost_delivered_at`.
    pub delivered_at: Option<Timestamp>,
    /// The worst open exception: `x_milepost_exception`.
    pub exception: Option<String>,
    /// The page with the whole story: `x_milepost_url`.
    pub url: Option<String>,
    /// The value for OCA's `delivery_state`, in the words of 16.0 and later; written where that module is installed.
    pub delivery_state: Option<String>,
}

impl OdooClient {
    /// Brings a delivery's fields to these values. Names only what differs from `before`, what was written last; does
    /// nothing where nothing differs. Writing the same twice does no harm.
    ///
    /// # Errors
    /// `not_found` where the delivery is gone; else when Odoo refuses or does not answer.
    pub async fn write_status(
        &self,
        picking: i64,
        values: &StatusValues,
        before: Option<&StatusValues>,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        let missing = self.write_status_of(&[picking], values, before, log).await?;
        match missing.is_empty() {
            true => Ok(()),
            false => Err(CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {picking} any more"))),
        }
    }

    /// The same for several deliveries that get equal values; returns those that Odoo no longer has. One missing id
    /// fails a whole write there, so they are looked up and left out, and the rest is written.
    ///
    /// # Errors
    /// As [`Self::write_status`].
    pub async fn write_status_of(
        &self,
        pickings: &[i64],
        values: &StatusValues,
        before: Option<&StatusValues>,
        log: &dyn CallLog,
    ) -> Result<Vec<i64>, CallError> {
        let fields = self.fields_to_write(values, before, log).await?;
        self.write_fields_of(pickings, &fields, log).await
    }

    /// The fields that bring a delivery from `before`, what was written last, to these values.
    ///
    /// # Errors
    /// When Odoo, asked for the first time, does not say which fields it has.
    pub async fn fields_to_write(
        &self,
        values: &StatusValues,
        before: Option<&StatusValues>,
        log: &dyn CallLog,
    ) -> Result<Fields, CallError> {
        Ok(changed(values, before, self.delivery_states(log).await?))
    }

    /// Writes these fields of several deliveries; returns those that Odoo no longer has.
    ///
    /// # Errors
    /// As [`Self::write_status`].
    pub async fn write_fields_of(
        &self,
        pickings: &[i64],
        fields: &Fields,
        log: &dyn CallLog,
    ) -> Result<Vec<i64>, CallError> {
        let mut missing = Vec::new();
        if fields.is_empty() {
            return Ok(missing);
        }
        for chunk in pickings.chunks(WRITE_MAX) {
            match self.write_fields(chunk, fields, log).await {
                Err(error) if error.class == ErrorClass::NotFound && chunk.len() == 1 => {
                    missing.extend_from_slice(chunk)
                }
                Err(error) if error.class == ErrorClass::NotFound => {
                    let there: Vec<i64> =
                        self.ask("stock.picking", "search", json!({"domain": [["id", "in", chunk]]}), log).await?;
                    missing.extend(chunk.iter().filter(|id| !there.contains(id)));
                    if !there.is_empty() {
                        self.write_fields(&there, fields, log).await?;
                    }
                }
                other => other?,
            }
        }
        Ok(missing)
    }

    async fn write_fields(&self, pickings: &[i64], fields: &Fields, log: &dyn CallLog) -> Result<(), CallError> {
        // no mail to anybody who follows the delivery because of a field
        let context = json!({"tracking_disable": true});
        let body = json!({"ids": pickings, "vals": fields, "context": context});
        self.change::<Value>("stock.picking", "write", body, log).await.map(drop)
    }

    /// What values OCA's field takes; none where it is not there.
    async fn delivery_states(&self, log: &dyn CallLog) -> Result<&[String], CallError> {
        let states = self
            .delivery_states
            .get_or_try_init(|| async {
                let body = json!({"allfields": [OCA_FIELD], "attributes": ["selection"]});
                let fields: Value = self.ask("stock.picking", "fields_get", body, log).await?;
                let selection = fields[OCA_FIELD]["selection"].as_array().cloned().unwrap_or_default();
                Ok::<_, CallError>(selection.iter().filter_map(|pair| pair[0].as_str().map(str::to_owned)).collect())
            })
            .await?;
        Ok(states)
    }
}

/// The fields to write.
pub(super) fn changed(values: &StatusValues, before: Option<&StatusValues>, states: &[String]) -> Fields {
    let now = fields(values, states);
    let before = before.map(|b| fields(b, states)).unwrap_or_default();
    now.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect()
}

fn fields(values: &StatusValues, states: &[String]) -> Fields {
    let text = |value: &Option<String>| {
        value.as_deref().map_or(json!(false), |t| json!(t.chars().take(CHARS_MAX).collect::<String>()))
    };
    let time = |value: Option<Timestamp>| value.map_or(json!(false), |t| json!(datetime(t)));
    let mut fields = Map::new();
    fields.insert("x_milepost_status".into(), json!(values.status));
    fields.insert("x_milepost_last_event".into(), text(&values.last_event));
    fields.insert("x_milepost_eta".into(), time(values.eta));
    fields.insert("x_milepost_delivered_at".into(), time(values.delivered_at));
    fields.insert("x_milepost_exception".into(), text(&values.exception));
    fields.insert("x_milepost_url".into(), text(&values.url));
    if let Some(state) = values.delivery_state.as_deref().and_then(|s| oca(s, states)) {
        fields.insert(OCA_FIELD.into(), json!(state));
    }
    fields
}

/// The value as this installation spells it: up to 15.0 `incident` was `incidence`.
fn oca<'a>(state: &'a str, states: &[String]) -> Option<&'a str> {
    let has = |word: &str| states.iter().any(|s| s == word);
    match state {
        _ if has(state) => Some(state),
        "incident" if has("incidence") => Some("incidence"),
        _ => None,
    }
}
