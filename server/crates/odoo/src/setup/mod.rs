//! What Milepost needs in Odoo: fields on transfers and orders, what shows them, automation rules that report changes, and a
//! user with just the rights that it needs. First a plan of what is there and what is wanted, then its steps.

mod fields;
mod hints;
mod look;
mod plan;
mod rights;
mod step;
mod there;
mod user;
mod views;

#[cfg(test)]
mod tests;

use super::OdooClient;
use fields::{SETUP, asked, later_ones};
use outbound::{CallError, CallLog, Concerns, Decision, ErrorClass, missing::Missing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use step::{Change, Part};
use views::TIMELINE;

pub(crate) use fields::{BOOKING, label};
pub use hints::gives_hints;
pub use plan::{plan, removal};
pub(crate) use rights::{ACTIVITY, SCHEDULE};
pub use step::{Extent, Hints, Plan, Step, Wanted};
pub use there::There;
pub use user::LOGIN;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It is done.
    Done,
    /// It was refused, and why.
    Refused(String),
    /// It needs one that was refused.
    Left,
}

impl OdooClient {
    /// Makes fields and views where they are missing, and says what it did. Needs the key of an administrator, once; running it
    /// again changes nothing.
    ///
    /// # Errors
    /// `forbidden` with another user's key; `misconfigured` where the inventory app is missing; `rejected` where Odoo refuses a
    /// step.
    pub async fn setup(&self, log: &dyn CallLog) -> Result<Vec<String>, CallError> {
        let plan = plan(&self.look(log).await?, &Wanted::default());
        let mut done = Vec::new();
        for (step, ended) in plan.steps.iter().zip(self.apply(&plan, log).await?) {
            match ended {
                Ended::Done => done.push(step.what.clone()),
                Ended::Refused(why) => {
                    return Err(CallError::new(ErrorClass::Rejected, format!("{}: {why}", step.what)));
                }
                Ended::Left => {}
            }
        }
        Ok(done)
    }

    /// Takes the steps of a plan, in their order; what became of each. One that Odoo refuses stops only those that need it.
    ///
    /// # Errors
    /// Where Odoo answers no other step either: the key is not good, or its user may not do this.
    pub async fn apply(&self, plan: &Plan, log: &dyn CallLog) -> Result<Vec<Ended>, CallError> {
        let mut made = BTreeMap::new();
        let (mut ended, mut lacking) = (Vec::new(), Vec::new());
        for step in &plan.steps {
            if step.part == Part::Views && lacking.contains(&step.about) {
                ended.push(Ended::Left);
                continue;
            }
            match self.take(&step.change, step.about, &mut made, log).await {
                Ok(()) => ended.push(Ended::Done),
                Err(error) if is_about_the_step(&error) => {
                    if matches!(step.part, Part::Fields | Part::Views) {
                        lacking.push(step.about);
                    }
                    ended.push(Ended::Refused(error.whole().open().to_owned()));
                }
                Err(error) => return Err(error),
            }
        }
        if ended.contains(&Ended::Done) {
            self.drop_caches(log).await?;
        }
        Ok(ended)
    }

    async fn take(
        &self,
        change: &Change,
        about: &'static str,
        made: &mut BTreeMap<&'static str, i64>,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        match change {
            Change::Create { model, rows, made: name } => {
                let rows: Vec<Value> = rows.iter().map(|row| with_ids(row, made.get(about))).collect();
                // no invitation by mail to a user that is no person
                let context = json!({"no_reset_password": true});
                let body = json!({"vals_list": rows, "context": context});
                let ids: Vec<i64> = self.change(model, "create", body, log).await?;
                made.extend((*name).zip(ids.first().copied()));
            }
            Change::Write { model, ids, vals } => {
                let body = json!({"ids": ids, "vals": with_ids(vals, made.get(about))});
                self.change::<Value>(model, "write", body, log).await?;
            }
            Change::Delete { model, ids } => {
                self.change::<Value>(model, "unlink", json!({"ids": ids}), log).await?;
            }
        }
        Ok(())
    }

    /// Lets Odoo forget what it keeps in memory. A new field makes Odoo build its models anew; a question answered in
    /// that moment can leave an access rule in its cache that refers to the old ones, and from then on deliveries that
    /// are there are "missing" (seen on 19.0: `MissingError` out of `_check_access`, for all but administrators).
    async fn drop_caches(&self, log: &dyn CallLog) -> Result<(), CallError> {
        let dropped = self.change::<Value>("ir.model.access", "call_cache_clearing_methods", json!({}), log).await;
        match dropped {
            // another version names it otherwise: a restart does the same, and mostly neither is needed
            Err(e) if matches!(e.class.decision(), Decision::Fail | Decision::AwaitSetup) => Ok(()),
            other => other.map(drop),
        }
    }

    /// What is missing; empty where nothing is.
    ///
    /// # Errors
    /// When Odoo does not answer, or the key is not good.
    pub async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let mut missing = fields::missing(&self.transfer_fields(log).await?);
        missing.extend(self.missing_rights(|_| true, log).await?);
        Ok(missing)
    }

    /// What a later version of Milepost shows and this Odoo has no field for: worth a look, and nothing fails. None where
    /// nothing is missing.
    ///
    /// # Errors
    /// When Odoo does not answer, or the key is not good.
    pub(super) async fn worth_a_setup(&self, log: &dyn CallLog) -> Result<Option<(String, &'static str)>, CallError> {
        let later = later_ones(&self.transfer_fields(log).await?);
        Ok((!later.is_empty()).then(|| (format!("Odoo has no fields yet for: {}", later.join(", ")), SETUP)))
    }

    async fn transfer_fields(&self, log: &dyn CallLog) -> Result<Value, CallError> {
        let body = json!({"allfields": asked(), "attributes": ["type", "selection"]});
        self.ask("stock.picking", "fields_get", body, log).await
    }
}

/// Whether another step fares no better. A step that was refused as such says nothing of the next.
fn is_about_the_step(error: &CallError) -> bool {
    let class = error.class;
    class.concerns() == Concerns::Record && class.decision() == Decision::Fail && class != ErrorClass::Forbidden
}

/// A row with the id of what was made before it.
fn with_ids(row: &Value, made: Option<&i64>) -> Value {
    let mut row = row.clone();
    if let (Some(arch), Some(id)) = (row["arch_db"].as_str(), made) {
        row["arch_db"] = arch.replace(TIMELINE, &id.to_string()).into();
    }
    row
}
