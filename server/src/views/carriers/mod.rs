//! Carriers side by side and the review of one, for the pages.

mod cards;
mod findings;
mod measure;
mod review;

use super::Asker;
use app::contract::{
    ApiResult,
    carriers::{CarrierQuery, CarrierView, CarriersQuery, CarriersView},
    session::Permission,
};
use async_trait::async_trait;

/// Carriers.
pub struct CarriersPort(pub Asker);

#[async_trait]
impl app::contract::carriers::CarriersPort for CarriersPort {
    async fn all(&self, query: CarriersQuery) -> ApiResult<CarriersView> {
        let caller = self.0.caller(Permission::Figures)?;
        cards::view(&self.0, &caller, query).await
    }

    async fn one(&self, query: CarrierQuery) -> ApiResult<CarrierView> {
        let caller = self.0.caller(Permission::Figures)?;
        review::view(&self.0, &caller, query).await
    }

    async fn csv(&self, query: CarriersQuery) -> ApiResult<String> {
        let caller = self.0.caller(Permission::Figures)?;
        Ok(cards::csv(&cards::view(&self.0, &caller, query).await?))
    }
}
