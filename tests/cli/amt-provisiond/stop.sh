#!/bin/bash
# A stop in each phase of a set-up, with something that waits in every place: it ends in order, at
# once, and leaves nothing behind. Under sanitizers and valgrind this finds what is used after it is freed.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

state_at() { ctl systems list --json | jq -r --arg a "$NET.$1" '.systems[] | select(.address == $a) | .state'; }
is_at() { [ "$(state_at "$1")" = "$2" ]; }
waits() { wait_for 30 is_at "$1" "$2" || fail "machine $1 is $(state_at "$1"), not $2"; }
stop_now() {
	local before=$SECONDS
	stop
	[ $((SECONDS - before)) -lt 20 ] || fail "$1: the stop took $((SECONDS - before)) s"
	[ "$(grep -c ' server: stopped' log)" = "$2" ] || fail "$1: it did not stop in order"
	kill "${sims[@]}" 2>/dev/null || true
	wait "${sims[@]}" || true
	sims=()
}
sims=()

cat >script <<END
#!/bin/bash
echo \$\$ >>$PWD/pids
exec sleep 300
END
chmod +x script
make_map 10
write_conf '[script]' 'use_props_script = no' "props_script = $PWD/script" 'props_script_parallel = 1'
sed -i 's/^hello_seconds.*/hello_seconds = 60/; s/^connect_seconds.*/connect_seconds = 60/
	s/^answer_seconds.*/answer_seconds = 60/' conf

# Connections that have said nothing, a part of a hello, and all of one.
start
for bytes in 0 10 31; do
	sim_hello --address "$NET.$((20 + bytes))" --bytes $bytes --linger 30 --pid "$(pid_of 1)" &
	sims+=($!)
done
connected() { [ "$(ss -Htn state established "dst $SERVER" | wc -l)" = 3 ]; }
wait_for 30 connected || fail "not connected: $(ss -tn)"
stop_now "waiting for hellos" 1

# A TLS handshake that does not end, a first answer, one in the middle, that of the commit.
start
machine 1 1 --handshake hang & sims+=($!)
machine 2 2 --answer hang & sims+=($!)
machine 3 3 --answer hang --answer-to SetAdminAclEntryEx & sims+=($!)
machine 4 4 --answer hang --answer-to CommitChanges & sims+=($!)
# And one that nobody answers for, which waits for its next call.
sim_hello --address "$NET.9" --pid "$(pid_of 9)" --uuid 00000000-1111-2222-3333-000000000009
for i in 1 2 3 4; do waits $i in-setup; done
wait_for 30 is_key 4 used || fail "its key is $(key_state 4)"
wait_log "call-failed .*address=$NET.9"
stop_now "in set-up" 2

# Two places that say to be one machine, both while a third is called, are called side by side after
# that, and neither answers.
start
place() { machine 10 "$1" --uuid 00000000-1111-2222-3333-000000000010 --handshake hang & sims+=($!); }
called() { ss -Htn state established "dst $NET.$1:$PORT" | grep -q .; }
place 10
wait_for 30 called 10 || fail "the first is not called"
place 11
place 12
both() { called 11 && called 12; }
wait_for 60 both || fail "they are not called side by side: $(tail -n 5 log)"
stop_now "at two doors" 3

# The properties script, and a machine that waits for its turn to have it run.
sed -i 's/^use_props_script.*/use_props_script = yes/' conf
start
machine 5 5 & sims+=($!)
machine 6 6 & sims+=($!)
for i in 5 6; do waits $i in-setup; done
wait_for 30 test -s pids || fail "the script does not run"
stop_now "in the script" 4
gone() { local p; while read -r p; do ! kill -0 "$p" 2>/dev/null || return 1; done <pids; }
wait_for 10 gone || fail "a script runs after the stop: $(ps -fp "$(paste -sd, pids)")"

# All of it is taken up again where the map says.
sed -i 's/^use_props_script.*/use_props_script = no/; s/^listen = .*/listen = '"$SERVER"'/' conf
start
machine 7 7 --until-configured 30 || fail "a machine was not set up after the stops"
grep -q 'set-ups that were interrupted and start again: [1-9]' log || fail "nothing is taken up"
no_secrets
stop
