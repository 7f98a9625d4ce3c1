//! Status goes out: fields on the delivery and on its order.

use super::{
    OdooClient,
    record::{Record, RecordKind},
    wire::datetime,
};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Records of one write at most.
pub const WRITE_MAX: usize = 200;
/// A Char field takes more, but a list shows no more.
const CHARS_MAX: usize = 250;
/// The field of OCA's module `delivery_state` (OCA/delivery-carrier).
pub const OCA_FIELD: &str = "delivery_state";

/// Fields of a record and their values, as Odoo takes them.
pub type Fields = Map<String, Value>;

/// What a delivery or an order shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusValues {
    /// The state's code: `x_milepost_status`.
    pub status: String,
    /// What last happened, where and when, as text: `x_milepost_last_event`.
    pub last_event: Option<String>,
    /// When it is expected: `x_milepost_eta`.
    pub eta: Option<Timestamp>,
    /// When it is promised: `x_milepost_promised`.
    pub promised: Option<Timestamp>,
    /// When it was delivered: `x_milepost_delivered_at`.
    pub delivered_at: Option<Timestamp>,
    /// The worst open exception: `x_milepost_exception`.
    pub exception: Option<String>,
    /// The page with the whole story: `x_milepost_url`.
    pub url: Option<String>,
    /// The open ticket at the service desk: `x_milepost_case`.
    pub case: Option<String>,
    /// The page of that ticket: `x_milepost_case_url`.
    pub case_url: Option<String>,
    /// The value for OCA's `delivery_state`, in the words of 16.0 and later; written where that module is installed.
    pub delivery_state: Option<String>,
}

impl StatusValues {
    /// The values of these fields alone; the others as nothing was ever written to them.
    pub(super) fn within(&self, is_there: impl Fn(&str) -> bool) -> Self {
        let text = |field: &str, value: &Option<String>| value.clone().filter(|_| is_there(field));
        let time = |field: &str, value: Option<Timestamp>| value.filter(|_| is_there(field));
        Self {
            status: if is_there("x_milepost_status") { self.status.clone() } else { String::new() },
            last_event: text("x_milepost_last_event", &self.last_event),
            eta: time("x_milepost_eta", self.eta),
            promised: time("x_milepost_promised", self.promised),
            delivered_at: time("x_milepost_delivered_at", self.delivered_at),
            exception: text("x_milepost_exception", &self.exception),
            url: text("x_milepost_url", &self.url),
            case: text("x_milepost_case", &self.case),
            case_url: text("x_milepost_case_url", &self.case_url),
            delivery_state: self.delivery_state.clone(),
        }
    }
}

impl OdooClient {
    /// Brings the fields of a record to these values. Names only what differs from `before`, what was written last; does
    /// nothing where nothing differs. Writing the same twice does no harm.
    ///
    /// # Errors
    /// `not_found` where the record is gone; else when Odoo refuses or does not answer.
    pub async fn write_status(
        &self,
        record: Record,
        values: &StatusValues,
        before: Option<&StatusValues>,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        let fields = self.fields_to_write(record.kind, values, before, log).await?;
        match self.write_fields_of(record.kind, &[record.id], &fields, log).await?.is_empty() {
            true => Ok(()),
            false => {
                let text = format!("Odoo has no {} {} any more", record.kind.noun(), record.id);
                Err(CallError::new(ErrorClass::NotFound, text))
            }
        }
    }

    /// The fields that bring a record from `before`, what was written last, to these values. Those that this Odoo lacks are
    /// left out: an older set-up made fewer. Where a delivery has none of them they stay, so that Odoo says what is missing.
    ///
    /// # Errors
    /// When Odoo, asked for the first time, does not say which fields it has.
    pub async fn fields_to_write(
        &self,
        kind: RecordKind,
        values: &StatusValues,
        before: Option<&StatusValues>,
        log: &dyn CallLog,
    ) -> Result<Fields, CallError> {
        let states = match kind {
            RecordKind::Delivery => self.delivery_states(log).await?,
            RecordKind::Order => &[],
        };
        let mut fields = changed(values, before, states);
        if fields.is_empty() {
            return Ok(fields);
        }
        let there = self.our_fields(kind, log).await?;
        if kind == RecordKind::Order || !there.is_empty() {
            fields.retain(|name, _| name == OCA_FIELD || there.contains(name));
        }
        Ok(fields)
    }

    /// Writes a text into one field of a delivery that is the company's own; whether this Odoo has the delivery.
    ///
    /// # Errors
    /// `misconfigured` where this Odoo lacks the field; as [`Self::write_status`].
    pub async fn write_field(
        &self,
        delivery: i64,
        field: &str,
        value: &str,
        log: &dyn CallLog,
    ) -> Result<bool, CallError> {
        let fields = Fields::from_iter([(field.to_owned(), Value::from(value))]);
        Ok(self.write_fields_of(RecordKind::Delivery, &[delivery], &fields, log).await?.is_empty())
    }

    /// Writes these fields of several records that get equal values; returns those that Odoo no longer has. One missing id
    /// fails a whole write there, so they are looked up and left out, and the rest is written.
    ///
    /// # Errors
    /// As [`Self::write_status`].
    pub async fn write_fields_of(
        &self,
        kind: RecordKind,
        records: &[i64],
        fields: &Fields,
        log: &dyn CallLog,
    ) -> Result<Vec<i64>, CallError> {
        let mut missing = Vec::new();
        if fields.is_empty() {
            return Ok(missing);
        }
        for chunk in records.chunks(WRITE_MAX) {
            match self.write_fields(kind, chunk, fields, log).await {
                Err(error) if error.class == ErrorClass::NotFound && chunk.len() == 1 => {
                    missing.extend_from_slice(chunk)
                }
                Err(error) if error.class == ErrorClass::NotFound => {
                    let body = json!({"domain": [["id", "in", chunk]]});
                    let there: Vec<i64> = self.ask(kind.model(), "search", body, log).await?;
                    missing.extend(chunk.iter().filter(|id| !there.contains(id)));
                    if !there.is_empty() {
                        self.write_fields(kind, &there, fields, log).await?;
                    }
                }
                other => other?,
            }
        }
        Ok(missing)
    }

    async fn write_fields(
        &self,
        kind: RecordKind,
        records: &[i64],
        fields: &Fields,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        // no mail to anybody who follows the record because of a field
        let context = json!({"tracking_disable": true});
        let body = json!({"ids": records, "vals": fields, "context": context});
        self.change::<Value>(kind.model(), "write", body, log).await.map(drop)
    }

    /// What values OCA's field takes; none where it is not there.
    pub(super) async fn delivery_states(&self, log: &dyn CallLog) -> Result<&[String], CallError> {
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
    fields.insert("x_milepost_promised".into(), time(values.promised));
    fields.insert("x_milepost_delivered_at".into(), time(values.delivered_at));
    fields.insert("x_milepost_exception".into(), text(&values.exception));
    fields.insert("x_milepost_url".into(), text(&values.url));
    fields.insert("x_milepost_case".into(), text(&values.case));
    fields.insert("x_milepost_case_url".into(), text(&values.case_url));
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
