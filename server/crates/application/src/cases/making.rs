//! How a case comes to be at a desk, once: by looking, by waiting where it may be there unseen, and only then by making it.

use super::{CaseError, CaseOutcome, CaseWork, wanted};
use desks::{KeyGuard, NewCase};
use jiff::{SignedDuration, Timestamp};
use outbound::ErrorClass;
use storage::{
    limits::SETTLE,
    work::{CaseRecord, CaseStatus, ExceptionRecord},
};

impl CaseWork<'_> {
    /// Looks for the case, and makes it where there is none. That it is about to be made is durable before the call: who comes
    /// next, after a crash, an unknown outcome or beside this one, waits until the desk must show it. None is made before.
    pub(super) async fn open(
        &self,
        exception: &ExceptionRecord,
        case: &mut CaseRecord,
    ) -> Result<CaseOutcome, CaseError> {
        let made = match self.desk.find(&case.external_key, self.calls).await? {
            Some(found) => found,
            None => {
                if let Some(at) = self.shows_at(case).filter(|at| *at > self.context.now()) {
                    return Ok(CaseOutcome::NotBefore(at));
                }
                let queue = self.queue(exception).await?;
                let text = NewCase { requester: self.requester().await?, queue, ..self.text_of(exception, case) };
                case.ticket.tried_at = Some(self.context.now());
                self.keep(case).await?;
                match self.desk.create(&text, self.calls).await {
                    Ok(made) => {
                        case.ticket.severity = Some(exception.severity);
                        made
                    }
                    Err(error) => {
                        if was_not_made(error.class) {
                            case.ticket.tried_at = None;
                            self.keep(case).await?;
                        }
                        return Err(error.into());
                    }
                }
            }
        };
        case.number = Some(made.number);
        case.url = Some(made.url);
        case.status = CaseStatus::Open;
        case.ticket.tried_at = None;
        self.keep(case).await?;
        Ok(CaseOutcome::Agreed)
    }

    /// The queue that a rule chooses at this desk; none: that of the connection.
    async fn queue(&self, exception: &ExceptionRecord) -> Result<Option<String>, CaseError> {
        let wanted = wanted::wanted(self.context, self.scope, self.loaded, exception).await?;
        Ok(wanted.filter(|wanted| wanted.desk.as_deref() == Some(self.name)).and_then(|wanted| wanted.queue))
    }

    /// When the desk shows a case that was about to be made; none where none was, or where the desk itself makes no second one.
    fn shows_at(&self, case: &CaseRecord) -> Option<Timestamp> {
        if self.desk.manifest().key == KeyGuard::Desk {
            return None;
        }
        let lag = SignedDuration::try_from(self.desk.manifest().find_lag).unwrap_or(SETTLE).max(SETTLE);
        case.ticket.tried_at?.checked_add(lag).ok()
    }
}

/// Whether it is certain that the desk made nothing. A failure of its own may come after it did.
fn was_not_made(class: ErrorClass) -> bool {
    match class {
        ErrorClass::UnknownOutcome | ErrorClass::ServerError | ErrorClass::BadAnswer | ErrorClass::NoAnswer => false,
        ErrorClass::Unreachable
        | ErrorClass::TimeoutBeforeSend
        | ErrorClass::RateLimited
        | ErrorClass::Unauthorized
        | ErrorClass::Forbidden
        | ErrorClass::MissingRight
        | ErrorClass::NotFound
        | ErrorClass::Rejected
        | ErrorClass::Conflict
        | ErrorClass::Misconfigured => true,
    }
}
