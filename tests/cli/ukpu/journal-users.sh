#!/bin/bash
# The machine's journal takes over those of all its users: one that cannot be read hides no other.
set -eu
if [ -z "${INSIDE:-}" ]; then
	unshare -rm true 2>/dev/null || { echo "no name spaces for mounts here"; exit 77; }
	INSIDE=1 exec unshare -rm bash "$0"
fi
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"
unset UKPU_JOURNAL
for user in one two three; do
	mkdir -p "$user/.local/state/ukpu"
	echo "$user:x:0:0::$PWD/$user:/bin/sh" >>passwd
done
if ! mount -t tmpfs none /var/lib 2>/dev/null || ! mount --bind passwd /etc/passwd; then
	echo "nothing can be mounted here"
	exit 77
fi

amt-keygen generate -n 3 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null
pid() { sed -n "$1p" keys.csv | cut -d, -f1 | tr -d -; }
put() { printf '2026-01-01T00:00:00Z\tput\t%s\t%s\n' "$1" "$(pid "$2")"; }
prepare() { expect "$1" ukpu prepare --yes --size 32M --image "${@:2}" setup.bin; }

{ printf 'SQLite format 3\0'; head -c 8192 /dev/zero | tr '\0' x; } \
	>one/.local/state/ukpu/sticks.db
put STICK2 2 >two/.local/state/ukpu/journal
prepare 2 a.img
says "1 of these keys .* went onto the stick STICK2"
says "warning: .*one/.local/state/ukpu/sticks.db"
[ -e one/.local/state/ukpu/sticks.db ] || fail "what was not taken over is put aside"
# It is said each time, until it is fixed.
put STICK3 3 >three/.local/state/ukpu/journal
prepare 2 a.img
says "2 of these keys"
says "warning: .*one/.local/state/ukpu/sticks.db"
rm one/.local/state/ukpu/sticks.db
prepare 2 a.img
grep -q 'warning:' out && fail "a journal that is gone is missed"
# Then it is done, and nobody's folder is looked at again.
put STICK4 4 >one/.local/state/ukpu/journal
prepare 2 a.img
says "2 of these keys"
[ -e one/.local/state/ukpu/journal ] || fail "all are taken over twice"
exit 0
