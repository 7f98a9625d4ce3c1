//! The text of a condition: what is typed, its errors by line and column, and completion. Without the browser's half a plain field
//! with a list of what can be written in it.

use super::{
    check::{CHECK, Check},
    complete::{Asked, Offer, byte_of, offer, units_of},
    parts::sentence,
};
use crate::{
    components::{Icon, browser},
    contract::rules::{ChoicesView, EditorView, FieldView, ProblemView},
};
use leptos::{ev::KeyboardEvent, prelude::*};

/// The field of the text.
pub(super) const WHEN: &str = "when";
const OFFERS: &str = "when-offers";

/// The text with all that belongs to it.
pub(super) fn side(
    editor: RwSignal<EditorView>,
    text: RwSignal<String>,
    choices: StoredValue<ChoicesView>,
    check: Option<Check>,
) -> impl IntoView {
    let may_edit = check.is_some();
    let problems = Memo::new(move |_| {
        editor.with(|editor| editor.problems.iter().filter(|one| one.at.is_some()).cloned().collect::<Vec<_>>())
    });
    view! {
        <div class="cel-side">
            <h3>"Text (CEL)"<span class="push">"both sides stay in step"</span></h3>
            {field(text, problems, choices, check).into_any()}
            <div role="alert">{move || problems.get().into_iter().enumerate().map(|(n, one)| error(n, one, may_edit)).collect_view()}</div>
            {known(choices).into_any()}
        </div>
    }
}

/// What is typed lies over the same text in colours.
fn field(
    text: RwSignal<String>,
    problems: Memo<Vec<ProblemView>>,
    choices: StoredValue<ChoicesView>,
    check: Option<Check>,
) -> impl IntoView {
    let first = text.get_untracked();
    let offers = Offers { text, choices, shown: RwSignal::new(None), at: RwSignal::new(0) };
    let typed = move |event| {
        text.set(event_target_value(&event));
        offers.look(Asked::ByTyping);
        if let Some(check) = check {
            check.soon();
        }
    };
    let coloured = move || text.with(|text| problems.with(|problems| lines(text, problems)));
    view! {
        <div class="cel">
            <pre class="code code--n" aria-hidden="true">{move || coloured().into_iter().map(line).collect_view()}</pre>
            <textarea id=WHEN name="rule[when]" class="code" spellcheck="false" autocapitalize="off" autocomplete="off" rows="5" readonly=check.is_none()
                aria-label="Condition as CEL text" aria-describedby="when-help when-error-0" aria-autocomplete="list" aria-controls=OFFERS
                aria-invalid=move || problems.with(|all| !all.is_empty()).then_some("true")
                aria-activedescendant=move || offers.active()
                prop:value=move || text.get() on:input=typed on:keydown=move |event| offers.key(&event) on:blur=move |_| offers.close()>{first}</textarea>
            <ul id=OFFERS class="offers" role="listbox" aria-label="Fields and codes" hidden=move || offers.shown.with(Option::is_none)>
                {move || offers.shown.get().map(|offer| offers.list(offer))}
            </ul>
        </div>
        <p class="cel-help small muted" id="when-help">"Fields and codes are offered while you type; Ctrl+Space asks for them."</p>
    }
}

/// What is offered at the caret.
#[derive(Clone, Copy)]
struct Offers {
    text: RwSignal<String>,
    choices: StoredValue<ChoicesView>,
    shown: RwSignal<Option<Offer>>,
    at: RwSignal<usize>,
}

impl Offers {
    fn look(self, asked: Asked) {
        let found = browser::caret(WHEN).and_then(|caret| {
            self.text.with_untracked(|text| {
                self.choices.with_value(|choices| offer(text, byte_of(text, caret), &choices.fields, asked))
            })
        });
        self.at.set(0);
        self.shown.set(found);
    }

    fn close(self) {
        if self.shown.with_untracked(Option::is_some) {
            self.shown.set(None);
        }
    }

    fn active(self) -> Option<String> {
        self.shown.with(Option::is_some).then(|| format!("{OFFERS}-{}", self.at.get()))
    }

    fn key(self, event: &KeyboardEvent) {
        if event.key() == " " && event.ctrl_key() {
            event.prevent_default();
            self.look(Asked::ByKey);
            return;
        }
        let Some(count) = self.shown.with_untracked(|shown| shown.as_ref().map(|offer| offer.items.len())) else {
            return;
        };
        match event.key().as_str() {
            "ArrowDown" => self.at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => self.at.update(|at| *at = (*at + count - 1) % count),
            "Enter" | "Tab" => self.take(self.at.get_untracked()),
            "Escape" => self.close(),
            _ => return,
        }
        event.prevent_default();
    }

    fn take(self, n: usize) {
        let Some(offer) = self.shown.get_untracked() else { return };
        let Some((word, _)) = offer.items.get(n) else { return };
        let mut text = self.text.get_untracked();
        text.replace_range(offer.from..offer.to, word);
        let caret = units_of(&text, offer.from + word.len());
        browser::put_text(WHEN, &text, caret);
        self.text.set(text);
        self.shown.set(None);
        browser::click_on(CHECK);
    }

    fn list(self, offer: Offer) -> impl IntoView {
        let item = move |(n, (word, label)): (usize, (String, String))| {
            view! {
                <li id=format!("{OFFERS}-{n}") role="option" aria-selected=move || (self.at.get() == n).to_string()
                    on:mousedown=move |event| { event.prevent_default(); self.take(n); }><span class="mono">{word}</span><span class="small muted">{label}</span></li>
            }
        };
        offer.items.into_iter().enumerate().map(item).collect_view()
    }
}

/// A line of the text in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    bad: bool,
    parts: Vec<(&'static str, String)>,
}

fn line(line: Line) -> impl IntoView {
    let class = if line.bad { "ln ln--bad" } else { "ln" };
    let parts = line.parts.into_iter().map(|(class, text)| view! { <span class=class>{text}</span> }).collect_view();
    // an empty line has its height
    view! { <span class=class>{parts}"\u{200b}"</span> }
}

fn lines(text: &str, problems: &[ProblemView]) -> Vec<Line> {
    let of = |(n, line): (usize, &str)| {
        let at = problems.iter().filter_map(|one| one.at).find(|(at, _)| *at == n + 1).map(|(_, column)| column);
        Line { bad: at.is_some(), parts: parts(line, at) }
    };
    text.split('\n').enumerate().map(of).collect()
}

/// The words and signs of a line; the one at the column is wrong.
fn parts(line: &str, wrong: Option<usize>) -> Vec<(&'static str, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut parts: Vec<(&'static str, String)> = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    let mut n = 0;
    while n < chars.len() {
        let from = n;
        let kind = |c: char| (is_word(c), matches!(c, '&' | '|' | '!'));
        while n < chars.len() && kind(chars[n]) == kind(chars[from]) && (wrong != Some(n + 1) || n == from) {
            n += 1;
        }
        let piece: String = chars[from..n].iter().collect();
        let class = match (wrong == Some(from + 1), kind(chars[from])) {
            (true, _) => "err",
            (false, (_, true)) => "k",
            (false, _) if piece == "in" => "k",
            (false, _) => "",
        };
        match parts.last_mut() {
            Some((last, text)) if *last == class && class != "err" => text.push_str(&piece),
            _ => parts.push((class, piece)),
        }
    }
    parts
}

fn error(n: usize, one: ProblemView, may_edit: bool) -> impl IntoView {
    let (line, column) = one.at.unwrap_or_default();
    let replace = (n == 0 && may_edit && one.instead.is_some()).then(|| {
        view! { <button class="btn btn--s" type="submit" name="rule[step]" value="replace" data-testid="replace">"Replace"</button> }
    });
    view! {
        <p class="celerr" id=format!("when-error-{n}") data-testid="cel-error"><Icon name="critical" class="bad"/>
            <span><b>{format!("Line {line}, column {column}:")}</b>" "{sentence(&one.message)}</span>{replace}</p>
    }
}

/// Every field with its codes: what can be written, where no completion is.
fn known(choices: StoredValue<ChoicesView>) -> impl IntoView {
    let row = |field: &FieldView| {
        let codes: Vec<&str> = field.codes.iter().map(|(code, _)| code.as_str()).collect();
        let codes = (!codes.is_empty()).then(|| view! { <br/><span class="mono small">{codes.join(" ")}</span> });
        view! { <dt class="mono">{field.path.clone()}</dt><dd>{field.kind.clone()}": "{field.about.clone()}{codes}</dd> }
    };
    let rows = choices.with_value(|choices| choices.fields.iter().map(row).collect_view());
    view! { <details class="known"><summary>"Fields and codes"<Icon name="down"/></summary><dl class="known__list">{rows}</dl></details> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_coloured_and_its_error_underlined() {
        let joined = |line: &str, wrong| {
            parts(line, wrong).iter().map(|(class, text)| format!("{class}[{text}]")).collect::<String>()
        };
        assert_eq!(joined("&& order.delivry != \"x\"", Some(4)), "k[&&][ ]err[order.delivry][ ]k[!][= \"x\"]");
        assert_eq!(joined("a in [b]", None), "[a ]k[in][ [b]]");
        assert_eq!(joined("", Some(1)), "");
        for text in ["!(\"A\" in b.c) && ü > 3", "  ", "=="] {
            let whole: String = parts(text, None).into_iter().map(|(_, part)| part).collect();
            assert_eq!(whole, text);
        }
    }
}
