//! Readings: what a published mapping version makes of an observation.

use crate::{ExceptionReason, Milestone, State, observation::Observation};
use serde::{Deserialize, Serialize};

/// A published mapping version: 0 is the base that ships with the product, higher ones are an admin's.
pub type MappingVersion = u32;

/// An observation as a mapping version reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The version that made it.
    pub mapping: MappingVersion,
    /// The canonical milestone; INFO where there is none.
    pub milestone: Milestone,
    /// What a plan or estimate is about, where that is another milestone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedules: Option<Milestone>,
    /// The exception it reports.
    pub exception: Option<ExceptionReason>,
    /// A second exception that it reports: damaged, and refused for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<ExceptionReason>,
    /// The exception that it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves: Option<Resolves>,
    /// Nobody published what the code means; `floor` is then all there is.
    pub unmapped: bool,
    /// The state of the provider's coarse status, where the code has none (R17).
    pub floor: Option<State>,
    /// What is contradictory about the event, in a phrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Reading {
    /// Every exception that it reports.
    pub fn exceptions(&self) -> impl Iterator<Item = ExceptionReason> {
        self.exception.into_iter().chain(self.also)
    }
}

/// What an event ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolves {
    /// Whatever trouble there was, as far as a carrier can settle it.
    Everything,
    /// This one.
    Reason(ExceptionReason),
}

/// Makes readings: a mapping version, ready to look codes up.
pub trait Reader: Send + Sync {
    /// The version that the readings name.
    fn version(&self) -> MappingVersion;
    /// Reads one observation. Total: every observation has a reading.
    fn read(&self, observation: &Observation) -> Reading;
}
