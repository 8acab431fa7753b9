#!/bin/bash
# Names, profiles, reload, metrics, socket activation, IPv6: what an operator sets up around it.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 8
# Each machine has a UUID of its own that the test knows.
uuid() { printf '00000000-1111-2222-3333-%012d' "$1"; }
one() { local i=$1; shift; machine "$i" "$i" --uuid "$(uuid "$i")" "$@"; }

cat >script <<'SCRIPT'
#!/bin/bash
# The properties script of this test: knows machine 4, fails for machine 5.
read -r question || true
case $question in
*000000000004*) echo '{"fqdn": "four.example.com", "profile": "lab"}' ;;
*000000000005*) echo "no such asset" >&2; exit 1 ;;
*) echo '{}' ;;
esac
SCRIPT
chmod +x script
printf 'Lab.Pass11\n' >lab-password
FQDN_REQUIRED=yes write_conf '[profile lab]' "admin_password = file:$PWD/lab-password" \
	'admin_user = labadmin' '[metrics]' 'metrics_listen = 127.0.0.1:0, [::1]:0'
start

# Without a name a machine waits; with one, "retry" sets it up.
one 1 --until-configured 20 &
first=$!
wait_log "fqdn-missing .*uuid=$(uuid 1) .*no FQDN is known .* -- give its UUID a name"
printf 'fqdn,uuid\none.example.com,%s\n' "$(uuid 1)" >inventory.csv
ctl inventory import inventory.csv --quiet
ctl systems retry "$(uuid 1)" --quiet
wait $first || fail "machine 1 was not set up"
wait_log "configured .*uuid=$(uuid 1) .*: configured as one.example.com"
ctl systems list --json | jq -e '.systems[] | select(.fqdn == "one.example.com" and
	.state == "configured" and .admin_user == "admin")' >/dev/null || fail "machine 1 has no name"

# The inventory names a profile, which the configuration file has.
printf 'uuid,fqdn,profile\n%s,two.example.com,lab\n%s,three.example.com,none\n' \
	"$(uuid 2)" "$(uuid 3)" >inventory.csv
ctl inventory import inventory.csv --quiet
one 2 --until-configured 20 || fail "machine 2 was not set up"
wait_log "key-used .*uuid=$(uuid 2) .*profile lab"
ctl systems list --json | jq -e '.systems[] | select(.fqdn == "two.example.com" and
	.profile == "lab" and .admin_user == "labadmin")' >/dev/null || fail "machine 2 is not lab's"
one 3 --until-configured 3 && fail "machine 3 was set up without its profile"
wait_log "not-called .*uuid=$(uuid 3) .*there is no profile \"none\""

# So does a default profile that nobody made: a machine does not get other settings for it.
ctl config set default_profile ofice --quiet
kill -HUP "$DAEMON"
wait_log 'configuration read again'
printf 'uuid,fqdn,profile\n%s,three.example.com,\n' "$(uuid 3)" >inventory.csv
ctl inventory import inventory.csv --quiet
ctl systems retry "$(uuid 3)" --quiet
wait_log "not-called .*uuid=$(uuid 3) .*there is no profile \"ofice\".* name another in default_profile"
ctl config unset default_profile --quiet

# A reload takes a script in; one that makes no sense changes nothing.
sed -i '/^\[metrics\]/i [script]\nuse_props_script = yes' conf
kill -HUP "$DAEMON"
wait_log 'reload-failed: the configuration stays as it was: use_props_script is yes but'
sed -i "s,^use_props_script.*,&\nprops_script = $PWD/script\nprops_script_timeout = 20," conf
chmod -x script
kill -HUP "$DAEMON"
wait_log "script-unfit: the properties script $PWD/script cannot be run -- chmod 755 it"
chmod +x script
kill -HUP "$DAEMON"
reread() { [ "$(grep -c 'configuration read again from conf' log)" = "$1" ]; }
wait_for 30 reread 3 || fail "the configuration was not read again"
[ "$(grep -c script-unfit log)" = 1 ] || fail "a script that can be run is complained of"
one 4 --until-configured 20 || fail "machine 4 was not set up"
wait_log "configured .*uuid=$(uuid 4) .*as four.example.com"
one 5 --until-configured 2 && fail "machine 5 was set up though the script failed"
wait_log "not-called .*uuid=$(uuid 5) .*properties script ended with status 1: no such asset"

# Counters, in the form that promtool would take.
metrics=$(grep -o 'metrics on .*' log | head -n 1 | grep -o '[0-9]*$')
curl -s --max-time 5 "http://127.0.0.1:$metrics/metrics" >counters || fail "no metrics"
grep -qx 'amt_setups_configured_total 3' counters || fail "$(grep setups counters)"
grep -qx 'amt_systems{state="configured"} [0-9]*' counters || fail "no systems in the metrics"
[ "$(curl -s --max-time 5 -o page -w '%{http_code}' "http://127.0.0.1:$metrics/")" = 404 ] ||
	fail "a page"
! grep -vE '^(# (HELP|TYPE) amt_[a-z_]+ .+|amt_[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+)$' \
	counters ||
	fail "lines that Prometheus would not take"
no_secrets
stop

# Names for everybody are not asked for any more; IPv6; the map's settings beat the file's.
sed -i 's/^fqdn_required = .*/fqdn_required = no/; s/^use_props_script.*/use_props_script = no/
	s/^listen = .*/listen = [::1]:0/' conf
ctl config set hellos_per_minute 2 --quiet
start
SERVER="[::1]:${SERVER#*:}"
grep -q 'waiting for hellos on ::1, port [1-9]' log ||
	grep -q '\[::1\]:0: .*going on without' log ||
	fail "it does not say where it listens"
if sim_hello --address ::1 --pid 0000037M; then
	wait_log 'invalid-pid-map .*address=::1: '
	# Five in all: wherever a minute ends between them, one minute has too many, and only one.
	for _ in 1 2 3 4; do sim_hello --address ::1 --pid 0000037M; done
	wait_log 'too-often address=::1: more than 2 hellos a minute'
	[ "$(grep -c 'too-often' log)" = 1 ] || fail "the excess is logged more than once a minute"
else
	echo "no IPv6 here: that part is left out"
fi
stop
ctl config unset hellos_per_minute --quiet

# A socket that was opened by somebody else, as systemd does it.
if command -v systemd-socket-activate >/dev/null; then
	sed -i 's/^listen = .*/listen = off/' conf
	port=$((PORT + 1))
	while listens ":$port"; do port=$((port + 1)); done
	systemd-socket-activate -l "127.0.0.1:$port" "$BIN/amt-provisiond" -c conf 2>>log &
	DAEMON=$!
	SERVER=127.0.0.1:$port
	wait_for 30 sim_hello --address "$NET.50" --pid 0000037M 2>/dev/null ||
		fail "nobody listens at $SERVER"
	wait_log "invalid-pid-map .*address=$NET.50"
	stop
fi

# A port that is taken, and a configuration that makes no sense, are said at once.
listener=$((PORT + 2))
sed -i "s/^listen = .*/listen = 127.0.0.1:$listener/" conf
start
sed "s,^map = .*,map = $PWD/other.db," conf >conf2
if "$BIN/amt-provisiond" -c conf2 2>err; then fail "two servers on one port"; fi
grep -q "cannot listen on 127.0.0.1:$listener: something else listens there" err ||
	fail "$(cat err)"
stop
