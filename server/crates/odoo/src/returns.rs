//! A return is made for goods that the carrier brings back: a receipt in Odoo, for the warehouse to validate.

use super::{
    OdooClient,
    deliveries::PICKING,
    transport::Made,
    wire::{Maybe, named},
};
use outbound::{CallError, CallLog, ErrorClass};
use serde::Deserialize;
use serde_json::{Value, json};

const WIZARD: &str = "stock.return.picking";
/// The first version whose returns know what they return, and whose wizard returns all.
const RETURNS_ALL: u32 = 18;

/// What became of a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returning {
    /// There is one, made now or before.
    Made {
        /// Its id.
        id: i64,
        /// Its name: `WH/IN/00006`.
        name: String,
    },
    /// The delivery has not left in Odoo: there is nothing to return yet.
    NotLeft,
    /// The delivery is cancelled.
    Cancelled,
}

#[derive(Deserialize)]
struct Named {
    id: i64,
    #[serde(default)]
    name: Maybe<String>,
    #[serde(default)]
    state: Maybe<String>,
}

impl OdooClient {
    /// Makes the return of all that was delivered, unless there is one.
    ///
    /// # Errors
    /// `rejected` where Odoo refuses, or is too old for it; `unknown_outcome` where no answer came: call again after a
    /// while, it looks first.
    pub async fn make_return(&self, picking: i64, log: &dyn CallLog) -> Result<Returning, CallError> {
        if self.major(log).await? < RETURNS_ALL {
            let text = format!("returns are made in Odoo {RETURNS_ALL} and later");
            return Err(CallError::new(ErrorClass::Rejected, text).advising("make the return by hand"));
        }
        let delivery = self.one_delivery(json!([["id", "=", picking]]), log).await?;
        let Some(delivery) = delivery else {
            return Err(CallError::new(ErrorClass::NotFound, format!("Odoo has no delivery {picking} any more")));
        };
        match delivery.state.0.as_deref() {
            Some("cancel") => return Ok(Returning::Cancelled),
            Some("done") => {}
            _ => return Ok(Returning::NotLeft),
        }
        let of_it = json!([["return_id", "=", picking], ["state", "!=", "cancel"]]);
        if let Some(there) = self.one_delivery(of_it.clone(), log).await? {
            return Ok(there.made());
        }
        let body = json!({"vals_list": [{"picking_id": picking}]});
        let Made(wizard) = self.change(WIZARD, "create", body, log).await?;
        self.change::<Value>(WIZARD, "action_create_returns_all", json!({"ids": wizard}), log).await?;
        let missing = || CallError::new(ErrorClass::BadAnswer, "Odoo says that it made a return, and has none");
        self.one_delivery(of_it, log).await?.map(Named::made).ok_or_else(missing)
    }

    async fn one_delivery(&self, domain: Value, log: &dyn CallLog) -> Result<Option<Named>, CallError> {
        let body = json!({"domain": domain, "fields": ["name", "state"], "order": "id", "limit": 1});
        Ok(self.ask_explained::<Vec<Named>>(PICKING, "search_read", body, log).await?.pop())
    }
}

impl Named {
    fn made(self) -> Returning {
        Returning::Made { name: named(self.name.0.as_deref(), self.id), id: self.id }
    }
}
