//! Rules, for the pages.

mod choices;
mod editor;
mod list;
mod page;

use super::{Asker, id, session::BrowserSession};
use app::contract::{
    ApiError, ApiResult,
    rules::{Edited, EditorView, ProblemView, RuleForm, RuleQuery, RuleView, RulesQuery, RulesTab, RulesView},
    session::Permission,
};
use application::{
    caller::Caller,
    error::UseCaseError,
    rules::{
        manage::{self, FourEyes},
        read::{self, Shown},
        trial,
    },
};
use async_trait::async_trait;
use domain::rule::{Content, RuleId};
use editor::Typed;

/// Under which key the session keeps what was typed into the editor of a rule: a page without the browser's half shows it again.
fn key(rule: &str) -> String {
    format!("rule-form/{rule}")
}

/// Rules.
pub struct RulesPort {
    /// Who asks.
    pub asker: Asker,
    /// Their session.
    pub browser: BrowserSession,
}

#[async_trait]
impl app::contract::rules::RulesPort for RulesPort {
    async fn list(&self, query: RulesQuery) -> ApiResult<RulesView> {
        let caller = self.asker.caller(Permission::See)?;
        let (context, times) = (&self.asker.context, self.asker.times());
        let read = async {
            let listed = read::list(context, &caller).await?;
            let storms = read::storms(context, &caller).await?;
            let published = match query.view {
                RulesTab::History => read::published(context, &caller).await?,
                _ => Vec::new(),
            };
            Ok::<_, UseCaseError>((listed, storms, published))
        };
        let (listed, storms, published) = read.await.map_err(|error| self.asker.refused(error))?;
        let may_edit = caller.require(Permission::Operate).is_ok();
        let of = |one: &storage::rules::PublishedRule| {
            let rule = listed.rules.iter().find(|(rule, _)| rule.id == one.rule);
            let active = rule.and_then(|(rule, _)| rule.active.as_ref()).map(|(version, ..)| *version);
            let name = list::named(&one.content, &one.rule);
            (one.rule.to_string(), name, list::version(one, active, &listed.people, &times))
        };
        Ok(RulesView {
            published: published.iter().map(of).collect(),
            storms: storms.iter().map(|alert| list::storm(alert, &listed, &times, may_edit)).collect(),
            ..list::view(query.view, &listed, &times, may_edit)
        })
    }

    async fn view(&self, query: RuleQuery) -> ApiResult<RuleView> {
        let caller = self.asker.caller(Permission::See)?;
        let may_edit = caller.require(Permission::Operate).is_ok();
        let form = match query.typed {
            true => self.typed(&query.id).await,
            false => None,
        };
        if query.id.is_empty() {
            let editor = match form {
                Some(form) => self.edited(&self.with_taken_name(&caller, editor::read(form)).await?, None),
                // an empty form is not wrong yet
                None => EditorView { problems: Vec::new(), ..self.edited(&editor::read(editor::new_form()), None) },
            };
            return Ok(RuleView {
                row: page::new_row(),
                summary: "Nothing runs before it is published".into(),
                editor,
                choices: choices::all(&self.asker.context),
                history: Vec::new(),
                compared: None,
                trial: None,
                owner: String::new(),
                people: Vec::new(),
                four_eyes: self.has_four_eyes(&caller).await?,
                needs_second: None,
                may_edit,
            });
        }
        let rule: RuleId = id(&query.id)?;
        let shown = self.shown(&caller, &rule).await?;
        self.rule(&caller, &shown, form, &query.compare).await
    }

    async fn edit(&self, form: RuleForm) -> ApiResult<Edited> {
        let caller = self.asker.caller(Permission::Operate)?;
        let shown = match form.id.as_str() {
            "" => None,
            text => Some(self.shown(&caller, &id(text)?).await?),
        };
        let step = form.step.clone();
        // a page of an earlier version says nothing of it
        let other = shown.as_ref().map(basis).filter(|basis| !form.basis.is_empty() && *basis != form.basis);
        let (days, typed) = (form.days.clone(), editor::read(form));
        let kept = shown.as_ref().and_then(Shown::content).cloned();
        let acts = matches!(step.as_str(), "save" | "try" | "ask" | "publish");
        if !acts || !typed.blocking.is_empty() {
            return Ok(self.still_typed(&typed, kept.as_ref()).await);
        }
        if let Some(basis) = other.filter(|_| kept.as_ref() != Some(&typed.content)) {
            // a page that is loaded anew finds by itself that another person saved
            let typed = if self.browser.loads_pages { typed } else { overtaken(typed, basis) };
            return Ok(self.still_typed(&typed, kept.as_ref()).await);
        }
        self.carry_out(&caller, &step, &days, typed, shown).await
    }

    async fn act(&self, rule: String, act: String, with: String) -> ApiResult<()> {
        let caller = self.asker.caller(Permission::Operate)?;
        let (context, rule) = (&self.asker.context, id::<RuleId>(&rule)?);
        let invalid = |field: &str, message: &str| ApiError::Invalid { field: field.into(), message: message.into() };
        let done = match act.as_str() {
            "discard" => manage::discard(context, &caller, &rule).await,
            "pause" => {
                let until = self.asker.times().chosen(&with)?;
                manage::pause(context, &caller, &rule, until).await
            }
            "resume" => manage::resume(context, &caller, &rule).await,
            "roll_back" => {
                let version = with.parse().map_err(|_| invalid("version", "Choose a version."))?;
                manage::roll_back(context, &caller, &rule, version).await.map(drop)
            }
            "owner" => {
                let owner = if with.is_empty() { None } else { Some(id(&with)?) };
                manage::set_owner(context, &caller, &rule, owner).await
            }
            _ => return Err(invalid("act", "Choose what is to be done.")),
        };
        done.map_err(|error| self.asker.refused(error))
    }

    async fn four_eyes(&self, on: bool) -> ApiResult<()> {
        let caller = self.asker.caller(Permission::Operate)?;
        let to = if on { FourEyes::On } else { FourEyes::Off };
        manage::set_four_eyes(&self.asker.context, &caller, to).await.map_err(|error| self.asker.refused(error))
    }

    async fn export(&self) -> ApiResult<String> {
        let caller = self.asker.caller(Permission::See)?;
        let listed = read::list(&self.asker.context, &caller).await.map_err(|error| self.asker.refused(error))?;
        Ok(list::csv(&listed, &self.asker.times()))
    }

    async fn trial_csv(&self, rule: String) -> ApiResult<String> {
        let caller = self.asker.caller(Permission::See)?;
        let csv = read::trial_csv(&self.asker.context, &caller, &id(&rule)?).await;
        csv.map_err(|error| self.asker.refused(error))
    }
}

/// What is kept of a rule: the version that runs, and when its draft was saved.
fn basis(shown: &Shown) -> String {
    let version = shown.rule.active.as_ref().map(|(version, ..)| version.to_string()).unwrap_or_default();
    let draft = shown.rule.record.as_ref().and_then(|record| record.draft.as_ref());
    format!("{version}/{}", draft.map(|draft| draft.at.to_string()).unwrap_or_default())
}

/// What was typed while another person saved: it replaces theirs only when it is sent once more.
fn overtaken(typed: Typed, basis: String) -> Typed {
    let message =
        "another person saved this rule meanwhile: load the page again to see it, or save once more to replace it";
    let wrong = ProblemView { field: "when".into(), row: None, at: None, message: message.into(), instead: None };
    let form = RuleForm { basis, ..typed.form };
    let blocking = typed.blocking.into_iter().chain([wrong]).collect();
    Typed { form, blocking, ..typed }
}

impl RulesPort {
    async fn shown(&self, caller: &Caller, rule: &RuleId) -> ApiResult<Shown> {
        read::show(&self.asker.context, caller, rule).await.map_err(|error| self.asker.refused(error))
    }

    /// A new rule as it was typed; says where its name is another one's.
    async fn with_taken_name(&self, caller: &Caller, mut typed: Typed) -> ApiResult<Typed> {
        let Some(id) = RuleId::from_name(&typed.content.name) else { return Ok(typed) };
        match read::show(&self.asker.context, caller, &id).await {
            Ok(_) => {
                let message = manage::taken(&id);
                typed.blocking.push(ProblemView { field: "name".into(), row: None, at: None, message, instead: None });
                Ok(typed)
            }
            Err(UseCaseError::NotFound(_)) => Ok(typed),
            Err(error) => Err(self.asker.refused(error)),
        }
    }

    async fn has_four_eyes(&self, caller: &Caller) -> ApiResult<bool> {
        let set = manage::four_eyes(&self.asker.context, caller.scope()).await;
        Ok(set.map_err(|error| self.asker.refused(error))? == FourEyes::On)
    }

    /// The page of a rule that is there.
    async fn rule(&self, caller: &Caller, shown: &Shown, form: Option<RuleForm>, compare: &str) -> ApiResult<RuleView> {
        let (context, times) = (&self.asker.context, self.asker.times());
        let kept = shown.content().ok_or(ApiError::NotFound)?;
        let now = basis(shown);
        let typed = match form {
            Some(form) if !form.basis.is_empty() && form.basis != now => overtaken(editor::read(form), now),
            Some(form) => editor::read(form),
            None => editor::read(RuleForm { basis: now, ..editor::form(shown.rule.id.as_str(), kept) }),
        };
        let compared = match compare.parse() {
            Ok(version) => match read::version(context, caller, &shown.rule.id, version).await {
                Ok(there) => Some(page::compare(version, &there, shown, kept)),
                Err(UseCaseError::NotFound(_)) => None,
                Err(error) => return Err(self.asker.refused(error)),
            },
            Err(_) => None,
        };
        let draft = shown.rule.record.as_ref().and_then(|record| record.draft.as_ref());
        let own = draft.is_some_and(|draft| draft.by == caller.scope().actor);
        let row = list::row(&shown.rule, &shown.figures, &shown.people, &times);
        let owner = shown.rule.record.as_ref().and_then(|record| record.owner);
        Ok(RuleView {
            summary: page::summary(shown, &row, &times),
            row: app::contract::rules::RuleRow { name: list::named(kept, &shown.rule.id), ..row },
            editor: self.edited(&typed, Some(kept)),
            choices: choices::all(context),
            history: page::history(shown, &times),
            compared,
            trial: shown.trial.as_ref().map(|trial| page::trial(trial, &shown.people, Some(kept), &times)),
            owner: owner.map(|owner| owner.to_string()).unwrap_or_default(),
            people: shown.people.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
            four_eyes: shown.four_eyes == FourEyes::On,
            needs_second: (own && shown.four_eyes == FourEyes::On)
                .then(|| "A second person publishes it: who wrote the draft cannot.".to_owned()),
            may_edit: caller.require(Permission::Operate).is_ok(),
        })
    }

    /// The editor of what was typed, with what is wrong with it, also with the connections that it names.
    fn edited(&self, typed: &Typed, kept: Option<&Content>) -> EditorView {
        editor::view(typed, kept, &manage::problems(&self.asker.context, &typed.content))
    }

    /// The editor with what is not kept. A page without the browser's half finds it in the session.
    async fn still_typed(&self, typed: &Typed, kept: Option<&Content>) -> Edited {
        let editor = self.edited(typed, kept);
        let to = if self.browser.loads_pages {
            self.keep_typed(&editor.form).await;
            let page = if typed.form.id.is_empty() { "new" } else { typed.form.id.as_str() };
            let focus = if editor.focus.is_empty() { "rule-form" } else { editor.focus.as_str() };
            Some(format!("/rules/{page}?typed=true#{focus}"))
        } else {
            None
        };
        Edited { editor, done: None, to }
    }

    /// Keeps the draft where it is another one, and does what the form was sent for.
    async fn carry_out(
        &self,
        caller: &Caller,
        step: &str,
        days: &str,
        typed: Typed,
        shown: Option<Shown>,
    ) -> ApiResult<Edited> {
        let context = &self.asker.context;
        let content = typed.content.clone();
        let kept = shown.as_ref().and_then(Shown::content);
        let saved = match &shown {
            None => manage::create(context, caller, content.clone()).await,
            Some(shown) if kept == Some(&content) => Ok(shown.rule.id.clone()),
            Some(shown) => manage::save_draft(context, caller, &shown.rule.id, content.clone())
                .await
                .map(|()| shown.rule.id.clone()),
        };
        let rule = match saved {
            Ok(rule) => rule,
            // a new rule's name is none, or taken
            Err(UseCaseError::Conflict(message) | UseCaseError::Invalid { field: "name", message })
                if shown.is_none() =>
            {
                let wrong = ProblemView { field: "name".into(), row: None, at: None, message, instead: None };
                let typed = Typed { blocking: vec![wrong], ..typed };
                return Ok(self.still_typed(&typed, None).await);
            }
            Err(error) => return Err(self.asker.refused(error)),
        };
        self.forget_typed(&typed.form.id).await;
        let kept = self.shown(caller, &rule).await?;
        let form = RuleForm { id: rule.to_string(), basis: basis(&kept), ..typed.form };
        let editor = self.edited(&Typed { form, ..typed }, Some(&content));
        let to = (shown.is_none() || self.browser.loads_pages).then(|| format!("/rules/{rule}"));
        if step != "save" && !editor.problems.is_empty() {
            return Ok(Edited { editor, done: None, to: to.map(|to| format!("{to}#problems")) });
        }
        let invalid =
            |_| ApiError::Invalid { field: "days".into(), message: "Enter days as a whole number, 1 to 90.".into() };
        let done = match step {
            "try" => {
                let days = if days.trim().is_empty() { Ok(trial::DAYS) } else { days.trim().parse() };
                trial::begin(context, caller, &rule, days.map_err(invalid)?)
                    .await
                    .map(|_| "The dry run has started.".into())
            }
            "ask" => manage::ask_for_approval(context, caller, &rule)
                .await
                .map(|()| "A second person is asked to publish it.".into()),
            "publish" => {
                let published = manage::publish_seen(context, caller, &rule, &content).await;
                published.map(|version| format!("Version {version} runs now."))
            }
            _ => Ok("The draft is saved.".to_owned()),
        };
        let done = done.map_err(|error| match error {
            UseCaseError::NotFound("draft") => {
                ApiError::Conflict { message: "There is no change to publish: what is shown runs already.".into() }
            }
            error => self.asker.refused(error),
        })?;
        Ok(Edited { editor, done: Some(done), to })
    }

    async fn typed(&self, rule: &str) -> Option<RuleForm> {
        let kept = self.browser.session.as_ref()?.get_value(&key(rule)).await.ok().flatten()?;
        serde_json::from_value(kept).ok()
    }

    /// What is kept as a draft is not shown again as typed.
    async fn forget_typed(&self, rule: &str) {
        if let Some(session) = &self.browser.session
            && let Err(error) = session.remove_value(&key(rule)).await
        {
            tracing::warn!("what was typed into a form is kept for longer than it is wanted: {error}");
        }
    }

    /// Keeps what was typed; without it the page shows what is kept.
    async fn keep_typed(&self, form: &RuleForm) {
        if let Some(session) = &self.browser.session
            && let Err(error) = session.insert(&key(&form.id), form).await
        {
            tracing::warn!("what was typed into a form is not kept: {error}");
        }
    }
}
