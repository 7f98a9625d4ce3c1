//! Makes the site folder: the browser's half of Milepost as the server hands it out.
//!
//! `cargo run -p bundle -- [--release] [--out DIR]` builds the crate `frontend` for wasm32, runs wasm-bindgen
//! as a library (so its version cannot differ from the crate's), joins the style sheets and writes everything below
//! `target/site` of the workspace, or DIR:
//!
//! ```text
//! manifest.json                    {"js":"/pkg/…","wasm":"/pkg/…","css":"/pkg/…"}
//! pkg/milepost.<hash>.js           named by content, so they may be cached for ever
//! pkg/milepost_bg.<hash>.wasm
//! pkg/milepost.<hash>.css
//! favicon.svg, …                   what lies in app/public
//! *.br, *.gz                       beside each compressible file, with --release
//! ```
//!
//! A server that runs meanwhile is never disturbed: new files come under new names, the manifest is replaced last and
//! in one step, and the files of the manifest before it stay. Where the compiler in use has no wasm32 target,
//! `scripts/with-wasm.sh` settles which one builds it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

mod site;
mod style;
mod wasm;

use site::Site;

const USAGE: &str = "usage: cargo run -p bundle -- [--release] [--out DIR]";

/// What the command line asks for.
struct Options {
    profile: Profile,
    out: PathBuf,
}

/// How the browser's half is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// Quick to build, large, with names in its stack traces.
    Dev,
    /// Small and compressed.
    Release,
}

impl Profile {
    fn cargo_name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "wasm-release",
        }
    }

    /// Cargo's folder for it.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => self.cargo_name(),
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = workspace_root()?;
    let options = options(std::env::args().skip(1), &root)?;
    fs::create_dir_all(&options.out).with_context(|| options.out.display().to_string())?;
    let lock = File::create(options.out.join(".lock"))?;
    lock.lock().context("the site folder's lock")?;

    let module = wasm::build(&root, options.profile)?;
    let css = style::join(&root.join("style/main.css"))?;
    let public = public_files(&root.join("app/public"))?;
    let site = Site::new(&options.out, options.profile);
    let inputs = site::digest_inputs(options.profile, &module, css.as_bytes(), &public)?;
    if site.is_current(&inputs) {
        eprintln!("bundle: {} is current", options.out.display());
        return Ok(());
    }
    let glue = wasm::bind(&module, options.profile)?;
    site.write(&inputs, &glue, css.into_bytes(), &public)
}

/// The clone that this is run in, which need not be the one that it was built in: clones may share a target directory.
fn workspace_root() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let root = here.ancestors().find(|folder| folder.join("frontend/bundle").is_dir());
    root.map(Path::to_owned).with_context(|| format!("{} is not in a clone of Milepost", here.display()))
}

fn options(mut args: impl Iterator<Item = String>, root: &Path) -> Result<Options> {
    let mut options = Options { profile: Profile::Dev, out: root.join("target/site") };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--release" => options.profile = Profile::Release,
            "--out" => options.out = PathBuf::from(args.next().context(USAGE)?),
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            _ => bail!("{arg:?}? {USAGE}"),
        }
    }
    Ok(options)
}

/// The files below `dir` as paths relative to it; hidden ones are left out.
fn public_files(dir: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = BTreeSet::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path());
            }
        }
    }
    found
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(dir).expect("it was found below dir").to_owned();
            Ok((name, bytes))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let root = Path::new("/w");
        let read = |args: &[&str]| options(args.iter().map(ToString::to_string), root);
        assert_eq!(read(&[]).unwrap().out, Path::new("/w/target/site"));
        let both = read(&["--release", "--out", "/s"]).unwrap();
        assert!(both.profile == Profile::Release && both.out == Path::new("/s"));
        assert!(read(&["--out"]).is_err() && read(&["--fast"]).is_err());
    }
}
