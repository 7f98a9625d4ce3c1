//! Small valid files that say what they are: labels of the sandbox.

use std::fmt::Write as _;

/// A label of this format: `pdf`, `png`, `zpl`.
pub(super) fn label(format: &str, number: &str) -> (&'static str, Vec<u8>) {
    match format {
        "png" => ("image/png", png()),
        "zpl" => {
            ("text/plain", format!("^XA^FO40,40^A0N,40,40^FDsandbox label^FS^FO40,100^FD{number}^FS^XZ").into_bytes())
        }
        _ => ("application/pdf", pdf(&format!("sandbox label {number}: not valid for shipping"))),
    }
}

/// A page of 10 by 15 cm with a line of text.
fn pdf(text: &str) -> Vec<u8> {
    let text: String = text.chars().filter(|c| c.is_ascii() && !matches!(c, '(' | ')' | '\\')).collect();
    let content = format!("BT /F1 9 Tf 12 400 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (n, object) in (1..).zip(&objects) {
        offsets.push(file.len());
        let _ = write!(file, "{n} 0 obj\n{object}\nendobj\n");
    }
    let xref = file.len();
    let _ = write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(file, "{offset:010} 00000 n ");
    }
    let _ = write!(file, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n", objects.len() + 1);
    file.into_bytes()
}

/// The words in five by seven dots each: S, A, N, D, B, O, X.
const LETTERS: [[u8; 7]; 7] = [
    [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
    [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
    [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001],
    [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
    [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110],
    [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
    [0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b01010, 0b10001],
];
/// Each dot is so many pixels wide and high.
const SCALE: usize = 6;

/// A grey picture of the word "SANDBOX", stored without compression.
fn png() -> Vec<u8> {
    let (width, height) = ((LETTERS.len() * 6 + 1) * SCALE, 9 * SCALE);
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0); // no filter
        for x in 0..width {
            let (column, row) = (x / SCALE, y / SCALE);
            let dot = (1..8).contains(&row)
                && column % 6 != 0
                && LETTERS.get(column / 6).is_some_and(|letter| letter[row - 1] >> (5 - column % 6) & 1 == 1);
            rows.push(if dot { 0 } else { 255 });
        }
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let mut head = [size(width), size(height)].concat();
    head.extend([8, 0, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &head);
    chunk(&mut file, *b"IDAT", &stored(&rows));
    chunk(&mut file, *b"IEND", &[]);
    file
}

/// Bytes as a zlib stream of stored blocks (RFC 1950, 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let begin = file.len();
    file.extend(kind);
    file.extend(data);
    let mut crc = u32::MAX;
    for byte in &file[begin..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    file.extend((!crc).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdf_has_its_objects_where_its_table_says() {
        let (media, file) = label("pdf", "1Z999AA10123456784");
        assert_eq!(media, "application/pdf");
        let text = String::from_utf8(file).unwrap();
        assert!(text.starts_with("%PDF-1.4") && text.ends_with("%%EOF\n"));
        assert!(text.contains("(sandbox label 1Z999AA10123456784"));
        let xref: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        assert!(text[xref..].starts_with("xref\n0 6\n"));
        let entries = text[xref..].lines().skip(3).take(5);
        for (n, entry) in (1..).zip(entries) {
            let offset: usize = entry[..10].parse().unwrap();
            assert!(text[offset..].starts_with(&format!("{n} 0 obj")), "{entry}");
            assert_eq!(entry.len(), 19, "with its line's end an entry has 20 bytes");
        }
    }

    #[test]
    fn a_png_has_the_check_sums_of_the_standard() {
        let (media, file) = label("png", "");
        assert_eq!((media, &file[..8]), ("image/png", &b"\x89PNG\r\n\x1a\n"[..]));
        // the end of every PNG
        assert_eq!(file[file.len() - 12..], [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]);
        // Adler-32 of "Wikipedia" is published
        assert_eq!(stored(b"Wikipedia")[2 + 5 + 9..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn a_zpl_label_begins_and_ends_as_one() {
        let (_, file) = label("zpl", "1Z");
        assert!(file.starts_with(b"^XA") && file.ends_with(b"^XZ"));
    }
}
