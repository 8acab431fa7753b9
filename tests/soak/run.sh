#!/bin/bash
# Ten minutes of good, bad, slow and hostile peers: every good machine is set up, and the daemon
# neither grows nor leaks descriptors after its first minute. BIN: the programs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BIN=$(cd "${BIN:-$here/../../build/bin}" && pwd)
DURATION=${SOAK_SECONDS:-600}
WAVE=8	# good machines at a time
[ "$DURATION" -ge 180 ] || { echo "soak: SOAK_SECONDS must be at least 180" >&2; exit 2; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/kit-soak-XXXXXX")
cd "$folder"
umask 077
daemon=''
finish() {
	[ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true
	jobs -p | xargs -r kill 2>/dev/null || true
	cd / && rm -rf "$folder"
}
trap finish EXIT
fail() { echo "soak: FAILED: $*"; tail -n 20 log | cut -c1-300; exit 1; }

back=$((20000 + RANDOM % 10000))
"$BIN/amt-keygen" generate -n 10 --map map.db --random-passwords -o seed.csv --quiet
cat >conf <<CONF
[server]
map = $folder/map.db
listen = 127.0.0.1:0
log_keep = 20000
[limits]
hello_seconds = 5
hellos_per_minute = 600
max_unproved = 1000
[setup]
callback_port = $back
connect_seconds = 4
answer_seconds = 4
retry_first_seconds = 2
retry_limit = 2
[names]
fqdn_required = no
[metrics]
metrics_listen = 127.0.0.1:0
CONF
"$BIN/amt-provisiond" -c conf 2>log &
daemon=$!
until grep -q 'waiting for hellos on' log; do
	kill -0 $daemon || fail "the daemon did not start"
	sleep 0.1
done
port=$(grep -o 'waiting for hellos on .*' log | grep -o '[0-9]*$')
metrics=$(grep -o 'metrics on .*' log | grep -o '[0-9]*$')

# One line a second: seconds, KiB resident, descriptors, set-ups running.
watch_daemon() {
	local start=$SECONDS
	while kill -0 $daemon 2>/dev/null; do
		echo "$((SECONDS - start)) $(awk '/^VmRSS/ { print $2 }' /proc/$daemon/status)" \
			"$(find /proc/$daemon/fd -mindepth 1 | wc -l)" >>samples
		sleep 1
	done
}
watch_daemon 2>/dev/null &

# keys FILE N: new keys, taken into the map while the server runs.
keys() {
	"$BIN/amt-keygen" generate -n "$2" --random-passwords -o "$1" --quiet 2>/dev/null
	"$BIN/amt-provisionctl" keys import --map map.db --quiet "$1" >/dev/null
}
sim() { "$BIN/amt-sim" "$@" --server "127.0.0.1:$port" --quiet >"${SIM_OUT:-/dev/null}" 2>&1; }

# Strangers, one after the other, without end.
strangers() {
	local i=0
	while :; do
		i=$((i + 1))
		sim hello --address "127.50.1.$((i % 200 + 1))" --pid 0000037M || true
		sim hello --address "127.50.2.$((i % 200 + 1))" --bytes $((RANDOM % 80)) || true
		sim hello --address "127.50.3.$((i % 200 + 1))" --interface-version 3 || true
		sim hello --address "127.50.4.1" --interface-version 1 || true
		head -c $((RANDOM % 3000 + 1)) /dev/urandom |
			timeout 2 bash -c "cat >/dev/tcp/127.0.0.1/$port" 2>/dev/null || true
		curl -s -o page --max-time 2 "http://127.0.0.1:$port/" || true
		curl -s -o counters --max-time 2 "http://127.0.0.1:$metrics/metrics" || true
		sim hello --address "127.50.5.$((i % 200 + 1))" --pid "$(sed -n 2p seed.csv | cut -c1-8)" || true
		[ $((i % 50)) != 0 ] || kill -HUP $daemon
		sleep 0.1
	done
}
# Peers that take their time.
slow() {
	while :; do
		sim hello --address 127.51.0.1 --silent --linger 8 || true &
		sim hello --address 127.51.0.2 --piece 1 --pause 700 || true &
		sleep 2
	done
}
# machine FILE I ADDRESS [OPTION...]: a machine of its own with the I-th key of FILE.
machine() {
	local file=$1 i=$2 address=$3
	shift 3
	{ sed -n 1p "$file"; sed -n "$((i + 1))p" "$file"; } >"$file.$i"
	sim fleet -n 1 --keys "$file.$i" --port "$back" --address "$address" "$@"
}
# Machines that misbehave, two at a time, again and again with new keys.
bad() {
	local i=0 habit
	while :; do
		for habit in "--answer hang" "--answer big" "--answer garbage" "--answer entities" \
			"--answer truncated" "--answer error" "--handshake hang" "--handshake close" \
			"--wrong-pps" "--wrong-uuid" "--refuse CommitChanges"; do
			i=$((i + 1))
			keys bad.csv 2
			# shellcheck disable=SC2086
			machine bad.csv 1 "127.52.$((i % 200)).1" --hellos 1 --until-configured 6 $habit &
			# shellcheck disable=SC2086
			machine bad.csv 2 "127.52.$((i % 200)).2" --hellos 1 --until-configured 6 $habit &
			wait
			rm -f bad.csv*
		done
	done
}
strangers &
slow &
bad &

good=0
wave=0
while [ $SECONDS -lt "$DURATION" ]; do
	wave=$((wave + 1))
	keys good.csv $WAVE
	machines=()
	for ((i = 1; i <= WAVE; i++)); do
		SIM_OUT=good.out.$i machine good.csv $i "127.60.$((wave % 200)).$i" --delay 50 \
			--until-configured 60 &
		machines+=($!)
	done
	for ((i = 0; i < WAVE; i++)); do
		wait "${machines[i]}" || fail "wave $wave: a good machine was not set up: $(tail -n 3 \
			"good.out.$((i + 1))")"
	done
	good=$((good + WAVE))
	rm -f good.csv.* good.csv
	kill -0 $daemon 2>/dev/null || fail "the daemon is gone"
	sleep 1
done

# The highest of the second minute against the highest of the last.
awk -v end="$DURATION" '
	$1 >= 60 && $1 < 120 { if ($2 > r1) r1 = $2; if ($3 > d1) d1 = $3 }
	$1 >= end - 60 { if ($2 > r2) r2 = $2; if ($3 > d2) d2 = $3 }
	END {
		printf "soak: resident %.1f MiB in the second minute, %.1f in the last\n", r1 / 1024, r2 / 1024
		printf "soak: descriptors %d in the second minute, %d in the last\n", d1, d2
		exit !(r2 <= r1 + 2048 && d2 <= d1 + 10)
	}' samples || fail "the daemon grew"
configured=$("$BIN/amt-provisionctl" systems list --map map.db --json |
	grep -o '"configured": *[0-9]*}*,' | grep -o '[0-9]*' | head -n 1)
[ "${configured:-0}" -ge $good ] || fail "$configured of $good good machines are in the map"
kill -TERM $daemon
wait $daemon || fail "the daemon ended with status $?"
daemon=''
mkdir kills
(cd kills && export BIN && KILLS=${SOAK_KILLS:-200} TOP=$here/../.. \
	bash "$here/../cli/amt-provisiond/kills.sh" >../kills.log 2>&1) ||
	{ tail -n 20 kills.log; echo "soak: FAILED: the kills left a machine wrong"; exit 1; }
echo "soak: ${SOAK_KILLS:-200} kills left no machine wrong"
echo "soak: $good good machines set up in $wave waves among hostile peers; passed"
