//! Activities on a delivery or its order, each exactly once.
//!
//! An activity has no field for an id of ours: our marker is a class name in its note. A person sees nothing of it, Odoo's
//! HTML cleaning leaves it in, and it stays searchable whatever becomes of the activity: 19 archives a done one, older ones
//! delete it and quote its note in the chatter. One that was cancelled by hand leaves no trace; a caller who remembers that
//! it was scheduled must not schedule it again.

use super::{
    OdooClient,
    chatter::{checked, first_of},
    record::{Record, RecordKind},
    setup::{ACTIVITY, SCHEDULE},
    transfers::{ORDER, PURCHASE},
    transport::Made,
    wire::{Id, Maybe},
};
use jiff::civil::Date;
use outbound::{CallError, CallLog, ErrorClass};
use serde::Deserialize;
use serde_json::{Value, json};

/// Activities with one marker; there is one, or none.
const SAME_MARKER_MAX: u32 = 10;

/// A to-do for a person.
#[derive(Clone, Copy, Debug)]
pub struct Activity<'a> {
    /// What to do, in a line.
    pub summary: &'a str,
    /// More about it; whatever came from outside has to be escaped in it.
    pub note_html: &'a str,
    /// By when.
    pub deadline: Date,
    /// For whom.
    pub people: People<'a>,
}

/// Who is asked, beside those whom the record names: logins in Odoo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People<'a> {
    /// First of all.
    pub first: Option<&'a str>,
    /// Who looks after the warehouse, where the order has no salesperson.
    pub warehouse: Option<&'a str>,
    /// Where there is none of these.
    pub fallback: Option<&'a str>,
}

/// Another record: its id, and its name, whatever that is.
#[derive(Debug, Deserialize)]
struct Link(i64, #[expect(dead_code, reason = "part of what Odoo writes")] Value);

/// Who looks after a delivery or an order.
#[derive(Debug, Deserialize)]
struct Responsible {
    #[serde(default)]
    user_id: Maybe<Link>,
    #[serde(default)]
    sale_id: Maybe<Link>,
    #[serde(default)]
    purchase_id: Maybe<Link>,
}

impl OdooClient {
    /// Schedules a to-do under this marker, unless it is or was there already; returns the activity's id, or the words
    /// `done` and the message's id for one that a person has dealt with. It is assigned to the order's salesperson, else to the
    /// buyer of the purchase, else to who looks after the transfer or the warehouse, else to the fallback, else it stays unassigned.
    ///
    /// # Errors
    /// `unknown_outcome` where no answer came: call again after a while, it looks first.
    pub async fn schedule_activity(
        &self,
        on: Record,
        marker: &str,
        activity: &Activity<'_>,
        log: &dyn CallLog,
    ) -> Result<String, CallError> {
        let (marker, model) = (checked(marker, activity.note_html)?, on.kind.model());
        if let Some(found) = self.first(ACTIVITY, activity_of(on, marker), log).await? {
            return Ok(found.to_string());
        }
        let quoted = json!([["model", "=", model], ["res_id", "=", on.id], ["body", "ilike", marker]]);
        if let Some(found) = self.first("mail.message", quoted, log).await? {
            return Ok(format!("done {found}"));
        }
        let user = self.responsible(on, &activity.people, log).await?;
        let mut body = json!({
            "ids": [on.id],
            "act_type_xmlid": "mail.mail_activity_data_todo",
            "summary": activity.summary,
            "note": format!("<div class=\"{marker}\">{}</div>", activity.note_html),
            "date_deadline": activity.deadline.to_string(),
        });
        if let Some(user) = user {
            body["user_id"] = json!(user);
        }
        match self.change::<Made>(model, SCHEDULE, body.clone(), log).await {
            // that user may not see the record: unassigned is better than nothing
            Err(error) if user.is_some() && matches!(error.class, ErrorClass::Rejected | ErrorClass::Forbidden) => {
                body["user_id"] = json!(false);
                first_of(&self.change::<Made>(model, SCHEDULE, body, log).await?.0, SCHEDULE)
            }
            made => first_of(&made?.0, SCHEDULE),
        }
    }

    /// Marks the activity with this marker as done; nothing where it is done or gone already.
    ///
    /// # Errors
    /// As [`Self::schedule_activity`].
    pub async fn complete_activity(&self, on: Record, marker: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let marker = checked(marker, "")?;
        let body = json!({"domain": activity_of(on, marker), "limit": SAME_MARKER_MAX});
        let open: Vec<i64> = self.ask_explained(ACTIVITY, "search", body, log).await?;
        if open.is_empty() {
            return Ok(());
        }
        let body = json!({"ids": open, "feedback": "Milepost: this is over."});
        match self.change::<Value>(ACTIVITY, "action_feedback", body, log).await {
            // somebody was faster
            Err(error) if error.class == ErrorClass::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    async fn responsible(&self, on: Record, people: &People<'_>, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        if let Some(user) = self.user_named(people.first, log).await? {
            return Ok(Some(user));
        }
        let (orders, of_transfer) = match on.kind {
            RecordKind::Order => ([Some((ORDER, on.id)), None], None),
            RecordKind::Delivery => {
                let shape = self.shape(log).await?;
                let links = ["sale_id", "purchase_id"].into_iter().filter(|link| shape.has(link));
                let fields: Vec<&str> = std::iter::once("user_id").chain(links).collect();
                let body = json!({"ids": [on.id], "fields": fields});
                let mut found: Vec<Responsible> = self.ask_explained(on.kind.model(), "read", body, log).await?;
                let Some(delivery) = found.pop() else {
                    let text = format!("Odoo has no delivery {} any more", on.id);
                    return Err(CallError::new(ErrorClass::NotFound, text));
                };
                let sold = delivery.sale_id.0.map(|order| (ORDER, order.0));
                let bought = delivery.purchase_id.0.map(|order| (PURCHASE, order.0));
                ([sold, bought], delivery.user_id.0.map(|user| user.0))
            }
        };
        for (model, order) in orders.into_iter().flatten() {
            if let Some(user) = self.person_of(model, order, log).await? {
                return Ok(Some(user));
            }
        }
        if of_transfer.is_some() {
            return Ok(of_transfer);
        }
        match self.user_named(people.warehouse, log).await? {
            None => self.user_named(people.fallback, log).await,
            of_warehouse => Ok(of_warehouse),
        }
    }

    /// The salesperson of an order, or the buyer of a purchase.
    async fn person_of(&self, model: &str, order: i64, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let body = json!({"ids": [order], "fields": ["user_id"]});
        match self.ask::<Vec<Responsible>>(model, "read", body, log).await {
            Ok(mut found) => Ok(found.pop().and_then(|order| order.user_id.0).map(|user| user.0)),
            // an order that may not be read names nobody
            Err(error) if error.class == ErrorClass::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The user with this login; none where there is none, or who they are may not be read.
    async fn user_named(&self, login: Option<&str>, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let Some(login) = login else { return Ok(None) };
        let body = json!({"domain": [["login", "=", login]], "fields": ["id"], "limit": 1});
        match self.ask::<Vec<Id>>("res.users", "search_read", body, log).await {
            Ok(found) => Ok(found.first().map(|user| user.id)),
            Err(error) if error.class == ErrorClass::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn activity_of(on: Record, marker: &str) -> Value {
    json!([["res_model", "=", on.kind.model()], ["res_id", "=", on.id], ["note", "ilike", marker]])
}
