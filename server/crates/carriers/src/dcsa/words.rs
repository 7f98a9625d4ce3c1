//! The words of 3.0.0 and the codes that all earlier versions have for the same.

/// The code of a word; what has no code stays as it is.
pub(super) fn code(word: &str) -> &str {
    CODES.iter().find(|(name, _)| *name == word).map_or(word, |(_, code)| code)
}

/// Source: `TNT_v3.0.0.yaml` beside the reference data of DCSA-Information-Model.
const CODES: &[(&str, &str)] = &[
    // classifiers
    ("ACTUAL", "ACT"),
    ("ESTIMATED", "EST"),
    ("PLANNED", "PLN"),
    // transport events
    ("ARRIVED", "ARRI"),
    ("DEPARTED", "DEPA"),
    // equipment events
    ("AVAILABLE_FOR_DROP_OFF", "AVDO"),
    ("AVAILABLE_FOR_PICKUP", "AVPU"),
    ("CROSSED", "CROS"),
    ("CUSTOMS_RELEASED", "CUSR"),
    ("CUSTOMS_SELECTED_FOR_INSPECTION", "CUSI"),
    ("CUSTOMS_SELECTED_FOR_SCAN", "CUSS"),
    ("DISCHARGED", "DISC"),
    ("DROPPED_OFF", "DROP"),
    ("GATED_IN", "GTIN"),
    ("GATED_OUT", "GTOT"),
    ("INSPECTED", "INSP"),
    ("LOADED", "LOAD"),
    ("PICKED_UP", "PICK"),
    ("REMOVED", "RMVD"),
    ("RESEALED", "RSEA"),
    ("STRIPPED", "STRP"),
    ("STUFFED", "STUF"),
    // shipment events
    ("APPROVED", "APPR"),
    ("CANCELLED", "CANC"),
    ("COMPLETED", "CMPL"),
    ("CONFIRMED", "CONF"),
    ("DRAFTED", "DRFT"),
    ("ISSUED", "ISSU"),
    ("ON_HOLD", "HOLD"),
    ("PENDING_APPROVAL", "PENA"),
    ("PENDING_UPDATE", "PENU"),
    ("RECEIVED", "RECE"),
    ("REJECTED", "REJE"),
    ("RELEASED", "RELS"),
    ("REQUESTED", "REQS"),
    ("SUBMITTED", "SUBM"),
    ("SURRENDERED", "SURR"),
    ("VOIDED", "VOID"),
    // reefer events
    ("ADJUSTED", "ADJU"),
    ("MEASURED", "MEAS"),
    // documents
    ("ARRIVAL_NOTICE", "ARN"),
    ("BOOKING", "BKG"),
    ("CARGO_SURVEY", "CAS"),
    ("CARRIER_BOOKING_REQUEST", "CBR"),
    ("CONTAINER_RELEASE_ORDER", "CRO"),
    ("CUSTOMS_CLEARANCE", "CUC"),
    ("DANGEROUS_GOODS_DECLARATION", "DGD"),
    ("DELIVERY_INSTRUCTIONS", "DEI"),
    ("DELIVERY_ORDER", "DEO"),
    ("SHIPPING_INSTRUCTIONS", "SHI"),
    ("TRANSPORT_DOCUMENT", "TRD"),
    ("TRANSPORT_ORDER", "TRO"),
    ("VERIFIED_GROSS_MASS", "VGM"),
    // references
    ("CUSTOMERS_REFERENCE", "CR"),
    ("EQUIPMENT_REFERENCE", "EQ"),
    ("PURCHASE_ORDER_REFERENCE", "PO"),
    ("SHIPPERS_REFERENCE", "SI"),
    // facilities; container yard is the deprecated name of off-dock storage
    ("BORDER", "BOCR"),
    ("CONTAINER_FREIGHT_STATION", "COFS"),
    ("COYA", "OFFD"),
    ("CUSTOMER_LOCATION", "CLOC"),
    ("DEPOT", "DEPO"),
    ("INLAND_TERMINAL", "INTE"),
    ("OFF_DOCK_STORAGE", "OFFD"),
    ("PORT_TERMINAL", "POTE"),
];
