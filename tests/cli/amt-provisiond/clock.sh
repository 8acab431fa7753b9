#!/bin/bash
# A clock that was ahead when a retry was planned, and is set right: the machine does not wait for it.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

make_map 1
write_conf '[keys]' 'reserve_seconds = 60'
start
# Nobody answers at that address yet.
sim_hello --address "$NET.1" --pid "$(pid_of 1)" --uuid 00000000-1111-2222-3333-000000000001
wait_log "call-failed .*address=$NET.1"
# Ten hours ahead, and it says no hello any more.
far() {
	sqlite3 -cmd '.timeout 5000' map.db "UPDATE csti_amts SET next_try = $(($(date +%s) + 36000))
		WHERE next_try BETWEEN 1 AND $(($(date +%s) + 3600)); SELECT changes();"
}
moved() { [ "$(far)" = 1 ]; }
calls=$(grep -c call-failed log)
wait_for 30 moved || fail "no retry is planned"
called() { [ "$(grep -c call-failed log)" -gt "$((calls + 1))" ]; }
wait_for 20 called || fail "the machine waits for hours: $(ctl systems list)"
grep -q 'the clock was set back' log || fail "the clock is not named"
stop
