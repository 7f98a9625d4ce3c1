//! Who owns which field: the table of the code.

use crate::{components::Frame, contract::reconciliation::fields};
use domain::ownership::{Field, Record};
use leptos::prelude::*;

/// The page.
#[component]
pub fn FieldsPage() -> impl IntoView {
    view! {
        <Frame title="Field ownership">
            <div class="page__head">
                <div><h1>"Field ownership"</h1><p>"Each field has one owner. What happened to the goods outranks what an import carries."</p></div>
                <div class="row push"><a class="btn" href="/reconciliation">"Reconciliation"</a></div>
            </div>
            {Record::ALL.iter().map(|record| table(*record)).collect_view()}
        </Frame>
    }
}

fn table(record: Record) -> impl IntoView {
    let caption = format!("{}: fields and their owners", record.label());
    let rows = fields().iter().filter(|field| field.record == record).map(row).collect_view();
    view! {
        <section class="table-box">
            <div class="row in table-box__head"><h2>{record.label()}</h2></div>
            <table class="table table--list owned" data-testid="ownership">
                <caption class="sr">{caption}</caption>
                <thead><tr><th>"Field"</th><th class="p2">"Where"</th><th>"Owner"</th><th>"When another system changes it"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

fn row(field: &Field) -> impl IntoView + use<> {
    let name = if field.name.is_empty() { "Milepost" } else { field.name };
    view! {
        <tr>
            <th scope="row" class="c11">{field.label}<small class="mono thin only-s wrap-any">{name}</small></th>
            <td class="mono small p2 hide-s wrap-any">{name}</td>
            <td class="c2">{field.owner.label()}</td>
            <td class="small muted c3">{field.rule.label()}</td>
        </tr>
    }
}
