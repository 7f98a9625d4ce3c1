//! The words of reconciliation: what can differ between the systems, why, and what mends it.

use crate::words::words;

words! {
    /// What differs; with the record it is the identity of a difference.
    Topic {
        /// A delivery of the order system that there is no shipment of.
        Missing = "missing", "Delivery not in Milepost";
        /// The tracking numbers.
        Number = "number", "Tracking number differs";
        /// The carrier.
        Carrier = "carrier", "Carrier differs";
        /// The promised date.
        Promised = "promised", "Promised date differs";
        /// The date on which the order system expects goods from a vendor.
        Scheduled = "scheduled", "Scheduled date differs from the ETA";
        /// Whether the transfer is open, done or cancelled, as it was last read.
        Standing = "standing", "Transfer changed in Odoo";
        /// The status that Milepost writes.
        Status = "status", "Status differs";
        /// The ETA that Milepost writes.
        Eta = "eta", "ETA differs";
        /// The time of delivery that Milepost writes.
        DeliveredAt = "delivered_at", "Time of delivery differs";
        /// The exception that Milepost writes.
        Exception = "exception", "Exception differs";
        /// Any other of Milepost's fields.
        Details = "details", "Details differ";
        /// Milepost's fields of the sales order.
        OrderFields = "order_fields", "Sales order shows something else";
        /// The delivery state of OCA's module.
        DeliveryState = "delivery_state", "Delivery state differs";
        /// Delivered here, and the transfer is not validated.
        Transfer = "transfer", "Delivered, still open in Odoo";
        /// Cancelled in the order system, and the carrier has it.
        Cancelled = "cancelled", "Cancelled in Odoo, on its way";
        /// Delivered, and not invoiced.
        Invoice = "invoice", "Delivered, not invoiced";
        /// The delivery was deleted in the order system.
        Gone = "gone", "Delivery gone from Odoo";
        /// A number that is reported and belongs to no order.
        NoOrder = "no_order", "No order";
        /// The ticket is open although its exception is over.
        TicketOpen = "ticket_open", "Ticket still open";
        /// The ticket is closed although its exception is open.
        TicketClosed = "ticket_closed", "Ticket closed, exception open";
        /// The ticket is decided and not made.
        TicketMissing = "ticket_missing", "Ticket not opened";
    }
}

words! {
    /// Why the systems differ.
    Cause {
        /// A person, or an automation of theirs, changed it in the order system.
        EditedInOdoo = "edited_in_odoo", "Edited by hand in Odoo";
        /// It was set back as often as it may be.
        Contested = "contested", "Edited again and again in Odoo";
        /// The update failed for good.
        Refused = "refused", "Odoo refused the update";
        /// The update waits or is tried again.
        Queued = "queued", "Update still queued";
        /// No update is waiting and none failed.
        NotSent = "not_sent", "Update not sent";
        /// The order system changed it, and it was not read since.
        NotImported = "not_imported", "Change in Odoo not read yet";
        /// The order system does not let it be read.
        Unreadable = "unreadable", "Odoo does not let it be read";
        /// The transfer was not validated.
        NotValidated = "not_validated", "Not validated in Odoo";
        /// The order was not invoiced.
        NotInvoiced = "not_invoiced", "Not invoiced in Odoo";
        /// It was deleted there.
        DeletedInOdoo = "deleted_in_odoo", "Deleted in Odoo";
        /// No order names the number.
        NoOrder = "no_order", "No order";
        /// The carrier reported another date than the one that was planned.
        Rescheduled = "rescheduled", "Carrier reports another date";
        /// The number itself names another carrier than the order system does.
        OtherCarrier = "other_carrier", "Other carrier chosen in Odoo";
        /// An agent of the desk moved the ticket.
        ByAgent = "by_agent", "Ticket changed by an agent";
        /// The update of the ticket failed for good.
        DeskRefused = "desk_refused", "Desk refused the update";
    }
}

words! {
    /// What mends a difference.
    Fix {
        /// Milepost writes its fields again.
        UpdateOdoo = "update_odoo", "Update Odoo";
        /// The delivery is read again.
        TakeFromOdoo = "take_from_odoo", "Take from Odoo";
        /// The ticket is brought to what the exception says.
        UpdateTicket = "update_ticket", "Update ticket";
        /// A person chooses whose value counts.
        Decide = "decide", "Decide";
        /// A person links the number with an order.
        LinkOrder = "link_order", "Link order";
        /// Nothing: an update is on its way.
        Wait = "wait", "Wait";
    }
}

words! {
    /// Who has to do something.
    Group {
        /// It can be mended without a decision.
        Safe = "safe", "Safe to fix";
        /// A person has to decide.
        Decision = "decision", "Needs a decision";
        /// It mends itself.
        Waits = "waits", "Waits for an update";
    }
}

words! {
    /// What a person decides of a difference.
    Choice {
        /// The other system's value counts; until a newer event, or another value.
        Keep = "keep", "Keep Odoo's";
        /// Milepost's value is written there.
        Write = "write", "Write Milepost's";
    }
}

impl Fix {
    /// Who has to do something.
    pub const fn group(self) -> Group {
        match self {
            Self::UpdateOdoo | Self::TakeFromOdoo | Self::UpdateTicket => Group::Safe,
            Self::Decide | Self::LinkOrder => Group::Decision,
            Self::Wait => Group::Waits,
        }
    }
}

impl Cause {
    /// Whether a difference of this cause is mended without a person. What was refused is refused again, and what is edited
    /// again and again is not fought over.
    pub const fn heals_itself(self) -> bool {
        matches!(self, Self::EditedInOdoo | Self::NotSent | Self::NotImported)
    }
}

impl Topic {
    /// Whether Milepost can write its own value there, should a person want that.
    pub const fn is_written(self) -> bool {
        matches!(self, Self::Number | Self::Carrier | Self::Scheduled | Self::DeliveryState) || self.is_act()
    }

    /// Whether a person who decides for Milepost has something done, rather than a value taken over.
    pub const fn is_act(self) -> bool {
        matches!(self, Self::TicketClosed | Self::Transfer | Self::Invoice)
    }

    /// What the two choices say.
    pub const fn choice(self, choice: Choice) -> &'static str {
        match (self, choice) {
            (Self::TicketClosed, Choice::Write) => "Reopen ticket",
            (Self::Transfer, Choice::Write) => "Validate delivery",
            (Self::Invoice, Choice::Write) => "Make invoice",
            (Self::TicketClosed, Choice::Keep) => "Leave it closed",
            (Self::TicketOpen, Choice::Keep) => "Leave it open",
            (Self::NoOrder, Choice::Keep) => "No order of ours",
            (
                Self::Missing | Self::Standing | Self::Transfer | Self::Cancelled | Self::Invoice | Self::Gone,
                Choice::Keep,
            ) => "Leave it as it is",
            _ => choice.label(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_no_two_share_a_code_or_a_label() {
        macro_rules! check {
            ($($word:ident)*) => {$(
                for one in $word::ALL {
                    assert_eq!($word::from_code(one.code()), Some(*one));
                    assert_eq!(serde_json::to_value(one).unwrap(), one.code());
                    let same = $word::ALL.iter().filter(|other| other.code() == one.code() || other.label() == one.label());
                    assert_eq!(same.count(), 1, "{one:?}");
                }
                assert_eq!($word::from_code("nothing"), None);
            )*};
        }
        check!(Topic Cause Fix Group Choice);
    }

    #[test]
    fn what_was_refused_or_is_contested_waits_for_a_person() {
        for cause in Cause::ALL {
            let healed = [Cause::EditedInOdoo, Cause::NotSent, Cause::NotImported].contains(cause);
            assert_eq!(cause.heals_itself(), healed, "{cause:?}");
        }
        assert_eq!(
            (Fix::UpdateOdoo.group(), Fix::Decide.group(), Fix::Wait.group()),
            (Group::Safe, Group::Decision, Group::Waits)
        );
    }
}
