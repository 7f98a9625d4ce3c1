//! What changes while somebody looks at it: rows keep their identity, ticks stay with what was ticked, and nothing moves
//! under a pointer that is down.

use super::{Failed, Loading, browser};
use crate::contract::{ApiError, ApiResult};
use leptos::{prelude::*, reactive::computed::ScopedFuture};
use std::{collections::BTreeSet, hash::Hash};

/// A page of what `source` answers. The first answer makes it; the later ones change what it shows and make nothing anew, so
/// that the focus, typed text and what was opened stay. While the pointer is down nothing changes.
pub fn followed<T, V>(
    source: Resource<ApiResult<T>>,
    view: impl Fn(Signal<T>) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    view! {
        <Transition fallback=Loading>
            {move || {
                let view = view.clone();
                Suspend::new(async move {
                    // what comes later is for `shown`
                    let first = ScopedFuture::new_untracked(async move { source.await }).await;
                    shown(first, source, view)
                })
            }}
        </Transition>
    }
}

fn shown<T, V>(
    first: ApiResult<T>,
    source: Resource<ApiResult<T>>,
    view: impl Fn(Signal<T>) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let (data, failed) = match first {
        Ok(first) => (Some(ArcRwSignal::new(first)), None),
        Err(error) => (None, Some(error)),
    };
    let (data, failed) = (RwSignal::new(data), RwSignal::new(failed));
    let pressed = use_context::<browser::Pressed>();
    Effect::new(move |_| {
        if pressed.is_some_and(browser::Pressed::is) {
            return;
        }
        match source.get() {
            None => {}
            Some(Ok(new)) => {
                if failed.with_untracked(Option::is_some) {
                    failed.set(None);
                }
                match data.get_untracked() {
                    Some(old) if old.with_untracked(|old| *old == new) => {}
                    Some(old) => old.set(new),
                    None => data.set(Some(ArcRwSignal::new(new))),
                }
            }
            Some(Err(error)) => {
                // without a connection the page stays, under a note that it is old
                if !matches!(error, ApiError::Unavailable { .. }) {
                    data.set(None);
                }
                failed.set(Some(error));
            }
        }
    });
    view! {
        {move || failed.get().map(|error| view! { <Failed error/> })}
        {move || data.get().map(|data| view(RwSignal::from(data).into()))}
    }
}

/// A part of the data: it notifies only of its own changes.
pub fn part<T, P>(data: Signal<T>, of: impl Fn(&T) -> P + Send + Sync + 'static) -> Memo<P>
where
    T: Send + Sync + 'static,
    P: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| data.with(&of))
}

/// The rows of a list, by their keys. A row's elements stay its own, whatever comes before it or goes, and follow its data.
pub fn rows<T, K, V>(
    list: Memo<Vec<T>>,
    key: fn(&T) -> K,
    view: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let keys = move || list.with(|list| list.iter().map(key).collect::<Vec<_>>());
    let row = move |id: K| {
        let view = view.clone();
        let row = Memo::new(move |_| list.with(|list| list.iter().find(|row| key(row) == id).cloned()));
        move || row.get().map(&view)
    };
    view! { <For each=keys key=K::clone children=row/> }
}

/// The rows that a person ticked, by their ids. They stay ticked when the list moves on; those that are no longer shown are
/// counted and go out with the form all the same.
#[derive(Clone, Copy)]
pub struct Ticked {
    form: &'static str,
    name: &'static str,
    ids: RwSignal<BTreeSet<String>>,
}

impl Ticked {
    /// For the form of this id, which takes the ids under this name. What was ticked before the browser's half came counts.
    pub fn new(form: &'static str, name: &'static str) -> Self {
        Self { form, name, ids: RwSignal::new(browser::ticked(form)) }
    }

    /// The box of a row.
    pub fn tick(self, id: &str, label: String) -> impl IntoView + use<> {
        let Self { form, name, ids } = self;
        let (is, set) = (id.to_owned(), id.to_owned());
        view! {
            <input type="checkbox" form=form name=name value=id.to_owned() aria-label=label
                prop:checked=move || ids.with(|ids| ids.contains(&is))
                on:change=move |event| ids.update(|ids| {
                    if event_target_checked(&event) { ids.insert(set.clone()) } else { ids.remove(&set) };
                })/>
        }
    }

    /// How many are ticked and how to clear them; inside the form. `shown` are the ids that have a box.
    pub fn note(self, shown: Memo<BTreeSet<String>>) -> impl IntoView {
        let Self { name, ids, .. } = self;
        let gone =
            Memo::new(move |_| ids.with(|ids| shown.with(|shown| ids.difference(shown).cloned().collect::<Vec<_>>())));
        let hidden = move |id: String| view! { <input type="hidden" name=name value=id/> };
        let text = move || {
            let count = ids.with(BTreeSet::len);
            match gone.with(Vec::len) {
                0 => format!("{count} selected"),
                away => format!("{count} selected, {away} not on this page"),
            }
        };
        view! {
            <For each=move || gone.get() key=String::clone children=hidden/>
            {move || ids.with(|ids| !ids.is_empty()).then(|| view! {
                <span class="small" role="status" data-testid="selected">{text}</span>
                <button class="btn btn--s btn--bare" type="button" data-testid="clear-selection" on:click=move |_| self.clear()>"Clear"</button>
            })}
        }
    }

    /// Nothing is ticked any more.
    pub fn clear(self) {
        if self.ids.with_untracked(|ids| !ids.is_empty()) {
            self.ids.set(BTreeSet::new());
        }
    }
}
