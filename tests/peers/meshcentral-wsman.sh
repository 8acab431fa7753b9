#!/bin/bash
# MeshCentral's AMT stack, a WS-Management client of other people, against simulated machines
# that our server set up.
set -eu
# shellcheck source=tests/support/daemon.inc
. "$(dirname "$0")/../support/daemon.inc"
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/peers/meshcentral.inc
. "$here/meshcentral.inc"
meshcentral amt/amt-wsman.js
[ -n "$folder" ] || { echo "skipped: $missing"; exit 77; }

make_map 2
write_conf '[profile default]' 'admin_password = keep'
start
i=0
for firmware in 3.2.3 9.1.40; do
	i=$((i + 1))
	"$BIN/amt-sim" fleet -n 1 --keys key$i.csv --state pc$i --firmware $firmware \
		--uuid 939b524b-13d4-1d18-e487-1c697a6b7a2$i --address "$NET.$i" --port "$PORT" \
		--server "$SERVER" --until-configured 10 -q || fail "AMT $firmware was not set up"
	"$BIN/amt-sim" run --state pc$i/00000 --address "$NET.$i" --port "$PORT" \
		--plain-port $((PORT + 1)) 2>sim.log >/dev/null &
	sim=$!
	trap 'kill -9 $DAEMON $sim 2>/dev/null || true' EXIT
	wait_for 30 listens "$NET.$i:$((PORT + 1))" || fail "the machine does not listen"
	AMT_PASSWORD=$(cat password) node "$here/meshcentral-wsman.js" "$folder" "$NET.$i" \
		$((PORT + 1)) >out || { cat out sim.log; fail "MeshCentral, AMT $firmware"; }
	[ "$(jq -r '.versions[] | select(.InstanceID == "AMT").VersionString' out)" = $firmware ] ||
		{ cat out; fail "version"; }
	[ "$(jq -r .state out)" = 2 ] || { cat out; fail "set-up state"; }
	guid=4B529B93D413181DE4871C697A6B7A2$i
	[ "$(jq -r '.guid + " " + .uuid' out)" = "$guid $guid" ] || { cat out; fail "UUID"; }
	[ "$(jq -r '.host + "." + .domain' out)" = mesh1.corp.example ] || { cat out; fail "names"; }
	kill $sim
	wait $sim || fail "amt-sim ended with status $?"
	# What MeshCentral set is in the machine for good.
	"$BIN/amt-sim" show pc$i/00000 --json >out
	[ "$(jq -r .host_name out)" = mesh1 ] || { cat out; fail "the host name was not kept"; }
	[ "$(jq -r .state out)" = post ] || { cat out; fail "the state was not kept"; }
done
stop
