//! Places: which country, which code, which time zone. Tables beside this file, facts from ISO 3166, UN/LOCODE and the
//! IANA time zone database; the zones themselves come bundled with jiff. What is not known stays open.

mod country;
pub(crate) mod name;
mod zone;

pub use country::{country, unlocode};
pub use zone::zone;

use crate::{
    event_time::ZoneSource,
    observation::{Decoded, Location, Observation},
};

/// Settles the places and zones of a decoded message: countries and UN/LOCODEs in their one form, and for each wall clock
/// without a zone that of its place, else the source's. It says which, and never makes an instant of it. What is said of
/// an observation depends on nothing but itself and the source, so that it is the same in every message that has it.
pub fn settle(decoded: &mut Decoded, default_zone: Option<&str>) {
    for observation in decoded.reports.iter_mut().flat_map(|report| &mut report.observations) {
        settle_one(observation, default_zone);
    }
}

fn settle_one(observation: &mut Observation, default_zone: Option<&str>) {
    if let Some(location) = &mut observation.location {
        normalise(location);
    }
    let of_place = || observation.location.as_ref().and_then(zone).map(|zone| (zone, ZoneSource::Facility));
    let of_source = || default_zone.map(|zone| (zone, ZoneSource::CarrierDefault));
    observation.time.settle(|| of_place().or_else(of_source));
}

/// A word that names no country, and a code of another shape, stay as they were written.
fn normalise(location: &mut Location) {
    if let Some(code) = location.country.as_deref().and_then(country) {
        location.country = Some(code.to_owned());
    }
    if let Some(code) = location.unlocode.as_deref().and_then(unlocode) {
        location.unlocode = Some(code);
    }
}

#[cfg(test)]
mod tests;
