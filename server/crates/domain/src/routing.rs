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

/// Names in one list of a desk.
pub const NAMES_MAX: usize = 100;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 200;

/// What is wrong with what a desk is to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakesFault {
    /// The list.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
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
    /// Severities by their codes, each once.
    ///
    /// # Errors
    /// When one is none: a list without it would take more than was meant.
    pub fn severities_of(codes: &[String]) -> Result<Vec<Severity>, TakesFault> {
        let mut severities = Vec::new();
        for code in codes {
            let Some(severity) = Severity::from_code(code) else {
                let known: Vec<_> = Severity::ALL.iter().map(|severity| severity.code()).collect();
                let message = format!("there is no severity {code:?}: there are {}", known.join(", "));
                return Err(TakesFault { field: "severities", message });
            };
            if !severities.contains(&severity) {
                severities.push(severity);
            }
        }
        Ok(severities)
    }

    /// Whether its lists have a length that every process can hold.
    ///
    /// # Errors
    /// When a list has too many names, or one of them is empty or too long.
    pub fn check(&self) -> Result<(), TakesFault> {
        let lists = [("companies", &self.companies), ("warehouses", &self.warehouses), ("carriers", &self.carriers)];
        for (field, names) in lists {
            let fault = |message: String| Err(TakesFault { field, message });
            if names.len() > NAMES_MAX {
                return fault(format!("there are at most {NAMES_MAX} {field}, and these are {}", names.len()));
            }
            let is_name = |name: &&String| (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count());
            if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
                let begin: String = wrong.chars().take(20).collect();
                return fault(format!("a name in {field} has 1 to {NAME_CHARS_MAX} characters, unlike {begin:?}…"));
            }
        }
        if self.severities.len() > Severity::ALL.len() {
            return Err(TakesFault { field: "severities", message: "name each severity once".into() });
        }
        Ok(())
    }

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
    fn an_unknown_severity_is_no_condition_less() {
        let read = |codes: &[&str]| Takes::severities_of(&words(codes));
        let known: Vec<_> = Severity::ALL.iter().map(|severity| severity.code()).collect();
        assert_eq!(read(&known), Ok(Severity::ALL.to_vec()));
        assert_eq!(read(&[known[0], known[0]]), Ok(vec![Severity::ALL[0]]));
        assert_eq!(read(&[]), Ok(Vec::new()));
        for bad in ["severe", "", "high"] {
            let fault = read(&[known[0], bad]).unwrap_err();
            assert!(fault.field == "severities" && fault.message.contains(known[0]), "{fault:?}");
        }
    }

    #[test]
    fn the_lists_of_a_desk_have_limits() {
        assert_eq!(Takes::default().check(), Ok(()));
        let most = vec!["x".repeat(NAME_CHARS_MAX); NAMES_MAX];
        assert_eq!(Takes { companies: most.clone(), ..Takes::default() }.check(), Ok(()));
        for bad in [[most, words(&["one more"])].concat(), words(&[""]), vec!["x".repeat(NAME_CHARS_MAX + 1)]] {
            for (field, takes) in [
                ("companies", Takes { companies: bad.clone(), ..Takes::default() }),
                ("warehouses", Takes { warehouses: bad.clone(), ..Takes::default() }),
                ("carriers", Takes { carriers: bad.clone(), ..Takes::default() }),
            ] {
                assert_eq!(takes.check().unwrap_err().field, field);
            }
        }
        let often = Takes { severities: vec![Severity::Minor; 1_000], ..Takes::default() };
        assert_eq!(often.check().unwrap_err().field, "severities");
    }

    #[test]
    fn conditions_are_stored_without_what_is_empty() {
        assert_eq!(serde_json::to_string(&Takes::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Takes>("{}").unwrap(), Takes::default());
    }
}
