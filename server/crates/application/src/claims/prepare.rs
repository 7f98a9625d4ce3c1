//! Collects what other systems know of a claim: the value and the goods from the order system, what the labels cost; and
//! counts its evidence.

use super::{
    common::{not_possible, shipment_of},
    evidence,
};
use crate::{context::Context, odoo::OrderError};
use ::odoo::{OdooClient, ToBook};
use domain::{
    claims::{ClaimReason, ClaimStatus, Totals},
    ids::ClaimId,
    money::Money,
};
use outbound::CallLog;
use std::collections::BTreeMap;
use storage::{
    Scope,
    claims::{ClaimRecord, Goods, GoodsLine},
    orders::Origin,
};

/// How often it begins again because the claim changed meanwhile.
const TRIES_MAX: usize = 5;
/// Lines of a packing list that are kept.
const LINES_MAX: usize = 200;

/// Does it; `system` is the order system that may be called, none: nothing is.
///
/// # Errors
/// When the order system refuses or does not answer, or the store fails.
pub async fn prepare(
    context: &Context,
    scope: Scope,
    id: ClaimId,
    system: Option<&str>,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let Some(found) = context.store.claims.claim(scope, id).await? else { return Ok(()) };
    let origin = shipment_of(context, scope, found.shipment).await?.and_then(|shipment| shipment.origin);
    let origin = origin.filter(|origin| system == Some(origin.system.as_str()));
    let goods = match &origin {
        Some(origin) => {
            let odoo = context.odoo(&origin.system).ok_or(OrderError::NotInUse)?;
            goods(context, &odoo, origin, calls).await?
        }
        None => None,
    };
    let shipping = shipping(context, scope, &found).await?;
    for _ in 0..TRIES_MAX {
        let Some(now) = context.store.claims.claim(scope, id).await? else { return Ok(()) };
        let next = with(context, scope, now, goods.as_ref(), &shipping).await?;
        if context.store.claims.save(scope, next, Vec::new(), None).await? {
            return Ok(());
        }
    }
    Err(crate::UseCaseError::Conflict("the claim changes all the time: tried again later".into()).into())
}

/// Counts the evidence of a claim anew, after a file of it came or went.
pub(super) async fn recount(context: &Context, scope: Scope, id: ClaimId) -> crate::error::Result<()> {
    for _ in 0..TRIES_MAX {
        let Some(mut claim) = context.store.claims.claim(scope, id).await? else { return Ok(()) };
        let known = evidence::known(context, scope, &claim).await?;
        claim.about.evidence = Some(evidence::counted(&evidence::evidence(&known, &claim)));
        claim.updated_at = context.now();
        if context.store.claims.save(scope, claim, Vec::new(), None).await? {
            break;
        }
    }
    Ok(())
}

/// The claim with what is known by now. An amount that a person entered stays.
async fn with(
    context: &Context,
    scope: Scope,
    mut claim: ClaimRecord,
    goods: Option<&Goods>,
    shipping: &[Money],
) -> Result<ClaimRecord, OrderError> {
    if let Some(goods) = goods {
        claim.about.goods = Some(goods.clone());
    }
    claim.about.shipping = shipping.to_vec();
    if claim.claim.claimed.is_none()
        && claim.claim.status == ClaimStatus::Draft
        && let Some(amount) = amount(&claim)
    {
        claim.claim = claim.claim.claiming(amount).map_err(not_possible)?;
    }
    let known = evidence::known(context, scope, &claim).await?;
    claim.about.evidence = Some(evidence::counted(&evidence::evidence(&known, &claim)));
    claim.updated_at = context.now();
    Ok(claim)
}

/// What is claimed where no amount was entered: the transport for a late delivery, else the value of the goods.
fn amount(of: &ClaimRecord) -> Option<Money> {
    let amount = match of.claim.reason {
        ClaimReason::LateGuaranteed => {
            let totals: Totals = of.about.shipping.iter().copied().collect();
            let mut sums = totals.sums();
            // of several currencies none is the claim's
            sums.next().filter(|_| sums.next().is_none())
        }
        ClaimReason::Damaged | ClaimReason::Lost => of.about.goods.as_ref()?.value,
        // what is missing a person knows
        ClaimReason::MissingPieces => None,
    };
    amount.filter(|amount| amount.minor > 0)
}

async fn goods(
    context: &Context,
    odoo: &OdooClient,
    origin: &Origin,
    calls: &dyn CallLog,
) -> Result<Option<Goods>, OrderError> {
    let Some(delivery) = odoo.to_book(origin.record, calls).await? else { return Ok(None) };
    let value = match origin.sales_order() {
        Some(order) => odoo.order_value(order, calls).await?,
        None => None,
    };
    let order = value.as_ref().and_then(|value| value.name.clone()).or_else(|| delivery.order.clone());
    Ok(Some(Goods {
        read_at: context.now(),
        order,
        value: value.as_ref().and_then(|value| value.untaxed),
        total: value.as_ref().and_then(|value| value.total),
        invoices: value.map(|value| value.invoices).unwrap_or_default(),
        lines: lines(&delivery),
        parcels_g: delivery.parcels.iter().map(|packed| packed.parcel.weight_g).collect(),
        delivery: delivery.name,
    }))
}

/// The goods of all parcels, those of one article together.
fn lines(delivery: &ToBook) -> Vec<GoodsLine> {
    let mut lines: BTreeMap<(String, Option<String>), GoodsLine> = BTreeMap::new();
    for goods in delivery.parcels.iter().flat_map(|packed| &packed.goods) {
        let line = lines.entry((goods.name.clone(), goods.sku.clone())).or_insert_with(|| GoodsLine {
            name: goods.name.clone(),
            sku: goods.sku.clone(),
            quantity: 0,
            price: goods.value,
            weight_g: 0,
        });
        line.quantity = line.quantity.saturating_add(goods.quantity);
        line.weight_g = line.weight_g.saturating_add(goods.weight_g);
    }
    lines.into_values().take(LINES_MAX).collect()
}

/// What the labels of the shipment cost, as far as they were bought here and not voided.
async fn shipping(context: &Context, scope: Scope, of: &ClaimRecord) -> Result<Vec<Money>, OrderError> {
    use domain::booking::Phase;
    let bookings = context.store.bookings.of_shipment(scope, of.shipment).await?;
    let booked = bookings.into_iter().filter(|booking| booking.purchase.phase == Phase::Booked);
    Ok(booked
        .filter_map(|booking| {
            let charged = booking.purchase.label.as_ref().and_then(|label| label.charged);
            charged.or_else(|| booking.purchase.rate.as_ref().map(|rate| rate.price))
        })
        .collect())
}
