#!/bin/bash
# Benchmark: a building that says hello, and a thousand machines that are slow to answer.
# BIN: the programs; BENCH: the reference programs; the present folder is scratch.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/support.sh"
. "$here/../peers/meshcentral.inc"
PAIRS=${PAIRS:-1000000}
HELLOS=${HELLOS:-50000}
DEVICES=${DEVICES:-1000}
ROWS=${ROWS:-500000}
ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
umask 077
daemon='' bare=''
trap 'kill -9 $daemon $bare 2>/dev/null || true' EXIT

# start [LINE...]: the daemon on map.db, with further lines of configuration; PORT, METRICS.
start() {
	{
		printf '%s\n' '[server]' "map = $PWD/map.db" 'listen = 127.0.0.1:0' '[limits]' \
			'hellos_per_minute = 100000000' 'connections_per_address = 100000' \
			'max_connections = 10000' 'max_unproved = 1000000' '[names]' 'fqdn_required = no' '[metrics]' \
			'metrics_listen = 127.0.0.1:0' '[setup]' "callback_port = $BACK" \
			"management_port = $((BACK - 1))"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >conf
	: >log	# here, not by the daemon's shell: what an earlier one said is no sign of life
	"$BIN/amt-provisiond" -c conf 2>>log >&2 &
	daemon=$!
	until grep -q 'waiting for hellos on' log; do
		kill -0 $daemon || { cat log >&2; exit 1; }
		sleep 0.1
	done
	PORT=$(grep -o 'waiting for hellos on .*' log | grep -o '[0-9]*$')
	METRICS=$(grep -o 'metrics on .*' log | grep -o '[0-9]*$')
}
stop() { kill $daemon; wait $daemon || true; daemon=''; }
metrics() { curl -s "http://127.0.0.1:$METRICS/metrics"; }
committed() { metrics | sed -n 's/^amt_hello_commit_seconds_count //p'; }
rss_mib() { awk '/^VmRSS/ { printf "%.1f\n", $2 / 1024 }' "/proc/$daemon/status"; }
BACK=$((20000 + RANDOM % 10000))

# load N C RATE [FIRST]: the load, machines numbered from FIRST, timed until all of it is committed: "per-second p50 p99".
load() {
	local before start
	before=$(committed)
	start=$EPOCHREALTIME
	"$BENCH/hello_load" "$PORT" "$1" "$2" "$3" "${KIND:-keys.csv}" "${4:-0}" >load.out
	until [ "$(committed)" -ge $((before + $1)) ]; do sleep 0.01; done
	echo "$EPOCHREALTIME $start $1 $(cut -d' ' -f2,3 load.out)" |
		awk '{ printf "%.0f %s %s\n", $3 / ($1 - $2), $4, $5 }'
}
median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }

"$BIN/amt-keygen" generate -n "$PAIRS" --map map.db --random-passwords -o keys.csv --quiet
port=$((30000 + RANDOM % 2000))
"$BENCH/hello_bare" $port >/dev/null &
bare=$!
sleep 0.3
start 'max_setups = 0'
load 2000 50 0 >/dev/null		# both warm
"$BENCH/hello_load" $port 2000 50 0 >/dev/null
: >bare.rates
: >our.rates
for ((i = 0; i < 3; i++)); do
	"$BENCH/hello_load" $port "$HELLOS" 200 0 | cut -d' ' -f1 >>bare.rates
	load "$HELLOS" 200 0 | cut -d' ' -f1 >>our.rates
done
ours=$(median <our.rates)
row "hellos looked up in $PAIRS pairs and durably logged" "$ours" 1/s \
	"accept-read-close loop, 1/s" "$(median <bare.rates)" '>=' 0.70
# New machines, each with a key of its own, when there are many already: each makes a row.
next=$HELLOS
until [ "$next" -ge "$ROWS" ]; do
	load "$HELLOS" 200 0 "$next" >/dev/null
	next=$((next + HELLOS))
done
: >bare.rates
: >our.rates
for ((i = 0; i < 3; i++)); do
	"$BENCH/hello_load" $port "$HELLOS" 200 0 | cut -d' ' -f1 >>bare.rates
	load "$HELLOS" 200 0 "$next" | cut -d' ' -f1 >>our.rates
	next=$((next + HELLOS))
done
row "hellos of new machines, with $ROWS machines in the map" "$(median <our.rates)" 1/s \
	"accept-read-close loop, 1/s" "$(median <bare.rates)" '>=' 0.80
# Hellos of version 3, 841 bytes each, of machines that may come by certificate.
version_3() { # NAME FIRST STEP
	local i next_one=$2
	: >bare.rates
	: >our.rates
	for ((i = 0; i < 3; i++)); do
		"$BENCH/hello_load" $port "$HELLOS" 200 0 v3 | cut -d' ' -f1 >>bare.rates
		KIND=v3 load "$HELLOS" 200 0 "$next_one" | cut -d' ' -f1 >>our.rates
		next_one=$((next_one + $3))
	done
	row "$1" "$(median <our.rates)" 1/s "accept-read-close loop, 1/s" "$(median <bare.rates)" '>=' 0.70
}
stop
start 'max_setups = 0' '[pki]' 'accept = any'
version_3 "hellos of version 3 of new machines, listed with their hashes" "$next" "$HELLOS"
version_3 "hellos of version 3 of the same machines, looked up" "$next" 0
stop
start 'max_setups = 0'
kill $bare
bare=''

# Half that rate: connect to close, as the load sees it, plus connection to commit, as the daemon
# counts it; the two overlap, so that the sum is more than connect to commit can be.
for ((i = 0; i < 3; i++)); do
	metrics >before
	load "$HELLOS" 1000 $((ours / 2)) >load.line
	metrics >after
	awk -F'[" ]' -v p99="$(cut -d' ' -f3 load.line)" '/^amt_hello_commit_seconds_bucket/ {
		v = $NF; if (FNR == NR) was[$2] = v; else n[$2] = v - was[$2]
		if (FNR != NR && $2 != "+Inf") order[++k] = $2 }
		END { all = n["+Inf"]
		for (i = 1; i <= k; i++) if (n[order[i]] >= all * 0.99) {
			print p99 + order[i] * 1000; exit }
		print 999999 }' before after
done >both.ms
row_absolute "99th percentile from connect to commit at half that rate" "$(median <both.ms)" ms \
	'<=' 100

# 5,000 peers that connect and say nothing.
python3 - "$PORT" <<'PY' &
import socket, sys, time
held = []
for i in range(5000):
    s = socket.socket()
    s.bind(("127.32.%d.%d" % (i // 250, i % 250 + 1), 0))
    s.connect(("127.0.0.1", int(sys.argv[1])))
    held.append(s)
time.sleep(4)
PY
silent=$!
for ((i = 0; i < 100; i++)); do
	[ "$(metrics | sed -n 's/^amt_connections_open //p')" -lt 5000 ] || break
	sleep 0.1
done
[ "$i" -lt 100 ] || { echo "5000 connections were not held" >&2; exit 1; }
row_absolute "memory with 5000 connections open" "$(rss_mib)" MiB '<=' 150
kill $silent
wait $silent 2>/dev/null || true
stop
rm -f map.db* keys.csv

# fleet N [LINE...]: N new machines that take 200 ms for every answer; $TOOK: seconds until all are
# set up. What they come by: an option of amt-sim and its value, or more of them.
by=(--keys keys.csv)
fleet() {
	local n=$1
	shift
	rm -f map.db* keys.csv
	"$BIN/amt-keygen" generate -n "$n" --map map.db --random-passwords -o keys.csv --quiet
	start "$@"
	"$BIN/amt-sim" fleet --habits modern -n "$n" "${by[@]}" --server "127.0.0.1:$PORT" --port "$BACK" \
		--delay 200 --hello-window "$((n > 1 ? 1000 : 1))" --hellos 1 \
		--until-configured 300 --json >fleet.out 2>&1 || { cat fleet.out >&2; exit 1; }
	stop
	TOOK=$(grep -o '"seconds": *[0-9.]*' fleet.out | grep -o '[0-9.]*$')
}
fleet 1
one=$TOOK
fleet "$DEVICES" "max_setups = $DEVICES"
many=$TOOK
row "set up $DEVICES machines at once, 200 ms an answer" "$many" s "one machine alone, s" "$one" \
	'<=' 3
fleet "$DEVICES"
row "the same with max_setups = 500" "$TOOK" s "one machine alone, s" "$one" '<=' 3
fleet $((DEVICES / 10)) 'max_setups = 10'
row "set up $DEVICES machines at once, 200 ms an answer" "$many" s \
	"ten at a time, as SCS did, s" "$(echo "$TOOK" | awk '{ print $1 * 10 }')" '<=' 0.2

# The same by certificate, with a leaf of RSA-2048. To sign is what its TLS costs: both sides sign in
# the call, the machine once more when its state is read back; what is signed is checked.
"$BIN/amt-provisionctl" certificates new-ca --suffix example.com --folder certificates -c conf \
	--quiet >ca.out
openssl genrsa -out own.key 2048 2>/dev/null
by=(--pki --firmware 12.0.35 --trust root.pem --dhcp-suffix example.com --own-certificate rsa
	--own-key own.key)
pki=('[certificates]' "folder = $PWD/certificates" '[pki]' 'accept = any')
# Machines that are not proved have a quarter of all set-ups.
fleet 1 "${pki[@]}"
one=$TOOK
fleet "$DEVICES" "max_setups = $((4 * DEVICES))" "${pki[@]}"
openssl speed -mr -seconds 3 -multi "$(nproc)" rsa2048 >speed.out 2>/dev/null
rsa=$(awk -F: -v n="$DEVICES" '/^\+F2:/ { printf "%.3f\n", n * (3 / $4 + 5 / $5) }' speed.out)
name="set up $DEVICES machines by certificate at once, 200 ms an answer"
if [ "$(echo "$one $rsa" | awk '{ print (4 * $1 >= 1.3 * $2) }')" = 1 ]; then
	row "$name" "$TOOK" s "one machine alone, s" "$one" '<=' 4
else
	row "$name" "$TOOK" s "their RSA by openssl speed rsa2048, s" "$rsa" '<=' 1.3
fi

# The one hello server that others maintain takes version 3 only, and keeps nothing of it.
name="hellos of version 3 listed and durably logged"
meshcentral amtprovisioningserver.js
if [ -n "$folder" ]; then
	port=$((32000 + RANDOM % 500))
	node "$here/meshcentral_hello.js" "$folder" $port >/dev/null 2>&1 &
	bare=$!
	for ((i = 0; i < 100; i++)); do
		"$BENCH/hello_load" $port 1 1 0 v3 >/dev/null 2>&1 && break
		sleep 0.1
	done
	theirs=$("$BENCH/hello_load" $port 20000 200 0 v3 | cut -d' ' -f1)
	kill $bare
	bare=''
	rm -f map.db*
	start 'max_setups = 0'
	before=$(committed)
	started=$EPOCHREALTIME
	"$BENCH/hello_load" "$PORT" 20000 200 0 v3 >/dev/null
	until [ "$(committed)" -ge $((before + 20000)) ]; do sleep 0.01; done
	ours=$(echo "$EPOCHREALTIME $started" | awk '{ printf "%.0f\n", 20000 / ($1 - $2) }')
	stop
	row "$name" "$ours" 1/s "MeshCentral's hello server, 1/s" "$theirs" '>=' 0.70
else
	row_skipped "$name" "$missing"
fi
