//! What is to be booked, as it is kept with its booking: sealed under the customer's key, so that an erasure reaches it.

use crate::{context::Context, error::UseCaseError, vault::DataKey};
use ::odoo::{Goods, Parcel, Party, ToBook};
use carriers::booking::{
    self as platform, BookingKey, Contents, Customs, CustomsItem, Mode, RateRequest, Undeliverable,
};
use domain::{ids::ShipmentId, promise::is_eu};
use serde::{Deserialize, Serialize};
use storage::{Scope, bookings::BookingRecord};

/// The place of a request in the vault.
const REQUEST: &str = "booking.request";
/// The place of a label in the vault.
pub(super) const DOCUMENT: &str = "booking.document";

/// What is to be booked: personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    to: Party,
    from: Party,
    parcel: Parcel,
    goods: Vec<Goods>,
    references: Vec<String>,
}

impl Request {
    /// That of a parcel of a delivery.
    pub(super) fn of(delivery: &ToBook, parcel: Parcel, goods: Vec<Goods>) -> Self {
        Self {
            to: delivery.to.clone(),
            from: delivery.from.clone(),
            parcel,
            goods,
            references: std::iter::once(delivery.name.clone()).chain(delivery.order.clone()).collect(),
        }
    }

    /// A digest of it; keyed, since it is personal.
    pub(super) fn digest(&self, context: &Context) -> String {
        context.vault.digest(&self.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data serialises")
    }

    /// What every platform needs of the addresses and Odoo does not have; none where it is all there.
    pub(super) fn lacking(&self) -> Option<String> {
        let of = |whose: &str, party: &Party| {
            let town = party.city.as_ref().or(party.zip.as_ref());
            let parts = [("street", &party.street), ("city", &town.cloned()), ("country", &party.country)];
            let lacks = parts.into_iter().filter(|(_, part)| part.is_none()).map(|(name, _)| name).collect::<Vec<_>>();
            (!lacks.is_empty()).then(|| format!("the {whose} address has no {}", lacks.join(", no ")))
        };
        let lacking = [of("customer's", &self.to), of("sender's", &self.from)];
        let lacking = lacking.into_iter().flatten().collect::<Vec<_>>();
        (!lacking.is_empty()).then(|| lacking.join(", and "))
    }

    /// Sealed.
    pub(super) fn sealed(&self, key: &DataKey) -> storage::Sealed {
        key.seal(REQUEST, &self.bytes())
    }

    /// As a booking keeps it; none where the customer was erased.
    pub(super) async fn opened(
        context: &Context,
        scope: Scope,
        booking: &BookingRecord,
    ) -> Result<Option<Self>, UseCaseError> {
        let Some(sealed) = &booking.request else { return Ok(None) };
        let Some(key) = key_of(context, scope, booking.shipment).await? else { return Ok(None) };
        let bytes = key.open(REQUEST, sealed).map_err(|error| UseCaseError::Internal(error.to_string()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| UseCaseError::Internal(format!("a booking: {error}")))
    }

    /// As a platform takes it.
    pub(super) fn rate_request(self, booking: &BookingRecord) -> Option<RateRequest> {
        let crosses = crosses_customs(&self.from, &self.to);
        let customs = crosses.then(|| customs(&self));
        let references = self.references.into_iter().take(platform::REFERENCES_MAX).collect();
        Some(RateRequest {
            key: BookingKey::parse(&booking.key)?,
            mode: mode_of(&booking.wanted.mode),
            to: address(self.to),
            from: address(self.from),
            parcel: platform::Parcel { weight_g: self.parcel.weight_g, size_mm: self.parcel.size_mm },
            customs,
            references,
            signature: false,
            format: super::rules::format_of(&booking.wanted.format)?,
            ship_on: None,
        })
    }
}

/// The mode by its word.
pub(super) fn mode_of(word: &str) -> Mode {
    if word == Mode::Live.label() { Mode::Live } else { Mode::Test }
}

fn crosses_customs(from: &Party, to: &Party) -> bool {
    let (Some(from), Some(to)) = (&from.country, &to.country) else { return false };
    from != to && !(is_eu(from) && is_eu(to))
}

fn address(party: Party) -> platform::Address {
    platform::Address {
        name: party.name,
        company: party.company,
        street1: party.street.unwrap_or_default(),
        street2: party.street2,
        city: party.city.unwrap_or_default(),
        state: party.state,
        postal_code: party.zip,
        country: party.country.unwrap_or_default(),
        phone: party.phone,
        email: party.email,
        residential: None,
    }
}

fn customs(request: &Request) -> Customs {
    let made = |goods: &Goods| goods.origin.clone().or_else(|| request.from.country.clone()).unwrap_or_default();
    let signer = request.from.name.clone().or_else(|| request.from.company.clone()).unwrap_or_default();
    let item = |goods: &Goods| CustomsItem {
        description: goods.name.clone(),
        quantity: goods.quantity,
        net_weight_g: goods.weight_g,
        unit_value: goods.value,
        hs_code: goods.hs_code.clone(),
        origin: made(goods),
        sku: goods.sku.clone(),
    };
    Customs {
        contents: Contents::Merchandise,
        undeliverable: Undeliverable::Return,
        incoterm: None,
        invoice: request.references.get(1).cloned(),
        signer,
        items: request.goods.iter().map(item).collect(),
    }
}

/// The key of the customer of a shipment; none where there is none, or it was destroyed.
pub(crate) async fn key_of(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
) -> Result<Option<DataKey>, UseCaseError> {
    match context.store.shipments.customer(scope, shipment).await? {
        Some((_, Some(wrapped))) => {
            context.vault.unwrap(&wrapped).map(Some).map_err(|error| UseCaseError::Internal(error.to_string()))
        }
        _ => Ok(None),
    }
}
