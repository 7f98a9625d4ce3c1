//! Joins the style sheets: `main.css` names them in `@import` lines, the browser gets one file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Imports nested deeper than this are taken for a circle.
const MAX_DEPTH: usize = 8;

/// The text of `main` with each `@import` line replaced by the sheet that it names, in order. A missing `main` is an
/// empty sheet, so that the pages can be built before they are dressed.
pub fn join(main: &Path) -> Result<String> {
    let mut out = String::new();
    if main.is_file() {
        append(main, 0, &mut out)?;
    } else {
        eprintln!("bundle: no {}, the site has no styles", main.display());
    }
    Ok(out)
}

fn append(sheet: &Path, depth: usize, out: &mut String) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{}: imports go round in a circle", sheet.display());
    }
    let text = fs::read_to_string(sheet).with_context(|| sheet.display().to_string())?;
    for line in text.lines() {
        match imported(line) {
            Some(Import::Plain(name)) => append(&beside(sheet, name), depth + 1, out)?,
            Some(Import::Wrapped { name, rule }) => {
                out.push_str(&rule);
                out.push_str(" {\n");
                append(&beside(sheet, name), depth + 1, out)?;
                out.push_str("}\n");
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(())
}

fn beside(sheet: &Path, name: &str) -> PathBuf {
    sheet.parent().unwrap_or(Path::new(".")).join(name)
}

#[derive(Debug, PartialEq, Eq)]
enum Import<'a> {
    Plain(&'a str),
    /// `@import "x.css" layer(base)` and `@import "print.css" print`.
    Wrapped {
        name: &'a str,
        rule: String,
    },
}

/// What a line imports; addresses with a scheme stay as they are.
fn imported(line: &str) -> Option<Import<'_>> {
    let rest = line.trim().strip_prefix("@import")?.trim();
    let rest = rest.strip_suffix(';').unwrap_or(rest).trim();
    let (name, condition) = if let Some(inner) = rest.strip_prefix("url(") {
        inner.split_once(')').map(|(name, rest)| (name.trim().trim_matches(['"', '\'']), rest))?
    } else {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split_once(quote)?
    };
    if name.contains("//") {
        return None;
    }
    let condition = condition.trim();
    if condition.is_empty() {
        return Some(Import::Plain(name));
    }
    let rule = match condition.strip_prefix("layer(").and_then(|rest| rest.strip_suffix(')')) {
        Some(layer) => format!("@layer {layer}"),
        None => format!("@media {condition}"),
    };
    Some(Import::Wrapped { name, rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read() {
        assert_eq!(imported("@import \"tokens.css\";"), Some(Import::Plain("tokens.css")));
        assert_eq!(imported("  @import url('a/b.css') ;"), Some(Import::Plain("a/b.css")));
        let rule = "@layer base".to_owned();
        assert_eq!(imported("@import 'x.css' layer(base);"), Some(Import::Wrapped { name: "x.css", rule }));
        let rule = "@media print".to_owned();
        assert_eq!(imported("@import 'x.css' print;"), Some(Import::Wrapped { name: "x.css", rule }));
        assert_eq!(imported("@import 'https://example.test/x.css';"), None);
        assert_eq!(imported("a { color: red }"), None);
    }

    #[test]
    fn sheets_are_joined_in_order_and_circles_refused() {
        let dir = std::env::temp_dir().join(format!("bundle-style-{}", std::process::id()));
        fs::create_dir_all(dir.join("parts")).unwrap();
        let put = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
        put("main.css", "@import \"one.css\";\n@import \"parts/two.css\";\nc {}\n");
        put("one.css", "a {}\n");
        put("parts/two.css", "@import \"three.css\";\nb {}");
        put("parts/three.css", "b0 {}\n");
        assert_eq!(join(&dir.join("main.css")).unwrap(), "a {}\nb0 {}\nb {}\nc {}\n");
        put("one.css", "@import \"main.css\";\n");
        assert!(join(&dir.join("main.css")).is_err());
        assert_eq!(join(&dir.join("none.css")).unwrap(), "");
        fs::remove_dir_all(dir).unwrap();
    }
}
