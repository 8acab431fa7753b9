#!/bin/bash
# Forgers against one good machine, and a crowd that was never proved. BIN: the programs.
#
# First, again and again: one hello a second from each of 16 addresses, with the PID of a good
# machine: closed doors, tarpits and wrong PPSs in its name, and tarpits that make up a UUID for each
# hello. It is set up within LIMIT seconds each time. Every other round all 16 are such tarpits.
# Then: CROWD machines with keys of the map, all of them tarpits; a good machine is set up at most 5 s
# later than without them: while they are called for the first time, and while they are called again.
set -eu
ROUNDS=${SOAK_ROUNDS:-20}
CROWD=${SOAK_CROWD:-3000}
LIMIT=60
# shellcheck source=tests/soak/soak.inc
. "$(dirname "$0")/soak.inc"
# The crowd needs a descriptor each, here and in the daemon, whose set-ups are as many as by default.
ulimit -n "$(ulimit -Hn)"
sed -i 's/^retry_limit.*/retry_limit = 20/; s/^retry_first_seconds.*/retry_first_seconds = 60/' conf
sed -i 's/^connect_seconds.*/connect_seconds = 15/; s/^max_unproved.*/max_unproved = 10000/' conf
start

tenths() { echo $(($(date +%s%N) / 100000000)); }
shown() { echo "$(($1 / 10)).$(($1 % 10)) s"; }

# set_up ADDRESS: a good machine with the key of good.csv; the tenths of a second that it took in TOOK.
set_up() {
	local begun
	begun=$(tenths)
	machine good.csv 1 "$1" --uuid "$UUID" --hellos 100 --until-configured $LIMIT &
	wait $! || fail "the good machine at $1 was not set up within $LIMIT s: $(
		"$BIN/amt-provisionctl" systems list --map map.db --json | jq -c --arg u "$UUID" \
		'.systems[] | select(.uuid == $u) | [.address, .state, .reason]')"
	TOOK=$(($(tenths) - begun))
}

# closed ADDRESS PID [UUID]: a hello a second; nothing listens there.
closed() {
	while :; do
		sim hello --address "$1" --pid "$2" ${3:+--uuid "$3"} || true
		sleep 1
	done
}

worst=0
for ((round = 1; round <= ROUNDS; round++)); do
	keys good.csv 1
	pid=$(sed -n 2p good.csv | cut -d, -f1 | tr -d -)
	UUID=$(printf '00000000-2222-3333-4444-%012d' $round)
	forgers=()
	for ((i = 1; i <= 16; i++)); do
		from=127.54.$((round % 200)).$i
		kind=$((i % 4))
		[ $((round % 2)) = 1 ] || kind=1
		case $kind in
		0) closed "$from" "$pid" "$UUID" & ;;
		1)
			machine good.csv 1 "$from" --retry 1 --hellos 1000 --handshake hang &
			forgers+=($!)
			closed "$from" "$pid" &
			;;
		2) machine good.csv 1 "$from" --uuid "$UUID" --retry 1 --hellos 1000 --handshake hang & ;;
		3) machine good.csv 1 "$from" --uuid "$UUID" --retry 1 --hellos 1000 --wrong-pps & ;;
		esac
		forgers+=($!)
	done
	sleep $((RANDOM % 4)).$((RANDOM % 10))
	set_up "127.54.$((round % 200)).100"
	echo "soak: round $round of 16 forgers: set up in $(shown $TOOK)"
	[ $TOOK -le $worst ] || worst=$TOOK
	kill "${forgers[@]}" 2>/dev/null || true
	wait "${forgers[@]}" 2>/dev/null || true
done
echo "soak: $ROUNDS of $ROUNDS set up among 16 forgers each, in $(shown $worst) at most"
[ "$CROWD" -gt 0 ] || exit 0

# wait_for_crowd FAILURES: until each of the crowd was called so often.
wait_for_crowd() {
	for ((i = 0; i < 900; i++)); do
		[ "$("$BIN/amt-provisionctl" systems list --map map.db --json | jq --argjson n "$1" \
			'[.systems[] | select(.failures >= $n)] | length')" -lt "$CROWD" ] || return 0
		sleep 1
	done
	fail "the crowd was not called $1 times within 15 minutes"
}
keys good.csv 1
UUID=00000000-2222-3333-5555-000000000001
set_up 127.56.0.1
alone=$TOOK
keys crowd.csv "$CROWD"
cat >crowd.py <<'END'
# Each of the keys has an address of its own that takes connections and says nothing, and one hello.
import os, socket, struct, sys, time
port, back = int(sys.argv[1]), int(sys.argv[2])
doors = []
for i, line in enumerate(open('crowd.csv').read().split('\n')[1:]):
    pid = line.split(',')[0].replace('-', '')
    if len(pid) != 8:
        continue
    address = '127.57.%d.%d' % (i // 250, i % 250 + 1)
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, back))
    door.listen(100)
    doors.append(door)
    hello = socket.socket()
    hello.bind((address, 0))
    hello.connect(('127.0.0.1', port))
    hello.send(struct.pack('<HHI', 0, 2, 0) + os.urandom(16) + pid.encode())
    hello.close()
while True:
    time.sleep(60)
END
python3 crowd.py "$port" "$back" &
crowd=$!
most=0
for i in 1 2 3 4 5 6; do
	case $i in
	1) sleep 4 ;; # all hellos are there, most have not been called
	4) wait_for_crowd 1 && sleep 55 ;; # their second calls have begun
	*) sleep $((RANDOM % 3)).$((RANDOM % 10)) ;;
	esac
	keys good.csv 1
	UUID=00000000-2222-3333-5555-00000000001$i
	set_up 127.56.0.1$i
	echo "soak: with $CROWD tarpits: set up in $(shown $TOOK), alone in $(shown $alone)"
	[ $TOOK -le $most ] || most=$TOOK
done
kill $crowd
[ $((most - alone)) -le 50 ] || fail "$CROWD tarpits delayed a good machine by $(shown $((most - alone)))"
kill -TERM $daemon
wait $daemon || fail "the daemon ended with status $?"
daemon=''
echo "soak: $CROWD tarpits delayed a good machine by $(shown $((most - alone))) at most; passed"
