//! Keeping a case: figures count tickets and how long they are open, so that their shipment is counted again with it.

use super::{CaseError, CaseWork};
use storage::{
    jobs::{Cause, JobKind, NewJob},
    work::CaseRecord,
};

impl CaseWork<'_> {
    /// Keeps a case as it is now.
    pub(super) async fn keep(&self, case: &mut CaseRecord) -> Result<(), CaseError> {
        let counts = |case: &CaseRecord| (case.status, case.resolved_at);
        let before = self.loaded.cases.iter().find(|other| other.id == case.id);
        let fold = (before.map(counts) != Some(counts(case))).then(|| self.fold());
        self.context.store.work.put_case(self.scope, case.clone(), fold.into_iter().collect()).await?;
        case.revision += 1;
        Ok(())
    }

    /// Counts the shipment again, with what else follows from what changed.
    pub(super) fn fold(&self) -> NewJob {
        let shipment = self.shipment.id;
        self.context.job(JobKind::FOLD, shipment, Cause::Live, self.correlation, Some(shipment))
    }
}
