#!/bin/bash
# Hellos that name the UUID of a machine that is set up: forged ones, and another machine with it.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

UUID=00000000-1111-2222-3333-000000000001
row() { ctl systems list --json | jq -c '.systems[] | [.state, .address, .pid]'; }
dashed() { local p; p=$(pid_of "$1"); echo "${p:0:4}-${p:4}"; }

make_map 3
write_conf '[profile default]' 'admin_password = random'
start
machine 1 1 --uuid $UUID --until-configured 15 || fail "the machine was not set up"
wait_log "configured .*address=$NET.1: "
before=$(row)
[ "$before" = "[\"configured\",\"$NET.1\",\"$(dashed 1)\"]" ] || fail "$before"

# Somebody who has no PPS says hello with its UUID and a PID that is free.
sim_hello --address "$NET.9" --pid "$(pid_of 2)" --uuid $UUID
wait_log "call-failed pid=$(dashed 2) .*address=$NET.9: cannot connect .*counts as configured as before"
[ "$(row)" = "$before" ] || fail "a forged hello changed $before to $(row)"
# Somebody who has its stick, and so the key that it has used, is not called at all.
machine 1 8 --uuid $UUID --until-configured 2 && fail "the finder of a used stick was served"
wait_log "security needs-permission pid=$(dashed 1) uuid=$UUID address=$NET.8: .* allow-setup $UUID"
! grep -q "address=$NET.8: .*cannot connect\|configured .*address=$NET.8" log ||
	fail "the finder of a used stick was called"
before=$(row)
[ "$before" = "[\"needs-permission\",\"$NET.1\",\"$(dashed 1)\"]" ] || fail "$before"
[ "$(ctl systems show $UUID --json | jq -r .reason_code)" = used-key ] || fail "$(ctl systems show $UUID)"
ctl doctor 2>&1 | grep -q "1 machine waiting for permission" || fail "doctor does not say who waits"
# It is still on the list of those that are set up, with its password.
ctl systems export --secrets -o kept.csv --quiet
grep -q "^$UUID,.*,$NET.1," kept.csv || fail "$(cut -d, -f1-6 kept.csv)"
# Somebody who has a PPS, but does not know that the machine is asked for its UUID, too.
machine 3 3 --uuid $UUID --wrong-uuid --until-configured 3 && fail "an impostor was set up"
wait_log "security uuid-mismatch .*address=$NET.3: "
[ "$(row)" = "$before" ] || fail "an impostor changed $before to $(row)"

# Another machine with the same UUID is set up; the password of the first is kept.
machine 2 2 --uuid $UUID --until-configured 15 || fail "the second machine was not set up"
wait_log "security uuid-has-other-key pid=$(dashed 2) uuid=$UUID address=$NET.2: .*two machines with one UUID.* -- "
[ "$(row)" = "[\"configured\",\"$NET.2\",\"$(dashed 2)\"]" ] || fail "$(row)"
ctl systems export --secrets --earlier -o fleet.csv --quiet
[ "$(grep -c "^$UUID,.*,$NET.[12],.*,configured,\|^$UUID,.*,$NET.1,.*,earlier," fleet.csv)" = 2 ] ||
	fail "$(cut -d, -f1-6 fleet.csv)"
[ "$(tail -n +2 fleet.csv | cut -d, -f7 | sort -u | grep -c .)" = 2 ] || fail "not two passwords"

# Its AMT is reset: it is set up again once a person has said so, and once only.
machine 2 2 --uuid $UUID --until-configured 20 &
sim=$!
wait_log "security needs-permission pid=$(dashed 2) uuid=$UUID address=$NET.2: "
status 1 ctl systems allow-setup 11111111-1111-1111-1111-111111111111
ctl systems allow-setup $UUID --quiet
wait $sim || fail "a machine that was allowed to was not set up again"
[ "$(row)" = "[\"configured\",\"$NET.2\",\"$(dashed 2)\"]" ] || fail "$(row)"
ctl log -e setup-allowed | grep -q "security setup-allowed uuid=$UUID" ||
	fail "the log does not say who allowed it"
sim_hello --address "$NET.2" --pid "$(pid_of 2)" --uuid $UUID
needs() { [ "$(row | jq -r '.[0]')" = needs-permission ]; }
wait_for 10 needs || fail "a permission was good twice: $(row)"
stop
! grep -q 'Secret.Pa55' log sim.out || fail "a password was logged"
