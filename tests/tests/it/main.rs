//! The integration tests of this crate, one module for each subject.

mod audit;
mod backup;
mod chaos;
mod conformance;
mod corpora;
mod doctor;
mod house;
mod main_job;
mod odoo_away;
mod odoo_burst;
mod odoo_clocks;
mod odoo_import;
mod odoo_orders;
mod odoo_reconcile;
mod odoo_setup;
mod odoo_steps;
mod odoo_transfers;
mod odoo_walk;
