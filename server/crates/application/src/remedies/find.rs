//! The remedies of a cause: what can be done for this shipment with the connections that there are.

use crate::{
    caller::Caller,
    connections::{Client, Connection, Snapshot},
    context::Context,
    error::{Result, UseCaseError},
};
use carriers::api_template;
use domain::{
    access::Permission,
    fold::Fact,
    ids::ShipmentId,
    numbers::{Hints, NotANumber, Number},
    observation::ProviderCode,
    unknown::Cause,
};
use jiff::Timestamp;
use outbound::template::Family;
use std::sync::Arc;
use storage::{
    Scope,
    bookings::{RegistrationRecord, Tracking},
    shipments::Loaded,
};

/// A cause, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The cause.
    pub cause: Cause,
    /// What can be done, the most useful first.
    pub remedies: Vec<Remedy>,
    /// Where the number is registered for tracking: what people call the connection, and since when.
    pub registered: Vec<(String, Option<Timestamp>)>,
}

/// Something that a person can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Correct a number in the order system.
    Correct(WrongNumber),
    /// Connect this connector.
    Connect {
        /// The connector's id.
        connector: &'static str,
        /// What people call it.
        label: &'static str,
    },
    /// Finish a connection that was never turned on.
    Finish {
        /// Its name.
        connection: String,
        /// What people call it.
        label: String,
    },
    /// Turn a connection on again.
    Resume {
        /// Its name.
        connection: String,
        /// What people call it.
        label: String,
    },
    /// Look at the events.
    Inspect,
    /// Read the shipment's messages again, after a setting of their source was corrected.
    Reprocess,
    /// Map a code.
    Map(ProviderCode),
    /// Register its numbers at a platform.
    Register {
        /// The connection's name.
        connection: String,
        /// What people call it.
        label: String,
    },
    /// Ask a platform what it knows of its numbers now.
    Ask {
        /// The connection's name.
        connection: String,
        /// What people call it.
        label: String,
    },
    /// Send the refused update again.
    Retry,
}

/// A number that looks mistyped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongNumber {
    /// As it is written.
    pub number: String,
    /// What it probably should be, where its check digit says that.
    pub suggestion: Option<String>,
}

/// Why nothing current is known of a shipment, and what can be done; none where something is.
///
/// # Errors
/// When the caller may not, there is no such shipment, or the store fails.
pub async fn of(context: &Context, caller: &Caller, id: ShipmentId) -> Result<Option<Known>> {
    caller.require(Permission::See)?;
    let loaded = context.store.shipments.load(caller.scope(), id, None).await?;
    found(context, caller.scope(), &loaded.ok_or(UseCaseError::NotFound("shipment"))?).await
}

/// The same of one that is loaded.
pub(super) async fn found(context: &Context, scope: Scope, loaded: &Loaded) -> Result<Option<Known>> {
    let Some(cause) = loaded.shipment.folded.unknown else { return Ok(None) };
    let connections = context.connections.now();
    let registrations = context.store.bookings.registrations(scope, loaded.shipment.id).await?;
    let is_registered = |one: &&RegistrationRecord| one.tracking == Tracking::Registered;
    let registered = registrations.iter().filter(is_registered);
    let registered = registered.map(|one| (connections.label(&one.connection), one.about.registered_at)).collect();
    let platforms = platforms(&connections, &registrations);
    let registered_nowhere = registrations.is_empty();
    let remedies = match cause {
        Cause::Mistyped => wrong_numbers(loaded).into_iter().map(Remedy::Correct).collect(),
        // it is entered in the order system
        Cause::NoNumber => Vec::new(),
        Cause::NotConnected => vec![connect(loaded)],
        Cause::SourcePaused => paused(&connections, loaded),
        Cause::FutureTimes => vec![Remedy::Inspect, Remedy::Reprocess],
        Cause::UnmappedCode => newest_unmapped(&loaded.input.facts).map(Remedy::Map).into_iter().collect(),
        Cause::NeverSeen | Cause::SourceSilent if platforms.is_empty() && registered_nowhere => {
            vec![connect_api(&connections)]
        }
        Cause::NeverSeen | Cause::SourceSilent => platforms,
        Cause::OrderRefused => vec![Remedy::Retry],
    };
    Ok(Some(Known { cause, remedies, registered }))
}

/// Its numbers whose check digit is wrong, else all of them.
fn wrong_numbers(loaded: &Loaded) -> Vec<WrongNumber> {
    let numbers = loaded.shipment.numbers.iter();
    let read = |raw: &str, carrier: Option<&str>| {
        let number = Number::read_with(raw, Hints { carrier, country: None });
        let suggestion = match number.problem() {
            Some(NotANumber::CheckDigit { repaired: Some(right), .. }) => Some(right.clone()),
            Some(NotANumber::CheckDigit { expected, .. }) => with_check_digit(number.cleaned(), *expected),
            _ => None,
        };
        (number.problem().is_some(), WrongNumber { number: raw.to_owned(), suggestion })
    };
    let read: Vec<_> = numbers.map(|one| read(&one.number, one.carrier.as_deref())).collect();
    let any = read.iter().any(|(wrong, _)| *wrong);
    read.into_iter().filter(|(wrong, _)| *wrong || !any).map(|(_, number)| number).collect()
}

/// The number with the check digit that its other digits ask for; where that stands is not known, so the last place that makes it right
/// counts.
fn with_check_digit(cleaned: &str, expected: char) -> Option<String> {
    let signs: Vec<char> = cleaned.chars().collect();
    (0..signs.len()).rev().find_map(|place| {
        let mut changed = signs.clone();
        *changed.get_mut(place)? = expected;
        let text: String = changed.into_iter().collect();
        (text != cleaned && Number::read(&text).is_valid()).then_some(text)
    })
}

/// Carriers by sea: their containers are tracked by platforms of their own.
const OCEAN: &[&str] =
    &["cma_cgm", "cosco", "evergreen", "hapag_lloyd", "hmm", "maersk", "msc", "one", "oocl", "yang_ming", "zim"];

/// The connector that brings updates of the shipment's carrier: its own where there is one, else a platform that knows most carriers.
fn connect(loaded: &Loaded) -> Remedy {
    let family = loaded.shipment.numbers.first().and_then(|number| number.carrier.as_deref());
    let own = match family {
        Some("ups") => Some("ups_track_alert"),
        Some(family) if OCEAN.contains(&family) => Some("terminal49"),
        _ => None,
    };
    let carrier = own.and_then(carriers::by_id).or_else(|| carriers::by_id("aftership"));
    let (connector, label) =
        carrier.map_or(("aftership", "AfterShip"), |one| (one.manifest().id, one.manifest().label));
    Remedy::Connect { connector, label }
}

/// The API at which its number can be registered: that of a platform whose messages are taken already, else of one that knows most
/// carriers.
fn connect_api(connections: &Snapshot) -> Remedy {
    let registers = |id: &str| api_template::manifest(id).is_some_and(|api| api.registering.is_some());
    let of_source = |source: &Arc<Connection>| {
        api_template::templates().iter().map(|one| one.id).find(|id| {
            id.strip_suffix(API).is_some_and(|platform| platform == source.record.connector) && registers(id)
        })
    };
    let connector = connections.in_use(Family::Carrier).find_map(of_source).unwrap_or("aftership_api");
    Remedy::Connect { connector, label: api_template::label(connector).unwrap_or(connector) }
}

/// How the connector of a platform's API is called, behind the platform's name.
const API: &str = "_api";

/// The source over which its updates came last where that is off, else every source that is; those first that were in use before.
fn paused(connections: &Snapshot, loaded: &Loaded) -> Vec<Remedy> {
    let received = |fact: &&Fact| fact.sightings.iter().map(|sighting| sighting.recorded_at).max();
    let last = loaded.input.facts.iter().max_by_key(|fact| (received(fact), fact.id)).map(|fact| fact.source);
    let is_off = |one: &&Arc<Connection>| one.family == Some(Family::Carrier) && !one.record.enabled;
    let off: Vec<_> = connections.all().iter().filter(is_off).collect();
    let its = off.iter().find(|one| Some(one.record.id) == last).copied();
    let mut chosen: Vec<_> = its.map_or(off, |its| vec![its]);
    chosen.sort_by_key(|one| one.record.is_draft());
    let remedy = |one: &Arc<Connection>| {
        let (connection, label) = (one.record.name.clone(), connections.label(&one.record.name));
        match one.record.is_draft() {
            true => Remedy::Finish { connection, label },
            false => Remedy::Resume { connection, label },
        }
    };
    chosen.into_iter().map(remedy).collect()
}

/// The newest code of its events that no mapping knows.
fn newest_unmapped(facts: &[Fact]) -> Option<ProviderCode> {
    let unmapped = facts.iter().filter(|fact| fact.reading.unmapped);
    let newest = unmapped.max_by_key(|fact| (fact.observation.time.sort_key(), fact.id))?;
    newest.observation.codes.status.first().cloned()
}

/// The platforms in use that register numbers: those that have the shipment's can be asked, where their answer can be read, the others
/// can get them.
fn platforms(connections: &Snapshot, registrations: &[RegistrationRecord]) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    for one in connections.in_use(Family::Shipping) {
        let Client::Shipping(platform) = &one.client else { continue };
        let Some(registering) = platform.registering() else { continue };
        let (connection, label) = (one.record.name.clone(), connections.label(&one.record.name));
        let of_it = registrations.iter().filter(|known| known.connection == connection);
        let registered = of_it.clone().any(|known| known.tracking == Tracking::Registered);
        let is_on_its_way = of_it.clone().any(|known| {
            matches!(known.tracking, Tracking::Wanted | Tracking::Sending | Tracking::Lapsed | Tracking::Unwanted)
        });
        if registered && registering.manifest().fetches && source_of(connections, one).is_some() {
            remedies.push(Remedy::Ask { connection, label });
        } else if !registered && !is_on_its_way {
            remedies.push(Remedy::Register { connection, label });
        }
    }
    remedies
}

/// The source that reads what a platform's API answers: a connection to the same platform that takes its messages.
pub(super) fn source_of(connections: &Snapshot, platform: &Connection) -> Option<String> {
    let carrier = platform.record.connector.strip_suffix(API)?;
    let source = connections.in_use(Family::Carrier).find(|source| source.record.connector == carrier)?;
    Some(source.record.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_that_is_wrong_suggests_the_right_one() {
        // the same digits with each wrong check digit
        let right = "1Z999AA10123456784";
        assert!(Number::read(right).is_valid());
        for digit in ('0'..='9').filter(|digit| *digit != '4') {
            let wrong = format!("{}{digit}", &right[..right.len() - 1]);
            assert_eq!(with_check_digit(&wrong, '4').as_deref(), Some(right), "{wrong}");
        }
        // the check digit of a postal number stands before its country
        assert_eq!(with_check_digit("RB123456781GB", '5').as_deref(), Some("RB123456785GB"));
        assert_eq!(with_check_digit("", '5'), None);
    }
}
