//! Collects what other systems know of a claim: the value and the goods from the order system, what the labels cost; and
//! counts its evidence.

use super::{
    common::{not_possible, shipment_of},
    evidence,
};
use crate::{
    context::Context,
    odoo::{OrderError, of_order::SalesOrder},
};
use ::odoo::{OdooClient, ToBook};
use domain::{
    claims::{ClaimReason, ClaimStatus, Totals},
    ids::{ClaimId, ShipmentId},
    money::Money,
};
use outbound::CallLog;
use std::collections::BTreeMap;
use storage::{
    Scope,
    claims::{ClaimRecord, Goods, GoodsLine},
    orders::{Origin, OriginStanding},
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
    let shipment = shipment_of(context, scope, found.shipment).await?;
    let id_now = shipment.as_ref().map_or(found.shipment, |shipment| shipment.id);
    let origin = shipment.and_then(|shipment| shipment.origin);
    let origin = origin.filter(|origin| system == Some(origin.system.as_str()));
    let goods = match &origin {
        Some(origin) => {
            let odoo = context.odoo(&origin.system).ok_or(OrderError::NotInUse)?;
            goods((context, scope), &odoo, origin, calls).await?
        }
        None => None,
    };
    let shipping = shipping(context, scope, id_now).await?;
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
    (context, scope): (&Context, Scope),
    odoo: &OdooClient,
    origin: &Origin,
    calls: &dyn CallLog,
) -> Result<Option<Goods>, OrderError> {
    let Some(delivery) = odoo.to_book(origin.record, calls).await? else { return Ok(None) };
    let value = match origin.sales_order() {
        Some(order) => odoo.order_value(order, calls).await?,
        None => None,
    };
    let is_whole = match SalesOrder::of(origin) {
        Some(order) => {
            let all = order.shipments(context, scope).await?;
            all.iter().filter(|one| one.standing != OriginStanding::Cancelled).count() <= 1
        }
        None => false,
    };
    let untaxed = value.as_ref().and_then(|value| value.untaxed);
    let priced = delivery.parcels.iter().flat_map(|packed| &packed.goods).map(|goods| (goods.quantity, goods.value));
    let worth = worth(priced, untaxed, if is_whole { Delivers::All } else { Delivers::Part });
    let order = value.as_ref().and_then(|value| value.name.clone()).or_else(|| delivery.order.clone());
    Ok(Some(Goods {
        read_at: context.now(),
        order,
        value: worth,
        total: value.as_ref().and_then(|value| value.total),
        invoices: value.map(|value| value.invoices).unwrap_or_default(),
        lines: lines(&delivery),
        parcels_g: delivery.parcels.iter().map(|packed| packed.parcel.weight_g).collect(),
        delivery: delivery.name,
    }))
}

/// What of its order a delivery is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivers {
    /// All of it.
    All,
    /// A part of it.
    Part,
}

/// What the goods of a delivery are worth without taxes: what its lines add up to, and no more than its order, since prices are
/// rounded up and parts of a kit count by their list price. Where the lines do not say it, the order does for a delivery of all of it.
fn worth(lines: impl Iterator<Item = (u32, Money)>, order: Option<Money>, delivers: Delivers) -> Option<Money> {
    let of = |(quantity, price): (u32, Money)| Money { minor: price.minor.saturating_mul(quantity.into()), ..price };
    let totals: Totals = lines.map(of).collect();
    let mut sums = totals.sums();
    match (sums.next(), sums.next()) {
        (Some(sum), None) => {
            let limit = order.filter(|order| order.currency == sum.currency && order.minor > 0);
            Some(Money { minor: limit.map_or(sum.minor, |limit| sum.minor.min(limit.minor)), ..sum })
        }
        _ => order.filter(|_| delivers == Delivers::All),
    }
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
async fn shipping(context: &Context, scope: Scope, of: ShipmentId) -> Result<Vec<Money>, OrderError> {
    use domain::booking::Phase;
    let bookings = context.store.bookings.of_shipment(scope, of).await?;
    let booked = bookings.into_iter().filter(|booking| booking.purchase.phase == Phase::Booked);
    Ok(booked
        .filter_map(|booking| {
            let charged = booking.purchase.label.as_ref().and_then(|label| label.charged);
            charged.or_else(|| booking.purchase.rate.as_ref().map(|rate| rate.price))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_worth_its_own_goods() {
        let euro = |amount: &str| Money::read(amount, "EUR").unwrap();
        let dollar = Money::read("5", "USD").unwrap();
        let order = Some(euro("840.34"));
        for (what, lines, order, delivers, expected) in [
            ("a part", vec![(1, euro("420.17"))], order, Delivers::Part, Some(euro("420.17"))),
            ("goods of all of it, beside transport", vec![(2, euro("400"))], order, Delivers::All, Some(euro("800"))),
            ("prices that were rounded up", vec![(2, euro("420.18"))], order, Delivers::All, order),
            (
                "an order whose value is not known",
                vec![(3, euro("10")), (1, euro("2.50"))],
                None,
                Delivers::Part,
                Some(euro("32.50")),
            ),
            ("an order in another currency", vec![(1, dollar)], order, Delivers::Part, Some(dollar)),
            ("two currencies, all of it", vec![(1, dollar), (1, euro("1"))], order, Delivers::All, order),
            ("two currencies, a part", vec![(1, dollar), (1, euro("1"))], order, Delivers::Part, None),
            ("no lines, all of it", vec![], order, Delivers::All, order),
            ("no lines, a part", vec![], order, Delivers::Part, None),
            ("lines without a price", vec![(4, euro("0"))], order, Delivers::Part, None),
        ] {
            assert_eq!(worth(lines.into_iter(), order, delivers), expected, "{what}");
        }
    }
}
