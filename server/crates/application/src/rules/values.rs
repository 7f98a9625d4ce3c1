//! What the words in the texts of rules stand for.

use crate::{context::Context, words};
use std::collections::BTreeMap;
use storage::{shipments::Loaded, work::ExceptionRecord};

/// What the words in the texts of a rule stand for, of a shipment and an exception of it.
pub fn values(
    context: &Context,
    loaded: &Loaded,
    exception: Option<&ExceptionRecord>,
) -> BTreeMap<&'static str, String> {
    let shipment = &loaded.shipment;
    let folded = &shipment.folded;
    let mut values =
        BTreeMap::from([("status", folded.state.label().to_owned()), ("link", context.config.page_of(shipment.id))]);
    if let Some(origin) = &shipment.origin {
        values.insert("delivery", words::foreign(&origin.name));
        values.extend(origin.order.as_deref().map(|order| ("order", words::foreign(order))));
    }
    values.extend(shipment.numbers.first().map(|number| ("number", words::number(number))));
    values.extend(folded.eta.as_ref().map(|eta| ("eta", words::event_time(eta))));
    let last = loaded.input.facts.iter().find(|fact| Some(fact.id) == folded.last_event);
    let place = last.and_then(|fact| fact.observation.location.as_ref()).map(|at| at.in_parts().label());
    values.extend(place.filter(|place| !place.is_empty()).map(|place| ("place", words::foreign(&place))));
    if let Some(exception) = exception {
        values.insert("reason", exception.reason.label().to_owned());
        values.insert("severity", exception.severity.label().to_owned());
    }
    values
}
