//! Erasure: the key of a customer, or of an agent of the service desk, is destroyed, and what was sealed under it is noise
//! wherever copies of it lie. A backup has the key still, so every erasure is written to a list outside of the database and
//! its backups first (the tombstones), and the list is applied again at each start and after each restore.

use super::{Result, UseCaseError, agents};
use crate::{tower::Tower, vault::Vault};
use domain::ids::{ShipmentId, SubjectId};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use storage::{AuditEntry, Scope, StoreError};

/// The kind of the tags that seal the lines of the list.
const TAG: &str = "tombstone";

/// Erases the customer of a shipment: name, address, mail, language, and the words under which they were found.
///
/// # Errors
/// When there is no such shipment or no customer data, or the list or the store cannot be written; then nothing, or
/// everything after the next start, is erased.
pub async fn erase_customer(tower: &Tower, scope: Scope, shipment: ShipmentId, why: String) -> Result<()> {
    let sealed = tower.store.shipments.customer(scope, shipment).await?;
    let (sealed, _) = sealed.ok_or(UseCaseError::NotFound("customer data"))?;
    // the list first: a crash in between leads to the erasure at the next start, never to a forgotten one
    append(tower, sealed.subject)?;
    let audit = AuditEntry {
        at: tower.now(),
        action: "customer.erase",
        subject: format!("shipment:{shipment}"),
        before: None,
        after: None,
        why: Some(why),
    };
    Ok(tower.store.people.destroy_key(scope, sealed.subject, audit).await?)
}

/// Erases an agent of the service desk: the name in cases and in lines of the audit trail, and for good, whatever that agent does
/// later.
///
/// # Errors
/// When no agent of this name is known, or the list or the store cannot be written; then nothing, or everything after the next
/// start, is erased.
pub async fn erase_agent(tower: &Tower, scope: Scope, name: &str, why: String) -> Result<()> {
    let keys = tower.store.people.keys(scope, agents::subjects(tower, name)).await?;
    let kept: Vec<SubjectId> = keys.into_iter().filter_map(|(subject, key)| key.map(|_| subject)).collect();
    if kept.is_empty() {
        return Err(UseCaseError::NotFound("agent"));
    }
    for subject in kept {
        append(tower, subject)?;
        let audit = AuditEntry {
            at: tower.now(),
            action: "agent.erase",
            subject: format!("subject:{subject}"),
            before: None,
            after: None,
            why: Some(why.clone()),
        };
        tower.store.people.destroy_key(scope, subject, audit).await?;
    }
    Ok(())
}

/// Erases again what the list names; how many were there again.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn reapply(tower: &Tower) -> Result<u64> {
    let mut again = 0;
    for subject in read(&tower.config.tombstones, &tower.vault)? {
        let audit = AuditEntry {
            at: tower.now(),
            action: "subject.erase_again",
            subject: format!("subject:{subject}"),
            before: None,
            after: None,
            why: Some("a restored backup had it still".into()),
        };
        match tower.store.people.destroy_key(tower.scope(), subject, audit).await {
            Ok(()) => again += 1,
            // what the backup does not know comes with the next import or poll, unless it is known to be erased
            Err(StoreError::NotFound(_)) => tower.store.people.bury_key(tower.scope(), subject, tower.now()).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(again)
}

fn append(tower: &Tower, subject: SubjectId) -> Result<()> {
    let line = line(&tower.vault, &format!("{subject} {}", tower.now()));
    write(&tower.config.tombstones, &line).map_err(|error| broken(&tower.config.tombstones, &error))
}

fn line(vault: &Vault, text: &str) -> String {
    format!("{text} {}\n", vault.token(TAG, text))
}

fn write(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    // half a line is of a crash before anything was erased
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    // the name of a new file has to be on the disk too
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn read(path: &Path, vault: &Vault) -> Result<Vec<SubjectId>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(path, &error)),
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text[..whole]
        .lines()
        .enumerate()
        .map(|(n, entry)| {
            let named = entry.rsplit_once(' ').filter(|(text, _)| line(vault, text).trim_end() == entry);
            let subject = named.and_then(|(text, _)| text.split(' ').next()?.parse().ok());
            subject.ok_or_else(|| {
                UseCaseError::Internal(format!(
                    "line {} of {} was changed, or is of another master key: put back the file as it was",
                    n + 1,
                    path.display()
                ))
            })
        })
        .collect()
}

fn broken(path: &Path, error: &std::io::Error) -> UseCaseError {
    UseCaseError::Unavailable(format!("the list of erasures {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use domain::ids::content_id;

    #[test]
    fn the_list_outlives_a_torn_line_and_notices_a_changed_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tombstones");
        let vault = Vault::new(&[1; 32], ManualClock::at("2026-03-01T00:00:00Z".parse().unwrap()));
        assert_eq!(read(&path, &vault).unwrap(), [], "no list is an empty one");
        let subject = |n: u8| SubjectId(content_id("test", &[&[n]]));
        let entry = |n| line(&vault, &format!("{} 2026-03-01T00:00:00Z", subject(n)));
        write(&path, &entry(1)).unwrap();
        std::fs::write(&path, format!("{}0195", entry(1))).unwrap();
        assert_eq!(read(&path, &vault).unwrap(), [subject(1)], "half a line was never told");
        write(&path, &entry(2)).unwrap();
        assert_eq!(read(&path, &vault).unwrap(), [subject(1), subject(2)]);
        let changed = std::fs::read_to_string(&path).unwrap().replace(&subject(1).to_string(), &subject(3).to_string());
        std::fs::write(&path, changed).unwrap();
        assert!(read(&path, &vault).unwrap_err().to_string().contains("line 1"));
    }
}
