//! Which of our fields an Odoo has.

use super::record::RecordKind;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Where some are missing it is asked again after so many uses: a set-up may have made them meanwhile.
const USES_MAX: u32 = 100;

/// Which of our fields an Odoo has, by kind of record, as it last said.
#[derive(Debug, Default)]
pub(super) struct FieldNames(Mutex<BTreeMap<RecordKind, Known>>);

#[derive(Debug)]
struct Known {
    names: Arc<[String]>,
    is_complete: bool,
    uses: u32,
}

impl FieldNames {
    /// The fields, where they need not be asked for. Where a delivery has none it is asked each time: nothing works without.
    pub(super) fn known(&self, kind: RecordKind) -> Option<Arc<[String]>> {
        let mut all = self.0.lock().expect("no panic while held");
        let known = all.get_mut(&kind).filter(|known| kind == RecordKind::Order || !known.names.is_empty())?;
        known.uses += 1;
        (known.is_complete || known.uses <= USES_MAX).then(|| Arc::clone(&known.names))
    }

    /// The fields that Odoo last said that it has; none where it was not asked.
    pub(super) fn last(&self, kind: RecordKind) -> Option<Arc<[String]>> {
        let all = self.0.lock().expect("no panic while held");
        all.get(&kind).map(|known| Arc::clone(&known.names))
    }

    /// Keeps what Odoo said.
    pub(super) fn keep(&self, kind: RecordKind, names: Vec<String>, wanted: usize) -> Arc<[String]> {
        let is_complete = names.len() == wanted;
        let names: Arc<[String]> = names.into();
        let known = Known { names: Arc::clone(&names), is_complete, uses: 0 };
        self.0.lock().expect("no panic while held").insert(kind, known);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_missing_are_asked_for_again_after_a_while() {
        let (names, kind) = (FieldNames::default(), RecordKind::Delivery);
        assert_eq!(names.known(kind), None);
        names.keep(kind, Vec::new(), 2);
        assert_eq!(names.known(kind), None, "none: each time");
        names.keep(kind, vec!["a".into()], 2);
        for _ in 0..USES_MAX {
            assert!(names.known(kind).is_some());
        }
        assert_eq!(names.known(kind), None);
        names.keep(kind, vec!["a".into(), "b".into()], 2);
        assert!((0..=2 * USES_MAX).all(|_| names.known(kind).is_some()), "all are there");
        assert_eq!((names.known(RecordKind::Order), names.last(RecordKind::Order)), (None, None));
        names.keep(RecordKind::Order, Vec::new(), 2);
        assert_eq!(names.known(RecordKind::Order).as_deref(), Some(&[][..]), "an order without fields shows nothing");
    }
}
