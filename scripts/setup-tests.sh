# shellcheck shell=bash
# What the tests need beyond a compiler. Source after common.sh and call the functions: each installs what is missing
# where it can, and fails where it cannot.

NEXTEST_VERSION=0.9.143
NPM_SECONDS=300

# Built without optimisation: three minutes instead of nine on two cores, and it only starts tests.
setup_nextest() {
    local install=(env -u CARGO_TARGET_DIR cargo install --quiet --debug --version "$NEXTEST_VERSION")
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    have cargo-nextest && return 0
    say "installing cargo-nextest (some minutes)"
    "${install[@]}" --locked cargo-nextest || "${install[@]}" cargo-nextest
}

postgresql_installed() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

setup_postgres() {
    postgresql_installed || apt_install postgresql
    have curl || apt_install curl
}

setup_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || apt_install libfaketime; }

setup_odoo() {
    local missing=()
    postgresql_installed || missing+=(postgresql)
    have curl || missing+=(curl)
    have python3 && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
    /usr/bin/python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

setup_rt() {
    local missing=()
    postgresql_installed || missing+=(postgresql)
    have curl || missing+=(curl)
    [ -x /usr/share/request-tracker5/libexec/rt-server ] && have rt-setup-database-5 || missing+=(
        request-tracker5 rt5-standalone rt5-db-sqlite rt5-db-postgresql dbconfig-no-thanks msmtp-mta)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# Leaves the path in MILEPOST_TEST_CHROMIUM.
setup_chromium() {
    if [ -z "${MILEPOST_TEST_CHROMIUM:-}" ]; then
        have chromium || apt_install chromium fonts-liberation || return 1
        MILEPOST_TEST_CHROMIUM=$(command -v chromium) || return 1
    fi
    export MILEPOST_TEST_CHROMIUM
    [ -x "$MILEPOST_TEST_CHROMIUM" ]
}

setup_node() {
    local stamp=$ROOT/end2end/node_modules/.package-lock.json
    { have node && have npm; } || apt_install nodejs npm || return 1
    if [ ! -f "$stamp" ] || [ "$ROOT/end2end/package-lock.json" -nt "$stamp" ]; then
        say "installing the Node packages of end2end"
        (cd "$ROOT/end2end" && timeout "$NPM_SECONDS" npm ci --silent >&2) || return 1
    fi
}
