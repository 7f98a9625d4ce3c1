//! `milepost verify`: checks the authenticity of a message, as the inbox would.

use anyhow::{Context, Result, bail};
use application::clock::{Clock, SystemClock};
use carriers::{Material, RawRequest, verify_named};
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use std::{path::PathBuf, process::ExitCode};

/// Check the authenticity of a message.
#[derive(Args)]
pub struct Verify {
    /// The connector or platform, e.g. aftership, easypost, github_style.
    #[arg(long)]
    connector: String,
    /// The scheme, where the platform has several.
    #[arg(long)]
    scheme: Option<String>,
    /// The shared secret.
    #[arg(long, conflicts_with_all = ["jwks", "public_key"])]
    secret: Option<String>,
    /// File with the platform's public keys (JWKS).
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    jwks: Option<PathBuf>,
    /// The platform's public key (whpk_…).
    #[arg(long)]
    public_key: Option<String>,
    /// A header of the request, as 'Name: value' (give several times).
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The method of the request.
    #[arg(long, default_value = "POST")]
    method: String,
    /// The path of the request.
    #[arg(long, default_value = "/")]
    path: String,
    /// The time to check time stamps against (RFC 3339); default: now.
    #[arg(long)]
    now: Option<Timestamp>,
    /// The body, byte for byte.
    file: PathBuf,
}

impl Verify {
    /// Prints `verified` or `rejected: reason` (exit code 1).
    pub fn run(self) -> Result<ExitCode> {
        let body = std::fs::read(&self.file).with_context(|| self.file.display().to_string())?;
        let headers = self.headers()?;
        let request = RawRequest {
            method: &self.method,
            path: &self.path,
            query: "",
            peer: None,
            headers: &headers,
            body: &body,
        };
        let now = self.now.unwrap_or_else(|| SystemClock.now());
        match verify_named(&self.connector, self.scheme.as_deref(), &self.material()?, &request, now) {
            Ok(_) => {
                say!("verified");
                Ok(ExitCode::SUCCESS)
            }
            Err(rejected) => {
                say!("rejected: {rejected}");
                Ok(ExitCode::FAILURE)
            }
        }
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for line in &self.headers {
            let Some((name, value)) = line.split_once(':') else { bail!("--header {line:?}: write 'Name: value'") };
            let name: HeaderName = name.trim().parse().with_context(|| format!("--header {line:?}"))?;
            headers.append(name, HeaderValue::from_str(value.trim()).with_context(|| format!("--header {line:?}"))?);
        }
        Ok(headers)
    }

    fn material(&self) -> Result<Material> {
        Ok(match (&self.secret, &self.jwks, &self.public_key) {
            (Some(secret), ..) => Material::Secret(secret.clone().into()),
            (_, Some(file), _) => {
                Material::Jwks(std::fs::read_to_string(file).with_context(|| file.display().to_string())?)
            }
            (.., Some(key)) => Material::PublicKey(key.clone()),
            (None, None, None) => bail!("give one of --secret, --jwks, --public-key"),
        })
    }
}
