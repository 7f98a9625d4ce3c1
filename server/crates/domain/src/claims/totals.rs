//! Sums of money by currency: amounts of different currencies are never added up.

use crate::money::{Currency, Money};
use std::collections::BTreeMap;

/// Sums by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Currency, i64>);

impl Totals {
    /// With an amount more. A sum that is too large to be kept stays at the largest.
    pub fn add(&mut self, amount: Money) {
        let sum = self.0.entry(amount.currency).or_default();
        *sum = sum.saturating_add(amount.minor);
    }

    /// The sums, by currency; those of nothing are left out.
    pub fn sums(&self) -> impl Iterator<Item = Money> {
        let sum = |(currency, minor): (&Currency, &i64)| Money { minor: *minor, currency: *currency };
        self.0.iter().map(sum).filter(|money| money.minor != 0)
    }

    /// The sum in one currency, in its minor unit.
    pub fn of(&self, currency: Currency) -> i64 {
        self.0.get(&currency).copied().unwrap_or_default()
    }
}

impl FromIterator<Money> for Totals {
    fn from_iter<I: IntoIterator<Item = Money>>(amounts: I) -> Self {
        let mut totals = Self::default();
        amounts.into_iter().for_each(|amount| totals.add(amount));
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amounts() -> impl Strategy<Value = Vec<Money>> {
        let one = (0..1_000_000_i64, 0..3_usize)
            .prop_map(|(minor, currency)| Money { minor, currency: ["EUR", "USD", "JPY"][currency].parse().unwrap() });
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn sums_are_those_of_each_currency_in_any_order(amounts in amounts(), cut in 0..40_usize) {
            let totals: Totals = amounts.iter().copied().collect();
            for currency in ["EUR", "USD", "JPY"] {
                let currency = currency.parse().unwrap();
                let sum: i64 = amounts.iter().filter(|money| money.currency == currency).map(|money| money.minor).sum();
                prop_assert_eq!(totals.of(currency), sum);
            }
            let (first, second) = amounts.split_at(cut.min(amounts.len()));
            let other_way: Totals = second.iter().chain(first).copied().collect();
            prop_assert_eq!(&totals, &other_way);
            prop_assert!(totals.sums().all(|money| money.minor != 0));
        }
    }

    #[test]
    fn a_sum_does_not_overflow() {
        let most = Money { minor: i64::MAX, currency: "EUR".parse().unwrap() };
        assert_eq!([most, most].into_iter().collect::<Totals>().sums().collect::<Vec<_>>(), [most]);
    }
}
