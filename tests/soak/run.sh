#!/bin/bash
# Ten minutes of good, bad, slow and hostile peers: every good machine is set up, and the daemon
# neither grows nor leaks descriptors after its first minute. BIN: the programs.
set -eu
DURATION=${SOAK_SECONDS:-600}
WAVE=8	# good machines at a time
[ "$DURATION" -ge 180 ] || { echo "soak: SOAK_SECONDS must be at least 180" >&2; exit 2; }
# shellcheck source=tests/soak/soak.inc
. "$(dirname "$0")/soak.inc"
start

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
		# It stays on after its set-up, as a machine does.
		machine good.csv $i "127.60.$((wave % 200)).$i" --delay 50 &
		machines+=($!)
	done
	begun=$SECONDS
	while waiting "$begun"; do sleep 0.5; done
	kill "${machines[@]}" 2>/dev/null || true
	wait "${machines[@]}" 2>/dev/null || true
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
