//! The labels of a shipment, and where its numbers are registered.

use super::book_label::BookLabel;
use crate::{
    api::{BookShipment, DecideBooking},
    components::{Failed, Time, action, may},
    contract::{
        bookings::{BookingView, BookingsView, OrderedView, TrackingView},
        session::Permission,
    },
};
use leptos::{form::ActionForm, prelude::*};

/// What a person can do about labels.
#[derive(Clone, Copy)]
pub struct LabelActs {
    decide: ServerAction<DecideBooking>,
    book: ServerAction<BookShipment>,
}

impl LabelActs {
    /// Those of a page; made once.
    pub fn new() -> Self {
        Self { decide: action(), book: action() }
    }

    /// How often something was done.
    pub fn done(self) -> usize {
        self.decide.version().get() + self.book.version().get()
    }
}

/// The panel; nothing where nothing was booked or registered, and nothing can be.
#[component]
pub fn BookingsPanel(
    /// The shipment.
    shipment: Memo<String>,
    /// What there is.
    view: Memo<BookingsView>,
    /// What a person can do.
    acts: LabelActs,
) -> impl IntoView {
    let LabelActs { decide, book } = acts;
    let may_decide = may(Permission::Operate);
    let failed = move || decide.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    // what is typed into the form stays while bookings go on
    let bookable = Memo::new(move |_| if may_decide { view.with(|view| view.bookable.clone()) } else { Vec::new() });
    let is_empty = Memo::new(move |_| {
        let nothing =
            |view: &BookingsView| view.bookings.is_empty() && view.registrations.is_empty() && view.ordered.is_none();
        view.with(nothing) && bookable.with(Vec::is_empty)
    });
    let listed = move || {
        let BookingsView { bookings, registrations, ordered, .. } = view.get();
        view! {
            {bookings.into_iter().map(|booking| one(booking, decide, may_decide)).collect_view()}
            {registrations.into_iter().map(registration).collect_view()}
            {ordered.map(order)}
        }
    };
    let form = move || {
        let platforms = bookable.get();
        (!platforms.is_empty()).then(|| view! { <BookLabel shipment=shipment.get() platforms book/> })
    };
    move || {
        (!is_empty.get()).then(|| {
            view! {
                <section class="panel" id="labels" data-testid="bookings">
                    <header><h2>"Labels and tracking"</h2></header>
                    <div class="in stack stack--tight">{failed}{listed}{form}</div>
                </section>
            }
        })
    }
}

fn one(booking: BookingView, decide: ServerAction<DecideBooking>, may_decide: bool) -> impl IntoView {
    let status = if booking.attention {
        view! { <b class="late">{booking.status.clone()}</b> }.into_any()
    } else {
        view! { <b>{booking.status.clone()}</b> }.into_any()
    };
    let about = [booking.parcel, booking.service, booking.cost].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let test = booking.test.then_some(" · test label");
    let undecided = booking.undecided && may_decide;
    let voidable = booking.voidable && may_decide;
    let id = booking.id;
    let (to_void, to_repeat) = (id.clone(), id.clone());
    let repeatable = booking.repeatable && may_decide;
    view! {
        <dl class="facts" data-testid="booking">
            <dt>{status}</dt>
            <dd>
                {booking.number.map(|number| view! { <span class="id">{number}</span>" " })}
                {about}{test}" · "{booking.connection}
                {booking.next.map(|when| view! { <span class="small muted">" · next look "<Time when/></span> })}
            </dd>
        </dl>
        {booking.problem.map(|problem| view! { <p class="small">{problem}</p> })}
        {undecided.then(|| {
            let (again, none) = (id.clone(), id.clone());
            view! {
                <p class="small">"Look for the reference "<span class="id">{booking.key}</span>" at the platform."</p>
                <ActionForm action=decide attr:class="row">
                    <input type="hidden" name="id" value=id.clone()/>
                    <input type="hidden" name="decision" value="adopt"/>
                    <label class="field"><span>"There is a label, with this number"</span><input class="input" name="number" required maxlength="60"/></label>
                    <button class="btn btn--s" type="submit">"Use this number"</button>
                </ActionForm>
                <div class="row">
                    {button(decide, again, "again", "There is no label: book again")}
                    {button(decide, none, "give_up", "No label is needed")}
                </div>
            }
        })}
        {repeatable.then(|| button(decide, to_repeat, "again", "Book again"))}
        {voidable.then(|| view! {
            <details class="small">
                <summary>"Void label …"</summary>
                <p>"The label cannot be used any more. Whether its price comes back is decided by the carrier."</p>
                {button(decide, to_void, "void", "Void this label")}
            </details>
        })}
    }
}

fn button(
    decide: ServerAction<DecideBooking>,
    id: String,
    decision: &'static str,
    text: &'static str,
) -> impl IntoView {
    view! {
        <ActionForm action=decide>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="decision" value=decision/>
            <button class="btn btn--s" type="submit">{text}</button>
        </ActionForm>
    }
}

fn order(of: OrderedView) -> impl IntoView {
    let status = if of.problem.is_some() { "Label not booked" } else { "Label ordered" };
    let class = if of.problem.is_some() { "late" } else { "" };
    view! {
        <dl class="facts" data-testid="ordered-label">
            <dt><b class=class>{status}</b></dt>
            <dd>{of.connection}<span class="small muted">" · "<Time when=of.at/></span></dd>
        </dl>
        {of.problem.map(|problem| view! { <p class="small">{problem}</p> })}
    }
}

fn registration(of: TrackingView) -> impl IntoView {
    view! {
        <dl class="facts" data-testid="registration">
            <dt>{of.status}</dt>
            <dd>
                <span class="id">{of.number}</span>" · "{of.connection}
                {of.since.map(|when| view! { <span class="small muted">" · since "<Time when/></span> })}
            </dd>
        </dl>
        {of.again.map(|again| view! { <p class="small muted">{again}</p> })}
        {of.problem.map(|problem| view! { <p class="small">{problem}</p> })}
    }
}
