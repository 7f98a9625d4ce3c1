//! Shipments, for the pages: the list, one shipment with its timeline and reasons, one event's raw message.

mod bookings;
mod list;
mod page;
mod raw;
mod timeline;
pub(super) mod unknown;

pub(super) use timeline::what_happened;

use super::{Asker, claims::rows, id};
use app::contract::{
    ApiError, ApiResult,
    bookings::NewBooking,
    shipments::{ListPage, ListQuery, RawView, ShipmentView},
    unknown::RemedyAct,
};
use application::{
    booking::{
        self,
        decide::{self, Decision},
        order,
        read::OfShipment,
    },
    claims, odoo,
    remedies::{self, Act},
    tracking::read,
};
use async_trait::async_trait;
use carriers::booking::Mode;
use domain::access::Permission;
use jiff::Timestamp;

/// Shipments.
pub struct ShipmentsPort(pub Asker);

#[async_trait]
impl app::contract::shipments::ShipmentsPort for ShipmentsPort {
    async fn list(&self, query: ListQuery) -> ApiResult<ListPage> {
        let (context, caller, zone) = (&self.0.context, self.0.caller(Permission::See)?, &self.0.zone);
        let listed = read::list(context, &caller, list::question(query, zone), zone).await;
        let listed = listed.map_err(|e| self.0.refused(e))?;
        let times = self.0.times();
        Ok(ListPage {
            tabs: list::tabs(listed.counts),
            newest: listed.newest.map(|at| times.ago(at)),
            cut_short: listed.cut_short,
            labels: listed.labels,
            rows: listed.rows.into_iter().map(|row| list::row(row, &times)).collect(),
            next: listed.next,
        })
    }

    async fn get(&self, shipment: String, as_known_at: Option<String>) -> ApiResult<ShipmentView> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::See)?);
        let (shipment, as_of) = (id(&shipment)?, moment(as_known_at)?);
        let shown = read::shipment(context, &caller, shipment, as_of, &self.0.zone).await;
        let shown = shown.map_err(|e| self.0.refused(e))?;
        let times = self.0.times();
        let kept = match as_of {
            None => {
                booking::read::of_shipment(context, &caller, shown.record.id).await.map_err(|e| self.0.refused(e))?
            }
            Some(_) => OfShipment::default(),
        };
        let mut view = page::view(&shown, &kept.bookings, &times);
        if as_of.is_none() {
            let claims = claims::of_shipment(context, &caller, shown.record.id).await;
            let order = view.order_url.clone();
            view.unknown = unknown::of(&self.0, &caller, shown.record.id, order.as_deref()).await?;
            view.claims = rows(&claims.map_err(|e| self.0.refused(e))?, context.now());
            view.bookings = bookings::view(kept, &context.connections.now(), &times);
        }
        Ok(view)
    }

    async fn link(&self, claimed: String, unlinked: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Act)?);
        odoo::link(context, &caller, id(&claimed)?, id(&unlinked)?).await.map_err(|e| self.0.refused(e))
    }

    async fn remedy(&self, shipment: String, act: RemedyAct, on: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Act)?);
        let act = match act {
            RemedyAct::Resume => Act::Resume,
            RemedyAct::Reprocess => Act::Reprocess,
            RemedyAct::Register => Act::Register,
            RemedyAct::Ask => Act::Ask,
            RemedyAct::Retry => Act::Retry,
        };
        remedies::perform(context, &caller, id(&shipment)?, act, &on).await.map_err(|e| self.0.refused(e))
    }

    async fn correct(&self, shipment: String, wrong: String, number: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Act)?);
        let done = remedies::correct(context, &caller, id(&shipment)?, &wrong, &number).await;
        done.map_err(|e| self.0.refused(e))
    }

    async fn decide_booking(&self, booking: String, decision: String, number: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let decision = match decision.as_str() {
            "adopt" => Decision::Adopt(number),
            "again" => Decision::SendAgain,
            "give_up" => Decision::GiveUp,
            "void" => Decision::Void,
            _ => return Err(ApiError::Invalid { field: "decision".into(), message: "Choose what to do.".into() }),
        };
        decide::decide(context, &caller, id(&booking)?, decision).await.map_err(|e| self.0.refused(e))
    }

    async fn book(&self, new: NewBooking) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let shipment = id(&new.shipment)?;
        let confirmed = if new.confirmed { Mode::Live } else { Mode::Test };
        let with = bookings::ordered(new)?;
        order::book(context, &caller, shipment, with, confirmed).await.map_err(|e| self.0.refused(e))
    }

    async fn raw(&self, shipment: String, observation: String) -> ApiResult<RawView> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::See)?);
        let event = read::event(context, &caller, id(&shipment)?, id(&observation)?).await;
        Ok(raw::view(event.map_err(|e| self.0.refused(e))?, &self.0.times()))
    }

    async fn find(&self, text: String) -> ApiResult<Option<String>> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::See)?);
        let found = read::find(context, &caller, &text).await.map_err(|e| self.0.refused(e))?;
        Ok(found.map(|shipment| shipment.to_string()))
    }
}

/// A moment of the address.
fn moment(at: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(at) = at.filter(|at| !at.is_empty()) else { return Ok(None) };
    let wrong =
        |_| ApiError::Invalid { field: "at".into(), message: "This is no time: choose one from the list.".into() };
    at.parse().map(Some).map_err(wrong)
}
