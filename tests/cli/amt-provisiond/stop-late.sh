#!/bin/bash
# A stop while a name server is asked, late in a set-up, and while another program holds the map: the
# daemon ends in order, and the set-up goes on where the map says. Sanitizers see here what is used
# after it is freed.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

PLAIN=$((PORT - 1))
make_map 5
write_conf '[profile default]' 'admin_password = random' 'rekey = yes'
sed -i "s/^connect_seconds.*/connect_seconds = 30/
	s/^answer_seconds.*/answer_seconds = 30/" conf
cp conf plain.conf
sims=()
# A machine that goes on while the daemon is stopped.
begin_machine() { machine "$@" & sims+=($!); }
end_machines() {
	local sim
	for sim in ${sims[@]+"${sims[@]}"}; do
		pkill -P "$sim" || true
		wait "$sim" || true
	done
	sims=()
}
# By address: with a new key, a machine has another PID.
state_at() { ctl systems list --json |
	jq -r --arg a "$NET.$1" '.systems[] | select(.address == $a) | .state'; }
is_at() { [ "$(state_at "$1")" = "$2" ]; }
calls() { ss -tn | grep -q "$NET.$1:$2"; }
waits_in() { wait_for 30 is_at "$1" in-setup || fail "machine $1 is $(state_at "$1")"; }

# A name server that says nothing.
cp plain.conf conf
sed -i '/^fqdn_required/d' conf
sed -i "s/^\[names\]/&\nfqdn_required = yes\ndns_fallback = yes\ndns_servers = $NET.250:$PLAIN\ndns_seconds = 60/" conf
python3 -c "import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('$NET.250', $PLAIN))
open('mute', 'w')
time.sleep(120)" &
mute=$!
wait_for 30 test -e mute || fail "there is no name server"
start
sim_hello --address "$NET.4" --pid "$(pid_of 1)" --uuid 00000000-1111-2222-3333-000000000004
waits_in 4
stop
kill $mute

# In the middle of the changes: it goes on from there.
cp plain.conf conf
start
begin_machine 2 7 --delay 400 --hellos 1 --until-configured 60
wait_log "key-used .*address=$NET.7:"
stop
start
wait_log "configured .*address=$NET.7: configured"
stop
end_machines

# When the machine is read back after the commit, and when it is looked for after a lost one.
start
begin_machine 3 9 --habits modern --firmware 2.2.1 --answer hang --answer-to GetHostName
wait_log "key-used .*address=$NET.9:"
sleep 0.5
stop
is_at 9 configured || fail "machine 9 is $(state_at 9)"
end_machines
start
begin_machine 4 10 --delay 300 --commit drop --after-commit plain
wait_for 30 calls 10 "$PLAIN" || fail "machine 10 is not looked for: $(grep "$NET.10" log)"
stop
start
wait_log "configured .*address=$NET.10: configured, not proved again"
stop
end_machines

# Another program holds the map when the plan is to be written, and longer than the stop waits.
start
begin_machine 5 11 --delay 200
waits_in 11
(sqlite3 map.db 'BEGIN IMMEDIATE' '.shell touch held; sleep 20' ROLLBACK & echo $! >holder) 2>/dev/null
wait_for 30 test -e held || fail "the map is not held"
sleep 1.5
kill -TERM "$DAEMON"
wait "$DAEMON" || fail "the daemon ended with status $?"
pkill -P "$(cat holder)" || true
kill "$(cat holder)" 2>/dev/null || true
end_machines
! grep -a 'Sanitizer\|runtime error' log || fail "a sanitizer found something"
