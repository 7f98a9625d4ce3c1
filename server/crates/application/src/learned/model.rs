//! The model in force, and what it has of a shipment's cells.

pub use super::kept_model::Model;
use crate::{context::Context, error::Result, people::settings};
use kpi::learned::{count::What, outlook::Outlook};
use std::{collections::HashMap, sync::Arc};
use storage::{Scope, learned::PublishedCell};

/// The setting that names the model in force.
pub(super) const MODEL: &str = "learned.model";

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
