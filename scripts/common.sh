# shellcheck shell=bash
# What the scripts share: where things lie, how they speak, how Debian packages get installed. Source it.

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$SCRIPTS")
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/milepost
# One target directory for all clones, so that a second clone starts warm.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
export ROOT CACHE

APT_SECONDS=900

say() {
    if [ -t 2 ]; then printf '\033[1mmilepost:\033[0m %s\n' "$*" >&2; else printf 'milepost: %s\n' "$*" >&2; fi
}
die() {
    say "$*"
    exit 1
}

# step_with_progress NAME COMMAND...: runs what may take minutes. A line shows the step, what has been compiled and the
# elapsed time; its output is shown only when it fails.
step_with_progress() {
    local name=$1 start=$SECONDS log status=0 pid last=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 &
    pid=$!
    # what stops this script stops the step too
    trap 'kill "$pid" 2>/dev/null; rm -f "$log"; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        local seconds=$((SECONDS - start)) line
        line=$(printf '%s: %d:%02d, %d crates compiled' "$name" $((seconds / 60)) $((seconds % 60)) "$(grep -c '^ *Compiling' "$log")")
        if [ -t 2 ]; then
            printf '\r\033[K\033[1mmilepost:\033[0m %s' "$line" >&2
        elif [ $((seconds - last)) -ge 30 ]; then
            last=$seconds
            say "$line"
        fi
        sleep 1
    done
    wait "$pid" || status=$?
    trap - INT TERM
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    if [ "$status" != 0 ]; then
        tail -n 60 "$log" >&2
    elif [ $((SECONDS - start)) -ge 5 ]; then
        say "$name: done in $(((SECONDS - start) / 60)):$(printf %02d $(((SECONDS - start) % 60)))"
    fi
    rm -f "$log"
    return "$status"
}

have() { command -v "$1" >/dev/null 2>&1; }

can_be_root() { [ "$(id -u)" = 0 ] || { have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# apt_install PACKAGE...: installs what is missing of them; fails where that cannot be done.
apt_install() {
    local missing=() package
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get && can_be_root || return 1
    say "installing Debian packages: ${missing[*]}"
    local apt=(env DEBIAN_FRONTEND=noninteractive timeout "$APT_SECONDS" apt-get -qq -o DPkg::Lock::Timeout=300)
    as_root "${apt[@]}" update >/dev/null || return 1
    as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$CACHE/apt.log" 2>&1 || {
        tail -n 5 "$CACHE/apt.log" >&2
        return 1
    }
}

mkdir -p "$CACHE"

# What no script can install for the user: the compiler. The C compiler can be had from Debian.
need_build_tools() {
    have cargo || die "needs Rust's cargo: install rustup first"
    have cc || apt_install gcc libc6-dev || die "needs a C compiler (Debian: gcc libc6-dev)"
}
