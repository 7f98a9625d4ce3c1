//! The first steps of an installation.

use super::ApiResult;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// The steps that lead to the first shipments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartView {
    /// The steps, in their order.
    pub steps: Vec<StepView>,
    /// Whether shipments come in already.
    pub connected: bool,
    /// Whether pages lead here.
    pub guided: bool,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// What is to be done.
    pub title: String,
    /// Why.
    pub why: String,
    /// How far it is.
    pub standing: Standing,
    /// What there is, or how it is done.
    pub detail: String,
    /// What is done about it here; none where there is nothing to do.
    pub action: Option<StepAction>,
}

/// What is done about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// Another page is opened.
    Open {
        /// What the button says.
        label: String,
        /// Where it leads.
        href: String,
    },
    /// The company's name is typed.
    Name {
        /// As it is now; empty where nobody has named it.
        name: String,
    },
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is to be done.
    Done,
    /// It is set up, and does not work.
    Failing,
    /// It is the next one.
    Next,
    /// Another one comes first.
    Later,
    /// Milepost works without it.
    Optional,
}

impl Standing {
    /// As shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Failing => "Needs attention",
            Self::Next => "Next",
            Self::Later => "To do",
            Self::Optional => "Optional",
        }
    }
}

/// The first steps.
#[async_trait]
pub trait StartPort: Send + Sync {
    /// The steps.
    async fn steps(&self) -> ApiResult<StartView>;
    /// Names the company.
    async fn name_company(&self, name: String) -> ApiResult<()>;
    /// Pages lead here no more.
    async fn skip(&self) -> ApiResult<()>;
}
