#!/usr/bin/env bash
# Builds Milepost and starts the demo: `make run`. Ctrl-C stops all of it.
#
# MILEPOST_ADDR       address to listen on (127.0.0.1:3000)
# MILEPOST_DEMO_DATA  folder of the demo's database (data/demo in this clone)
# MILEPOST_RELEASE=1  build both halves for speed instead of for a quick start
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/toolchain/wasm.sh
. "$SCRIPTS/toolchain/wasm.sh"
cd "$ROOT"

addr=${MILEPOST_ADDR:-127.0.0.1:3000}
data=${MILEPOST_DEMO_DATA:-$ROOT/data/demo}
site=$ROOT/target/site

need_build_tools
if (exec 3<>"/dev/tcp/${addr%:*}/${addr##*:}") 2>/dev/null; then
    die "something listens on $addr already; stop it or choose another with MILEPOST_ADDR=127.0.0.1:PORT make run"
fi
ensure_wasm_toolchain || die "no compiler for wasm32-unknown-unknown is to be had here"

profile=debug server=() bundle=()
if [ "${MILEPOST_RELEASE:-}" = 1 ]; then
    profile=release server=(--release) bundle=(--release)
fi
[ -x "$CARGO_TARGET_DIR/$profile/milepost" ] || say "building; the first time takes some minutes"
step_with_progress "[1/2] the server" cargo build -p server -p bundle --bins "${server[@]}" || die "the build failed"
step_with_progress "[2/2] the pages for the browser" "$CARGO_TARGET_DIR/$profile/bundle" --out "$site" "${bundle[@]}" ||
    die "the build failed"

mkdir -p "$data"
exec "$CARGO_TARGET_DIR/$profile/milepost" demo --data "$data" --addr "$addr" --site "$site"
