#!/usr/bin/env bash
# `make conformance`: compares with independent readings, scenarios and signature vectors.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$ROOT"

cargo run --quiet --package tests --bin conformance
