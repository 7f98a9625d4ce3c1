//! What the installation is called: by the command line, else by an admin.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::access::Permission;
use storage::people::SettingChange;

/// The setting with the name that an admin gave.
const COMPANY: &str = "company.name";
/// Characters of the name.
const NAME_CHARS_MAX: usize = 100;
/// What it is called until somebody names it.
pub const UNNAMED: &str = "My company";

/// The name of the company, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// The name.
    pub name: String,
    /// Where it comes from.
    pub named_by: NamedBy,
}

/// Who named the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The command line or the environment of the server: it is changed there.
    Server,
    /// An admin.
    Admin,
    /// Nobody yet.
    Nobody,
}

/// What the company is called.
///
/// # Errors
/// When the store fails.
pub async fn company(context: &Context) -> storage::Result<Company> {
    if let Some(name) = &context.config.company {
        return Ok(Company { name: name.clone(), named_by: NamedBy::Server });
    }
    Ok(match context.store.people.setting(context.scope(), COMPANY).await? {
        Some(name) => Company { name, named_by: NamedBy::Admin },
        None => Company { name: UNNAMED.into(), named_by: NamedBy::Nobody },
    })
}

/// An admin names the company.
///
/// # Errors
/// When the caller may not, the server was started with a name, or this is none.
pub async fn name_company(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    if context.config.company.is_some() {
        return Err(UseCaseError::Forbidden("the server was started with --company: change the name there"));
    }
    let name = name.trim();
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let message = format!("Enter the company's name, 1 to {NAME_CHARS_MAX} characters.");
        return Err(UseCaseError::Invalid { field: "name", message });
    }
    let scope = caller.scope();
    let from = context.store.people.setting(scope, COMPANY).await?;
    let change = SettingChange { name: COMPANY.into(), from, to: name.to_owned() };
    settings::change(context, scope, change, ("company.name", "installation".to_owned())).await
}
