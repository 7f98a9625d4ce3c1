//! Which database it is, whatever address leads there. Odoo's own mark of one (`database.uuid`) is for administrators alone.

use super::{OdooClient, rows::Row};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Map, Value, json};

/// The users that every database is made with, of whom Odoo lets none be deleted: its own and the administrator.
const FIRST_USERS: u32 = 2;

impl OdooClient {
    /// What tells this database from others: its name, and when its first users were made. Every internal user may read that, of
    /// every company. A copy under the same name has the same mark. None where Odoo does not say it.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn database_mark(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let body = json!({
            "domain": [["share", "=", false]], "fields": ["create_date"], "order": "id", "limit": FIRST_USERS,
            "context": {"active_test": false},
        });
        match self.ask::<Vec<Map<String, Value>>>("res.users", "search_read", body, log).await {
            Ok(users) => Ok(mark(self.place().1, &users)),
            // it is needed for no work
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::MissingRight) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn mark(database: &str, users: &[Map<String, Value>]) -> Option<String> {
    let made = |user: &Map<String, Value>| Row::new(user, "").moment("create_date");
    let made: Vec<String> = users.iter().filter_map(made).map(|at| at.to_string()).collect();
    (!made.is_empty()).then(|| format!("{database} {}", made.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_known_by_its_name_and_its_first_users() {
        let user = |at: Value| json!({"id": 1, "create_date": at}).as_object().unwrap().clone();
        let (one, other) = (user(json!("2026-11-30 15:53:10")), user(json!("2026-11-30 15:53:11")));
        let of = |name: &str, users: &[&Map<String, Value>]| {
            mark(name, &users.iter().map(|user| (*user).clone()).collect::<Vec<_>>())
        };
        let first = of("prod", &[&one, &one]);
        assert_eq!(first.as_deref(), Some("prod 2026-11-30T15:53:10Z 2026-11-30T15:53:10Z"));
        assert_ne!(first, of("staging", &[&one, &one]));
        assert_ne!(first, of("prod", &[&one, &other]));
        assert_eq!(of("prod", &[]), None);
        assert_eq!(of("prod", &[&user(json!(false))]), None, "nothing is said: it is like no other");
    }
}
