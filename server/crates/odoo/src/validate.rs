//! A delivery is validated in Odoo.
//!
//! `button_validate` answers `true`, or with the action of a wizard and does nothing; so the state is read again afterwards.
//! It is never written.

use super::{
    OdooClient,
    deliveries::PICKING,
    transport::Made,
    wire::{Maybe, named},
};
use outbound::{CallError, CallLog, ErrorClass};
use serde::Deserialize;
use serde_json::{Value, json};

/// Wizards that one validation may ask one after the other.
const WIZARDS_MAX: usize = 3;
/// The wizards that can be answered for a person, with the method that answers each: what was not sent becomes a
/// backorder, and no text message is sent.
const WIZARDS: &[(&str, &str)] = &[("stock.backorder.confirmation", "process"), ("confirm.stock.sms", "dont_send_sms")];

/// What became of a validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    /// It was validated now; the delivery's name.
    Now(String),
    /// It was validated before; the delivery's name.
    Before(String),
    /// It is cancelled.
    Cancelled,
}

#[derive(Deserialize)]
struct Standing {
    name: Maybe<String>,
    state: String,
}

impl OdooClient {
    /// Validates a delivery, unless it is validated: reserves what is not reserved, and leaves to a backorder what there is
    /// not enough of.
    ///
    /// # Errors
    /// `rejected` where there is no stock, or Odoo asks something that a person has to answer; `unknown_outcome` where no
    /// answer came: call again after a while, it looks first.
    pub async fn validate(&self, picking: i64, log: &dyn CallLog) -> Result<Validation, CallError> {
        let mut standing = self.standing(picking, log).await?;
        match standing.state.as_str() {
            "done" => return Ok(Validation::Before(standing.label(picking))),
            "cancel" => return Ok(Validation::Cancelled),
            "confirmed" | "waiting" => {
                self.reserve(picking, log).await?;
                standing = self.standing(picking, log).await?;
            }
            _ => {}
        }
        let asked = self.validate_through_wizards(picking, log).await.map_err(|error| match error.class {
            ErrorClass::Rejected => standing.refused(picking, &error),
            _ => error,
        })?;
        let standing = self.standing(picking, log).await?;
        match (standing.state.as_str(), asked) {
            ("done", _) => Ok(Validation::Now(standing.label(picking))),
            ("cancel", _) => Ok(Validation::Cancelled),
            (_, asked) => {
                let asked = asked.map(|model| format!(" ({model})")).unwrap_or_default();
                let text = format!("Odoo asks something{asked} before it validates {}", standing.label(picking));
                Err(CallError::new(ErrorClass::Rejected, text).advising("validate the delivery in Odoo"))
            }
        }
    }

    /// Presses the button, and answers what can be answered; the wizard that is left, if any.
    async fn validate_through_wizards(&self, picking: i64, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let context = json!({"skip_backorder": true, "skip_sms": true});
        let body = json!({"ids": [picking], "context": context});
        let mut answer: Value = self.change(PICKING, "button_validate", body, log).await?;
        for _ in 0..WIZARDS_MAX {
            let asked = answer["res_model"].as_str().map(str::to_owned);
            let known = asked.as_deref().and_then(|asked| WIZARDS.iter().find(|(model, _)| *model == asked));
            let Some((model, method)) = known else { return Ok(asked) };
            answer = self.answer(picking, (model, method), &answer, log).await?;
        }
        Ok(answer["res_model"].as_str().map(str::to_owned))
    }

    async fn answer(
        &self,
        picking: i64,
        (model, method): (&str, &str),
        action: &Value,
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        let mut context = action["context"].clone();
        if !context.is_object() {
            context = json!({});
        }
        for (name, value) in [
            ("button_validate_picking_ids", json!([picking])),
            ("skip_backorder", true.into()),
            ("skip_sms", true.into()),
        ] {
            context[name] = value;
        }
        let wizard = match action["res_id"].as_i64() {
            Some(wizard) => wizard,
            None => {
                let vals = json!({"pick_ids": [[6, 0, [picking]]]});
                let body = json!({"vals_list": [vals], "context": context});
                let Made(made) = self.change(model, "create", body, log).await?;
                made.first().copied().unwrap_or_default()
            }
        };
        self.change(model, method, json!({"ids": [wizard], "context": context}), log).await
    }

    async fn reserve(&self, picking: i64, log: &dyn CallLog) -> Result<(), CallError> {
        match self.change::<Value>(PICKING, "action_assign", json!({"ids": [picking]}), log).await {
            // nothing is left to be reserved: the validation says what is wrong
            Err(error) if error.class == ErrorClass::Rejected => Ok(()),
            other => other.map(drop),
        }
    }

    async fn standing(&self, picking: i64, log: &dyn CallLog) -> Result<Standing, CallError> {
        let body = json!({"ids": [picking], "fields": ["name", "state"]});
        let mut found: Vec<Standing> = self.ask_explained(PICKING, "read", body, log).await?;
        let gone = || CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {picking} any more"));
        found.pop().ok_or_else(gone)
    }
}

impl Standing {
    fn label(&self, picking: i64) -> String {
        named(self.name.0.as_deref(), picking)
    }

    /// Why it cannot be validated, in words for people; what Odoo says stays with it.
    fn refused(&self, picking: i64, error: &CallError) -> CallError {
        let (name, said) = (self.label(picking), error.said.clone());
        let (why, advice) = match self.state.as_str() {
            "confirmed" | "waiting" => (
                format!("Odoo has no stock for {name}, though the carrier has scanned it"),
                "correct the stock or the reservation in Odoo, then retry",
            ),
            _ => (
                format!("Odoo refuses to validate {name}: lots, serial numbers or quantities are missing"),
                "complete the delivery in Odoo and validate it there, or retry",
            ),
        };
        CallError { said, status: error.status, ..CallError::new(error.class, why).advising(advice) }
    }
}
