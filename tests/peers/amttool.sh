#!/bin/bash
# Debian's amttool (package amtterm), a SOAP client of other people, against simulated machines
# of AMT 2.2 and 3.2 that our server set up.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../support/daemon.inc"
command -v amttool >/dev/null ||
	{ echo "skipped: amttool is not installed (apt-get install amtterm)"; exit 77; }
perl -MSOAP::Lite -e 1 2>/dev/null ||
	{ echo "skipped: amttool needs SOAP::Lite (apt-get install libsoap-lite-perl)"; exit 77; }

make_map 2
write_conf '[profile default]' 'admin_password = keep'
start
tool() { AMT_PASSWORD=$(cat password) amttool "$NET.$1:$((PORT + 1))" "${@:2}" >out 2>&1 </dev/null; }
i=0
for firmware in 2.2.1 3.2.3; do
	i=$((i + 1))
	"$BIN/amt-sim" fleet -n 1 --keys key$i.csv --state pc$i --firmware $firmware \
		--address "$NET.$i" --port "$PORT" --server "$SERVER" --until-configured 10 -q ||
		fail "AMT $firmware was not set up"
	"$BIN/amt-sim" run --state pc$i/00000 --address "$NET.$i" --port "$PORT" \
		--plain-port $((PORT + 1)) 2>sim.log >/dev/null &
	sim=$!
	trap 'kill -9 $DAEMON $sim 2>/dev/null || true' EXIT
	wait_for 30 listens "$NET.$i:$((PORT + 1))" || fail "the machine does not listen"
	tool $i info || { cat out; fail "amttool info, AMT $firmware"; }
	grep -q "^AMT version:  $firmware\$" out || { cat out; fail "version of AMT $firmware"; }
	grep -q '^Powerstate:   S0$' out || { cat out; fail "power state"; }
	grep -q 'IanaOemNumber *157$' out || { cat out; fail "capabilities"; }
	echo y | AMT_PASSWORD=$(cat password) amttool "$NET.$i:$((PORT + 1))" powerdown >out 2>&1 ||
		{ cat out; fail "amttool powerdown"; }
	grep -q 'pt_status: success' out || { cat out; fail "powerdown was refused"; }
	tool $i info
	grep -q '^Powerstate:   S5' out || { cat out; fail "the machine is not off"; }
	if AMT_PASSWORD=Wr0ng.Pa55 amttool "$NET.$i:$((PORT + 1))" info >out 2>&1; then
		fail "amttool was let in with a wrong password"
	fi
	grep -q '401' out || { cat out; fail "no 401"; }
	kill $sim
	wait $sim || fail "amt-sim ended with status $?"
done
stop
