#!/usr/bin/env bash
# Runs a command with WASM_TOOLCHAIN settled, e.g.  scripts/with-wasm.sh cargo run -p bundle
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/toolchain/wasm.sh
. "$SCRIPTS/toolchain/wasm.sh"
ensure_wasm_toolchain || die "no compiler for wasm32-unknown-unknown is to be had here"
exec "$@"
