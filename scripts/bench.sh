#!/usr/bin/env bash
# `make bench`: measures in one run what the installation costs, against the bare thing that it stands on, with the build that ships.
# BENCH="--only ingest --engine sqlite" hands arguments on; `bench --help` shows them.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/setup-tests.sh
. "$SCRIPTS/setup-tests.sh"
cd "$ROOT"

# A cluster of its own, where what is committed is on the disk.
peer() { MILEPOST_POSTGRES_NAME=bench MILEPOST_POSTGRES_PORT=18436 MILEPOST_POSTGRES_DURABLE=1 tests/peers/postgres-peer.sh "$1"; }

need_build_tools
say "building"
cargo build --quiet --release --package server --bin milepost --package tests --bin bench || die "the build failed"
if setup_postgres && peer up; then
    trap 'peer down' EXIT
    eval "$(peer env)"
else
    say "skipped: PostgreSQL (Debian's package postgresql cannot be installed here)"
fi
if tests/peers/odoo-peer.sh status; then
    eval "$(tests/peers/odoo-peer.sh env)"
else
    say "skipped: imports from Odoo (start it with tests/peers/odoo-peer.sh up)"
fi
# shellcheck disable=SC2086 # several arguments
MILEPOST_TEST_BIN=$CARGO_TARGET_DIR/release/milepost "$CARGO_TARGET_DIR/release/bench" ${BENCH:-}
