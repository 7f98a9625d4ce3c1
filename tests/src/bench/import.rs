//! An import from the real Odoo, beside what Odoo's own search gives for the same fields.

use super::Line;
use crate::{
    Odoo, OdooPeer,
    imports::{RATE_PERCENT, make, rate},
};
use anyhow::Result;

/// Deliveries, unless it is said how many.
pub const DELIVERIES: usize = 5_000;

/// Reads all deliveries of a database of its own, each way.
///
/// # Errors
/// When Odoo does not answer, or not all of them come in.
pub async fn import(peer: &OdooPeer, count: usize) -> Result<Vec<Line>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let odoo = Odoo::clone_of(peer, "bench")?;
    make(&odoo, count).await?;
    let folder = tempfile::tempdir()?;
    let rate = rate(&odoo, folder.path(), count).await?;
    let per_second = |took: std::time::Duration| rate.deliveries as f64 / took.as_secs_f64();
    Ok(vec![
        Line::info(format!("Odoo: search_read of {count} deliveries in pages"), per_second(rate.search), "/s"),
        Line::info(
            format!("Odoo: import of {count} deliveries, with orders, customers and packages"),
            per_second(rate.import),
            "/s",
        ),
        Line::at_least("Odoo: import of its own search_read", rate.percent(), "%", RATE_PERCENT),
    ])
}
