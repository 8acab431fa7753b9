#!/bin/bash
# At a terminal: secrets are asked for and stay hidden, long work shows a bar, pipes get none.
set -eu
# shellcheck source=tests/support/terminal.inc
. "$TOP/tests/support/terminal.inc"
fail() { echo "FAIL: $*"; exit 1; }
# terminal PROMPT INPUT COMMAND: runs it on a terminal of its own, where INPUT is typed when PROMPT
# shows; what it showed is in "shown". What is typed before the prompt is thrown away.
terminal() {
	rm -f shown
	{
		for _ in $(seq 300); do
			! grep -q "$1" shown 2>/dev/null || break
			sleep 0.1
		done
		printf '%s\n' "$2"
		sleep 1
	} | script -qefc "$3" shown >/dev/null
}
terminal 'password: ' 'P@ssw0rd' "'$BIN/amt-keygen' generate -n 1 --map map.db --new-password-file -" ||
	fail "the typed password was not taken: $(cat shown)"
grep -q 'new MEBx password: ' shown || fail "no prompt"
grep -q 'P@ssw0rd' shown && fail "the password was shown"
if terminal 'password: ' 'short' "'$BIN/amt-keygen' generate -n 1 --map map.db --new-password-file -"; then
	fail "a bad password was taken"
fi
grep -q '8 to 32 characters' shown || fail "the rule is not named: $(cat shown)"
terminal '' '' "'$BIN/amt-keygen' generate -n 3000000 --output big.csv" || fail "generate"
grep -q 'making pairs \[#*\.*\]' shown || fail "no progress bar on a terminal"
"$BIN/amt-keygen" generate -n 3000000 --output big.csv --force 2>err
grep -q 'making pairs' err && fail "a progress bar in a file"

# While a question waits, the same keys may go onto another stick: then they do not go onto this.
"$BIN/amt-keygen" generate -n 3 -q --random-passwords -o keys3.csv --setupbin three.bin 2>/dev/null
truncate -s 32M slow.img
answer() {
	for _ in $(seq 300); do
		! grep -q 'Type "yes"' typescript 2>/dev/null || break
		sleep 0.1
	done
	"$BIN/ukpu" prepare --quiet --yes --image quick.img --size 32M three.bin
	echo yes
	sleep 2
}
got=0
answer | timeout 60 script -qfec "'$BIN/ukpu' prepare --image slow.img three.bin" typescript \
	>/dev/null ||
	got=$?
[ $got = 2 ] || { cat typescript; fail "status $got instead of 2"; }
grep -q "meanwhile keys of this file went onto" typescript ||
	{ cat typescript; fail "nothing is said"; }
"$BIN/ukpu" status --image quick.img || fail "the other stick has no keys"
if "$BIN/ukpu" status --image slow.img; then fail "the keys are on both"; fi
echo ok
