//! How exceptions are worked on.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    playbooks::{CalendarForm, DayChange, PlaybooksQuery, PlaybooksView, TeamForm},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "playbooks", input = GetUrl)]
pub async fn get_playbooks(#[server(default)] query: PlaybooksQuery) -> Result<PlaybooksView, ApiError> {
    shown(ports()?.playbooks.view(query).await)
}

/// Sets the next step of a reason; leads back to the list.
#[server(prefix = "/api", endpoint = "playbooks/step")]
pub async fn set_step(reason: String, #[server(default)] text: String) -> Result<(), ApiError> {
    shown(ports()?.playbooks.set_step(reason.clone(), text).await)?;
    leptos_axum::redirect(&format!("/playbooks#{reason}"));
    Ok(())
}

/// Makes or changes a team; leads back to the teams.
#[server(prefix = "/api", endpoint = "playbooks/team")]
pub async fn put_team(#[server(default)] team: TeamForm) -> Result<(), ApiError> {
    shown(ports()?.playbooks.put_team(team).await)?;
    leptos_axum::redirect("/playbooks?tab=teams");
    Ok(())
}

/// Removes a team.
#[server(prefix = "/api", endpoint = "playbooks/remove-team")]
pub async fn remove_team(name: String) -> Result<(), ApiError> {
    shown(ports()?.playbooks.remove_team(name).await)?;
    leptos_axum::redirect("/playbooks?tab=teams");
    Ok(())
}

/// Sets hours and place of the calendar.
#[server(prefix = "/api", endpoint = "playbooks/calendar")]
pub async fn set_calendar(#[server(default)] form: CalendarForm) -> Result<(), ApiError> {
    shown(ports()?.playbooks.set_calendar(form).await)
}

/// Changes a day.
#[server(prefix = "/api", endpoint = "playbooks/day")]
pub async fn set_day(
    day: String,
    #[server(default)] place: String,
    #[server(default)] change: DayChange,
) -> Result<(), ApiError> {
    shown(ports()?.playbooks.set_day(day, place, change).await)
}
