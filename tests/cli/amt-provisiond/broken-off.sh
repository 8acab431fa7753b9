#!/bin/bash
# Set-ups that end before their time: by their limit, a stop of the server, an operator who forgets
# the machine, an answer that is lost in the middle of a change of keys, a list without passwords.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

# By address: with a new key, a machine has another PID.
at() { ctl systems list --json | jq -r --arg a "$NET.$1" ".systems[] | select(.address == \$a) | .$2"; }
is_at() { [ "$(at "$1" state)" = "$2" ]; }
waits() { wait_for 30 is_at "$1" "$2" || fail "machine $1 is $(at "$1" state), not $2"; }

make_map 4
write_conf '[profile default]' 'rekey = yes' 'admin_password = random'
sed -i "s/^connect_seconds.*/&\nsetup_seconds = 2/" conf
start

# Longer than setup_seconds: logged, with the option that sets the limit; proved, its key is its own.
machine 1 1 --delay 900 --hellos 1 --until-configured 60 &
sim=$!
wait_log "setup-failed .*address=$NET.1: the whole set-up took longer than 2 s; next try in 1 s -- setup_seconds sets the limit"
wait_for 30 is_key 1 used || fail "its key is $(key_state 1)"
stop
sed -i "/setup_seconds/d; s/^listen = .*/listen = $SERVER/" conf
start
wait $sim || fail "the machine was not set up within the new limit"
waits 1 configured

# Stopped in the middle: at once, and taken up again where the map says, without a further hello.
machine 2 2 --delay 700 --hellos 1 --until-configured 60 &
sim=$!
waits 2 in-setup
stop
is_at 2 in-setup || fail "the machine is $(at 2 state) after the stop"
start
wait $sim || fail "the machine was not set up after the stop"
waits 2 configured

# The answer to the change of keys is lost: which of the two it has is found out at once, and the
# change is not sent again unless it has the old one.
"$BIN/amt-sim" fleet -n 1 --keys key3.csv --address "$NET.3" --server "$SERVER" --port "$PORT" \
	--hello-window 1 --answer drop --answer-to SetTLSPSK --answer-times 1 --until-configured 60 \
	--verbose >verbose 2>&1 || fail "the machine was not set up though it has one of the two keys"
waits 3 configured
[ "$(grep -c 'SetTLSPSK' verbose)" = 1 ] || fail "the key was changed twice: $(cat verbose)"
grep -q "refused a TLS connection: the identity" verbose || fail "nothing was lost: $(cat verbose)"
! grep "address=$NET.3" log | grep -q setup-failed || fail "the set-up failed meanwhile"
! grep "address=$NET.3" log | grep -q security || fail "a lost answer counts as an attack"
[ "$(ctl systems list --json | jq .counts.configured)" = 3 ] || fail "$(ctl systems list)"

# Forgotten while it is set up: nothing is written for a machine that is gone.
machine 4 4 --delay 700 --hellos 1 &
sim=$!
waits 4 in-setup
uuid=$(at 4 uuid)
ctl systems forget "$uuid" --yes --quiet
not_called() { [ "$(ss -tn | grep -c "$NET.4:$PORT")" = 0 ]; }
wait_for 30 not_called || fail "the machine is still called"
pkill -P $sim	# the machine, a child of the shell that runs the function
wait $sim || true
! ctl systems show "$uuid" >/dev/null 2>&1 || fail "the forgotten machine is back"
alive

# A list of pairs alone: the machine cannot be logged in to, and the message says what is missing.
printf 'pid,pps\n%s\n' "$("$BIN/amt-keygen" generate -n 1 -q 2>/dev/null | tail -n 1 | cut -d, -f1,2)" >bare.csv
ctl keys import bare.csv --quiet
bare=$(sed -n 2p bare.csv | cut -d, -f1)
sim_hello --address "$NET.5" --pid "$bare" --uuid 11111111-2222-3333-4444-555555555555
wait_log "not-called .*address=$NET.5: the map has no password for this machine.* -- import its list again"
no_secrets
stop
