//! Odoo's address.

use outbound::site_of;

/// Paths of Odoo's own pages and APIs.
pub(super) const PAGES: &[&str] = &["odoo", "web", "json", "jsonrpc", "xmlrpc"];

/// Odoo's address, also out of the address of one of its pages (`https://odoo.example.com/odoo/inventory`).
pub fn site(address: &str) -> String {
    site_of(address, PAGES)
}
