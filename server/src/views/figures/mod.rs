//! Figures, for the pages. What other pages of figures need is [`choice::asked`], what an address means, and
//! [`figure::figures`], figures in words.

pub(in crate::views) mod choice;
mod decisions;
pub(in crate::views) mod figure;
pub(in crate::views) mod live;
pub(in crate::views) mod marks;
mod overview;
mod rows;
mod sla;

use super::Asker;
use app::contract::{
    ApiResult,
    figures::{FigureQuery, FiguresQuery, OneFigureView, OverviewView, SlaView},
    session::Permission,
};
use async_trait::async_trait;

/// Figures.
pub struct FiguresPort(pub Asker);

#[async_trait]
impl app::contract::figures::FiguresPort for FiguresPort {
    async fn overview(&self, query: FiguresQuery) -> ApiResult<OverviewView> {
        let caller = self.0.caller(Permission::Figures)?;
        overview::view(&self.0, &caller, query).await
    }

    async fn sla(&self, query: FiguresQuery) -> ApiResult<SlaView> {
        let caller = self.0.caller(Permission::Figures)?;
        sla::view(&self.0, &caller, query).await
    }

    async fn one(&self, query: FigureQuery) -> ApiResult<OneFigureView> {
        let caller = self.0.caller(Permission::Figures)?;
        rows::view(&self.0, &caller, query).await
    }

    async fn rows_csv(&self, query: FigureQuery) -> ApiResult<String> {
        let caller = self.0.caller(Permission::Figures)?;
        rows::csv(&self.0, &caller, query).await
    }
}
