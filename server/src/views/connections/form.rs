//! The guided form of a connection: the connector's schema and what is kept, as the page shows it, and what was typed, as the use
//! case takes it.

use super::Refused;
use app::contract::connections::{ConnectionForm, FieldKind, FieldView, FormFault, FormView, TemplateView};
use application::{
    connections::{self, Expected, NewConnection, Overview, catalogue},
    error::UseCaseError,
};
use domain::routing::{Takes, TakesFault};
use outbound::{
    schema,
    template::{Direction, Template},
};
use secrecy::SecretString;

/// What is typed in words: parts by commas or lines.
fn parts(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Names that have commas of their own: one a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A form as the use case takes it.
///
/// # Errors
/// Where it names a severity that there is not.
pub(super) fn new_connection(form: ConnectionForm) -> Result<NewConnection, UseCaseError> {
    let mut fields = form.fields;
    // a box that is not ticked is not sent
    if let Some(template) = catalogue::template(&form.connector) {
        let flags = template.fields.iter().filter(|field| field.kind == schema::FieldKind::Flag);
        for flag in flags {
            fields.entry(flag.name.to_owned()).or_insert_with(|| "off".into());
        }
    }
    let severities = Takes::severities_of(&form.severities)
        .map_err(|TakesFault { field, message }| UseCaseError::Invalid { field, message })?;
    Ok(NewConnection {
        expected: if form.version == 0 { Expected::New } else { Expected::Version(form.version) },
        name: form.name.trim().to_owned(),
        label: form.label,
        connector: form.connector,
        sandbox: form.sandbox,
        owner: form.owner,
        purpose: form.purpose,
        runbook: form.runbook,
        data_classes: parts(&form.data_classes),
        takes: Takes {
            companies: lines(&form.companies),
            warehouses: parts(&form.warehouses),
            carriers: parts(&form.carriers),
            severities,
        },
        fields,
        secret: Some(form.secret).filter(|secret| !secret.trim().is_empty()).map(SecretString::from),
        moved: form.moved,
        enabled: None,
    })
}

/// What was typed before it was refused, with why; else what a form begins with.
pub(super) fn taken_up(
    typed: Option<Refused>,
    fresh: impl FnOnce() -> ConnectionForm,
) -> (ConnectionForm, Option<FormFault>) {
    match typed {
        Some(Refused { form, field, message }) => (form, Some(FormFault { field, message })),
        None => (fresh(), None),
    }
}

/// What the form of a new connection begins with.
pub(super) fn new_form(template: &Template, all: &[Overview]) -> ConnectionForm {
    let name = connections::free_name(template.id, all.iter().map(|one| one.record.name.as_str()));
    let label = if name == template.id.replace('_', "-") { template.label.to_owned() } else { String::new() };
    ConnectionForm { name, label, connector: template.id.to_owned(), ..ConnectionForm::default() }
}

/// What the form of a connection that is there begins with.
pub(super) fn form_of(one: &Overview) -> ConnectionForm {
    let record = &one.record;
    ConnectionForm {
        name: record.name.clone(),
        connector: record.connector.clone(),
        version: record.version,
        label: record.label.clone(),
        sandbox: record.sandbox,
        owner: record.owner.clone(),
        purpose: record.purpose.clone(),
        runbook: record.runbook.clone(),
        data_classes: record.data_classes.join(", "),
        fields: one.fields(),
        companies: one.takes.companies.join("\n"),
        warehouses: one.takes.warehouses.join(", "),
        carriers: one.takes.carriers.join(", "),
        severities: one.takes.severities.iter().map(|severity| severity.code().to_owned()).collect(),
        ..ConnectionForm::default()
    }
}

pub(super) fn form_view(template: &Template, form: ConnectionForm, secrets: u64, fault: Option<FormFault>) -> FormView {
    let is_new = form.version == 0;
    let field = |field: &schema::Field| {
        let typed = form.fields.get(field.name).map(String::as_str);
        let default = field.default.filter(|_| is_new && fault.is_none());
        FieldView {
            name: field.name.to_owned(),
            label: field.label.to_owned(),
            kind: field_kind(&field.kind),
            required: field.required,
            upfront: field.upfront,
            help: field.help.to_owned(),
            value: typed.or(default).unwrap_or_default().to_owned(),
        }
    };
    FormView {
        connector: template.id.to_owned(),
        connector_label: template.label.to_owned(),
        family: template.family.code().to_owned(),
        schema: template.version,
        secret_label: template.secret_label.to_owned(),
        secret_help: template.secret_help.to_owned(),
        secret_needed: catalogue::needs_secret(template),
        secrets,
        version: form.version,
        fields: template.fields.iter().map(field).collect(),
        typed: form,
        fault,
    }
}

fn field_kind(kind: &schema::FieldKind) -> FieldKind {
    use schema::FieldKind as K;
    let owned = |(value, label): &(&str, &str)| ((*value).to_owned(), plain(label));
    match kind {
        K::Text => FieldKind::Text,
        K::Url { .. } => FieldKind::Url,
        K::Number { least, most } => FieldKind::Number { least: *least, most: *most },
        K::Flag => FieldKind::Flag,
        K::Choice(options) => FieldKind::Choice(options.iter().map(owned).collect()),
        K::List => FieldKind::List,
        K::Zone => FieldKind::Zone,
        K::Json => FieldKind::Json,
    }
}

/// A sentence of the documentation as a label.
pub(super) fn plain(text: &str) -> String {
    text.trim_end_matches('.').replace('`', "")
}

/// A connector to choose.
pub(super) fn template_view(template: &Template) -> TemplateView {
    TemplateView {
        id: template.id.to_owned(),
        label: template.label.to_owned(),
        family: template.family.code().to_owned(),
        family_label: template.family.label().to_owned(),
        reads: template.reads.to_owned(),
        writes: if template.family.direction() == Direction::In { "" } else { template.writes }.to_owned(),
        signs_in: plain(template.signs_in),
    }
}
