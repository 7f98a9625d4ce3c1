//! Compiles the browser's half and makes the glue that loads it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::Profile;

const TARGET: &str = "wasm32-unknown-unknown";
const NAME: &str = "milepost";

/// What wasm-bindgen made of the compiled module.
pub struct Glue {
    pub js: Vec<u8>,
    pub wasm: Vec<u8>,
}

/// Compiles the crate `frontend`; quick when nothing has changed.
pub fn build(root: &Path, profile: Profile) -> Result<PathBuf> {
    // cargo's own target directory: what both halves compile for this machine (macros, build scripts) is compiled once
    let target_dir = target_dir(root)?;
    let status = cargo(root)
        .args(["build", "--package", "frontend", "--lib", "--target", TARGET, "--profile", profile.cargo_name()])
        .arg("--target-dir")
        .arg(&target_dir)
        .status()
        .context("cargo")?;
    ensure!(
        status.success(),
        "the wasm build failed (if the target {TARGET} is missing, start this through scripts/with-wasm.sh)"
    );
    Ok(target_dir.join(TARGET).join(profile.folder()).join("frontend.wasm"))
}

/// Cargo without what `cargo run` sets for the toolchain that built this program, and with the toolchain that
/// `scripts/with-wasm.sh` has settled.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    for name in ["CARGO", "RUSTC", "RUSTDOC", "LD_LIBRARY_PATH"] {
        cargo.env_remove(name);
    }
    if let Some(toolchain) = env::var_os("WASM_TOOLCHAIN").filter(|path| !path.is_empty()) {
        cargo.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    cargo
}

fn target_dir(root: &Path) -> Result<PathBuf> {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty()) {
        return Ok(root.join(dir));
    }
    let output = cargo(root).args(["metadata", "--no-deps", "--format-version", "1"]).output().context("cargo")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let dir = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(dir))
}

/// Runs wasm-bindgen in a scratch folder beside the module. The glue gets the module's address at run time.
pub fn bind(module: &Path, profile: Profile) -> Result<Glue> {
    let scratch = module.with_extension("bindgen");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(false)
        .debug(profile == Profile::Dev)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(profile == Profile::Release)
        .out_name(NAME)
        .generate(&scratch)?;
    if scratch.join("snippets").exists() {
        bail!("a crate brings JavaScript of its own; the site folder has no place for it yet");
    }
    let glue = Glue {
        js: fs::read(scratch.join(format!("{NAME}.js")))?,
        wasm: fs::read(scratch.join(format!("{NAME}_bg.wasm")))?,
    };
    fs::remove_dir_all(&scratch)?;
    Ok(glue)
}
