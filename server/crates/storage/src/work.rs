//! What people look after, area by area: [`exceptions`](crate::exceptions), the [`queue`](crate::queue) of them,
//! [`cases`](crate::cases) and [`figures`](crate::figures).

pub use crate::{
    cases::{Agent, CaseContext, CaseRecord, CaseStatus, Cases, DeskReport, TicketFacts},
    exceptions::{ExceptionAction, ExceptionRecord, Exceptions},
    figures::Overview,
    queue::{CaseFilter, Due, Queue, QueueCounts, QueueQuery, QueueRow, QueueView},
};

/// All of them.
pub trait Work: Exceptions + Queue + Cases + Overview {}

impl<T: Exceptions + Queue + Cases + Overview> Work for T {}
