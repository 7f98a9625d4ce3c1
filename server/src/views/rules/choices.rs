//! What the fields of the editor can take: from the tables of the domain, and the connections that are in use.

use app::contract::rules::{ActionFieldView, ActionKindView, ChoicesView, FieldView};
use application::{context::Context, rules::manage};
use domain::{
    Severity,
    rules::{
        form::Operator,
        forms::{self, ActionField, Input},
        letter, schema, text,
    },
};
use outbound::template::Family;

/// Everything.
pub fn all(context: &Context) -> ChoicesView {
    let connected = |family: Family, none: &str| {
        let connections = context.connections.now();
        let mut names = vec![(String::new(), none.to_owned())];
        names.extend(connections.in_use(family).map(|one| (one.record.name.clone(), one.record.label.clone())));
        names
    };
    let desks = connected(Family::Desk, "The desk that takes the shipment");
    let channels = connected(Family::Channel, "The channels of its severity");
    let mut mail = vec![(String::new(), "The first mail channel".to_owned())];
    mail.extend(manage::mail_channels(context));
    let kind = |kind: &forms::ActionKind| ActionKindView {
        code: kind.code.into(),
        label: kind.label.into(),
        icon: kind.icon.into(),
        fields: kind
            .fields
            .iter()
            .map(|field| of_action(field, &desks, if kind.code == MESSAGE { &mail } else { &channels }))
            .collect(),
        words: words(kind.code),
    };
    ChoicesView {
        fields: schema::FIELDS.iter().map(field).collect(),
        actions: forms::KINDS.iter().map(kind).collect(),
        triggers: [
            ("exception", "When an exception opens", ""),
            ("open_for", "When an exception has been open for", "hours"),
            ("event", "On every new event", ""),
            ("change", "When a shipment changes", ""),
            ("every", "By the clock, every", "minutes"),
        ]
        .map(|(code, label, unit)| (code.to_owned(), label.to_owned(), unit.to_owned()))
        .to_vec(),
        severities: Severity::ALL.iter().map(|one| (one.code().to_owned(), one.label().to_owned())).collect(),
    }
}

/// The kind of action that mails customers.
const MESSAGE: &str = "message_customer";

/// The words that stand in braces in the texts of this kind of action: customers learn nothing of reasons and links for the house.
fn words(kind: &str) -> Vec<(String, String)> {
    let fits = |word: &str| kind != MESSAGE || letter::WORDS.contains(&word);
    let known = text::WORDS.iter().filter(|(word, _)| fits(word));
    known.map(|(word, about)| ((*word).to_owned(), (*about).to_owned())).collect()
}

/// What people call a kind of action.
pub fn action_label(code: &str) -> String {
    forms::of_code(code).map_or_else(|| code.to_owned(), |kind| kind.label.to_owned())
}

fn field(field: &schema::Field) -> FieldView {
    let owned = |(code, label): (&str, &str)| (code.to_owned(), label.to_owned());
    FieldView {
        path: field.path.into(),
        label: field.label.into(),
        kind: field.kind.label().into(),
        about: field.about.into(),
        codes: field.kind.codes().into_iter().map(owned).collect(),
        operators: Operator::of(field.kind).iter().map(|one| owned((one.code(), one.label()))).collect(),
    }
}

type Names = Vec<(String, String)>;

fn of_action(field: &ActionField, desks: &Names, channels: &Names) -> ActionFieldView {
    let (input, options) = match field.input {
        Input::Line | Input::Minutes => ("line", Vec::new()),
        Input::Text => ("text", Vec::new()),
        Input::Number => ("number", Vec::new()),
        Input::Desk => ("choice", desks.clone()),
        Input::Channel => ("choice", channels.clone()),
        Input::Choice(codes) => {
            let codes = codes().into_iter().map(|(code, label)| (code.to_owned(), label.to_owned()));
            let none = (!field.required).then(|| (String::new(), "–".to_owned()));
            ("choice", none.into_iter().chain(codes).collect())
        }
    };
    ActionFieldView {
        name: field.name.into(),
        label: field.label.into(),
        input: input.into(),
        hint: field.hint.into(),
        options,
    }
}
