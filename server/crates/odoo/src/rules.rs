//! What follows from the settings of an Odoo: the steps for its deliveries, and who is asked about them.

use super::{
    config::Settings,
    steps::{Proofs, Returns, ValidateOn},
};
use domain::{
    effects::Invoicing,
    rule::{Steps, Terms},
};

impl Settings {
    /// The steps for deliveries on their way to a customer; the rules read them.
    pub fn steps(&self) -> Steps {
        let terms = Terms { how: self.invoice, on: self.invoice_on, of: self.invoice_for };
        Steps {
            validates_at_first_scan: self.validate_on == ValidateOn::FirstScan,
            attaches_proofs: self.proofs == Proofs::Attach,
            invoicing: (self.invoice != Invoicing::Never).then_some(terms),
            makes_returns: self.returns == Returns::Create,
        }
    }

    /// Who looks after a warehouse: a login.
    pub fn user_of(&self, warehouse: &str) -> Option<&str> {
        let pairs = self.warehouse_users.iter().filter_map(|pair| pair.split_once('='));
        let of_it = pairs.filter(|(of, _)| of.trim().eq_ignore_ascii_case(warehouse));
        of_it.map(|(_, login)| login.trim()).find(|login| !login.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::fields;
    use domain::effects::{InvoiceFor, InvoiceOn};
    use outbound::schema::FieldKind;
    use serde_json::json;

    #[test]
    fn each_setting_has_its_step() {
        let settings = |set: serde_json::Value| {
            let mut all = json!({"url": "https://odoo.example.com", "database": "odoo"});
            all.as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
            serde_json::from_value::<Settings>(all).unwrap()
        };
        let steps = |set| settings(set).steps();
        assert_eq!(steps(json!({})), Steps { attaches_proofs: true, ..Steps::default() });
        assert_eq!(steps(json!({"proofs": "never"})), Steps::default());
        let all = json!({"validate_on": "first_scan", "invoice": "post", "invoice_on": "pod", "invoice_for": "delivery", "returns": "create"});
        let terms = Terms { how: Invoicing::Post, on: InvoiceOn::Pod, of: InvoiceFor::Delivery };
        let every =
            Steps { validates_at_first_scan: true, attaches_proofs: true, invoicing: Some(terms), makes_returns: true };
        assert_eq!(steps(all), every);
        let warehouses = settings(json!({"warehouse_users": ["WH = anna", "nonsense", "PL=", "pl=piotr"]}));
        assert_eq!(warehouses.user_of("wh"), Some("anna"));
        assert_eq!(warehouses.user_of("PL"), Some("piotr"));
        assert_eq!(warehouses.user_of("X"), None);
    }

    #[test]
    fn what_the_form_offers_is_what_the_settings_take() {
        for field in fields() {
            let FieldKind::Choice(options) = &field.kind else { continue };
            for (value, _) in options {
                let all = json!({"url": "https://odoo.example.com", "database": "odoo", field.name: value});
                assert!(serde_json::from_value::<Settings>(all).is_ok(), "{}: {value}", field.name);
            }
            assert_eq!(
                field.default,
                Some(options[0].0),
                "{}: the first is what counts if nothing is said",
                field.name
            );
        }
    }
}
