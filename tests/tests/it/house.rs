//! How the code is cut up: which crate imports which, no circles between files, nothing too long to read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

/// Every crate of the workspace and those of ours that it imports: the arrows of ARCHITECTURE.md.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("kpi", &["domain"]),
    ("storage", &["domain", "kpi"]),
    ("storage-sql", &["domain", "kpi", "storage"]),
    ("storage-sqlite", &["domain", "storage", "storage-sql"]),
    ("storage-postgres", &["domain", "storage", "storage-sql"]),
    ("outbound", &["domain"]),
    ("carriers", &["domain", "outbound"]),
    ("odoo", &["domain", "outbound"]),
    ("desks", &["domain", "odoo", "outbound"]),
    ("channels", &["domain", "outbound"]),
    ("application", &["carriers", "channels", "desks", "domain", "kpi", "odoo", "outbound", "storage"]),
    ("simulator", &[]),
    ("app", &["domain"]),
    ("frontend", &["app"]),
    ("bundle", &[]),
    (
        "server",
        &[
            "app",
            "application",
            "carriers",
            "desks",
            "domain",
            "kpi",
            "odoo",
            "outbound",
            "simulator",
            "storage",
            "storage-postgres",
            "storage-sqlite",
        ],
    ),
    (
        "tests",
        &[
            "application",
            "carriers",
            "domain",
            "odoo",
            "outbound",
            "server",
            "simulator",
            "storage",
            "storage-postgres",
            "storage-sqlite",
        ],
    ),
];

/// What a crate must not name, whatever it is for.
const BARRED: &[(&str, &[&str])] = &[
    ("application", &["axum", "clap", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("carriers", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("channels", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("desks", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("odoo", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("outbound", &["axum", "leptos", "rusqlite", "sqlx"]),
    ("server", &["leptos", "reqwest", "rusqlite", "sqlx"]),
    ("domain", &["axum", "leptos", "reqwest", "rusqlite", "sqlx", "tokio"]),
    ("kpi", &["axum", "leptos", "reqwest", "rusqlite", "sqlx", "tokio"]),
    ("storage", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
    ("storage-sql", &["axum", "leptos", "reqwest", "rusqlite", "sqlx"]),
];

const FILE_LINES_MAX: usize = 600;
/// Of a file of tests, which nobody reads from top to bottom.
const TEST_FILE_LINES_MAX: usize = 900;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates that each crate of the workspace names, for its code and for its tests alone.
fn dependencies(kind: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let named = |package: &Value| {
        let of_kind = package["dependencies"].as_array().unwrap().iter().filter(|named| &named["kind"] == kind);
        of_kind.map(|named| named["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| (package["name"].as_str().unwrap().to_owned(), named(package))).collect()
}

#[test]
fn crates_import_only_those_below_them() {
    let found = dependencies(&Value::Null);
    let ours: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(ours, ARROWS.iter().map(|(name, _)| *name).collect(), "every crate has its line in ARROWS");
    for (name, allowed) in ARROWS {
        let imports: BTreeSet<&str> = found[*name].iter().map(String::as_str).filter(|of| ours.contains(of)).collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert_eq!(imports, allowed, "what {name} imports: a new arrow changes ARCHITECTURE.md first");
    }
    for (name, barred) in BARRED {
        let imports: Vec<_> = barred.iter().filter(|of| found[*name].contains(**of)).collect();
        assert!(imports.is_empty(), "{name} must not import {imports:?}");
    }
}

/// Every Rust file of the workspace, but for what is built.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn files_are_short_enough_to_read() {
    let mut all = Vec::new();
    files(&root(), &mut all);
    assert!(all.len() > 200, "{} files were found", all.len());
    let too_long = all.iter().filter_map(|path| {
        let inside = path.strip_prefix(root()).unwrap();
        let is_test = inside.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let most = if is_test { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
        let lines = std::fs::read_to_string(path).unwrap().lines().count();
        (lines > most).then(|| format!("{}: {lines} lines, at most {most}", inside.display()))
    });
    assert_eq!(too_long.collect::<Vec<_>>(), Vec::<String>::new(), "split them by what they are about");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = Command::new("python3").arg("scripts/circles.py").current_dir(root()).output().unwrap();
    assert!(circles.status.success(), "{}", String::from_utf8_lossy(&circles.stdout));
}

/// Use cases that need no permission, and why.
const OPEN: &[(&str, &str)] = &[("signed_out", "everybody may end their own session")];

/// The folder's public functions that are asked for by a caller, and the first line of each.
fn first_lines(folder: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    files(&root().join(folder), &mut all);
    let texts = all.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let functions = texts.flat_map(|text| text.split("pub async fn ").skip(1).map(str::to_owned).collect::<Vec<_>>());
    let called = functions.filter_map(|function| {
        let (head, body) = function.split_once('{')?;
        let name = head.split(['(', '<']).next()?.to_owned();
        head.contains("&Caller").then(|| (name, body.trim_start().lines().next().unwrap_or_default().to_owned()))
    });
    called.collect()
}

#[test]
fn a_use_case_asks_for_its_permission_first() {
    let found = first_lines("server/crates/application/src");
    assert!(found.len() > 30, "{} use cases were found", found.len());
    let late = found.iter().filter(|(name, line)| {
        !line.starts_with("caller.require(Permission::") && !OPEN.iter().any(|(open, _)| open == name)
    });
    let late: Vec<_> = late.collect();
    assert!(late.is_empty(), "before anything is parsed or read: {late:#?}");
}

/// Another way to change a setting could leave out what it was and what it is.
#[test]
fn settings_are_changed_in_one_place_with_their_values_in_the_audit_trail() {
    let mut all = Vec::new();
    for folder in ["server/crates/application/src", "server/src"] {
        files(&root().join(folder), &mut all);
    }
    let change = |path: &&PathBuf| std::fs::read_to_string(path).unwrap().contains(".change_setting(");
    let changing: Vec<_> = all.iter().filter(change).map(|path| path.strip_prefix(root()).unwrap()).collect();
    assert_eq!(
        changing,
        [Path::new("server/crates/application/src/people/settings.rs")],
        "use people::settings::change"
    );
}

#[test]
fn views_only_convert() {
    let mut all = Vec::new();
    files(&root().join("server/src/views"), &mut all);
    assert!(all.len() > 8, "{} files were found", all.len());
    let reads = all.iter().filter(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        // what a test builds is its own
        text.split("#[cfg(test)]").next().unwrap().contains(".store")
    });
    let reads: Vec<_> = reads.map(|path| path.display().to_string()).collect();
    assert!(reads.is_empty(), "reading belongs into a use case of `application`: {reads:#?}");
}
