//! What talks to the outside: carriers (verify, decode), Odoo and service desks (call). Only this crate and the
//! simulator know HTTP clients; storage is unknown here.

pub mod call;
pub mod carriers;
pub mod catalogue;
pub mod check;
pub mod desks;
pub mod missing;
pub mod odoo;
pub mod schema;
pub mod template;
