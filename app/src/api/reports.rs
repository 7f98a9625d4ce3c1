//! Saved reports, targets of figures, remarks about days.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    reports::{RemarkForm, ReportForm, ReportQuery, ReportView, ReportsView, TargetsView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The saved reports.
#[server(prefix = "/api", endpoint = "reports", input = GetUrl)]
pub async fn get_reports() -> Result<ReportsView, ApiError> {
    shown(ports()?.reports.list().await)
}

/// One report, or a new one.
#[server(prefix = "/api", endpoint = "reports/one", input = GetUrl)]
pub async fn get_report(#[server(default)] query: ReportQuery) -> Result<ReportView, ApiError> {
    shown(ports()?.reports.one(query).await)
}

/// Keeps a report, and leads to it.
#[server(prefix = "/api", endpoint = "reports/save")]
pub async fn save_report(#[server(default)] form: ReportForm) -> Result<String, ApiError> {
    let id = shown(ports()?.reports.save(form).await)?;
    leptos_axum::redirect(&format!("/reports/{id}"));
    Ok(id)
}

/// Pauses, resumes, sends or deletes a report.
#[server(prefix = "/api", endpoint = "reports/act")]
pub async fn act_on_report(id: String, act: String) -> Result<(), ApiError> {
    let gone = act == "delete";
    shown(ports()?.reports.act(id, act).await)?;
    if gone {
        leptos_axum::redirect("/reports");
    }
    Ok(())
}

/// Targets of figures, and remarks.
#[server(prefix = "/api", endpoint = "targets", input = GetUrl)]
pub async fn get_targets() -> Result<TargetsView, ApiError> {
    shown(ports()?.reports.targets().await)
}

/// Sets a target.
#[server(prefix = "/api", endpoint = "targets/set")]
pub async fn set_target(figure: String, #[server(default)] target: String) -> Result<(), ApiError> {
    shown(ports()?.reports.set_target(figure, target).await)
}

/// Adds a remark about some days.
#[server(prefix = "/api", endpoint = "targets/annotate")]
pub async fn annotate(#[server(default)] form: RemarkForm) -> Result<(), ApiError> {
    shown(ports()?.reports.annotate(form).await)
}

/// Removes a remark.
#[server(prefix = "/api", endpoint = "targets/remove-remark")]
pub async fn remove_remark(id: String) -> Result<(), ApiError> {
    shown(ports()?.reports.remove_remark(id).await)
}
