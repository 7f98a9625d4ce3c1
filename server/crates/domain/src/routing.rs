//! Which service desk takes an exception, where there are several.

use crate::Severity;
use serde::{Deserialize, Serialize};

/// Which exceptions a desk takes; a list that is empty takes any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Takes {
    /// Companies, as the order system names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<String>,
    /// Warehouses, as deliveries begin with them: `WH` of `WH/OUT/00042`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warehouses: Vec<String>,
    /// Carriers, as the carrier directory names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carriers: Vec<String>,
    /// Severities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<Severity>,
}

/// What a desk is chosen by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The company whose delivery it is.
    pub company: Option<String>,
    /// The warehouse.
    pub warehouse: Option<String>,
    /// The carriers of its numbers.
    pub carriers: Vec<String>,
    /// How bad it is.
    pub severity: Option<Severity>,
}

impl Takes {
    /// How many conditions an exception fulfils; none where it fails one.
    pub fn fits(&self, subject: &Subject) -> Option<usize> {
        let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
        let names = [
            (&self.companies, subject.company.as_slice()),
            (&self.warehouses, subject.warehouse.as_slice()),
            (&self.carriers, &subject.carriers[..]),
        ];
        let set = || names.iter().filter(|(wanted, _)| !wanted.is_empty());
        let named = set().all(|(wanted, there)| there.iter().any(|word| wanted.iter().any(|one| same(one, word))));
        let severity = self.severities.is_empty() || subject.severity.is_some_and(|it| self.severities.contains(&it));
        (named && severity).then(|| set().count() + usize::from(!self.severities.is_empty()))
    }
}

/// The desk that takes an exception: of those that do the one with the most conditions, then the first by name.
pub fn choose<'a>(desks: impl IntoIterator<Item = (&'a str, &'a Takes)>, subject: &Subject) -> Option<&'a str> {
    let fitting = desks.into_iter().filter_map(|(name, takes)| Some((takes.fits(subject)?, name)));
    let best = fitting.min_by(|(conditions, name), (others, other)| others.cmp(conditions).then(name.cmp(other)));
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_desk_with_the_most_conditions_takes_it() {
        let any = Takes::default();
        let critical = Takes { severities: vec![Severity::Critical], ..Takes::default() };
        let dhl = Takes { carriers: words(&["DHL"]), severities: vec![Severity::Critical], ..Takes::default() };
        let north = Takes { carriers: words(&["DHL"]), warehouses: words(&["WH"]), ..Takes::default() };
        let desks = [("desk", &any), ("critical", &critical), ("dhl", &dhl), ("north", &north), ("a", &any)];
        let chosen = |subject: Subject| choose(desks, &subject).unwrap();
        let of = |severity, carrier: &str| Subject {
            severity: Some(severity),
            carriers: words(&[carrier]),
            ..Subject::default()
        };
        assert_eq!(chosen(Subject::default()), "a", "then by name");
        assert_eq!(chosen(of(Severity::Critical, "ups")), "critical");
        assert_eq!(chosen(of(Severity::Critical, "dhl")), "dhl");
        assert_eq!(chosen(of(Severity::Minor, "dhl")), "a");
        let both = Subject { warehouse: Some("wh".into()), ..of(Severity::Minor, "dhl") };
        assert_eq!(chosen(both.clone()), "north");
        assert_eq!(chosen(Subject { warehouse: None, ..both }), "a");
        assert_eq!(choose([("critical", &critical)], &of(Severity::Minor, "dhl")), None);
    }

    #[test]
    fn a_company_has_its_own_desk() {
        let takes = |company: &str| Takes { companies: words(&[company]), ..Takes::default() };
        let (spain, germany, any) = (takes("Muebles SL"), takes(" MÖBEL GmbH "), Takes::default());
        let of = |company: Option<&str>| Subject { company: company.map(Into::into), ..Subject::default() };
        let desks = [("any", &any), ("es", &spain), ("de", &germany)];
        for (company, desk) in
            [(Some("Muebles SL"), "es"), (Some("Möbel GmbH"), "de"), (Some("Meubles SA"), "any"), (None, "any")]
        {
            assert_eq!(choose(desks, &of(company)), Some(desk), "{company:?}");
        }
        assert_eq!(choose([("es", &spain), ("de", &germany)], &of(Some("Meubles SA"))), None);
    }

    #[test]
    fn conditions_are_stored_without_what_is_empty() {
        assert_eq!(serde_json::to_string(&Takes::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Takes>("{}").unwrap(), Takes::default());
    }
}
