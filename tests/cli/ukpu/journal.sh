#!/bin/bash
# The journal of sticks: the machine's, or a person's own; what earlier versions kept is taken over.
set -eu
# shellcheck source=tests/support/ukpu.inc
. "$(dirname "$0")/../../support/ukpu.inc"
need python3

amt-keygen generate -n 3 -q --random-passwords -o keys.csv --setupbin setup.bin 2>/dev/null
pid() { sed -n "$(($1 + 1))p" keys.csv | cut -d, -f1 | tr -d -; }
prepare() { expect "$1" ukpu prepare --yes --size 32M --image "${@:2}" setup.bin; }

# One journal for all who work at this machine.
prepare 0 a.img
says "^a.img: ready"
[ "$(stat -c %a sticks.db)" = 600 ] || fail "the journal is open to others"
(export HOME=$PWD/second XDG_STATE_HOME=$PWD/second/state; prepare 2 b.img) || exit 1
says "3 of these keys .* went onto the stick .*/a.img"
grep -q 'same maker' out && fail "an image is not a stick of the same maker"

# Whoever keeps one of their own hears what that means; later it is taken over, once.
prepare 0 own.img --own-journal
says "warning: --own-journal: others do not see"
[ -e ukpu/sticks.db ] || fail "there is no journal in the state folder"
rm -f sticks.db
amt-keygen generate -n 3 -q --random-passwords -o keys2.csv --setupbin two.bin 2>/dev/null
expect 0 ukpu prepare --yes --size 32M --image c.img two.bin
says "ukpu: the journal of sticks $PWD/ukpu/sticks.db is taken over into $PWD/sticks.db"
[ -e ukpu/sticks.db.taken-over ] || fail "the own journal is not put aside"
prepare 2 d.img
says "went onto the stick .*/own.img"
grep -q 'taken over' out && fail "taken over twice"

# So is the text file of an earlier version.
rm -f sticks.db ./*.img
for i in 1 2 3; do
	printf '2026-01-01T00:00:00Z\t%s\tSERIAL%%20ONE\t%s\n' put "$(pid $i)"
done >ukpu/journal
prepare 2 a.img
says "the journal of sticks $PWD/ukpu/journal is taken over"
says "3 of these keys .* went onto the stick SERIAL ONE on 2026-01-01T00:00:00Z"
[ ! -e ukpu/journal ] || fail "the earlier journal is still there"
[ ! -e a.img ] || fail "an image was left behind"

# A journal that is damaged, or somebody's, stops it before the first byte.
prepare 0 a.img --second-stick
cp sticks.db good.db
python3 -c '
f = open("sticks.db", "r+b")
f.write(b"x" * 4096)'
prepare 2 b.img --second-stick
says "the journal $PWD/sticks.db is damaged"
[ ! -e b.img ] || fail "an image was left behind"
cp good.db sticks.db
python3 -c '
import sqlite3, subprocess, sys, time
c = sqlite3.connect("sticks.db")
c.execute("PRAGMA user_version = 9")'
prepare 2 b.img --second-stick
says "is of a later version"

# The machine's is where the system keeps such things, and who may not write there gets the command.
if [ "$(id -u)" != 0 ] && [ ! -w /var/lib/ukpu ]; then
	(unset UKPU_JOURNAL; prepare 2 b.img) || exit 1
	says "type once: sudo groupadd -rf amt-bench"
	says "--own-journal"
fi
