//! Connections, for the pages.

mod form;
mod list;
mod page;
mod removal;
mod setup;

use super::{Asker, refused, session::BrowserSession};
use app::contract::{
    ApiError, ApiResult,
    connections::{
        AndThen, ConnectionForm, ConnectionView, ConnectionsQuery, ConnectionsView, GuideView, Kept, SetupForm,
        SetupView,
    },
    session::Permission,
};
use application::{
    caller::Caller,
    connections::{self, catalogue},
    error::UseCaseError,
    odoo::{hints::hint_state, setup::set_up},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use setup::LastSetup;

/// Under which key the session keeps what was typed into a form that was refused.
const TYPED: &str = "connection-form";

/// Under which key the session keeps what the last set-up of an Odoo did.
const SETUP: &str = "odoo-setup";

/// What was typed last, without the secret, and why it was refused: a page without the browser's half shows it again.
#[derive(Serialize, Deserialize)]
struct Refused {
    form: ConnectionForm,
    field: String,
    message: String,
}

/// Connections.
pub struct ConnectionsPort {
    /// Who asks.
    pub asker: Asker,
    /// Their session.
    pub browser: BrowserSession,
}

impl ConnectionsPort {
    /// What was typed last into the form of this connection; it is shown once.
    async fn typed(&self, wanted: bool, of: impl Fn(&ConnectionForm) -> bool) -> Option<Refused> {
        if !wanted {
            return None;
        }
        self.forget_typed().await.filter(|refused| of(&refused.form))
    }

    /// Takes what was typed out of the session, where something is there.
    async fn forget_typed(&self) -> Option<Refused> {
        let session = self.browser.session.as_ref()?;
        let typed = session.get_value(TYPED).await.ok().flatten()?;
        let forgotten = async {
            session.remove_value(TYPED).await?;
            // a page is sent in parts: the session is not saved at its end
            session.save().await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!("what was typed into a form stays in the session: {error}");
        }
        serde_json::from_value(typed).ok()
    }

    /// Keeps what was typed; without it the page says what was wrong all the same.
    async fn keep_typed(&self, form: ConnectionForm, error: &ApiError) {
        let ApiError::Invalid { field, message } = error else { return };
        // the browser's half has the form on the page still
        if !self.browser.loads_pages {
            return;
        }
        let form = ConnectionForm { secret: String::new(), ..form };
        let refused = Refused { form, field: field.clone(), message: message.clone() };
        if let Some(session) = &self.browser.session
            && let Err(error) = session.insert(TYPED, refused).await
        {
            tracing::warn!("what was typed into a form is not kept: {error}");
        }
    }

    /// Tests what was just kept: that stays kept where the test cannot be done, and the page says that it is not tested.
    async fn test_what_is_kept(&self, caller: &Caller, name: &str) {
        if let Err(error) = connections::test(&self.asker.context, caller, name).await {
            tracing::warn!(connection = name, "it is kept, but could not be tested: {error}");
        }
    }

    /// A connection with what happened on it, for its page and the guide.
    async fn page(&self, name: &str, was_refused: bool) -> ApiResult<ConnectionView> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        let read = async {
            let details = connections::one(context, &caller, name).await?;
            let activity = connections::activity(context, &caller, &details).await?;
            let pausing = connections::pausing(context, std::iter::once(&details.overview)).await?;
            let removal = connections::removal(context, &caller, name).await?;
            Ok::<_, UseCaseError>((details, activity, pausing, removal))
        };
        let (details, activity, pausing, removal) = read.await.map_err(|error| refused(context, error))?;
        let typed = self.typed(was_refused, |form| form.version > 0 && form.name == name).await;
        let setup = match details.overview.record.connector.as_str() {
            odoo::ID => Some(self.setup(&caller, name).await.map_err(|error| refused(context, error))?),
            _ => None,
        };
        let removal = removal::view(&details.overview, removal);
        Ok(ConnectionView { setup, removal, ..page::one(details, activity, &pausing, typed, &self.asker.times()) })
    }

    /// The set-up of an Odoo, with what was done last in this session.
    async fn setup(&self, caller: &Caller, name: &str) -> Result<SetupView, UseCaseError> {
        let context = &self.asker.context;
        let hints = hint_state(context, caller, name).await?;
        let seconds = context.connections.now().get(name).map_or(0, |connection| connection.seconds);
        let last = self.last_setup().await.filter(|last| last.name == name);
        if let Some(last) = last.as_ref().filter(|last| !last.wrong.is_empty()) {
            // it is shown once
            self.keep_setup(&LastSetup { wrong: String::new(), ..last.clone() }).await;
        }
        Ok(setup::view(hints, seconds, last, &self.asker.times()))
    }

    async fn last_setup(&self) -> Option<LastSetup> {
        let kept = self.browser.session.as_ref()?.get_value(SETUP).await.ok().flatten()?;
        serde_json::from_value(kept).ok()
    }

    /// Keeps what a set-up did; without it the page does not show it, and nothing else.
    async fn keep_setup(&self, last: &LastSetup) {
        let Some(session) = &self.browser.session else { return };
        let kept = async {
            session.insert(SETUP, last).await?;
            // a page is sent in parts: the session is not saved at its end
            session.save().await
        };
        if let Err(error) = kept.await {
            tracing::warn!("what a set-up did is not kept in the session: {error}");
        }
    }
}

#[async_trait]
impl app::contract::connections::ConnectionsPort for ConnectionsPort {
    async fn list(&self, query: ConnectionsQuery) -> ApiResult<ConnectionsView> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        let read = async {
            let all = connections::list(context, &caller).await?;
            let pausing = connections::pausing(context, all.iter()).await?;
            Ok::<_, UseCaseError>((all, pausing))
        };
        let (all, pausing) = read.await.map_err(|error| refused(context, error))?;
        Ok(list::list(&all, &query, &pausing, &self.asker.times()))
    }

    async fn one(&self, name: String, refused: bool) -> ApiResult<ConnectionView> {
        self.page(&name, refused).await
    }

    async fn guide(&self, connector: String, connection: String, was_refused: bool) -> ApiResult<GuideView> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        let templates = catalogue::catalogue();
        let mut guide =
            GuideView { templates: templates.iter().map(form::template_view).collect(), form: None, saved: None };
        if !connection.is_empty() {
            let one = self.page(&connection, was_refused).await?;
            (guide.form, guide.saved) = (one.form, Some(one.saved));
        } else if let Some(template) = templates.iter().find(|template| template.id == connector) {
            let all = connections::list(context, &caller).await.map_err(|error| refused(context, error))?;
            let typed = self.typed(was_refused, |form| form.version == 0 && form.connector == connector).await;
            let (typed, fault) = form::taken_up(typed, || form::new_form(template, &all));
            guide.form = Some(form::form_view(template, typed, 0, fault));
        }
        Ok(guide)
    }

    async fn put(&self, form: ConnectionForm) -> ApiResult<Kept> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        let (name, and_then) = (form.name.trim().to_owned(), form.then);
        let new = form::new_connection(form.clone());
        let kept = match new {
            Ok(new) => connections::put(context, &caller, new).await,
            Err(error) => Err(error),
        };
        let kept = match kept.map_err(|error| refused(context, error)) {
            Ok(kept) => kept,
            Err(error) => {
                self.keep_typed(form, &error).await;
                return Err(error);
            }
        };
        self.forget_typed().await;
        if and_then == AndThen::Test {
            self.test_what_is_kept(&caller, &name).await;
        }
        Ok(Kept { name, version: kept.version, enabled: kept.enabled })
    }

    async fn test(&self, name: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::test(context, &caller, &name).await.map(drop).map_err(|error| refused(context, error))
    }

    async fn rotate(&self, name: String, secret: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::rotate(context, &caller, &name, &secret).await.map_err(|error| refused(context, error))?;
        // the test that is shown is of the new one
        self.test_what_is_kept(&caller, &name).await;
        Ok(())
    }

    async fn retire(&self, name: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::retire_old(context, &caller, &name).await.map_err(|error| refused(context, error))?;
        self.test_what_is_kept(&caller, &name).await;
        Ok(())
    }

    async fn pause(&self, name: String, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::pause(context, &caller, &name, &why).await.map_err(|error| refused(context, error))
    }

    async fn resume(&self, name: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::resume(context, &caller, &name).await.map_err(|error| refused(context, error))
    }

    async fn set_up(&self, form: SetupForm) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        let name = form.name.trim().to_owned();
        let done = set_up(context, &caller, &name, setup::request(form)).await;
        match done.map_err(|error| refused(context, error)) {
            Ok(report) => {
                self.keep_setup(&LastSetup { name, report: Some(report), wrong: String::new() }).await;
                Ok(())
            }
            Err(error) => {
                let before = self.last_setup().await.filter(|last| last.name == name);
                if self.browser.loads_pages {
                    let report = before.and_then(|last| last.report);
                    self.keep_setup(&LastSetup { name, report, wrong: error.to_string() }).await;
                }
                Err(error)
            }
        }
    }

    async fn switch(&self, name: String, on: bool, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::switch(context, &caller, &name, on, &why).await.map_err(|error| refused(context, error))
    }

    async fn remove(&self, name: String, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.asker.context, self.asker.caller(Permission::Operate)?);
        connections::remove(context, &caller, &name, &why).await.map_err(|error| refused(context, error))
    }
}
