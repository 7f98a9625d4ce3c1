//! Who is signed in, and what they may do.

use super::ApiResult;
use async_trait::async_trait;
use domain::access::Permissions;
pub use domain::access::{Permission, Role};
use serde::{Deserialize, Serialize};

/// The person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Id.
    pub user_id: String,
    /// Name.
    pub name: String,
    /// Login.
    pub login: String,
    /// Roles.
    pub roles: Vec<Role>,
}

impl Viewer {
    /// Whether any of the roles has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        Permissions::of_roles(&self.roles).contains(permission)
    }

    /// Where the person's work begins.
    pub fn home(&self) -> &'static str {
        if self.may(Permission::Act) { "/shipments" } else { "/overview" }
    }
}

/// A longer address is not returned to after the sign-in.
const RETURN_BYTES_MAX: usize = 2000;

/// The pages for people who are signed in, as the router has them; `{id}` stands for one record's.
pub const PAGES: &[&str] = &[
    "/",
    "/shipments",
    "/shipments/{id}",
    "/exceptions",
    "/exceptions/{id}",
    "/overview",
    "/sla",
    "/figures/{id}",
    "/calibration",
    "/carriers",
    "/carriers/{id}",
    "/analytics",
    "/analytics/exceptions",
    "/reports",
    "/reports/new",
    "/reports/{id}",
    "/targets",
    "/start",
    "/sync",
    "/sync/jobs/{id}",
    "/sync/messages/{id}",
    "/alerts",
    "/claims",
    "/claims/new",
    "/claims/deadlines",
    "/claims/{id}",
    "/booking-rules",
    "/playbooks",
    "/rules",
    "/rules/new",
    "/rules/{id}",
    "/reconciliation",
    "/reconciliation/fields",
    "/mappings/unmapped",
    "/connections",
    "/connections/new",
    "/connections/{id}",
];

/// The address to go to after the sign-in, if it is one of our pages, with whatever question. What a browser could read as
/// another host or scheme is none, and neither is what no header can carry.
pub fn local_page(address: &str) -> Option<&str> {
    let plain = address.len() <= RETURN_BYTES_MAX && address.bytes().all(|byte| byte.is_ascii_graphic());
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let is_id = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is = |page: &&str| {
        let (mut parts, mut asked) = (page.split('/'), path.split('/'));
        let same = parts.all(|part| asked.next().is_some_and(|asked| asked == part || part == "{id}" && is_id(asked)));
        same && asked.next().is_none()
    };
    let local = !address.contains("//") && !address.contains('\\');
    (plain && local && PAGES.iter().any(is)).then_some(address)
}

/// The installation, as everybody may know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The company's name.
    pub company: String,
    /// Whether everything is simulated.
    pub demo: bool,
    /// The product's version.
    pub version: String,
}

/// What the frame of every page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The person who is signed in.
    pub viewer: Viewer,
    /// The installation.
    pub installation: Installation,
    /// The name of the zone in which the page's times are.
    pub zone: String,
    /// That zone, in words.
    pub zone_label: String,
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Connections that need attention; zero for a viewer who may not look after them.
    pub connections: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Claims that are open.
    #[serde(default)]
    pub claims: u64,
    /// Differences between the systems; zero for a viewer who may not see them.
    pub differences: u64,
    /// Open alerts, snoozed ones left out; zero for a viewer who may not see them.
    #[serde(default)]
    pub alerts: u64,
    /// Codes without a mapping; zero for a viewer who may not map them.
    pub unmapped: u64,
    /// Whether shipments can come in: an order system or a source of messages is connected.
    pub connected: bool,
    /// Whether this viewer is led through what is not connected yet.
    pub guided: bool,
}

impl Frame {
    /// Where the person's work begins.
    pub fn home(&self) -> &'static str {
        if self.guided { START } else { self.viewer.home() }
    }
}

/// The page that leads an admin through the first steps.
pub const START: &str = "/start";

/// Signing in and out.
#[async_trait]
pub trait SessionPort: Send + Sync {
    /// The frame of the signed-in person.
    async fn frame(&self) -> ApiResult<Frame>;
    /// Signs in; where to go then.
    async fn sign_in(&self, login: String, password: String) -> ApiResult<String>;
    /// Signs out.
    async fn sign_out(&self) -> ApiResult<()>;
    /// Whether the first admin can be made with this one-time token.
    async fn set_up_is_open(&self, token: String) -> ApiResult<bool>;
    /// Makes the first admin with the one-time token.
    async fn set_up(&self, token: String, login: String, name: String, password: String) -> ApiResult<()>;
}

#[cfg(test)]
mod tests {
    use super::local_page;

    #[test]
    fn only_a_page_of_this_installation_is_returned_to() {
        let long = format!("/{}", "x".repeat(2000));
        for (address, is_local) in [
            ("/shipments/0192", true),
            ("/shipments?tab=all&q=a%20b", true),
            ("/exceptions?view=mine#rows", true),
            ("/", true),
            ("/?tab=all", true),
            ("/sync/jobs/0192-ab#calls", true),
            ("/sync/messages/0192", true),
            ("/mappings/unmapped?list=a&code=b/c", true),
            ("/connections/new?connector=odoo", true),
            ("/connections/desk_2?tab=log", true),
            ("/api/sign-out", false),
            ("/api/shipments/find?text=N1", false),
            ("/api", false),
            ("/sign-in", false),
            ("/set-up?token=1", false),
            ("/live/shipments", false),
            ("/ingest/aftership", false),
            ("/metrics", false),
            ("/healthz", false),
            ("/pkg/site.js", false),
            ("/favicon.svg", false),
            ("/there/is/none", false),
            ("/shipments/0192/more", false),
            ("/shipments/", false),
            ("/shipments/..", false),
            ("/shipments/../api/sign-out", false),
            ("/shipments/%2e%2e", false),
            ("/sync/jobs/%2E%2E%2Fapi", false),
            ("/%61pi/sign-out", false),
            ("/SHIPMENTS", false),
            ("?next=/shipments", false),
            ("", false),
            ("shipments", false),
            ("//evil.test", false),
            ("/shipments//evil.test", false),
            ("/\\evil.test", false),
            ("\\\\evil.test", false),
            ("/\tevil.test", false),
            ("/\n/evil.test", false),
            ("/shipments\r\nSet-Cookie: a=b", false),
            ("/\u{7f}", false),
            (" /shipments", false),
            ("/a b", false),
            ("/ü", false),
            ("https://evil.test", false),
            ("https:/evil.test", false),
            ("javascript:alert(1)", false),
            (long.as_str(), false),
        ] {
            assert_eq!(local_page(address), is_local.then_some(address), "{address:?}");
        }
    }
}
