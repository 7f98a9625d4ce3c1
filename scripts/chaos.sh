#!/usr/bin/env bash
# `make chaos`: provokes what must never happen, on both engines, with the build that ships. CHAOS="--rounds 20 --only kill"
# hands arguments on; `chaos --help` shows them. Installs what it needs where it can, and says what is left out.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/setup-tests.sh
. "$SCRIPTS/setup-tests.sh"
cd "$ROOT"

# A cluster of its own, where what is committed is on the disk.
peer() { MILEPOST_POSTGRES_NAME=chaos MILEPOST_POSTGRES_PORT=18435 MILEPOST_POSTGRES_DURABLE=1 tests/peers/postgres-peer.sh "$1"; }

need_build_tools
setup_faketime || say "Debian's libfaketime cannot be installed here: the clock will not jump"
say "building"
cargo build --quiet --release --package server --bin milepost --package tests --bin chaos || die "the build failed"
if setup_postgres && peer up; then
    trap 'peer down' EXIT
    eval "$(peer env)"
else
    say "skipped: PostgreSQL (Debian's package postgresql cannot be installed here)"
fi
# shellcheck disable=SC2086 # several arguments
MILEPOST_TEST_BIN=$CARGO_TARGET_DIR/release/milepost "$CARGO_TARGET_DIR/release/chaos" ${CHAOS:-}
