//! Erasure: the key of a customer, or of an agent of the service desk, is destroyed, and what was sealed under it is noise
//! wherever copies of it lie. What was received and answered about a customer's shipment is erased with it ([`rewriting`]). A backup has the key still, so every erasure is written to a list outside of the database and
//! its backups first (the tombstones), and the list is applied again at each start and after each restore.

use super::{Result, UseCaseError, agents, audit, orders::CUSTOMER, persons::Person, rewriting, tombstones};
use crate::{tower::Tower, vault::Vault};
use domain::ids::{ShipmentId, SubjectId};
use jiff::{SignedDuration, Timestamp};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use storage::{Scope, StoreError};

/// The kind of the tags that seal the lines of the list.
const TAG: &str = "tombstone";
/// Before the shipment in a line of the list.
const OF: &str = "shipment:";
/// What was being recorded while a shipment was erased had come before, but not longer before.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// Erases the customer of a shipment: name, address, mail, language, and the words under which they were found; and the texts
/// that were received and answered about it. Done again, it erases what came since.
///
/// # Errors
/// When there is no such shipment, or the list or the store cannot be written; then nothing, or everything after the next
/// start, is erased.
pub async fn erase_customer(tower: &Tower, scope: Scope, shipment: ShipmentId, why: String) -> Result<()> {
    tower.store.shipments.shipment(scope, shipment).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let customer = tower.store.shipments.customer(scope, shipment).await?.map(|(sealed, _)| sealed.subject);
    // the list first: a crash in between leads to the erasure at the next start, never to a forgotten one
    append(tower, customer.unwrap_or(SubjectId(shipment.0)), Some(shipment)).await?;
    let begun = tower.now();
    texts_of(tower, scope, shipment, Timestamp::UNIX_EPOCH).await?;
    let why = audit::reason(tower, scope, &why).await?;
    let audit = tower.audit("customer.erase", format!("shipment:{shipment}")).why(Some(why));
    // last: until then it is known whom to look for
    match customer {
        Some(subject) => tower.store.people.destroy_key(scope, subject, audit).await?,
        None => tower.store.people.audit(scope, audit).await?,
    }
    done(tower, shipment, begun).await
}

/// Erases the texts about a shipment that were received since then.
async fn texts_of(tower: &Tower, scope: Scope, shipment: ShipmentId, since: Timestamp) -> Result<()> {
    let customer = tower.store.shipments.customer(scope, shipment).await?;
    let opened = customer.and_then(|(sealed, key)| {
        let plain = tower.vault.unwrap(&key?).ok()?.open(CUSTOMER, &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    });
    let person = opened.map_or_else(Person::default, |customer| Person::of(&customer));
    rewriting::erase_texts(tower, scope, shipment, person, since).await
}

/// Remembers that everything received until then is erased, and clears the files.
async fn done(tower: &Tower, shipment: ShipmentId, begun: Timestamp) -> Result<()> {
    tower.store.people.put_setting(tower.scope(), &until(shipment), begun.to_string()).await?;
    Ok(tower.store.erasure.settle().await?)
}

/// The setting that says until when a shipment's texts are erased. A backup of before has none, or an earlier one.
fn until(shipment: ShipmentId) -> String {
    format!("erased.{shipment}")
}

/// Erases what was received of erased shipments since they were erased, or since the backup that is restored.
///
/// # Errors
/// When the list was tampered with or cannot be read, or the store fails.
pub async fn follow(tower: &Tower) -> Result<()> {
    for line in lines(&tower.config.tombstones, &tower.vault)? {
        let Some(shipment) = shipment_of(&line) else { continue };
        let kept = tower.store.people.setting(tower.scope(), &until(shipment)).await?;
        let (scope, begun) = (tower.scope(), tower.now());
        let is_first = kept.is_none();
        let mut since = kept.and_then(|until| until.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        let is_left = !tower.store.erasure.texts_about(scope, shipment, None).await?.is_empty();
        if is_left {
            since = since.checked_sub(OVERLAP).unwrap_or(since);
        }
        if is_first || is_left || !tower.store.erasure.about(scope, shipment, since, None).await?.is_empty() {
            texts_of(tower, scope, shipment, since).await?;
            done(tower, shipment, begun).await?;
        }
    }
    Ok(())
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
        append(tower, subject, None).await?;
        let why = audit::reason(tower, scope, &why).await?;
        let audit = tower.audit("agent.erase", format!("subject:{subject}")).why(Some(why));
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
    // first, while the keys are there that say whom to look for
    follow(tower).await?;
    for subject in read(&tower.config.tombstones, &tower.vault)? {
        let audit = tower.audit("subject.erase_again", format!("subject:{subject}"));
        match tower.store.people.destroy_key(tower.scope(), subject, audit).await {
            Ok(()) => again += 1,
            // what the backup does not know comes with the next import or poll, unless it is known to be erased
            Err(StoreError::NotFound(_)) => tower.store.people.bury_key(tower.scope(), subject, tower.now()).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(again)
}

async fn append(tower: &Tower, subject: SubjectId, shipment: Option<ShipmentId>) -> Result<()> {
    tombstones::require(tower).await?;
    let shipment = shipment.map(|shipment| format!(" {OF}{shipment}")).unwrap_or_default();
    let line = line(&tower.vault, &format!("{subject} {}{shipment}", tower.now()));
    write(&tower.config.tombstones, &line).map_err(|error| broken(&tower.config.tombstones, &error))?;
    tombstones::remember(tower).await
}

fn shipment_of(line: &str) -> Option<ShipmentId> {
    line.split(' ').find_map(|word| word.strip_prefix(OF)?.parse().ok())
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
    let lines = lines(path, vault)?;
    let subject = |(n, line): (usize, &String)| {
        line.split(' ').next().and_then(|subject| subject.parse().ok()).ok_or_else(|| changed(path, n))
    };
    lines.iter().enumerate().map(subject).collect()
}

/// The lines of the list, each of which was sealed here; none where there is no list.
pub(super) fn lines(path: &Path, vault: &Vault) -> Result<Vec<String>> {
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
            let sealed = entry.rsplit_once(' ').is_some_and(|(text, _)| line(vault, text).trim_end() == entry);
            sealed.then(|| entry.to_owned()).ok_or_else(|| changed(path, n))
        })
        .collect()
}

fn changed(path: &Path, place: usize) -> UseCaseError {
    UseCaseError::Internal(format!(
        "line {} of {} was changed, or is of another master key: put back the file as it was",
        place + 1,
        path.display()
    ))
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
