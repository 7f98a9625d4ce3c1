//! What JSON connectors share: reading with limits, times, countries, and numbers that must be text.

use super::{DecodeError, times};
use domain::event_time::EventTime;
use jiff::Timestamp;
use serde_json::Value;

/// Reads a body. A byte order mark is skipped (it belongs to the signed bytes, not to the JSON); nesting beyond the
/// parser's limit of 128 is refused; of a key that is there twice the last counts.
pub(super) fn parse(raw: &[u8]) -> Result<Value, DecodeError> {
    let text = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    serde_json::from_slice(text).map_err(|e| DecodeError::Malformed { expected: "JSON", reason: position(&e) })
}

/// Where parsing stopped and why, without a piece of the content.
fn position(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ if error.to_string().contains("recursion") => "it is nested too deeply",
        _ => "the syntax is wrong",
    };
    format!("{kind} at line {}, column {}", error.line(), error.column())
}

/// A field's text; none where it is missing, null or blank. NUL and other control characters are dropped, since no
/// database column and no page takes them.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    plain(value.get(key)?)
}

/// A value that is a text, cleaned likewise.
pub(super) fn plain(value: &Value) -> Option<String> {
    let clean: String = value.as_str()?.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A number that names something. As a JSON number it may have lost leading zeros or digits: refused, never rounded.
pub(super) fn number(value: &Value, key: &str, at: &str) -> Result<Option<String>, DecodeError> {
    match value.get(key) {
        Some(Value::Number(_)) => Err(DecodeError::Incomplete {
            at: format!("{at}/{key}"),
            reason: "is a JSON number, which may have lost digits or leading zeros; it has to be sent as text".into(),
        }),
        _ => Ok(text(value, key)),
    }
}

/// A field's time.
pub(super) fn time(value: &Value, key: &str) -> Option<EventTime> {
    text(value, key).map(|raw| times::iso(&raw))
}

/// A field's instant: only where the source says which.
pub(super) fn instant(value: &Value, key: &str) -> Option<Timestamp> {
    time(value, key).filter(|t| !t.sentinel).and_then(|t| t.utc)
}

/// ISO 3166-1 alpha-2 of an alpha-2 or alpha-3 code; none for anything else.
pub(super) fn country(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    match code.len() {
        2 if code.bytes().all(|b| b.is_ascii_alphabetic()) => Some(code),
        3 => COUNTRIES.split_ascii_whitespace().find(|pair| pair.starts_with(&code)).map(|pair| pair[3..].to_owned()),
        _ => None,
    }
}

/// ISO 3166-1: alpha-3 followed by alpha-2.
const COUNTRIES: &str = "\
    ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT \
    AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO \
    BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG \
    COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO \
    DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB \
    GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY \
    HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT \
    JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY \
    LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH \
    MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA \
    NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE \
    PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA \
    SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR \
    SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO \
    TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG \
    VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_text() {
        assert_eq!(country("DEU").as_deref(), Some("DE"));
        assert_eq!(country("us").as_deref(), Some("US"));
        assert_eq!(country("Germany"), None);
        let value = serde_json::json!({"a": " x\u{0}y ", "b": "", "n": 12});
        assert_eq!(text(&value, "a").as_deref(), Some("xy"));
        assert_eq!(text(&value, "b"), None);
        assert!(number(&value, "n", "").is_err());
    }
}
