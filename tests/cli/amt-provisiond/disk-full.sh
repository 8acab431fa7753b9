#!/bin/bash
# The disk is full for a while in the middle of a set-up: nothing is lost, and it goes on by itself.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

command -v prlimit >/dev/null || { echo "no prlimit here"; exit 77; }

make_map 20
write_conf '[profile default]' 'admin_password = random'
start
# The write-ahead log has to be longer than the limit to come, which the daemon's own log is not.
machine 2 2 --until-configured 15 || fail "a machine was not set up"
machine 3 3 --until-configured 15 || fail "a machine was not set up"
[ "$(stat -c %s map.db-wal)" -gt 65536 ] || fail "the write-ahead log is short"

machine 1 1 --delay 700 --hellos 1 --until-configured 60 &
sim=$!
wait_log "hello pid=.*address=$NET.1: hello number 1 accepted"
wait_for 30 is_state 1 in-setup || fail "the machine is $(system_state 1)"
prlimit --pid "$DAEMON" --fsize=65536:unlimited
wait_log "error map-failed: the result of a set-up cannot be stored"
alive
[ "$(system_state 1)" = in-setup ] || fail "the machine is $(system_state 1)"
[ "$(key_state 1)" != used ] || fail "a key counts as used, though that was not kept"
prlimit --pid "$DAEMON" --fsize=unlimited:unlimited
wait $sim || fail "the machine was not set up once there was room again"
wait_log "configured .*address=$NET.1: "
[ "$(system_state 1)" = configured ] || fail "the machine is $(system_state 1)"
[ "$(ctl keys list --json | jq .counts.used)" = 3 ] || fail "keys: $(ctl keys list --count)"
[ "$(key_state 1)" = used ] || fail "the key is $(key_state 1)"
no_secrets
stop
