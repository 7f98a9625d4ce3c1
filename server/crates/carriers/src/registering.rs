//! Registering numbers at a platform, so that it reports about them. Safe to repeat everywhere but where the manifest says so.

use crate::outcome::Outcome;
use async_trait::async_trait;
use domain::booking::Ends;
use jiff::civil::Date;
use outbound::{CallError, CallLog};

/// What a platform's registering is like.
#[derive(Clone, Copy, Debug)]
pub struct RegisteringManifest {
    /// Numbers of one call.
    pub batch_max: usize,
    /// What a second registration of one number does.
    pub again: Again,
    /// Whether a number must come with its carrier.
    pub needs_carrier: bool,
    /// What the platform calls our carriers: brands and families of the directory, each with the platform's own code. Only those whose
    /// code the platform publishes; the source stands with each table.
    pub carriers: &'static [(&'static str, &'static str)],
    /// Whether a number can be stopped.
    pub stops: bool,
    /// Whether a number can be fetched.
    pub fetches: bool,
    /// When the platform stops by itself.
    pub ends: Ends,
    /// The same, for people.
    pub ends_when: &'static str,
}

impl RegisteringManifest {
    /// What the platform calls a carrier of ours; none where it publishes no code for it, or several that we cannot choose between.
    pub fn code_of(&self, ours: &str) -> Option<&'static str> {
        self.carriers.iter().find(|(known, _)| *known == ours).map(|(_, code)| *code)
    }
}

/// What a second registration of one number does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Nothing: the first one answers.
    Same,
    /// Every event comes twice: a registration of unknown outcome is not sent again.
    Doubles,
}

/// A number to be registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedNumber {
    /// The number.
    pub number: String,
    /// The carrier in the platform's own word or code; the platform detects it where there is none and it can.
    pub carrier: Option<String>,
    /// What the number is about, for people who look there: the delivery's name.
    pub reference: Option<String>,
    /// Where the parcel goes, where some carriers ask for it. Never shown.
    pub postal_code: Option<String>,
    /// The country of that: two capital letters.
    pub country: Option<String>,
    /// When it was shipped.
    pub shipped_on: Option<Date>,
}

/// A number that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The platform's id, where it gives one.
    pub id: Option<String>,
    /// The carrier as the platform calls it, where it says it.
    pub carrier: Option<String>,
    /// Whether it was registered before.
    pub known: bool,
}

/// What a registered number is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisteredNumber {
    /// The number.
    pub number: String,
    /// The carrier in the platform's word.
    pub carrier: Option<String>,
    /// The platform's id.
    pub id: Option<String>,
}

/// What a platform knows of a number, as its connector's `decode` reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(pub Vec<u8>);

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} bytes)", self.0.len())
    }
}

/// Registering at one platform. Each answer stands where its number stands; more numbers than a batch has are several calls.
#[async_trait]
pub trait Registering: Send + Sync {
    /// What it is like there.
    fn manifest(&self) -> &'static RegisteringManifest;

    /// Registers numbers.
    async fn register(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>>;

    /// Has numbers tracked again whose reports the platform ended by itself. What is tracked still stays so.
    async fn restart(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        self.register(numbers, log).await
    }

    /// Stops reports about numbers. What is not registered is stopped. Refused where the platform cannot.
    async fn stop(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Outcome<()>>;

    /// What the platform knows now.
    ///
    /// Each fails by itself: when the platform does not answer as it should, or does not have the number.
    async fn fetch(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Result<Snapshot, CallError>>;

    /// Whether the platform has a registration of ours of a number, after one that was not answered. That it knows something of the
    /// number is no proof by itself: some read the carrier for everyone who asks.
    ///
    /// # Errors
    /// When the platform does not answer as it should.
    async fn standing(&self, _number: &TrackedNumber, _log: &dyn CallLog) -> Result<Standing, CallError> {
        Ok(Standing::Absent)
    }
}

/// Whether a platform has a registration of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has it.
    Registered,
    /// It has none.
    Absent,
    /// It does not say it: a person looks.
    CannotTell,
}

/// Registering at a platform that takes one number a call.
#[async_trait]
pub trait OneByOne: Send + Sync {
    /// As [`Registering::manifest`].
    fn manifest(&self) -> &'static RegisteringManifest;

    /// Registers a number.
    async fn register_one(&self, number: &TrackedNumber, log: &dyn CallLog) -> Outcome<Registered>;

    /// Stops reports about a number.
    async fn stop_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Outcome<()>;

    /// What the platform knows of a number.
    ///
    /// # Errors
    /// As [`Registering::fetch`].
    async fn fetch_one(&self, number: &RegisteredNumber, log: &dyn CallLog) -> Result<Snapshot, CallError>;

    /// As [`Registering::standing`]. Where a second registration does nothing, it is simply sent again.
    ///
    /// # Errors
    /// As there.
    async fn standing_of(&self, _number: &TrackedNumber, _log: &dyn CallLog) -> Result<Standing, CallError> {
        Ok(Standing::Absent)
    }
}

#[async_trait]
impl<T: OneByOne> Registering for T {
    fn manifest(&self) -> &'static RegisteringManifest {
        OneByOne::manifest(self)
    }

    async fn register(&self, numbers: &[TrackedNumber], log: &dyn CallLog) -> Vec<Outcome<Registered>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for number in numbers {
            outcomes.push(self.register_one(number, log).await);
        }
        outcomes
    }

    async fn stop(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Outcome<()>> {
        let mut outcomes = Vec::with_capacity(numbers.len());
        for number in numbers {
            outcomes.push(self.stop_one(number, log).await);
        }
        outcomes
    }

    async fn fetch(&self, numbers: &[RegisteredNumber], log: &dyn CallLog) -> Vec<Result<Snapshot, CallError>> {
        let mut snapshots = Vec::with_capacity(numbers.len());
        for number in numbers {
            snapshots.push(self.fetch_one(number, log).await);
        }
        snapshots
    }

    async fn standing(&self, number: &TrackedNumber, log: &dyn CallLog) -> Result<Standing, CallError> {
        self.standing_of(number, log).await
    }
}
