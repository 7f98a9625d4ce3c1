#!/usr/bin/env bash
# Formatting and lints of both halves: `make check`.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/toolchain/wasm.sh
. "$SCRIPTS/toolchain/wasm.sh"
cd "$ROOT"

need_build_tools
for part in fmt clippy; do
    cargo "$part" --version >/dev/null 2>&1 || rustup component add "${part/#fmt/rustfmt}" >&2 || die "needs cargo $part"
done
say "formatting"
cargo fmt --all --check

say "circles between files"
have python3 || die "needs python3"
python3 scripts/circles.py

say "what make run builds, with the features of nothing else"
cargo check --quiet -p server -p bundle --bins

say "lints of the server's half"
cargo clippy --quiet --workspace --exclude frontend --all-targets -- -D warnings -D clippy::too_many_lines

ensure_wasm_toolchain || die "no compiler for wasm32-unknown-unknown is to be had here"
if [ -n "$WASM_TOOLCHAIN" ] && [ ! -x "$WASM_TOOLCHAIN/bin/cargo-clippy" ]; then
    say "skipped: lints of the browser's half (Debian's toolchain here has no clippy)"
else
    say "lints of the browser's half"
    if [ -n "$WASM_TOOLCHAIN" ]; then export RUSTUP_TOOLCHAIN=$WASM_TOOLCHAIN; fi
    cargo clippy --quiet -p frontend --target wasm32-unknown-unknown -- -D warnings
fi

if have shellcheck; then
    say "shell scripts"
    shellcheck -x -P "$ROOT" .ci/run scripts/*.sh scripts/toolchain/*.sh tests/peers/*.sh
else
    say "skipped: lints of the shell scripts (no shellcheck here)"
fi
