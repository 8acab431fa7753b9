#!/bin/bash
# AMT 2.x: it says neither its UUID nor whether it is set up; both are said, and the UUID may be
# insisted on.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

UUID=00000000-1111-2222-3333-000000000001
make_map 3
write_conf '[profile default]' 'rekey = yes' 'mebx_password = random'
start
machine 1 1 --uuid $UUID --firmware 2.2.1 --commit answer --state pcs1 --until-configured 15 ||
	fail "it was not set up"
wait_log "configured .*address=$NET.1: configured, with a new key\$"
grep -q "key-used .*AMT 2.2.1, SOAP, profile default; its UUID cannot be read" log ||
	fail "it is not said that the UUID was not compared"

# Once more: it is set up and takes no new key, and that makes it no failure.
"$BIN/amt-sim" run --habits modern --state pcs1/00000 --address "$NET.1" --port "$PORT" >sim.out 2>&1 &
sim=$!
trap 'kill -9 $DAEMON $sim 2>/dev/null || true' EXIT
wait_for 30 listens "$NET.1:$PORT" || fail "the machine does not listen"
ctl systems retry $UUID --quiet
wait_log "warning configured .*address=$NET.1: configured; .*refused a new key, and keeps the one that it has"
[ "$(ctl systems list --json | jq -r .counts.configured)" = 1 ] || fail "it counts as failed"
kill $sim
wait $sim || fail "amt-sim ended with status $?"

# Whoever insists on the UUID serves the newer ones only.
ctl config set unknown_uuid refuse --quiet
kill -HUP "$DAEMON"
wait_log 'configuration read again'
machine 2 2 --firmware 2.2.1 --until-configured 3 && fail "it was set up without its UUID"
wait_log "refused .*address=$NET.2: its UUID cannot be read (AMT 2.x has no call for it).* -- update its AMT"
machine 3 3 --firmware 3.2.3 --commit answer --until-configured 15 || fail "AMT 3.2 was not set up"
no_secrets
stop
