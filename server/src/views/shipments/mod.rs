//! Shipments, for the pages: the list, one shipment with its timeline and reasons, one event's raw message.

mod list;
mod page;
mod raw;
mod read;
mod timeline;

use super::{Asker, cursor, id, refused};
use app::contract::{
    ApiError, ApiResult,
    shipments::{ListPage, ListQuery, RawView, ShipmentView},
};
use application::{odoo, tracking::proof};
use async_trait::async_trait;
use domain::{
    Milestone, State,
    access::Permission,
    fold,
    ids::{ObservationId, ShipmentId},
    numbers,
};
use jiff::Timestamp;
use read::Page;
use storage::{figures::Span, limits::PAGE_ROWS, shipments::ShipmentQuery};

/// Shipments.
pub struct ShipmentsPort(pub Asker);

#[async_trait]
impl app::contract::shipments::ShipmentsPort for ShipmentsPort {
    async fn list(&self, query: ListQuery) -> ApiResult<ListPage> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let times = self.0.times();
        let now = times.now;
        let personal = !times.mask.hides();
        let words = Some(query.text.trim().to_owned()).filter(|t| !t.is_empty());
        let question = ShipmentQuery {
            tab: list::tab(&query.tab),
            // a person's name finds nothing for roles that may not read it
            tokens: words.iter().filter(|_| personal).map(|w| context.vault.token("customer", w)).collect(),
            text: words,
            states: State::from_code(&query.state).into_iter().collect(),
            linked: !query.linked.is_empty(),
            carrier: Some(query.carrier).filter(|carrier| !carrier.is_empty()),
            freshness: list::freshness(&query.fresh),
            delivered: query.delivered.parse().ok().map(|day| Span::day(day, &self.0.zone)),
            cursor: cursor(query.cursor),
        };
        let counts = context.store.shipments.counts(scope, now).await.map_err(|e| refused(context, e))?;
        let page = context.store.shipments.list(scope, question, now).await.map_err(|e| refused(context, e))?;
        let newest = page.rows.iter().filter_map(|row| row.heard_at).max();
        Ok(ListPage {
            tabs: list::tabs(counts),
            newest: newest.map(|at| times.ago(at)),
            cut_short: page.next.is_some() && page.rows.len() < PAGE_ROWS as usize,
            rows: page.rows.into_iter().map(|row| list::row(row, &times)).collect(),
            next: page.next,
        })
    }

    async fn get(&self, shipment: String, as_known_at: Option<String>) -> ApiResult<ShipmentView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let shipment: ShipmentId = id(&shipment)?;
        let at = moment(as_known_at)?;
        let fail = |e| refused(context, e);
        let mut loaded =
            context.store.shipments.load(scope, shipment, at).await.map_err(fail)?.ok_or(ApiError::NotFound)?;
        if let Some(target) = loaded.shipment.merged_into {
            loaded = context.store.shipments.load(scope, target, at).await.map_err(fail)?.ok_or(ApiError::NotFound)?;
        }
        let times = self.0.times();
        // the choice of moments stays the same while a past one is shown
        let whole = match at {
            Some(_) => context.store.shipments.load(scope, loaded.shipment.id, None).await.map_err(fail)?,
            None => None,
        };
        let moments = page::moments(&whole.as_ref().unwrap_or(&loaded).input.facts, &times);
        // read anew, so that the page says why even as of a past moment
        let folded = fold::fold(&loaded.input, at.unwrap_or(times.now));
        let page = Page::read(&self.0, scope, &loaded, &folded, times, at).await.map_err(|e| refused(context, e))?;
        Ok(ShipmentView { moments, ..page.view() })
    }

    async fn link(&self, claimed: String, unlinked: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        let (claimed, unlinked) = (id(&claimed)?, id(&unlinked)?);
        odoo::link(context, &caller, claimed, unlinked).await.map_err(|e| refused(context, e))
    }

    async fn raw(&self, shipment: String, observation: String) -> ApiResult<RawView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        let (shipment, observation): (ShipmentId, ObservationId) = (id(&shipment)?, id(&observation)?);
        let found =
            context.store.facts.observation(scope, shipment, observation).await.map_err(|e| refused(context, e))?;
        let record = found.ok_or(ApiError::NotFound)?;
        // the message that the timeline names
        let seen = context.store.shipments.seen_in(scope, shipment).await.map_err(|e| refused(context, e))?;
        let first = seen.into_iter().find(|seen| seen.observation == observation).map(|seen| seen.message);
        // some carriers name who signed only in a later message
        let signed_by = match record.reading.milestone {
            Milestone::Delivered | Milestone::DeliveredPart => {
                proof::signatory(context, scope, shipment, observation).await.map_err(|e| refused(context, e))?
            }
            _ => None,
        };
        raw::view(context, scope, record, (first, signed_by), &self.0.times()).await.map_err(|e| refused(context, e))
    }

    async fn find(&self, text: String) -> ApiResult<Option<String>> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::See)?);
        // as the number is kept, then as a source that knows its carrier may keep it, then as a name
        let mut found = Vec::new();
        for words in numbers::kept_under(&text, None).into_iter().chain([text.trim().to_owned()]) {
            found = context.store.shipments.find(scope, &words).await.map_err(|e| refused(context, e))?;
            if !found.is_empty() {
                break;
            }
        }
        Ok(match &found[..] {
            [only] => Some(only.to_string()),
            _ => None,
        })
    }
}

/// A moment of the address.
fn moment(at: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(at) = at.filter(|at| !at.is_empty()) else { return Ok(None) };
    let wrong =
        |_| ApiError::Invalid { field: "at".into(), message: "This is no time: choose one from the list.".into() };
    at.parse().map(Some).map_err(wrong)
}
