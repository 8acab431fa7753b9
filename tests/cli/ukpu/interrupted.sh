#!/bin/bash
# ukpu ended by a signal while it writes: it says what that means, and the way on works.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"

amt-keygen generate -n 3 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null

# interrupt SIGNAL: while "retire --whole" overwrites a large image, which takes blocks then.
interrupt() {
	local before status=0
	for try in 1 2 3 4 5; do
		rm -f s.img
		expect 0 ukpu prepare --yes --second-stick --image s.img --size 1G setup.bin
		before=$(stat -c %b s.img)
		# What a shell starts in the background does not heed SIGINT of itself.
		env --default-signal ukpu retire --yes --whole --overwrite-unused --image s.img \
			>out 2>&1 &
		while kill -0 $! 2>/dev/null && [ "$(stat -c %b s.img)" -lt $((before + 20000)) ]; do
			sleep 0.01
		done
		kill -s "$1" $! 2>/dev/null || true
		status=0
		wait $! || status=$?
		[ $status = 0 ] || break
		echo "it was done before the signal came (try $try)" >&2
	done
	[ $status = $((128 + $(kill -l "$1"))) ] || fail "SIG$1: status $status"
}

for signal in INT TERM HUP; do
	interrupt $signal
	says "^ukpu: interrupted while writing: what is on s.img now is not complete"
	says "^  run the command again"
	expect 1 ukpu verify --image s.img
	says "FAIL  table-signature"
	ls ukpu/backup-s.img-*.bin >/dev/null || fail "there is no copy of the unused records"
done
expect 0 ukpu prepare --yes --image s.img setup.bin
expect 0 ukpu verify --image s.img
