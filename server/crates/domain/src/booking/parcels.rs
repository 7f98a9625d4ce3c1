//! Which booking is of which parcel: a label stays with its parcel, whatever packages are added, removed or put in another order.

use serde::{Deserialize, Serialize};

/// Which parcel of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParcelOf {
    /// The one in its place: bookings from before packages had ids.
    #[default]
    Place,
    /// All of the delivery, of which nothing is in packages.
    Whole,
    /// This package of the order system, by its id there.
    Package(i64),
    /// What is in no package, beside packages.
    Rest,
}

/// The newest booking of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Had {
    /// Which parcel.
    pub of: ParcelOf,
    /// Its number within the delivery, from 0.
    pub place: u32,
    /// Whether it has a label, or may have one.
    pub live: bool,
}

/// Which booking is of which parcel; by their places in the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The booking of each parcel.
    pub of_parcels: Vec<Option<usize>>,
    /// Bookings with a label, or perhaps with one, whose parcel is no longer there.
    pub gone: Vec<usize>,
}

/// Finds the booking of each parcel. Where one parcel and one booking are left, and one of both is of what is in no package, they are the
/// same: it was packed, or unpacked. A label of one package never becomes that of another one.
pub fn matched(had: &[Had], parcels: &[ParcelOf]) -> Matched {
    let mut of_parcels: Vec<Option<usize>> =
        parcels.iter().map(|of| had.iter().position(|one| one.of == *of && one.of != ParcelOf::Place)).collect();
    for (place, found) in (0_u32..).zip(&mut of_parcels) {
        if found.is_none() {
            *found = had.iter().position(|one| one.of == ParcelOf::Place && one.place == place);
        }
    }
    let left: Vec<usize> = (0..had.len()).filter(|n| !of_parcels.contains(&Some(*n))).collect();
    let live: Vec<usize> = left.iter().copied().filter(|n| had[*n].live).collect();
    let open: Vec<usize> = (0..parcels.len()).filter(|n| of_parcels[*n].is_none()).collect();
    let candidates = if live.is_empty() { &left } else { &live };
    if let ([booking], [parcel]) = (candidates.as_slice(), open.as_slice()) {
        let is_package = |of: ParcelOf| matches!(of, ParcelOf::Package(_));
        if !is_package(had[*booking].of) || !is_package(parcels[*parcel]) {
            of_parcels[*parcel] = Some(*booking);
        }
    }
    let gone = live.into_iter().filter(|n| !of_parcels.contains(&Some(*n))).collect();
    Matched { of_parcels, gone }
}

#[cfg(test)]
mod tests {
    use super::{
        ParcelOf::{Package, Place, Rest, Whole},
        *,
    };
    use proptest::prelude::*;

    fn had(of: ParcelOf, place: u32) -> Had {
        Had { of, place, live: true }
    }

    #[test]
    fn a_label_stays_with_its_parcel() {
        let agree = |name: &str, had: &[Had], parcels: &[ParcelOf], of_parcels: &[Option<usize>], gone: &[usize]| {
            let found = matched(had, parcels);
            assert_eq!((found.of_parcels.as_slice(), found.gone.as_slice()), (of_parcels, gone), "{name}");
        };
        let two = [had(Package(7), 0), had(Package(8), 1)];
        let rest = [had(Package(7), 0), had(Rest, 1)];
        let before = [had(Place, 0), had(Place, 1)];
        agree("nothing booked", &[], &[Package(7), Rest], &[None, None], &[]);
        agree("the same", &two, &[Package(7), Package(8)], &[Some(0), Some(1)], &[]);
        agree("in another order", &two, &[Package(8), Package(7)], &[Some(1), Some(0)], &[]);
        agree("one removed", &two, &[Package(8)], &[Some(1)], &[0]);
        agree("one more", &two, &[Package(3), Package(7), Package(8)], &[None, Some(0), Some(1)], &[]);
        agree("one in place of another", &two, &[Package(7), Package(9)], &[Some(0), None], &[1]);
        agree("packed in one", &[had(Whole, 0)], &[Package(7)], &[Some(0)], &[]);
        agree("packed in two", &[had(Whole, 0)], &[Package(7), Package(8)], &[None, None], &[0]);
        agree("unpacked", &[had(Package(7), 0)], &[Whole], &[Some(0)], &[]);
        agree("the rest was packed", &rest, &[Package(7), Package(8)], &[Some(0), Some(1)], &[]);
        agree("booked by place", &before, &[Package(7), Rest], &[Some(0), Some(1)], &[]);
        let refused = [Had { live: false, ..had(Whole, 0) }];
        agree("refused, then packed in one", &refused, &[Package(7)], &[Some(0)], &[]);
        agree("what has no label is not missed", &refused, &[Package(7), Package(8)], &[None, None], &[]);
    }

    proptest! {
        #[test]
        fn no_label_of_a_package_is_anothers(had_ids in prop::collection::btree_set(0_i64..6, 0..5), now in prop::collection::btree_set(0_i64..6, 0..5), turned in any::<bool>()) {
            let before: Vec<Had> = (0_u32..).zip(&had_ids).map(|(place, id)| had(Package(*id), place)).collect();
            let mut parcels: Vec<ParcelOf> = now.iter().map(|id| Package(*id)).collect();
            if turned {
                parcels.reverse();
            }
            let found = matched(&before, &parcels);
            for (parcel, booking) in parcels.iter().zip(&found.of_parcels) {
                prop_assert_eq!(booking.map(|n| before[n].of), before.iter().find(|one| one.of == *parcel).map(|one| one.of));
            }
            let gone: Vec<ParcelOf> = found.gone.iter().map(|n| before[*n].of).collect();
            let missing: Vec<ParcelOf> = before.iter().map(|one| one.of).filter(|of| !parcels.contains(of)).collect();
            prop_assert_eq!(gone, missing);
        }
    }
}
