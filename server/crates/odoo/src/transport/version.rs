//! Which Odoo answers, and by which of its APIs it is called.

use super::{Link, jsonrpc};
use crate::{config::Transport, fault};
use jiff::{Timestamp, fmt::rfc2822};
use outbound::{CallError, CallKind, CallLog, ErrorClass, Method, Request, Response, class_of_status};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The oldest version that can be used.
const OLDEST: u32 = 16;
/// The first version with JSON-2.
const FIRST_JSON2: u32 = 19;

/// Which Odoo it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `19.0`.
    pub version: String,
    /// `19`.
    pub major: u32,
    /// What time its clock shows.
    pub server_time: Option<Timestamp>,
}

/// One of Odoo's APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `/json/2`: 19 and later.
    Json2,
    /// `/jsonrpc`: up to 21.
    JsonRpc,
}

/// The Odoo that answered last.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) major: u32,
    pub(crate) api: Api,
    /// The user of the login, for JSON-RPC. Asked once.
    pub(super) user: OnceCell<i64>,
}

impl Server {
    pub(super) fn of(version: &Version, wanted: Transport) -> Self {
        Self::new(version.major, wanted)
    }

    /// The one that is called where none says which it is.
    pub(super) fn newest(wanted: Transport) -> Self {
        Self::new(FIRST_JSON2, wanted)
    }

    fn new(major: u32, wanted: Transport) -> Self {
        let api = match wanted {
            Transport::Auto if major >= FIRST_JSON2 => Api::Json2,
            Transport::Auto | Transport::JsonRpc => Api::JsonRpc,
            Transport::Json2 => Api::Json2,
        };
        Self { major, api, user: OnceCell::new() }
    }
}

/// Whether it answered, and that it is too old.
pub(super) fn is_too_old(error: &CallError) -> bool {
    error.class == ErrorClass::Misconfigured && error.status == Some(200)
}

/// Asks which Odoo answers; needs no key. Versions that do not have `/web/version` say it by JSON-RPC.
pub(super) async fn ask(link: &Link, log: &dyn CallLog) -> Result<Version, CallError> {
    let of_page = |answer: &Response| match answer.status {
        404 | 405 => Ok(None),
        _ => of_page(answer).map(Some),
    };
    if let Some(version) = link.http.call(get(format!("{}/web/version", link.base)), log, of_page).await? {
        return Ok(version);
    }
    link.http.call(rpc(&link.base), log, of_rpc).await.map_err(|error| match is_too_old(&error) {
        true => error,
        false => error.advising("is this the address of an Odoo?"),
    })
}

fn get(url: String) -> Request {
    Request {
        method: Method::GET,
        url,
        operation: "version".into(),
        kind: CallKind::Query,
        authorization: None,
        headers: Vec::new(),
        body: None,
    }
}

fn rpc(base: &str) -> Request {
    jsonrpc::request(base, "common", "version", json!([]), "version".into(), CallKind::Query)
}

#[derive(Deserialize)]
struct Page {
    version: String,
    version_info: Vec<Value>,
}

fn of_page(answer: &Response) -> Result<Version, CallError> {
    if let Some(class) = class_of_status(answer.status, CallKind::Query) {
        return Err(CallError::new(class, format!("/web/version answered {}", answer.status))
            .advising("is this the address of an Odoo?")
            .of(answer));
    }
    let page: Page = answer.json()?;
    version(page.version, &page.version_info, answer)
}

#[derive(Deserialize)]
struct Common {
    server_version: String,
    server_version_info: Vec<Value>,
}

fn of_rpc(answer: &Response) -> Result<Version, CallError> {
    let common: Common = match answer.status {
        200 => jsonrpc::result(answer, CallKind::Query)?,
        _ => return Err(fault::without_name(answer, CallKind::Query)),
    };
    version(common.server_version, &common.server_version_info, answer)
}

fn version(version: String, info: &[Value], answer: &Response) -> Result<Version, CallError> {
    // Odoo Online writes "saas~19" there
    let major = info.first().map(ToString::to_string).unwrap_or_default();
    let major: String = major.chars().filter(char::is_ascii_digit).collect();
    let major = major.parse::<u32>().unwrap_or(0);
    if major < OLDEST {
        let text = format!("this is Odoo {major}: Milepost needs {OLDEST}.0 or later");
        return Err(CallError::new(ErrorClass::Misconfigured, text));
    }
    let date = answer.headers.get(http::header::DATE).and_then(|d| d.to_str().ok());
    let server_time = date.and_then(|d| rfc2822::parse(d).ok()).map(|z| z.timestamp());
    Ok(Version { version, major, server_time })
}
