//! A second company's systems: an Odoo with a few deliveries of its own, and a service desk. They run, and nothing is
//! connected with them yet.

use crate::{
    Clock,
    desk::SandboxDesk,
    journey::{Shipment, fresh, later},
    odoo::{NewOrder, SandboxOdoo},
    orders::order_of,
    rng::Rng,
};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};

/// The second company.
const COMPANY: &str = "Northwind Polska";
/// Its deliveries.
const DELIVERIES: usize = 12;
/// Hours between the begins of two of them.
const APART_HOURS: i64 = 9;
/// What the user of the limited key may not do.
const LACKING: &[(&str, &str)] = &[("stock.picking", "write"), ("ir.model.fields", "create")];

/// The second company's systems.
pub struct Second {
    /// Its Odoo. It has none of Milepost's fields yet.
    pub odoo: SandboxOdoo,
    /// Its service desk.
    pub desk: SandboxDesk,
    limited_key: String,
    pub(crate) shipments: Vec<Shipment>,
}

impl Second {
    /// Starts them on free ports of this machine.
    pub(crate) async fn start(seed: u64, now: &Clock, begun: Timestamp) -> Result<Self> {
        let seed = seed ^ 0x7365_636f_6e64;
        let mut rng = Rng::new(seed);
        let mut word = |prefix: &str| format!("{prefix}{:016x}{:016x}", rng.draw(), rng.draw());
        let (key, limited_key, token) = (word("sandbox"), word("limited"), word("1-15-"));
        let odoo = SandboxOdoo::start_of(COMPANY, &key, now.clone()).await.context("second sandbox Odoo")?;
        odoo.add_key(&limited_key, LACKING.iter().copied());
        let desk = SandboxDesk::start_at(&token, Some(now.clone())).await.context("second sandbox desk")?;
        let begin = |index: usize| {
            let hours = APART_HOURS * (i64::try_from(index).unwrap_or_default() + 1);
            later(begun, -SignedDuration::from_hours(hours))
        };
        let shipments: Vec<_> = (0..DELIVERIES).map(|index| fresh(seed, index, begin(index))).collect();
        for shipment in &shipments {
            if let Some(order) = order_of(shipment, begun) {
                odoo.add_order(&NewOrder {
                    order: order.order.replacen('S', "PL", 1),
                    picking: Self::picking(shipment),
                    ..order
                });
            }
        }
        Ok(Self { odoo, desk, limited_key, shipments })
    }

    /// The name of a delivery.
    pub(crate) fn picking(shipment: &Shipment) -> String {
        shipment.picking().replacen("WH/", "PL/", 1)
    }

    /// A key of the Odoo, of a user who may not write deliveries.
    pub fn limited_key(&self) -> &str {
        &self.limited_key
    }

    /// Whether its deliveries were asked for.
    pub(crate) fn is_connected(&self) -> bool {
        self.odoo.calls("stock.picking/search_read") > 0
    }
}
