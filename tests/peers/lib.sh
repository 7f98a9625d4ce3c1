# shellcheck shell=bash
# What both peers share: where they live, whom they run as, a private PostgreSQL cluster, and starting and
# stopping by process id. Source it, then call `peer_init NAME`.
#
# MILEPOST_PEERS   the folder of all peers; default ${XDG_CACHE_HOME:-~/.cache}/milepost/peers, or
#                  /var/cache/milepost/peers where root's home is closed to the account that runs PostgreSQL

peer_say() { printf '%s: %s\n' "$PEER" "$*" >&2; }
peer_die() {
    peer_say "$*"
    exit 1
}

peer_need() {
    local c
    for c in "$@"; do
        command -v "$c" >/dev/null 2>&1 || peer_die "needs the command $c"
    done
}

# PostgreSQL refuses to run as root, so root lends the account that Debian's package made. Anyone else runs all
# of it as themselves.
as_service() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

give_to_service() {
    if [ "$(id -u)" = 0 ]; then chown postgres: "$@"; fi
}

peers_home() {
    local home=${MILEPOST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/milepost/peers}
    if [ -z "${MILEPOST_PEERS:-}" ] && [ "$(id -u)" = 0 ]; then
        mkdir -p "$home"
        as_service test -x "$home" || home=/var/cache/milepost/peers
    fi
    mkdir -p "$home"
    (cd "$home" && pwd)
}

peer_init() {
    PEER=$1
    peer_need flock setsid setpriv curl
    if [ "$(id -u)" = 0 ]; then
        getent passwd postgres >/dev/null || peer_die "needs Debian's package postgresql"
    fi
    PG_BIN=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1) || true
    [ -n "$PG_BIN" ] || peer_die "needs Debian's package postgresql"
    R=$(peers_home)/$PEER
    mkdir -p "$R"
    chmod 755 "$R"
    cd "$R" || exit 1
}

# One writer at a time. The wait is longer than the longest thing another caller may be doing (a first install).
peer_lock() {
    exec 9>"$R/lock"
    flock -w 1500 9 || peer_die "another call has held $R/lock for 25 minutes"
}

# peer_daemon LOG COMMAND...: starts it in its own session, as the service account, holding none of our files.
# The process id is left in PEER_PID.
peer_daemon() {
    local log=$1 run=()
    shift
    if [ "$(id -u)" = 0 ]; then run=(setpriv --reuid=postgres --regid=postgres --init-groups --); fi
    setsid "${run[@]}" "$@" </dev/null >>"$log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    # shellcheck disable=SC2034 # for the caller
    PEER_PID=$!
}

# alive PIDFILE WORD: the process still runs and its command line has WORD in it (process ids are used again).
alive() {
    local pid
    [ -s "$1" ] || return 1
    pid=$(cat "$1")
    [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qe "$2"
}

# stop_pid PIDFILE WORD: asks, waits ten seconds, insists.
stop_pid() {
    local pid i
    if alive "$1" "$2"; then
        pid=$(cat "$1")
        kill "$pid" 2>/dev/null || true
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    fi
    rm -f "$1"
}

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_http SECONDS WANTED_STATUS URL
wait_http() {
    local end=$((SECONDS + $1)) code
    while [ $SECONDS -lt $end ]; do
        code=$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$3" 2>/dev/null || true)
        [ "$code" != "$2" ] || return 0
        sleep 0.2
    done
    return 1
}

# A throw-away cluster in $R/pg. Durability is off, unless PG_DURABLE is set: what it holds can be made again. Passwords
# are asked for on 127.0.0.1, unless PG_HOST_AUTH is trust.
pg_up() {
    local port=$1
    PG_PORT=$port
    mkdir -p run
    give_to_service run
    if [ ! -f pg/PG_VERSION ]; then
        rm -rf pg
        mkdir -p pg
        chmod 700 pg
        give_to_service pg
        as_service "$PG_BIN/initdb" -D "$R/pg" -U postgres --auth-local=trust --auth-host="${PG_HOST_AUTH:-scram-sha-256}" \
            -E UTF8 --locale=C.UTF-8 >run/initdb.log
        as_service tee -a pg/postgresql.conf >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$R/run'
max_connections = 200
CONF
        [ -n "${PG_DURABLE:-}" ] || as_service tee -a pg/postgresql.conf >/dev/null <<CONF
fsync = off
autovacuum = off
synchronous_commit = off
full_page_writes = off
CONF
    fi
    if ! pg_running; then
        port_free "$port" || peer_die "port $port is taken by someone else"
        as_service "$PG_BIN/pg_ctl" -D "$R/pg" -o "-p $port" -l "$R/run/postgresql.log" -t 60 -w start \
            >/dev/null </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- ||
            peer_die "PostgreSQL did not start, see $R/run/postgresql.log"
    fi
    PG_PORT=$(sed -n 4p pg/postmaster.pid)
}

pg_running() { [ -f pg/PG_VERSION ] && as_service "$PG_BIN/pg_ctl" -D "$R/pg" status >/dev/null 2>&1; }

pg_down() {
    if pg_running; then as_service "$PG_BIN/pg_ctl" -D "$R/pg" -m fast -t 60 -w stop >/dev/null || true; fi
}

# As a machine that loses power: nothing is written any more that was not on the disk.
pg_crash() { as_service "$PG_BIN/pg_ctl" -D "$R/pg" -m immediate -t 60 -w stop >/dev/null; }

pg_sql() {
    local args=() one
    for one in "$@"; do args+=(-c "$one"); done
    "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$R/run" -p "$PG_PORT" -U postgres -d postgres "${args[@]}"
}
