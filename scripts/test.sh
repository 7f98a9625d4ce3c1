#!/usr/bin/env bash
# Runs all tests: `make test`. Installs what they need where it can; what cannot be had is listed at the end as
# `skipped: NAME (why)`. All that it starts it stops, peers included, unless they were up before.
#
# Tests find their surroundings through variables: MILEPOST_TEST_BIN (the server), MILEPOST_TEST_SITE (the built site
# folder), MILEPOST_TEST_CHROMIUM, and those of tests/peers/README.md. A variable that is not set means: not to be had
# here; the test then appends a line `NAME (why)` to the file $MILEPOST_TEST_SKIPPED and passes. With CI=1 nothing may be
# skipped: such a test fails, and so does the run.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=scripts/toolchain/wasm.sh
. "$SCRIPTS/toolchain/wasm.sh"
# shellcheck source=scripts/setup-tests.sh
. "$SCRIPTS/setup-tests.sh"
cd "$ROOT"

# `frontend` is left out: it turns on the browser's features of the pages, and cargo would turn them on for the server too.
MEMBERS=(--workspace --exclude frontend)
NEXTEST=(cargo nextest run --config-file "$SCRIPTS/nextest.toml" --no-tests pass "${MEMBERS[@]}" -E)
ON_POSTGRES=(env MILEPOST_TEST_ENGINE=postgres "${NEXTEST[@]}")
# What talks to the real peers waits for them.
REAL='(package(tests) & (test(/^main_job::/) | test(/^odoo_/))) | test(/^odoo_real::/) | test(/^rt_real::/)'
# What is provoked waits most of its time, so it runs beside the others.
CHAOS='package(tests) & test(/^chaos::/)'
# What runs on either engine: on SQLite, and once more on PostgreSQL. The second engine's own tests need its cluster. What a
# desk's dialect does to the database is the same for all: there three of them run, with and without tokens that end.
EITHER='(package(server) & kind(test)) | (package(tests) & (test(/^audit::/) | test(/^backup::/)))'
DIALECTS='package(server) & test(/^desks::(freshdesk|gorgias|intercom|jira|odoo_enterprise|odoo_oca|servicenow|zammad)::/)'
POSTGRES='package(storage-postgres) | (package(server) & (test(/^nodes::/) | test(/^takeover::/)))'
PEER_SECONDS=1500
BROWSER_SECONDS=1500
FAILED=()
SKIPPED=()
STARTED=$SECONDS
scratch=$(mktemp -d)
export MILEPOST_TEST_SKIPPED=$scratch/skipped
touch "$MILEPOST_TEST_SKIPPED"

skip() {
    SKIPPED+=("$1")
    say "skipped: $1"
}

peer_script() { echo "$ROOT/tests/peers/$1-peer.sh"; }

# Each run holds this lock as one of many; who can take it alone is the last and stops the peers that runs started.
exec 8>"$CACHE/peers-in-use"
flock -s -w 60 8 || die "cannot note that the peers are in use"

finish() {
    local status=$? peer
    trap - EXIT INT TERM
    for peer in "${waiting[@]}" $beside; do kill "$peer" 2>/dev/null || true; done
    flock -u 8
    if flock -xn 8; then
        for peer in odoo rt postgres; do
            [ -f "$CACHE/started-$peer" ] || continue
            "$(peer_script "$peer")" down 8>&- || true
            rm -f "$CACHE/started-$peer"
        done
    fi
    rm -rf "$scratch"
    exit "$status"
}
waiting=()
beside=''
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Starts a peer beside the build; its log is shown only when it fails.
start_peer() {
    local peer=$1
    "$(peer_script "$peer")" status 8>&- 2>/dev/null || touch "$CACHE/started-$peer"
    timeout "$PEER_SECONDS" "$(peer_script "$peer")" up >"$scratch/$peer.log" 2>&1 8>&- &
    waiting+=($!)
}

# join_peer PID PEER NAME
join_peer() {
    local pid=$1 peer=$2 name=$3
    [ -n "$pid" ] || return 0
    if wait "$pid"; then
        eval "$("$(peer_script "$peer")" env)"
        return
    fi
    tail -n 20 "$scratch/$peer.log" >&2
    skip "whole-system tests against $name ($(tail -n 1 "$scratch/$peer.log"))"
}

# step NAME COMMAND...: a failure is noted and the rest still runs.
step() {
    local name=$1 start=$SECONDS
    shift
    say "$name"
    if "$@" 8>&-; then
        say "$name: passed in $((SECONDS - start)) s"
    else
        FAILED+=("$name")
        say "$name: FAILED after $((SECONDS - start)) s"
    fi
}

# meanwhile NAME COMMAND...: a step beside the next ones; `rejoin` shows what it printed.
meanwhile() {
    beside_name=$1 beside_start=$SECONDS
    shift
    say "$beside_name (beside what follows)"
    "$@" >"$scratch/beside.log" 2>&1 8>&- &
    beside=$!
}

rejoin() {
    local how=passed
    wait "$beside" || { how=FAILED && FAILED+=("$beside_name"); }
    beside=''
    cat "$scratch/beside.log"
    say "$beside_name: $how, over after $((SECONDS - beside_start)) s"
}

need_build_tools
setup_nextest || die "cargo-nextest cannot be installed here"
odoo='' rt='' postgres='' browser=''
if setup_postgres; then
    start_peer postgres
    postgres=${waiting[-1]}
else
    skip "everything on PostgreSQL (Debian's package postgresql cannot be installed here)"
fi
setup_faketime || skip "tests with a clock that jumps (Debian's libfaketime cannot be installed here)"
if setup_odoo; then
    start_peer odoo
    odoo=${waiting[-1]}
else
    skip "whole-system tests against Odoo (its Debian packages cannot be installed here)"
fi
if setup_rt; then
    start_peer rt
    rt=${waiting[-1]}
else
    skip "whole-system tests against Request Tracker (its Debian packages cannot be installed here)"
fi
if ! setup_chromium; then
    skip "browser tests (no Chromium is to be had here)"
elif ! setup_node; then
    skip "browser tests (Node.js and its packages are not to be had here)"
    unset MILEPOST_TEST_CHROMIUM
else
    browser=yes
fi

say "building"
cargo build --quiet "${MEMBERS[@]}" --bins --tests 8>&- || die "the build failed"
export MILEPOST_TEST_BIN=$CARGO_TARGET_DIR/debug/milepost

if ! ensure_wasm_toolchain; then
    skip "browser tests (no compiler for wasm32-unknown-unknown is to be had here)"
elif "$CARGO_TARGET_DIR/debug/bundle" --out "$ROOT/target/site" 8>&-; then
    export MILEPOST_TEST_SITE=$ROOT/target/site
else
    FAILED+=("the site folder")
fi

meanwhile "what must never happen, provoked" "${NEXTEST[@]}" "$CHAOS"
step "unit, property and conformance tests" "${NEXTEST[@]}" "not ($REAL | $POSTGRES | $CHAOS)"
rejoin

join_peer "$postgres" postgres PostgreSQL
if [ -n "${MILEPOST_TEST_POSTGRES:-}" ]; then
    meanwhile "what must never happen, provoked on PostgreSQL" "${ON_POSTGRES[@]}" "$CHAOS"
    step "conformance and flow tests on PostgreSQL" "${ON_POSTGRES[@]}" "($POSTGRES | $EITHER) - ($DIALECTS)"
    rejoin
fi

join_peer "$odoo" odoo Odoo
join_peer "$rt" rt "Request Tracker"
waiting=()
step "whole-system tests" "${NEXTEST[@]}" "$REAL"
if [ -n "${MILEPOST_TEST_POSTGRES:-}" ]; then
    step "whole-system tests on PostgreSQL" "${ON_POSTGRES[@]}" 'package(tests) & test(/^main_job::/)'
fi

if [ -n "$browser" ] && [ -n "${MILEPOST_TEST_SITE:-}" ]; then
    step "browser tests" timeout "$BROWSER_SECONDS" node --test --test-concurrency=1 end2end/*.test.mjs
fi

echo
while read -r line; do SKIPPED+=("$line"); done <"$MILEPOST_TEST_SKIPPED"
for line in "${SKIPPED[@]}"; do echo "skipped: $line"; done
for line in "${FAILED[@]}"; do echo "FAILED: $line"; done
say "all tests took $((SECONDS - STARTED)) s: ${#FAILED[@]} parts failed, ${#SKIPPED[@]} skipped"
if [ "${CI:-}" = 1 ] && [ ${#SKIPPED[@]} -gt 0 ]; then
    say "CI=1: nothing may be skipped"
    exit 1
fi
[ ${#FAILED[@]} = 0 ]
