//! Rules.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    rules::{Edited, RuleForm, RuleQuery, RuleView, RulesQuery, RulesView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The list.
#[server(prefix = "/api", endpoint = "rules", input = GetUrl)]
pub async fn get_rules(#[server(default)] query: RulesQuery) -> Result<RulesView, ApiError> {
    shown(ports()?.rules.list(query).await)
}

/// One rule with its editor; a new one without an id.
#[server(prefix = "/api", endpoint = "rules/one", input = GetUrl)]
pub async fn get_rule(#[server(default)] query: RuleQuery) -> Result<RuleView, ApiError> {
    shown(ports()?.rules.view(query).await)
}

/// A step in the editor, or what is done with what was typed.
#[server(prefix = "/api", endpoint = "rules/edit")]
pub async fn edit_rule(#[server(default)] rule: RuleForm) -> Result<Edited, ApiError> {
    let edited = shown(ports()?.rules.edit(rule).await)?;
    if let Some(to) = &edited.to {
        leptos_axum::redirect(to);
    }
    Ok(edited)
}

/// Acts on a rule: `discard`, `pause`, `resume`, `roll_back`, `owner`. One that is gone with its draft leads to the list.
#[server(prefix = "/api", endpoint = "rules/act")]
pub async fn act_on_rule(
    id: String,
    act: String,
    #[server(default)] with: String,
    #[server(default)] published: bool,
) -> Result<(), ApiError> {
    let gone = act == "discard" && !published;
    let to = if gone { "/rules".to_owned() } else { format!("/rules/{id}") };
    shown(ports()?.rules.act(id, act, with).await)?;
    leptos_axum::redirect(&to);
    Ok(())
}

/// Sets whether publishing needs a second person.
#[server(prefix = "/api", endpoint = "rules/four-eyes")]
pub async fn set_four_eyes(on: bool) -> Result<(), ApiError> {
    shown(ports()?.rules.four_eyes(on).await)
}
