//! Why nothing current is known of shipments: rows beside them, counted by triggers.

use crate::{Db, codec::micros, counter, query};
use domain::unknown::Cause;
use storage::{
    Result, Scope,
    shipments::{Commit, UnknownChange},
};

/// Applies what a fold makes of it.
///
/// # Errors
/// When the database fails.
pub async fn apply(db: &mut dyn Db, scope: Scope, commit: &Commit) -> Result<()> {
    let Some(change) = commit.unknown else { return Ok(()) };
    query("DELETE FROM unknown_status WHERE shipment_id = ?1").bind(commit.shipment.0).execute(db).await?;
    if let UnknownChange::Because(cause) = change {
        query("INSERT INTO unknown_status (shipment_id, company_id, cause, since) VALUES (?1, ?2, ?3, ?4)")
            .bind(commit.shipment.0)
            .bind(scope.company.0)
            .bind(cause.code())
            .bind(micros(commit.at))
            .execute(db)
            .await?;
    }
    Ok(())
}

/// How many shipments have each cause; those that none has are left out.
pub(crate) async fn counts(db: &mut dyn Db, scope: Scope) -> Result<Vec<(Cause, u64)>> {
    let counted = counter::read(db, scope, "unknown").await?;
    let known = counted.into_iter().filter_map(|(code, number)| Some((Cause::from_code(&code)?, number)));
    let mut counts: Vec<_> = known.filter(|(_, number)| *number > 0).collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    Ok(counts)
}
