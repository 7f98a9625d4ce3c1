//! Writes the site folder: names by content, compressed copies, the manifest last.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Profile, wasm::Glue};

const MANIFEST: &str = "manifest.json";
/// Holds the digest of what the folder was made from.
const INPUTS: &str = ".inputs";
/// Raise it when the same inputs make another folder.
const FORMAT: &str = "1";
/// Hex digits of the content's hash in a name.
const HASH_DIGITS: usize = 16;
/// Smaller files gain nothing from compression.
const MIN_COMPRESSED_BYTES: usize = 256;
const COMPRESSIBLE: [&str; 9] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm", "webmanifest"];
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

/// A file of the site: its path below the folder and its bytes.
type Asset = (PathBuf, Vec<u8>);

/// The folder that is written.
pub struct Site<'a> {
    out: &'a Path,
    profile: Profile,
}

/// A digest of all that the site is made from.
pub fn digest_inputs(profile: Profile, module: &Path, css: &[u8], public: &[Asset]) -> Result<String> {
    let module = fs::read(module).with_context(|| module.display().to_string())?;
    let mut all = Sha256::new();
    let mut add = |bytes: &[u8]| {
        all.update((bytes.len() as u64).to_le_bytes());
        all.update(bytes);
    };
    add(FORMAT.as_bytes());
    add(profile.cargo_name().as_bytes());
    add(&module);
    add(css);
    for (name, bytes) in public {
        add(name.to_string_lossy().as_bytes());
        add(bytes);
    }
    Ok(hex(&all.finalize()))
}

impl<'a> Site<'a> {
    pub fn new(out: &'a Path, profile: Profile) -> Self {
        Self { out, profile }
    }

    /// Whether the folder was made from these inputs and all that its manifest names is there.
    pub fn is_current(&self, inputs: &str) -> bool {
        let made_from = fs::read_to_string(self.out.join(INPUTS)).unwrap_or_default();
        let named = self.named_in_manifest();
        made_from == inputs && !named.is_empty() && named.iter().all(|name| self.out.join(name).is_file())
    }

    pub fn write(&self, inputs: &str, glue: &Glue, css: Vec<u8>, public: &[Asset]) -> Result<()> {
        let before = self.named_in_manifest();
        let js = named_by_content("milepost", "js", &glue.js);
        let wasm = named_by_content("milepost_bg", "wasm", &glue.wasm);
        let sheet = named_by_content("milepost", "css", &css);
        let manifest = json!({ "js": format!("/{js}"), "wasm": format!("/{wasm}"), "css": format!("/{sheet}") });

        let mut assets: Vec<Asset> = public.to_vec();
        assets.push((js.clone().into(), glue.js.clone()));
        assets.push((wasm.clone().into(), glue.wasm.clone()));
        assets.push((sheet.clone().into(), css));
        if self.profile == Profile::Release {
            assets.extend(compressed(&assets)?);
        }
        for (name, bytes) in &assets {
            self.put(name, bytes)?;
        }
        // a folder with a new manifest and old inputs is made again; the reverse would be believed
        self.put(Path::new(MANIFEST), &serde_json::to_vec(&manifest)?)?;
        self.put(Path::new(INPUTS), inputs.as_bytes())?;

        let current: BTreeSet<PathBuf> = assets.iter().map(|(name, _)| name.clone()).collect();
        self.sweep(&current, &before)?;
        self.report(&assets);
        Ok(())
    }

    /// The assets that the manifest in the folder names, as paths below it.
    fn named_in_manifest(&self) -> BTreeSet<PathBuf> {
        let Ok(text) = fs::read(self.out.join(MANIFEST)) else { return BTreeSet::new() };
        let Ok(Value::Object(manifest)) = serde_json::from_slice(&text) else { return BTreeSet::new() };
        manifest.values().filter_map(|path| Some(PathBuf::from(path.as_str()?.trim_start_matches('/')))).collect()
    }

    /// Writes beside and renames, so that nobody reads half a file.
    fn put(&self, name: &Path, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(name);
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder)?;
        let part = folder.join(".part");
        let mut file = fs::File::create(&part).with_context(|| part.display().to_string())?;
        file.write_all(bytes)?;
        drop(file);
        fs::rename(&part, &path).with_context(|| path.display().to_string())
    }

    /// Removes what neither this manifest nor the one before it needs.
    fn sweep(&self, current: &BTreeSet<PathBuf>, before: &BTreeSet<PathBuf>) -> Result<()> {
        let kept_for_before = |name: &Path| {
            let plain = name.to_string_lossy();
            let plain = plain.strip_suffix(".br").or_else(|| plain.strip_suffix(".gz")).unwrap_or(&plain);
            before.contains(Path::new(plain))
        };
        for (name, _) in crate::public_files(self.out)? {
            let keep = name == Path::new(MANIFEST) || current.contains(&name) || kept_for_before(&name);
            if !keep {
                fs::remove_file(self.out.join(&name))?;
            }
        }
        Ok(())
    }

    fn report(&self, assets: &[Asset]) {
        let size = |end: &str| {
            let found = assets.iter().find(|(name, _)| name.to_string_lossy().ends_with(end));
            found.map(|(_, bytes)| bytes.len() / 1000)
        };
        eprint!("bundle: {}: wasm {} kB", self.out.display(), size(".wasm").unwrap_or(0));
        if let (Some(br), Some(gz)) = (size(".wasm.br"), size(".wasm.gz")) {
            eprint!(" (brotli {br}, gzip {gz})");
        }
        eprintln!(", js {} kB, css {} kB", size(".js").unwrap_or(0), size(".css").unwrap_or(0));
    }
}

/// A `.br` and a `.gz` beside each file that gains from it.
fn compressed(assets: &[Asset]) -> Result<Vec<Asset>> {
    let worth = |(name, bytes): &&Asset| {
        let extension = name.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
        bytes.len() >= MIN_COMPRESSED_BYTES && COMPRESSIBLE.contains(&extension.as_str())
    };
    thread::scope(|scope| {
        let running: Vec<_> = assets
            .iter()
            .filter(worth)
            .flat_map(|(name, bytes)| {
                let br = scope.spawn(move || Ok((with_suffix(name, "br"), brotli(bytes)?)));
                let gz = scope.spawn(move || Ok((with_suffix(name, "gz"), gzip(bytes)?)));
                [br, gz]
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("compressing does not panic")).collect()
    })
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes)?;
    writer.flush()?;
    drop(writer);
    Ok(out)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn with_suffix(name: &Path, suffix: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn named_by_content(stem: &str, extension: &str, bytes: &[u8]) -> String {
    let hash = hex(&Sha256::digest(bytes));
    format!("pkg/{stem}.{}.{extension}", &hash[..HASH_DIGITS])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("bundle-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn glue(text: &str) -> Glue {
        Glue { js: text.repeat(100).into_bytes(), wasm: text.repeat(1000).into_bytes() }
    }

    #[test]
    fn a_running_server_keeps_its_files_for_one_rebuild() {
        let dir = scratch("generations");
        let site = Site::new(&dir, Profile::Dev);
        let public = [(PathBuf::from("favicon.svg"), b"<svg/>".to_vec())];
        site.write("one", &glue("a"), b"a {}".to_vec(), &public).unwrap();
        let first = site.named_in_manifest();
        assert!(site.is_current("one") && !site.is_current("two"));

        site.write("two", &glue("b"), b"a {}".to_vec(), &[]).unwrap();
        assert!(first.iter().all(|name| dir.join(name).is_file()), "the generation before is still there");
        assert!(!dir.join("favicon.svg").exists(), "a public file that left is gone");

        site.write("three", &glue("c"), b"a {}".to_vec(), &[]).unwrap();
        assert_eq!(first.iter().filter(|name| dir.join(name).is_file()).count(), 1, "only the style sheet is in use");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_folder_with_a_missing_file_is_not_current() {
        let dir = scratch("missing");
        let site = Site::new(&dir, Profile::Dev);
        site.write("one", &glue("a"), b"a {}".to_vec(), &[]).unwrap();
        let name = site.named_in_manifest().into_iter().next().unwrap();
        fs::remove_file(dir.join(name)).unwrap();
        assert!(!site.is_current("one"));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_release_has_compressed_copies_that_say_the_same() {
        let dir = scratch("release");
        let site = Site::new(&dir, Profile::Release);
        site.write("one", &glue("hello "), b"a {}".to_vec(), &[]).unwrap();
        let wasm = site.named_in_manifest().into_iter().find(|name| name.ends_with_wasm()).unwrap();
        let plain = fs::read(dir.join(&wasm)).unwrap();
        let mut unbrotli = Vec::new();
        let br = fs::read(dir.join(with_suffix(&wasm, "br"))).unwrap();
        brotli::Decompressor::new(br.as_slice(), 4096).read_to_end(&mut unbrotli).unwrap();
        let mut ungzip = Vec::new();
        let gz = fs::read(dir.join(with_suffix(&wasm, "gz"))).unwrap();
        flate2::read::GzDecoder::new(gz.as_slice()).read_to_end(&mut ungzip).unwrap();
        assert!(plain == unbrotli && plain == ungzip);
        fs::remove_dir_all(dir).unwrap();
    }

    trait EndsWithWasm {
        fn ends_with_wasm(&self) -> bool;
    }

    impl EndsWithWasm for PathBuf {
        fn ends_with_wasm(&self) -> bool {
            self.extension().is_some_and(|extension| extension == "wasm")
        }
    }
}
