//! Claims against carriers.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    claims::{ClaimEdit, ClaimView, ClaimsQuery, ClaimsView, DeadlinesView, NewClaim, StepForm, SubjectView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "claims", input = GetUrl)]
pub async fn get_claims(#[server(default)] query: ClaimsQuery) -> Result<ClaimsView, ApiError> {
    shown(ports()?.claims.view(query).await)
}

/// One claim.
#[server(prefix = "/api", endpoint = "claims/one", input = GetUrl)]
pub async fn get_claim(number: String) -> Result<ClaimView, ApiError> {
    shown(ports()?.claims.one(number).await)
}

/// What a new claim on this shipment is about.
#[server(prefix = "/api", endpoint = "claims/subject", input = GetUrl)]
pub async fn get_claim_subject(shipment: String) -> Result<SubjectView, ApiError> {
    shown(ports()?.claims.subject(shipment).await)
}

/// Raises one, and leads to it.
#[server(prefix = "/api", endpoint = "claims/raise")]
pub async fn raise_claim(#[server(default)] new: NewClaim) -> Result<String, ApiError> {
    let number = shown(ports()?.claims.raise(new).await)?;
    leptos_axum::redirect(&format!("/claims/{number}"));
    Ok(number)
}

/// Takes a step.
#[server(prefix = "/api", endpoint = "claims/step")]
pub async fn take_claim_step(#[server(default)] form: StepForm) -> Result<(), ApiError> {
    shown(ports()?.claims.step(form).await)
}

/// Changes what is known of a claim.
#[server(prefix = "/api", endpoint = "claims/edit")]
pub async fn edit_claim(#[server(default)] form: ClaimEdit) -> Result<(), ApiError> {
    shown(ports()?.claims.edit(form).await)
}

/// Removes a file.
#[server(prefix = "/api", endpoint = "claims/remove-file")]
pub async fn remove_claim_file(number: String, file: String) -> Result<(), ApiError> {
    shown(ports()?.claims.remove_file(number, file).await)
}

/// The deadlines by carrier.
#[server(prefix = "/api", endpoint = "claims/deadlines", input = GetUrl)]
pub async fn get_deadlines() -> Result<DeadlinesView, ApiError> {
    shown(ports()?.claims.deadlines().await)
}

/// Puts deadlines in place of those that are there.
#[server(prefix = "/api", endpoint = "claims/put-deadlines")]
pub async fn put_deadlines(text: String) -> Result<(), ApiError> {
    shown(ports()?.claims.put_deadlines(text).await)
}
