//! Which system a connection leads to, by its settings: where its secret may be sent, whether its records are still the same
//! ones, and which two connections would do the same work twice.

use outbound::{Url, template::Family};
use serde_json::Value;
use std::fmt;

/// A system that Milepost calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct System {
    origin: String,
    path: String,
    database: String,
    queue: String,
}

impl System {
    /// The one that these settings lead to; none where nothing is called, or they have no address.
    pub(super) fn of(family: Option<Family>, settings: &Value) -> Option<Self> {
        if !matches!(family, Some(Family::Orders | Family::Desk | Family::Shipping | Family::Channel)) {
            return None;
        }
        let url = match settings["host"].as_str().filter(|_| family == Some(Family::Channel)) {
            Some(host) => {
                Url::parse(&format!("smtp://{}:{}", host.trim(), settings["port"].as_u64().unwrap_or(0))).ok()?
            }
            None => Url::parse(settings["url"].as_str()?.trim()).ok()?,
        };
        let host = url.host_str()?.trim_end_matches('.');
        let text = |field: &str| settings[field].as_str().unwrap_or_default().trim().to_owned();
        Some(Self {
            origin: format!("{}://{host}:{}", url.scheme(), url.port_or_known_default().unwrap_or_default()),
            path: url.path().trim_end_matches('/').to_owned(),
            database: text("database"),
            // two spellings of a queue are one queue
            queue: text("queue").to_lowercase(),
        })
    }

    /// Whether a secret of one may be sent to the other: scheme, host and port are the same.
    pub(super) fn shares_secrets(&self, other: &Self) -> bool {
        self.origin == other.origin
    }

    /// The setting by which it is another system, whose records have nothing to do with this one's; none where it is the same.
    pub(super) fn differs(&self, other: &Self) -> Option<&'static str> {
        if (&self.origin, &self.path) != (&other.origin, &other.path) {
            Some("url")
        } else if self.database != other.database {
            Some("database")
        } else {
            None
        }
    }

    /// Whether a connection to each would do everything twice.
    pub(super) fn does_same_work(&self, other: &Self) -> bool {
        self.differs(other).is_none() && self.queue == other.queue
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)?;
        for (what, name) in [("database", &self.database), ("queue", &self.queue)] {
            if !name.is_empty() {
                write!(f, ", {what} {name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn odoo(url: &str, database: &str) -> System {
        System::of(Some(Family::Orders), &json!({"url": url, "database": database})).unwrap()
    }

    fn desk(url: &str, queue: &str) -> System {
        System::of(Some(Family::Desk), &json!({"url": url, "queue": queue})).unwrap()
    }

    #[test]
    fn what_leads_to_the_same_system_is_known_in_every_spelling() {
        let one = odoo("https://odoo.example.com", "prod");
        for url in [
            "https://odoo.example.com/",
            "https://ODOO.example.com:443",
            "https://odoo.example.com./",
            " https://odoo.example.com",
            "https://odoo.example.com/x/..",
        ] {
            let same = odoo(url, " prod ");
            assert!(one.shares_secrets(&same) && one.differs(&same).is_none() && one.does_same_work(&same), "{url}");
        }
    }

    #[test]
    fn what_makes_it_another_system() {
        let one = odoo("https://odoo.example.com", "prod");
        for (url, database, secrets, differs) in [
            ("https://odoo.example.com", "staging", true, "database"),
            ("https://odoo.example.com", "Prod", true, "database"),
            ("https://odoo.example.com/other", "prod", true, "url"),
            ("http://odoo.example.com", "prod", false, "url"),
            ("https://odoo.example.com:8443", "prod", false, "url"),
            ("https://odoo.example.com.evil.example", "prod", false, "url"),
            ("https://example.com", "prod", false, "url"),
        ] {
            let other = odoo(url, database);
            assert_eq!(one.shares_secrets(&other), secrets, "{url}");
            assert_eq!((one.differs(&other), one.does_same_work(&other)), (Some(differs), false), "{url} {database}");
        }
    }

    #[test]
    fn another_queue_is_other_work_at_the_same_desk() {
        let (one, other) = (desk("https://rt.example.com", "Shipments"), desk("https://rt.example.com", "Claims"));
        assert!(one.differs(&other).is_none() && !one.does_same_work(&other));
        assert!(one.does_same_work(&desk("https://rt.example.com/", "shipments")));
    }

    #[test]
    fn a_source_leads_to_no_system() {
        assert_eq!(System::of(Some(Family::Carrier), &json!({"url": "https://x.example"})), None);
        assert_eq!(System::of(Some(Family::Orders), &json!({"database": "prod"})), None);
        assert_eq!(System::of(None, &json!({"url": "https://x.example"})), None);
    }
}
