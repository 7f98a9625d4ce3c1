//! Which fields this Odoo has of transfers and packages: its modules and its version decide.

use super::{
    OdooClient,
    transfers::{ADDED, INTO, LINE, PACKAGE_NUMBERS, PICKING, Shape},
};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl OdooClient {
    /// What this Odoo has of transfers; asked once, and now and then again, since modules come and go.
    pub(super) async fn shape(&self, log: &dyn CallLog) -> Result<Arc<Shape>, CallError> {
        if let Some(shape) = self.known_shape.get() {
            return Ok(shape);
        }
        let there = self.fields_of(PICKING, ADDED, "type", log).await?;
        let added = ADDED.iter().copied().filter(|field| there.contains_key(*field)).collect();
        let shape = Arc::new(Shape { added, packages: self.packages_there(log).await? });
        self.known_shape.put(Some(Arc::clone(&shape)));
        Ok(shape)
    }

    /// The model of packages and its fields with numbers; none where the user may not see them.
    async fn packages_there(&self, log: &dyn CallLog) -> Result<Option<(String, Vec<&'static str>)>, CallError> {
        let relation = match self.fields_of(LINE, &[INTO], "relation", log).await {
            Ok(fields) => fields.get(INTO).and_then(|field| field["relation"].as_str().map(str::to_owned)),
            Err(error) if error.class == ErrorClass::Forbidden => None,
            Err(error) => return Err(error),
        };
        let Some(model) = relation else { return Ok(None) };
        match self.fields_of(&model, PACKAGE_NUMBERS, "type", log).await {
            Ok(there) => {
                let numbers = PACKAGE_NUMBERS.iter().copied().filter(|field| there.contains_key(*field));
                Ok(Some((model, numbers.collect())))
            }
            Err(error) if error.class == ErrorClass::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn fields_of(
        &self,
        model: &str,
        fields: &[&str],
        attribute: &str,
        log: &dyn CallLog,
    ) -> Result<Map<String, Value>, CallError> {
        self.ask(model, "fields_get", json!({"allfields": fields, "attributes": [attribute]}), log).await
    }
}
