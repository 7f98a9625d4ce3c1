//! What an address or a form chooses: one of a few words.

/// An enum of such words. The first is the default: it is chosen by no word and by every word that is none of them, so that an
/// address of another version still shows its page.
macro_rules! choice {
    (
        $(#[$about:meta])*
        $name:ident {
            $(#[$first_note:meta])* $first:ident = $first_code:literal,
            $($(#[$note:meta])* $variant:ident = $code:literal,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "&'static str")]
        pub enum $name {
            $(#[$first_note])* #[default] $first,
            $($(#[$note])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[Self::$first, $(Self::$variant,)*];

            /// The word of the address; empty where the address has none.
            pub const fn code(self) -> &'static str {
                match self {
                    Self::$first => $first_code,
                    $(Self::$variant => $code,)*
                }
            }

            /// What this word chooses.
            pub fn of(code: &str) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    _ => Self::$first,
                }
            }
        }

        impl From<String> for $name {
            fn from(code: String) -> Self {
                Self::of(&code)
            }
        }

        impl From<$name> for &'static str {
            fn from(chosen: $name) -> Self {
                chosen.code()
            }
        }
    };
}

pub(in crate::contract) use choice;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IntoDeserializer, value::Error},
};

/// A value of the vocabulary; none where the word is none of it.
///
/// # Errors
/// Where there is no text at all.
pub(in crate::contract) fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    Ok(code.and_then(|code| T::deserialize(IntoDeserializer::<Error>::into_deserializer(code)).ok()))
}

#[cfg(test)]
mod tests {
    use crate::contract::{
        alerts::{AlertOwner, AlertTab, SnoozeFor},
        carriers::{SortBy, SplitBy},
        claims::ClaimTab,
        connections::{Environment, ListView},
        exceptions::{Age, Due, QueueTab, Recorded, Tickets},
        figures::{Compared, Length},
        reconciliation::{Age as DifferenceAge, Owned, Tab},
        shipments::{Freshness, Linked, ListTab},
        sync::{RetryingFor, SyncTab},
    };

    #[test]
    fn every_word_leads_back_to_its_choice_and_an_unknown_one_to_the_default() {
        macro_rules! check {
            ($($choice:ident)*) => {$(
                for chosen in $choice::ALL.iter().copied() {
                    assert_eq!($choice::of(chosen.code()), chosen);
                    assert_eq!($choice::from(chosen.code().to_owned()), chosen);
                }
                for unknown in ["", "nothing", "OPEN", " open"] {
                    assert_eq!($choice::of(unknown), $choice::default(), "{unknown:?}");
                }
            )*};
        }
        check!(SortBy SplitBy ListView Environment ListTab Freshness Linked QueueTab Due Age Recorded Tickets SyncTab RetryingFor Tab Owned DifferenceAge ClaimTab Length Compared AlertOwner AlertTab SnoozeFor);
    }
}
