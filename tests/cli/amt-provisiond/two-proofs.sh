#!/bin/bash
# Two machines hold one key (two sticks from one setup.bin), and are called at the same time: the
# first that proves it is set up, and the other one is not even sent a login.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 1
write_conf '[profile default]' 'admin_password = random'
start
# Each answers late, so that both have shown the PPS before either has answered.
sims=()
for i in 1 2; do
	machine 1 $i --uuid "00000000-1111-2222-3333-00000000000$i" --delay 900 --hellos 1 \
		--state "pcs$i" &
	sims+=($!)
done
trap 'kill -9 $DAEMON "${sims[@]}" 2>/dev/null || true' EXIT
wait_log "security two-proofs .*two machines proved PID"
wait_log "configured .*: configured"
loser=$(sed -n "s/.*two-proofs .*address=\($NET.[12]\): .*/\1/p" log)
winner=$(sed -n "s/.*info configured .*address=\($NET.[12]\): .*/\1/p" log)
[ "$loser" != "$winner" ] || fail "one address, $loser, is both first and second"
ctl systems list --json >systems.json
[ "$(jq -r --arg a "$loser" '.systems[] | select(.address == $a) | .state' systems.json)" = refused ] ||
	fail "$(cat systems.json)"
[ "$(jq -r --arg a "$winner" '.systems[] | select(.address == $a) | .state' systems.json)" = configured ] ||
	fail "$(cat systems.json)"
kill "${sims[@]}"
wait "${sims[@]}" || true
grep -q '^admin-digest: $' "pcs${loser##*.}/00000" || fail "the loser was changed"
no_secrets
stop
