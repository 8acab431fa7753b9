#!/bin/bash
# The daemon is killed again and again while machines are set up: none is lost, no key used twice.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

N=12
make_map $N
write_conf '[profile default]' 'rekey = yes' 'mebx_password = random' 'admin_password = random'
start
"$BIN/amt-sim" fleet -n $N --keys keys.csv --address "$NET.1" --server "$SERVER" --port "$PORT" \
	--pace 20 --delay 100 --retry 1 --hellos 200 --state pcs --until-configured 90 >fleet.out 2>&1 &
fleet=$!
# It starts on the same port again, so that the machines find it.
sed -i "s/^listen = .*/listen = $SERVER/" conf
kills=0
while kill -0 $fleet 2>/dev/null && [ $kills -lt 12 ]; do
	sleep "0.$((RANDOM % 7 + 1))"
	kill -9 "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	kills=$((kills + 1))
	start
done
wait $fleet || fail "not all machines were set up: $(tail -n 3 fleet.out)"
[ $kills -ge 5 ] || fail "only $kills kills"
all_listed() {
	ctl systems list --json >systems.json
	[ "$(jq .counts.configured systems.json)" = $N ]
}
wait_for 30 all_listed || fail "not all are listed: $(cat systems.json)"

# Each key of the list was used once, by a machine of its own.
ctl keys list --json >keys.json
tail -n +2 keys.csv | cut -d, -f1 | sort >pids
jq -r '.keys[] | select(.state == "used") | (.pid | gsub("-"; "")) + " " + .uuid' keys.json |
	sort >used
cut -d' ' -f1 used | comm -12 - pids >ours
[ "$(wc -l <ours)" = $N ] || fail "not all keys are used"
[ "$(grep -Ff pids used | cut -d' ' -f2 | sort -u | wc -l)" = $N ] || fail "keys share a machine"

# The map has the passwords and the keys that the machines have: they take them.
"$BIN/amt-sim" fleet -n $N --keys keys.csv --address "$NET.1" --server "$SERVER" --port "$PORT" \
	--state pcs --after-commit psk >fleet2.out 2>&1 &
fleet=$!
wait_for 30 listens ":$PORT" || fail "the machines do not listen: $(cat fleet2.out)"
before=$(grep -c ' configured .*configured already' log || true)
ctl systems retry --all >/dev/null 2>&1 || for u in $(jq -r '.systems[].uuid' systems.json); do
	ctl systems retry "$u" >/dev/null
done
all_taken() { [ "$(grep -c ' configured .*configured already' log)" -ge $((before + N)) ]; }
wait_for 30 all_taken || fail "not every machine takes what the map has for it"
kill $fleet
no_secrets
stop

# Machines that take the network down when they are committed, or whose last answer is lost.
rm -rf pcs secrets* map.db* keys.csv key?*.csv log sim.out
make_map 4
write_conf '[profile default]' 'mebx_password = random'
start
machine 1 1 --after-commit closed --until-configured 15 || fail "machine 1 was not set up"
wait_log "configured .*address=$NET.1: configured"
[ "$(system_state 1)" = configured ] || fail "machine 1 is $(system_state 1)"
# A lost answer is asked for again.
machine 2 2 --after-commit psk --answer drop --answer-to CommitChanges --answer-times 1 &
two=$!
wait_log "configured .*address=$NET.2: configured"
pkill -P $two	# the machine, a child of the shell that runs the function
wait $two || true
machine 3 3 --answer drop --answer-to CommitChanges --after-commit closed --until-configured 15 ||
	true
wait_log "call-failed .*address=$NET.3: cannot connect .* -- its last set-up broke off: if it was just committed"
# Whoever takes it over gets all passwords that it may have.
machine 4 4 --after-commit psk --mebx take --answer hang --answer-to CommitChanges \
	--answer-times 1 --state pcs4 &
four=$!
wait_log "configured .*address=$NET.4: configured already" 20
pkill -P $four
wait $four || true
has=$(sed -n 's/^mebx-password: //p' pcs4/00000)
[ "$has" != Secret.Pa55 ] || fail "it took no MEBx password"
ctl systems export --secrets --format json -o secrets.json --force --quiet
jq -e --arg m "$has" --arg a "$NET.4" '.[] | select(.address == $a) |
	[.mebx_password, .other_mebx_password] | index($m)' secrets.json >/dev/null ||
	fail "the MEBx password that it has is not shown"
no_secrets
stop

# One that was committed, and hangs when its state is read back, is set up all the same: whether
# the time for it is over...
rm -rf pcs secrets* map.db* keys.csv key?*.csv log sim.out
make_map 2
write_conf
sed -i 's/^answer_seconds = 3/answer_seconds = 60\nsetup_seconds = 4/' conf
start
machine 1 1 --firmware 2.2 --commit answer --answer hang --answer-to GetHostName &
one=$!
wait_log "configured .*address=$NET.1: configured; its set-up was committed, but could not be read back"
[ "$(system_state 1)" = configured ] || fail "machine 1 is $(system_state 1)"
pkill -P $one
wait $one || true
# ...or the server ends.
sed -i 's/^setup_seconds = 4/setup_seconds = 60/' conf
kill -HUP "$DAEMON"
wait_log 'configuration read again'
"$BIN/amt-sim" fleet -n 1 --keys key2.csv --address "$NET.2" --server "$SERVER" --port "$PORT" \
	--firmware 2.2 --commit answer --answer hang --answer-to GetHostName --verbose >verbose 2>&1 &
two=$!
wait_for 30 grep -q GetHostName verbose || fail "its state is not read back: $(cat verbose)"
stop
[ "$(system_state 2)" = configured ] || fail "machine 2 is $(system_state 2)"
kill $two
wait $two || true
