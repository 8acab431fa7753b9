#!/bin/bash
# ukpu wizard while it writes: Ctrl-C, signals, a terminal that goes, a stick that is spoiled.
set -eu
# shellcheck source=tests/support/wizard.inc
. "$(dirname "$0")/../../support/wizard.inc"

# The wizard notes in the journal that it is going to write, and that it has written. Who holds
# the lock of the one journal while another is put in its place, locked, too, can have it wait
# between writing and judging.
journal=$XDG_STATE_HOME/ukpu/journal
mkdir -p "${journal%/*}"; chmod 700 "${journal%/*}"
hold_before() { : >>"$journal"; exec 8<>"$journal"; flock 8; }
hold_after() {
	for _ in $(seq 300); do
		find "/proc/$1/fd" -lname "$journal" 2>/dev/null | grep -q . && break
		sleep 0.1
	done
	find "/proc/$1/fd" -lname "$journal" | grep -q . || fail "it does not wait for the journal"
	cp -p "$journal" next; exec 9<>next; flock 9; mv next "$journal"
	exec 8>&-
	see 'Every byte is read back'
}
let_go() { exec 9>&-; }
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
	rm -f "$journal" stick.img; truncate -s 64M stick.img
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
rm -f "$journal" stick.img; truncate -s 64M stick.img
write_half stick.img
printf 'EFI PART' | dd of=stick.img bs=512 seek=131071 conv=notrunc status=none
let_go
see '5. NOT READY'; see '1 rule failed'; see 'FAIL table-remains: a GPT'
see 'fix: ukpu repair --image stick.img'
press Enter; see '2. The stick'
press C-c; see '^NOT ready: stick.img is written'; see '^FAIL table-remains'; ended 1

# The same when the window was not waited for: the lines are there all the same.
rm -f "$journal" stick.img; truncate -s 64M stick.img
write_half stick.img
printf 'EFI PART' | dd of=stick.img bs=512 seek=131071 conv=notrunc status=none
press C-c; see 'ends when this stick is done'
let_go
see '^NOT ready: stick.img is written'; see '^FAIL table-remains'; ended 1

# A terminal that is gone for good does not stop the writing.
rm -f "$journal" stick.img; truncate -s 64M stick.img
write_half stick.img
T kill-server
sleep 0.5
kill -0 "$(cat pid)" || { echo "FAIL: the stick was not finished"; exit 1; }
let_go
wait_for 30 is_gone "$(cat pid)" || { echo "FAIL: it runs on without a terminal"; exit 1; }
"$BIN/ukpu" verify --image stick.img >out || { cat out; echo "FAIL: not ready"; exit 1; }
grep -q 'done' "$journal" || { echo "FAIL: the journal does not say that it is written"; exit 1; }

no_secrets keys.csv
echo ok
