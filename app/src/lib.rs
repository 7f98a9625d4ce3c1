//! The pages, built twice: on the server (feature `ssr`) and in the browser (feature `hydrate`).
//!
//! Every page is complete without JavaScript; hydration adds live updates, keys and copying.

// views are nested types
#![recursion_limit = "512"]

pub mod api;
pub mod components;
pub mod contract;
#[cfg(feature = "ssr")]
mod document;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod ssr;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};
use serde::{Deserialize, Serialize};

/// Where the browser's half lies: hashed names from the site folder's manifest. Empty: no browser's half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteAssets {
    /// The glue.
    pub js: String,
    /// The program.
    pub wasm: String,
    /// The style.
    pub css: String,
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    components::browser::Happened::provide();
    components::browser::Pressed::provide();
    components::browser::CutOff::provide();
    components::browser::no_double_clicks();
    components::browser::pops();
    components::browser::mark_hydrated();
    view! {
        <components::PageTitle/>
        <Router>
            <Routes fallback=pages::errors::NotFoundPage>
                <Route path=path!("/") view=pages::HomePage/>
                <Route path=path!("/sign-in") view=pages::sign_in::SignInPage/>
                <Route path=path!("/set-up") view=pages::set_up::SetUpPage/>
                <Route path=path!("/shipments") view=pages::work::shipments::ShipmentsPage/>
                <Route path=path!("/shipments/:id") view=pages::work::shipment::ShipmentPage/>
                <Route path=path!("/exceptions") view=pages::work::exceptions::ExceptionsPage/>
                <Route path=path!("/exceptions/:id") view=pages::work::exception::ExceptionPage/>
                <Route path=path!("/claims") view=pages::work::claims::list::ClaimsPage/>
                <Route path=path!("/claims/new") view=pages::work::claims::new::NewClaimPage/>
                <Route path=path!("/claims/deadlines") view=pages::work::claims::deadlines::DeadlinesPage/>
                <Route path=path!("/claims/:id") view=pages::work::claims::one::ClaimPage/>
                <Route path=path!("/overview") view=pages::insight::overview::OverviewPage/>
                <Route path=path!("/sla") view=pages::insight::sla::SlaPage/>
                <Route path=path!("/figures/:id") view=pages::insight::figure::FigurePage/>
                <Route path=path!("/calibration") view=pages::insight::calibration::CalibrationPage/>
                <Route path=path!("/carriers") view=pages::insight::carriers::list::CarriersPage/>
                <Route path=path!("/carriers/:id") view=pages::insight::carriers::one::CarrierPage/>
                <Route path=path!("/analytics") view=pages::insight::analytics::page::AnalyticsPage/>
                <Route path=path!("/analytics/exceptions") view=pages::insight::analytics::rows::TroublesPage/>
                <Route path=path!("/reports") view=pages::insight::reports::list::ReportsPage/>
                <Route path=path!("/reports/new") view=pages::insight::reports::one::NewReportPage/>
                <Route path=path!("/reports/:id") view=pages::insight::reports::one::ReportPage/>
                <Route path=path!("/targets") view=pages::insight::reports::targets::TargetsPage/>
                <Route path=path!("/start") view=pages::operate::start::StartPage/>
                <Route path=path!("/sync") view=pages::operate::sync::SyncPage/>
                <Route path=path!("/sync/jobs/:id") view=pages::operate::job::JobPage/>
                <Route path=path!("/sync/messages/:id") view=pages::operate::message::MessagePage/>
                <Route path=path!("/connections") view=pages::operate::connections::list::ConnectionsPage/>
                <Route path=path!("/connections/new") view=pages::operate::connections::new::NewConnectionPage/>
                <Route path=path!("/connections/:id") view=pages::operate::connections::one::ConnectionPage/>
                <Route path=path!("/booking-rules") view=pages::operate::booking_rules::BookingRulesPage/>
                <Route path=path!("/rules") view=pages::operate::rules::list::RulesPage/>
                <Route path=path!("/rules/new") view=pages::operate::rules::one::NewRulePage/>
                <Route path=path!("/rules/:id") view=pages::operate::rules::one::RulePage/>
                <Route path=path!("/playbooks") view=pages::operate::playbooks::PlaybooksPage/>
                <Route path=path!("/alerts") view=pages::operate::alerts::AlertsPage/>
                <Route path=path!("/reconciliation") view=pages::operate::reconciliation::page::ReconciliationPage/>
                <Route path=path!("/reconciliation/fields") view=pages::operate::reconciliation::fields::FieldsPage/>
                <Route path=path!("/mappings/unmapped") view=pages::operate::mappings::MappingsPage/>
            </Routes>
        </Router>
    }
}
