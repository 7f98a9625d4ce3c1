//! The bundle that goes to the carrier: a ZIP with a cover page for print, the facts as CSV and JSON, digests and signature
//! results of the messages, documents, and a manifest with the SHA-256 of every file.

mod cover;
mod tables;

use super::{
    evidence::{self, Evidence, Known},
    files::sha256,
    sealing,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    tracking::{normalise, proof},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Milestone,
    access::Permission,
    claims::ClaimNumber,
    documents::{Content, DocumentKind},
    ids::MessageId,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
};
use storage::{Scope, claims::ClaimRecord};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The most bytes of all files together.
const BYTES_MAX: u64 = 200 * 1024 * 1024;
/// The file that lists the others.
const MANIFEST: &str = "manifest.json";

/// A bundle.
#[derive(Clone)]
pub struct Bundle {
    /// `CL-0031.zip`.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What the parts of a bundle are made of.
struct Parts<'a> {
    company: String,
    record: &'a ClaimRecord,
    known: &'a Known,
    evidence: &'a [Evidence],
    note: Option<String>,
    /// SHA-256 of each message's body; those that are no longer kept have none.
    digests: BTreeMap<MessageId, String>,
    /// Where the carrier keeps documents.
    links: Vec<(DocumentKind, String)>,
    /// The names of the documents in the bundle.
    documents: Vec<String>,
    made_at: Timestamp,
    page: String,
}

/// Makes the bundle of a claim. It has names and photos: that it was made is in the audit trail.
///
/// # Errors
/// When the caller may not, there is no such claim, it is too large, or the store fails.
pub async fn bundle(context: &Context, caller: &Caller, number: ClaimNumber) -> Result<Bundle> {
    caller.require(Permission::ReadPersonal)?;
    let scope = caller.scope();
    let record = context.store.claims.numbered(scope, number).await?.ok_or(UseCaseError::NotFound("claim"))?;
    let known = evidence::known(context, scope, &record).await?;
    let evidence = evidence::evidence(&known, &record);
    // before any of them is read
    within_limit(known.files.iter().map(|file| file.size).sum())?;
    let audit = context.audit("claim.bundle", format!("claim:{}", record.id));
    context.store.people.audit(scope, audit).await?;
    let mut documents = uploads(context, scope, &record, &known).await?;
    let (proofs, links) = proofs(context, scope, &known).await?;
    documents.extend(proofs);
    let note = match &record.note {
        Some(sealed) => sealing::opened_text(context, scope, sealing::NOTE, sealed).await?,
        None => None,
    };
    let parts = Parts {
        company: crate::installation::company(context).await?.name,
        record: &record,
        known: &known,
        evidence: &evidence,
        note,
        digests: digests(context, scope, &known).await?,
        links,
        documents: documents.iter().map(|(name, _)| name.clone()).collect(),
        made_at: context.now(),
        page: context.config.page_of(known.loaded.shipment.id),
    };
    let mut files = vec![
        ("index.html".to_owned(), cover::html(&parts).into_bytes()),
        ("claim.json".to_owned(), tables::claim(&parts)),
        ("events.csv".to_owned(), tables::events_csv(&parts).into_bytes()),
        ("events.json".to_owned(), tables::events_json(&parts)),
        ("messages.csv".to_owned(), tables::messages_csv(&parts).into_bytes()),
    ];
    if record.about.goods.is_some() {
        files.push(("packing_list.csv".to_owned(), tables::packing_csv(&parts).into_bytes()));
    }
    files.extend(documents);
    let made_at = parts.made_at;
    let zip = tokio::task::spawn_blocking(move || zipped(files, number, made_at));
    let bytes = zip.await.map_err(|error| UseCaseError::Internal(format!("a bundle: {error}")))??;
    Ok(Bundle { name: format!("{number}.zip"), bytes })
}

/// Refuses what is too large for a bundle.
fn within_limit(bytes: u64) -> Result<()> {
    match bytes <= BYTES_MAX {
        true => Ok(()),
        false => {
            let message = format!("the bundle has more than {} MB: remove files first", BYTES_MAX / 1024 / 1024);
            Err(UseCaseError::Conflict(message))
        }
    }
}

/// The files that people added, under names that are each one's own.
async fn uploads(context: &Context, scope: Scope, of: &ClaimRecord, known: &Known) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for (place, file) in (1..).zip(&known.files) {
        let Some((_, content)) = context.store.claims.file(scope, of.id, file.id).await? else { continue };
        let Some(bytes) = sealing::opened(context, scope, sealing::FILE, &content).await? else { continue };
        let name = sealing::opened_text(context, scope, sealing::FILE_NAME, &file.name).await?;
        let name = name.unwrap_or_else(|| format!("file.{}", file.format.extension()));
        files.push((format!("documents/{place:02}-{}-{name}", file.kind.code()), bytes));
    }
    Ok(files)
}

type Proofs = (Vec<(String, Vec<u8>)>, Vec<(DocumentKind, String)>);

/// What the carrier sent as proof: files, and links to such.
async fn proofs(context: &Context, scope: Scope, known: &Known) -> Result<Proofs> {
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let delivers = |milestone| matches!(milestone, Milestone::Delivered | Milestone::DeliveredPart);
    for fact in evidence::actual(known).filter(|fact| delivers(fact.reading.milestone)) {
        for document in proof::documents(context, scope, known.loaded.shipment.id, fact.id).await? {
            match document.content {
                Content::Link(link) => links.push((document.kind, link)),
                Content::File { base64, format } => {
                    // what the carrier broke is left out; the event is there all the same
                    let Ok(bytes) = STANDARD.decode(base64) else { continue };
                    let (place, kind) = (files.len() + 1, document.kind.label().to_lowercase().replace(' ', "_"));
                    files.push((format!("documents/carrier-{place:02}-{kind}.{}", format.extension()), bytes));
                }
            }
        }
    }
    Ok((files, links))
}

/// SHA-256 of each message as it was received.
async fn digests(context: &Context, scope: Scope, known: &Known) -> Result<BTreeMap<MessageId, String>> {
    let mut digests = BTreeMap::new();
    for message in &known.messages {
        match normalise::opened(context, scope, message.id).await {
            Ok(Some((_, Some((_, body))))) => {
                digests.insert(message.id, sha256(&body));
            }
            Ok(_) => {}
            // a damaged message leaves the others as they are
            Err(UseCaseError::Internal(error)) => tracing::warn!(message = %message.id, "not in a bundle: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(digests)
}

/// The files as a ZIP, with the manifest last. The same content gives the same bytes.
fn zipped(files: Vec<(String, Vec<u8>)>, number: ClaimNumber, made_at: Timestamp) -> Result<Vec<u8>> {
    within_limit(files.iter().map(|(_, bytes)| bytes.len() as u64).sum())?;
    let listed = |(name, bytes): &(String, Vec<u8>)| serde_json::json!({"file": name, "bytes": bytes.len(), "sha256": sha256(bytes)});
    let manifest = serde_json::json!({
        "claim": number.to_string(),
        "made_at": made_at,
        "files": files.iter().map(listed).collect::<Vec<_>>(),
    });
    let internal = |error: String| UseCaseError::Internal(format!("a bundle: {error}"));
    let manifest = serde_json::to_vec_pretty(&manifest).map_err(|error| internal(error.to_string()))?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files.into_iter().chain([(MANIFEST.to_owned(), manifest)]) {
        zip.start_file(name, options).map_err(|error| internal(error.to_string()))?;
        zip.write_all(&bytes).map_err(|error| internal(error.to_string()))?;
    }
    let done = zip.finish().map_err(|error| internal(error.to_string()))?;
    Ok(done.into_inner())
}
