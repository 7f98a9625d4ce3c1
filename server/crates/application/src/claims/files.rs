//! Files that people add to a claim: photos, reports, statements. Sealed at rest; reading one is audited.

use super::{prepare::recount, sealing};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    access::Permission,
    claims::{ClaimNumber, EvidenceKind},
    documents::FileFormat,
    ids::{ClaimFileId, ClaimId},
};
use ring::digest;
use storage::{
    Scope,
    claims::{ClaimFile, ClaimRecord},
};

/// The largest file in bytes.
pub const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Characters of a file's name.
const NAME_CHARS_MAX: usize = 120;

/// A file to be added.
#[derive(Clone)]
pub struct NewFile {
    /// What it is evidence of.
    pub kind: EvidenceKind,
    /// The name that it came under.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A file, opened.
#[derive(Clone)]
pub struct OpenedFile {
    /// The name that it came under.
    pub name: String,
    /// What kind of file it is.
    pub format: FileFormat,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The SHA-256 of something, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds a file.
///
/// # Errors
/// When the caller may not, there is no such claim, or the file is empty, too large or of a kind that is not taken.
pub async fn add_file(context: &Context, caller: &Caller, number: ClaimNumber, new: NewFile) -> Result<()> {
    caller.require(Permission::Act)?;
    let scope = caller.scope();
    let found = claim(context, caller, number).await?;
    let invalid = |message: String| UseCaseError::Invalid { field: "file", message };
    if new.bytes.is_empty() {
        return Err(invalid("Choose a file that is not empty.".into()));
    }
    if new.bytes.len() > FILE_BYTES_MAX {
        return Err(invalid(format!("A file has at most {} MB.", FILE_BYTES_MAX / 1024 / 1024)));
    }
    if !new.kind.takes_files() {
        return Err(UseCaseError::Invalid { field: "kind", message: "Choose what the file shows.".into() });
    }
    // what it is called says nothing about what it is
    let format = FileFormat::of(&new.bytes)
        .ok_or_else(|| invalid("Only PDF, PNG, JPEG, GIF, WebP and TIFF files can be added.".into()))?;
    let id = ClaimFileId(context.clock.id());
    let key = sealing::key(context, scope, found.shipment).await?;
    let file = ClaimFile {
        id,
        kind: new.kind,
        format,
        size: new.bytes.len() as u64,
        digest: sha256(&new.bytes),
        name: key.seal(sealing::FILE_NAME, plain_name(&new.name, format).as_bytes()),
        added_at: context.now(),
    };
    let content = key.seal(sealing::FILE, &new.bytes);
    let audit = context.audit("claim.file_added", format!("claim:{}", found.id));
    context.store.claims.keep_file(scope, found.id, file, content, audit).await?;
    counted(context, scope, found.id).await;
    Ok(())
}

/// The file is there or gone whether or not it is counted; the next look at the evidence counts anew.
async fn counted(context: &Context, scope: Scope, claim: ClaimId) {
    if let Err(error) = recount(context, scope, claim).await {
        tracing::warn!(%claim, "the evidence of the claim is counted later: {error}");
    }
}

/// A name without folders and without what is not printed, with the ending of what the file is.
fn plain_name(name: &str, format: FileFormat) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let plain = |c: char| if c.is_alphanumeric() || " -_()".contains(c) { c } else { '_' };
    let stem: String = stem.trim().chars().take(NAME_CHARS_MAX).map(plain).collect();
    let stem = if stem.is_empty() { "file" } else { &stem };
    format!("{stem}.{}", format.extension())
}

/// One file. That it was read is in the audit trail.
///
/// # Errors
/// When the caller may not, or there is none.
pub async fn file(context: &Context, caller: &Caller, number: ClaimNumber, id: ClaimFileId) -> Result<OpenedFile> {
    caller.require(Permission::ReadPersonal)?;
    let scope = caller.scope();
    let found = claim(context, caller, number).await?;
    let missing = || UseCaseError::NotFound("file");
    let (file, content) = context.store.claims.file(scope, found.id, id).await?.ok_or_else(missing)?;
    let audit = context.audit("claim.file_read", format!("claim_file:{id}"));
    context.store.people.audit(scope, audit).await?;
    let bytes = sealing::opened(context, scope, sealing::FILE, &content).await?.ok_or_else(missing)?;
    let name = sealing::opened_text(context, scope, sealing::FILE_NAME, &file.name).await?.ok_or_else(missing)?;
    Ok(OpenedFile { name, format: file.format, bytes })
}

/// Removes a file.
///
/// # Errors
/// When the caller may not, there is none, or the claim was filed with it.
pub async fn remove_file(context: &Context, caller: &Caller, number: ClaimNumber, id: ClaimFileId) -> Result<()> {
    caller.require(Permission::Act)?;
    let found = claim(context, caller, number).await?;
    if found.claim.filed_on.is_some() {
        return Err(UseCaseError::Forbidden("the claim was filed with its files: they stay as they were"));
    }
    let audit = context.audit("claim.file_removed", format!("claim:{}", found.id));
    match context.store.claims.remove_file(caller.scope(), found.id, id, audit).await? {
        true => {
            counted(context, caller.scope(), found.id).await;
            Ok(())
        }
        false => Err(UseCaseError::NotFound("file")),
    }
}

async fn claim(context: &Context, caller: &Caller, number: ClaimNumber) -> Result<ClaimRecord> {
    context.store.claims.numbered(caller.scope(), number).await?.ok_or(UseCaseError::NotFound("claim"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_folder_and_the_ending_of_what_it_is() {
        for (name, plain) in [
            ("box.JPG", "box.png"),
            ("../../etc/passwd", "passwd.png"),
            (r"C:\Users\Jane\box.exe", "box.png"),
            ("a\u{202e}gnp.exe", "a_gnp.png"),
            ("", "file.png"),
            (".png", "file.png"),
            ("Schaden (1).png", "Schaden (1).png"),
        ] {
            assert_eq!(plain_name(name, FileFormat::Png), plain, "{name:?}");
        }
        assert!(plain_name(&"x".repeat(5_000), FileFormat::Pdf).len() < 200);
    }
}
