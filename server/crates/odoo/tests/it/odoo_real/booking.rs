//! What a label is booked with, read of a real Odoo; its number written back and taken back.

use super::Peer;
use domain::money::Money;
use odoo::{Numbered, Readiness, Transport};
use outbound::{Discard, ErrorClass};
use serde_json::json;

const BOTH: [Transport; 2] = [Transport::Json2, Transport::JsonRpc];

#[tokio::test]
async fn a_delivery_is_read_as_it_is_booked() {
    for transport in BOTH {
        let Some(peer) = Peer::find("a_delivery_is_read_as_it_is_booked", transport) else { return };
        let (bot, (_, picking)) = (peer.bot(), peer.order(None).await);
        let read = bot.to_book(picking, &Discard).await.unwrap().unwrap();
        let is_open = matches!(read.readiness, Readiness::Ready | Readiness::Waiting);
        assert!(read.is_delivery && is_open, "{transport:?}: {read:?}");
        assert!(read.name.starts_with("WH/OUT/") && read.order.is_some() && read.number.is_none(), "{read:?}");
        assert_eq!(read.warehouse.as_deref(), Some("WH"));
        for party in [&read.to, &read.from] {
            assert!(party.street.is_some() && party.city.is_some() && party.country.is_some(), "{read:?}");
            assert!(party.name.is_some() || party.company.is_some());
        }
        assert_eq!(read.parcels.len(), 1);
        let goods = &read.parcels[0].goods;
        assert!(!goods.is_empty() && goods[0].quantity > 0 && goods[0].value.minor > 0, "{goods:?}");
        let done = json!({"domain": [["state", "=", "done"], ["picking_type_code", "=", "outgoing"]], "limit": 1});
        let done = peer.raw(&peer.key, "stock.picking/search", done).await;
        if let Some(done) = done[0].as_i64() {
            assert_eq!(bot.to_book(done, &Discard).await.unwrap().unwrap().readiness, Readiness::Done);
        }
        assert_eq!(bot.to_book(999_999_999, &Discard).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_number_is_written_unless_there_is_another_and_only_ours_is_taken_back() {
    for transport in BOTH {
        let test = "a_number_is_written_unless_there_is_another_and_only_ours_is_taken_back";
        let Some(peer) = Peer::find(test, transport) else { return };
        let (bot, (_, picking)) = (peer.bot(), peer.order(None).await);
        let price = Some(Money::read("7.58", "USD").unwrap());
        let (own, second) = ("1Z999AA10123456784", "1Z999AA10123456792");
        for _ in 0..2 {
            let written = bot.write_number(picking, (own, &[own]), price, &Discard).await.unwrap();
            assert_eq!(written, Numbered::Written);
        }
        let row = peer.read(picking, &["carrier_tracking_ref", "carrier_price", "company_id"]).await;
        assert_eq!(row["carrier_tracking_ref"], "1Z999AA10123456784");
        let company = &row["company_id"][0];
        let company =
            peer.raw(&peer.key, "res.company/read", json!({"ids": [company], "fields": ["currency_id"]})).await;
        let same = company[0]["currency_id"][1] == "USD";
        assert_eq!(
            row["carrier_price"],
            if same { json!(7.58) } else { json!(0.0) },
            "in the company's currency alone"
        );
        let other = bot.write_number(picking, (second, &[second]), None, &Discard).await.unwrap();
        assert_eq!(other, Numbered::Other(own.into()));
        assert_eq!(
            bot.write_number(picking, ("", &[second]), None, &Discard).await.unwrap(),
            Numbered::Other(own.into()),
            "what is not ours is not taken back"
        );
        let both = format!("{own},{second}");
        for (number, shown) in [(both.as_str(), json!(both)), (second, json!(second)), ("", json!(false))] {
            let written = bot.write_number(picking, (number, &[own, second]), None, &Discard).await.unwrap();
            assert_eq!(written, Numbered::Written);
            assert_eq!(peer.read(picking, &["carrier_tracking_ref"]).await["carrier_tracking_ref"], shown);
        }
        let gone = bot.write_number(999_999_999, ("X", &["X"]), None, &Discard).await.unwrap_err();
        assert_eq!(gone.class, ErrorClass::NotFound);
    }
}
