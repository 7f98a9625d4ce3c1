//! Operational alerts.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    alerts::{AlertsQuery, AlertsView, MaintenanceForm, SnoozeFor},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "alerts", input = GetUrl)]
pub async fn get_alerts(#[server(default)] query: AlertsQuery) -> Result<AlertsView, ApiError> {
    shown(ports()?.alerts.view(query).await)
}

/// Acknowledges one, or all that were shown when the page was read; how many.
#[server(prefix = "/api", endpoint = "alerts/acknowledge")]
pub async fn acknowledge_alert(
    #[server(default)] id: String,
    #[server(default)] read_us: String,
) -> Result<u64, ApiError> {
    shown(ports()?.alerts.acknowledge(id, read_us).await)
}

/// Takes one over, or gives it up.
#[server(prefix = "/api", endpoint = "alerts/assign")]
pub async fn assign_alert(id: String, mine: bool) -> Result<(), ApiError> {
    shown(ports()?.alerts.assign(id, mine).await)
}

/// Snoozes one.
#[server(prefix = "/api", endpoint = "alerts/snooze")]
pub async fn snooze_alert(
    id: String,
    #[server(default)] span: SnoozeFor,
    #[server(default)] why: String,
) -> Result<(), ApiError> {
    shown(ports()?.alerts.snooze(id, span, why).await)
}

/// Ends one.
#[server(prefix = "/api", endpoint = "alerts/resolve")]
pub async fn resolve_alert(id: String, #[server(default)] why: String) -> Result<(), ApiError> {
    shown(ports()?.alerts.resolve(id, why).await)
}

/// Begins the maintenance of a connection: it makes no alerts until then.
#[server(prefix = "/api", endpoint = "alerts/maintain")]
pub async fn begin_maintenance(#[server(default)] form: MaintenanceForm) -> Result<(), ApiError> {
    shown(ports()?.alerts.maintain(form).await)
}

/// Ends it.
#[server(prefix = "/api", endpoint = "alerts/end-maintenance")]
pub async fn end_maintenance(connection: String) -> Result<(), ApiError> {
    shown(ports()?.alerts.end_maintenance(connection).await)
}

/// Sets a rule.
#[server(prefix = "/api", endpoint = "alerts/rule")]
pub async fn set_alert_rule(
    kind: String,
    #[server(default)] on: String,
    #[server(default)] threshold: String,
) -> Result<(), ApiError> {
    shown(ports()?.alerts.set_rule(kind, on, threshold).await)
}

/// Sends a test over a channel, or every one; how many took it, of how many.
#[server(prefix = "/api", endpoint = "alerts/test")]
pub async fn test_channels(#[server(default)] channel: String) -> Result<(u64, u64), ApiError> {
    shown(ports()?.alerts.test(channel).await)
}
