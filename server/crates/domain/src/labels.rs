//! Where the labels of a shipment stand, in the words of the list of shipments.

use crate::words::words;

words! {
    /// Where a label stands.
    LabelState {
        /// It is planned, sent, or not confirmed.
        InProgress = "in_progress", "Label in progress";
        /// There is a label.
        Booked = "booked", "Label booked";
        /// The platform does not do it.
        Refused = "refused", "Booking refused";
        /// A person decides.
        Undecided = "undecided", "Booking needs a decision";
        /// Whether it is void is not settled.
        Voiding = "voiding", "Label void requested";
        /// It is void.
        Voided = "voided", "Label voided";
        /// It stays paid.
        NotVoided = "not_voided", "Label not voided";
    }
}
