//! Documents are attached to a delivery, each exactly once: under a marker in their description, which Odoo keeps and can be
//! searched.

use super::{OdooClient, chatter::checked, deliveries::PICKING, transport::Made};
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::json;

/// The longest name of a document in characters.
const NAME_CHARS_MAX: usize = 120;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A link.
    Link(&'a str),
    /// The document itself.
    File {
        /// Its bytes, as Base64.
        base64: &'a str,
        /// `image/png`.
        mimetype: &'a str,
    },
}

impl OdooClient {
    /// Attaches a document under this marker, unless it is there already; returns the attachment's id.
    ///
    /// # Errors
    /// `unknown_outcome` where no answer came: call again after a while, it looks first.
    pub async fn attach(
        &self,
        picking: i64,
        marker: &str,
        (name, content): (&str, Content<'_>),
        log: &dyn CallLog,
    ) -> Result<i64, CallError> {
        let marker = checked(marker, "")?;
        let domain = json!([["res_model", "=", PICKING], ["res_id", "=", picking], ["description", "=", marker]]);
        if let Some(found) = self.first("ir.attachment", domain, log).await? {
            return Ok(found);
        }
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        let mut vals = json!({"name": name, "res_model": PICKING, "res_id": picking, "description": marker});
        match content {
            Content::Link(url) => {
                vals["type"] = json!("url");
                vals["url"] = json!(url);
            }
            Content::File { base64, mimetype } => {
                vals["datas"] = json!(base64);
                vals["mimetype"] = json!(mimetype);
            }
        }
        let Made(made) = self.change("ir.attachment", "create", json!({"vals_list": [vals]}), log).await?;
        let nameless = || CallError::new(ErrorClass::BadAnswer, "create answered without an id");
        made.first().copied().ok_or_else(nameless)
    }

    /// Gives the document under a marker another name; whether it is there. The same name again does no harm.
    ///
    /// # Errors
    /// When Odoo refuses or does not answer.
    pub async fn rename_document(
        &self,
        picking: i64,
        marker: &str,
        name: &str,
        log: &dyn CallLog,
    ) -> Result<bool, CallError> {
        let marker = checked(marker, "")?;
        let domain = json!([["res_model", "=", PICKING], ["res_id", "=", picking], ["description", "=", marker]]);
        let Some(found) = self.first("ir.attachment", domain, log).await? else { return Ok(false) };
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        let body = json!({"ids": [found], "vals": {"name": name}});
        self.change::<serde_json::Value>("ir.attachment", "write", body, log).await?;
        Ok(true)
    }
}
