//! The model in force, kept for a moment: every fold asks for it.

use crate::{context::Context, error::Result, people::settings};
use jiff::{SignedDuration, Timestamp};
use kpi::learned::{
    annotation::Annotation,count::What, outlook::Outlook};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};
use storage::{Scope, learned::PublishedCell};

/// The setting that names the model in force.
pub(super) const MODEL: &str = "learned.model";
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
    fn model(&self, now: Timestamp) -> Option<Option<Model>> {
        let kept = self.0.read().expect("no panic while held");
        let (at, model) = kept.model.as_ref()?;
        // a clock that was set back ends it too
        (SignedDuration::ZERO..KEPT).contains(&now.duration_since(*at)).then(|| model.clone())
    }

    fn put(&self, now: Timestamp, model: Option<Model>) {
        let mut kept = self.0.write().expect("no panic while held");
        let number = |model: &Option<Model>| model.as_ref().map(|model| model.number);
        if kept.model.as_ref().is_none_or(|(_, before)| number(before) != number(&model)) {
            kept.cells.clear();
        }
        kept.model = Some((now, model));
    }

    fn cell(&self, name: &str) -> Option<Arc<[PublishedCell]>> {
        self.0.read().expect("no panic while held").cells.get(name).cloned()
    }

    fn put_cell(&self, model: u32, name: String, cell: Arc<[PublishedCell]>) {
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

/// The model in force; none before the first night.
///
/// # Errors
/// When the store fails.
pub async fn in_force(context: &Context, scope: Scope) -> Result<Option<Model>> {
    let now = context.now();
    if let Some(model) = context.learned.model(now) {
        return Ok(model);
    }
    let model: Option<Model> = settings::read(context, scope, MODEL).await?;
    context.learned.put(now, model.clone());
    Ok(model)
}

/// What a model has of a shipment's cells, the finest one first.
///
/// # Errors
/// When the store fails.
pub async fn outlook(context: &Context, scope: Scope, model: &Model, cells: &[Option<String>; 5]) -> Result<Outlook> {
    let missing: Vec<String> =
        cells.iter().flatten().filter(|cell| context.learned.cell(cell).is_none()).cloned().collect();
    let mut read: HashMap<String, Arc<[PublishedCell]>> = HashMap::new();
    if !missing.is_empty() {
        let rows = context.store.learned.published(scope, model.number, missing.clone()).await?;
        for name in missing {
            let cell: Arc<[PublishedCell]> = rows.iter().filter(|row| row.cell == name).cloned().collect();
            context.learned.put_cell(model.number, name.clone(), Arc::clone(&cell));
            read.insert(name, cell);
        }
    }
    let mut outlook = Outlook { model: model.number, theta: model.theta, ..Outlook::default() };
    for (level, name) in cells.iter().enumerate() {
        let Some(name) = name else { continue };
        let Some(cell) = read.get(name).cloned().or_else(|| context.learned.cell(name)) else { continue };
        for of in cell.iter() {
            if let What::Ended(topic) = of.what {
                outlook.topics.entry(topic).or_default()[level] = Some(of.published.clone());
            }
        }
    }
    Ok(outlook)
}
