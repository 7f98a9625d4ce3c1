//! What is learned of transit times: [`learn`] reads shipments night by night and publishes models, [`model`] has the one in force,
//! [`expect`] says what it means for one shipment, [`read`] how well it did. [`course`] is the way of a shipment as it is learned
//! from. The statistics are those of `kpi::learned`.

pub mod course;
pub mod expect;
pub mod kept_model;
pub mod learn;
pub mod model;
pub mod read;
