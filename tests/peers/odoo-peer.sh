#!/usr/bin/env bash
# A real Odoo 19 Community with demo data on 127.0.0.1, for tests.
#
#   odoo-peer.sh up           install (first time, some minutes) and start; does nothing when it is up
#   odoo-peer.sh down         stop Odoo and its PostgreSQL
#   odoo-peer.sh status       exit 0 when it is up
#   odoo-peer.sh env          print the variables that the tests read
#   odoo-peer.sh clone NAME   a fresh database milepost_NAME in about half a second
#   odoo-peer.sh install NAME MODULES   install more modules there (purchase_stock,stock_dropshipping,helpdesk_mgmt)
#   odoo-peer.sh drop NAME    remove that database
#
# Every database answers at once: name it in the header `X-Odoo-Database`. Keys are the same in all of them:
#   bot.key     a user with just the rights that Milepost needs (login milepost-bot)
#   admin.key   the administrator: custom fields, automation rules (web log-in admin / admin)
#
# Needs the Debian packages postgresql python3-venv python3-pip curl. Odoo itself is published by Debian in its
# unstable suite only: the one package is fetched through a private apt configuration and unpacked, never
# installed, and the machine's own sources stay as they are. Calls may run at the same time; one waits for another.
# OCA's helpdesk_mgmt (AGPL-3.0) is fetched from where OCA publishes it, as a Python package, and is no part of Milepost.
#
# MILEPOST_ODOO_PORT (18069)  MILEPOST_ODOO_PG_PORT (18432)  MILEPOST_PEERS (see lib.sh)
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/peers/lib.sh
. "$HERE/lib.sh"

PACKAGE="odoo-19"
VERSION=19.0.0+dfsg-1
SHA256=9d2f598b0555db17e291d48ed24df184c70823c053c4c5ed53c467ca7f629bbf
MODULES=sale_management,stock_delivery,base_automation
HELPDESK=odoo-addon-helpdesk_mgmt==19.0.1.3.2
HELPDESK_SHA256=334c68f9c8a31191853ec7ef75addff6f461e72a8697764be19bd814e457a531
SETUP=2 # raise it when what is installed below changes
HTTP=${MILEPOST_ODOO_PORT:-18069}
URL=http://127.0.0.1:$HTTP

odoo_is_up() { alive "$R/odoo.pid" '-m odoo'; }

fetch_package() {
    [ ! -f odoo.deb ] || return 0
    peer_need apt-get dpkg-deb
    local mirror
    # shellcheck disable=SC2016 # apt-get fills these in
    mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian //p' | head -n 1)
    [ -n "$mirror" ] || peer_die "apt has no list of Debian's own packages yet: run apt-get update once"
    mkdir -p apt/lists/partial apt/cache/archives/partial
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s sid main\n' "$mirror" >apt/sources.list
    cat >apt/conf <<CONF
Dir::Etc::sourcelist "$R/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$R/apt/lists";
Dir::Cache "$R/apt/cache";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
CONF
    export APT_CONFIG=$R/apt/conf
    peer_say "fetching Debian's $PACKAGE"
    timeout 300 apt-get update -qq >&2
    rm -f "$PACKAGE"_*.deb
    if timeout 300 apt-get download -qq "$PACKAGE=$VERSION" 2>/dev/null; then
        echo "$SHA256  $(echo "$PACKAGE"_*.deb)" | sha256sum --quiet -c - || peer_die "$PACKAGE $VERSION is not the file we know"
    else
        peer_say "$VERSION is gone from the archive; taking its current $PACKAGE"
        timeout 300 apt-get download -qq "$PACKAGE" >&2
    fi
    mv "$PACKAGE"_*.deb odoo.deb
    rm -rf apt
    unset APT_CONFIG
}

unpack_package() {
    [ ! -f src/.complete ] || return 0
    peer_say "unpacking"
    rm -rf src
    mkdir -p src
    dpkg-deb --fsys-tarfile odoo.deb | tar -x -C src --strip-components=5 --exclude='*/i18n' --exclude='*/i18n_extra' \
        --exclude='*/static/tests' ./usr/lib/python3/dist-packages/odoo
    touch src/.complete
}

install_python_packages() {
    local want
    want=$(sha256sum <"$HERE/odoo-requirements.txt")
    [ "$(cat venv/.complete 2>/dev/null)" != "$want" ] || return 0
    peer_say "installing the Python packages that Odoo needs"
    rm -rf venv
    /usr/bin/python3 -m venv --without-pip venv
    timeout 1200 /usr/bin/python3 -m pip --python venv/bin/python install -q --disable-pip-version-check \
        -r "$HERE/odoo-requirements.txt" >&2
    echo "$want" >venv/.complete
}

fetch_helpdesk() {
    [ "$(cat oca/.complete 2>/dev/null)" != "$HELPDESK" ] || return 0
    peer_say "fetching OCA's helpdesk"
    rm -rf oca
    mkdir -p oca
    echo "$HELPDESK --hash=sha256:$HELPDESK_SHA256" >oca/requirements.txt
    timeout 300 /usr/bin/python3 -m pip --python venv/bin/python install -q --disable-pip-version-check --no-deps \
        --require-hashes --target oca -r oca/requirements.txt >&2
    echo "$HELPDESK" >oca/.complete
}

write_configuration() {
    cat >odoo.conf <<CONF
[options]
db_host = 127.0.0.1
db_port = $PG_PORT
db_user = odoo
db_password = odoo-test
dbfilter = ^milepost(_.*)?\$
list_db = False
http_interface = 127.0.0.1
http_port = $HTTP
workers = 0
max_cron_threads = 0
data_dir = $R/data
addons_path = $R/src/odoo/addons,$R/oca/odoo/addons
with_demo = True
CONF
}

# The user `milepost-bot` has just what the integration needs: sales (all orders), deliveries, invoices. Contacts are
# made, custom fields and automation rules provisioned, with the administrator's key.
install_database() {
    [ "$(cat installed 2>/dev/null)" != "$SETUP" ] || return 0
    peer_say "installing $MODULES with demo data"
    rm -f installed
    local one
    for one in $(pg_sql "select datname from pg_database where datname ~ '^milepost(_|$)' or datname = 'template_milepost'"); do
        pg_sql "drop database \"$one\" with (force)"
    done
    as_service rm -rf "$R/data/filestore"
    as_service timeout 1200 "${odoo[@]}" -c odoo.conf -d milepost -i "$MODULES" --stop-after-init >log/install.log 2>&1 ||
        peer_die "the install failed, see $R/log/install.log"
    as_service timeout 300 "${odoo[@]}" shell -c odoo.conf -d milepost --no-http >log/keys.log 2>&1 <<'PY' || peer_die "see $R/log/keys.log"
env.company.sudo().write({'has_received_warning_stock_sms': True, 'stock_text_confirmation': False})
groups = ('base.group_user', 'sales_team.group_sale_salesman_all_leads', 'stock.group_stock_user',
          'account.group_account_invoice')
bot = env['res.users'].with_context(no_reset_password=True).create({
    'name': 'Milepost Bot', 'login': 'milepost-bot', 'tz': 'UTC',
    'group_ids': [(6, 0, [env.ref(group).id for group in groups])]})
for who, user in (('bot', bot), ('admin', env.ref('base.user_admin'))):
    print('KEY', who, env['res.users.apikeys'].with_user(user).sudo()._generate(None, 'milepost tests', None))
env.cr.commit()
PY
    for one in bot admin; do
        (umask 077 && sed -n "s/.*KEY $one //p" log/keys.log >"$one.key")
        [ -s "$one.key" ] || peer_die "Odoo made no key for $one"
    done
    rm -f log/keys.log
    pg_sql "create database template_milepost template milepost owner odoo"
    copy_filestore milepost template_milepost
    echo "$SETUP" >installed
}

# Attachments are files named by their content and never change, so a copy may share them.
copy_filestore() {
    [ ! -d "data/filestore/$1" ] || as_service cp -al "$R/data/filestore/$1" "$R/data/filestore/$2"
}

start_odoo() {
    port_free "$HTTP" || peer_die "port $HTTP is taken by someone else"
    peer_daemon log/server.log "${odoo[@]}" -c "$R/odoo.conf"
    echo "$PEER_PID" >odoo.pid
    wait_http 120 200 "$URL/web/version" || peer_die "Odoo did not answer within two minutes, see $R/log/server.log"
}

check_bot() {
    curl -fsS -m 60 -o /dev/null -X POST "$URL/json/2/stock.picking/search_count" -H "Authorization: bearer $(cat bot.key)" \
        -H 'X-Odoo-Database: milepost' -H 'Content-Type: application/json' -d '{"domain":[]}' ||
        peer_die "Odoo is up but refuses the bot's key"
}

print_env() {
    cat <<ENV
export MILEPOST_TEST_ODOO_URL=$(cat url)
export MILEPOST_TEST_ODOO_DATABASE=milepost
export MILEPOST_TEST_ODOO_KEY_FILE=$R/bot.key
export MILEPOST_TEST_ODOO_ADMIN_KEY_FILE=$R/admin.key
export MILEPOST_TEST_ODOO_PEER=$HERE/odoo-peer.sh
export MILEPOST_TEST_ODOO_SQL=postgres://odoo:odoo-test@127.0.0.1:$(sed -n 4p pg/postmaster.pid)
ENV
}

up() {
    if [ "$(cat installed 2>/dev/null)" = "$SETUP" ] && odoo_is_up && pg_running &&
        grep -qF "$R/oca" odoo.conf && wait_http 30 200 "$(cat url)/web/version"; then
        peer_say "is up already: $(cat url)"
        return
    fi
    stop_pid odoo.pid '-m odoo'
    fetch_package
    unpack_package
    install_python_packages
    fetch_helpdesk
    mkdir -p log data
    give_to_service log data
    pg_up "${MILEPOST_ODOO_PG_PORT:-18432}"
    [ "$(pg_sql "select 1 from pg_roles where rolname = 'odoo'")" = 1 ] ||
        pg_sql "create role odoo login createdb password 'odoo-test'"
    write_configuration
    install_database
    start_odoo
    echo "$URL" >url
    check_bot
    peer_say "is up: $URL"
}

database_of() {
    [[ ${1:-} =~ ^[a-z0-9_]{1,40}$ ]] || peer_die "a name is 1 to 40 of a-z 0-9 _"
    echo "milepost_$1"
}

drop_database() {
    pg_sql "set client_min_messages = warning" "drop database if exists $1 with (force)"
    as_service rm -rf "$R/data/filestore/$1"
}

peer_init odoo
odoo=(env "PYTHONPATH=$R/src" "HOME=$R/data" PYTHONDONTWRITEBYTECODE=1 "$R/venv/bin/python" -m odoo)
case ${1:-} in
up)
    peer_lock
    up
    ;;
down)
    peer_lock
    stop_pid odoo.pid '-m odoo'
    pg_down
    ;;
status) odoo_is_up && pg_running ;;
env)
    [ -f url ] || peer_die "was never up"
    print_env
    ;;
clone | drop)
    database=$(database_of "${2:-}")
    pg_running || peer_die "is not up"
    PG_PORT=$(sed -n 4p pg/postmaster.pid)
    peer_lock
    drop_database "$database"
    if [ "$1" = clone ]; then
        pg_sql "create database $database template template_milepost owner odoo"
        copy_filestore template_milepost "$database"
        echo "$database"
    fi
    ;;
install)
    database=$(database_of "${2:-}")
    [[ ${3:-} =~ ^[a-z0-9_,]{1,200}$ ]] || peer_die "modules are names with commas between them"
    pg_running || peer_die "is not up"
    as_service timeout 900 "${odoo[@]}" -c odoo.conf -d "$database" -i "$3" --stop-after-init --no-http \
        >"log/install-$2.log" 2>&1 || peer_die "the install failed, see $R/log/install-$2.log"
    ;;
*)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
