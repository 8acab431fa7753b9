#!/bin/bash
# Sixteen addresses say hello each second with the PID of a machine: closed doors, tarpits and wrong
# PPSs in its name, tarpits that make up a UUID for each hello. It is set up all the same, and soon.
# tests/soak/attack.sh does this again and again.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$TOP/tests/support/daemon.inc"

UUID=00000000-1111-2222-3333-000000000001
make_map 1
write_conf '[keys]' 'reserve_seconds = 60'
sed -i 's/^connect_seconds.*/connect_seconds = 15/; s/^retry_first.*/retry_first_seconds = 60/' conf
sed -i 's/^retry_max_seconds.*/retry_max_seconds = 3600/' conf
start
closed() { # ADDRESS [UUID]
	while :; do
		sim_hello --address "$1" --pid "$(pid_of 1)" ${2:+--uuid "$2"} || true
		sleep 1
	done
}
forgers=()
trap 'kill -9 $DAEMON "${forgers[@]}" 2>/dev/null || true' EXIT
for ((i = 1; i <= 16; i++)); do
	case $((i % 4)) in
	0) closed "$NET.$i" $UUID & ;;
	1)
		machine 1 $i --retry 1 --hellos 100 --handshake hang & forgers+=($!)
		closed "$NET.$i" &
		;;
	2) machine 1 $i --uuid $UUID --retry 1 --hellos 100 --handshake hang & ;;
	3) machine 1 $i --uuid $UUID --retry 1 --hellos 100 --wrong-pps & ;;
	esac
	forgers+=($!)
done
# Those that were tried are in the log, each with its address.
wait_log "security proof-failed .*uuid=$UUID address=$NET.[0-9]*: .*could not prove the PPS"
begun=$SECONDS
machine 1 100 --uuid $UUID --hellos 100 --until-configured 40 || fail "the machine was not set up"
[ $((SECONDS - begun)) -le 30 ] || fail "it took $((SECONDS - begun)) s"
wait_log "configured .*uuid=$UUID address=$NET.100: configured"
ctl systems show $UUID --json >row.json
[ "$(jq -r .address row.json)" = "$NET.100" ] || fail "$(cat row.json)"
[ "$(sqlite3 map.db 'SELECT count(*) FROM claim')" = 0 ] || fail "claims are left"
kill "${forgers[@]}"
wait "${forgers[@]}" 2>/dev/null || true
no_secrets
stop
