#!/usr/bin/env bash
# A real Request Tracker 5 with REST 2.0 on 127.0.0.1, for tests: a queue `Shipments` as rt-bootstrap.initialdata
# describes it.
#
#   rt-peer.sh up       make the database (first time, some seconds) and start; does nothing when it is up
#   rt-peer.sh down     stop it
#   rt-peer.sh status   exit 0 when it is up
#   rt-peer.sh env      print the variables that the tests read
#
# Needs the Debian packages (with --no-install-recommends) request-tracker5 rt5-standalone rt5-db-sqlite
# rt5-db-postgresql dbconfig-no-thanks msmtp-mta, and postgresql curl. Calls may run at the same time.
#
#   *.token     API tokens of `milepost` (the integration), `agent` and `outsider` (no rights)
#   webhooks/   one file for each subscriber: address on the first line, secret on the second
#
# MILEPOST_RT_PORT (18085)  MILEPOST_RT_PG_PORT (18433)  MILEPOST_RT_DATABASE pg or sqlite (pg; on sqlite a webhook's
# receiver that reads the ticket back before it answers waits for itself)  MILEPOST_PEERS (see lib.sh)
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/peers/lib.sh
. "$HERE/lib.sh"

SETUP=2 # raise it when what is installed below changes
PORT=${MILEPOST_RT_PORT:-18085}
DATABASE=${MILEPOST_RT_DATABASE:-pg}
URL=http://127.0.0.1:$PORT
SERVER=/usr/share/request-tracker5/libexec/rt-server
WORKERS=4

rt_is_up() { alive "$R/rt.pid" rt-server; }

rt_answers() { wait_http "$1" 401 "$2/REST/2.0/rt"; }

# The token of every REST call is checked with bcrypt: its default cost takes a quarter of a second a call.
write_configuration() {
    {
        cat <<CONF
Set(\$rtname, 'desk.test');
Set(\$Organization, 'desk.test');
Set(\$Timezone, 'UTC');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $PORT);
Set(\$WebBaseURL, '$URL');
Set(\$WebPath, '');
Set(\$WebSecureCookies, 0);
Set(\$CorrespondAddress, 'rt@desk.test');
Set(\$CommentAddress, 'rt-comment@desk.test');
Set(\$OwnerEmail, 'root@localhost');
Set(\$MailCommand, 'testfile');
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, 'error');
Set(\$BcryptCost, 4);
\$RT::MasonDataDir = '$R/mason';
\$RT::MasonSessionDir = '$R/sessions';
CONF
        if [ "$DATABASE" = pg ]; then
            cat <<CONF
Set(\$DatabaseType, 'Pg');
Set(\$DatabaseHost, '127.0.0.1');
Set(\$DatabaseRTHost, '127.0.0.1');
Set(\$DatabasePort, '$PG_PORT');
Set(\$DatabaseUser, 'rt_user');
Set(\$DatabasePassword, 'rt-test');
Set(\$DatabaseName, 'rt5');
CONF
        else
            cat <<CONF
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$R/var/rt5.sqlite');
CONF
        fi
        echo '1;'
    } >RT_SiteConfig.pm
}

set_up_database() {
    local dba='' password='' step=(as_service timeout 300 /usr/sbin/rt-setup-database-5)
    [ "$(cat installed 2>/dev/null)" != "$SETUP $DATABASE" ] || return 0
    peer_say "making the database ($DATABASE)"
    rm -f installed ./*.token var/rt5.sqlite
    if [ "$DATABASE" = pg ]; then
        dba=postgres password=rt-test
        pg_sql "set client_min_messages = warning" "drop database if exists rt5 with (force)" "drop role if exists rt_user" \
            "alter role postgres password '$password'"
    fi
    "${step[@]}" --action init --dba "$dba" --dba-password "$password" >var/setup.log 2>&1 </dev/null ||
        peer_die "see $R/var/setup.log"
    "${step[@]}" --action insert --datafile "$HERE_DATA" --dba "$dba" --dba-password "$password" >>var/setup.log 2>&1 </dev/null ||
        peer_die "see $R/var/setup.log"
    for one in milepost agent outsider; do
        [ -s "var/$one.token" ] || peer_die "no token of $one was made, see $R/var/setup.log"
        (umask 077 && cat "var/$one.token" >"$one.token")
        rm -f "var/$one.token"
    done
    echo "$SETUP $DATABASE" >installed
}

print_env() {
    cat <<ENV
export MILEPOST_TEST_RT_URL=$(cat url)
export MILEPOST_TEST_RT_TOKEN_FILE=$R/milepost.token
export MILEPOST_TEST_RT_AGENT_TOKEN_FILE=$R/agent.token
export MILEPOST_TEST_RT_OUTSIDER_TOKEN_FILE=$R/outsider.token
export MILEPOST_TEST_RT_WEBHOOK_DIR=$R/webhooks
ENV
}

up() {
    if [ "$(cat installed 2>/dev/null)" = "$SETUP $DATABASE" ] && rt_is_up && rt_answers 30 "$(cat url)"; then
        peer_say "is up already: $(cat url)"
        return
    fi
    [ -x "$SERVER" ] || peer_die "needs Debian's packages request-tracker5 and rt5-standalone"
    stop_pid rt.pid rt-server
    mkdir -p conf.d var mason sessions webhooks
    chmod 777 webhooks
    give_to_service var mason sessions
    # the account that runs it may not be able to read this clone
    HERE_DATA=$R/bootstrap.initialdata
    cp "$HERE/rt-bootstrap.initialdata" "$HERE_DATA"
    chmod 644 "$HERE_DATA"
    if [ "$DATABASE" = pg ]; then pg_up "${MILEPOST_RT_PG_PORT:-18433}"; fi
    write_configuration
    export RT_SITE_CONFIG=$R/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$R/conf.d
    export DESK_TOKEN_DIR=$R/var DESK_WEBHOOK_DIR=$R/webhooks
    set_up_database
    port_free "$PORT" || peer_die "port $PORT is taken by someone else"
    peer_daemon var/server.log "$SERVER" --server Starlet --host 127.0.0.1 --port "$PORT" --max-workers "$WORKERS"
    echo "$PEER_PID" >rt.pid
    rt_answers 60 "$URL" || peer_die "did not answer within a minute, see $R/var/server.log"
    echo "$URL" >url
    curl -fsS -m 30 -o /dev/null -H "Authorization: token $(cat milepost.token)" "$URL/REST/2.0/queue/Shipments" ||
        peer_die "is up but refuses the token"
    peer_say "is up: $URL"
}

case $DATABASE in pg | sqlite) ;; *)
    echo "MILEPOST_RT_DATABASE is pg or sqlite" >&2
    exit 2
    ;;
esac
peer_init rt
case ${1:-} in
up)
    peer_lock
    up
    ;;
down)
    peer_lock
    stop_pid rt.pid rt-server
    pg_down
    ;;
status) rt_is_up ;;
env)
    [ -f url ] || peer_die "was never up"
    print_env
    ;;
*)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
