//! How exceptions are worked on: next steps, teams, the calendar.

mod acts;
mod calendar;
mod page;
mod steps;
mod teams;

pub use page::PlaybooksPage;
