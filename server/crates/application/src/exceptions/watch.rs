//! By what a shipment is watched: the company's working days, and what is usual on its lane, by the table or as it was learned.

use super::calendar;
use crate::{
    context::Context,
    error::Result,
    learned::expect::{self, Expectation},
};
use domain::{
    exceptions::usual::{Lane, ShippedTable, UsualTimes},
    fold::{Fact, Feed, Watch},
    place,
};
use outbound::template::Family;
use storage::{Scope, shipments::Loaded};

/// Watches a shipment as of now; one without an order is not watched.
///
/// # Errors
/// When the calendar cannot be read.
pub async fn of(context: &Context, scope: Scope, loaded: &Loaded) -> Result<Option<Watch>> {
    if loaded.shipment.origin.is_none() {
        return Ok(None);
    }
    let company = calendar::company(context, scope).await?;
    let lane = lane(loaded, company.country.as_deref());
    let known = lane.from.is_some() && lane.to.is_some();
    let usual = known.then(|| ShippedTable.usual(&lane)).flatten();
    let Expectation { usual, late_from } = expect::refined(context, scope, loaded, &company, usual).await?;
    Ok(Some(Watch { calendar: company.own(), usual, late_from, feed: feed(context, loaded) }))
}

/// Over what its updates came in last; of what nothing came in, over what they would come.
fn feed(context: &Context, loaded: &Loaded) -> Feed {
    if loaded.shipment.numbers.is_empty() && loaded.input.facts.is_empty() {
        return Feed::Unnumbered;
    }
    let connections = context.connections.now();
    let carriers = || connections.all().iter().filter(|connection| connection.family == Some(Family::Carrier));
    let received = |fact: &&Fact| fact.sightings.iter().map(|sighting| sighting.recorded_at).max();
    let last = loaded.input.facts.iter().max_by_key(|fact| (received(fact), fact.id)).map(|fact| fact.source);
    let its = last.and_then(|source| carriers().find(|connection| connection.record.id == source));
    match its {
        Some(connection) if connection.record.enabled => Feed::Running,
        Some(_) => Feed::Paused,
        None if carriers().any(|connection| connection.record.enabled) => Feed::Running,
        None if carriers().next().is_some() => Feed::Paused,
        None => Feed::Missing,
    }
}

/// From where the carrier first handled it, else from the company's country.
fn lane(loaded: &Loaded, company: Option<&str>) -> Lane {
    let scanned = |fact: &&Fact| fact.reading.milestone.is_physical();
    let first =
        loaded.input.facts.iter().filter(scanned).min_by_key(|fact| (fact.observation.time.sort_key(), fact.id));
    let place = first.and_then(|fact| fact.observation.location.as_ref()?.country.as_deref());
    Lane {
        carrier: loaded.shipment.numbers.first().and_then(|number| number.carrier.clone()),
        from: place.and_then(place::country).or(company).map(str::to_owned),
        to: loaded.input.plan.to.clone(),
    }
}
