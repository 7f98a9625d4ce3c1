//! A report as a workbook (Office Open XML, ECMA-376): a sheet for each table. Words are kept as words, so that none is a formula, and
//! numbers as numbers.

use super::{
    build::Built,
    table::{Cell, Table, tables},
};
use crate::{
    error::{Result, UseCaseError},
    odoo::escape,
};
use domain::visible::visible_line;
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Characters of a sheet's name (the format's limit).
const SHEET_NAME_MAX: usize = 31;
/// The widest column, in characters.
const WIDTH_MAX: usize = 60;

/// The styles, by their place in [`STYLES`]: plain, head, and numbers with so many decimal places.
const HEAD: usize = 1;
const NUMBERS: [usize; 3] = [2, 3, 4];
const STYLES: &str = r##"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="#,##0.0"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/><xf xfId="0" numFmtId="3" applyNumberFormat="1"/><xf xfId="0" numFmtId="164" applyNumberFormat="1"/><xf xfId="0" numFmtId="4" applyNumberFormat="1"/></cellXfs></styleSheet>"##;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// The workbook of a report.
///
/// # Errors
/// When it cannot be packed.
pub(super) fn workbook(built: &Built) -> Result<Vec<u8>> {
    let mut sheets = tables(built);
    sheets.push(about(built));
    let packed = |error: zip::result::ZipError| UseCaseError::Internal(format!("a workbook: {error}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    // of the same report the same bytes
    let options = options.last_modified_time(DateTime::default());
    for (name, content) in files(&sheets) {
        zip.start_file(name, options).map_err(packed)?;
        zip.write_all(content.as_bytes()).map_err(|error| UseCaseError::Internal(format!("a workbook: {error}")))?;
    }
    Ok(zip.finish().map_err(packed)?.into_inner())
}

/// What the numbers are of, and what they mean.
fn about(built: &Built) -> Table {
    let text = |words: &str| Cell::Text(words.to_owned());
    let mut rows = vec![
        vec![text("Report"), text(&built.name)],
        vec![text("Company"), text(&built.company)],
        vec![text("Period"), text(&built.period.days_in_full())],
        vec![text("Compared with"), text(&built.before.days_in_full())],
    ];
    rows.extend(built.narrowed.iter().map(|(label, value)| vec![text(label), text(value)]));
    rows.extend(built.annotations.iter().map(|(days, words)| vec![text(days), text(words)]));
    rows.push(vec![text("Counted until"), text(&built.counted_until.strftime("%Y-%m-%d %H:%M %Z").to_string())]);
    rows.push(vec![text("Made"), text(&built.made_at.strftime("%Y-%m-%d %H:%M %Z").to_string())]);
    rows.extend(built.figures.iter().map(|of| {
        let meaning = format!("Definition v{}: {}. Counts: {}.", of.version, of.reads, of.counts);
        vec![text(of.title), Cell::Text(meaning)]
    }));
    Table { title: "About".into(), head: vec!["What".into(), "Value".into()], rows }
}

fn files(sheets: &[Table]) -> Vec<(String, String)> {
    let kinds = (1..=sheets.len()).map(|n| {
        format!(r#"<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#)
    });
    let types = format!(
        r#"{DECLARATION}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>{}</Types>"#,
        kinds.collect::<String>()
    );
    let names = sheets.iter().zip(1..).map(|(sheet, n)| {
        let name: String = sheet.title.chars().filter(|c| !"[]:*?/\\'".contains(*c)).take(SHEET_NAME_MAX).collect();
        format!(r#"<sheet name="{}" sheetId="{n}" r:id="rId{n}"/>"#, escaped(&name))
    });
    let book = format!(
        r#"{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{}</sheets></workbook>"#,
        names.collect::<String>()
    );
    let parts = (1..=sheets.len()).map(|n| {
        format!(r#"<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>"#)
    });
    let links = format!(
        r#"{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{}<Relationship Id="rId0" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>"#,
        parts.collect::<String>()
    );
    let root = format!(
        r#"{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let mut files = vec![
        ("[Content_Types].xml".to_owned(), types),
        ("_rels/.rels".to_owned(), root),
        ("xl/workbook.xml".to_owned(), book),
        ("xl/_rels/workbook.xml.rels".to_owned(), links),
        ("xl/styles.xml".to_owned(), STYLES.to_owned()),
    ];
    files.extend(sheets.iter().zip(1..).map(|(table, n)| (format!("xl/worksheets/sheet{n}.xml"), sheet(table))));
    files
}

fn sheet(of: &Table) -> String {
    let width = |column: usize| {
        let cells = of.rows.iter().filter_map(|row| match row.get(column) {
            Some(Cell::Text(words)) => Some(words.chars().count()),
            _ => None,
        });
        cells.chain([of.head[column].chars().count(), 8]).max().unwrap_or(8).min(WIDTH_MAX) + 2
    };
    let columns = (0..of.head.len()).map(|n| {
        let (place, width) = (n + 1, width(n));
        format!(r#"<col min="{place}" max="{place}" width="{width}" customWidth="1"/>"#)
    });
    let head = of.head.iter().map(|words| words_cell(words, HEAD)).collect::<String>();
    let rows = of.rows.iter().map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>()));
    format!(
        r#"{DECLARATION}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{}</cols><sheetData><row>{head}</row>{}</sheetData></worksheet>"#,
        columns.collect::<String>(),
        rows.collect::<String>()
    )
}

fn cell(of: &Cell) -> String {
    match of {
        Cell::Text(words) => words_cell(words, 0),
        Cell::NoData => words_cell("No data", 0),
        Cell::Empty => "<c/>".into(),
        Cell::Number(value, places) => {
            let style = NUMBERS[(*places).min(NUMBERS.len() - 1)];
            format!(r#"<c s="{style}"><v>{value:.*}</v></c>"#, *places)
        }
    }
}

fn words_cell(words: &str, style: usize) -> String {
    format!(r#"<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>"#, escaped(words))
}

/// As XML takes it: characters that it cannot have get a visible form.
fn escaped(words: &str) -> String {
    escape(&visible_line(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_formulas_and_numbers_are_numbers() {
        let table = Table {
            title: "By [carrier]".into(),
            head: vec!["Carrier".into(), "On time, %".into()],
            rows: vec![
                vec![Cell::Text("=HYPERLINK(\"x\")<\u{1b}&".into()), Cell::Number(93.94, 1)],
                vec![Cell::Text("DHL".into()), Cell::NoData],
            ],
        };
        let files = files(&[table]);
        let (_, sheet) = files.last().unwrap();
        assert!(!sheet.contains("<f>"), "{sheet}");
        assert!(sheet.contains("=HYPERLINK(&quot;x&quot;)&lt;⟨U+001B⟩&amp;"), "{sheet}");
        assert!(sheet.contains(r#"<c s="3"><v>93.9</v></c>"#) && sheet.contains("No data"), "{sheet}");
        let book = &files.iter().find(|(name, _)| name == "xl/workbook.xml").unwrap().1;
        assert!(book.contains(r#"name="By carrier""#), "{book}");
    }
}
