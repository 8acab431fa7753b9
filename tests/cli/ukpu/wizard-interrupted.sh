#!/bin/bash
# ukpu wizard while it writes: Ctrl-C, signals, a terminal that goes, a stick that is spoiled.
set -eu
# shellcheck source=tests/support/wizard.inc
. "$(dirname "$0")/../../support/wizard.inc"

need python3

# The wizard notes in the journal that it is going to write, and that it has written. Who holds the
# lock of the one journal while another, locked too, takes its place behind the link can have
# it wait between writing and judging. The other gets what the first one had before it is let go.
cat >hold.py <<'PY'
import os, sqlite3, sys, time
def lock(path):
    c = sqlite3.connect(path, isolation_level=None, timeout=30)
    c.execute("BEGIN IMMEDIATE")
    return c
first = lock("j1/sticks.db")
print("held", flush=True)
sys.stdin.readline()
for name in os.listdir("j1"):
    if name == "sticks.db":
        with open("j1/sticks.db", "rb") as f, open("j2/sticks.db", "wb") as g:
            g.write(f.read())
second = lock("j2/sticks.db")
os.symlink("j2", "next")
os.rename("next", "journal")
first.execute("ROLLBACK")
print("moved", flush=True)
sys.stdin.readline()
old = sqlite3.connect("j1/sticks.db")
for table in ("stick", "mark", "place"):
    second.execute("DELETE FROM " + table)
    for row in old.execute("SELECT * FROM " + table):
        second.execute("INSERT INTO %s VALUES (%s)" % (table, ",".join("?" * len(row))), row)
second.execute("COMMIT")
print("done", flush=True)
PY
export UKPU_JOURNAL=$PWD/journal/sticks.db
fresh_journal() {
	rm -rf j1 j2 journal
	mkdir j1 j2; ln -s j1 journal
	# Made by the kit itself.
	"$BIN/ukpu" prepare --image first.img --size 17M "$PWD/keys.bin" --dry-run --quiet >/dev/null
}
hold_before() {
	coproc HOLD { python3 hold.py; }
	read -r word <&"${HOLD[0]}"; [ "$word" = held ] || fail "the journal is not held"
}
hold_after() { # PID
	for _ in $(seq 300); do
		find "/proc/$1/fd" -lname "$PWD/j1/sticks.db" 2>/dev/null | grep -q . && break
		sleep 0.1
	done
	find "/proc/$1/fd" -lname "$PWD/j1/sticks.db" | grep -q . || fail "it does not wait for the journal"
	echo >&"${HOLD[1]}"
	read -r word <&"${HOLD[0]}"; [ "$word" = moved ] || fail "the journal was not moved"
	see 'Every byte is read back'
}
let_go() {
	echo >&"${HOLD[1]}"
	read -r word <&"${HOLD[0]}"; [ "$word" = 'done' ] || fail "the journal was not let go"
}
write_half() { # IMAGE
	# In the foreground from the start: what begins behind it may be stopped as it comes forward.
	run "sh -c 'echo \$\$ >pid; exec \$BIN/ukpu wizard --image $1 other.img'"
	see '1. The setup.bin'
	down_to 'keys.bin'; press Enter; see '2. The stick'
	down_to "$1"; press Enter; see '3. Write to this stick'
	hold_before; press yes Enter; hold_after "$(cat pid)"
}

printf 'P@ssw0rd\n' >new.txt; chmod 600 new.txt
"$BIN/amt-keygen" generate -n 5 --new-password-file new.txt --setupbin keys.bin -o keys.csv \
	-q 2>/dev/null
truncate -s 64M other.img
terminal 80 24

# What is being written is finished; Ctrl-C is the person's, a signal is not.
for way in C-c TERM HUP; do
	fresh_journal; rm -f stick.img; truncate -s 64M stick.img
	write_half stick.img
	if [ $way = C-c ]; then press C-c; else kill -$way "$(cat pid)"; fi
	see 'ends when this stick is done'
	let_go
	see '^stick.img: ready; 5 records, 5 unused'
	case $way in
	C-c) ended 0 ;;
	TERM) see 'ended by the signal SIGTERM'; ended 2 ;;
	HUP) see 'the terminal is gone'; ended 2 ;;
	esac
	status 0 "$BIN/ukpu" verify --image stick.img
done

# A stick that firmware would not take: the rule that failed, in the window and behind it.
fresh_journal; rm -f stick.img; truncate -s 64M stick.img
write_half stick.img
printf 'EFI PART' | dd of=stick.img bs=512 seek=131071 conv=notrunc status=none
let_go
see '5. NOT READY'; see '1 rule failed'; see 'FAIL table-remains: a GPT'
see 'fix: ukpu repair --image stick.img'
press Enter; see '2. The stick'
press C-c; see '^NOT ready: stick.img is written'; see '^FAIL table-remains'; ended 1

# The same when the window was not waited for: the lines are there all the same.
fresh_journal; rm -f stick.img; truncate -s 64M stick.img
write_half stick.img
printf 'EFI PART' | dd of=stick.img bs=512 seek=131071 conv=notrunc status=none
press C-c; see 'ends when this stick is done'
let_go
see '^NOT ready: stick.img is written'; see '^FAIL table-remains'; ended 1

# A terminal that is gone for good does not stop the writing.
fresh_journal; rm -f stick.img; truncate -s 64M stick.img
write_half stick.img
T kill-server
sleep 0.5
kill -0 "$(cat pid)" || { echo "FAIL: the stick was not finished"; exit 1; }
let_go
wait_for 30 is_gone "$(cat pid)" || { echo "FAIL: it runs on without a terminal"; exit 1; }
"$BIN/ukpu" verify --image stick.img >out || { cat out; echo "FAIL: not ready"; exit 1; }
python3 - <<'PY' || { echo "FAIL: the journal does not say that it is written"; exit 1; }
import sqlite3
c = sqlite3.connect("journal/sticks.db")
places = c.execute("SELECT count(*), sum(old), count(gone) FROM place").fetchone()
marks = c.execute("SELECT count(*), sum(old) FROM mark").fetchone()
assert places == (5, 0, 0) and marks == (1, 0), (places, marks)
PY

no_secrets keys.csv
echo ok
