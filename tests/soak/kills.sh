#!/bin/bash
# The daemon is killed again and again while machines are set up, with hostile peers there all the
# time: every good machine is set up within a minute, and none is left wrong in the map. Half of
# them drop the connection with the commit. BIN: the programs.
set -eu
KILLS=${SOAK_KILLS:-200}
WAVE=8	# good machines at a time
# shellcheck source=tests/soak/soak.inc
. "$(dirname "$0")/soak.inc"
start
strangers &
slow &
bad &
forgers &

kills=0
good=0
wave=0
while [ $kills -lt "$KILLS" ]; do
	wave=$((wave + 1))
	keys good.csv $WAVE || continue
	machines=()
	for ((i = 1; i <= WAVE; i++)); do
		habit=()
		[ $((i % 2)) = 0 ] || habit=(--commit drop)
		# It stays on after its set-up, as a machine does.
		machine good.csv $i "127.60.$((wave % 200)).$i" --delay 50 --retry 1 --hellos 100 \
			"${habit[@]}" &
		machines+=($!)
	done
	begun=$SECONDS
	while waiting "$begun"; do
		# The last wave may end without kills in it.
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		if [ $kills -ge "$KILLS" ] || [ $((SECONDS - begun)) -ge 20 ]; then continue; fi
		kill -9 $daemon
		wait $daemon 2>/dev/null || true
		start
		kills=$((kills + 1))
	done
	kill "${machines[@]}" 2>/dev/null || true
	wait "${machines[@]}" 2>/dev/null || true
	good=$((good + WAVE))
	rm -f good.csv*
done

kill -TERM $daemon
wait $daemon || fail "the daemon ended with status $?"
daemon=''
echo "soak: $kills kills, $good good machines set up, 0 left wrong; passed"
