//! Looks at what is there in an Odoo. Where versions name things differently, the server is asked.

use super::{
    super::{OdooClient, wire::Maybe},
    fields::{FIELDS, STATUS},
    hints::{self, WATCHED},
    there::{Action, Automation, FieldThere, Kind, Model, Rule, There, User, View},
    user::{GROUPS, LOGIN},
    views,
};
use outbound::{CallError, CallLog, ErrorClass};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Models that a set-up is about: name, what people call its records and one of them, and whether they show a shipment.
const MODELS: &[(&str, &str, &str, bool)] = &[
    (TRANSFERS, "transfers", "transfer", true),
    (ORDERS, "sales orders", "sales order", true),
    ("purchase.order", "purchase orders", "purchase order", false),
    ("stock.package", "packages", "package", false),
    ("stock.quant.package", "packages", "package", false),
];
const TRANSFERS: &str = "stock.picking";
const ORDERS: &str = "sale.order";

impl OdooClient {
    /// Looks at what is there of what a set-up makes. Needs the key of an administrator.
    ///
    /// # Errors
    /// `forbidden` with another user's key; `misconfigured` where the inventory app is missing.
    pub async fn look(&self, log: &dyn CallLog) -> Result<There, CallError> {
        let major = self.version(log).await?.major;
        let mut there = There { major, models: self.models(log).await?, ..There::default() };
        if !there.models.iter().any(|model| model.name == TRANSFERS) {
            let text = "Odoo has no deliveries: install the Inventory and Sales apps";
            return Err(CallError::new(ErrorClass::Misconfigured, text));
        }
        self.read_fields(&mut there, log).await?;
        self.read_views(&mut there, log).await?;
        self.read_actions(&mut there, log).await?;
        self.read_rules(&mut there, log).await?;
        self.read_user(&mut there, log).await?;
        Ok(there)
    }

    async fn models(&self, log: &dyn CallLog) -> Result<Vec<Model>, CallError> {
        #[derive(Deserialize)]
        struct Row {
            id: i64,
            model: String,
        }
        let names: Vec<&str> = MODELS.iter().map(|(name, ..)| *name).collect();
        let rows: Vec<Row> = self.all("ir.model", json!([["model", "in", names]]), &["model"], log).await?;
        let model = |(name, label, one, shows): &(&'static str, &'static str, &'static str, bool)| {
            let row = rows.iter().find(|row| row.model == *name)?;
            Some(Model { id: row.id, name, label, one, shows_shipments: *shows, ..Model::default() })
        };
        Ok(MODELS.iter().filter_map(model).collect())
    }

    async fn read_fields(&self, there: &mut There, log: &dyn CallLog) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Row {
            id: i64,
            name: String,
            model: String,
            ttype: String,
            state: String,
        }
        #[derive(Deserialize)]
        struct Value {
            field_id: (i64, serde_json::Value),
            value: String,
        }
        let models: Vec<&str> = there.models.iter().map(|model| model.name).collect();
        let watched = WATCHED.iter().flat_map(|watched| watched.fields.iter().copied());
        let names: Vec<&str> = FIELDS.iter().map(|field| field.name).chain(watched).collect();
        let domain = json!([["model", "in", models], ["name", "in", names]]);
        let rows: Vec<Row> = self.all("ir.model.fields", domain, &["name", "model", "ttype", "state"], log).await?;
        for Row { id, name, model, ttype, state } in rows {
            if let Some(model) = there.models.iter_mut().find(|known| known.name == model) {
                model.fields.insert(name, FieldThere { id, kind: ttype, manual: state == "manual" });
            }
        }
        let statuses = there.models.iter().filter_map(|model| model.fields.get(STATUS));
        let statuses: Vec<i64> = statuses.map(|field| field.id).collect();
        if !statuses.is_empty() {
            let domain = json!([["field_id", "in", statuses]]);
            let values: Vec<Value> = self.all("ir.model.fields.selection", domain, &["field_id", "value"], log).await?;
            for Value { field_id: (field, _), value } in values {
                there.selections.entry(field).or_default().insert(value);
            }
        }
        for model in there.models.iter_mut().filter(|model| model.fields.contains_key(STATUS)) {
            let body = json!({"domain": [[STATUS, "!=", false]]});
            model.filled = self.ask(model.name, "search_count", body, log).await?;
        }
        Ok(())
    }

    async fn read_views(&self, there: &mut There, log: &dyn CallLog) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Row {
            id: i64,
            name: String,
            arch_db: Maybe<String>,
            active: bool,
            inherit_id: Maybe<(i64, Value)>,
        }
        let list = if self.options("ir.ui.view", "type", log).await?.contains("list") { "list" } else { "tree" };
        for model in there.models.iter_mut().filter(|model| model.shows_shipments) {
            let view = |row: Row| View {
                id: row.id,
                arch: row.arch_db.0.unwrap_or_default(),
                active: row.active,
                inherits: row.inherit_id.0.map(|(id, _)| id),
            };
            let fields = ["name", "arch_db", "active", "inherit_id"];
            let names: Vec<String> = Kind::ALL.iter().map(|kind| views::name(model.name, *kind)).collect();
            let domain = json!([["model", "=", model.name], ["name", "in", names]]);
            let ours: Vec<Row> = self.all("ir.ui.view", domain, &fields, log).await?;
            for row in ours {
                let kind = Kind::ALL.into_iter().find(|kind| views::name(model.name, *kind) == row.name);
                model.ours.extend(kind.map(|kind| (kind, view(row))));
            }
            for kind in Kind::ALL {
                let domain = json!([
                    ["model", "=", model.name],
                    ["type", "=", kind.odoo(list)],
                    ["mode", "=", "primary"],
                    ["inherit_id", "=", false],
                ]);
                let body = json!({"domain": domain, "fields": fields, "order": "priority, id", "limit": 1});
                let base: Vec<Row> = self.ask("ir.ui.view", "search_read", body, log).await?;
                model.base.extend(base.into_iter().next().map(|row| (kind, view(row))));
            }
        }
        Ok(())
    }

    async fn read_actions(&self, there: &mut There, log: &dyn CallLog) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Row {
            id: i64,
            name: String,
            model_id: (i64, Value),
            code: Maybe<String>,
        }
        let shown = there.models.iter().filter(|model| model.shows_shipments);
        let names: Vec<String> = shown.map(views::action_name).collect();
        let domain = json!([["name", "in", names]]);
        let rows: Vec<Row> = self.all("ir.actions.server", domain, &["name", "model_id", "code"], log).await?;
        for row in rows {
            let of = |model: &&mut Model| model.id == row.model_id.0 && views::action_name(model) == row.name;
            if let Some(model) = there.models.iter_mut().find(of) {
                model.timeline = Some(Action { id: row.id, code: row.code.0.unwrap_or_default() });
            }
        }
        there.action_groups = self.groups_field("ir.actions.server", log).await?;
        Ok(())
    }

    async fn read_rules(&self, there: &mut There, log: &dyn CallLog) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Row {
            id: i64,
            name: String,
            model_id: (i64, Value),
            active: bool,
            trigger: Maybe<String>,
            trigger_field_ids: Vec<i64>,
            filter_domain: Maybe<String>,
            action_server_ids: Vec<i64>,
        }
        #[derive(Deserialize)]
        struct Webhook {
            id: i64,
            webhook_url: Maybe<String>,
        }
        let module = json!({"domain": [["model", "=", "base.automation"]]});
        if self.ask::<u64>("ir.model", "search_count", module, log).await? == 0 {
            there.automation = Automation::Missing;
            return Ok(());
        }
        if !self.options("ir.actions.server", "state", log).await?.contains("webhook") {
            there.automation = Automation::NoWebhooks;
            return Ok(());
        }
        there.automation = Automation::Ready;
        let names: Vec<String> = WATCHED.iter().map(|watched| hints::name(watched.model)).collect();
        let fields =
            ["name", "model_id", "active", "trigger", "trigger_field_ids", "filter_domain", "action_server_ids"];
        let rows: Vec<Row> = self.all("base.automation", json!([["name", "in", names]]), &fields, log).await?;
        let actions: Vec<i64> = rows.iter().flat_map(|row| row.action_server_ids.iter().copied()).collect();
        let webhooks: Vec<Webhook> = match actions.is_empty() {
            true => Vec::new(),
            false => {
                let domain = json!([["id", "in", actions], ["state", "=", "webhook"]]);
                self.all("ir.actions.server", domain, &["webhook_url"], log).await?
            }
        };
        let rule = |row: Row| Rule {
            webhooks: webhooks
                .iter()
                .filter(|webhook| row.action_server_ids.contains(&webhook.id))
                .map(|webhook| (webhook.id, webhook.webhook_url.0.clone().unwrap_or_default()))
                .collect(),
            id: row.id,
            name: row.name,
            model: row.model_id.0,
            active: row.active,
            trigger: row.trigger.0.unwrap_or_default(),
            fields: row.trigger_field_ids.into_iter().collect(),
            domain: row.filter_domain.0.unwrap_or_default(),
        };
        there.rules = rows.into_iter().map(rule).collect();
        Ok(())
    }

    async fn read_user(&self, there: &mut There, log: &dyn CallLog) -> Result<(), CallError> {
        #[derive(Deserialize)]
        struct Group {
            module: String,
            name: String,
            res_id: i64,
        }
        let (modules, names): (Vec<&str>, Vec<&str>) = GROUPS.iter().filter_map(|(id, _)| id.split_once('.')).unzip();
        let domain = json!([["model", "=", "res.groups"], ["module", "in", modules], ["name", "in", names]]);
        let groups: Vec<Group> = self.all("ir.model.data", domain, &["module", "name", "res_id"], log).await?;
        there.groups =
            groups.into_iter().map(|group| (format!("{}.{}", group.module, group.name), group.res_id)).collect();
        there.user_groups = self.groups_field("res.users", log).await?;
        // since 19 a user's field has only what was given; what follows from that has a field of its own
        let all = match there.user_groups {
            "group_ids" => "all_group_ids",
            before => before,
        };
        let users: Vec<Value> = self.all("res.users", json!([["login", "=", LOGIN]]), &["active", all], log).await?;
        there.user = users.first().and_then(|row| {
            let groups = row[all].as_array().into_iter().flatten().filter_map(Value::as_i64);
            Some(User { id: row["id"].as_i64()?, active: row["active"] == true, groups: groups.collect() })
        });
        Ok(())
    }

    /// Every record, also one that is archived.
    async fn all<T: serde::de::DeserializeOwned>(
        &self,
        model: &str,
        domain: Value,
        fields: &[&str],
        log: &dyn CallLog,
    ) -> Result<Vec<T>, CallError> {
        let context = json!({"active_test": false});
        let body = json!({"domain": domain, "fields": fields, "order": "id", "context": context});
        self.ask(model, "search_read", body, log).await
    }

    /// The values that a selection takes.
    async fn options(&self, model: &str, field: &str, log: &dyn CallLog) -> Result<BTreeSet<String>, CallError> {
        let body = json!({"allfields": [field], "attributes": ["selection"]});
        let fields: Value = self.ask(model, "fields_get", body, log).await?;
        let options = fields[field]["selection"].as_array().cloned().unwrap_or_default();
        Ok(options.iter().filter_map(|pair| pair[0].as_str().map(str::to_owned)).collect())
    }

    /// What this version calls the groups of users and actions.
    async fn groups_field(&self, model: &str, log: &dyn CallLog) -> Result<&'static str, CallError> {
        let body = json!({"allfields": ["group_ids", "groups_id"], "attributes": ["type"]});
        let fields: Value = self.ask(model, "fields_get", body, log).await?;
        Ok(if fields["group_ids"].is_null() { "groups_id" } else { "group_ids" })
    }
}
