//! What Milepost does by itself: the list of rules, and one rule with its editor, dry run and versions. Forms and links only, so that it
//! works before the browser's half has come; that adds completion, colours and checks while one types.

mod actions;
mod acts;
mod check;
mod complete;
mod editor;
mod history;
pub mod list;
pub mod one;
mod parts;
mod rows;
mod text;
mod trial;
