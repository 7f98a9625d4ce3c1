//! Agents of the service desk: their names are personal data, sealed under a key of each agent, and shown to roles that may
//! see personal data.

use crate::{
    audit,
    caller::Caller,
    connections::live::Snapshot,
    context::Context,
    error::{Result, UseCaseError},
    keys::{sealed_audit, sealed_value, value_of},
    vault::DataKey,
};
use desks::SOMEBODY;
use domain::{
    access::Permission,
    ids::{SubjectId, content_id},
};
use std::collections::HashMap;
use storage::{
    Scope, Sealed,
    people::AuditLine,
    work::{Agent, CaseRecord, CaseStatus},
};

/// The place in the vault where a case keeps the name.
const NAME: &str = "case.agent";

/// An agent who gave a ticket another status: as the case keeps it, and as the audit line does. Of one who was erased, and
/// where the desk names nobody, there is no name in either.
///
/// # Errors
/// When the store fails or the master key is another one.
pub(crate) async fn sealed(
    context: &Context,
    scope: Scope,
    desk: &str,
    name: &str,
    status: CaseStatus,
) -> Result<(Agent, Sealed)> {
    let key = if name == SOMEBODY { None } else { key_of(context, scope, desk, name).await? };
    let Some(key) = key else {
        let after = sealed_audit(context, scope, &serde_json::json!({"status": status})).await?;
        return Ok((Agent { name: None }, after));
    };
    let after = sealed_value(&key, &serde_json::json!({"status": status, "agent": name}));
    Ok((Agent { name: Some(key.seal(NAME, name.as_bytes())) }, after))
}

/// The name of an agent, sealed; none of one who was erased.
///
/// # Errors
/// When the store fails or the master key is another one.
pub(super) async fn name_of(context: &Context, scope: Scope, desk: &str, name: &str) -> Result<Option<Sealed>> {
    let key = key_of(context, scope, desk, name).await?;
    Ok(key.map(|key| key.seal(NAME, name.as_bytes())))
}

/// The key of an agent, made on first use; none once it was destroyed.
async fn key_of(context: &Context, scope: Scope, desk: &str, name: &str) -> Result<Option<DataKey>> {
    let subject = subject(context, desk, name);
    let people = &context.store.people;
    let kept = match people.keys(scope, vec![subject]).await?.remove(&subject) {
        Some(None) => return Ok(None),
        Some(Some(kept)) => kept,
        None => people.put_key(scope, context.vault.new_key(subject).1, context.now()).await?,
    };
    Ok(Some(context.vault.unwrap(&kept).map_err(|e| UseCaseError::Internal(e.to_string()))?))
}

/// Under what the key of an agent of one desk is kept.
fn subject(context: &Context, desk: &str, name: &str) -> SubjectId {
    let named = serde_json::to_vec(&(context.company, desk, name)).expect("plain data serialises");
    // keyed, since a name could be guessed from a plain digest
    SubjectId(content_id("agent", &[&context.vault.digest(&named)]))
}

/// Under what the keys of an agent are kept, for every desk that there is.
pub(crate) fn subjects(context: &Context, name: &str) -> Vec<SubjectId> {
    desks::names().into_iter().map(|desk| subject(context, desk, name)).collect()
}

/// A case, with the names that it has for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The case.
    pub case: CaseRecord,
    /// What people call its desk.
    pub desk: String,
    /// The agent who closed the ticket; none where nobody did, or the name may not be read.
    pub agent: Option<String>,
    /// The agent who has the ticket; none where no agent has it, or the name may not be read.
    pub assignee: Option<String>,
}

/// Opens the names of agents for one caller; none for one who may not read personal data.
pub(crate) struct Names(HashMap<SubjectId, DataKey>);

impl Names {
    /// Opens the names in these cases and audit lines.
    ///
    /// # Errors
    /// When the store fails or the master key is another one.
    pub(crate) async fn read<'a>(
        context: &Context,
        caller: &Caller,
        cases: impl Iterator<Item = &'a CaseRecord>,
        lines: impl Iterator<Item = &'a AuditLine>,
    ) -> Result<Self> {
        if !caller.may(Permission::ReadPersonal) {
            return Ok(Self(HashMap::new()));
        }
        let in_case = |case: &'a CaseRecord| {
            let closed_by = case.closed_by.as_ref().and_then(|agent| agent.name.as_ref());
            closed_by.into_iter().chain(&case.ticket.assignee)
        };
        let in_cases = cases.flat_map(in_case);
        let in_lines = lines.filter_map(|line| of_ticket(line)?.after.as_ref());
        let subjects = in_cases.chain(in_lines).map(|sealed| sealed.subject).collect();
        Ok(Self(audit::keys_of(context, caller.scope(), subjects).await?))
    }

    /// A case with its desk and who closed its ticket.
    pub(crate) fn ticket(&self, case: CaseRecord, connections: &Snapshot) -> Ticket {
        let assignee = case.ticket.assignee.as_ref().and_then(|sealed| self.name(sealed));
        Ticket { agent: self.of_case(&case), assignee, desk: connections.label(&case.desk), case }
    }

    /// Who closed a case's ticket.
    pub(crate) fn of_case(&self, case: &CaseRecord) -> Option<String> {
        self.name(case.closed_by.as_ref()?.name.as_ref()?)
    }

    fn name(&self, sealed: &Sealed) -> Option<String> {
        String::from_utf8(self.0.get(&sealed.subject)?.open(NAME, sealed).ok()?).ok()
    }

    /// Who did at the desk what an audit line records.
    pub(crate) fn of_line(&self, line: &AuditLine) -> Option<String> {
        let sealed = of_ticket(line)?.after.as_ref()?;
        let value = value_of(self.0.get(&sealed.subject)?, sealed)?;
        Some(value.get("agent")?.as_str()?.to_owned())
    }
}

/// A line about a ticket; lines about other things name no agent.
fn of_ticket(line: &AuditLine) -> Option<&AuditLine> {
    line.action.starts_with("case.").then_some(line)
}
