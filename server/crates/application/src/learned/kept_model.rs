//! The model in force, kept for a moment: every fold asks for it.

use jiff::{SignedDuration, Timestamp};
use kpi::learned::annotation::Annotation;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};
use storage::learned::PublishedCell;

/// For how long that is kept before it is read again: another node may publish.
const KEPT: SignedDuration = SignedDuration::from_secs(5);
/// Cells that are kept.
const CELLS_MAX: usize = 2_000;

/// A model that was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its number.
    pub number: u32,
    /// What had happened by then is in it.
    pub as_of: Timestamp,
    /// When it was published.
    pub published: Timestamp,
    /// From which probability of being late on a shipment is flagged; none: flags were wrong too often, and none goes up.
    pub theta: Option<f64>,
    /// The shipments that were looked at for it.
    pub shipments: u64,
    /// The days that were left out of it.
    #[serde(default)]
    pub left_out: Vec<Annotation>,
}

#[derive(Default)]
struct Kept {
    /// When the model was read, and it.
    model: Option<(Timestamp, Option<Model>)>,
    /// What it has of cells.
    cells: HashMap<String, Arc<[PublishedCell]>>,
}

/// The model as it was read a moment ago, with the cells that were asked for.
#[derive(Default)]
pub struct KeptModel(RwLock<Kept>);

impl KeptModel {
    pub(super) fn model(&self, now: Timestamp) -> Option<Option<Model>> {
        let kept = self.0.read().expect("no panic while held");
        let (at, model) = kept.model.as_ref()?;
        // a clock that was set back ends it too
        (SignedDuration::ZERO..KEPT).contains(&now.duration_since(*at)).then(|| model.clone())
    }

    pub(super) fn put(&self, now: Timestamp, model: Option<Model>) {
        let mut kept = self.0.write().expect("no panic while held");
        let number = |model: &Option<Model>| model.as_ref().map(|model| model.number);
        if kept.model.as_ref().is_none_or(|(_, before)| number(before) != number(&model)) {
            kept.cells.clear();
        }
        kept.model = Some((now, model));
    }

    pub(super) fn cell(&self, name: &str) -> Option<Arc<[PublishedCell]>> {
        self.0.read().expect("no panic while held").cells.get(name).cloned()
    }

    pub(super) fn put_cell(&self, model: u32, name: String, cell: Arc<[PublishedCell]>) {
        let mut kept = self.0.write().expect("no panic while held");
        // another model may have come into force meanwhile
        let in_force = kept.model.as_ref().and_then(|(_, of)| of.as_ref()).is_some_and(|of| of.number == model);
        if !in_force {
            return;
        }
        if kept.cells.len() >= CELLS_MAX {
            kept.cells.clear();
        }
        kept.cells.insert(name, cell);
    }

    /// From now on what is stored counts.
    pub(super) fn forget(&self) {
        *self.0.write().expect("no panic while held") = Kept::default();
    }
}
