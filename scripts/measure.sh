#!/usr/bin/env bash
# `make conformance` and `make bench`: one comparing binary each, in the build that fits.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

case "${1:-}" in
    conformance) cargo run --quiet --package tests --bin conformance ;;
    bench) cargo run --quiet --release --package tests --bin bench ;;
    *) die "usage: measure.sh conformance|bench" ;;
esac
