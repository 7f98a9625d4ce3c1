//! The first steps of an installation, for the pages.

use super::Asker;
use app::contract::{
    ApiResult,
    session::Permission,
    start::{Standing, StartView, StepAction, StepView},
};
use application::{
    connections::{
        Overview,
        first_steps::{self, FirstSteps, Progress},
    },
    installation::{self, Company, NamedBy},
};
use async_trait::async_trait;

/// The first steps.
pub struct StartPort(pub Asker);

#[async_trait]
impl app::contract::start::StartPort for StartPort {
    async fn steps(&self) -> ApiResult<StartView> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        let steps = first_steps::first_steps(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let company = installation::company(context).await.map_err(|e| self.0.refused(e))?;
        Ok(view(&steps, company, &context.config.public_url))
    }

    async fn name_company(&self, name: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        installation::name_company(context, &caller, &name).await.map_err(|e| self.0.refused(e))
    }

    async fn skip(&self) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller(Permission::Operate)?);
        first_steps::skip(context, &caller).await.map_err(|e| self.0.refused(e))
    }
}

fn view(steps: &FirstSteps, company: Company, public_url: &str) -> StartView {
    let FirstSteps { source, orders, desk, connected } = steps;
    let mut all = vec![company_step(company), source_step(source, public_url), orders_step(orders), desk_step(desk)];
    if let Some(next) = all.iter_mut().find(|step| step.standing == Standing::Later) {
        next.standing = Standing::Next;
    }
    StartView { steps: all, connected: connected.anything, guided: connected.guided }
}

fn company_step(Company { name, named_by }: Company) -> StepView {
    let (standing, detail, action) = match named_by {
        NamedBy::Server => (Standing::Done, format!("{name}, as the server was started (--company)."), None),
        NamedBy::Admin => (Standing::Done, name.clone(), Some(StepAction::Name { name })),
        NamedBy::Nobody => {
            let until = format!("Until then it is called {name}.");
            (Standing::Later, until, Some(StepAction::Name { name: String::new() }))
        }
    };
    StepView {
        title: "Name the company".into(),
        why: "Shown beside the navigation and on the sign-in page, so that people know whose installation this is."
            .into(),
        standing,
        detail,
        action,
    }
}

fn source_step(progress: &Progress, public_url: &str) -> StepView {
    let detail = match progress {
        Progress::Done(one) if one.record.last_ok_at.is_none() => {
            let name = &one.record.name;
            Some(format!("{}: waiting for the first message at {public_url}/ingest/{name}", one.record.label))
        }
        Progress::Done(one) => Some(format!("{}: messages arrive", one.record.label)),
        _ => None,
    };
    let missing = "Choose the platform or carrier, and enter the address that Milepost shows there as a webhook.";
    StepView {
        title: "Connect the first source of tracking messages".into(),
        why: "Carriers and tracking platforms send events. Without them Milepost knows orders, but not where they are."
            .into(),
        ..step(progress, ("Add a source", "/connections/new?kind=carrier"), missing, detail)
    }
}

fn orders_step(progress: &Progress) -> StepView {
    let missing = "You need its address, the database's name, and an API key of an integration user.";
    StepView {
        title: "Connect Odoo".into(),
        why: "Deliveries, promised dates and customers come from Odoo; status, ETA and notes are written back.".into(),
        ..step(progress, ("Connect Odoo", "/connections/new?connector=odoo"), missing, None)
    }
}

fn desk_step(progress: &Progress) -> StepView {
    let missing = "Exceptions are kept under Exceptions in any case; a desk adds tickets.";
    let step = step(progress, ("Connect a service desk", "/connections/new?kind=desk"), missing, None);
    StepView {
        title: "Connect a service desk".into(),
        why: "Exceptions that last become tickets where your agents work, and are resolved with the shipment.".into(),
        standing: if step.standing == Standing::Later { Standing::Optional } else { step.standing },
        ..step
    }
}

/// What is the same for each kind of connection: what there is of it, and what the button does.
fn step(progress: &Progress, new: (&str, &str), missing: &str, detail: Option<String>) -> StepView {
    let open = |label: &str, href: String| Some(StepAction::Open { label: label.to_owned(), href });
    let page = |one: &Overview| format!("/connections/{}", one.record.name);
    let (standing, said, action) = match progress {
        Progress::Missing => (Standing::Later, missing.to_owned(), open(new.0, new.1.to_owned())),
        Progress::Draft(one) => {
            let said = format!("{} is set up and not turned on yet.", one.record.label);
            (Standing::Later, said, open("Test and turn on", page(one)))
        }
        Progress::Failing(one) => {
            let why = if one.state.why.is_empty() { "it does not work" } else { one.state.why.as_str() };
            let said = format!("{}: {why}", one.record.label);
            (Standing::Failing, said, open("See what is wrong", page(one)))
        }
        Progress::Done(one) => (Standing::Done, one.record.label.clone(), open("Open", page(one))),
    };
    let (title, why) = (String::new(), String::new());
    StepView { title, why, standing, detail: detail.unwrap_or(said), action }
}
