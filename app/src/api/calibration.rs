//! How well our estimates held.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{ApiError, calibration::CalibrationView, figures::FiguresQuery};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// How well our estimates held.
#[server(prefix = "/api", endpoint = "calibration", input = GetUrl)]
pub async fn get_calibration(#[server(default)] query: FiguresQuery) -> Result<CalibrationView, ApiError> {
    shown(ports()?.calibration.accuracy(query).await)
}
