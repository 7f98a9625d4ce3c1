//! The list of erasures: a file outside of the database and its backups, of which each line is sealed.

use crate::{
    error::{Result, UseCaseError},
    vault::Vault,
};
use domain::ids::{ShipmentId, SubjectId};
use jiff::Timestamp;
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The kind of the tags that seal the lines of the list.
const TAG: &str = "tombstone";
/// Before the shipment in a line of the list.
const OF: &str = "shipment:";

/// Adds a line: this subject is erased from now on, and with it what is about this shipment.
///
/// # Errors
/// When the list cannot be written.
pub(crate) fn append(
    path: &Path,
    vault: &Vault,
    now: Timestamp,
    subject: SubjectId,
    shipment: Option<ShipmentId>,
) -> Result<()> {
    let shipment = shipment.map(|shipment| format!(" {OF}{shipment}")).unwrap_or_default();
    let line = line(vault, &format!("{subject} {now}{shipment}"));
    write(path, &line).map_err(|error| broken(path, &error))
}

/// The shipment that a line is about, where it is about one.
pub(crate) fn shipment_of(line: &str) -> Option<ShipmentId> {
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

/// The subjects that the list names.
pub(crate) fn read(path: &Path, vault: &Vault) -> Result<Vec<SubjectId>> {
    let lines = lines(path, vault)?;
    let subject = |(n, line): (usize, &String)| {
        line.split(' ').next().and_then(|subject| subject.parse().ok()).ok_or_else(|| changed(path, n))
    };
    lines.iter().enumerate().map(subject).collect()
}

/// The lines of the list, each of which was sealed here; none where there is no list.
pub(crate) fn lines(path: &Path, vault: &Vault) -> Result<Vec<String>> {
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
        assert_eq!(read(&path, &vault).unwrap(), [subject(1)], "half a line was never acknowledged");
        write(&path, &entry(2)).unwrap();
        assert_eq!(read(&path, &vault).unwrap(), [subject(1), subject(2)]);
        let changed = std::fs::read_to_string(&path).unwrap().replace(&subject(1).to_string(), &subject(3).to_string());
        std::fs::write(&path, changed).unwrap();
        assert!(read(&path, &vault).unwrap_err().to_string().contains("line 1"));
    }
}
