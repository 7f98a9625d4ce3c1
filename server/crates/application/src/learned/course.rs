//! The way of a shipment as it is learned from.

use crate::kpi::unit::place_of;
use domain::{
    Direction,
    calendar::CompanyCalendar,
    fold::{DeliveryStanding, Fact, Folded},
    place::{country, zone},
};
use jiff::{Timestamp, tz::TimeZone};
use kpi::{
    contribution::shipment::{Shipment, Story},
    learned::{
        cell::{Place, Shipped},
        course::Course,
    },
};
use storage::shipments::Loaded;

/// What decides how long a shipment takes, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    carrier: Option<String>,
    service: Option<String>,
    warehouse: Option<String>,
    from: Option<String>,
    city: Option<String>,
    to: Option<String>,
    zone: Option<String>,
}

impl Way {
    /// Of a shipment of an order that goes out; none of others, nothing is learned of them.
    pub fn of(loaded: &Loaded, company: &CompanyCalendar) -> Option<Self> {
        let origin = loaded.shipment.origin.as_ref()?;
        if !matches!(origin.transfer.direction, Direction::Outbound | Direction::Dropship) {
            return None;
        }
        let number = loaded.shipment.numbers.first();
        let place = place_of(&loaded.shipment);
        let scanned = |fact: &&Fact| fact.reading.milestone.is_physical();
        let first =
            loaded.input.facts.iter().filter(scanned).min_by_key(|fact| (fact.observation.time.sort_key(), fact.id));
        let scanned_in = first.and_then(|fact| country(fact.observation.location.as_ref()?.country.as_deref()?));
        Some(Self {
            carrier: number.and_then(|number| number.carrier.clone()),
            service: number.and_then(|number| number.carrier_label.clone()),
            warehouse: origin.warehouse().map(str::to_owned),
            from: scanned_in.or(company.country.as_deref()).map(str::to_owned),
            zone: zone(&place).map(str::to_owned),
            to: place.country.as_deref().and_then(country).map(str::to_owned),
            city: place.city,
        })
    }

    /// As its cells are named.
    pub fn shipped(&self) -> Shipped<'_> {
        Shipped {
            carrier: self.carrier.as_deref(),
            service: self.service.as_deref(),
            from: Place { country: self.from.as_deref(), postcode: None, area: self.warehouse.as_deref() },
            to: Place { country: self.to.as_deref(), postcode: None, area: self.city.as_deref() },
        }
    }

    /// The names of its cells.
    pub fn cells(&self) -> [Option<String>; 5] {
        self.shipped().cells().map(|cell| cell.map(|cell| cell.to_string()))
    }

    /// Reads the way that it has been on, from a fold of what is known of it.
    pub fn read<T>(
        &self,
        loaded: &Loaded,
        folded: &Folded,
        company: &CompanyCalendar,
        read: impl FnOnce(&Course<'_>) -> T,
    ) -> T {
        let company_zone = TimeZone::get(&company.zone).unwrap_or(TimeZone::UTC);
        let named = self.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let zone = named.unwrap_or_else(|| company_zone.clone());
        let (origin, destination) = (company.own(), company.of_place(self.to.as_deref(), zone.clone()));
        let story = Story::of(Shipment {
            linked: true,
            test: false,
            inbound: false,
            company_zone: &company_zone,
            zone: &zone,
            origin: &origin,
            destination: &destination,
            plan: &loaded.input.plan,
            facts: &loaded.input.facts,
            folded,
            troubles: &[],
            cases: &[],
        });
        read(&Course::of(&story, &self.shipped()))
    }
}

/// Leaves what had happened by a time.
pub fn cut(loaded: &mut Loaded, at: Timestamp) {
    let happened = |fact: &Fact| fact.observation.time.sort_key().is_none_or(|when| when <= at);
    loaded.input.facts.retain(happened);
    let plan = &mut loaded.input.plan;
    if plan.standing_since.is_some_and(|since| since > at) {
        plan.standing = DeliveryStanding::Done;
        plan.standing_since = None;
    }
}
