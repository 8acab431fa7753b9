#!/bin/bash
# Who may come by certificate: whoever nobody named is listed and not called, until the inventory has
# it, a person allows it, or the policy lets it in.
set -eu
# shellcheck source=tests/support/daemon.inc disable=SC1091
. "$TOP/tests/support/daemon.inc"

make_map 1
mkdir certificates
write_conf '[certificates]' "folder = $PWD/certificates"
start
U=11111111-2222-3333-4444-00000000000
say() { sim_hello --address "$NET.$1" --interface-version 3 --hashes 24 --uuid "$U$1"; }
field() { ctl systems show "$U$1" --json | jq -r ".$2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }

for i in 1 2 3; do
	say $i
	wait_log "warning not-known uuid=$U$i address=$NET.$i: .* -- .*allow-setup $U$i"
done
[ "$(ctl systems list --json | jq -c '[.systems[] | [.state, .reason_code, .credential, .proved_by, .next_try]] |
	unique')" = '[["refused","not-known","pki",null,null]]' ] || fail "$(ctl systems list --json)"

# To try again is not to allow.
status 2 ctl systems retry "${U}1"
grep -q "allow-setup ${U}1" err || fail "nothing says what to do: $(cat err)"
status 0 ctl systems retry --state refused
grep -q 'no system queued' err || fail "not said: $(cat err)"
is 1 state refused || fail "it is tried again"

# A list of UUIDs alone, or a person, names a machine; the server has no certificate for it yet.
printf 'uuid\n%s\n' "${U}1" >machines.csv
status 0 ctl inventory import machines.csv
wait_for 30 is 1 state needs-certificate || fail "the inventory has no effect"
status 0 ctl systems allow-setup "${U}2"

wait_for 30 is 2 state needs-certificate || fail "a person's word has no effect"
is 3 state refused || fail "the third was accepted, too"

# The policy by networks, and that for everybody, of which doctor warns.
status 2 ctl config set subnets 127.0.0.1/8
status 0 ctl config set subnets 127.0.0.0/8
status 0 ctl config set accept subnet
kill -HUP $DAEMON
tried() { say 3 && is 3 state needs-certificate; }
wait_for 30 tried || fail "the network has no effect"
status 0 ctl config set accept any
"$BIN/amt-provisionctl" doctor -c conf --no-network >out 2>&1 || true
grep -q 'accept is any' out || { cat out; fail "doctor does not warn"; }
! grep -q 'call-failed' log || fail "somebody was called without a certificate"
alive
echo ok
