#!/usr/bin/env bash
# A private PostgreSQL cluster on 127.0.0.1, for tests of the engine for several nodes.
#
#   postgres-peer.sh up       make the cluster (first time, some seconds) and start; does nothing when it is up
#   postgres-peer.sh down     stop it
#   postgres-peer.sh status   exit 0 when it is up
#   postgres-peer.sh env      print the variables that the tests read
#   postgres-peer.sh remove   stop it and remove its files
#
# Needs Debian's package postgresql. Calls may run at the same time. A test makes a database of its own and drops it.
#
# MILEPOST_POSTGRES_NAME (postgres) another name is another cluster   MILEPOST_POSTGRES_PORT (18434)
# MILEPOST_POSTGRES_DURABLE set: what is committed is on the disk; else it outlives the processes only
# MILEPOST_PEERS (see lib.sh)
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/peers/lib.sh
. "$HERE/lib.sh"

PORT=${MILEPOST_POSTGRES_PORT:-18434}
export PG_HOST_AUTH=trust PG_DURABLE=${MILEPOST_POSTGRES_DURABLE:-}

command=${1:-}
peer_init "${MILEPOST_POSTGRES_NAME:-postgres}"
case "$command" in
    up)
        peer_lock
        pg_up "$PORT"
        peer_say "is up: 127.0.0.1:$PG_PORT"
        ;;
    down)
        peer_lock
        pg_down
        ;;
    crash)
        peer_lock
        pg_crash
        ;;
    remove)
        peer_lock
        pg_down
        rm -rf pg run
        ;;
    status) pg_running ;;
    env)
        pg_running || peer_die "is not up: postgres-peer.sh up"
        echo "export MILEPOST_TEST_POSTGRES=postgres://postgres@127.0.0.1:$(sed -n 4p pg/postmaster.pid)/postgres"
        ;;
    *) peer_die "usage: postgres-peer.sh up|down|crash|status|env|remove" ;;
esac
